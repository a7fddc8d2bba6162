/* faults_redis.h -- what happens to a Redis that fails over, one row each: for the tests of
 * Sentinel and of clusters (failover_case.h), and for `make chaos`.
 *
 * Layer: tests. A fault begins, and is over when shaken_mend() has been called.
 */
#pragma once

#include "support/shaken.h"

struct redis_fault {
    const char *name;
    unsigned kinds, levels; /* bits 1 << enum shaken_kind, 1 << enum shaken_level */
    bool apart;             /* only on hosts of their own */
    /* Lets it happen, and waits until Redis has done what it does about it. False, with a message:
     * it did not. */
    bool (*begin)(struct shaken *w);
};

extern const struct redis_fault redis_faults[];
extern const int redis_fault_count;

/* NULL: there is none of that name. */
const struct redis_fault *redis_fault_named(const char *name);

bool redis_fault_fits(const struct redis_fault *fault, const struct shaken_opts *opts);

/* The fault, serving again, its end, serving again: each with the time that it took, printed.
 * False, with what the logs say, if one of them does not come. */
bool redis_fault_go_through(const struct redis_fault *fault, struct shaken *w);
