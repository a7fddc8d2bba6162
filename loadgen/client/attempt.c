/* attempt.c -- one attempt: its request, recorded, sent, answered or given up, recorded again. */
#include "client/client_loop.h"
#include "client/json_scan.h"
#include "history/reader.h"

#include <assert.h>
#include <errno.h>

#define BACKOFF_FIRST_MS 10
#define BACKOFF_MAX_MS   1000
#define RESET_SHARE      0.5 /* of requests that are aborted: a reset instead of an end */

/* --- the bytes of its request, and the results of a batch ------------------------------------- */

/* Whether one of its calls is to change something. */
static bool attempt_mutates(const struct attempt *a)
{
    for (unsigned n = 0; n < a->calls; n++)
        if (history_mutates(a->call[n].intent.kind))
            return true;
    return false;
}

static void put_batch(const struct attempt *a, const struct load *load, struct buf *out)
{
    const struct str no_key = {NULL, 0};
    struct buf body;
    buf_init(&body, TARGET_REQUEST_MAX);
    buf_puts(&body, STR("{\"operations\":["));
    for (unsigned n = 0; n < a->calls; n++) {
        if (n > 0)
            buf_putc(&body, ',');
        intent_entry(&a->call[n].intent, load, a->call[n].op, &body);
    }
    buf_puts(&body, STR("]}"));
    target_request(&load->target, out, STR("POST"), STR("/v1/batch"), no_key, buf_str(&body));
    out->failed |= body.failed;
    buf_free(&body);
}

void attempt_request(const struct attempt *a, const struct load *load, struct buf *out)
{
    assert(a->batch || a->calls == 1);
    if (a->batch)
        put_batch(a, load, out);
    else
        intent_request(&a->call[0].intent, load, a->call[0].op, out);
}

bool attempt_results(const struct attempt *a, const struct response *answer,
                     struct mismatch *mismatch)
{
    struct str result;
    size_t at = 0;
    unsigned results = 0;
    bool broken;
    mismatch->text[0] = '\0';
    while (answer_next(answer->body, "results", &at, &result, &broken))
        results++;
    if (broken && json_scan_whole(answer->body))
        mismatch_say(mismatch, "is JSON without \"results\"");
    else if (!broken && answer->status != 200)
        mismatch_say(mismatch, "has status %u, where a batch gets 200", (unsigned)answer->status);
    else if (!broken && results != a->calls)
        mismatch_say(mismatch, "has %u of the %u results of its batch", results, a->calls);
    return !broken && !mismatch->text[0];
}

bool attempt_result(const struct response *answer, size_t *at, struct response *one)
{
    struct answer a;
    struct str result;
    bool broken;
    if (!answer_next(answer->body, "results", at, &result, &broken) || !answer_read(&a, result) ||
        a.status == 0 || str_absent(a.body))
        return false;
    *one = *answer;
    one->status = (uint16_t)a.status;
    one->body = a.body;
    one->replayed = a.replayed;
    one->content = a.status >= 400 ? CONTENT_PROBLEM : CONTENT_JSON;
    one->etag = one->location = (struct str){NULL, 0};
    return true;
}

/* --- its course ------------------------------------------------------------------------------- */

static struct client *client_of(struct wire *wire)
{
    return (struct client *)wire; /* its first member */
}
static_assert(offsetof(struct client, wire) == 0, "client_of relies on it");

static void watch_deadline(struct client *c, uint64_t now_ns)
{
    struct client_loop *w = c->loop;
    c->deadline_ns = now_ns + w->load->timeout_ns; /* the same for all: the list stays sorted */
    c->earlier = w->last_due;
    c->later = NULL;
    *(w->last_due ? &w->last_due->later : &w->first_due) = c;
    w->last_due = c;
}

static void forget_deadline(struct client *c)
{
    struct client_loop *w = c->loop;
    *(c->earlier ? &c->earlier->later : &w->first_due) = c->later;
    *(c->later ? &c->later->earlier : &w->last_due) = c->earlier;
}

/* Whether the same request goes out once more: at most once an operation. */
static bool resends(struct client *c)
{
    return attempt_mutates(&c->attempt) && !c->attempt.resent && !c->loop->over &&
           workload_chance(&c->shared->rng, c->loop->load->dup);
}

/* The attempt is not in flight any more. */
static void land_attempt(struct client *c)
{
    forget_deadline(c);
    c->loop->busy--;
}

static void give_no_answer(struct client *c, enum history_outcome outcome,
                           enum history_detail detail, uint64_t now_ns)
{
    land_attempt(c);
    record_silence(c, outcome, detail, now_ns);
}

/* The request is in wire.out afterwards, and its operations are in the history. */
static int prepare_attempt(struct client *c)
{
    int rc = record_attempt(c);
    if (rc < 0)
        return rc;
    attempt_request(&c->attempt, c->loop->load, &c->wire.out);
    return c->wire.out.failed ? -ENOMEM : 0;
}

