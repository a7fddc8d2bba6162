#include "store/relay/relay.h"
#include "clock.h"
#include "stats.h"
#include "store/commit/lane.h"
#include "store/relay/relay_copy.h"

#include <assert.h>
#include <stdlib.h>
#include <unistd.h>

#define CONTENDED_US 1000000 /* after others were met, until everybody commits by itself again */
#define STALE_US     250000  /* a loop that has not turned for so long takes nothing now */
#define GRACE_US     500000  /* past its deadline an operation is answered by whoever has it */

#define WHY_LATE "Redis did not answer in time"
#define WHY_LOST                                                                                   \
    "the process that had the operation ended, or stands still: ask again with the same "          \
    "Idempotency-Key, or look"

/* Of this worker, in a cell of its own. */
struct flight {
    struct store_op *op; /* NULL: it was answered, or there was none; the cell is to come back */
    struct relay_cell *cell;
    unsigned number, to;
};

/* Of another worker, which waits for it. */
struct guest {
    struct store_op op;
    struct relay *relay;
    struct relay_cell *cell;
    unsigned from;
    struct guest *next; /* while it is free */
};

struct relay {
    struct store *store;
    struct relay_shared *shared;
    unsigned self;
    uv_poll_t poll;
    struct flight *flights;
    unsigned flight_count, waiting_count; /* waiting: those with an operation */
    uint16_t *cells;                      /* that are free */
    unsigned cell_count;
    struct guest *guests; /* that are free */
    bool *answered;       /* by worker: it is to be woken */
    bool any_answered;
};

/* --- answers ---------------------------------------------------------------------------------- */

static void end_flight(struct relay *relay, unsigned i)
{
    struct flight *flight = &relay->flights[i];
    relay->cells[relay->cell_count++] = (uint16_t)flight->number;
    *flight = relay->flights[--relay->flight_count];
}

/* The operation is here again, and waits for this worker's own lane. */
static void keep_here(struct relay *relay, struct store_op *op)
{
    op->alone = true;
    op->started_us = op->kept_us = 0;
    op->tries = 0;
    store_enqueue(relay->store, op);
}

static void fail_op(struct store_op *op, enum outcome_code code, const char *why)
{
    op->op.out = (struct outcome){.code = code, .why = why, .field_line = -1};
    if (code == OUT_UNKNOWN)
        stats_count(STATS_OUTCOME_UNKNOWN, 1);
    store_op_complete(op);
}

/* Nothing was changed where its Redis could not be reached; this worker's may be. */
static bool tries_here(const struct store_op *op, int64_t now_us)
{
    return op->op.out.code == OUT_REDIS_UNAVAILABLE && op->deadline_us > now_us;
}

/* The outcome is in the cell, and good until the operation is answered. */
static void land_op(struct relay *relay, unsigned i)
{
    struct flight *flight = &relay->flights[i];
    struct store_op *op = flight->op;
    if (op) {
        relay->waiting_count--;
        op->started_us = flight->cell->started_us;
        op->kept_us = flight->cell->kept_us;
        op->tries = flight->cell->tries;
        op->op.out = flight->cell->op.out;
        if (tries_here(op, clock_mono_us()))
            keep_here(relay, op);
        else
            store_op_complete(op);
    }
    /* done() may have brought nothing new into the flights: operations begin in their queues. */
    relay->flights[i].cell->state = RELAY_FREE;
    end_flight(relay, i);
}

static void land_answered(struct relay *relay)
{
    for (unsigned i = 0; i < relay->flight_count;)
        if (relay_state_of(relay->flights[i].cell) == RELAY_ANSWERED)
            land_op(relay, i);
        else
            i++;
}

static void on_wake(uv_poll_t *poll, int status, int events)
{
    struct relay *relay = poll->data;
    uint64_t count;
    (void)status, (void)events;
    if (read(relay_worker(relay->shared, relay->self)->wake_fd, &count, sizeof(count)) > 0)
        land_answered(relay);
}

/* --- guests ----------------------------------------------------------------------------------- */

static void on_guest_done(struct store_op *op)
{
    struct guest *guest = op->user;
    struct relay *relay = guest->relay;
    struct relay_cell *cell = guest->cell;
    cell->started_us = op->started_us;
    cell->kept_us = op->kept_us;
    cell->tries = op->tries;
    if (!relay_copy_outcome(cell, &op->op.out))
        cell->op.out = (struct outcome){
            .code = OUT_UNKNOWN, .why = "the answer is larger than any can be", .field_line = -1};
    cell->state = RELAY_ANSWERED;
    relay->answered[guest->from] = relay->any_answered = true;
    guest->next = relay->guests;
    relay->guests = guest;
}

void relay_wake_answered(struct relay *relay)
{
    if (!relay || !relay->any_answered)
        return;
    relay->any_answered = false;
    for (unsigned i = 0; i < relay_workers(relay->shared); i++) {
        if (relay->answered[i])
            relay_rouse(relay->shared, i);
        relay->answered[i] = false;
    }
}

