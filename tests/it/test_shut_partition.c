/* test_shut_partition.c -- one partition of four is closed or lost: the others go on as if nothing
 * was, also after Redis or the keeper was started again, and everybody is told which one it is.
 *
 * Every test runs without a ledger and with one. */
#include "support/fixture.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PARTITIONS 4
#define SHUT       1 /* the one that is closed: others are before and behind it */
#define REQUEST_S  3 /* where answers wait for the ledger */

static const char *skus[PARTITIONS]; /* one of each */
static bool has_ledger;

static void start_at(void **state, const char *level, const char *timeout)
{
    has_ledger = *state;
    serve(.redis.aof = TREDIS_AOF_ALWAYS, .workers = 2, .partitions = PARTITIONS, .ledger = *state,
          .flags = {"--event-retention", "1s", "--request-timeout", timeout, "--durability",
                    level});
    await_ready();
    for (int p = 0; p < PARTITIONS; p++)
        skus[p] = stack_item_in(&stack, PARTITIONS, p, 100);
}

static void start(void **state)
{
    start_at(state, "unset", "20s");
}

static void set_state(const char *what)
{
    redis_do(&stack.redis, "HSET {p%d}:meta state %s", SHUT, what);
}

/* The service has noticed: /readyz names the one that is shut, and it alone. */
static bool named(const char *what)
{
    if (http_call(&a->conn, "GET", "/readyz", NULL, NULL, &a->resp) != 0 || a->resp.status != 200)
        return false;
    json_t *shut = json_object_get(http_resp_json(&a->resp), "not_open");
    const char *why = json_string_value(json_at(shut, "[0].why"));
    return json_array_size(shut) == 1 && why && strstr(why, what) &&
           json_integer_value(json_at(shut, "[0].partition")) == SHUT;
}

static void close_one(const char *what)
{
    set_state(what);
    assert_true(await(named(what), RECOVERY_MS));
}

static bool answers(int status, const char *method, const char *path, const char *body)
{
    return http_call(&a->conn, method, path, NULL, body, &a->resp) == 0 && a->resp.status == status;
}

static bool sells(int partition)
{
    return answers(200, "POST", DECREMENT(skus[partition]), "{\"quantity\":1}");
}

static void check_the_others_work(void)
{
    char brief[PARTITIONS][64]; /* they expire at the same time */
    for (int p = 0; p < PARTITIONS; p++) {
        if (p == SHUT)
            continue;
        assert_true(await(sells(p), RECOVERY_MS));
        KEEP(brief[p], api_reserve(a, skus[p], 1, 1));
        const char *item = ITEM(skus[p]);
        assert_true(await(answers(200, "GET", item, NULL), RECOVERY_MS));
    }
    for (int p = 0; p < PARTITIONS; p++) {
        if (p == SHUT)
            continue;
        assert_true(await(api_state_is(a, brief[p], "expired"), RECOVERY_MS));
        api_call(a, 201, "POST", RESERVATIONS, text("Idempotency-Key: key-%d\r\n", p),
                 LINE(skus[p], 1));
        const char *id = api_str(a, "id");
        get(text("/v1/operations/key-%d", p));
        check_str(a, "body.id", id);
        post(200, RELEASE(id), NULL);
    }
}

static void check_it_is_refused(const char *name)
{
    const char *item = ITEM(skus[SHUT]);
    post_problem(503, name, NULL, text("%s/decrements", item), "{\"quantity\":1}");
    get_problem(503, name, NULL, item);
    /* Neither a page with a hole nor a "no" that may not be true. */
    get_problem(503, name, NULL, "/v1/items");
    assert_non_null(strstr(api_str(a, "detail"), "partition 1 "));
    get_problem(503, name, NULL, "/v1/operations/never-used");
}

static bool sql_has_all(void)
{
    for (int p = 0; p < PARTITIONS; p++)
        if (p != SHUT && redis_int(text("XLEN {p%d}:events", p)) > 1)
            return false;
    return true;
}

/* Without a ledger they are trimmed, but for the last old one and those that are young; with one
 * they are carried over. */
static void check_events_go(void)
{
    if (has_ledger)
        assert_true(await(sql_has_all(), RECOVERY_MS));
    for (int p = 0; p < PARTITIONS && !has_ledger; p++)
        if (p != SHUT)
            assert_true(await(redis_int(text("XLEN {p%d}:events", p)) <= 1, RECOVERY_MS));
}

static void restart_redis(void)
{
    tredis_kill9(&stack.redis);
    assert_int_equal(tredis_restart(&stack.redis), 0);
}

static void kill_the_keeper(void)
{
    kill(pid_of(TSERVICE_KEEPER), SIGKILL);
}

static void nothing(void)
{
}

/* What may happen while the partition is closed. */
static void (*const events[])(void) = {nothing, kill_the_keeper, restart_redis};

