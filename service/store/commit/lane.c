#include "store/commit/lane.h"
#include "clock.h"
#include "log.h"
#include "stats.h"
#include "store/commit/lane_steps.h"
#include "store/redis/reply.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define GATE_WAIT_US   20000
#define RETRY_LEAST_US 10000 /* until a passing state of Redis is looked at again */
#define RETRY_MOST_US  100000
#define DOWN_FAILURES  3
#define ASIDE_MAX      512

/* --- leaving the batch ------------------------------------------------------------------------ */

/* Of one in doubt it cannot be said that nothing was changed. */
static enum outcome_code downgrade_to_unknown(const struct store_op *op, enum outcome_code code)
{
    bool nothing_changed = code >= OUT_REDIS_UNAVAILABLE && code <= OUT_PARTITION_CLOSED;
    return nothing_changed && op->doubt != 0 ? OUT_UNKNOWN : code;
}

void lane_tell(struct lane *lane, unsigned i, enum outcome_code code, const char *why)
{
    struct store_op *op = lane->batch.ops[i];
    code = downgrade_to_unknown(op, code);
    op->op.out = (struct outcome){.code = code, .why = why, .field_line = -1};
    if (code == OUT_UNKNOWN)
        stats_count(STATS_OUTCOME_UNKNOWN, 1);
    batch_forget(&lane->batch, i);
    if (op->chain)
        op->chain->flying--;
    store_op_complete(op);
}

void lane_tell_all(struct lane *lane, enum outcome_code code, const char *why)
{
    for (unsigned i = 0; i < lane->batch.count; i++)
        if (lane->batch.ops[i])
            lane_tell(lane, i, code, why);
}

void lane_postpone(struct lane *lane, int64_t delay_us)
{
    for (unsigned i = lane->batch.count; i-- > 0;)
        if (lane->batch.ops[i])
            queue_push_front(&lane->again, lane->batch.ops[i]);
    lane->batch.count = 0;
    lane->again_us = delay_us > 0 ? clock_mono_us() + delay_us : 0;
}

/* --- beginning -------------------------------------------------------------------------------- */

void lane_pass_turn(struct lane *lane)
{
    struct buf *out = &lane->aside;
    bool due = turn_is_due(&lane->turn) && lane->conn.state == CONN_READY;
    buf_reset(out);
    if (due)
        turn_write(&lane->turn, out, lane->batch.now_ms);
    turn_passed(&lane->turn);
    if (due)
        conn_send_aside(&lane->conn, out, TURN_COMMANDS);
}

static bool chain_allows(const struct lane *lane, const struct store_op *op)
{
    /* Nothing of a chain begins while an earlier part of it is with another lane, or is to be
     * tried again: that would turn their order round. */
    return !op->chain || op->chain->flying == 0 || op->chain->lane == lane;
}

static void take_op(struct lane *lane, struct queue *queue, struct store_op *op, int64_t now_us)
{
    struct batch *batch = &lane->batch;
    queue_remove(queue, op);
    if (queue == &lane->partition->waiting) {
        if (op->chain) {
            op->chain->flying++;
            op->chain->lane = lane;
        }
        op->started_us = now_us;
        stats_observe(STATS_QUEUE_US, (uint64_t)(now_us - op->submitted_us));
        stats_add(STATS_QUEUE_DEPTH, -1);
    }
    batch->ops[batch->count++] = op;
}

static void gather_batch(struct lane *lane, int64_t now_us)
{
    struct batch *batch = &lane->batch;
    unsigned limit = lane->batch_limit;
    batch->count = 0;
    if (lane->again.count > 0 && now_us >= lane->again_us)
        while (lane->again.head && batch->count < limit)
            take_op(lane, &lane->again, lane->again.head, now_us);
    for (struct store_op *op = lane->partition->waiting.head, *next; op && batch->count < limit;
         op = next) {
        next = op->next;
        if (chain_allows(lane, op) && !queue_has_chain_of(&lane->again, op))
            take_op(lane, &lane->partition->waiting, op, now_us);
    }
}

