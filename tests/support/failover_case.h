/* failover_case.h -- tests of a Redis that fails over, one row each: the world, and what happens to
 * it under load. Each ends in serving again by itself, with every answer right, store and ledger
 * equal.
 *
 *     static const struct failover_case cases[] = {
 *         {"what holds", {.kind = SHAKEN_CLUSTER, .level = SHAKEN_LEDGER}, {"primary-killed"}},
 *     };
 *     int main(void) { return run_failover_cases("cluster", cases); }
 *
 * Layer: tests. A case is skipped where its world can not be had. Names of faults: faults_redis.c.
 */
#pragma once

#include "support/faults_redis.h"

#define FAILOVER_FAULTS_MAX 6

struct failover_case {
    const char *name;
    struct shaken_opts opts;                     /* seed 0: 1 */
    const char *faults[FAILOVER_FAULTS_MAX + 1]; /* one after the other, the last one NULL */
    void (*judge)(struct shaken *w);             /* NULL: shaken_judge() */
};

/* How many failed. */
#define run_failover_cases(name, cases)                                                            \
    run_failover_cases_of((name), (cases), sizeof(cases) / sizeof((cases)[0]))
int run_failover_cases_of(const char *name, const struct failover_case *cases, size_t count);
