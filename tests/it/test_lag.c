/* test_lag.c -- what /metrics says of the ledger's backlog while nobody can look at it: no number
 * of earlier is shown as if it were of now. */
#include "support/fixture.h"

#include <math.h>
#include <signal.h>
#include <stdlib.h>

#define STALE_S 5 /* docs/operations.md */

static bool is_told(void)
{
    return api_metric(a, "stockd_ledger_lag_events") == 0 &&
           api_metric(a, "stockd_stream_length") >= 1;
}

/* It grows with the time, and how many events there are is not said. */
static void check_nobody_knows(void)
{
    double seen = api_metric(a, "stockd_ledger_lag_timestamp_seconds");
    assert_true(await(api_metric(a, "stockd_ledger_lag_seconds") >= STALE_S, RECOVERY_MS));
    assert_true(isnan(api_metric(a, "stockd_ledger_lag_events")));
    assert_true(isnan(api_metric(a, "stockd_stream_length")));
    double before = api_metric(a, "stockd_ledger_lag_seconds");
    assert_true(await(api_metric(a, "stockd_ledger_lag_seconds") > before + 1, RECOVERY_MS));
    assert_true(api_metric(a, "stockd_ledger_lag_timestamp_seconds") < seen + STALE_S);
}

static void while_redis_is_away_the_lag_grows(void **state)
{
    serve(.redis.aof = TREDIS_AOF_ALWAYS, .ledger = ON_SQLITE);
    assert_true(await(is_told(), RECOVERY_MS));
    tredis_kill9(&stack.redis);
    check_nobody_knows();
    assert_int_equal(tredis_restart(&stack.redis), 0);
    assert_true(await(is_told(), RECOVERY_MS));
    assert_true(await(api_metric(a, "stockd_ledger_lag_seconds") < STALE_S, RECOVERY_MS));
}

/* What it saw is not forgotten with it either. */
static void while_the_keeper_is_stopped_or_killed_the_lag_grows(void **state)
{
    serve(.redis.aof = TREDIS_AOF_ALWAYS, .ledger = ON_SQLITE);
    assert_true(await(is_told(), RECOVERY_MS));
    pid_t keeper = pid_of(TSERVICE_KEEPER);
    kill(keeper, SIGSTOP);
    check_nobody_knows();
    tredis_freeze(&stack.redis);
    kill(keeper, SIGKILL);
    assert_true(await(tservice_pids(&stack.service, TSERVICE_KEEPER, &keeper, 1) == 1 &&
                          kill(keeper, 0) == 0,
                      RECOVERY_MS));
    double before = api_metric(a, "stockd_ledger_lag_seconds");
    assert_true(before >= STALE_S);
    tredis_thaw(&stack.redis);
    assert_true(await(is_told(), RECOVERY_MS));
    assert_true(await(api_metric(a, "stockd_ledger_lag_seconds") < STALE_S, RECOVERY_MS));
}

/* Redis tells how much waits for a ledger that is away. */
static void while_the_ledger_is_away_the_backlog_is_told(void **state)
{
    serve(.redis.aof = TREDIS_AOF_ALWAYS, .ledger = ON_SQLITE);
    assert_true(await(is_told(), RECOVERY_MS));
    pid_t ledger = pid_of(TSERVICE_LEDGER);
    kill(ledger, SIGSTOP);
    (void)api_item(a, 1, 0);
    (void)api_item(a, 1, 0);
    assert_true(await(api_metric(a, "stockd_ledger_lag_events") == 2, RECOVERY_MS));
    assert_true(await(api_metric(a, "stockd_ledger_lag_seconds") > 1, RECOVERY_MS));
    kill(ledger, SIGCONT);
    assert_true(await(is_told(), RECOVERY_MS));
    assert_true(await(api_metric(a, "stockd_ledger_lag_seconds") == 0, RECOVERY_MS));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLAIN_TEST(while_redis_is_away_the_lag_grows),
        PLAIN_TEST(while_the_keeper_is_stopped_or_killed_the_lag_grows),
        PLAIN_TEST(while_the_ledger_is_away_the_backlog_is_told),
    };
    return run_each("lag", tests);
}
