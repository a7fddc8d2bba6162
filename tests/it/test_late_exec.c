/* test_late_exec.c -- EXECs that arrive late, after the service has decided otherwise: they never
 * land. And answers of Redis that vanish, come in small pieces, or are not given at all.
 *
 * One worker with one lane, so that a batch goes over one known connection of the proxy. */
#include "support/fixture.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LATE_TIMEOUT_MS 3000
#define HOLD_S          5     /* longer than that, so that the answer comes before the deadline */
#define ANSWER_SLACK_MS 15000 /* on a loaded machine */

static struct fault_proxy proxy;

static int start_for(const char *timeout)
{
    return serve_try(&(struct fixture){.behind = &proxy,
                                       .flags = {"--lanes", "1", "--request-timeout", timeout}});
}

static int start(void **state)
{
    return start_for("3s"); /* LATE_TIMEOUT_MS */
}

/* For requests that are held up, and carried out all the same. */
static int start_patient(void **state)
{
    return start_for("60s");
}

static int stop(void **state)
{
    kill(pid_of(TSERVICE_KEEPER), SIGCONT);
    return serve_end(state);
}

/* Holds the next EXEC of the lane back. The lane. */
static int hold_next_exec(const char *sku)
{
    fault_proxy_watch(&proxy, FAULT_SIGN_OF_LANE);
    api_call(a, 200, "PUT", ITEM(sku), "If-Match: *\r\n", "{}");
    int lane = fault_proxy_seen_on(&proxy);
    assert_true(lane > 0);
    struct fault_rule hold = {.action = FAULT_HOLD,
                              .direction = FAULT_UP,
                              .anchor = FAULT_AT_PATTERN,
                              .pattern = "$4\r\nEXEC",
                              .connection = lane};
    fault_proxy_arm(&proxy, &hold);
    return lane;
}

/* Delivers the EXEC that was held back, and makes sure that Redis refused it: nil, as something
 * that it watches has changed - or the service has ended that connection at Redis before. */
static void deliver_late(int lane)
{
    struct fault_status before = fault_proxy_status(&proxy, lane);
    assert_true(before.struck);
    bool open = before.open_redis;
    if (open)
        assert_true(before.held[FAULT_UP] >= strlen("$4\r\nEXEC\r\n"));
    fault_proxy_release(&proxy, lane);
    if (open) {
        assert_true(await(strcmp(fault_proxy_status(&proxy, lane).tail, before.tail) != 0 ||
                              !fault_proxy_status(&proxy, lane).open_redis,
                          RECOVERY_MS));
        struct fault_status after = fault_proxy_status(&proxy, lane);
        size_t n = strlen(after.tail);
        if (strcmp(after.tail, before.tail) != 0 &&
            (n < 5 || strcmp(after.tail + n - 5, "*-1\r\n") != 0))
            print_error("Redis answered the late EXEC: ...%s\n", after.tail);
        assert_true(strcmp(after.tail, before.tail) == 0 ||
                    (n >= 5 && strcmp(after.tail + n - 5, "*-1\r\n") == 0));
    }
}

/* True once the reservation is past its deadline. */
static bool is_past_deadline(const char *id)
{
    return http_call(&a->conn, "GET", RESERVATION(id), NULL, NULL, &a->resp) == 0 &&
           a->resp.status == 200 &&
           json_integer_value(json_at(http_resp_json(&a->resp), "ttl_ms")) == 0;
}

/* A confirm in time whose EXEC hangs until the deadline has passed. With the keeper the hold
 * expires meanwhile; without it nobody but the confirm's own repeat touches the item, and only the
 * marker stands between the late EXEC and a confirmed reservation that was reported expired. */