static struct guest *guest_new(struct relay *relay)
{
    struct guest *guest = relay->guests;
    if (guest)
        relay->guests = guest->next;
    return guest ? guest : malloc(sizeof(*guest));
}

static void admit(struct relay *relay, unsigned from, struct relay_cell *cell)
{
    struct guest *guest = guest_new(relay);
    if (!guest) {
        cell->started_us = cell->kept_us = 0;
        cell->op.out.code = OUT_OVERLOADED;
        cell->op.out.why = "out of memory";
        cell->state = RELAY_ANSWERED;
        relay->answered[from] = relay->any_answered = true;
        return;
    }
    *guest = (struct guest){.relay = relay, .cell = cell, .from = from};
    guest->op = (struct store_op){.op = cell->op,
                                  .done = on_guest_done,
                                  .user = guest,
                                  .submitted_us = cell->submitted_us,
                                  .deadline_us = cell->deadline_us,
                                  .beyond = cell->beyond,
                                  .origin = from + 1,
                                  .alone = true};
    store_admit(relay->store, &guest->op);
}

static void take_guests(struct relay *relay)
{
    struct relay_cell *cell;
    if (!relay_worker(relay->shared, relay->self)->serves)
        return;
    for (unsigned from = 0; from < relay_workers(relay->shared); from++)
        while ((cell = relay_take(relay->shared, from, relay->self)))
            admit(relay, from, cell);
}

/* --- handing over ----------------------------------------------------------------------------- */

static bool is_fit(struct relay *relay, unsigned worker, int64_t now_us)
{
    struct relay_worker *w = relay_worker(relay->shared, worker);
    return w->serves && now_us - w->seen_us < STALE_US;
}

/* Who commits for all. This worker offers itself where nobody does. */
static unsigned committer(struct relay *relay, unsigned partition, int64_t now_us)
{
    struct relay_partition *p = relay_partition(relay->shared, partition);
    uint32_t known = p->committer;
    if (known > 0 && is_fit(relay, known - 1, now_us))
        return known - 1;
    if (relay_worker(relay->shared, relay->self)->serves)
        p->committer = relay->self + 1;
    return relay->self;
}

static bool hand_over(struct relay *relay, struct partition *p, struct store_op *op, unsigned to)
{
    assert(relay->cell_count > 0);
    unsigned number = relay->cells[relay->cell_count - 1];
    struct relay_cell *cell = relay_cell(relay->shared, relay->self, number);
    if (!relay_copy_request(cell, &op->op)) {
        op->alone = true; /* it is too large, and stays so */
        return false;
    }
    cell->submitted_us = op->submitted_us;
    cell->deadline_us = op->deadline_us;
    cell->beyond = op->beyond;
    cell->state = RELAY_QUEUED;
    if (!relay_put(relay->shared, relay->self, to, number) && relay_take_back(cell))
        return false;
    relay->cell_count--;
    relay->flights[relay->flight_count++] =
        (struct flight){.op = op, .cell = cell, .number = number, .to = to};
    relay->waiting_count++;
    queue_remove(&p->waiting, op);
    stats_add(STATS_QUEUE_DEPTH, -1);
    return true;
}

static void hand_over_waiting(struct relay *relay, struct partition *p, unsigned to)
{
    unsigned count = 0;
    for (struct store_op *op = p->waiting.head, *next; op && relay->cell_count > 0; op = next) {
        next = op->next;
        if (!op->chain && !op->alone)
            count += hand_over(relay, p, op, to);
    }
    if (count > 0)
        relay_rouse(relay->shared, to);
    stats_count(STATS_RELAYED, count);
}

static bool is_contended(struct relay *relay, unsigned partition, int64_t now_us)
{
    return relay->store->config.relaying == RELAYING_ALWAYS ||
           relay_partition(relay->shared, partition)->until_us > now_us;
}

void relay_pump(struct relay *relay)
{
    if (!relay)
        return;
    int64_t now_us = clock_mono_us();
    struct relay_worker *self = relay_worker(relay->shared, relay->self);
    self->asleep = false;
    self->seen_us = now_us;
    land_answered(relay);
    take_guests(relay);
    for (unsigned i = 0; i < relay->store->config.partitions; i++) {
        struct partition *p = &relay->store->partitions[i];
        if (p->waiting.count == 0 || !is_contended(relay, i, now_us))
            continue;
        unsigned to = committer(relay, i, now_us);
        if (to != relay->self)
            hand_over_waiting(relay, p, to);
    }
    relay_wake_answered(relay);
}

static bool has_answers(const struct relay *relay)
{
    for (unsigned i = 0; i < relay->flight_count; i++)
        if (relay_state_of(relay->flights[i].cell) == RELAY_ANSWERED)
            return true;
    return false;
}

bool relay_sleep(struct relay *relay)
{
    if (!relay)
        return true;
    struct relay_worker *self = relay_worker(relay->shared, relay->self);
    self->asleep = true;
    return !(self->serves && relay_has_any(relay->shared, relay->self)) && !has_answers(relay);
}

