/* counters.h -- what the client processes have counted so far, for the live view.
 *
 * Layer: client. Lies in memory that parent and children share; each worker writes only its own,
 * anybody reads. It outlives the process that filled it, so a killed worker takes no counts along,
 * and the one forked in its place goes on with the same numbers.
 */
#ifndef LOADGEN_CLIENT_COUNTERS_H
#define LOADGEN_CLIENT_COUNTERS_H

#include "histogram.h"
#include "history/format.h"

#include <stdatomic.h>
#include <stdint.h>

#define TALLY_HOT 8 /* items whose stock is shown: the first ones, the workload's hottest */

struct counters {
    _Atomic uint64_t requests; /* sent, all attempts; a batch is one */
    _Atomic uint64_t started;  /* operations in them */
    _Atomic uint64_t finished; /* answered or given up */
    _Atomic uint64_t count[OUTCOMES][DETAILS];
    _Atomic uint32_t open;    /* connections */
    _Atomic uint32_t lives;   /* processes that filled it, one after the other */
    _Atomic uint32_t failure; /* errno that ended a worker, or 0 */
    _Atomic uint64_t version[TALLY_HOT];
    _Atomic int64_t left[TALLY_HOT]; /* available at that version */
    struct histogram response;       /* ns, from the planned send */
};

/* Only the owner adds, so a plain load and store will do: no locked instruction. */
static inline void counters_bump(_Atomic uint64_t *counter)
{
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + 1,
                          memory_order_relaxed);
}

/* Remembers what an answer said about an item, if it is one that is shown and the news is newer. */
static inline void counters_stock(struct counters *t, uint32_t item, uint64_t version, int64_t left)
{
    if (item >= TALLY_HOT ||
        version <= atomic_load_explicit(&t->version[item], memory_order_relaxed))
        return;
    atomic_store_explicit(&t->left[item], left, memory_order_relaxed);
    atomic_store_explicit(&t->version[item], version, memory_order_release);
}

#endif
