/* lane_write.c -- what was read is decided and written, and EXEC says whether it counts. */
#include "clock.h"
#include "log.h"
#include "stats.h"
#include "store/commit/lane.h"
#include "store/commit/lane_steps.h"
#include "store/layout.h"
#include "store/redis/reply.h"
#include "store/redis/resp.h"
#include "store/relay/relay.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

static void on_written(struct conn *conn, redisReply **replies, size_t count);

/* --- deciding and writing --------------------------------------------------------------------- */

/* Why the operation is refused unless it repeats one, which takes nothing; NULL: it is not. New
 * holds stop at 90 % of maxmemory, so that confirm and release still fit; new holds, sales and
 * transfers when the ledger is too far behind, since what it has not taken stays in Redis. */
static const char *overload(const struct store_shared *shared, const struct store_op *op)
{
    const struct op_trait *trait = op_trait(op->op.kind);
    if (op->beyond)
        return STORE_WHY_FULL;
    if (shared->memory_high && trait->stores)
        return STORE_WHY_MEMORY;
    return shared->ledger_behind && trait->takes_units ? STORE_WHY_BEHIND : NULL;
}

static bool known_bucket(void *user, int64_t bucket)
{
    const struct lane *lane = user;
    for (size_t i = 0; i < sizeof(lane->buckets) / sizeof(lane->buckets[0]); i++)
        if (lane->buckets[i] == bucket)
            return true;
    return false;
}

/* What is listed in one store is not in the one that a restore put in its place, be it on a
 * connection that lived on. */
static void check_buckets(struct lane *lane)
{
    const struct meta_view *gate = &lane->batch.gate;
    if (lane->buckets_store == gate->store && lane->buckets_epoch == gate->epoch)
        return;
    memset(lane->buckets, 0xff, sizeof(lane->buckets));
    lane->buckets_store = gate->store;
    lane->buckets_epoch = gate->epoch;
}

/* Services of before share a store that is of their format. */
static bool is_of_format_2(const struct lane *lane)
{
    return lane->batch.gate.format >= 2;
}

static void count_new_records(struct lane *lane)
{
    const struct view *view = &lane->batch.view;
    for (uint32_t i = 0; is_of_format_2(lane) && i < view->reservations.count; i++) {
        const struct view_reservation *vr = view_reservation(view, i);
        if (vr->now && !vr->was)
            parts_put(&lane->parts, rid_bucket(&vr->id));
    }
}

/* True when the reads of the batch came from one command, so that they are of one instant, and none
 * before an operation that is answered from them. */
static bool is_snapshot(const struct batch *batch)
{
    if (batch->rounds > 1 || batch->joined || batch->view.customers.count > 0)
        return false;
    return batch->view.reservations.count == 0;
}

void lane_answer(struct lane *lane, unsigned i)
{
    struct store_op *op = lane->batch.ops[i];
    lane->batch.ops[i] = NULL;
    if (op->chain)
        op->chain->flying--;
    store_op_complete(op);
}

void lane_finish(struct lane *lane)
{
    struct batch *batch = &lane->batch;
    unsigned deferred = 0;
    lane->losses = 0;
    if (lane->batch_limit < lane->store->config.batch_max)
        lane->batch_limit += lane->batch_limit / 8 + 1;
    if (lane->batch_limit > lane->store->config.batch_max)
        lane->batch_limit = lane->store->config.batch_max;
    stats_count(STATS_EXPIRED, batch->view.expired_count);
    stats_count(STATS_BATCHES, 1);
    stats_count(STATS_BATCH_OPS, batch->count);
    stats_observe(STATS_BATCH_SIZE, batch->count);
    for (unsigned i = 0; i < batch->count; i++) {
        if (!batch->ops[i])
            continue;
        if (batch->ops[i]->op.out.code == OUT_NONE)
            deferred++;
        else
            lane_answer(lane, i);
    }
    relay_wake_answered(lane->store->relay);
    if (deferred > 0)
        lane_postpone(lane, 0);
    lane_become_idle(lane);
}

