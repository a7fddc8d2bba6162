/* test_ledger.c -- from Redis to SQL: every effect once, whatever dies on the way, and nothing of
 * another store.
 *
 * Every test runs on SQLite and, where there is a server, on PostgreSQL.
 */
#include "support/fixture.h"

#include <inttypes.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#define STOCK  1000000
#define EVENTS "{p0}:events"

/* --- processes -------------------------------------------------------------------------------- */

/* A Redis that loses nothing, and a service. */
#define start(...)                                                                                 \
    serve(.redis.aof = TREDIS_AOF_ALWAYS, .workers = 2, .ledger = *state, __VA_ARGS__)

/* A service that leaves the events to another process, which runs as well. */
#define start_apart(...) start(.apart = true, __VA_ARGS__)

/* Runs a service, or an applier, that must refuse to start and say both words. */
static void check_refused(const char *command, const char *url, const char *word, const char *other)
{
    check_command(1, command, "--redis", stack.redis.url, "--listen", "127.0.0.1:0", "--workers",
                  "1", "--ledger", url);
    check_said(word);
    check_said(other);
}

/* One look: a killed process may be there at the first of two and gone at the second. */
static bool is_replaced(pid_t killed)
{
    pid_t now = pid_of(TSERVICE_LEDGER);
    return now > 0 && now != killed;
}

/* --- what must always hold -------------------------------------------------------------------- */

static void every_effect_is_in_sql_once(void **state)
{
    start();
    ledger_load_start(&load);
    ledger_load_await(&load, 2000);
    ledger_load_stop_and_check(&load);
    assert_int_equal(atomic_load(&load.refused), 0);
    get("/metrics");
    assert_non_null(strstr(a->resp.body, "\nstockd_ledger_errors_total 0\n"));
    assert_non_null(strstr(a->resp.body, "\nstockd_ledger_lag_events "));
    assert_non_null(strstr(a->resp.body, "\nstockd_epoch 1\n"));
    assert_null(strstr(a->resp.body, "\nstockd_ledger_commits_total 0\n"));
}

static void a_killed_applier_is_replaced_and_goes_on(void **state)
{
    start();
    ledger_load_start(&load);
    for (int round = 0; round < 4; round++) {
        ledger_load_await(&load, 300);
        pid_t pid = pid_of(TSERVICE_LEDGER);
        assert_true(pid > 0);
        kill(pid, SIGKILL);
        assert_true(await(is_replaced(pid), RECOVERY_MS));
    }
    ledger_load_await(&load, 300);
    ledger_load_stop_and_check(&load);
    assert_int_equal(atomic_load(&load.refused), 0); /* clients never noticed */
}

static void redis_may_crash_and_come_back(void **state)
{
    start();
    ledger_load_start(&load);
    for (int round = 0; round < 2; round++) {
        ledger_load_await(&load, 300);
        tredis_kill9(&stack.redis);
        assert_int_equal(tredis_restart(&stack.redis), 0);
        await_ready();
        ledger_load_await(&load, 300);
        assert_int_equal(ledger_stream_end(&load, 0) / 1000000000, 2 + round);
    }
    ledger_load_stop_and_check(&load);
    assert_int_equal(sql_int("SELECT COUNT(*) FROM events WHERE type = 'epoch'"), 3);
}

static void two_appliers_count_once(void **state)
{
    start();
    applier_start();
    ledger_load_start(&load);
    ledger_load_await(&load, 1000);
    kill(pid_of(TSERVICE_LEDGER), SIGKILL);
    ledger_load_await(&load, 1000);
    ledger_load_stop_and_check(&load);
}

/* --- absence ---------------------------------------------------------------------------------- */

