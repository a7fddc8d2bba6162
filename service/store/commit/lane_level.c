/* lane_level.c -- an answer waits until what it says is as safe as --durability promises.
 *
 * Only success promises something: reads and refusals are answered at once. A replay waits as well:
 * what it repeats may be younger than the last copy. A lane that waits has no other transaction in
 * flight; its connection is free (ledger) or blocked by WAIT (replicated).
 */
#include "clock.h"
#include "store/commit/lane.h"
#include "store/commit/lane_steps.h"
#include "store/layout.h"
#include "store/redis/reply.h"
#include "store/redis/resp.h"

#include <assert.h>
#include <string.h>

#define LOOK_US       1000 /* from one look at the ledger's progress to the next */
#define WAIT_EXTRA_MS 1000 /* for the answer of a WAIT whose time is over */

bool lane_promises(const struct store_op *op)
{
    return op && outcome_succeeded(op->op.out.code) && op_trait(op->op.kind)->event != EVENT_NONE;
}

static bool any_promises(const struct batch *batch)
{
    for (unsigned i = 0; i < batch->count; i++)
        if (lane_promises(batch->ops[i]))
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

static void note_kept(const struct lane *lane)
{
    int64_t now_us = clock_mono_us();
    for (unsigned i = 0; i < lane->batch.count; i++)
        if (lane_promises(lane->batch.ops[i]))
            lane->batch.ops[i]->kept_us = now_us;
}

/* What promises nothing is not held up; what was not decided yet is for the next batch. */
static void answer_the_rest(struct lane *lane)
{
    for (unsigned i = 0; i < lane->batch.count; i++) {
        struct store_op *op = lane->batch.ops[i];
        if (!op || lane_promises(op))
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
        if (lane_promises(lane->batch.ops[i]))
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
static void handle_refusal(struct lane *lane, const redisReply *reply)
{
    struct str error = reply_error(reply);
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
        handle_refusal(lane, replies[0]);
    else if (copies->type == REDIS_REPLY_ERROR)
        handle_refusal(lane, copies);
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

#define WHY_GONE                                                                                   \
    "this Redis is not the present any more, and the ledger has not said that it holds this: ask " \
    "again with the same Idempotency-Key, or look"
#define WHY_DISOWNED                                                                               \
    "another Redis went on from before this was written: ask again with the same "                 \
    "Idempotency-Key, or look"

/* Whether it will be safe cannot be found out here. */
static void give_up_waiting(struct lane *lane, const char *why)
{
    lane_tell_all(lane, OUT_UNKNOWN, why);
    lane->unsettled = false;
    lane_become_idle(lane);
}

static void look_later(struct lane *lane)
{
    if (any_promises(&lane->batch))
        us_timer_start(&lane->pause, LOOK_US);
    else
        reached(lane); /* all of them were told that their time is over */
}

/* Begins reads of one instant; their number of replies is added to *replies. What was watched for
 * the batch would spoil the EXEC. */
static struct buf *begin_reads(struct lane *lane, size_t *replies)
{
    struct buf *out = conn_begin(&lane->conn);
    if (lane->watching) {
        resp_words(out, 1, "UNWATCH");
        ++*replies;
    }
    lane->watching = false;
    resp_words(out, 1, "MULTI");
    ++*replies;
    return out;
}

static void send_reads(struct lane *lane, size_t replies, conn_reply_fn *on_replies)
{
    resp_words(&lane->conn.out, 1, "EXEC");
    if (conn_exchange(&lane->conn, replies + 1, lane->store->config.request_timeout_ms,
                      on_replies) < 0)
        start_over(lane, "out of memory");
}

/* The first of the replies that is an error, or of those within the last; NULL: there is none. */
static const redisReply *error_within(redisReply **replies, size_t count)
{
    const redisReply *exec = replies[count - 1];
    const redisReply *error = reply_first_error(replies, count);
    return error || exec->type != REDIS_REPLY_ARRAY
               ? error
               : reply_first_error(exec->element, exec->elements);
}

/* What so many reads said, the last of them about meta: `gate` judges it. NULL: the lane has gone
 * on otherwise. Redis may have been emptied, and perhaps restored, on a connection that lives on:
 * what is awaited says nothing in another store. */
static redisReply **take_reads(struct lane *lane, redisReply **replies, size_t count, size_t reads,
                               struct meta_view *gate)
{
    const redisReply *exec = replies[count - 1], *error = error_within(replies, count);
    if (error) {
        handle_refusal(lane, error);
        return NULL;
    }
    bool whole = exec->type == REDIS_REPLY_ARRAY && exec->elements == reads;
    if (!whole || !meta_check_reply(exec->element[reads - 1], lane->conn.run_id, lane->conn.replid,
                                    lane->store->config.partitions, lane->store->shared, gate)) {
        start_over(lane, "Redis does not say how far the ledger is");
        return NULL;
    }
    if (gate->store != lane->sent_store) {
        lane_abandon(lane);
        return NULL;
    }
    if (gate->gate == META_IS_LOST) {
        give_up_waiting(lane, WHY_GONE);
        return NULL;
    }
    return exec->element;
}

/* An entry is safe when SQL is at it or past it in its epoch, or left that epoch behind it. A later
 * epoch alone says nothing: another Redis, which never had the entry, may have opened that (rule
 * SAMEEP, docs/model). */
static void compare_place(struct lane *lane, const redisReply *place)
{
    struct event_id applied, end;
    if (place->type != REDIS_REPLY_ARRAY || place->elements != 2 ||
        !feed_id_take(place->element[0], &applied) || applied.epoch < lane->awaited.epoch)
        look_later(lane);
    else if (applied.epoch == lane->awaited.epoch)
        applied.seq >= lane->awaited.seq ? reached(lane) : look_later(lane);
    else if (feed_ends_find(place->element[1], lane->awaited.epoch, &end) &&
             end.seq >= lane->awaited.seq)
        reached(lane);
    else
        give_up_waiting(lane, WHY_DISOWNED);
}

static void on_looked(struct conn *conn, redisReply **replies, size_t count)
{
    struct lane *lane = conn->user;
    struct meta_view gate;
    redisReply **said = take_reads(lane, replies, count, 2, &gate);
    if (!said)
        return;
    if (gate.gate == META_IS_OPEN)
        compare_place(lane, said[0]);
    else
        look_later(lane); /* a Redis that is a replica by now, say, tells another one's state */
}

void lane_look_at_ledger(struct lane *lane)
{
    size_t replies = 0;
    assert(lane->state == LANE_AWAITING);
    if (lane->conn.state != CONN_READY)
        return; /* on_lost() has taken the batch elsewhere, or is about to */
    struct buf *out = begin_reads(lane, &replies);
    layout_command(out, STR("MGET"), lane->partition->index, KEY_APPLIED, NO_NAME, 1);
    resp_key(out, lane->partition->index, KEY_ENDED, NO_NAME);
    layout_ask_meta(out, lane->partition->index);
    send_reads(lane, replies + 2, on_looked);
}

/* The last entry of a stream: [[id, fields]]. */
static bool take_end(const redisReply *list, struct event_id *end)
{
    return list->type == REDIS_REPLY_ARRAY && list->elements == 1 &&
           list->element[0]->elements == 2 && feed_id_take(list->element[0]->element[0], end);
}

/* The end of the stream lies behind what is to be safe, if this is still the same past: the marker
 * shows it where something was written; else that the epoch is the one that was read in. */
static void on_end_found(struct conn *conn, redisReply **replies, size_t count)
{
    struct lane *lane = conn->user;
    struct meta_view gate;
    redisReply **said = take_reads(lane, replies, count, 3, &gate);
    if (!said)
        return;
    bool ours = said[1]->type == REDIS_REPLY_STRING && strcmp(said[1]->str, lane->value) == 0;
    bool as_read = gate.gate == META_IS_OPEN && gate.epoch == lane->batch.gate.epoch;
    if (lane->unsettled && !ours) {
        give_up_waiting(lane, WHY_DISOWNED);
    } else if (!lane->unsettled && !as_read) {
        lane_postpone(lane, 0); /* nothing was written: it is decided anew */
        lane_become_idle(lane);
    } else if (!take_end(said[0], &lane->awaited)) {
        start_over(lane, "Redis does not show the end of the stream");
    } else {
        lane_look_at_ledger(lane);
    }
}

/* What happened before this batch, by whatever process, lies before the end of the stream. */
static void find_end(struct lane *lane)
{
    size_t replies = 0;
    struct buf *out = begin_reads(lane, &replies);
    layout_command(out, STR("XREVRANGE"), lane->partition->index, KEY_EVENTS, NO_NAME, 4);
    resp_arg(out, STR("+"));
    resp_arg(out, STR("-"));
    resp_arg(out, STR("COUNT"));
    resp_int(out, 1);
    resp_words(out, 2, "GET", lane->marker);
    layout_ask_meta(out, lane->partition->index);
    send_reads(lane, replies + 3, on_end_found);
}

/* --- */

void lane_await_durability(struct lane *lane)
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
    note_kept(lane);
    if (level == DURABILITY_REPLICATED)
        wait_for_replicas(lane);
    else if (lane->awaited.epoch > 0)
        lane_look_at_ledger(lane);
    else
        find_end(lane);
}