static void write_batch(struct lane *lane, bool effects)
{
    struct buf *out = conn_begin(&lane->conn);
    size_t replies = 2, written = 0; /* MULTI, EXEC */
    lane->empty_write = !effects;
    lane->doubted = false;
    lane->passing = turn_is_due(&lane->turn);
    resp_words(out, 1, "MULTI");
    if (lane->passing) {
        turn_write(&lane->turn, out, lane->batch.now_ms);
        replies += TURN_COMMANDS;
    }
    if (effects) {
        check_buckets(lane);
        snprintf(lane->value, sizeof(lane->value), "%" PRIu64, ++lane->number);
        written = batch_write(&lane->batch, out, str_of(lane->marker), str_of(lane->value),
                              lane->store->config.operation_retention_ms, known_bucket, lane);
        count_new_records(lane);
    }
    resp_words(out, 1, "EXEC");
    lane->state = LANE_WRITING;
    if ((effects && written == 0) ||
        conn_exchange(&lane->conn, replies + written, lane->store->config.request_timeout_ms,
                      on_written) < 0) {
        lane_out_of_memory(lane);
        return;
    }
    lane->unsettled = effects;
}

/* What was read contradicts itself. The reads are not of one instant, so another batch may have
 * come between them: all that it can have changed is watched, and an empty transaction tells. */
static void doubt(struct lane *lane)
{
    write_batch(lane, false);
    lane->doubted = true;
}

static bool is_recorded(const struct view *view, struct str key)
{
    for (uint32_t i = 0; !str_absent(key) && i < view->keys.count; i++)
        if (str_equal(view_key(view, i)->key, key) && !str_absent(view_key(view, i)->was))
            return true;
    return false;
}

/* An EXEC that was never answered, and then this: a store that is open, the same, and without the
 * key shows that it did not happen. Where the key is, that may be the lost EXEC's doing, which is
 * not as safe yet as an answer promises: until it is, none may say that nothing was changed (rule
 * KEEP, docs/model). Another store (restored meanwhile) may have the effect as a part of what the
 * ledger gave back. */
static void settle_doubts(struct lane *lane)
{
    struct batch *batch = &lane->batch;
    for (unsigned i = 0; i < batch->count; i++) {
        struct store_op *op = batch->ops[i];
        if (!op || op->doubt == 0)
            continue;
        if (op->doubt != batch->gate.store) {
            lane_tell(lane, i, OUT_UNKNOWN, LANE_WHY_RESTORED);
        } else if (!is_recorded(&batch->view, op->op.key)) {
            op->doubt = 0;
            op->made = false; /* what comes under its key from now on is somebody else's */
        }
    }
}

/* What an operation finds done that an EXEC with it was lost for is its own doing: nobody was
 * answered before. */
static void own_answers(struct lane *lane)
{
    for (unsigned i = 0; i < lane->batch.count; i++)
        if (lane->batch.ops[i]->made)
            lane->batch.ops[i]->op.out.replayed = false;
}

void lane_decide(struct lane *lane)
{
    const struct store_config *config = &lane->store->config;
    struct plan_limits limits = {.max_hold_ms = config->max_hold_ms,
                                 .reservation_retention_ms = config->reservation_retention_ms,
                                 .parts = is_of_format_2(lane) ? &lane->parts : NULL,
                                 .brief_events = is_of_format_2(lane)};
    lane->partition->gate = lane->batch.gate;
    settle_doubts(lane);
    batch_compact(&lane->batch);
    if (lane->batch.count == 0) {
        lane_become_idle(lane);
        return;
    }
    if ((lane->turn.held) && !lane_join(lane)) {
        lane_out_of_memory(lane);
        return;
    }
    for (unsigned i = 0; i < lane->batch.count; i++)
        lane->batch.ops[i]->op.overload = overload(lane->store->shared, lane->batch.ops[i]);
    switch (batch_plan(&lane->batch, &limits)) {
    case PLAN_NO_MEMORY: lane_out_of_memory(lane); return;
    case PLAN_READ_MORE: lane_read_round(lane); return;
    case PLAN_BROKEN: doubt(lane); return;
    case PLAN_DONE: break;
    }
    own_answers(lane);
    lane->sent_store = lane->batch.gate.store;
    lane->wrote_here = false;
    lane->awaited = (struct event_id){0, 0};
    if (plan_writes(&lane->batch.view))
        write_batch(lane, true);
    else if (!is_snapshot(&lane->batch))
        write_batch(lane, false);
    else
        lane_await_durability(lane);
}