static void late_confirm(bool with_keeper)
{
    const char *sku = api_item(a, 5, 0); /* version 1 */
    int lane = 0;
    const char *id = api_reserve(a, sku, 2, HOLD_S); /* 2 */
    lane = hold_next_exec(sku);                      /* 3 */
    pid_t keeper = 0;
    assert_int_equal(tservice_pids(&stack.service, TSERVICE_KEEPER, &keeper, 1), 1);
    if (!with_keeper)
        kill(keeper, SIGSTOP);
    char path[128];
    snprintf(path, sizeof(path), "/v1/reservations/%s/confirm", id);
    const char *key = "Idempotency-Key: late-confirm\r\n";
    assert_int_equal(http_call(&a->conn, "POST", path, key, "{}", &a->resp), 0);
    int first = a->resp.status;
    assert_int_equal(fault_proxy_struck_on(&proxy), lane);
    /* 200: repeated in time on a new connection; 409: repeated there when its time was up; 503:
     * only made sure in time that it did not happen. */
    if (first == 504)
        check_problem(a, 504, "outcome-unknown", NULL);
    else if (first == 409)
        check_problem(a, 409, "reservation-expired", NULL);
    else if (first != 200 && first != 503)
        fail_msg("the confirm was answered with %d", first);

    assert_true(await(is_past_deadline(id), RECOVERY_MS));
    if (with_keeper && first == 504)
        assert_true(await(!api_state_is(a, id, "held"), RECOVERY_MS));
    assert_true(await((http_call(&a->conn, "POST", path, key, "{}", &a->resp),
                       a->resp.status == 200 || a->resp.status == 409),
                      RECOVERY_MS));
    bool confirmed = a->resp.status == 200;
    if (!confirmed)
        check_problem(a, 409, "reservation-expired", NULL);
    assert_true(confirmed ? first != 409 : first != 200); /* a yes stays a yes, a no a no */

    deliver_late(lane);
    for (int i = 0; i < 3; i++) {
        if (confirmed)
            check_item(a, sku, 3, 3, 0, 2, 4);
        api_call(a, confirmed ? 200 : 409, "POST", path, key, "{}");
    }
    if (!with_keeper)
        kill(keeper, SIGCONT);
    assert_true(await(api_state_is(a, id, confirmed ? "confirmed" : "expired"), RECOVERY_MS));
    if (!confirmed)
        check_item(a, sku, 5, 5, 0, 0, 4);
}

static void a_late_exec_of_a_confirm_does_not_land(void **state)
{
    late_confirm(true);
}

static void a_late_exec_does_not_land_though_nobody_else_writes(void **state)
{
    late_confirm(false);
}

static pid_t freeze_keeper(const struct tservice *service)
{
    pid_t pid = 0;
    assert_int_equal(tservice_pids(service, TSERVICE_KEEPER, &pid, 1), 1);
    kill(pid, SIGSTOP);
    return pid;
}

/* A hold of two items is due. A batch that sells the first one reads the hold, then the second
 * item; in between another host gives the hold back. What the batch has read then contradicts
 * itself, but nobody is to blame: it was overtaken, and must try again. */
static void a_hold_that_ends_between_two_reads_is_a_conflict(void **state)
{
    struct tservice other;
    serve_beside(&other, .redis_url = stack.redis.url);
    pid_t keepers[2] = {freeze_keeper(&stack.service), freeze_keeper(&other)};
    char first[40], second[40], id[80], path[80];
    KEEP(first, api_item(a, 5, 0));
    KEEP(second, api_item(a, 5, 0));
    post(201, RESERVATIONS,
         text("{\"lines\":[{\"sku\":\"%s\",\"quantity\":1},{\"sku\":\"%s\",\"quantity\":1}],"
              "\"ttl_seconds\":1}",
              first, second));
    KEEP(id, json_string_value(json_at(http_resp_json(&a->resp), "id")));
    assert_true(await(is_past_deadline(id), RECOVERY_MS));

    struct fault_rule hold = {
        .action = FAULT_HOLD, .direction = FAULT_UP, .anchor = FAULT_AT_CHUNK};
    snprintf(hold.pattern, sizeof(hold.pattern), "item:%s", second);
    fault_proxy_arm(&proxy, &hold);
    snprintf(path, sizeof(path), "/v1/items/%s/decrements", first);
    static const char body[] = "{\"quantity\":1}";
    assert_int_equal(http_send_call(&a->conn, "POST", path, NULL, body, strlen(body)), 0);
    assert_true(await(fault_proxy_struck_on(&proxy) > 0, RECOVERY_MS));

    struct http_conn direct;
    struct http_resp resp = {.status = 0};
    http_conn_init(&direct, other.port);
    assert_int_equal(http_call(&direct, "POST", path, NULL, body, &resp), 0);
    assert_int_equal(resp.status, 200);
    fault_proxy_release(&proxy, fault_proxy_struck_on(&proxy));
    assert_int_equal(http_receive(&a->conn, false, &a->resp), 0);
    assert_int_equal(a->resp.status, 200);

    check_item(a, first, 3, 3, 0, 2, 5); /* created, held, given back, sold, sold */
    check_item(a, second, 5, 5, 0, 0, 3);
    http_resp_free(&resp);
    http_conn_close(&direct);
    kill(keepers[0], SIGCONT);
    kill(keepers[1], SIGCONT);
    assert_true(tservice_stop(&other));
}

