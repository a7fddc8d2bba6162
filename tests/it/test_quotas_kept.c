/* test_quotas_kept.c -- clients with a quota on what they keep: it is reached and never passed,
 * whichever worker is asked, and what is over comes back.
 *
 * Where there is a PostgreSQL server, what asks SQL most runs on that, too.
 */
#include "support/key_client.h"

#include <signal.h>
#include <stdlib.h>

#define WORKERS 2

static char sku[64];

/* An item with so many units, made by an admin without a quota. */
static void stock_item(int on_hand)
{
    KEEP(sku, new_sku());
    static struct key_client admin;
    if (!admin.header[0]) {
        char key[API_KEY_SIZE];
        api_key_of(ROLE_ADMIN, key);
        snprintf(admin.header, sizeof(admin.header), "Authorization: Bearer %s\r\n", key);
    }
    assert_int_equal(key_client_call(&admin, "PUT", ITEM(sku), text("{\"on_hand\":%d}", on_hand)),
                     201);
}

/* Nothing is let through before what clients keep was read for the first time. */
static int call(const struct key_client *c, const char *method, const char *path, const char *body)
{
    char at[512], what[4096];
    KEEP(at, path);
    KEEP(what, body ? body : "");
    assert_true(await(key_client_call(c, method, at, body ? what : NULL) != 503, RECOVERY_MS));
    return a->resp.status;
}

static int reserve(const struct key_client *c, int units)
{
    return call(c, "POST", RESERVATIONS, LINE(sku, units));
}

/* One that is known: of a batch each operation would be told by itself that it is not yet. */
static struct key_client client(const char *tenant, const char *quota)
{
    struct key_client c = key_client_of("seller", tenant, quota);
    assert_int_equal(call(&c, "POST", RESERVATIONS, LINE("nothing", 1)), 404);
    return c;
}

static int reserve_keyed(const struct key_client *c, const char *key)
{
    struct key_client with_key = *c;
    size_t n = strlen(with_key.header);
    snprintf(with_key.header + n, sizeof(with_key.header) - n, "Idempotency-Key: %s\r\n", key);
    return reserve(&with_key, 1);
}

static void check_full(const char *limit, int quota, int used)
{
    check_problem(a, 429, "rate-limited", NULL);
    check_like(a, "{'limit':'%s','quota':%d,'used':%d}", limit, quota, used);
    assert_non_null(http_resp_header(&a->resp, "Retry-After", (char[80]){0}, 80));
}

/* --- each limit ------------------------------------------------------------------------------- */

static void holds_stop_at_the_quota(void **state)
{
    stock_item(100);
    struct key_client c = client(NULL, "holds=5");
    for (int i = 0; i < 5; i++)
        assert_int_equal(reserve(&c, 1), 201);
    for (int i = 0; i < 10; i++) { /* at every worker */
        assert_int_equal(reserve(&c, 1), 429);
        assert_string_equal(api_str(a, "limit"), "holds");
        assert_int_equal(api_int(a, "quota"), 5);
        assert_true(api_int(a, "used") >= 5);
    }
    assert_int_equal(call(&c, "GET", ITEM(sku), NULL), 200);
    check_like(a, "{'available':95,'held':5}");
}

static void units_stop_at_the_quota(void **state)
{
    stock_item(100);
    struct key_client c = client(NULL, "units=10");
    assert_int_equal(reserve(&c, 11), 429);
    check_full("units", 10, 0);
    assert_int_equal(reserve(&c, 10), 201);
    assert_int_equal(reserve(&c, 1), 429);
    assert_int_equal(call(&c, "POST", DECREMENT(sku), "{\"quantity\":20}"), 200); /* holds none */
}

