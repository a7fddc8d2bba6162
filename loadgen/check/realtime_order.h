/* realtime_order.h -- does an order that is forced by versions agree with the order of time?
 *
 * Layer: check, pure. The operations on one item are fed in the order of their versions, a mutation
 * before the reads of its version. That order is forced: the version is part of every answer, so in
 * any sequential run that gives these answers mutation v stands before mutation v + 1 and a read of
 * v between the two; only reads of one version may change places among each other.
 *
 *   must  the latest begin among those that must come before whatever is fed next
 *   next  the same once the reads of this version are over
 *
 * An operation that ended before `must` was over before another began that must come earlier: a
 * violation, and nothing else is one. For if none is, give each operation the point max(begin,
 * must): it lies within the operation and never goes back along the order, so the points are a
 * sequential run. Equal stamps count as concurrent.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define SWEEP_NEVER UINT64_MAX /* the end of an operation that nobody saw end */

struct sweep {
    uint64_t must_ns, next_ns;
    uint32_t must_by, next_by; /* who began then */
};

static inline void sweep_start(struct sweep *s)
{
    *s = (struct sweep){0};
}

/* Takes the next operation. 0: fine. Otherwise the `by` of the operation that began after this one
 * had ended, and yet must come before it. `by` is never 0. */
uint32_t sweep_step(struct sweep *s, bool mutation, uint64_t begin_ns, uint64_t end_ns,
                    uint32_t by) MUST_CHECK;
