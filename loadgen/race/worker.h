/* worker.h -- the life of one process of the race.
 *
 * Layer: loadgen. Runs in a child of the pool: connects, says that it is ready, waits for the
 * moment that the parent names, then takes units until there are none, time is over or it is told
 * to stop.
 */
#ifndef LOADGEN_RACE_WORKER_H
#define LOADGEN_RACE_WORKER_H

#include "pool/pool.h"
#include "race/shm.h"
#include "race/strategy.h"

/* What the parent sends to each, once all are ready. Monotonic. */
struct race_go {
    int64_t begin_us, end_us;
};

/* What all workers of a strategy share; made before the fork. */
struct race_plan {
    const struct race_strategy *strategy;
    const struct address *address;
    const char *key;
    int64_t batch_max; /* units a try, where the strategy batches */
    struct race_books *books;
    int first_slot; /* of the pool: page 0 belongs to it */
};

/* For struct pool_slot_options: arg is the struct race_plan. Exit status 0, or 1 with the page's
 * err saying why. */
int race_worker_run(struct pool_child *child, void *arg);

#endif
