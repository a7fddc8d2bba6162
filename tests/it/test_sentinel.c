/* test_sentinel.c -- a store on a Redis that Sentinels watch, under load, and the faults that it is
 * to live through by itself: it serves again, every answer was right, and store and ledger are
 * equal. `make chaos` draws from the same ones. */
#include "support/faults_redis.h"
#include "support/suite.h"

static struct shaken world;

static int end(void **state)
{
    return shaken_stop(&world);
}

#define SHAKEN_TEST(name) TEST_BETWEEN(name, NULL, end)

/* Where two primaries answer, little is left of anything, so that they refuse much. */
static void goes_through(enum shaken_level level, enum base_engine engine, bool apart,
                         const char *const *faults)
{
    const struct shaken_opts opts = {.kind = SHAKEN_SENTINEL,
                                     .level = level,
                                     .engine = engine,
                                     .apart = apart,
                                     .scarce = apart,
                                     .seed = 1};
    redis_faults_go_through(&world, &opts, faults);
}

#define FAULTS(...) ((const char *const[]){__VA_ARGS__, NULL})

SHAKEN_TEST(what_is_in_sql_outlives_every_primary)
{
    goes_through(SHAKEN_LEDGER, BASE_SQLITE, false,
                 FAULTS("primary-killed", "two-failovers", "failover", "primary-restarted"));
}

SHAKEN_TEST(what_a_replica_lacks_comes_back_from_sql)
{
    goes_through(SHAKEN_LEDGER, BASE_POSTGRES, false, FAULTS("tail-cut", "applier-frozen"));
}

SHAKEN_TEST(what_a_replica_has_outlives_every_primary)
{
    goes_through(SHAKEN_REPLICATED, BASE_POSTGRES, false,
                 FAULTS("primary-killed", "failover", "primary-frozen", "tail-cut"));
}

SHAKEN_TEST(a_restore_outlives_a_primary)
{
    goes_through(SHAKEN_LEDGER, BASE_SQLITE, false, FAULTS("restore-interrupted"));
}

SHAKEN_TEST(a_split_costs_no_answer_that_is_in_sql)
{
    goes_through(SHAKEN_LEDGER, BASE_POSTGRES, true, FAULTS("split", "applier-killed", "split"));
}

/* It keeps its replication id, and what it has may be no part of the history. */
SHAKEN_TEST(a_primary_that_was_replaced_can_be_named_again)
{
    goes_through(SHAKEN_LEDGER, BASE_SQLITE, true, FAULTS("named-again"));
}

SHAKEN_TEST(a_split_costs_no_answer_that_a_replica_has)
{
    goes_through(SHAKEN_REPLICATED, BASE_SQLITE, true, FAULTS("split"));
}

/* What only the dead primary had was answered with success, and nobody has it any more. */
SHAKEN_TEST(below_these_levels_the_verdict_tells_of_what_was_lost)
{
    const struct shaken_opts opts = {
        .kind = SHAKEN_SENTINEL, .level = SHAKEN_ALWAYS, .engine = BASE_ENGINES, .seed = 1};
    assert_int_equal(shaken_start(&world, &opts), 0);
    shaken_load(&world);
    assert_true(redis_fault_go_through(redis_fault_named("tail-cut"), &world));
    (void)shaken_end_load(&world);
    /* Named one by one, or, where what was lost does not show for sure, as what contradicts it. */
    assert_true(tload_lost(&world.load) > 0 || tload_violations(&world.load, "versions") +
                                                       tload_violations(&world.load, "lasting") >
                                                   0);
}
