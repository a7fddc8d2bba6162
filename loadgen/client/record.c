/* record.c -- the records of an attempt, and what is learned from its answer. */
#include "client/client_loop.h"
#include "client/expiry.h"
#include "history/reader.h"

#define LATE_MAX_US UINT32_MAX

static uint32_t late_us(uint64_t planned_ns, uint64_t now_ns)
{
    uint64_t us = now_ns > planned_ns ? (now_ns - planned_ns) / 1000 : 0;
    return us < LATE_MAX_US ? (uint32_t)us : LATE_MAX_US;
}

/* --- before it is sent --- */

/* Writes the record of a call, behind that of the call before it. A read that is sent again is one
 * more read: it has no key. */
static void record_call(struct client *c, struct call *call)
{
    struct history_writer *history = &c->loop->history;
    call->op = history_begin(history, call->intent.lines);
    call->slot = history_slot(history, call->op);
    intent_record(&call->intent, call->op);
    call->op->client = c->number;
    if (call != c->attempt.call)
        call->op->flags |= FLAG_BATCHED;
    if (c->attempt.resent && history_mutates(call->intent.kind)) {
        call->op->flags |= FLAG_RESENT;
        call->op->of = call->root_slot;
        call->op->seq = call->root->seq;
    } else {
        call->op->seq = ++c->shared->seq;
        call->root = call->op;
        call->root_slot = call->slot;
    }
}

int record_attempt(struct client *c)
{
    const struct attempt *a = &c->attempt;
    uint32_t slots = 0;
    for (unsigned n = 0; n < a->calls; n++)
        slots += HISTORY_OP_SLOTS(a->call[n].intent.lines);
    int rc = history_reserve(&c->loop->history, slots);
    for (unsigned n = 0; n < a->calls && rc == 0; n++)
        record_call(c, &a->call[n]);
    return rc;
}

void record_begin(struct client *c, uint64_t now_ns)
{
    struct client_loop *w = c->loop;
    counters_bump(&w->counters->requests);
    for (unsigned n = 0; n < c->attempt.calls; n++) {
        struct history_op *op = c->attempt.call[n].op;
        counters_bump(&w->counters->started);
        op->late_us = late_us(c->planned_ns, now_ns);
        op->begin_ns = now_ns - w->zero_ns;
    }
}

/* --- when it is over --- */

static void count_outcome(struct client *c, const struct history_op *op, uint64_t now_ns)
{
    struct counters *t = c->loop->counters;
    enum history_outcome outcome = op->outcome;
    counters_bump(&t->finished);
    counters_bump(&t->count[outcome][op->detail]);
    if (outcome != OUTCOME_UNKNOWN)
        histogram_add(&t->response, now_ns > c->planned_ns ? now_ns - c->planned_ns : 0);
    for (unsigned n = 0; n < op->lines && history_says_stock(op->detail); n++) {
        const struct history_line *line = history_line_of(op, n);
        counters_stock(t, line->item, line->version, line->remaining);
    }
}

/* What is said of one call, or not, is recorded. */
static void finish_call(struct client *c, const struct call *call, enum history_outcome outcome,
                        uint16_t status, enum history_detail detail, uint8_t flags, uint64_t now_ns)
{
    history_finish(call->op, outcome, status, detail, flags, now_ns - c->loop->zero_ns);
    count_outcome(c, call->op, now_ns);
}

void record_silence(struct client *c, enum history_outcome outcome, enum history_detail detail,
                    uint64_t now_ns)
{
    for (unsigned n = 0; n < c->attempt.calls; n++)
        finish_call(c, &c->attempt.call[n], outcome, 0, detail, 0, now_ns);
}

/* An answer, on its way into the records. */
struct taking {
    struct client *client;
    uint64_t now_ns;
    bool whole;   /* it refuses a batch, as a whole */
    bool garbled; /* a part of it makes no sense */
};

