/* store.c -- partitions, queues and deadlines. lane.c does the work, reader.c the plain reads. */
#include "store/store.h"
#include "clock.h"
#include "log.h"
#include "stats.h"
#include "store/check.h"
#include "store/commit/lane.h"
#include "store/commit/repeat.h"
#include "store/layout.h"
#include "store/reader.h"
#include "store/relay/relay.h"
#include "store/topology/topology_loop.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TICK_MS 20

/* --- queues ----------------------------------------------------------------------------------- */

void queue_push(struct queue *queue, struct store_op *op)
{
    op->next = NULL;
    op->prev = queue->tail;
    *(queue->tail ? &queue->tail->next : &queue->head) = op;
    queue->tail = op;
    queue->count++;
}

void queue_push_front(struct queue *queue, struct store_op *op)
{
    op->prev = NULL;
    op->next = queue->head;
    *(queue->head ? &queue->head->prev : &queue->tail) = op;
    queue->head = op;
    queue->count++;
}

bool queue_has_chain_of(const struct queue *queue, const struct store_op *op)
{
    for (const struct store_op *other = queue->head; op->chain && other; other = other->next)
        if (other->chain == op->chain)
            return true;
    return false;
}

void queue_remove(struct queue *queue, struct store_op *op)
{
    assert(queue->count > 0);
    *(op->prev ? &op->prev->next : &queue->head) = op->next;
    *(op->next ? &op->next->prev : &queue->tail) = op->prev;
    op->prev = op->next = NULL;
    queue->count--;
}

/* --- routing ---------------------------------------------------------------------------------- */

enum outcome_code store_route(const struct store *store, struct op *op)
{
    unsigned partitions = store->config.partitions;
    if (op_trait(op->kind)->names_reservation) {
        op->partition = op->rid.partition;
        return op->partition < partitions ? OUT_NONE : OUT_RESERVATION_NOT_FOUND;
    }
    assert(op->line_count >= 1);
    op->partition = layout_partition(partitions, op->lines[0].sku);
    for (unsigned i = 1; i < op->line_count; i++)
        if (layout_partition(partitions, op->lines[i].sku) != op->partition)
            return OUT_CROSS_PARTITION;
    return OUT_NONE;
}

/* --- operations ------------------------------------------------------------------------------- */

void store_op_complete(struct store_op *op)
{
    if (op->started_us > 0 && op->origin == 0) { /* else its own worker measures it */
        int64_t now_us = clock_mono_us();
        stats_observe(STATS_REDIS_US, (uint64_t)(now_us - op->started_us));
        stats_observe(STATS_TOTAL_US, (uint64_t)(now_us - op->submitted_us));
        stats_observe(STATS_TRIES, op->tries + 1);
    }
    op->done(op);
}

/* True if all lanes that there are say so. */
static bool lanes_are(const struct partition *p, bool (*what)(const struct lane *))
{
    bool any = false;
    for (unsigned i = 0; i < p->store->config.lanes; i++) {
        if (!p->lanes[i].opened)
            continue;
        if (!what(&p->lanes[i]))
            return false;
        any = true;
    }
    return any;
}

bool store_is_down(const struct partition *p)
{
    return lanes_are(p, lane_is_down);
}

static bool is_hopeless(const struct partition *p)
{
    return lanes_are(p, lane_is_hopeless);
}

void store_enqueue(struct store *store, struct store_op *op)
{
    stats_add(STATS_QUEUE_DEPTH, 1);
    queue_push(&store->partitions[op->op.partition].waiting, op);
}

void store_overload(struct store_op *op)
{
    op->op.out.code = OUT_OVERLOADED;
    op->op.out.why = STORE_WHY_FULL;
    stats_count(STATS_OVERLOADED, 1);
}

void store_admit_repeat(struct store *store, struct store_op *op)
{
    struct partition *p = &store->partitions[op->op.partition];
    if (p->waiting.count >= store->config.queue_max + REPEATS_MAX) {
        store_overload(op);
        store_op_complete(op);
        return;
    }
    op->beyond = true;
    store_enqueue(store, op);
}

