/* test_contract_ends.c -- what becomes of a reservation: confirmed, released, extended, expired,
 * taken again; and the versions that a checker relies on. */
#include "support/fixture.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void keeper_signal(int signo)
{
    pid_t pid;
    assert_int_equal(tservice_pids(&stack.service, TSERVICE_KEEPER, &pid, 1), 1);
    kill(pid, signo);
}

static int keeper_thaw(void **state)
{
    keeper_signal(SIGCONT);
    return 0;
}

static void await_expired(const char *id, int64_t ttl_ms)
{
    assert_true(await(api_state_is(a, id, "expired"), ttl_ms + EXPIRY_TIMEOUT_MS));
}

static void confirm_sells(void **state)
{
    const char *x = api_item(a, 10, 0);
    const char *y = api_item(a, 10, 0);
    post(201, RESERVATIONS, text("{\"lines\":[%s,%s]}", LINE(x, 3), LINE(y, 1)));
    const char *id = api_str(a, "id");
    post(200, CONFIRM(id), "{}");
    check_header(a, "Idempotent-Replayed", NULL);
    check_like(a,
               "{'id':'%s','state':'confirmed','ttl_ms':0,'lines':[{'sku':'%s','quantity':3,"
               "'reserved':3,'remaining':7,'version':3},{'quantity':1,'reserved':1,"
               "'remaining':9}]}",
               id, x);
    char *body = strdup(a->resp.body);
    check_item(a, x, 7, 7, 0, 3, 3);
    check_item(a, y, 9, 9, 0, 1, 3);

    /* Again, without and with keys: the same answer, and nothing moves. */
    static const char *const keys[] = {NULL, "Idempotency-Key: confirm-a\r\n",
                                       "Idempotency-Key: confirm-b\r\n"};
    for (size_t i = 0; i < 3; i++) {
        api_call(a, 200, "POST", CONFIRM(id), keys[i], i == 1 ? NULL : "{}");
        check_header(a, "Idempotent-Replayed", "true");
        check_json(a, "", body);
    }
    get(RESERVATION(id));
    check_json(a, "", body);
    free(body);
    check_item(a, x, 7, 7, 0, 3, 3);

    post_problem(409, "reservation-confirmed", NULL, RELEASE(id), NULL);
    post_problem(409, "reservation-confirmed", NULL, EXTEND(id), "{}");
    check_item(a, x, 7, 7, 0, 3, 3);
}

static void confirm_takes_an_empty_body(void **state)
{
    const char *sku = api_item(a, 10, 0);
    const char *id = api_reserve(a, sku, 1, 0);
    post(200, CONFIRM(id), NULL);
    check_item(a, sku, 9, 9, 0, 1, 3);
    id = api_reserve(a, sku, 1, 0);
    api_call(a, 200, "POST", CONFIRM(id), "Content-Type: application/json\r\n", "");
    check_item(a, sku, 8, 8, 0, 2, 5);
}

static void a_partial_confirm_gives_the_rest_back(void **state)
{
    const char *x = api_item(a, 10, 0);
    const char *y = api_item(a, 10, 0);
    post(201, RESERVATIONS, text("{\"lines\":[%s,%s]}", LINE(x, 5), LINE(y, 2)));
    const char *id = api_str(a, "id");
    const char *part = text("{\"lines\":[%s]}", LINE(x, 2));
    post(200, CONFIRM(id), part);
    check_like(a,
               "{'state':'confirmed','lines':[{'sku':'%s','quantity':2,'reserved':5,"
               "'remaining':8,'version':3},{'sku':'%s','quantity':0,'reserved':2,"
               "'remaining':10,'version':3}]}",
               x, y);
    char *body = strdup(a->resp.body);
    check_item(a, x, 8, 8, 0, 2, 3);
    check_item(a, y, 10, 10, 0, 0, 3);

    post(200, CONFIRM(id), text("{\"lines\":[%s]}", LINE(x, 2)));
    check_header(a, "Idempotent-Replayed", "true");
    check_json(a, "", body);
    free(body);
    post_problem(409, "reservation-confirmed", NULL, CONFIRM(id), "{}");
    post_problem(409, "reservation-confirmed", NULL, CONFIRM(id),
                 text("{\"lines\":[%s]}", LINE(x, 3)));
    post_problem(409, "reservation-confirmed", NULL, CONFIRM(id),
                 text("{\"lines\":[%s]}", LINE(y, 2)));
    check_item(a, x, 8, 8, 0, 2, 3);
}

