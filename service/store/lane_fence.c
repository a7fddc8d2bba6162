/* lane_fence.c -- EXEC was sent and never answered: did it happen, and may it still? */
#include "store/lane_steps.h"
#include "store/resp.h"

#include <stdio.h>

static void fence_failed(struct lane *lane)
{
    conn_drop(&lane->conn, "the marker of a lost transaction could not be settled");
}

/* The late EXEC can only get nil now: its operations are decided anew. */
static void fenced(struct lane *lane)
{
    lane->unsettled = false;
    lane_postpone(lane, 0);
    lane_become_idle(lane);
}

static void on_fence_written(struct conn *conn, redisReply **replies, size_t count)
{
    struct lane *lane = conn->user;
    const redisReply *exec = replies[count - 1];
    lane->watching = false;
    if (exec->type == REDIS_REPLY_ARRAY && exec->elements == 1 &&
        exec->element[0]->type != REDIS_REPLY_ERROR)
        fenced(lane);
    else if (exec->type == REDIS_REPLY_NIL)
        lane_fence(lane); /* it came after all, just now */
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
    if (conn_exchange(&lane->conn, 3, lane->store->config.request_timeout_ms, on_fence_written) < 0)
        fence_failed(lane);
}

static void on_fence_looked(struct conn *conn, redisReply **replies, size_t count)
{
    struct lane *lane = conn->user;
    const redisReply *marker = replies[count - 1];
    for (size_t i = 0; i < count; i++)
        if (replies[i]->type == REDIS_REPLY_ERROR) {
            fence_failed(lane);
            return;
        }
    const char *value = marker->type == REDIS_REPLY_STRING ? marker->str : "";
    if (strcmp(value, lane->value) == 0) {
        lane->unsettled = false;
        lane_finish(lane); /* it happened: the outcomes kept are the answers */
    } else if (value[0] == '!' && strcmp(value + 1, lane->value) == 0) {
        fenced(lane);
    } else {
        fence_write(lane);
    }
}

void lane_fence(struct lane *lane)
{
    struct buf *out = conn_begin(&lane->conn);
    resp_words(out, 2, "WATCH", lane->marker);
    resp_words(out, 2, "GET", lane->marker);
    lane->state = LANE_FENCING;
    lane->watching = true;
    if (conn_exchange(&lane->conn, 2, lane->store->config.request_timeout_ms, on_fence_looked) < 0)
        fence_failed(lane);
}
