/* lane_fence.c -- EXEC was sent and never answered: did it happen, and may it still?
 *
 * Another Redis may be the present by now, which lacks the end of what the one had that EXEC was
 * sent to. So it is decided only where the partition is open, which is when all that SQL has is
 * there too, and in no epoch before its own: that would be on a Redis that was left behind. Until
 * then it is looked again, as long as somebody waits for the answer.
 */
#include "clock.h"
#include "log.h"
#include "store/commit/lane_steps.h"
#include "store/layout.h"
#include "store/redis/reply.h"
#include "store/redis/resp.h"

#include <assert.h>
#include <stdio.h>

#define PAUSE_FIRST_US    20000
#define REFUSED_DOUBLINGS 5 /* up to 0.64 s */
#define PASSING_DOUBLINGS 2 /* up to 80 ms: what is about to be open, or reached */

#define WHY_LATER                                                                                  \
    "another Redis took over before the transaction was known to be applied: look what became of " \
    "it, and give an Idempotency-Key the next time"

static void fence_failed(struct lane *lane)
{
    conn_drop(&lane->conn, "the marker of a lost transaction could not be settled");
}

/* Looks again after a pause that doubles so many times. */
static void pause_fence(struct lane *lane, unsigned doublings_max)
{
    unsigned doublings = lane->refusals < doublings_max ? lane->refusals : doublings_max;
    int64_t most = (int64_t)PAUSE_FIRST_US << doublings;
    lane->refusals++;
    lane->state = LANE_FENCING;
    us_timer_start(&lane->pause, most / 2 + (int64_t)rng_below(&lane->jitter, (uint64_t)most / 2));
}

void lane_fence_later(struct lane *lane, struct str error)
{
    static struct log_gate gate;
    enum reply_class class = reply_classify(error);
    if (class == REPLY_REPLICA || class == REPLY_REDIRECT) {
        topology_told(lane->store->topology, lane->partition->index, &lane->conn.at, error);
        conn_drop(&lane->conn, LANE_WHY_ELSEWHERE);
        return;
    }
    if (class == REPLY_RETRY)
        topology_doubt(lane->store->topology, lane->partition->index);
    if (log_allowed(&gate, clock_mono_ms()))
        log_event(LOG_WARN, "redis refused", LOG_TEXT("error", error));
    pause_fence(lane, class == REPLY_RETRY ? PASSING_DOUBLINGS : REFUSED_DOUBLINGS);
}

/* Nobody waits for the answer any more, or it is to be found anew. */
static void leave_fence(struct lane *lane)
{
    lane->unsettled = false;
    lane_postpone(lane, 0);
    lane_become_idle(lane);
}

/* The operations are decided anew. What the lost EXEC would have changed is in doubt until the
 * store has shown itself open, and the same, and without it (rule KEEP, docs/model). */
static void decide_anew(struct lane *lane)
{
    for (unsigned i = 0; i < lane->batch.count; i++)
        if (lane_promises(lane->batch.ops[i])) {
            struct store_op *op = lane->batch.ops[i];
            op->doubt = lane->sent_store;
            op->made = op->made || !op->op.out.replayed;
        }
    leave_fence(lane);
}

/* No marker, where effects came from SQL since: they have none. With a key the store tells whether
 * its effect is there, without one nobody can (rule LATER, docs/model). */
static void ask_by_keys(struct lane *lane)
{
    for (unsigned i = 0; i < lane->batch.count; i++)
        if (lane_promises(lane->batch.ops[i]) && str_absent(lane->batch.ops[i]->op.key))
            lane_tell(lane, i, OUT_UNKNOWN, WHY_LATER);
    decide_anew(lane);
}

/* It happened: the outcomes kept are the answers. In another epoch its entry, if it is not known to
 * be of that one, is behind what SQL calls the end of its own: what is to be safe is the whole of
 * what is there now. */
static void happened(struct lane *lane, int64_t epoch)
{
    lane->wrote_here = false;
    if (lane->awaited.epoch != epoch)
        lane->awaited = (struct event_id){0, 0};
    lane_await_durability(lane);
}

/* EXEC can only get nil from what was shut since, for it watched meta: when all were told, nothing
 * is left to be settled. */
