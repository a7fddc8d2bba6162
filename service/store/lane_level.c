/* lane_level.c -- an answer waits until what it says is as safe as --durability promises.
 *
 * Only success promises something: reads and refusals are answered at once. A replay waits as well:
 * what it repeats may be younger than the last copy. A lane that waits has no other transaction in
 * flight; its connection is free (ledger) or blocked by WAIT (replicated).
 */
#include "clock.h"
#include "stats.h"
#include "store/keys.h"
#include "store/lane_steps.h"
#include "store/resp.h"

#include <assert.h>
#include <stdio.h>

#define LOOK_US       1000 /* from one look at the ledger's progress to the next */
#define WAIT_EXTRA_MS 1000 /* for the answer of a WAIT whose time is over */

static bool promises(const struct store_op *op)
{
    return op && outcome_succeeded(op->op.out.code) && op->op.kind != OP_GET &&
           op->op.kind != OP_SWEEP;
}

static bool any_promises(const struct batch *batch)
{
    for (unsigned i = 0; i < batch->count; i++)
        if (promises(batch->ops[i]))
            return true;
    return false;
}

const char *lane_awaited(const struct lane *lane)
{
    return lane->store->config.durability == DURABILITY_LEDGER
               ? "it is in Redis, but the ledger has not said yet that it holds it"
               : "it is in Redis, but too few replicas have said that they hold it";
}

/* Safe. */
static void reached(struct lane *lane)
{
    lane->unsettled = false;
    lane_finish(lane);
}

/* What promises nothing is not held up; what was not decided yet is for the next batch. */
static void answer_the_rest(struct lane *lane)
{
    for (unsigned i = 0; i < lane->batch.count; i++) {
        struct store_op *op = lane->batch.ops[i];
        if (!op || promises(op))
            continue;
        if (op->op.out.code != OUT_NONE) {
            lane_answer(lane, i);
            continue;
        }
        lane->batch.ops[i] = NULL;
        queue_push(&lane->again, op);
    }
}

/* Not safe, and nobody knows when. The rest of the batch has its answers. */
static void not_reached(struct lane *lane)
{
    for (unsigned i = 0; i < lane->batch.count; i++)
        if (promises(lane->batch.ops[i]))
            lane_tell(lane, i, OUT_UNKNOWN, lane_awaited(lane));
    reached(lane);
}

/* Redis does not do what was asked: another connection may. */
static void start_over(struct lane *lane, const char *why)
{
    conn_drop(&lane->conn, why);
}

/* Redis refused what safety needs: what was written is looked at again after a pause, what was only
 * read is decided again. */
static void refused(struct lane *lane, const redisReply *reply)
{
    struct str error = {reply->str, (size_t)reply->len};
    if (lane->unsettled)
        lane_fence_later(lane, error);
    else
        lane_refused(lane, error);
}

/* --- replicas --------------------------------------------------------------------------------- */

static void on_waited(struct conn *conn, redisReply **replies, size_t count)
{
    struct lane *lane = conn->user;
    const redisReply *copies = replies[count - 1];
    if (replies[0]->type == REDIS_REPLY_ERROR)
        refused(lane, replies[0]);
    else if (copies->type == REDIS_REPLY_ERROR)
        refused(lane, copies);
    else if (copies->type != REDIS_REPLY_INTEGER)
        start_over(lane, "Redis does not wait for its replicas");
    else if (copies->integer >= (long long)lane->store->config.replicas)
        reached(lane);
    else
        not_reached(lane);
}

/* WAIT covers what was written on this connection alone (https://redis.io/commands/wait/), so what
 * came another way needs a write of ours behind it: the marker, as it is. */
static void wait_for_replicas(struct lane *lane)
{
    int64_t wait_ms = lane->store->config.request_timeout_ms;
    struct buf *out = conn_begin(&lane->conn);
    size_t replies = 1;
    if (!lane->wrote_here) {
        resp_words(out, 5, "SET", lane->marker, lane->value[0] ? lane->value : "0", "EX", "86400");
        replies++;
    }
    resp_begin(out, 3);
    resp_arg(out, STR("WAIT"));
    resp_int(out, lane->store->config.replicas);
    resp_int(out, wait_ms);
    if (conn_exchange(&lane->conn, replies, wait_ms + WAIT_EXTRA_MS, on_waited) < 0)
        start_over(lane, "out of memory");
}