bool lane_join(struct lane *lane)
{
    struct batch *batch = &lane->batch;
    int64_t now_us = clock_mono_us();
    for (struct store_op *op = lane->partition->waiting.head, *next;
         op && batch->count < lane->batch_limit; op = next) {
        next = op->next;
        if (op->chain || !plan_is_covered(&batch->view, &op->op))
            continue;
        take_op(lane, &lane->partition->waiting, op, now_us);
        batch->joined = true;
        if (!plan_collect(&batch->view, &op->op))
            return false;
    }
    return true;
}

void lane_start(struct lane *lane)
{
    if (lane->state != LANE_IDLE || lane->conn.state != CONN_READY)
        return;
    if (lane->again.count + lane->partition->waiting.count == 0) {
        lane_pass_turn(lane);
        return;
    }
    int64_t now_us = clock_mono_us();
    gather_batch(lane, now_us);
    if (lane->batch.count > 0) {
        lane_begin_attempt(lane);
        return;
    }
    lane_pass_turn(lane);
    if (lane->again.count > 0)
        us_timer_start(&lane->pause, lane->again_us > now_us ? lane->again_us - now_us : 1);
}

static void on_pause_end(struct us_timer *pause)
{
    struct lane *lane = pause->user;
    if (lane->state == LANE_AWAITING)
        lane_look_at_ledger(lane);
    else if (lane->state == LANE_FENCING && lane->conn.state == CONN_READY)
        lane_fence(lane);
    else
        lane_start(lane);
}

void lane_become_idle(struct lane *lane)
{
    lane->state = LANE_IDLE;
    lane->refusals = 0;
    lane->batch.count = 0;
    lane_pass_turn(lane);
}

/* --- reading ---------------------------------------------------------------------------------- */

static void on_read(struct conn *conn, redisReply **replies, size_t count);

void lane_out_of_memory(struct lane *lane)
{
    lane_tell_all(lane, OUT_OVERLOADED, "out of memory");
    lane_become_idle(lane);
}

void lane_begin_attempt(struct lane *lane)
{
    lane->state = LANE_READING;
    if (!batch_begin(&lane->batch)) {
        lane_out_of_memory(lane);
        return;
    }
    lane_read_round(lane);
}

/* What is left of the time of the first of the batch whose time is over. */
static int64_t time_left_us(const struct lane *lane, int64_t now_us)
{
    int64_t left_us = INT64_MAX;
    for (unsigned i = 0; i < lane->batch.count; i++)
        if (lane->batch.ops[i]->deadline_us - now_us < left_us)
            left_us = lane->batch.ops[i]->deadline_us - now_us;
    return left_us;
}

/* Ahead of the reads, which are then of the time when it is this lane's turn. */
static bool ask_turn(struct lane *lane, struct buf *out)
{
    int64_t now_us = clock_mono_us();
    if (!turn_to_ask(&lane->turn, now_us))
        return false;
    turn_ask(&lane->turn, out, now_us, time_left_us(lane, now_us));
    return true;
}

void lane_read_round(struct lane *lane)
{
    struct buf *out = conn_begin(&lane->conn);
    bool unwatch = lane->watching && lane->batch.rounds == 0;
    int64_t timeout_ms = lane->store->config.request_timeout_ms;
    if (lane->batch.rounds == 0 && ask_turn(lane, out))
        timeout_ms += lane->turn.time_us / 1000;
    size_t replies = lane->batch.rounds < BATCH_ROUNDS_MAX
                         ? batch_ask(&lane->batch, out, str_of(lane->marker), unwatch)
                         : 0;
    lane->watching = true;
    if (replies == 0 ||
        conn_exchange(&lane->conn, replies + lane->turn.asked, timeout_ms, on_read) < 0) {
        lane->turn.asked = false;
        lane_out_of_memory(lane);
    }
}

