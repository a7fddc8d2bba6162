/* history_explain.c -- see history_explain.h: the search. */
#include "support/history_explain.h"
#include "support/history_model.h"

#define STEPS_MAX 300000

struct search {
    const struct history_reader *reader;
    struct model model;
    uint64_t placed; /* bits by number */
    uint64_t steps;
};

static bool is_placed(const struct search *s, uint32_t n)
{
    return s->placed >> n & 1;
}

/* Whether somebody who is left was over before that. */
static bool somebody_over(const struct search *s, uint64_t begin_ns, bool also_settle)
{
    for (uint32_t n = 0; n < s->model.count; n++) {
        const struct model_request *q = &s->model.request[n];
        if (!is_placed(s, n) && (also_settle || !q->settle) && q->end_ns < begin_ns)
            return true;
    }
    return false;
}

static bool load_left(const struct search *s)
{
    for (uint32_t n = 0; n < s->model.count; n++)
        if (!is_placed(s, n) && !s->model.request[n].settle)
            return true;
    return false;
}

/* Settling comes after the load, whatever the clock says; what it asks about has been acted on. */
static bool may_be_next(const struct search *s, uint32_t n)
{
    const struct model_request *q = &s->model.request[n];
    if (is_placed(s, n) || (q->after & ~s->placed))
        return false;
    return q->settle ? !load_left(s) && !somebody_over(s, q->begin_ns, true)
                     : !somebody_over(s, q->begin_ns, false);
}

static bool counters_right(const struct search *s, const struct model_state *state)
{
    struct history_pass pass = history_pass(s->reader);
    uint32_t slot;
    for (enum history_type type; (type = history_next(&pass, &slot)) != SLOT_EMPTY;) {
        const struct history_counters *c = history_at(s->reader, slot);
        if (type != SLOT_COUNTERS || c->item >= MODEL_ITEMS)
            continue;
        bool created = state->item[c->item].created;
        if ((c->found != 0) != created)
            return false;
        if (!created)
            continue;
        int64_t available = state->item[c->item].available, held = state->item[c->item].held;
        if (c->version != state->item[c->item].version || c->available != available ||
            c->held != held || c->sold != state->item[c->item].sold ||
            c->on_hand != available + held)
            return false;
    }
    return true;
}

static bool search(struct search *s, const struct model_state *state);

static bool search_with(struct search *s, uint32_t n, const struct model_state *state)
{
    s->placed |= UINT64_C(1) << n;
    bool found = search(s, state);
    s->placed &= ~(UINT64_C(1) << n);
    return found;
}

/* A refusal may tell that a hold's time is up before its expiry is written. */
static void lapse(const struct search *s, uint32_t n, struct model_state *state)
{
    const struct model_request *q = &s->model.request[n];
    bool wants = q->op->kind == KIND_RERESERVE && q->op->detail == DETAIL_NO_STOCK;
    bool told = q->outcome == OUTCOME_FAIL && (q->op->detail == DETAIL_EXPIRED || wants);
    if (told && q->reservation != MODEL_NONE && state->hold[q->reservation].state == DETAIL_HELD &&
        !somebody_over(s, state->hold[q->reservation].due_ns, true))
        state->hold[q->reservation].up = true;
}

static bool search(struct search *s, const struct model_state *state)
{
    if (++s->steps > STEPS_MAX)
        return false;
    if (s->placed == (UINT64_C(1) << s->model.count) - 1 && counters_right(s, state))
        return true;
    for (uint32_t n = 0; n < s->model.count; n++) {
        if (!may_be_next(s, n))
            continue;
        struct model_state next = *state;
        lapse(s, n, &next);
        if (model_answered(&s->model, &next, n) && search_with(s, n, &next))
            return true;
        next = *state;
        if (model_unseen(&s->model, &next, n) && search_with(s, n, &next))
            return true;
    }
    for (uint32_t n = 0; n < s->model.count; n++) {
        if (state->hold[n].state != DETAIL_HELD || somebody_over(s, state->hold[n].due_ns, true))
            continue;
        struct model_state next = *state;
        model_expire(&s->model, &next, n);
        if (search(s, &next))
            return true;
    }
    return false;
}

enum explained history_explain(const struct history_reader *r)
{
    static struct search s; /* some kilobytes */
    static const struct model_state nothing;
    s = (struct search){.reader = r};
    if (!model_read(&s.model, r))
        return EXPLAIN_TOO_LARGE;
    if (search(&s, &nothing))
        return EXPLAIN_YES;
    return s.steps > STEPS_MAX ? EXPLAIN_TOO_LARGE : EXPLAIN_NO;
}
