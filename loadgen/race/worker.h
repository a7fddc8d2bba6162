/* worker.h -- the life of one process of the race, and the ways to take units of one key: what is
 * sent, and what the answer means.
 *
 * Layer: loadgen. Runs in a child of the pool: connects, says that it is ready, waits for the
 * moment that the parent names, then takes units until there are none, time is over or it is told
 * to stop. A strategy keeps no state but the connection's.
 */
#pragma once

#include "pool/pool.h"
#include "race/shm.h"

#define RACE_STRATEGIES 4

enum race_outcome {
    RACE_GOT,      /* *units were taken */
    RACE_CONFLICT, /* somebody else was faster: nothing happened, try again */
    RACE_EMPTY,    /* nothing is left */
    RACE_ERROR,    /* link->err says why */
};

struct race_strategy {
    const char *name;  /* as --strategy has it */
    const char *about; /* one line */
    /* Once a connection. NULL for nothing to do. */
    bool (*prepare)(struct race_link *link);
    /* One try to take up to *units, and how many it were. Before anything is sent that could take
     * units, *pending says how many; whoever dies leaves that behind. */
    enum race_outcome (*take)(struct race_link *link, _Atomic int64_t *pending, int64_t *units);
    bool batches; /* takes more than one when asked to */
};

/* In the order of enum option_strategy. */
extern const struct race_strategy race_strategies[RACE_STRATEGIES];

/* What the parent sends to each, once all are ready. Monotonic. */
struct race_go {
    int64_t begin_us, end_us;
};

/* What all workers of a strategy share; made before the fork. */
struct race_plan {
    const struct race_strategy *strategy;
    struct topology *topology;
    const char *key;
    int64_t batch_max; /* units a try, where the strategy batches */
    struct race_books *books;
    int first_slot; /* of the pool: page 0 belongs to it */
};

/* For struct pool_slot_options: arg is the struct race_plan. Exit status 0, or 1 with the page's
 * err saying why. */
int race_worker_run(struct pool_child *child, void *arg);
