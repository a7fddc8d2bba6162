/* test_quotas.c -- clients with a quota: what they may ask is answered, the rest is refused whole,
 * and nobody else notices.
 *
 * With --quota-share 0.001 a quota of rps=1,burst=5000 is 5 requests, of which one comes back in
 * 1,000 s: as good as never, on a machine of any speed.
 */
#include "support/key_client.h"

#include <stdlib.h>

#define FIVE    "rps=1,burst=5000"
#define NEVER   "\"requests\";q=5;w=5000"
#define WORKERS 2

static struct key_client client(const char *role, const char *quota)
{
    return key_client_of(role, NULL, quota);
}

static int list_of(const struct key_client *c)
{
    return key_client_call(c, "GET", "/v1/items", NULL);
}

static void check_left(int left)
{
    char value[80];
    check_header(a, "RateLimit-Policy", NEVER);
    assert_non_null(http_resp_header(&a->resp, "RateLimit", value, sizeof(value)));
    const char *wanted = text("\"requests\";r=%d;t=", left);
    if (strncmp(value, wanted, strlen(wanted)) != 0)
        fail_msg("%s is not %s", value, wanted);
}

static void check_refused(void)
{
    char value[80];
    check_problem(a, 429, "rate-limited", NULL);
    assert_non_null(http_resp_header(&a->resp, "Retry-After", value, sizeof(value)));
    int wait_s = atoi(value);
    assert_true(wait_s > 0 && wait_s <= 5000);
}

static void spend(const struct key_client *c, int requests)
{
    for (int i = 0; i < requests; i++)
        assert_int_equal(list_of(c), 200);
}

/* --- requests --------------------------------------------------------------------------------- */

static void a_client_has_its_burst_and_is_told_what_is_left(void **state)
{
    struct key_client c = client("reader", FIVE);
    for (int left = 4; left >= 0; left--) {
        assert_int_equal(list_of(&c), 200);
        check_left(left);
    }
    for (int i = 0; i < 10; i++) { /* at every worker */
        assert_int_equal(list_of(&c), 429);
        check_refused();
        check_left(0);
    }
}

static void nobody_else_notices(void **state)
{
    struct key_client c = client("reader", FIVE), other = client("reader", FIVE);
    struct key_client free = client("reader", "none");
    spend(&c, 5);
    assert_int_equal(list_of(&c), 429);
    spend(&other, 1);
    check_left(4);
    for (int i = 0; i < 20; i++)
        assert_int_equal(list_of(&free), 200);
    check_header(a, "RateLimit", NULL);
    check_header(a, "RateLimit-Policy", NULL);
}

static void what_was_used_comes_back(void **state)
{
    struct key_client c = client("reader", "rps=2000,burst=1000"); /* of one, twice a second */
    int refused = 0;
    assert_true(await((refused += list_of(&c) == 429) > 0, RECOVERY_MS));
    check_refused();
    assert_true(await(list_of(&c) == 200, RECOVERY_MS));
}

static void both_keys_of_a_client_have_one_quota(void **state)
{
    struct key_client c = client("reader", FIVE), next = c;
    spend(&c, 3);
    check_command(0, "keys", "rotate", "--keys-file", key_file, c.id);
    key_client_take(&next);
    spend(&next, 2);
    assert_int_equal(list_of(&next), 429);
    assert_int_equal(list_of(&c), 429);
}

static void what_is_refused_has_changed_nothing(void **state)
{
    struct key_client admin = client("admin", "none"), c = client("stock", FIVE);
    const char *sku = new_sku();
    assert_int_equal(key_client_call(&admin, "PUT", ITEM(sku), "{\"on_hand\":10}"), 201);
    spend(&c, 5);
    assert_int_equal(key_client_call(&c, "POST", RESERVATIONS, LINE(sku, 1)), 429);
    assert_int_equal(key_client_call(&c, "POST", DECREMENT(sku), "{\"quantity\":1}"), 429);
    assert_int_equal(key_client_call(&c, "DELETE", ITEM(sku), NULL), 429);
    assert_int_equal(key_client_call(&admin, "GET", ITEM(sku), NULL), 200);
    check_like(a, "{'on_hand':10,'available':10,'version':1}");
}

/* Whoever may not ask for it, asks; so does who repeats what was done. */
static void whatever_a_client_asks_costs(void **state)
{
    struct key_client admin = client("admin", "none"), c = client("seller", FIVE);
    const char *sku = new_sku();
    const char *keyed = text("%sIdempotency-Key: %s\r\n", c.header, sku);
    assert_int_equal(key_client_call(&admin, "PUT", ITEM(sku), "{\"on_hand\":10}"), 201);
    assert_int_equal(key_client_call(&c, "DELETE", ITEM(sku), NULL), 403);
    check_left(4);
    assert_int_equal(key_client_call(&c, "GET", "/v1/nothing", NULL), 404);
    check_left(3);
    for (int left = 2; left >= 1; left--) {
        api_call(a, 201, "POST", RESERVATIONS, keyed, LINE(sku, 1));
        check_left(left);
    }
    check_header(a, "Idempotent-Replayed", "true");
    assert_int_equal(key_client_call(&c, "POST", RESERVATIONS, "{"), 400);
    check_left(0);
}

