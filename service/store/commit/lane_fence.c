/* lane_fence.c -- EXEC was sent and never answered: did it happen, and may it still? */
#include "clock.h"
#include "log.h"
#include "store/commit/lane.h"
#include "store/commit/lane_steps.h"
#include "store/layout.h"
#include "store/redis/reply.h"
#include "store/redis/resp.h"

#include <assert.h>
#include <stdio.h>

#define REFUSED_FIRST_US  20000
#define REFUSED_DOUBLINGS 5 /* up to 0.64 s */

static void fence_failed(struct lane *lane)
{
    conn_drop(&lane->conn, "the marker of a lost transaction could not be settled");
}

void lane_fence_later(struct lane *lane, struct str error)
{
    static struct log_gate gate;
    unsigned doublings = lane->refusals < REFUSED_DOUBLINGS ? lane->refusals : REFUSED_DOUBLINGS;
    int64_t most = (int64_t)REFUSED_FIRST_US << doublings;
    if (reply_classify(error) == REPLY_REPLICA) {
        fence_failed(lane);
        return;
    }
    if (log_allowed(&gate, clock_mono_ms()))
        log_event(LOG_WARN, "redis refused", LOG_TEXT("error", error));
    lane->refusals++;
    lane->state = LANE_FENCING;
    us_timer_start(&lane->pause, most / 2 + (int64_t)rng_below(&lane->jitter, (uint64_t)most / 2));
}

/* The first error that says why; EXEC's own only says that there was one. */
static const redisReply *first_error(redisReply **replies, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (replies[i]->type == REDIS_REPLY_ERROR)
            return replies[i];
    return NULL;
}

static struct str text_of(const redisReply *reply)
{
    return (struct str){reply->str, (size_t)reply->len};
}

/* The late EXEC can only get nil now: its operations are decided anew. With a ledger they stay in
 * doubt until the store has shown itself open, and the same: a Redis that came back without its
 * last second has not got the effect, but SQL may. */
static void fenced(struct lane *lane)
{
    for (unsigned i = 0; lane->store->config.ledger && i < lane->batch.count; i++)
        if (lane->batch.ops[i])
            lane->batch.ops[i]->doubt = lane->sent_store;
    lane->unsettled = false;
    lane_postpone(lane, 0);
    lane_become_idle(lane);
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
    const redisReply *exec = replies[count - 1], *error = first_error(replies, count);
    lane->watching = false;
    if (exec->type == REDIS_REPLY_ARRAY && exec->elements == 1 &&
        exec->element[0]->type != REDIS_REPLY_ERROR)
        fenced(lane);
    else if (exec->type == REDIS_REPLY_NIL)
        lane_fence(lane); /* it came after all, just now */
    else if (error)
        lane_fence_later(lane, text_of(error));
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

static void on_fence_looked(struct conn *conn, redisReply **replies, size_t count)
{
    struct lane *lane = conn->user;
    const redisReply *marker = replies[1];
    struct meta_view gate;
    assert(count == 3);
    const redisReply *error = first_error(replies, count);
    if (error) {
        lane_fence_later(lane, text_of(error));
        return;
    }
    if (!meta_check_reply(replies[2], conn->run_id, conn->replid, lane->store->config.partitions,
                          lane->store->shared, &gate)) {
        fence_failed(lane);
        return;
    }
    const char *value = marker->type == REDIS_REPLY_STRING ? marker->str : "";
    if (strcmp(value, lane->value) == 0) {
        lane->wrote_here = false;
        lane_await_durability(lane); /* it happened: the outcomes kept are the answers */
    } else if (gate.store != lane->sent_store) {
        lane_abandon(lane);
    } else if (value[0] == '!' && strcmp(value + 1, lane->value) == 0) {
        fenced(lane);
    } else {
        fence_write(lane);
    }
}

void lane_fence(struct lane *lane)
{
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
