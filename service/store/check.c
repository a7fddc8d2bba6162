#include "store/check.h"

#include "store/commit/lane.h"
#include "store/relay/relay.h"

#include <assert.h>

/* Linked in both directions: so nothing in it can be in another queue as well. */
static void check_queue(const struct queue *queue, int partition)
{
    const struct store_op *before = NULL;
    unsigned count = 0;
    for (const struct store_op *op = queue->head; op; before = op, op = op->next) {
        assert(op->prev == before && op->done);
        assert(partition < 0 || op->op.partition == partition);
        count++;
    }
    assert(queue->tail == before && queue->count == count);
}

/* A chain knows the lane that has parts of it. */
static void check_taken(const struct lane *lane, const struct store_op *op)
{
    assert(!op->chain || (op->chain->flying > 0 && op->chain->lane == lane));
}

static void check_batch(const struct lane *lane)
{
    const struct batch *batch = &lane->batch;
    assert(batch->count <= batch->cap);
    assert(lane->state != LANE_IDLE || batch->count == 0);
    for (unsigned i = 0; i < batch->count; i++) {
        const struct store_op *op = batch->ops[i];
        if (!op)
            continue; /* it was told */
        assert(!op->prev && !op->next && op->done && op->started_us > 0);
        assert(op->op.partition == lane->partition->index);
        check_taken(lane, op);
    }
}

/* An exchange is under way where only its end leads on; doubt lasts until it is settled. */
static void check_state(const struct lane *lane)
{
    bool asks =
        lane->state == LANE_READING || lane->state == LANE_WRITING || lane->state == LANE_PROBING;
    bool may_doubt =
        lane->state == LANE_WRITING || lane->state == LANE_FENCING || lane->state == LANE_AWAITING;
    assert(!asks || lane->conn.state == CONN_BUSY);
    assert(lane->state != LANE_FENCING || lane->unsettled);
    assert(!lane->unsettled || may_doubt);
}

static void check_lane(const struct lane *lane)
{
    check_queue(&lane->again, lane->partition->index);
    for (const struct store_op *op = lane->again.head; op; op = op->next)
        check_taken(lane, op);
    check_batch(lane);
    check_state(lane);
}

void store_check(const struct store *store)
{
    check_queue(&store->refused, -1);
    relay_check(store->relay);
    for (unsigned p = 0; p < store->config.partitions; p++) {
        const struct partition *part = &store->partitions[p];
        assert(part->index == p);
        check_queue(&part->waiting, part->index);
        for (unsigned i = 0; i < store->config.lanes; i++) {
            assert(part->lanes[i].partition == part);
            check_lane(&part->lanes[i]);
        }
    }
}