static void probes_cost_nothing(void **state)
{
    struct key_client c = client("reader", FIVE);
    spend(&c, 5);
    assert_int_equal(key_client_call(&c, "GET", "/metrics", NULL), 200);
    check_header(a, "RateLimit", NULL);
    assert_int_equal(key_client_call(&c, "GET", "/healthz", NULL), 200);
    assert_int_equal(key_client_call(&c, "GET", "/readyz", NULL), 200);
    assert_int_equal(list_of(&c), 429);
}

/* --- batches ---------------------------------------------------------------------------------- */

static const char *batch_of(const char *sku, int operations)
{
    static char body[4096];
    size_t n = (size_t)snprintf(body, sizeof(body), "{\"operations\":[");
    for (int i = 0; i < operations; i++)
        n += (size_t)snprintf(body + n, sizeof(body) - n,
                              "%s{\"op\":\"decrement\",\"sku\":\"%s\",\"quantity\":1}",
                              i ? "," : "", sku);
    snprintf(body + n, sizeof(body) - n, "]}");
    return body;
}

static void a_batch_costs_what_its_operations_cost(void **state)
{
    struct key_client admin = client("admin", "none"), c = client("seller", FIVE);
    const char *sku = new_sku();
    assert_int_equal(key_client_call(&admin, "PUT", ITEM(sku), "{\"on_hand\":10}"), 201);
    assert_int_equal(key_client_call(&c, "POST", "/v1/batch", batch_of(sku, 3)), 200);
    check_left(2);
    assert_int_equal(key_client_call(&c, "POST", "/v1/batch", batch_of(sku, 3)), 429);
    check_refused();
    check_left(1);
    assert_int_equal(key_client_call(&c, "POST", "/v1/batch", batch_of(sku, 1)), 200);
    check_left(0);
    assert_int_equal(key_client_call(&c, "POST", "/v1/batch", batch_of(sku, 1)), 429);
    assert_int_equal(key_client_call(&admin, "GET", ITEM(sku), NULL), 200);
    check_like(a, "{'on_hand':6,'sold':4}");
}

/* Its body was read and parsed: whoever sends such ones for ever must come to an end. */
static void a_batch_that_is_refused_costs_one(void **state)
{
    struct key_client c = client("seller", FIVE);
    const char *sku = new_sku();
    for (int left = 4; left >= 0; left--) {
        assert_int_equal(key_client_call(&c, "POST", "/v1/batch", batch_of(sku, 6)), 429);
        check_refused();
        assert_non_null(strstr(api_str(a, "detail"), "smaller batches"));
        check_left(left);
    }
    assert_int_equal(key_client_call(&c, "GET", "/v1/items", NULL), 429);
}

static void a_batch_that_is_none_costs_one(void **state)
{
    struct key_client c = client("seller", FIVE);
    assert_int_equal(key_client_call(&c, "POST", "/v1/batch", "{\"operations\":[]}"), 422);
    check_left(4);
}

/* --- bodies ----------------------------------------------------------------------------------- */

/* One that is announced and comes late, one in chunks: read past, and the connection goes on. */
static void a_refusal_keeps_the_connection(void **state)
{
    static const char *const bodies[][2] = {
        {"Content-Length: 10", "{\"a\":1234}"},
        {"Transfer-Encoding: chunked", "4\r\n{\"a\"\r\n6\r\n:1234}\r\n0\r\n\r\n"}};
    struct key_client c = client("seller", FIVE);
    spend(&c, 5);
    for (int i = 0; i < 2; i++) {
        const char *head = text("POST /v1/reservations HTTP/1.1\r\nHost: localhost\r\n%s%s\r\n"
                                "Content-Type: application/json\r\n\r\n",
                                c.header, bodies[i][0]);
        http_conn_close(&a->conn);
        assert_int_equal(http_conn_open(&a->conn), 0);
        assert_int_equal(http_send(&a->conn, head, strlen(head)), 0);
        assert_int_equal(http_send(&a->conn, bodies[i][1], strlen(bodies[i][1])), 0);
        assert_int_equal(http_receive(&a->conn, false, &a->resp), 0);
        check_refused();
        check_header(a, "Connection", NULL);
        assert_true(http_conn_usable(&a->conn));
        assert_int_equal(http_send_call(&a->conn, "GET", "/metrics", c.header, NULL, 0), 0);
        assert_int_equal(http_receive(&a->conn, false, &a->resp), 0);
        assert_int_equal(a->resp.status, 200);
    }
}