/* Those that meet the same do not come back in step. */
static int64_t retry_us(struct lane *lane)
{
    return RETRY_LEAST_US +
           (int64_t)rng_below(&lane->jitter, (uint64_t)(RETRY_MOST_US - RETRY_LEAST_US));
}

void lane_refused(struct lane *lane, struct str error)
{
    static struct log_gate gate;
    struct partition *p = lane->partition;
    if (log_allowed(&gate, clock_mono_ms()))
        log_event(LOG_WARN, "redis refused", LOG_TEXT("error", error));
    switch (reply_classify(error)) {
    case REPLY_RETRY:
        lane_postpone(lane, retry_us(lane));
        topology_doubt(lane->store->topology, p->index);
        lane_become_idle(lane);
        return;
    case REPLY_REPLICA:
    case REPLY_REDIRECT:
        lane_postpone(lane, retry_us(lane));
        lane->state = LANE_IDLE;
        topology_told(lane->store->topology, p->index, &lane->conn.at, error);
        conn_drop(&lane->conn, LANE_WHY_ELSEWHERE);
        return;
    case REPLY_REFUSED:
    case REPLY_FORBIDDEN:
    case REPLY_BROKEN: break;
    }
    snprintf(p->refused, sizeof(p->refused), "Redis answered: %.*s", STR_ARG(error));
    p->refused_ms = clock_mono_ms();
    lane_tell_all(lane, OUT_REDIS_UNAVAILABLE, p->refused);
    lane_become_idle(lane);
}

static void gate_shut(struct lane *lane)
{
    struct partition *p = lane->partition;
    p->gate = lane->batch.gate;
    conn_doubt(&lane->conn);
    topology_doubt(lane->store->topology, p->index);
    switch (p->gate.gate) {
    case META_IS_OPEN: abort();
    case META_IS_WAIT: lane_postpone(lane, GATE_WAIT_US); break;
    case META_IS_CLOSED: lane_tell_all(lane, OUT_PARTITION_CLOSED, p->gate.why); break;
    case META_IS_LOST: lane_tell_all(lane, OUT_STATE_LOST, p->gate.why); break;
    }
    lane_become_idle(lane);
}

static void on_read(struct conn *conn, redisReply **replies, size_t count)
{
    struct lane *lane = conn->user;
    struct str error = {NULL, 0};
    assert(lane->state == LANE_READING);
    if (lane->turn.asked) {
        count--;
        if (!turn_take(&lane->turn, *replies++, clock_mono_us())) {
            lane_begin_attempt(lane);
            return;
        }
    }
    switch (batch_take(&lane->batch, replies, count, conn->run_id, conn->replid,
                       lane->store->shared, &error)) {
    case BATCH_READ: lane_decide(lane); return;
    case BATCH_AGAIN: lane_read_round(lane); return;
    case BATCH_GATE: gate_shut(lane); return;
    case BATCH_ERROR: lane_refused(lane, error); return;
    case BATCH_NO_MEMORY: lane_out_of_memory(lane); return;
    case BATCH_INVALID: break;
    }
    lane_close_partition(lane, "Redis holds what stockd did not write", error);
}

/* --- the connection --------------------------------------------------------------------------- */

static void on_ready(struct conn *conn)
{
    struct lane *lane = conn->user;
    lane->watching = false;
    lane->buckets_store = 0;
    if (lane->unsettled)
        lane_fence(lane);
    else if (!lane_go_on_closing(lane))
        lane_become_idle(lane);
}

static void on_lost(struct conn *conn, bool busy)
{
    struct lane *lane = conn->user;
    lane->watching = lane->left_behind = false;
    turn_forget(&lane->turn);
    if (lane->unsettled) {
        if (lane->state == LANE_WRITING)
            stats_count(STATS_UNKNOWN, 1);
        lane->state = LANE_FENCING;
        return;
    }
    if (lane->state != LANE_IDLE)
        lane_postpone(lane, 0); /* nothing of it was written: begun anew on the next connection */
    lane->state = LANE_IDLE;
}