static void what_waited_is_caught_up_and_trimmed(void **state)
{
    start_apart();
    ledger_load_start(&load);
    ledger_load_await(&load, 300);
    applier_stop();
    ledger_load_await(&load, 500);
    int64_t before = ledger_checkpoint(&load, 0);
    ledger_load_await(&load, 500);
    assert_int_equal(ledger_checkpoint(&load, 0), before);
    assert_true(redis_int("XLEN " EVENTS) > 100);
    applier_start();
    ledger_load_await(&load, 300);
    ledger_load_stop_and_check(&load);
    assert_int_equal(atomic_load(&load.refused), 0);
}

static void a_ledger_far_behind_stops_what_is_new(void **state)
{
    start_apart(.flags = {"--ledger-max-lag", "200"});
    const char *sku = api_item(a, STOCK, 0);
    const char *sold = "Idempotency-Key: sold\r\n", *held = "Idempotency-Key: held\r\n";
    char sell[128], body[128], hold[64];
    snprintf(sell, sizeof(sell), "/v1/items/%s/decrements", sku);
    snprintf(body, sizeof(body), "{\"sku\":\"%s\",\"quantity\":1}", sku);
    api_call(a, 201, "POST", RESERVATIONS, held, body);
    KEEP(hold, api_str(a, "id"));
    api_call(a, 200, "POST", sell, sold, "{\"quantity\":1}");
    applier_stop();
    assert_true(await(problem_is(sku, "overloaded"), RECOVERY_MS));
    api_call(a, 201, "POST", RESERVATIONS, held, body); /* a repeat takes nothing */
    check_str(a, "id", hold);
    api_call(a, 200, "POST", sell, sold, "{\"quantity\":1}");
    check_header(a, "Idempotent-Replayed", "true");
    post_problem(503, "overloaded", NULL, DECREMENT(sku), "{\"quantity\":1}");
    post(200, CONFIRM(hold), "{}");
    get(ITEM(sku));
    applier_start();
    assert_true(await(hold_status(sku) == 201, RECOVERY_MS));
}

static void sql_may_be_away_for_a_while(void **state)
{
    start();
    ledger_load_start(&load);
    ledger_load_await(&load, 300);
    struct db *other = ledger_outage_begin(&bases);
    ledger_load_await(&load, 1500);
    ledger_outage_end(&bases, other);
    ledger_load_await(&load, 300);
    ledger_load_stop_and_check(&load);
    assert_int_equal(atomic_load(&load.refused), 0);
}

/* Only SQL can tell whether what came back is the present. */
static void a_redis_that_restarts_meanwhile_waits_for_sql(void **state)
{
    start();
    ledger_load_start(&load);
    ledger_load_await(&load, 300);
    struct db *other = ledger_outage_begin(&bases);
    tredis_kill9(&stack.redis);
    assert_int_equal(tredis_restart(&stack.redis), 0);
    assert_true(await(!api_ready(a), RECOVERY_MS));
    assert_true(problem_is(load.skus[0], "redis-unavailable"));
    assert_int_equal(ledger_stream_end(&load, 0) / 1000000000, 1);
    ledger_outage_end(&bases, other);
    await_ready();
    ledger_load_await(&load, 300);
    assert_int_equal(ledger_stream_end(&load, 0) / 1000000000, 2);
    ledger_load_stop_and_check(&load);
}

/* A store that is open needs no database to serve. */
static void a_service_may_start_while_sql_is_away(void **state)
{
    start();
    const char *sku = api_item(a, STOCK, 0);
    assert_true(await(ledger_caught_up(&load), RECOVERY_MS));
    tpg_kill9(&bases.pg);
    serve_again();
    assert_true(await(hold_status(sku) == 201, RECOVERY_MS));
    assert_int_equal(tpg_restart(&bases.pg), 0);
    assert_true(await(ledger_caught_up(&load), RECOVERY_MS));
    assert_true(sql_int("SELECT held FROM items") > 0);
}

/* --- what is refused -------------------------------------------------------------------------- */

static int keep_text(void *context, const struct db_value *row, size_t count)
{
    snprintf(context, 64, "%.*s", STR_ARG(row[0].as.text));
    return 0;
}

