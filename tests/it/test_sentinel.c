/* test_sentinel.c -- a store on a Redis that Sentinels watch, under load, and the faults that it is
 * to live through by itself: it serves again, every answer was right, and store and ledger are
 * equal. `make chaos` draws from the same ones. */
#include "support/failover_case.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* Where two primaries answer, little is left of anything, so that they refuse much. */
#define SPLIT .apart = true, .scarce = true

/* What only the dead primary had was answered with success, and nobody has it any more. It is named
 * one by one, or, where it does not show for sure, as what contradicts it. */
static void judge_what_was_lost(struct shaken *w)
{
    (void)shaken_end_load(w);
    assert_true(tload_lost(&w->load) > 0 ||
                tload_violations(&w->load, "versions") + tload_violations(&w->load, "lasting") > 0);
}

#define ON(of_level, with_engine, ...)                                                             \
    {                                                                                              \
        .kind = SHAKEN_SENTINEL, .level = (of_level), .engine = (with_engine), __VA_ARGS__         \
    }

static const struct failover_case cases[] = {
    {.name = "what_is_in_sql_outlives_every_primary",
     .opts = ON(SHAKEN_LEDGER, BASE_SQLITE),
     .faults = {"two-failovers", "primary-restarted"}},
    {.name = "what_is_in_sql_outlives_every_primary_over_tls_with_few_rights",
     .opts = ON(SHAKEN_LEDGER, BASE_SQLITE, .guarded = true),
     .faults = {"primary-killed", "failover"}},
    {.name = "what_a_replica_lacks_comes_back_from_sql",
     .opts = ON(SHAKEN_LEDGER, BASE_POSTGRES),
     .faults = {"tail-cut", "applier-frozen"}},
    {.name = "what_a_replica_has_outlives_every_primary",
     .opts = ON(SHAKEN_REPLICATED, BASE_POSTGRES),
     .faults = {"primary-killed", "failover", "primary-frozen", "tail-cut"}},
    {.name = "sentinels_that_die_are_not_missed_but_for_a_failover",
     .opts = ON(SHAKEN_LEDGER, BASE_SQLITE),
     .faults = {"sentinels-killed", "failover", "sentinel-killed"}},
    {.name = "a_restore_outlives_a_primary",
     .opts = ON(SHAKEN_LEDGER, BASE_SQLITE),
     .faults = {"restore-interrupted"}},
    {.name = "a_split_costs_no_answer_that_is_in_sql",
     .opts = ON(SHAKEN_LEDGER, BASE_POSTGRES, SPLIT),
     .faults = {"split", "applier-killed", "split"}},
    /* It keeps its replication id, and what it has may be no part of the history. */
    {.name = "a_primary_that_was_replaced_can_be_named_again",
     .opts = ON(SHAKEN_LEDGER, BASE_SQLITE, SPLIT),
     .faults = {"named-again"}},
    {.name = "a_split_costs_no_answer_that_a_replica_has",
     .opts = ON(SHAKEN_REPLICATED, BASE_SQLITE, SPLIT),
     .faults = {"split"}},
    {.name = "below_these_levels_the_verdict_tells_of_what_was_lost",
     .opts = ON(SHAKEN_ALWAYS, BASE_ENGINES),
     .faults = {"tail-cut"},
     .judge = judge_what_was_lost},
};

int main(void)
{
    return run_failover_cases("sentinel", cases);
}