bool lane_is_down(const struct lane *lane)
{
    return lane->conn.state < CONN_READY && lane->conn.failures >= DOWN_FAILURES;
}

bool lane_is_hopeless(const struct lane *lane)
{
    return lane_is_down(lane) && topology_address(lane->store->topology)->kind == ADDRESS_ONE;
}

static const char *why_late(const struct lane *lane, const struct store_op *op)
{
    if (op->tries > 0)
        return "the transaction was lost to other writers until the request timed out";
    if (lane->partition->gate.gate == META_IS_WAIT)
        return lane->partition->gate.why;
    return "Redis did not answer in time";
}

static void expire_queue(struct lane *lane, struct queue *queue, int64_t now_us)
{
    for (struct store_op *op = queue->head, *next; op; op = next) {
        next = op->next;
        if (op->deadline_us > now_us && !lane_is_hopeless(lane))
            continue;
        queue_remove(queue, op);
        if (op->chain)
            op->chain->flying--;
        op->op.out = (struct outcome){.field_line = -1};
        op->op.out.code =
            downgrade_to_unknown(op, op->tries > 0 ? OUT_CONTENTION : OUT_REDIS_UNAVAILABLE);
        op->op.out.why = why_late(lane, op);
        store_op_complete(op);
    }
}

void lane_expire(struct lane *lane, int64_t now_us)
{
    bool unknown = lane->unsettled || lane->state == LANE_AWAITING;
    const char *why = lane->state == LANE_AWAITING ? lane_awaited(lane)
                      : unknown ? "Redis has not said whether the transaction was applied"
                                : "Redis did not answer in time";
    expire_queue(lane, &lane->again, now_us);
    for (unsigned i = 0; i < lane->batch.count; i++) {
        struct store_op *op = lane->batch.ops[i];
        if (!op || op->deadline_us > now_us)
            continue;
        lane_tell(lane, i, unknown ? OUT_UNKNOWN : OUT_REDIS_UNAVAILABLE, why);
    }
}

int lane_init(struct lane *lane, struct partition *partition, unsigned index)
{
    uint64_t random[2];
    uint32_t serials[PARTS_OPEN];
    random_bytes(random, sizeof(random));
    random_bytes(serials, sizeof(serials));
    *lane = (struct lane){.partition = partition,
                          .store = partition->store,
                          .batch_limit = partition->store->config.batch_max};
    snprintf(lane->marker, sizeof(lane->marker), "{p%u}:lane:%016" PRIx64 ".%u",
             (unsigned)partition->index, random[0], index);
    rng_seed(&lane->jitter, random[1]);
    parts_init(&lane->parts, serials);
    turn_init(&lane->turn, partition->store->config.turns, partition->index, random[0] + index);
    buf_init(&lane->aside, ASIDE_MAX);
    if (!batch_init(&lane->batch, partition->store->config.partitions, partition->index,
                    partition->store->config.batch_max))
        return -ENOMEM;
    conn_init(&lane->conn, partition->store->loop, partition->store->topology, partition->index);
    lane->conn.user = lane;
    lane->conn.on_ready = on_ready;
    lane->conn.on_lost = on_lost;
    return 0;
}

int lane_open(struct lane *lane)
{
    assert(!lane->opened);
    int rc = us_timer_init(&lane->pause, lane->store->loop);
    if (rc < 0)
        return rc;
    lane->pause.on_end = on_pause_end;
    lane->pause.user = lane;
    lane->opened = true;
    conn_open(&lane->conn);
    return 0;
}

void lane_close(struct lane *lane)
{
    conn_close(&lane->conn);
    if (lane->opened)
        us_timer_close(&lane->pause);
}

void lane_free(struct lane *lane)
{
    batch_free(&lane->batch);
    buf_free(&lane->aside);
}