void relay_met_others(struct relay *relay, unsigned partition, int64_t now_us)
{
    if (relay)
        relay_partition(relay->shared, partition)->until_us = now_us + CONTENDED_US;
}

/* --- what is late ----------------------------------------------------------------------------- */

/* Nobody has it yet. */
static void mind_queued(struct relay *relay, unsigned i, int64_t now_us)
{
    struct flight flight = relay->flights[i];
    bool late = flight.op && flight.op->deadline_us <= now_us;
    if (flight.op && !late && is_fit(relay, flight.to, now_us))
        return;
    if (!relay_take_back(flight.cell))
        return;
    end_flight(relay, i);
    if (!flight.op)
        return;
    relay->waiting_count--;
    if (late)
        fail_op(flight.op, OUT_REDIS_UNAVAILABLE, WHY_LATE);
    else
        keep_here(relay, flight.op);
}

/* Who has it may be gone, or stand still. */
static void mind_taken(struct relay *relay, unsigned i, int64_t now_us)
{
    struct flight flight = relay->flights[i];
    bool orphan = relay_is_orphan(relay->shared, flight.cell);
    bool late = flight.op && flight.op->deadline_us + GRACE_US <= now_us;
    if (!orphan && !late)
        return;
    if (orphan) {
        flight.cell->state = RELAY_FREE;
        end_flight(relay, i);
    } else {
        relay->flights[i].op = NULL;
    }
    if (!flight.op)
        return;
    relay->waiting_count--;
    fail_op(flight.op, OUT_UNKNOWN, WHY_LOST);
}

void relay_expire(struct relay *relay, int64_t now_us)
{
    if (!relay)
        return;
    relay_worker(relay->shared, relay->self)->seen_us = now_us;
    land_answered(relay);
    for (unsigned i = relay->flight_count; i-- > 0;) {
        enum relay_state state = relay_state_of(relay->flights[i].cell);
        if (state == RELAY_QUEUED)
            mind_queued(relay, i, now_us);
        else if (state == RELAY_TAKEN)
            mind_taken(relay, i, now_us);
    }
}

void relay_drain(struct relay *relay)
{
    if (relay)
        relay_worker(relay->shared, relay->self)->serves = false;
}

void relay_check(const struct relay *relay)
{
    unsigned waiting = 0;
    for (unsigned i = 0; relay && i < relay->flight_count; i++) {
        const struct store_op *op = relay->flights[i].op;
        assert(!op || (op->done && !op->next && !op->prev && !op->chain && !op->alone));
        assert(relay_state_of(relay->flights[i].cell) != RELAY_FREE);
        waiting += op != NULL;
    }
    assert(!relay || waiting == relay->waiting_count);
    assert(!relay || relay->flight_count + relay->cell_count == relay_cells(relay->shared));
}

bool relay_idle(const struct relay *relay)
{
    return !relay || relay->waiting_count == 0;
}

/* --- life ------------------------------------------------------------------------------------- */

/* Cells that an earlier life of this worker left behind come back by and by. */
static void find_cells(struct relay *relay)
{
    for (unsigned i = relay_cells(relay->shared); i-- > 0;) {
        struct relay_cell *cell = relay_cell(relay->shared, relay->self, i);
        if (relay_state_of(cell) == RELAY_FREE)
            relay->cells[relay->cell_count++] = (uint16_t)i;
        else
            relay->flights[relay->flight_count++] = (struct flight){.cell = cell, .number = i};
    }
}

struct relay *relay_new(struct store *store)
{
    struct relay *relay = calloc(1, sizeof(*relay));
    if (!relay)
        return NULL;
    relay->store = store;
    relay->shared = store->config.relay;
    relay->self = store->config.worker;
    relay->flights = calloc(relay_cells(relay->shared), sizeof(*relay->flights));
    relay->cells = calloc(relay_cells(relay->shared), sizeof(*relay->cells));
    relay->answered = calloc(relay_workers(relay->shared), sizeof(*relay->answered));
    struct relay_worker *self = relay_worker(relay->shared, relay->self);
    if (!relay->flights || !relay->cells || !relay->answered ||
        uv_poll_init(store->loop, &relay->poll, self->wake_fd) != 0) {
        relay_free(relay);
        return NULL;
    }
    relay->poll.data = relay;
    find_cells(relay);
    uv_poll_start(&relay->poll, UV_READABLE, on_wake);
    self->seen_us = clock_mono_us();
    relay_begin(relay->shared, relay->self);
    return relay;
}

void relay_close(struct relay *relay)
{
    if (!relay)
        return;
    relay_drain(relay);
    uv_poll_stop(&relay->poll);
    uv_close((uv_handle_t *)&relay->poll, NULL);
}

void relay_free(struct relay *relay)
{
    if (!relay)
        return;
    for (struct guest *guest; (guest = relay->guests);) {
        relay->guests = guest->next;
        free(guest);
    }
    free(relay->flights);
    free(relay->cells);
    free(relay->answered);
    free(relay);
}