static void metadata_stops_at_the_quota(void **state)
{
    stock_item(100);
    struct key_client c = client(NULL, "metadata=20");
    char large[128];
    KEEP(large, text("{\"sku\":\"%s\",\"quantity\":1,\"metadata\":{\"a\":\"0123456789\"}}", sku));
    assert_int_equal(call(&c, "POST", RESERVATIONS, large), 201); /* 18 bytes */
    assert_int_equal(call(&c, "POST", RESERVATIONS, large), 429);
    assert_string_equal(api_str(a, "limit"), "metadata");
    assert_int_equal(reserve(&c, 1), 201);
}

static void keys_stop_at_the_quota(void **state)
{
    stock_item(100);
    struct key_client c = key_client_of("seller", NULL, "operations=2");
    assert_int_equal(reserve_keyed(&c, "one"), 201);
    assert_int_equal(reserve_keyed(&c, "two"), 201);
    assert_int_equal(reserve_keyed(&c, "three"), 429);
    assert_string_equal(api_str(a, "limit"), "operations");
    assert_int_equal(reserve(&c, 1), 201); /* without a key */
}

/* --- what is never refused -------------------------------------------------------------------- */

static void repeats_go_on(void **state)
{
    char id[64];
    stock_item(100);
    struct key_client c = client(NULL, "holds=1");
    assert_int_equal(reserve_keyed(&c, "first"), 201);
    KEEP(id, api_str(a, "id"));
    assert_int_equal(reserve_keyed(&c, "second"), 429);
    assert_string_equal(api_str(a, "limit"), "holds");
    for (int i = 0; i < 4; i++) {
        assert_int_equal(reserve_keyed(&c, "first"), 201);
        check_header(a, "Idempotent-Replayed", "true");
        assert_string_equal(api_str(a, "id"), id);
    }
    assert_int_equal(call(&c, "GET", ITEM(sku), NULL), 200);
    check_like(a, "{'held':1}");
}

static void holds_end_and_what_ends_comes_back(void **state)
{
    char confirmed[64], released[64];
    stock_item(100);
    struct key_client c = client(NULL, "holds=3,units=3");
    assert_int_equal(reserve(&c, 1), 201);
    KEEP(confirmed, api_str(a, "id"));
    assert_int_equal(reserve(&c, 1), 201);
    KEEP(released, api_str(a, "id"));
    assert_int_equal(call(&c, "POST", RESERVATIONS,
                          text("{\"sku\":\"%s\",\"quantity\":1,\"ttl_seconds\":1}", sku)),
                     201);
    assert_int_equal(reserve(&c, 1), 429);
    assert_int_equal(call(&c, "POST", CONFIRM(confirmed), NULL), 200);
    assert_int_equal(call(&c, "POST", RELEASE(released), NULL), 200);
    for (int i = 0; i < 3; i++) /* the third expires */
        assert_true(await(reserve(&c, 1) == 201, RECOVERY_MS));
    assert_int_equal(reserve(&c, 1), 429);
}

/* A flood of those must not shut a client out. */
static void what_is_sold_out_counts_nothing(void **state)
{
    struct key_client c = client(NULL, "holds=2");
    stock_item(0);
    for (int i = 0; i < 20; i++)
        assert_int_equal(reserve(&c, 1), 409);
    stock_item(10);
    assert_int_equal(reserve(&c, 1), 201);
    assert_int_equal(reserve(&c, 1), 201);
    assert_int_equal(reserve(&c, 1), 429);
}

static void nobody_else_notices(void **state)
{
    stock_item(100);
    struct key_client c = client(NULL, "holds=1");
    struct key_client other = client(NULL, "holds=1");
    struct key_client free = key_client_of("seller", NULL, "none");
    assert_int_equal(reserve(&c, 1), 201);
    assert_int_equal(reserve(&c, 1), 429);
    assert_int_equal(reserve(&other, 1), 201);
    for (int i = 0; i < 10; i++)
        assert_int_equal(reserve(&free, 1), 201);
}

static void a_client_of_a_tenant_has_its_own(void **state)
{
    stock_item(100);
    struct key_client c = client("acme", "holds=2");
    assert_int_equal(reserve(&c, 1), 201);
    assert_int_equal(reserve(&c, 1), 201);
    assert_int_equal(reserve(&c, 1), 429);
}

