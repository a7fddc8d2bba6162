/* flight.c -- one attempt: recorded, sent, answered or given up, recorded again. */
#include "client/crowd.h"
#include "history/reader.h"

#include <assert.h>
#include <errno.h>

#define BACKOFF_FIRST_MS 10
#define BACKOFF_MAX_MS   1000
#define LATE_MAX_US      UINT32_MAX
#define RESET_SHARE      0.5 /* of requests that are aborted: a reset instead of an end */

static struct client *client_of(struct wire *wire)
{
    return (struct client *)wire; /* its first member */
}
static_assert(offsetof(struct client, wire) == 0, "client_of relies on it");

static void watch_deadline(struct client *c, uint64_t now_ns)
{
    struct crowd *w = c->crowd;
    c->deadline_ns = now_ns + w->load->timeout_ns; /* the same for all: the list stays sorted */
    c->earlier = w->last_due;
    c->later = NULL;
    *(w->last_due ? &w->last_due->later : &w->first_due) = c;
    w->last_due = c;
}

static void forget_deadline(struct client *c)
{
    struct crowd *w = c->crowd;
    *(c->earlier ? &c->earlier->later : &w->first_due) = c->later;
    *(c->later ? &c->later->earlier : &w->last_due) = c->earlier;
}

static uint32_t late_us(uint64_t planned_ns, uint64_t now_ns)
{
    uint64_t us = now_ns > planned_ns ? (now_ns - planned_ns) / 1000 : 0;
    return us < LATE_MAX_US ? (uint32_t)us : LATE_MAX_US;
}

static void count_outcome(struct client *c, enum history_outcome outcome,
                          enum history_detail detail, uint64_t now_ns)
{
    struct tally *t = c->crowd->tally;
    tally_bump(&t->finished);
    tally_bump(&t->count[outcome][detail]);
    if (outcome != OUTCOME_UNKNOWN)
        histogram_add(&t->response, now_ns > c->planned_ns ? now_ns - c->planned_ns : 0);
    for (unsigned n = 0; n < c->op->lines; n++) {
        const struct history_line *line = history_line(c->op, n);
        tally_stock(t, line->item, line->version, line->remaining);
    }
}

static bool mutates(const struct history_op *op)
{
    return !history_reads(op->kind) && op->kind != KIND_REUSE;
}

/* Whether the same request goes out once more: at most once an operation. */
static bool resends(struct client *c)
{
    return c->op == c->root && mutates(c->op) && !c->crowd->over &&
           workload_chance(&c->shared->rng, c->crowd->load->dup);
}

/* Takes an operation's slots and writes its record; the request is in wire.out afterwards. */
static int prepare(struct client *c, bool resend)
{
    struct crowd *w = c->crowd;
    int rc = history_reserve(&w->history, 1 + c->intent.lines / 2);
    if (rc < 0)
        return rc;
    c->op = history_begin(&w->history, c->intent.lines);
    c->slot = history_slot(&w->history, c->op);
    intent_record(&c->intent, c->op);
    c->op->client = c->number;
    if (resend) {
        c->op->flags |= FLAG_RESENT;
        c->op->of = c->root_slot;
    } else {
        c->shared->seq++;
        c->root = c->op;
        c->root_slot = c->slot;
    }
    c->op->seq = c->shared->seq;
    intent_request(&c->intent, w->load, c->op, &c->wire.out);
    return c->wire.out.failed ? -ENOMEM : 0;
}

static void finish(struct client *c, enum history_outcome outcome, uint16_t status,
                   enum history_detail detail, uint8_t flags, uint64_t now_ns)
{
    forget_deadline(c);
    c->crowd->busy--;
    history_finish(c->op, outcome, status, detail, flags, now_ns - c->crowd->zero_ns);
    count_outcome(c, outcome, detail, now_ns);
}

/* Sends the attempt that was prepared. */
static void send_attempt(struct client *c, bool resend)
{
    struct crowd *w = c->crowd;
    int rc = prepare(c, resend);
    if (rc < 0) {
        crowd_fail(w, rc);
        return;
    }
    c->state = CLIENT_BUSY;
    w->busy++;
    tally_bump(&w->tally->started);
    uint64_t now_ns = load_now_ns();
    c->op->late_us = late_us(c->planned_ns, now_ns);
    c->op->begin_ns = now_ns - w->zero_ns;
    watch_deadline(c, now_ns);
    if (wire_send(&c->wire) < 0) {
        finish(c, OUTCOME_FAIL, 0, DETAIL_NOT_SENT, 0, now_ns);
        c->state = CLIENT_AWAY;
        wire_close(&c->wire);
        return;
    }
    if (wire_all_sent(&c->wire) && workload_chance(&c->shared->rng, w->load->abort)) {
        finish(c, OUTCOME_UNKNOWN, 0, DETAIL_ABORTED, 0, now_ns);
        c->state = resends(c) ? CLIENT_RESENDING : CLIENT_AWAY;
        if (workload_chance(&c->shared->rng, RESET_SHARE))
            wire_reset(&c->wire);
        else
            wire_close(&c->wire);
    }
}

void flight_start(struct client *c, uint64_t planned_ns)
{
    assert(c->state == CLIENT_FREE && c->wire.state == WIRE_IDLE);
    struct crowd *w = c->crowd;
    w->begun_here++;
    c->planned_ns = planned_ns;
    client_choose(c, &w->load->workload, w->client, w->count, planned_ns);
    send_attempt(c, false);
}

