/* lane_conflict.c -- EXEC said nil: who tries again, when, and with whom. */
#include "clock.h"
#include "stats.h"
#include "store/commit/lane.h"
#include "store/commit/lane_steps.h"
#include "store/layout.h"
#include "store/redis/resp.h"

#define JITTER_US        500 /* about one and a half transactions */
#define JITTER_DOUBLINGS 5   /* 0 .. 16 ms at the most */
#define BATCH_LIMIT_MIN  8

static int64_t jitter_us(struct lane *lane)
{
    unsigned doublings = lane->losses < JITTER_DOUBLINGS ? lane->losses : JITTER_DOUBLINGS;
    return 1 + (int64_t)rng_below(&lane->jitter, (uint64_t)JITTER_US << doublings);
}

/* --- a lost transaction ------------------------------------------------------------------------
 */

static bool lines_moved(const struct view *v, const struct op *op)
{
    for (unsigned i = 0; i < op->line_count; i++)
        if (view_item(v, op->lines[i].slot)->dirty)
            return true;
    return false;
}

static bool touches_moved(const struct batch *batch, const struct op *op)
{
    const struct view *v = &batch->view;
    if (!op_trait(op->kind)->names_reservation)
        return lines_moved(v, op);
    const struct view_reservation *vr = view_reservation(v, op->resv_slot);
    const struct reservation *r = view_current(vr);
    for (unsigned i = 0; r && vr->named && i < r->line_count; i++)
        if (view_item(v, vr->slots[i])->dirty)
            return true;
    return false;
}

/* One more lost try for an operation; true if it was its last. */
static bool give_up_op(struct lane *lane, unsigned i)
{
    struct store_op *op = lane->batch.ops[i];
    stats_count(STATS_OP_RETRIES, 1);
    if (++op->tries < lane->store->config.tries_max)
        return false;
    stats_count(STATS_CONTENTION, 1);
    lane_tell(lane, i, OUT_CONTENTION, "too many transactions were lost to other writers");
    return true;
}

/* Every operation of the batch is to be tried again. */
static void lose_all(struct lane *lane)
{
    for (unsigned i = 0; i < lane->batch.count; i++)
        if (lane->batch.ops[i])
            (void)give_up_op(lane, i);
    if (turn_wanted(&lane->turn, clock_mono_us())) { /* a queue, in the place of a pause */
        lane_postpone(lane, 0);
        lane->state = LANE_IDLE;
        lane_start(lane);
        return;
    }
    lane_postpone(lane, jitter_us(lane));
    lane_become_idle(lane);
}

/* view_item.dirty now tells which items moved: their operations, and what follows those in their
 * chains, go on in a batch of their own; the others at once. What waits in `again` since an earlier
 * split was behind this batch, so those of this batch come before it. */
static void split_batch(struct lane *lane)
{
    struct batch *batch = &lane->batch;
    struct queue lost = {0};
    unsigned kept = 0;
    for (unsigned i = 0; i < batch->count; i++) {
        struct store_op *op = batch->ops[i];
        if (!op)
            continue;
        if (!touches_moved(batch, &op->op) && !queue_has_chain_of(&lost, op)) {
            batch->ops[kept++] = op;
        } else if (!give_up_op(lane, i)) {
            queue_push(&lost, op);
        }
    }
    batch->count = kept;
    for (struct store_op *op; (op = lost.tail);) {
        queue_remove(&lost, op);
        queue_push_front(&lane->again, op);
    }
    lane->again_us = clock_mono_us();
    if (!turn_wanted(&lane->turn, lane->again_us))
        lane->again_us += jitter_us(lane);
    if (kept > 0)
        lane_begin_attempt(lane);
    else
        lane_become_idle(lane);
}

static void on_probed(struct conn *conn, redisReply **replies, size_t count)
{
    struct lane *lane = conn->user;
    struct view *v = &lane->batch.view;
    unsigned moved = 0;
    if (replies[0]->type != REDIS_REPLY_ARRAY || replies[0]->elements != v->items.count) {
        lose_all(lane);
        return;
    }
    for (uint32_t i = 0; i < v->items.count; i++) {
        const redisReply *reply = replies[0]->element[i];
        struct view_item *item = view_item(v, i);
        struct item now = {.version = 0};
        if (reply->type == REDIS_REPLY_STRING &&
            !item_decode((struct str){reply->str, (size_t)reply->len}, &now))
            now.version = -1;
        item->dirty = now.version != item->was.version;
        moved += item->dirty;
    }
    if (moved == 0)
        lose_all(lane); /* a key or a hint moved, no item: all alike */
    else
        split_batch(lane);
}

void lane_conflict(struct lane *lane)
{
    struct batch *batch = &lane->batch;
    stats_count(STATS_CONFLICTS, 1);
    stats_raise(STATS_LOST_RUN_MAX, ++lane->losses);
    turn_lost(&lane->turn, clock_mono_us());
    lane_ask_for_one(lane);
    batch_compact(batch);
    if (batch->view.items.count < 2 || batch->count < 2) {
        lose_all(lane);
        return;
    }
    lane->batch_limit /= 2;
    if (lane->batch_limit < BATCH_LIMIT_MIN)
        lane->batch_limit = BATCH_LIMIT_MIN;
    if (lane->batch_limit > lane->store->config.batch_max)
        lane->batch_limit = lane->store->config.batch_max;
    struct buf *out = conn_begin(&lane->conn);
    resp_begin(out, 1 + (size_t)batch->view.items.count);
    resp_arg(out, STR("MGET"));
    for (uint32_t i = 0; i < batch->view.items.count; i++)
        resp_key(out, lane->partition->index, KEY_ITEM, view_item(&batch->view, i)->sku);
    lane->state = LANE_PROBING;
    if (conn_exchange(&lane->conn, 1, lane->store->config.request_timeout_ms, on_probed) < 0)
        lose_all(lane);
}