/* True once it is known whether the operation has happened: 200 or 404. */
static bool is_looked_up(const char *key)
{
    http_call(&a->conn, "GET", text("/v1/operations/%s", key), NULL, NULL, &a->resp);
    return a->resp.status == 200 || a->resp.status == 404;
}

/* The request is over, its client was told so, and nothing else happens: no other writer, no
 * repeat, no other batch of the lane. A request takes effect within --request-timeout or not at
 * all, so something must have been done meanwhile against the EXEC that is still on its way. */
static void a_late_exec_does_not_land_when_the_request_is_over(void **state)
{
    const char *sku = api_item(a, 5, 0);
    int lane = hold_next_exec(sku); /* version 2 */
    char body[128];
    snprintf(body, sizeof(body), "{\"sku\":\"%s\",\"quantity\":1}", sku);
    int64_t begin = test_now_ms();
    assert_int_equal(http_call(&a->conn, "POST", RESERVATIONS,
                               "Idempotency-Key: late-and-alone\r\n", body, &a->resp),
                     0);
    int first = a->resp.status; /* 201: repeated in time on a new connection */
    assert_true(first == 201 || first == 503 || first == 504);
    assert_int_equal(fault_proxy_struck_on(&proxy), lane);
    assert_true(await(test_now_ms() - begin > 3 * LATE_TIMEOUT_MS, 10 * LATE_TIMEOUT_MS));
    /* A 504 whose repeat was written in time, but its answer not read in time, was taken too. */
    assert_true(await(is_looked_up("late-and-alone"), RECOVERY_MS));
    bool taken = a->resp.status == 200;
    assert_true(taken ? first != 503 : first != 201);
    deliver_late(lane);
    for (int i = 0; i < 3; i++) {
        check_item(a, sku, 5, 5 - taken, taken, 0, 2 + taken);
        api_call(a, taken ? 200 : 404, "GET", "/v1/operations/late-and-alone", NULL, NULL);
    }
}

/* A reserve for the last unit hangs, another service sells that unit, the reserve arrives late. */
static void a_late_exec_of_a_reserve_does_not_sell_twice(void **state)
{
    struct tservice second;
    serve_beside(&second, .redis_url = stack.redis.url);
    struct api other;
    api_open(&other, second.port);
    const char *sku = api_item(a, 1, 0);
    int lane = hold_next_exec(sku);
    const char *body = LINE(sku, 1);
    const char *key = "Idempotency-Key: late-reserve\r\n";
    http_conn_open(&a->conn);
    assert_int_equal(http_send_call(&a->conn, "POST", RESERVATIONS, key, body, strlen(body)), 0);
    assert_true(await(fault_proxy_struck_on(&proxy) == lane, RECOVERY_MS));
    int sold =
        http_call(&other.conn, "POST", DECREMENT(sku), NULL, "{\"quantity\":1}", &other.resp);
    assert_int_equal(sold, 0);
    assert_int_equal(other.resp.status, 200);
    assert_int_equal(http_receive(&a->conn, false, &a->resp), 0);
    /* 503: it was made sure in time that it did not happen, and then its time was up. */
    assert_true(a->resp.status == 504 || a->resp.status == 409 || a->resp.status == 503);
    assert_true(await(
        (http_call(&a->conn, "POST", RESERVATIONS, key, body, &a->resp), a->resp.status == 409),
        RECOVERY_MS));
    check_problem(a, 409, "insufficient-stock", NULL);
    deliver_late(lane);
    check_item(a, sku, 0, 0, 0, 1, 3);
    get_problem(404, "operation-not-found", NULL, "/v1/operations/late-reserve");
    api_close(&other);
    assert_true(tservice_stop(&second));
}