static void another_database_is_refused(void **state)
{
    char mine[64] = "", other[64] = "";
    start();
    const char *sku = api_item(a, 10, 0);
    base_rows(bases.url, "SELECT ledger_id FROM ledger_meta", keep_text, mine);
    assert_true(await(ledger_caught_up(&load), RECOVERY_MS));
    stop_serving();
    int64_t length = redis_int("XLEN " EVENTS);

    db_close(bases_ledger(&bases, BASE_SQLITE));
    base_rows(bases.url, "SELECT ledger_id FROM ledger_meta", keep_text, other);
    check_refused("serve", bases.url, mine, other);
    check_refused("ledger", bases.url, mine, other);
    check_refused("serve", "none", mine, "--ledger");
    check_refused("serve", bases_fresh(&bases, BASE_SQLITE), "not migrated", "stockd migrate");
    check_refused("ledger", bases.url, "not migrated", "stockd migrate");
    assert_int_equal(redis_int("XLEN " EVENTS), length);

    serve_again();
    check_item(a, sku, 10, 10, 0, 0, 1);
}

static void a_store_without_a_ledger_stays_so(void **state)
{
    db_close(bases_ledger(&bases, engine_of(state)));
    serve(.redis.aof = TREDIS_AOF_ALWAYS);
    stop_serving();
    check_refused("serve", bases.url, "begun with --ledger none", "can not be attached later");
    check_refused("ledger", bases.url, "begun with --ledger none", "can not be attached later");
    assert_int_equal(sql_int("SELECT COUNT(*) FROM events"), 0);
}

/* --- lost state ------------------------------------------------------------------------------- */

static void an_emptied_redis_is_lost_state(void **state)
{
    start();
    const char *sku = api_item(a, 10, 0);
    assert_true(await(ledger_caught_up(&load), RECOVERY_MS));
    assert_int_equal(redis_int("DBSIZE") > 0, 1);
    (void)redis_int("FLUSHALL");
    assert_true(await(problem_is(sku, "state-lost"), RECOVERY_MS));

    /* With a ledger even a service that starts anew knows that there was something. */
    serve_again();
    assert_true(await(problem_is(sku, "state-lost"), RECOVERY_MS));
    api_problem(a, 503, "state-lost", NULL, "PUT", ITEM(sku), NULL, "{\"on_hand\":10}");
    assert_int_equal(redis_int("DBSIZE"), 0);
}

/* A Redis that comes back from an old copy of its data. */
static void a_lost_tail_is_lost_state(void **state)
{
    serve(.ledger = *state, .workers = 2);
    const char *sku = api_item(a, 10, 0);
    (void)redis_int("SAVE");
    api_reserve(a, sku, 1, 0);
    assert_true(await(ledger_caught_up(&load), RECOVERY_MS));
    int64_t held = ledger_checkpoint(&load, 0);
    tredis_kill9(&stack.redis);
    assert_int_equal(tredis_restart(&stack.redis), 0);
    assert_true(ledger_stream_end(&load, 0) < held);
    assert_true(await(problem_is(sku, "state-lost"), RECOVERY_MS));
    serve_again();
    assert_true(await(problem_is(sku, "state-lost"), RECOVERY_MS));
    assert_int_equal(ledger_checkpoint(&load, 0), held);
}

