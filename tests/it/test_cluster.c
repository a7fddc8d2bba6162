/* test_cluster.c -- a store on a Redis Cluster, under load, and the faults that it is to live
 * through by itself: it serves again, every answer was right, and store and ledger are equal. `make
 * chaos` draws from the same ones. */
#include "support/failover_case.h"

#define ON(of_level, with_engine, ...)                                                             \
    {                                                                                              \
        .kind = SHAKEN_CLUSTER, .level = (of_level), .engine = (with_engine), __VA_ARGS__          \
    }

static const struct failover_case cases[] = {
    {.name = "what_is_in_sql_outlives_every_primary",
     .opts = ON(SHAKEN_LEDGER, BASE_SQLITE),
     .faults = {"two-failovers", "failover-takeover"}},
    {.name = "what_is_in_sql_outlives_every_primary_over_tls_with_few_rights",
     .opts = ON(SHAKEN_LEDGER, BASE_SQLITE, .guarded = true),
     .faults = {"primary-killed", "failover", "slots-moved"}},
    {.name = "what_a_replica_lacks_comes_back_from_sql",
     .opts = ON(SHAKEN_LEDGER, BASE_POSTGRES),
     .faults = {"tail-cut", "applier-frozen"}},
    {.name = "what_a_replica_has_outlives_every_primary",
     .opts = ON(SHAKEN_REPLICATED, BASE_POSTGRES),
     .faults = {"primary-killed", "failover-force", "primary-frozen", "tail-cut"}},
    {.name = "slots_move_and_nodes_come",
     .opts = ON(SHAKEN_LEDGER, BASE_SQLITE),
     .faults = {"slots-moved", "node-added", "slots-moved"}},
    {.name = "slots_move_when_replicas_protect_them",
     .opts = ON(SHAKEN_REPLICATED, BASE_SQLITE),
     .faults = {"slots-moved", "node-added"}},
    {.name = "a_restore_outlives_a_primary",
     .opts = ON(SHAKEN_LEDGER, BASE_SQLITE),
     .faults = {"restore-interrupted"}},
    {.name = "a_split_costs_no_answer_that_is_in_sql",
     .opts = ON(SHAKEN_LEDGER, BASE_POSTGRES, .apart = true),
     .faults = {"split", "applier-killed", "split"}},
    {.name = "a_split_costs_no_answer_that_a_replica_has",
     .opts = ON(SHAKEN_REPLICATED, BASE_SQLITE, .apart = true),
     .faults = {"split"}},
};

int main(void)
{
    return run_failover_cases("cluster", cases);
}