/* --- batches ---------------------------------------------------------------------------------- */

static const char *batch_of(int operations, const char *key_of_second)
{
    static char body[4096];
    size_t n = (size_t)snprintf(body, sizeof(body), "{\"operations\":[");
    for (int i = 0; i < operations; i++)
        n += (size_t)snprintf(body + n, sizeof(body) - n,
                              "%s{\"op\":\"reserve\",\"sku\":\"%s\",\"quantity\":1%s}",
                              i ? "," : "", sku, i == 1 ? key_of_second : "");
    snprintf(body + n, sizeof(body) - n, "]}");
    return body;
}

static void check_results(int operations, const int *statuses)
{
    for (int i = 0; i < operations; i++)
        assert_int_equal(api_int(a, text("results[%d].status", i)), statuses[i]);
}

static void each_operation_of_a_batch_is_judged_by_itself(void **state)
{
    stock_item(100);
    struct key_client c = client(NULL, "holds=2");
    assert_int_equal(call(&c, "POST", "/v1/batch", batch_of(4, ",\"idempotency_key\":\"b\"")), 200);
    check_results(4, (int[]){201, 201, 429, 429});
    assert_string_equal(api_str(a, "results[2].body.limit"), "holds");
    assert_int_equal(call(&c, "POST", "/v1/batch", batch_of(3, ",\"idempotency_key\":\"b\"")), 200);
    check_results(3, (int[]){429, 201, 429}); /* the second is a repeat */
    assert_int_equal(call(&c, "POST", "/v1/batch", batch_of(3, "")), 200);
    check_results(3, (int[]){429, 429, 429});
    assert_int_equal(call(&c, "GET", ITEM(sku), NULL), 200);
    check_like(a, "{'held':2}");
}

static void a_large_batch_stops_at_the_quota(void **state)
{
    int created = 0;
    stock_item(100);
    struct key_client c = client(NULL, "holds=7");
    assert_int_equal(call(&c, "POST", "/v1/batch", batch_of(40, "")), 200);
    for (int i = 0; i < 40; i++)
        created += api_int(a, text("results[%d].status", i)) == 201;
    assert_int_equal(created, 7);
}

/* --- trouble ---------------------------------------------------------------------------------- */

/* What came back is not known then; that nothing is, would be no reason to forget. */
static void while_the_ledger_stands_nothing_is_forgotten(void **state)
{
    char ids[3][64];
    stock_item(100);
    struct key_client c = client(NULL, "holds=3");
    assert_int_equal(call(&c, "GET", ITEM(sku), NULL), 200);
    pid_t ledger = pid_of(TSERVICE_LEDGER);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(reserve(&c, 1), 201);
        KEEP(ids[i], api_str(a, "id"));
        if (i == 0)
            kill(ledger, SIGSTOP);
    }
    for (int i = 0; i < 3; i++)
        assert_int_equal(call(&c, "POST", RELEASE(ids[i]), NULL), 200);
    for (int i = 0; i < 20; i++)
        assert_int_equal(reserve(&c, 1), 429);
    kill(ledger, SIGCONT);
    for (int i = 0; i < 3; i++)
        assert_true(await(reserve(&c, 1) == 201, RECOVERY_MS));
    assert_int_equal(reserve(&c, 1), 429);
}

/* Whichever host is asked, within what it has read. */
static void another_host_knows_soon(void **state)
{
    static struct tservice other;
    static struct api there;
    stock_item(100);
    struct key_client c = client(NULL, "holds=4");
    for (int i = 0; i < 4; i++)
        assert_int_equal(reserve(&c, 1), 201);
    serve_beside(&other, .workers = WORKERS, .flags = {"--keys-file", key_file});
    api_open(&there, other.port);
    struct api *here = a;
    a = &there;
    assert_true(await(reserve(&c, 1) == 429, RECOVERY_MS));
    a = here;
    api_close(&there);
    assert_true(tservice_stop(&other));
}