/* Redis' answers vanish, the connection stays: told in time, settled afterwards, one effect. */
static void answers_that_vanish_are_settled(void **state)
{
    const char *sku = api_item(a, 10, 0);
    fault_proxy_watch(&proxy, FAULT_SIGN_OF_LANE);
    api_call(a, 200, "PUT", ITEM(sku), "If-Match: *\r\n", "{}"); /* version 2 */
    int lane = fault_proxy_seen_on(&proxy);
    struct fault_rule hole = {.action = FAULT_BLACK_HOLE,
                              .direction = FAULT_DOWN,
                              .anchor = FAULT_AT_PATTERN,
                              .pattern = "$4\r\nEXEC",
                              .connection = lane};
    fault_proxy_arm(&proxy, &hole);
    const char *path = DECREMENT(sku);
    const char *key = "Idempotency-Key: vanished\r\n";
    assert_int_equal(http_call(&a->conn, "POST", path, key, "{\"quantity\":1}", &a->resp), 0);
    assert_true(a->resp.took_ms < LATE_TIMEOUT_MS + ANSWER_SLACK_MS);
    assert_true(a->resp.status == 504 || a->resp.status == 200);
    assert_int_equal(fault_proxy_struck_on(&proxy), lane);
    assert_true(await((http_call(&a->conn, "POST", path, key, "{\"quantity\":1}", &a->resp),
                       a->resp.status == 200),
                      RECOVERY_MS));
    check_int(a, "remaining", 9);
    check_int(a, "version", 3);
    check_item(a, sku, 9, 9, 0, 1, 3);
    fault_proxy_drop(&proxy, lane);
}

/* Every connection in pieces of 1 to 16 bytes, then one byte at a time: slower, not wrong. */
static void bytes_in_small_pieces_are_no_fault(void **state)
{
    static const enum fault_action actions[] = {FAULT_SHRED, FAULT_DRIP};
    const char *sku = api_item(a, 100, 0);
    int64_t version = 1;
    for (size_t i = 0; i < 2; i++) {
        for (int direction = 0; direction < 2; direction++) {
            fault_proxy_watch(&proxy, FAULT_SIGN_OF_LANE);
            api_call(a, 200, "PUT", ITEM(sku), "If-Match: *\r\n", "{}");
            version++;
            struct fault_rule rule = {.action = actions[i],
                                      .direction = (enum fault_direction)direction,
                                      .connection = fault_proxy_seen_on(&proxy)};
            fault_proxy_arm(&proxy, &rule);
            for (int n = 0; n < 5; n++) {
                post(200, DECREMENT(sku), "{\"quantity\":1}");
                check_int(a, "version", ++version);
            }
            assert_int_equal(fault_proxy_struck_on(&proxy), rule.connection);
        }
    }
    check_item(a, sku, 80, 80, 0, 20, version);
}

/* Nobody is there for a while: 503 in time, and no restart is needed afterwards. */
static void refused_connections_are_told_and_got_over(void **state)
{
    const char *sku = api_item(a, 10, 0);
    const char *path = DECREMENT(sku);
    fault_proxy_refuse(&proxy, true);
    fault_proxy_cut_all(&proxy);
    for (int i = 0; i < 3; i++) {
        post_problem(503, "redis-unavailable", NULL, path, "{\"quantity\":1}");
        assert_true(a->resp.took_ms < LATE_TIMEOUT_MS + ANSWER_SLACK_MS);
    }
    fault_proxy_refuse(&proxy, false);
    const char *key = "Idempotency-Key: got-over\r\n"; /* once, however often it is asked for */
    assert_true(await((http_call(&a->conn, "POST", path, key, "{\"quantity\":1}", &a->resp),
                       a->resp.status == 200),
                      RECOVERY_MS));
    check_int(a, "version", 2);
    /* Reads may go over a connection of their own. */
    assert_true(
        await((http_call(&a->conn, "GET", ITEM(sku), NULL, NULL, &a->resp), a->resp.status == 200),
              RECOVERY_MS));
    check_item(a, sku, 9, 9, 0, 1, 2);
}

#define LATE_TEST(test)    cmocka_unit_test_setup_teardown(test, start, stop)
#define PATIENT_TEST(test) cmocka_unit_test_setup_teardown(test, start_patient, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LATE_TEST(a_late_exec_of_a_confirm_does_not_land),
        LATE_TEST(a_late_exec_does_not_land_though_nobody_else_writes),
        PATIENT_TEST(a_hold_that_ends_between_two_reads_is_a_conflict),
        LATE_TEST(a_late_exec_does_not_land_when_the_request_is_over),
        LATE_TEST(a_late_exec_of_a_reserve_does_not_sell_twice),
        LATE_TEST(answers_that_vanish_are_settled),
        PATIENT_TEST(bytes_in_small_pieces_are_no_fault),
        LATE_TEST(refused_connections_are_told_and_got_over),
    };
    return run_each("late exec", tests);
}
