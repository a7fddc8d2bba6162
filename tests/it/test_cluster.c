/* test_cluster.c -- a store on a Redis Cluster, under load, and the faults that it is to live
 * through by itself: it serves again, every answer was right, and store and ledger are equal. `make
 * chaos` draws from the same ones. */
#include "support/faults_redis.h"
#include "support/suite.h"

static struct shaken world;

static int end(void **state)
{
    return shaken_stop(&world);
}

#define SHAKEN_TEST(name) TEST_BETWEEN(name, NULL, end)

static void goes_through(enum shaken_level level, enum base_engine engine, bool apart,
                         const char *const *faults)
{
    const struct shaken_opts opts = {
        .kind = SHAKEN_CLUSTER, .level = level, .engine = engine, .apart = apart, .seed = 1};
    redis_faults_go_through(&world, &opts, faults);
}

#define FAULTS(...) ((const char *const[]){__VA_ARGS__, NULL})

SHAKEN_TEST(what_is_in_sql_outlives_every_primary)
{
    goes_through(SHAKEN_LEDGER, BASE_SQLITE, false,
                 FAULTS("primary-killed", "two-failovers", "failover", "failover-takeover"));
}

SHAKEN_TEST(what_a_replica_lacks_comes_back_from_sql)
{
    goes_through(SHAKEN_LEDGER, BASE_POSTGRES, false, FAULTS("tail-cut", "applier-frozen"));
}

SHAKEN_TEST(what_a_replica_has_outlives_every_primary)
{
    goes_through(SHAKEN_REPLICATED, BASE_POSTGRES, false,
                 FAULTS("primary-killed", "failover-force", "primary-frozen", "tail-cut"));
}

SHAKEN_TEST(slots_move_and_nodes_come)
{
    goes_through(SHAKEN_LEDGER, BASE_SQLITE, false,
                 FAULTS("slots-moved", "node-added", "slots-moved"));
}

SHAKEN_TEST(slots_move_when_replicas_protect_them)
{
    goes_through(SHAKEN_REPLICATED, BASE_SQLITE, false, FAULTS("slots-moved", "node-added"));
}

SHAKEN_TEST(a_restore_outlives_a_primary)
{
    goes_through(SHAKEN_LEDGER, BASE_SQLITE, false, FAULTS("restore-interrupted"));
}

SHAKEN_TEST(a_split_costs_no_answer_that_is_in_sql)
{
    goes_through(SHAKEN_LEDGER, BASE_POSTGRES, true, FAULTS("split", "applier-killed", "split"));
}

SHAKEN_TEST(a_split_costs_no_answer_that_a_replica_has)
{
    goes_through(SHAKEN_REPLICATED, BASE_SQLITE, true, FAULTS("split"));
}