static void a_gap_closes_the_partition(void **state)
{
    start_apart();
    const char *sku = api_item(a, 10, 0);
    assert_true(await(ledger_caught_up(&load), RECOVERY_MS));
    applier_stop();
    api_reserve(a, sku, 1, 0); /* 1-2 */
    api_reserve(a, sku, 1, 0); /* 1-3, deleted */
    api_reserve(a, sku, 1, 0); /* 1-4 */
    assert_int_equal(redis_int("XDEL " EVENTS " 1-3"), 1);
    applier_start();
    assert_true(await(problem_is(sku, "partition-closed"), RECOVERY_MS));
    assert_int_equal(ledger_checkpoint(&load, 0),
                     1000000002);                /* all before the gap, nothing behind it */
    assert_true(redis_int("XLEN " EVENTS) >= 2); /* what waits is kept */

    /* Opened by hand, it is closed again: the gap is still there. */
    assert_int_equal(redis_int("HSET {p0}:meta state open"), 0);
    assert_true(await(problem_is(sku, "partition-closed"), RECOVERY_MS));
    assert_int_equal(ledger_checkpoint(&load, 0), 1000000002);
}

static void a_deleted_end_closes_the_partition(void **state)
{
    start_apart();
    const char *sku = api_item(a, 10, 0);
    assert_true(await(ledger_caught_up(&load), RECOVERY_MS));
    applier_stop();
    api_reserve(a, sku, 1, 0); /* 1-2, deleted */
    assert_int_equal(redis_int("XDEL " EVENTS " 1-2"), 1);
    applier_start();
    assert_true(await(problem_is(sku, "partition-closed"), RECOVERY_MS));
    assert_int_equal(ledger_checkpoint(&load, 0), 1000000001);
}

/* --- without --redis -------------------------------------------------------------------------- */

static void the_embedded_redis_has_its_ledger(void **state)
{
    char dir[TEST_PATH_MAX], log[TEST_PATH_MAX + 16], line[128];
    assert_int_equal(temp_dir_make(dir), 0);
    snprintf(log, sizeof(log), "%s/err", dir);
    const char *const argv[] = {getenv("STOCKD"), "serve",     "--listen",
                                "127.0.0.1:0",    "--workers", "1",
                                "--data-dir",     dir,         NULL};
    for (int life = 1; life <= 2; life++) {
        struct tproc p;
        struct api own;
        assert_int_equal(tproc_start(&p, argv, log), 0);
        assert_int_equal(
            tproc_await_line(&p, "listening on http://", line, sizeof(line), RECOVERY_MS), 0);
        api_open(&own, (int)strtol(strrchr(line, ':') + 1, NULL, 10));
        assert_true(await(api_ready(&own), RECOVERY_MS));
        if (life == 1)
            api_call(&own, 201, "PUT", "/v1/items/apple", NULL, "{\"on_hand\":10}");
        api_call(&own, 200, "POST", "/v1/items/apple/decrements", NULL, "{\"quantity\":1}");
        api_close(&own);
        assert_true(tproc_stop(&p, RECOVERY_MS));
        const char *url = text("sqlite:%s/ledger.db", dir);
        assert_int_equal(base_int(url, "SELECT sold FROM items"), life);
        assert_int_equal(base_int(url, "SELECT epoch FROM checkpoints"), life);
    }
    temp_dir_remove(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(every_effect_is_in_sql_once),
        ON_BOTH(a_killed_applier_is_replaced_and_goes_on),
        ON_BOTH(redis_may_crash_and_come_back),
        ON_BOTH(two_appliers_count_once),
        ON_BOTH(what_waited_is_caught_up_and_trimmed),
        ON_BOTH(a_ledger_far_behind_stops_what_is_new),
        ON_BOTH(sql_may_be_away_for_a_while),
        ON_BOTH(a_redis_that_restarts_meanwhile_waits_for_sql),
        POSTGRES_TEST(a_service_may_start_while_sql_is_away),
        ON_BOTH(another_database_is_refused),
        ON_BOTH(a_store_without_a_ledger_stays_so),
        ON_BOTH(an_emptied_redis_is_lost_state),
        ON_BOTH(a_lost_tail_is_lost_state),
        ON_BOTH(a_gap_closes_the_partition),
        ON_BOTH(a_deleted_end_closes_the_partition),
        PLAIN_TEST(the_embedded_redis_has_its_ledger),
    };
    return run_each("ledger", tests);
}