/* Last: the workers that come instead say that they have read the keys, too. */
static void a_quota_outlives_the_workers(void **state)
{
    pid_t old[4];
    stock_item(100);
    struct key_client c = client(NULL, "holds=2");
    assert_int_equal(reserve(&c, 1), 201);
    assert_int_equal(reserve(&c, 1), 201);
    int count = tservice_pids(&stack.service, TSERVICE_WORKER, old, 4);
    assert_int_equal(count, WORKERS);
    for (int i = 0; i < count; i++)
        kill(old[i], SIGKILL);
    for (int i = 0; i < count; i++)
        assert_true(await(!tproc_pid_alive(old[i]), RECOVERY_MS));
    http_conn_close(&a->conn);
    assert_true(
        await(http_call(&a->conn, "GET", "/v1/items", c.header, NULL, &a->resp) == 0, RECOVERY_MS));
    assert_int_equal(reserve(&c, 1), 429);
}

/* --- without a ledger ------------------------------------------------------------------------- */

static void a_quota_that_nobody_counts_is_refused(void **state)
{
    stock_item(100);
    struct key_client c = key_client_of("seller", NULL, "rps=100000");
    check_command(0, "keys", "quota", "--keys-file", key_file, "--quota", "holds=1", c.id);
    assert_true(
        await(log_has("the API keys of before stay in force", "--ledger none"), RECOVERY_MS));
    for (int i = 0; i < 5; i++)
        assert_int_equal(reserve(&c, 1), 201);
    check_command(64, "serve", "--redis", stack.redis.url, "--ledger", "none", "--keys-file",
                  key_file);
    check_said(c.name);
    check_said("give it one, or the client a quota of rps and burst alone");
    check_command(0, "keys", "quota", "--keys-file", key_file, "--quota", "none", c.id);
}

static int run(const char *name, const struct CMUnitTest *tests, size_t count,
               const enum base_engine *ledger)
{
    if (key_clients_begin(WORKERS) < 0)
        return 1;
    int failed =
        run_suite_as(name, tests, count,
                     &(struct fixture){
                         .workers = WORKERS, .ledger = ledger, .flags = {"--keys-file", key_file}});
    key_clients_end();
    return failed;
}

#define RUN(name, tests, ledger) run((name), (tests), sizeof(tests) / sizeof((tests)[0]), (ledger))

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(holds_stop_at_the_quota),
        cmocka_unit_test(units_stop_at_the_quota),
        cmocka_unit_test(metadata_stops_at_the_quota),
        cmocka_unit_test(keys_stop_at_the_quota),
        cmocka_unit_test(repeats_go_on),
        cmocka_unit_test(holds_end_and_what_ends_comes_back),
        cmocka_unit_test(what_is_sold_out_counts_nothing),
        cmocka_unit_test(nobody_else_notices),
        cmocka_unit_test(a_client_of_a_tenant_has_its_own),
        cmocka_unit_test(each_operation_of_a_batch_is_judged_by_itself),
        cmocka_unit_test(a_large_batch_stops_at_the_quota),
        cmocka_unit_test(while_the_ledger_stands_nothing_is_forgotten),
        cmocka_unit_test(another_host_knows_soon),
        cmocka_unit_test(a_quota_outlives_the_workers),
    };
    const struct CMUnitTest on_postgres[] = {
        cmocka_unit_test(holds_end_and_what_ends_comes_back),
        cmocka_unit_test(a_client_of_a_tenant_has_its_own),
        cmocka_unit_test(while_the_ledger_stands_nothing_is_forgotten),
    };
    const struct CMUnitTest without[] = {cmocka_unit_test(a_quota_that_nobody_counts_is_refused)};
    unsetenv("TEST_KEYS"); /* who asks is said each time */
    return RUN("quotas kept (sqlite)", tests, ON_SQLITE) +
           RUN("quotas kept (postgresql)", on_postgres, ON_POSTGRES) +
           RUN("quotas kept, no ledger", without, NULL);
}