/* The attempt in flight gets no answer any more. */
static void give_up(struct client *c, enum history_detail detail)
{
    finish(c, OUTCOME_UNKNOWN, 0, detail, 0, load_now_ns());
    c->state = resends(c) ? CLIENT_RESENDING : CLIENT_AWAY;
    wire_close(&c->wire);
}

void flight_check(struct crowd *w, uint64_t now_ns)
{
    while (w->first_due && w->first_due->deadline_ns <= now_ns)
        give_up(w->first_due, DETAIL_TIMEOUT);
}

void flight_give_up_all(struct crowd *w)
{
    while (w->first_due)
        give_up(w->first_due, DETAIL_TIMEOUT);
}

/* A connect that failed: the next one waits, twice as long each time. */
static void back_off(struct client *c)
{
    uint32_t twice_ms = c->backoff_ms ? c->backoff_ms * 2 : BACKOFF_FIRST_MS;
    c->backoff_ms = twice_ms < BACKOFF_MAX_MS ? twice_ms : BACKOFF_MAX_MS;
    c->retry_ns = load_now_ns() + c->backoff_ms * UINT64_C(1000000);
    atomic_fetch_add_explicit(&c->crowd->facts->attempts_unsent, 1, memory_order_relaxed);
}

void flight_connect(struct client *c)
{
    if (c->wire.state == WIRE_CLOSED && wire_open(&c->wire) < 0)
        back_off(c);
}

/* --- what the connection says --- */

static void on_open(struct wire *wire)
{
    struct client *c = client_of(wire);
    c->backoff_ms = 0;
    c->connected = true;
    atomic_fetch_add_explicit(&c->crowd->tally->open, 1, memory_order_relaxed);
    if (c->state == CLIENT_RESENDING && !c->crowd->over) {
        c->planned_ns = load_now_ns();
        send_attempt(c, true);
        return;
    }
    c->state = CLIENT_FREE;
    pace_free(c, load_now_ns());
}

/* A first attempt that was answered is sent once more on the same connection, or on a new one. */
static void resend_answered(struct client *c)
{
    c->state = CLIENT_RESENDING;
    if (c->wire.state != WIRE_IDLE)
        return;
    c->planned_ns = load_now_ns();
    send_attempt(c, true);
}

static void on_answer(struct wire *wire, const struct response *response)
{
    struct client *c = client_of(wire);
    struct crowd *w = c->crowd;
    uint64_t now_ns = load_now_ns();
    struct response one;
    if (c->intent.batch && intent_unbatch(response, &one))
        response = &one;
    const struct misfit_request request = {
        .id = client_reservation(c),
        .passed_ms = (now_ns - w->zero_ns - c->op->begin_ns) / 1000000,
        .reserve = c->op->kind == KIND_RESERVE ? c->root
                   : c->intent.held.id_bytes   ? c->intent.held.op
                                               : NULL,
        .named = w->load->workload.named,
        .about = c->intent.about.op,
        .if_match = c->intent.if_match,
        .list = &c->intent.list,
    };
    struct lesson lesson = intent_learn(w->facts, c->op, &request, response);
    finish(c, lesson.outcome, response->status, lesson.detail,
           response->replayed ? FLAG_REPLAYED : 0, now_ns);
    if (lesson.misfit.text[0]) {
        int rc = history_put_note(&w->history, c->slot, str_of(lesson.misfit.text));
        if (rc < 0) {
            crowd_fail(w, rc);
            return;
        }
    }
    if (lesson.outcome == OUTCOME_OK && c->op->kind == KIND_RESERVE &&
        (c->op == c->root || history_outcome(c->root) != OUTCOME_OK)) {
        int rc = history_put_id(&w->history, c->root_slot, lesson.id);
        if (rc < 0) {
            crowd_fail(w, rc);
            return;
        }
    }
    client_remember(c, &w->load->workload, &lesson, now_ns);
    bool again = resends(c);
    c->state = again ? CLIENT_RESENDING : CLIENT_FREE;
    if (response->close || !w->load->keepalive || lesson.detail == DETAIL_GARBLED) {
        c->state = again ? CLIENT_RESENDING : CLIENT_AWAY;
        wire_close(wire);
    } else if (again) {
        resend_answered(c);
    } else {
        pace_free(c, now_ns);
    }
}

static void on_lost(struct wire *wire, enum wire_state was, int err)
{
    struct client *c = client_of(wire);
    if (was == WIRE_CONNECTING)
        back_off(c);
    if (was == WIRE_BUSY)
        give_up(c, err == -EPROTO || err == -EMSGSIZE ? DETAIL_GARBLED : DETAIL_RESET);
    else if (c->state != CLIENT_RESENDING)
        c->state = CLIENT_AWAY;
}

static void on_closed(struct wire *wire)
{
    struct client *c = client_of(wire);
    if (c->connected)
        atomic_fetch_sub_explicit(&c->crowd->tally->open, 1, memory_order_relaxed);
    c->connected = false;
    if (c->backoff_ms == 0 && !c->crowd->over)
        flight_connect(c);
}

const struct wire_events flight_events = {on_open, on_answer, on_lost, on_closed};
