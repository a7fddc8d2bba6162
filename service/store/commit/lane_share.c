/* lane_share.c -- whether the workers of a service had better share one lane than contend. */
#include "clock.h"
#include "store/commit/lane_steps.h"
#include "store/relay/relay.h"

#define UNIT       16
#define SHARE_MOST (8 * UNIT) /* past it sharing costs more than larger batches bring */
#define SMOOTHING  8

/* Marks the item as one that operations of this origin touch. True: so do those of another. */
static bool touch(unsigned *origins, uint32_t slot, unsigned origin)
{
    unsigned before = origins[slot];
    origins[slot] = origin + 1;
    return before != 0 && before != origin + 1;
}

/* Operations that name a reservation go with the rest. */
static bool workers_meet(struct batch *batch)
{
    unsigned *origins = arena_zalloc(&batch->arena, batch->view.items.count * sizeof(*origins));
    bool meet = false;
    for (unsigned i = 0; origins && i < batch->count; i++) {
        const struct store_op *op = batch->ops[i];
        if (!op || op_trait(op->op.kind)->names_reservation)
            continue;
        for (unsigned l = 0; l < op->op.line_count; l++)
            meet |= touch(origins, op->op.lines[l].slot, op->origin);
    }
    return meet;
}

static unsigned count_workers(struct batch *batch, unsigned workers)
{
    unsigned count = 0;
    bool *seen = arena_zalloc(&batch->arena, (workers + 1) * sizeof(*seen));
    for (unsigned i = 0; seen && i < batch->count; i++) {
        const struct store_op *op = batch->ops[i];
        count += op && !seen[op->origin];
        if (op)
            seen[op->origin] = true;
    }
    return count ? count : 1;
}

void lane_ask_for_one(struct lane *lane)
{
    if (lane->store->relay && lane->share < SHARE_MOST)
        relay_met_others(lane->store->relay, lane->partition->index, clock_mono_us());
}

void lane_meet_workers(struct lane *lane)
{
    struct batch *batch = &lane->batch;
    if (!lane->store->relay)
        return;
    unsigned workers = count_workers(batch, relay_workers(lane->store->config.relay));
    lane->share += ((int)(batch->count * UNIT / workers) - lane->share) / SMOOTHING;
    if (lane->turn.met_others || (workers > 1 && workers_meet(batch)))
        lane_ask_for_one(lane);
}