static void wait_until_open(struct lane *lane, const struct meta_view *gate)
{
    batch_compact(&lane->batch);
    if (lane->batch.count == 0) {
        leave_fence(lane);
        return;
    }
    lane->left_behind = gate->gate == META_IS_OPEN;
    if (!lane->left_behind)
        lane->partition->gate = *gate;
    conn_doubt(&lane->conn);
    topology_doubt(lane->store->topology, lane->partition->index);
    pause_fence(lane, PASSING_DOUBLINGS);
}

void lane_abandon(struct lane *lane)
{
    lane_tell_all(lane, OUT_UNKNOWN, LANE_WHY_RESTORED);
    lane->unsettled = false;
    lane_become_idle(lane);
}

static void on_fence_written(struct conn *conn, redisReply **replies, size_t count)
{
    struct lane *lane = conn->user;
    const redisReply *exec = replies[count - 1], *error = reply_first_error(replies, count);
    lane->watching = false;
    if (exec->type == REDIS_REPLY_ARRAY && exec->elements == 1 &&
        exec->element[0]->type != REDIS_REPLY_ERROR)
        decide_anew(lane); /* a late EXEC can only get nil now */
    else if (exec->type == REDIS_REPLY_NIL)
        lane_fence(lane); /* it came after all, just now */
    else if (error)
        lane_fence_later(lane, reply_error(error));
    else
        fence_failed(lane);
}

static void fence_write(struct lane *lane)
{
    struct buf *out = conn_begin(&lane->conn);
    char value[sizeof(lane->value) + 1];
    snprintf(value, sizeof(value), "!%s", lane->value);
    resp_words(out, 1, "MULTI");
    resp_words(out, 5, "SET", lane->marker, value, "EX", "86400");
    resp_words(out, 1, "EXEC");
    conn_doubt(&lane->conn);
    if (conn_exchange(&lane->conn, 3, lane->store->config.request_timeout_ms, on_fence_written) < 0)
        fence_failed(lane);
}

/* Nothing is decided on a partition that is not open (rule GATE, docs/model), nor in an epoch below
 * that of the EXEC (rule LOWER). */
static bool may_decide(const struct lane *lane, const struct meta_view *gate)
{
    return gate->gate == META_IS_OPEN && gate->epoch >= lane->batch.gate.epoch;
}

static void on_fence_looked(struct conn *conn, redisReply **replies, size_t count)
{
    struct lane *lane = conn->user;
    const redisReply *marker = replies[1];
    struct meta_view gate;
    assert(count == 3);
    const redisReply *error = reply_first_error(replies, count);
    if (error) {
        lane_fence_later(lane, reply_error(error));
        return;
    }
    if (!meta_check_reply(replies[2], conn->run_id, conn->replid, lane->store->config.partitions,
                          lane->store->shared, &gate)) {
        fence_failed(lane);
        return;
    }
    const char *value = marker->type == REDIS_REPLY_STRING ? marker->str : "";
    if (gate.store != lane->sent_store || gate.gate == META_IS_LOST)
        lane_abandon(lane);
    else if (!may_decide(lane, &gate))
        wait_until_open(lane, &gate);
    else if (strcmp(value, lane->value) == 0)
        happened(lane, gate.epoch);
    else if (value[0] == '!' && strcmp(value + 1, lane->value) == 0)
        decide_anew(lane);
    else if (gate.rolled <= lane->batch.gate.epoch)
        fence_write(lane);
    else
        ask_by_keys(lane);
}

void lane_fence(struct lane *lane)
{
    if (lane->left_behind) {
        conn_drop(&lane->conn, "this Redis is of an epoch that has ended");
        return;
    }
    struct buf *out = conn_begin(&lane->conn);
    resp_begin(out, 3);
    resp_arg(out, STR("WATCH"));
    resp_arg(out, str_of(lane->marker));
    resp_key(out, lane->partition->index, KEY_META, NO_NAME);
    resp_words(out, 2, "GET", lane->marker);
    layout_ask_meta(out, lane->partition->index);
    lane->state = LANE_FENCING;
    lane->watching = true;
    conn_doubt(&lane->conn); /* a promotion that is over decides nothing (rule FRESH, docs/model) */
    if (conn_exchange(&lane->conn, 3, lane->store->config.request_timeout_ms, on_fence_looked) < 0)
        fence_failed(lane);
}