void store_admit(struct store *store, struct store_op *op)
{
    struct partition *p = &store->partitions[op->op.partition];
    if (p->waiting.count >= store->config.queue_max) {
        if (repeat_look_up(store->repeats, op))
            return;
        store_overload(op);
        queue_push(&store->refused, op);
    } else if (is_hopeless(p)) {
        op->op.out.code = OUT_REDIS_UNAVAILABLE;
        op->op.out.why = "Redis cannot be reached";
        queue_push(&store->refused, op);
    } else {
        store_enqueue(store, op);
    }
}

void store_submit(struct store *store, struct store_op *op)
{
    assert(op->op.partition < store->config.partitions);
    op->submitted_us = clock_mono_us();
    op->started_us = op->kept_us = 0;
    op->tries = 0;
    op->doubt = 0;
    op->beyond = op->alone = op->made = false;
    op->origin = 0;
    op->op.chain = op->chain;
    op->deadline_us = op->submitted_us + store->config.request_timeout_ms * 1000;
    op->op.out = (struct outcome){.field_line = -1};
    store_admit(store, op);
}

void store_read_submit(struct store *store, struct store_read *read)
{
    reader_submit(store->reader, read);
}

static void tell_refused(struct store *store)
{
    while (store->refused.head) {
        struct store_op *op = store->refused.head;
        queue_remove(&store->refused, op);
        store_op_complete(op);
    }
}

/* One lane more where all that are open are at work and something waits all the same. */
static void open_another(struct partition *p)
{
    static struct log_gate gate;
    for (unsigned i = 0; i < p->store->config.lanes; i++) {
        struct lane *lane = &p->lanes[i];
        int rc = lane->opened ? 0 : lane_open(lane);
        if (rc < 0 && log_allowed(&gate, clock_mono_ms()))
            log_event(LOG_WARN, "no lane", LOG_INT("partition", p->index),
                      LOG_STR("why", strerror(-rc)));
        if (rc < 0 || lane->state == LANE_IDLE)
            return;
    }
}

static void start_lanes(struct partition *p)
{
    for (unsigned i = 0; i < p->store->config.lanes; i++)
        lane_start(&p->lanes[i]);
    if (p->waiting.count > 0)
        open_another(p);
}

void store_pump(struct store *store)
{
    if (STOCKD_CHECKS)
        store_check(store);
    do {
        relay_pump(store->relay);
        tell_refused(store);
        for (unsigned p = 0; p < store->config.partitions; p++)
            start_lanes(&store->partitions[p]);
        relay_wake_answered(store->relay);
    } while (!relay_sleep(store->relay));
    reader_start(store->reader);
}

void store_drain(struct store *store)
{
    relay_drain(store->relay);
}

/* What waits and is past its deadline, or has no Redis to go to. */
static void expire_waiting(struct store *store, struct partition *p, int64_t now_us)
{
    bool down = is_hopeless(p);
    while (p->waiting.head && (down || p->waiting.head->deadline_us <= now_us)) {
        struct store_op *op = p->waiting.head;
        queue_remove(&p->waiting, op);
        stats_add(STATS_QUEUE_DEPTH, -1);
        op->op.out.code = OUT_REDIS_UNAVAILABLE;
        op->op.out.why = down                           ? "Redis cannot be reached"
                         : p->gate.gate == META_IS_WAIT ? p->gate.why
                                                        : "Redis did not answer in time";
        store_op_complete(op);
    }
}

static void on_tick(uv_timer_t *timer)
{
    struct store *store = timer->data;
    int64_t now_us = clock_mono_us();
    for (unsigned p = 0; p < store->config.partitions; p++) {
        expire_waiting(store, &store->partitions[p], now_us);
        for (unsigned i = 0; i < store->config.lanes; i++)
            lane_expire(&store->partitions[p].lanes[i], now_us);
    }
    relay_expire(store->relay, now_us);
    relay_wake_answered(store->relay);
    reader_expire(store->reader, now_us);
}

bool store_idle(const struct store *store)
{
    if (store->refused.count > 0 || !reader_idle(store->reader) || !relay_idle(store->relay))
        return false;
    for (unsigned p = 0; p < store->config.partitions; p++) {
        const struct partition *part = &store->partitions[p];
        if (part->waiting.count > 0)
            return false;
        for (unsigned i = 0; i < store->config.lanes; i++) {
            const struct lane *lane = &part->lanes[i];
            if (lane->again.count > 0)
                return false;
            for (unsigned o = 0; o < lane->batch.count; o++)
                if (lane->batch.ops[o])
                    return false;
        }
    }
    return true;
}

