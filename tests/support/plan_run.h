/* plan_run.h -- what a run of test_plan_model.c is, and the random operations that it is made of.
 *
 * A run goes through stretches, each with its own mix of operations, sizes, clocks and counters
 * that are about to reach their limit. All of it follows from the seed in run.rng.
 */
#pragma once

#include "random.h"
#include "support/model.h"
#include "support/plan_world.h"

#define BATCH_MOST 64
#define RECENT     512 /* reservations that operations name */
#define SENT       64  /* keyed operations that may be sent again */
#define CHAINS     4

/* One operation with all that it points to. */
struct sent {
    struct op op;
    struct op_line lines[MODEL_LINES];
    char key[32], id[32];
};

/* What a stretch of the run is like. */
struct phase {
    unsigned weights[OP_KINDS], weight_sum;
    unsigned items; /* the first so many are used */
    int64_t ttl_most, step_most, on_hand_most, quantity_most;
    unsigned batch_most, jump_percent, key_percent, customer_percent, chain_percent,
        overload_percent;
};

/* An item as the events alone tell it. */
struct replica {
    bool exists;
    int64_t available, held, sold, version, max;
};

/* Both sides, and what is asked of them. */
struct plan_run {
    struct rng rng;
    struct world world;
    struct model model;
    struct phase phase;
    struct sent sent[SENT];
    unsigned sent_count;
    struct rid recent[RECENT];
    unsigned recent_count;
    uint64_t key_count, id_count;
    struct replica replicas[MODEL_ITEMS];
    size_t index_before[MODEL_ITEMS]; /* entries of the index when the attempt began */
    uint64_t codes[OUT_CODES], replays, deferred, batches, attempts, rounds;
};

extern struct plan_run run;
extern const char *const skus[MODEL_ITEMS];
extern const char *const people[MODEL_CUSTOMERS];
extern const struct plan_limits limits;

int64_t below(int64_t n);
bool percent(unsigned p);

/* Another stretch begins, behind so many operations. */
void plan_run_stretch(uint64_t at_op);

/* The next operation; or one that was sent before, again. */
void plan_run_generate(struct sent *s);