/* --- the answer of EXEC ----------------------------------------------------------------------- */

/* The id that XADD gave the batch's entry. Only the marker comes behind it. */
static void note_position(struct lane *lane, const redisReply *exec)
{
    assert(exec->elements >= 2);
    if (!feed_id_take(exec->element[exec->elements - 2], &lane->awaited))
        lane->awaited = (struct event_id){0, 0};
}

/* Behind a MULTI that was refused Redis carries out one by one what it takes: a user who has just
 * lost the right to MULTI alone. */
static bool ran_without_transaction(redisReply **replies, size_t count)
{
    bool ran = false;
    for (size_t i = 1; i + 1 < count; i++)
        ran |= replies[i]->type != REDIS_REPLY_ERROR;
    return replies[0]->type == REDIS_REPLY_ERROR && ran;
}

/* Nothing but the turn hangs on its commands. True: Redis took the transaction for no other reason
 * than theirs, and it is done again without. */
static bool refused_turn(struct lane *lane, redisReply **replies, const redisReply *exec)
{
    const redisReply *error = NULL;
    bool ran = exec->type == REDIS_REPLY_ARRAY && exec->elements >= TURN_COMMANDS;
    for (size_t i = TURN_COMMANDS; i-- > 0;) {
        const redisReply *reply = ran ? exec->element[i] : replies[1 + i];
        if (reply->type == REDIS_REPLY_ERROR)
            error = reply;
    }
    turn_passed(&lane->turn);
    if (!error)
        return false;
    turn_refuse(&lane->turn, error);
    if (ran || exec->type != REDIS_REPLY_ERROR || !lane->turn.refused)
        return false;
    lane_postpone(lane, 0);
    lane_become_idle(lane);
    return true;
}

static void on_written(struct conn *conn, redisReply **replies, size_t count)
{
    struct lane *lane = conn->user;
    const redisReply *exec = replies[count - 1];
    bool effects = !lane->empty_write, doubted = lane->doubted;
    size_t passing = lane->passing ? TURN_COMMANDS : 0; /* of the commands: the first */
    assert(lane->state == LANE_WRITING);
    lane->unsettled = lane->watching = lane->doubted = false;
    if (exec->type == REDIS_REPLY_NIL) {
        lane_conflict(lane);
        return;
    }
    if (passing > 0 && refused_turn(lane, replies, exec))
        return;
    if (ran_without_transaction(replies, count)) {
        lane_close_partition(lane, "a transaction was applied in part", reply_error(replies[0]));
        return;
    }
    if (exec->type == REDIS_REPLY_ERROR) {
        struct str error = reply_error(exec);
        for (size_t i = 0; i + 1 < count && reply_classify(error) == REPLY_BROKEN; i++)
            if (replies[i]->type == REDIS_REPLY_ERROR)
                error = reply_error(replies[i]);
        lane_refused(lane, error);
        return;
    }
    for (size_t i = passing; exec->type == REDIS_REPLY_ARRAY && i < exec->elements; i++)
        if (exec->element[i]->type == REDIS_REPLY_ERROR) {
            lane_close_partition(lane, "a transaction was applied in part",
                                 reply_error(exec->element[i]));
            return;
        }
    if (exec->type != REDIS_REPLY_ARRAY || exec->elements != count - 2) {
        lane_close_partition(lane, "EXEC answered for another number of commands", NO_NAME);
        return;
    }
    if (doubted) {
        lane_close_partition(lane, "what Redis holds contradicts itself", NO_NAME);
        return;
    }
    lane->partition->refused[0] = '\0';
    if (effects) {
        lane_meet_workers(lane);
        turn_won(&lane->turn, clock_mono_us());
    }
    for (unsigned i = 0; effects && i < lane->batch.bucket_count; i++)
        lane->buckets[lane->bucket_at++ % PARTS_OPEN] = lane->batch.buckets[i];
    lane->wrote_here = effects;
    if (effects && lane->batch.view.event_count > 0)
        note_position(lane, exec);
    lane_await_durability(lane);
}