static void a_full_confirm_can_name_its_lines(void **state)
{
    const char *x = api_item(a, 10, 0);
    const char *y = api_item(a, 10, 0);
    post(201, RESERVATIONS, text("{\"lines\":[%s,%s]}", LINE(x, 5), LINE(y, 2)));
    const char *id = api_str(a, "id");
    post(200, CONFIRM(id), text("{\"lines\":[%s,%s]}", LINE(y, 2), LINE(x, 5)));
    check_item(a, x, 5, 5, 0, 5, 3);
    check_item(a, y, 8, 8, 0, 2, 3);
}

static void confirm_checks_its_fields(void **state)
{
    const char *sku = api_item(a, 10, 0);
    const char *other = api_item(a, 10, 0);
    const char *id = api_reserve(a, sku, 3, 0);
    struct {
        const char *field;
        const char *body;
    } cases[] = {
        {"lines", "{\"lines\":[]}"},
        {"lines", "{\"lines\":null}"},
        {"lines", "{\"lines\":7}"},
        {"lines[0].quantity", text("{\"lines\":[%s]}", LINE(sku, 4))},
        {"lines[0].quantity", text("{\"lines\":[%s]}", LINE(sku, 0))},
        {"lines[0].quantity", text("{\"lines\":[{\"sku\":\"%s\",\"quantity\":1.0}]}", sku)},
        {"lines[0].quantity", text("{\"lines\":[{\"sku\":\"%s\"}]}", sku)},
        {NULL, text("{\"lines\":[%s]}", LINE(other, 1))},
        {NULL, text("{\"lines\":[%s,%s]}", LINE(sku, 1), LINE(other, 1))},
        {"if_expired", "{\"if_expired\":\"sell\"}"},
        {"if_expired", "{\"if_expired\":true}"},
        {"if_expired", "{\"if_expired\":null}"},
        {"quantity", "{\"quantity\":1}"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        post_problem(422, "invalid-field", cases[i].field, CONFIRM(id), cases[i].body);
    check_item(a, sku, 10, 7, 3, 0, 2);
    check_item(a, other, 10, 10, 0, 0, 1);
    post(200, CONFIRM(id), "{}");
}

static void release_gives_back(void **state)
{
    const char *sku = api_item(a, 10, 0);
    const char *id = api_reserve(a, sku, 4, 0);
    post_problem(422, "invalid-field", "lines", RELEASE(id), "{\"lines\":[]}");
    post(200, RELEASE(id), NULL);
    check_header(a, "Idempotent-Replayed", NULL);
    check_like(a, "{'state':'released','ttl_ms':0,'lines':[{'quantity':4,'remaining':10,"
                  "'version':3}]}");
    char *body = strdup(a->resp.body);
    check_item(a, sku, 10, 10, 0, 0, 3);
    static const char *const keys[] = {NULL, "Idempotency-Key: release-a\r\n"};
    for (size_t i = 0; i < 2; i++) {
        api_call(a, 200, "POST", RELEASE(id), keys[i], "{}");
        check_header(a, "Idempotent-Replayed", "true");
        check_json(a, "", body);
    }
    free(body);
    post_problem(409, "reservation-released", NULL, CONFIRM(id), "{}");
    post_problem(409, "reservation-released", NULL, CONFIRM(id), "{\"if_expired\":\"rereserve\"}");
    post_problem(409, "reservation-released", NULL, EXTEND(id), "{}");
    check_item(a, sku, 10, 10, 0, 0, 3);
}

static void extend_moves_the_deadline(void **state)
{
    const char *sku = api_item(a, 10, 0);
    const char *id = api_reserve(a, sku, 4, 60);
    int64_t created = api_time(a, "created_at");
    int64_t expires = api_time(a, "expires_at");
    post(200, EXTEND(id), "{\"ttl_seconds\":120}");
    check_like(a, "{'state':'held','lines':[{'quantity':4,'remaining':6}]}");
    check_int(a, "lines[0].version", 3); /* a transition, though no unit moves */
    assert_int_equal(api_time(a, "created_at"), created);
    assert_in_range(api_time(a, "expires_at"), expires + 60000, expires + 70000);
    assert_in_range(api_int(a, "ttl_ms"), 110000, 120000);
    check_item(a, sku, 10, 6, 4, 0, 3);

    post(200, EXTEND(id), "{}"); /* 600 */
    assert_in_range(api_int(a, "ttl_ms"), 590000, 600000);
    post(200, EXTEND(id), "{\"ttl_seconds\":10}"); /* sooner is fine, too */
    assert_in_range(api_int(a, "ttl_ms"), 5000, 10000);
    check_item(a, sku, 10, 6, 4, 0, 5);
    get(RESERVATION(id));
    check_int(a, "lines[0].version", 5);
}

static void extend_checks_its_fields(void **state)
{
    static const char *const bad[] = {"0",      "-5",   "604801", "60.0",
                                      "\"60\"", "null", "1e2",    "18446744073709551617"};
    const char *sku = api_item(a, 10, 0);
    const char *id = api_reserve(a, sku, 1, 60);
    int64_t begin = test_now_ms();
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        post_problem(422, "invalid-field", "ttl_seconds", EXTEND(id),
                     text("{\"ttl_seconds\":%s}", bad[i]));
    post_problem(422, "invalid-field", "ttl", EXTEND(id), "{\"ttl\":60}");

    /* Not beyond 7 days from creation, and some milliseconds of them have passed. */
    assert_true(await(test_now_ms() - begin > 20, EXPIRY_TIMEOUT_MS));
    post_problem(422, "invalid-field", "ttl_seconds", EXTEND(id), "{\"ttl_seconds\":604800}");
    check_item(a, sku, 10, 9, 1, 0, 2);
    post(200, EXTEND(id), "{\"ttl_seconds\":604700}");
}

/* Holds a unit of a new item for a second and extends that; false if the second was over by then.
 */
static bool held_and_extended(const char **sku, const char **id)
{
    *sku = api_item(a, 10, 0);
    *id = api_reserve(a, *sku, 1, 1);
    http_call(&a->conn, "POST", EXTEND(*id), NULL, "{\"ttl_seconds\":100}", &a->resp);
    if (a->resp.status != 200)
        check_problem(a, 409, "reservation-expired", NULL);
    return a->resp.status == 200;
}

static void an_extended_hold_outlives_its_first_deadline(void **state)
{
    const char *sku, *id;
    const char *other = api_item(a, 10, 0);
    assert_true(await(held_and_extended(&sku, &id), EXPIRY_TIMEOUT_MS));
    const char *probe = api_reserve(a, other, 1, 1); /* it ends after the first deadline */
    await_expired(probe, 1000);
    assert_true(api_state_is(a, id, "held"));
    check_item(a, sku, 10, 9, 1, 0, 3);
    post(200, EXTEND(id), "{\"ttl_seconds\":1}");
    await_expired(id, 1000);
    check_item(a, sku, 10, 10, 0, 0, 5);
}

/* Each hold that expires is a transition of its own, and GET says which. */
static void expiry_gives_back(void **state)
{
    const char *x = api_item(a, 10, 0);
    const char *y = api_item(a, 10, 0);
    /* In one request: the first must not be due when the second is made. */
    post(200, "/v1/batch",
         text("{\"operations\":[{\"op\":\"reserve\",\"lines\":[%s,%s],\"ttl_seconds\":1},"
              "{\"op\":\"reserve\",\"lines\":[%s],\"ttl_seconds\":1}]}",
              LINE(x, 2), LINE(y, 3), LINE(x, 1)));
    check_like(a, "{'results':[{},{'body':{'lines':[{'remaining':7,'version':3}]}}]}");
    const char *one = api_str(a, "results[0].body.id");
    const char *two = api_str(a, "results[1].body.id");
    int64_t deadline = api_time(a, "results[0].body.expires_at");
    await_expired(one, 1000);
    check_like(a, "{'state':'expired','ttl_ms':0}");
    assert_int_equal(api_time(a, "expires_at"), deadline);
    check_int(a, "lines[0].quantity", 2);
    int64_t version_one = api_int(a, "lines[0].version");
    int64_t remaining_one = api_int(a, "lines[0].remaining");
    check_like(a, "{'lines':[{},{'remaining':10,'version':3}]}");
    check_absent(a, "expired_lines");
    await_expired(two, 1000);
    int64_t version_two = api_int(a, "lines[0].version");
    int64_t remaining_two = api_int(a, "lines[0].remaining");

    assert_int_equal(version_one + version_two, 4 + 5); /* one is 4, the other 5 */
    assert_true(version_one == 4 || version_one == 5);
    assert_int_equal(remaining_one, version_one == 4 ? 9 : 10);
    assert_int_equal(remaining_two, version_two == 4 ? 8 : 10);
    check_item(a, x, 10, 10, 0, 0, 5);
    check_item(a, y, 10, 10, 0, 0, 3);

    post_problem(409, "reservation-expired", NULL, CONFIRM(one), "{}");
    post_problem(409, "reservation-expired", NULL, RELEASE(one), NULL);
    post_problem(409, "reservation-expired", NULL, EXTEND(one), "{}");
    check_item(a, x, 10, 10, 0, 0, 5);
}

/* The deadline counts, not the sweep: with the keeper frozen a confirm in time works, one after it
 * does not, and the units are there for the next one. */
static void the_deadline_holds_without_the_keeper(void **state)
{
    const char *sku = api_item(a, 4, 0);
    const char *other = api_item(a, 1, 0);
    const char *third = api_item(a, 5, 0);
    keeper_signal(SIGSTOP);
    const char *one = api_reserve(a, sku, 2, 1);
    const char *two = api_reserve(a, sku, 2, 1);
    api_reserve(a, other, 1, 1);
    const char *last = api_reserve(a, third, 5, 1);
    assert_true(await((get(RESERVATION(last)), api_int(a, "ttl_ms") == 0), EXPIRY_TIMEOUT_MS));
    post_problem(409, "reservation-expired", NULL, CONFIRM(one), "{}");
    post_problem(409, "reservation-expired", NULL, RELEASE(two), "{}");
    post_problem(409, "reservation-expired", NULL, EXTEND(two), "{}");

    /* Reserve, decrement, adjustment, PUT and DELETE first give the due holds back. */
    post(201, RESERVATIONS, LINE(sku, 4));
    check_int(a, "lines[0].remaining", 0);
    check_int(a, "lines[0].version", 6); /* 1 created, 2 and 3 held, 4 and 5 expired */
    check_item(a, sku, 4, 0, 4, 0, 6);
    assert_true(api_state_is(a, one, "expired"));
    assert_true(api_state_is(a, two, "expired"));
    post(200, DECREMENT(third), "{\"quantity\":5}");
    check_like(a, "{'remaining':0,'version':4}");
    api_call(a, 204, "DELETE", ITEM(other), NULL, NULL);
    keeper_signal(SIGCONT);
    assert_true(api_state_is(a, last, "expired"));
    check_item(a, sku, 4, 0, 4, 0, 6);
}

static void due_holds_count_for_adjustments_and_sets(void **state)
{
    const char *x = api_item(a, 5, 0);
    const char *y = api_item(a, 5, 0);
    keeper_signal(SIGSTOP);
    api_reserve(a, x, 5, 1);
    const char *id = api_reserve(a, y, 5, 1);
    assert_true(await((get(RESERVATION(id)), api_int(a, "ttl_ms") == 0), EXPIRY_TIMEOUT_MS));
    post(200, ADJUST(x), "{\"delta\":-5}");
    check_like(a, "{'version':4,'on_hand':0}");
    api_call(a, 200, "PUT", ITEM(y), "If-Match: *\r\n", "{\"on_hand\":1}");
    check_like(a, "{'version':4,'available':1}");
    keeper_signal(SIGCONT);
}

static void rereserve_takes_the_units_again(void **state)
{
    const char *sku = api_item(a, 10, 0);
    const char *gone = api_item(a, 2, 0);
    const char *limited = api_item(a, 10, 2);
    const char *id = api_reserve(a, sku, 3, 1);
    const char *poor = api_reserve(a, gone, 2, 1);
    post(201, RESERVATIONS,
         text("{\"sku\":\"%s\",\"quantity\":2,\"customer\":\"ann\",\"ttl_seconds\":1}", limited));
    const char *over = api_str(a, "id");
    await_expired(id, 1000);
    await_expired(poor, 1000);
    await_expired(over, 1000);

    post(200, CONFIRM(id), "{\"if_expired\":\"rereserve\"}");
    check_like(a, "{'state':'confirmed','lines':[{'quantity':3,'reserved':3,'remaining':7,"
                  "'version':4}]}");
    check_item(a, sku, 7, 7, 0, 3, 4);
    get(RESERVATION(id));
    check_like(a,
               "{'expired_lines':[{'sku':'%s','version':3,'remaining':10}],"
               "'lines':[{'version':4}]}",
               sku);
    post(200, CONFIRM(id), "{\"if_expired\":\"rereserve\"}");
    check_header(a, "Idempotent-Replayed", "true");

    /* Somebody else was quicker. */
    post(200, DECREMENT(gone), "{\"quantity\":1}");
    post_problem(409, "insufficient-stock", NULL, CONFIRM(poor), "{\"if_expired\":\"rereserve\"}");
    check_like(a, "{'lines':[{'sku':'%s','requested':2,'available':1,'version':4}]}", gone);
    check_item(a, gone, 1, 1, 0, 1, 4);
    assert_true(api_state_is(a, poor, "expired"));
    post_problem(409, "reservation-expired", NULL, CONFIRM(poor), "{}");

    /* The customer has used the limit up meanwhile. */
    post(200, DECREMENT(limited), "{\"quantity\":1,\"customer\":\"ann\"}");
    post_problem(409, "limit-exceeded", NULL, CONFIRM(over), "{\"if_expired\":\"rereserve\"}");
    check_like(a, "{'lines':[{'limit':2,'used':1}]}");
    post(200, CONFIRM(over),
         text("{\"if_expired\":\"rereserve\",\"lines\":[%s]}", LINE(limited, 1)));
    check_int(a, "lines[0].quantity", 1);
}

/* Past the deadline, but nobody has written the expiry yet: rereserve does both. */
static void rereserve_before_the_sweep(void **state)
{
    const char *sku = api_item(a, 3, 0);
    keeper_signal(SIGSTOP);
    const char *id = api_reserve(a, sku, 3, 1);
    assert_true(await((get(RESERVATION(id)), api_int(a, "ttl_ms") == 0), EXPIRY_TIMEOUT_MS));
    post(200, CONFIRM(id), "{\"if_expired\":\"rereserve\"}");
    check_str(a, "state", "confirmed");
    check_int(a, "lines[0].version", 4); /* 3 is the expiry */
    check_int(a, "lines[0].remaining", 0);
    get(RESERVATION(id));
    check_like(a, "{'expired_lines':[{'version':3,'remaining':3}]}");
    keeper_signal(SIGCONT);
    check_item(a, sku, 0, 0, 0, 3, 4);
}

static void rereserve_in_time_is_a_plain_confirm(void **state)
{
    const char *sku = api_item(a, 10, 0);
    const char *id = api_reserve(a, sku, 3, 60);
    post(200, CONFIRM(id), "{\"if_expired\":\"rereserve\"}");
    check_int(a, "lines[0].version", 3);
    check_absent(a, "expired_lines");
    check_item(a, sku, 7, 7, 0, 3, 3);
}

/* Every kind of transition on one item: versions 1, 2, 3, ... without a hole or a repetition. */
static void versions_are_dense(void **state)
{
    const char *sku = api_item(a, 100, 0); /* 1 */
    const char *hold = api_reserve(a, sku, 10, 0);
    check_int(a, "lines[0].version", 2);
    post(200, EXTEND(hold), "{}");
    check_int(a, "lines[0].version", 3);
    post(200, ADJUST(sku), "{\"delta\":5}");
    check_int(a, "version", 4);
    post(200, DECREMENT(sku), "{\"quantity\":5}");
    check_int(a, "version", 5);
    api_call(a, 200, "PUT", ITEM(sku), "If-Match: \"5\"\r\n", "{\"on_hand\":50}");
    check_int(a, "version", 6);
    post(200, CONFIRM(hold), "{}");
    check_int(a, "lines[0].version", 7);
    hold = api_reserve(a, sku, 1, 0);
    check_int(a, "lines[0].version", 8);
    post(200, RELEASE(hold), "{}");
    check_int(a, "lines[0].version", 9);
    hold = api_reserve(a, sku, 1, 1);
    await_expired(hold, 1000);
    check_int(a, "lines[0].version", 11);
    /* Refusals are reads. */
    post_problem(409, "insufficient-stock", NULL, RESERVATIONS, LINE(sku, 1000));
    check_like(a, "{'lines':[{'version':11,'available':40}]}");
    check_item(a, sku, 40, 40, 0, 15, 11);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(confirm_sells),
        cmocka_unit_test(confirm_takes_an_empty_body),
        cmocka_unit_test(a_partial_confirm_gives_the_rest_back),
        cmocka_unit_test(a_full_confirm_can_name_its_lines),
        cmocka_unit_test(confirm_checks_its_fields),
        cmocka_unit_test(release_gives_back),
        cmocka_unit_test(extend_moves_the_deadline),
        cmocka_unit_test(extend_checks_its_fields),
        cmocka_unit_test(an_extended_hold_outlives_its_first_deadline),
        cmocka_unit_test(expiry_gives_back),
        cmocka_unit_test_teardown(the_deadline_holds_without_the_keeper, keeper_thaw),
        cmocka_unit_test_teardown(due_holds_count_for_adjustments_and_sets, keeper_thaw),
        cmocka_unit_test(rereserve_takes_the_units_again),
        cmocka_unit_test_teardown(rereserve_before_the_sweep, keeper_thaw),
        cmocka_unit_test(rereserve_in_time_is_a_plain_confirm),
        cmocka_unit_test(versions_are_dense),
    };
    return run_suite("contract: ends", tests);
}