static void send_attempt(struct client *c)
{
    struct client_loop *w = c->loop;
    int rc = prepare_attempt(c);
    if (rc < 0) {
        client_loop_fail(w, rc);
        return;
    }
    c->state = CLIENT_BUSY;
    w->busy++;
    uint64_t now_ns = load_now_ns();
    record_begin(c, now_ns);
    watch_deadline(c, now_ns);
    if (wire_send(&c->wire) < 0) {
        give_no_answer(c, OUTCOME_FAIL, DETAIL_NOT_SENT, now_ns);
        c->state = CLIENT_AWAY;
        wire_close(&c->wire);
        return;
    }
    if (wire_all_sent(&c->wire) && workload_chance(&c->shared->rng, w->load->abort)) {
        give_no_answer(c, OUTCOME_UNKNOWN, DETAIL_ABORTED, now_ns);
        c->state = resends(c) ? CLIENT_RESENDING : CLIENT_AWAY;
        if (workload_chance(&c->shared->rng, RESET_SHARE))
            wire_reset(&c->wire);
        else
            wire_close(&c->wire);
    }
}

/* The same request once more, for a client that is RESENDING. */
static void send_again(struct client *c)
{
    c->planned_ns = load_now_ns();
    c->attempt.resent = true;
    send_attempt(c);
}

void attempt_start(struct client *c, uint64_t planned_ns)
{
    assert(c->state == CLIENT_FREE && c->wire.state == WIRE_IDLE);
    struct client_loop *w = c->loop;
    w->begun_here++;
    c->planned_ns = planned_ns;
    client_choose(c, &w->load->workload, w->client, w->count, planned_ns);
    send_attempt(c);
}

/* The attempt in flight gets no answer any more. */
static void give_up_attempt(struct client *c, enum history_detail detail)
{
    give_no_answer(c, OUTCOME_UNKNOWN, detail, load_now_ns());
    c->state = resends(c) ? CLIENT_RESENDING : CLIENT_AWAY;
    wire_close(&c->wire);
}

void attempt_check(struct client_loop *w, uint64_t now_ns)
{
    while (w->first_due && w->first_due->deadline_ns <= now_ns)
        give_up_attempt(w->first_due, DETAIL_TIMEOUT);
}

void attempt_give_up_all(struct client_loop *w)
{
    while (w->first_due)
        give_up_attempt(w->first_due, DETAIL_TIMEOUT);
}

/* A connect that failed: the next one waits, twice as long each time. */
static void back_off(struct client *c)
{
    uint32_t twice_ms = c->backoff_ms ? c->backoff_ms * 2 : BACKOFF_FIRST_MS;
    c->backoff_ms = twice_ms < BACKOFF_MAX_MS ? twice_ms : BACKOFF_MAX_MS;
    c->retry_ns = load_now_ns() + c->backoff_ms * UINT64_C(1000000);
    atomic_fetch_add_explicit(&c->loop->facts->attempts_unsent, 1, memory_order_relaxed);
}

void attempt_connect(struct client *c)
{
    if (c->wire.state == WIRE_CLOSED && wire_open(&c->wire) < 0)
        back_off(c);
}

void attempt_give_up_connect(struct client *c)
{
    assert(c->wire.state == WIRE_CONNECTING);
    back_off(c);
    if (c->state != CLIENT_RESENDING)
        c->state = CLIENT_AWAY;
    wire_close(&c->wire);
}

/* --- what the connection says --- */

static void on_open(struct wire *wire)
{
    struct client *c = client_of(wire);
    c->backoff_ms = 0;
    c->connected = true;
    atomic_fetch_add_explicit(&c->loop->counters->open, 1, memory_order_relaxed);
    if (c->state == CLIENT_RESENDING && !c->loop->over) {
        send_again(c);
        return;
    }
    c->state = CLIENT_FREE;
    scheduler_free(c, load_now_ns());
}

/* A first attempt that was answered is sent once more on the same connection, or on a new one. */
static void resend_answered(struct client *c)
{
    c->state = CLIENT_RESENDING;
    if (c->wire.state == WIRE_IDLE)
        send_again(c);
}

static void on_answer(struct wire *wire, const struct response *response)
{
    struct client *c = client_of(wire);
    uint64_t now_ns = load_now_ns();
    bool garbled = false;
    land_attempt(c);
    int rc = record_answer(c, response, &garbled, now_ns);
    if (rc < 0) {
        client_loop_fail(c->loop, rc);
        return;
    }
    bool again = resends(c);
    c->state = again ? CLIENT_RESENDING : CLIENT_FREE;
    if (response->close || !c->loop->load->keepalive || garbled) {
        c->state = again ? CLIENT_RESENDING : CLIENT_AWAY;
        wire_close(wire);
    } else if (again) {
        resend_answered(c);
    } else {
        scheduler_free(c, now_ns);
    }
}

static void on_lost(struct wire *wire, enum wire_state was, int err)
{
    struct client *c = client_of(wire);
    if (was == WIRE_CONNECTING)
        back_off(c);
    if (was == WIRE_BUSY)
        give_up_attempt(c, err == -EPROTO || err == -EMSGSIZE ? DETAIL_GARBLED : DETAIL_RESET);
    else if (c->state != CLIENT_RESENDING)
        c->state = CLIENT_AWAY;
}

static void on_closed(struct wire *wire)
{
    struct client *c = client_of(wire);
    if (c->connected)
        atomic_fetch_sub_explicit(&c->loop->counters->open, 1, memory_order_relaxed);
    c->connected = false;
    if (c->backoff_ms == 0 && !c->loop->over)
        attempt_connect(c);
}

const struct wire_events attempt_events = {on_open, on_answer, on_lost, on_closed};