/* --- the ledger ------------------------------------------------------------------------------- */

static void look_again(struct lane *lane)
{
    if (any_promises(&lane->batch))
        pause_start(&lane->pause, LOOK_US);
    else
        reached(lane); /* all of them were told that their time is over */
}

/* Redis was emptied, and perhaps restored, on a connection that lives on: the position that is
 * awaited says nothing in another store. */
static bool is_same_store(const struct lane *lane, const redisReply *meta)
{
    struct gate_view gate;
    return gate_judge(meta, lane->conn.run_id, lane->store->config.partitions, lane->store->shared,
                      &gate) &&
           gate.store == lane->sent_store;
}

/* The position was read before meta: a restore writes them the other way round. */
static void on_looked(struct conn *conn, redisReply **replies, size_t count)
{
    struct lane *lane = conn->user;
    struct feed_id applied;
    assert(count == 2);
    if (replies[0]->type == REDIS_REPLY_ERROR)
        refused(lane, replies[0]);
    else if (replies[1]->type == REDIS_REPLY_ERROR)
        refused(lane, replies[1]);
    else if (!is_same_store(lane, replies[1]))
        lane_abandon(lane);
    else if (feed_id_take(replies[0], &applied) && feed_id_compare(applied, lane->awaited) >= 0)
        reached(lane);
    else
        look_again(lane);
}

void lane_look_at_ledger(struct lane *lane)
{
    assert(lane->state == LANE_AWAITING);
    if (lane->conn.state != CONN_READY)
        return; /* on_lost() has taken the batch elsewhere, or is about to */
    struct buf *out = conn_begin(&lane->conn);
    resp_begin(out, 2);
    resp_arg(out, STR("GET"));
    resp_key(out, lane->partition->index, KEY_APPLIED, NO_NAME);
    gate_ask(out, lane->partition->index);
    if (conn_exchange(&lane->conn, 2, lane->store->config.request_timeout_ms, on_looked) < 0)
        start_over(lane, "out of memory");
}

/* The last entry of the stream: [[id, fields]]. */
static void on_end_found(struct conn *conn, redisReply **replies, size_t count)
{
    struct lane *lane = conn->user;
    const redisReply *list = replies[0];
    assert(count == 1);
    bool found = list->type == REDIS_REPLY_ARRAY && list->elements == 1 &&
                 list->element[0]->elements == 2 &&
                 feed_id_take(list->element[0]->element[0], &lane->awaited);
    if (found)
        lane_look_at_ledger(lane);
    else if (list->type == REDIS_REPLY_ERROR)
        refused(lane, list);
    else
        start_over(lane, "Redis does not show the end of the stream");
}

/* What happened before this batch, by whatever process, lies before the end of the stream. */
static void find_end(struct lane *lane)
{
    struct buf *out = conn_begin(&lane->conn);
    resp_begin(out, 6);
    resp_arg(out, STR("XREVRANGE"));
    resp_key(out, lane->partition->index, KEY_EVENTS, NO_NAME);
    resp_arg(out, STR("+"));
    resp_arg(out, STR("-"));
    resp_arg(out, STR("COUNT"));
    resp_int(out, 1);
    if (conn_exchange(&lane->conn, 1, lane->store->config.request_timeout_ms, on_end_found) < 0)
        start_over(lane, "out of memory");
}

/* --- */

void lane_settle(struct lane *lane)
{
    enum store_durability level = lane->store->config.durability;
    if (level < DURABILITY_REPLICATED || !any_promises(&lane->batch)) {
        reached(lane);
        return;
    }
    lane->state = LANE_AWAITING;
    lane->unsettled = lane->wrote_here || lane->unsettled;
    lane_pass_turn(lane);
    answer_the_rest(lane);
    if (level == DURABILITY_REPLICATED)
        wait_for_replicas(lane);
    else if (lane->awaited.epoch > 0)
        lane_look_at_ledger(lane);
    else
        find_end(lane);
}