bool store_can_close(const struct store *store)
{
    if (!store_idle(store) || reader_looks_up(store->reader) ||
        topology_loop_looks_up(store->asker))
        return false;
    for (unsigned p = 0; p < store->config.partitions; p++)
        for (unsigned i = 0; i < store->config.lanes; i++)
            if (store->partitions[p].lanes[i].conn.lookup)
                return false;
    return true;
}

int64_t store_restores(const struct store *store)
{
    return store->shared->restores;
}

/* --- life ------------------------------------------------------------------------------------- */

static int open_partitions(struct store *store)
{
    store->asker = topology_loop_new(store->loop, store->topology, store->config.partitions);
    store->partitions = calloc(store->config.partitions, sizeof(*store->partitions));
    if (!store->partitions)
        return -ENOMEM;
    for (unsigned p = 0; p < store->config.partitions; p++) {
        struct partition *part = &store->partitions[p];
        part->store = store;
        part->index = (uint16_t)p;
        part->gate.gate = META_IS_WAIT;
        snprintf(part->gate.why, sizeof(part->gate.why), "Redis has not been reached yet");
        part->lanes = calloc(store->config.lanes, sizeof(*part->lanes));
        if (!part->lanes)
            return -ENOMEM;
        for (unsigned i = 0; i < store->config.lanes; i++) {
            int rc = lane_init(&part->lanes[i], part, i);
            if (rc == 0 && store->config.partitions == 1)
                rc = lane_open(&part->lanes[i]); /* of many, those that are needed */
            if (rc < 0)
                return rc;
        }
    }
    store->reader = reader_new(store);
    store->repeats = repeats_new(store);
    store->relay = store->config.relay ? relay_new(store) : NULL;
    bool whole =
        store->asker && store->reader && store->repeats && (store->relay || !store->config.relay);
    return whole ? 0 : -ENOMEM;
}

struct store *store_new(uv_loop_t *loop, const struct store_config *config,
                        struct store_shared *shared, char *err, size_t err_size)
{
    assert(config->partitions >= 1 && config->partitions <= PARTITIONS_MAX);
    assert(config->lanes >= 1 && config->batch_max >= 1);
    struct store *store = calloc(1, sizeof(*store));
    if (!store) {
        snprintf(err, err_size, "out of memory");
        return NULL;
    }
    store->loop = loop;
    uv_update_time(loop); /* what the process did before may have taken its time */
    store->config = *config;
    store->shared = shared;
    store->topology =
        config->topology ? config->topology : topology_new(config->redis_url, err, err_size);
    if (!store->topology) {
        free(store);
        return NULL;
    }
    if (open_partitions(store) < 0) {
        /* Handles of the lanes that were made are in the loop: the process is about to end. */
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
        snprintf(err, err_size, "out of memory or descriptors");
        return NULL;
    }
    uv_timer_init(loop, &store->tick);
    store->tick.data = store;
    uv_timer_start(&store->tick, on_tick, TICK_MS, TICK_MS);
    return store;
}

static void on_closed(uv_handle_t *handle)
{
    struct store *store = handle->data;
    for (unsigned p = 0; p < store->config.partitions; p++) {
        for (unsigned i = 0; i < store->config.lanes; i++)
            lane_free(&store->partitions[p].lanes[i]);
        free(store->partitions[p].lanes);
    }
    free(store->partitions);
    reader_free(store->reader);
    repeats_free(store->repeats);
    relay_free(store->relay);
    if (!store->config.topology)
        topology_free(store->topology);
    free(store);
}

void store_free(struct store *store)
{
    assert(store_idle(store));
    /* libuv runs the close callbacks of one turn last closed first: this one, which frees the
     * memory of all the others, must be given up before them. */
    uv_timer_stop(&store->tick);
    uv_close((uv_handle_t *)&store->tick, on_closed);
    for (unsigned p = 0; p < store->config.partitions; p++)
        for (unsigned i = 0; i < store->config.lanes; i++)
            lane_close(&store->partitions[p].lanes[i]);
    topology_loop_close(store->asker);
    reader_close(store->reader);
    relay_close(store->relay);
}