/* It would take longer to read past that. */
static void a_refusal_of_a_body_that_is_too_long_does_not_wait_for_it(void **state)
{
    struct key_client c = client("seller", FIVE);
    const char *head = text("POST /v1/reservations HTTP/1.1\r\nHost: localhost\r\n%s"
                            "Content-Length: 2000000\r\nContent-Type: application/json\r\n\r\n",
                            c.header);
    spend(&c, 5);
    http_conn_close(&a->conn);
    assert_int_equal(http_conn_open(&a->conn), 0);
    assert_int_equal(http_send(&a->conn, head, strlen(head)), 0);
    assert_int_equal(http_receive(&a->conn, false, &a->resp), 0);
    check_refused();
    check_left(0);
    check_header(a, "Connection", "close");
}

/* --- what lasts ------------------------------------------------------------------------------- */

static double limited(const struct key_client *c)
{
    static const char name[] = "\nstockd_rate_limited_total{why=\"requests\"} ";
    assert_int_equal(key_client_call(c, "GET", "/metrics", NULL), 200);
    const char *at = strstr(a->resp.body, name);
    assert_non_null(at);
    return strtod(at + strlen(name), NULL);
}

static void refusals_are_counted(void **state)
{
    struct key_client c = client("seller", FIVE);
    double before = limited(&c);
    spend(&c, 4);
    assert_int_equal(key_client_call(&c, "POST", "/v1/batch", batch_of("a", 2)), 429);
    assert_int_equal(list_of(&c), 429);
    assert_true(limited(&c) == before + 2);
}

static void another_quota_is_in_force_soon(void **state)
{
    struct key_client c = client("reader", FIVE);
    spend(&c, 5);
    check_command(0, "keys", "quota", "--keys-file", key_file, "--quota", "none", c.id);
    /* At both workers: many in a row. */
    int row = 0;
    assert_true(await((row = list_of(&c) == 200 ? row + 1 : 0) >= 30, RECOVERY_MS));
    check_header(a, "RateLimit", NULL);
    check_command(0, "keys", "list", "--keys-file", key_file);
    check_said("rps=1,burst=5000");
    check_command(64, "keys", "quota", "--keys-file", key_file, "--quota", "5/s", c.id);
    check_said("rps=50,burst=100");
    check_command(64, "keys", "quota", "--keys-file", key_file, c.id);
    check_said("--quota");
    check_command(1, "keys", "quota", "--keys-file", key_file, "--quota", "none", "0123456789ab");
    check_said("no key of that id");
}

/* Last: the workers that come instead say that they have read the keys, too. */
static void a_quota_outlives_the_workers(void **state)
{
    struct key_client c = client("reader", FIVE);
    pid_t old[4];
    spend(&c, 5);
    int count = tservice_pids(&stack.service, TSERVICE_WORKER, old, 4);
    assert_int_equal(count, WORKERS);
    for (int i = 0; i < count; i++)
        kill(old[i], SIGKILL);
    for (int i = 0; i < count; i++)
        assert_true(await(!tproc_pid_alive(old[i]), RECOVERY_MS));
    http_conn_close(&a->conn);
    assert_true(
        await(http_call(&a->conn, "GET", "/v1/items", c.header, NULL, &a->resp) == 0, RECOVERY_MS));
    assert_int_equal(a->resp.status, 429);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_client_has_its_burst_and_is_told_what_is_left),
        cmocka_unit_test(nobody_else_notices),
        cmocka_unit_test(what_was_used_comes_back),
        cmocka_unit_test(both_keys_of_a_client_have_one_quota),
        cmocka_unit_test(what_is_refused_has_changed_nothing),
        cmocka_unit_test(whatever_a_client_asks_costs),
        cmocka_unit_test(probes_cost_nothing),
        cmocka_unit_test(a_batch_costs_what_its_operations_cost),
        cmocka_unit_test(a_batch_that_is_refused_costs_one),
        cmocka_unit_test(a_batch_that_is_none_costs_one),
        cmocka_unit_test(a_refusal_keeps_the_connection),
        cmocka_unit_test(a_refusal_of_a_body_that_is_too_long_does_not_wait_for_it),
        cmocka_unit_test(refusals_are_counted),
        cmocka_unit_test(another_quota_is_in_force_soon),
        cmocka_unit_test(a_quota_outlives_the_workers),
    };
    unsetenv("TEST_KEYS"); /* who asks is said each time */
    int failed = key_clients_begin(WORKERS) < 0
                     ? EXIT_FAILURE
                     : run_suite("quotas", tests, .workers = WORKERS,
                                 .flags = {"--keys-file", key_file, "--quota-share", "0.001"});
    key_clients_end();
    return failed;
}