static void one_that_is_closed_leaves_the_others_alone(void **state)
{
    start(state);
    const char *held = api_reserve(a, skus[SHUT], 5, 1);
    close_one("closed: by a person");
    for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
        events[i]();
        check_the_others_work();
        assert_true(await(named("closed: by a person"), RECOVERY_MS));
        check_it_is_refused("partition-closed");
        assert_true(await(api_metric(a, "stockd_partitions_not_open") == 1, RECOVERY_MS));
    }
    /* What cannot be given back grows overdue. */
    assert_true(await(api_metric(a, "stockd_expiry_lag_seconds") > 1, RECOVERY_MS));
    check_events_go();

    set_state("open");
    assert_true(await(sells(SHUT), RECOVERY_MS));
    assert_true(await(api_state_is(a, held, "expired"), RECOVERY_MS));
    assert_true(await(api_metric(a, "stockd_partitions_not_open") == 0, RECOVERY_MS));
    assert_true(await(api_metric(a, "stockd_expiry_lag_seconds") < 1, RECOVERY_MS));
    get("/readyz");
    check_absent(a, "not_open");
    check_str(a, "durability", "unset");
    get("/v1/items");
}

static void one_that_is_lost_leaves_the_others_alone(void **state)
{
    start(state);
    close_one("lost: for a test");
    for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
        events[i]();
        check_the_others_work();
        assert_true(await(named("lost: for a test"), RECOVERY_MS));
        check_it_is_refused("state-lost");
    }
    check_events_go();
}

/* A restore that failed in the middle says so in the meta of all; one that a person has opened
 * since is the same to the others. */
static void one_that_a_restore_left_leaves_the_others_alone(void **state)
{
    start(state);
    close_one("closed: restore abc");
    restart_redis();
    check_the_others_work();
    check_events_go();
    assert_true(await(named("closed: restore abc"), RECOVERY_MS));
}

/* Its keys were deleted, meta and all. */
static void one_that_is_gone_leaves_the_others_alone(void **state)
{
    start(state);
    redis_do(&stack.redis, "DEL {p%d}:meta", SHUT);
    assert_true(await(named("lost"), RECOVERY_MS));
    for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
        events[i]();
        check_the_others_work();
        assert_true(await(named("lost"), RECOVERY_MS));
        check_it_is_refused("state-lost");
    }
    assert_int_equal(redis_int("EXISTS {p1}:meta"), 0);
}

static void with_all_of_them_closed_it_is_not_ready(void **state)
{
    start(state);
    for (int p = 0; p < PARTITIONS; p++)
        redis_do(&stack.redis, "HSET {p%d}:meta state %s", p,
                 p == 2 ? "lost: for a test" : "closed: by a person");
    assert_true(await(answers(503, "GET", "/readyz", NULL), RECOVERY_MS));
    /* The one that matters most. */
    get_problem(503, "state-lost", NULL, "/readyz");
    assert_true(await(api_metric(a, "stockd_partitions_not_open") == PARTITIONS, RECOVERY_MS));
    redis_do(&stack.redis, "HSET {p3}:meta state open");
    assert_true(await(answers(200, "GET", "/readyz", NULL), RECOVERY_MS));
    check_size(a, "not_open", PARTITIONS - 1);
    assert_true(await(sells(3), RECOVERY_MS));
}

/* A gap: what comes behind it will never be in SQL, and other partitions do not wait for that. */
static void what_a_closed_one_holds_back_from_sql_holds_up_no_other(void **state)
{
    unsigned long long seq;
    start_at(state, "ledger", "3s"); /* REQUEST_S */
    pid_t ledger = pid_of(TSERVICE_LEDGER);
    assert_true(ledger > 0);
    redisReply *end = redis_ask(&stack.redis, "XREVRANGE {p%d}:events + - COUNT 1", SHUT);
    assert_int_equal(sscanf(end->element[0]->element[0]->str, "1-%llu", &seq), 1);
    freeReplyObject(end);
    kill(ledger, SIGSTOP);
    for (int i = 0; i < 3; i++)
        assert_true(answers(504, "POST", DECREMENT(skus[SHUT]), "{\"quantity\":1}"));
    redis_do(&stack.redis, "XDEL {p%d}:events 1-%llu", SHUT, seq + 1);
    kill(ledger, SIGCONT);
    assert_true(await(named("closed: ledger"), RECOVERY_MS));
    check_str(a, "durability", "ledger");
    check_the_others_work();
    /* The events there have waited for longer than a request may. */
    assert_true(await(api_metric(a, "stockd_ledger_lag_seconds") > REQUEST_S, RECOVERY_MS));
    check_the_others_work();
    assert_true(await(named("closed: ledger"), RECOVERY_MS));
    assert_true(api_metric(a, "stockd_ledger_lag_events") > 0);
}

/* clang-format off */
#define BOTH(test)        {#test " (no ledger)", test, NULL, serve_end, NULL}, WITH_LEDGER(test)
#define WITH_LEDGER(test) {#test " (ledger)", test, NULL, serve_end, ON_SQLITE}
/* clang-format on */

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(one_that_is_closed_leaves_the_others_alone),
        BOTH(one_that_is_lost_leaves_the_others_alone),
        BOTH(one_that_a_restore_left_leaves_the_others_alone),
        BOTH(one_that_is_gone_leaves_the_others_alone),
        BOTH(with_all_of_them_closed_it_is_not_ready),
        WITH_LEDGER(what_a_closed_one_holds_back_from_sql_holds_up_no_other),
    };
    return run_each("shut partition", tests);
}