static struct lesson learn_call(const struct taking *t, const struct call *call,
                                const struct response *response)
{
    const struct client_loop *w = t->client->loop;
    const struct intent *i = &call->intent;
    const struct mismatch_request request = {
        .id = client_reservation(t->client, call),
        .passed_ms = (t->now_ns - w->zero_ns - call->op->begin_ns) / 1000000,
        .reserve = call->op->kind == KIND_RESERVE ? call->root
                   : i->held.id_bytes             ? i->held.op
                                                  : NULL,
        .named = w->load->workload.named,
        .about = i->about.op,
        .if_match = i->if_match,
        .list = &i->list,
        .whole = t->whole,
    };
    return intent_learn(w->facts, call->op, &request, response);
}

/* Completes the record of a call with what was learned of it. 0 or -errno. */
static int take_lesson(struct taking *t, const struct call *call, const struct response *response,
                       const struct lesson *lesson)
{
    struct client *c = t->client;
    struct client_loop *w = c->loop;
    const struct intent *i = &call->intent;
    uint32_t reserve = call->op->kind == KIND_LOOKUP ? i->about.op->of : i->held.slot;
    int rc = 0;
    t->garbled |= lesson->detail == DETAIL_GARBLED;
    if (!str_absent(lesson->expired_lines))
        rc = expiry_record(&w->history, w->facts, call->op, lesson->expired_lines, reserve,
                           t->now_ns - w->zero_ns);
    if (rc < 0)
        return rc;
    finish_call(c, call, lesson->outcome, response->status, lesson->detail,
                response->replayed ? FLAG_REPLAYED : 0, t->now_ns);
    if (lesson->mismatch.text[0]) {
        rc = history_put_note(&w->history, call->slot, str_of(lesson->mismatch.text));
        if (rc < 0)
            return rc;
    }
    if (lesson->outcome == OUTCOME_OK && call->op->kind == KIND_RESERVE &&
        (call->op == call->root || history_outcome(call->root) != OUTCOME_OK)) {
        rc = history_put_id(&w->history, call->root_slot, lesson->id);
        if (rc < 0)
            return rc;
    }
    client_remember(c, call, &w->load->workload, lesson, t->now_ns);
    return 0;
}

static int take_answer(struct taking *t, const struct call *call, const struct response *response)
{
    struct lesson lesson = learn_call(t, call, response);
    return take_lesson(t, call, response, &lesson);
}

static const struct lesson no_result = {
    .outcome = OUTCOME_UNKNOWN,
    .detail = DETAIL_GARBLED,
    .mismatch = {"has a result without status or body"},
};

/* Result by result. */
static int take_results(struct taking *t, const struct response *response)
{
    const struct attempt *a = &t->client->attempt;
    size_t at = 0;
    int rc = 0;
    for (unsigned n = 0; n < a->calls && rc == 0; n++) {
        struct response one = *response;
        if (attempt_result(response, &at, &one))
            rc = take_answer(t, &a->call[n], &one);
        else
            rc = take_lesson(t, &a->call[n], &one, &no_result);
    }
    return rc;
}

/* No answer to any call can be found in that to the batch. */
static int take_nothing(struct taking *t, const struct response *response,
                        const struct mismatch *mismatch)
{
    const struct attempt *a = &t->client->attempt;
    struct lesson lesson = no_result;
    int rc = 0;
    lesson.mismatch = *mismatch;
    for (unsigned n = 0; n < a->calls && rc == 0; n++) {
        rc = take_lesson(t, &a->call[n], response, &lesson);
        lesson.mismatch.text[0] = '\0'; /* told once */
    }
    return rc;
}

/* A batch that is refused as a whole is refused so for each of its calls. */
static int take_batch(struct taking *t, const struct response *response)
{
    const struct attempt *a = &t->client->attempt;
    struct mismatch mismatch;
    int rc = 0;
    if (response->status >= 200 && response->status < 300)
        return attempt_results(a, response, &mismatch) ? take_results(t, response)
                                                       : take_nothing(t, response, &mismatch);
    t->whole = true;
    for (unsigned n = 0; n < a->calls && rc == 0; n++)
        rc = take_answer(t, &a->call[n], response);
    return rc;
}

int record_answer(struct client *c, const struct response *response, bool *garbled, uint64_t now_ns)
{
    struct taking t = {.client = c, .now_ns = now_ns};
    int rc = c->attempt.batch ? take_batch(&t, response)
                              : take_answer(&t, &c->attempt.call[0], response);
    *garbled = t.garbled;
    return rc;
}
