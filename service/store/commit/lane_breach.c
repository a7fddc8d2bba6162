/* lane_breach.c -- what must not be was seen: the partition is closed, for all hosts.
 *
 * Only the store that it was seen in, and only while it is open: a restore that came in between has
 * put another in its place, or is about to, and its meta is none of ours. A lane that has to close
 * its partition does nothing else until that is done, however often its connection breaks.
 */
#include "log.h"
#include "store/commit/lane_steps.h"
#include "store/layout.h"
#include "store/redis/resp.h"

#include <assert.h>
#include <stdio.h>

static void look_at_meta(struct lane *lane);

/* It is closed, or not ours to close any more. */
static void finish_closing(struct lane *lane)
{
    lane->breach[0] = '\0';
    lane_become_idle(lane); /* WATCHes that are left are given up by the next batch */
}

static void on_closed(struct conn *conn, redisReply **replies, size_t count)
{
    struct lane *lane = conn->user;
    const redisReply *exec = replies[count - 1];
    lane->watching = false;
    if (exec->type == REDIS_REPLY_ARRAY)
        finish_closing(lane);
    else if (exec->type == REDIS_REPLY_NIL)
        look_at_meta(lane);
    else
        conn_drop(conn, "Redis refused to close a partition");
}

static void write_state(struct lane *lane)
{
    struct buf *out = conn_begin(&lane->conn);
    resp_words(out, 1, "MULTI");
    layout_put_state(out, lane->partition->index, lane->breach);
    resp_words(out, 1, "EXEC");
    if (conn_exchange(&lane->conn, 3, lane->store->config.request_timeout_ms, on_closed) < 0)
        conn_drop(&lane->conn, "out of memory");
}

static void on_looked(struct conn *conn, redisReply **replies, size_t count)
{
    struct lane *lane = conn->user;
    struct meta_view gate;
    assert(count == 2);
    if (!meta_check_reply(replies[1], conn->run_id, conn->replid, lane->store->config.partitions,
                          lane->store->shared, &gate))
        conn_drop(conn, "Redis does not show the meta of a partition that is to be closed");
    else if (gate.gate == META_IS_OPEN && gate.store == lane->breach_store)
        write_state(lane);
    else
        finish_closing(lane);
}

static void look_at_meta(struct lane *lane)
{
    struct buf *out = conn_begin(&lane->conn);
    layout_command(out, STR("WATCH"), lane->partition->index, KEY_META, NO_NAME, 0);
    layout_ask_meta(out, lane->partition->index);
    lane->state = LANE_WRITING;
    lane->watching = true;
    if (conn_exchange(&lane->conn, 2, lane->store->config.request_timeout_ms, on_looked) < 0)
        conn_drop(&lane->conn, "out of memory");
}

bool lane_go_on_closing(struct lane *lane)
{
    if (!lane->breach[0])
        return false;
    look_at_meta(lane);
    return true;
}

void lane_close_partition(struct lane *lane, const char *why, struct str detail)
{
    log_event(LOG_ERROR, "closing a partition", LOG_INT("partition", lane->partition->index),
              LOG_STR("why", why), LOG_TEXT("detail", detail));
    lane_tell_all(lane, OUT_BROKEN, why);
    snprintf(lane->breach, sizeof(lane->breach), "closed: %s", why);
    lane->breach_store = lane->batch.gate.store;
    look_at_meta(lane);
}
