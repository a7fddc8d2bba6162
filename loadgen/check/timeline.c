#include "check/timeline.h"
#include "check/effect.h"
#include "check/restored.h"
#include "grow.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

static int add_event(struct timeline *t, const struct event *event)
{
    struct event *events = grow(t->events, t->count, &t->cap, sizeof(*events));
    if (!events)
        return -ENOMEM;
    t->events = events;
    /* They come nearly in order: each moves back past the few that belong behind it. */
    size_t at = t->count++;
    for (; at > 0; at--) {
        const struct event *before = &t->events[at - 1];
        if (before->version < event->version ||
            (before->version == event->version && before->what <= event->what))
            break;
        t->events[at] = *before;
    }
    t->events[at] = *event;
    t->shaken |= event->lost;
    return 0;
}

/* What `slot` did or showed, with the version that the answer gives the first item. */
static int add_quote(struct timeline *t, const struct index *index, enum event_what what,
                     uint32_t answer, struct event event)
{
    uint32_t item = index_op(index, t->reserve)->line.item;
    const struct history_op *said = index_op(index, answer);
    const struct history_line *line = index_line_about(said, item, 0);
    event.what = (uint8_t)what;
    event.version = line ? line->version : 0;
    event.lost = restored_lost_op(index->restored, said);
    return add_event(t, &event);
}

static int add_claim(struct timeline *t, uint32_t slot, enum history_detail said)
{
    return add_event(t, &(struct event){UINT64_MAX, slot, EVENT_CLAIM, (uint8_t)said, false});
}

static uint8_t state_after(enum history_kind kind)
{
    if (history_confirms(kind))
        return DETAIL_CONFIRMED;
    return kind == KIND_RELEASE ? DETAIL_RELEASED : DETAIL_HELD;
}

static int add_transition(struct timeline *t, const struct index *index, uint32_t slot)
{
    const struct history_op *op = index_op(index, slot);
    uint32_t answer = index->effect[slot];
    bool lost = restored_lost_op(index->restored, index_op(index, answer));
    t->gone |= lost && slot == t->reserve;
    if (index_is_end(op) && !lost) {
        t->ends++;
        t->end = slot;
    }
    return add_quote(t, index, EVENT_TRANSITION, answer,
                     (struct event){.slot = slot, .state = state_after(op->kind)});
}

/* What the refusal says that became of the reservation; DETAIL_NONE: nothing. */
static enum history_detail claim_of(const struct history_op *op)
{
    static const bool about_it[DETAILS] = {[DETAIL_CONFIRMED] = true,
                                           [DETAIL_RELEASED] = true,
                                           [DETAIL_EXPIRED] = true,
                                           [DETAIL_NO_RESERVATION] = true};
    if (history_outcome(op) != OUTCOME_FAIL)
        return DETAIL_NONE;
    if (op->kind == KIND_RERESERVE && (op->detail == DETAIL_NO_STOCK || op->detail == DETAIL_LIMIT))
        return DETAIL_EXPIRED; /* while it is held there is no need of stock */
    return about_it[op->detail] ? (enum history_detail)op->detail : DETAIL_NONE;
}

static int add_get(struct timeline *t, const struct index *index, uint32_t slot)
{
    const struct history_op *op = index_op(index, slot);
    bool shown = history_outcome(op) == OUTCOME_OK && op->lines > 0;
    if (!shown && !claim_of(op))
        return 0;
    if (history_phase(op) == PHASE_SETTLE && !index_is_told(op))
        t->read_back = slot;
    if (!shown)
        return add_claim(t, slot, claim_of(op));
    if (op->detail == DETAIL_EXPIRED && !restored_lost_op(index->restored, op) &&
        (!t->expiry || op->end_ns < index_op(index, t->expiry)->end_ns))
        t->expiry = slot;
    return add_quote(t, index, EVENT_READ, slot, (struct event){.slot = slot, .state = op->detail});
}

/* Whether a confirm or release that did not happen may have done so, until a restore undid it. */
static bool may_be_undone(const struct timeline *t, const struct index *index, uint32_t first)
{
    uint32_t item = index_op(index, t->reserve)->line.item;
    bool undone = false;
    for (uint32_t at = first; at && !undone && index_is_end(index_op(index, first));
         at = at == first ? index->child[first] : index->next[at]) {
        const struct history_op *attempt = index_op(index, at);
        undone = history_outcome(attempt) == OUTCOME_UNKNOWN &&
                 restored_after(index->restored, item, attempt->begin_ns);
    }
    return undone;
}

/* A confirm, release or extend with its further attempts. */
static int add_change(struct timeline *t, const struct index *index, uint32_t first)
{
    const struct history_op *op = index_op(index, first);
    int err = 0;
    if (index_took_effect(index, first)) {
        err = add_transition(t, index, first);
    } else if (index->effect[first] == EFFECT_UNRESOLVED) {
        t->unresolved++;
        t->unresolved_ends += index_is_end(op);
        t->unresolved_again += op->kind == KIND_RERESERVE;
    } else if (index->effect[first] == EFFECT_NONE) {
        t->shaken |= may_be_undone(t, index, first);
    }
    for (uint32_t at = first; at && err == 0;
         at = at == first ? index->child[first] : index->next[at]) {
        const struct history_op *attempt = index_op(index, at);
        if (at != first && index->effect[at] == at)
            err = add_transition(t, index, at); /* it took effect once more */
        if (err == 0 && index_role(attempt) != ROLE_LOOKUP && claim_of(attempt))
            err = add_claim(t, at, claim_of(attempt));
    }
    return err;
}

/* An end known from its own, unmarked answer comes before one known otherwise, then the first to
 * begin. */
static bool likelier(const struct index *index, uint32_t a, uint32_t b)
{
    const struct history_op *mine = index_op(index, index->effect[a]);
    const struct history_op *other = index_op(index, index->effect[b]);
    bool own = index_role(mine) != ROLE_LOOKUP && !(mine->flags & FLAG_REPLAYED);
    bool others = index_role(other) != ROLE_LOOKUP && !(other->flags & FLAG_REPLAYED);
    if (own != others)
        return own;
    if (mine->kind != other->kind && (mine->flags & FLAG_TOOK_AGAIN))
        return mine->kind == KIND_RERESERVE; /* who did not ask for that can but repeat it */
    return effect_span(index, a).begin_ns < effect_span(index, b).begin_ns;
}

/* Of two ends of one kind with the same numbers, at least one known only from a look-up or a
 * replay, one repeats the other: a confirm of what is confirmed is answered alike under any key. */
static bool repeats(const struct index *index, uint32_t a, uint32_t b)
{
    const struct history_op *mine = index_op(index, index->effect[a]);
    const struct history_op *other = index_op(index, index->effect[b]);
    bool both_own = index_role(mine) != ROLE_LOOKUP && index_role(other) != ROLE_LOOKUP &&
                    !((mine->flags | other->flags) & FLAG_REPLAYED);
    return index_same_end(mine, other) && !both_own && effect_same_pairs(mine, other);
}

static bool ended(const struct index *index, uint32_t slot)
{
    return index_is_end(index_op(index, slot)) && index_took_effect(index, slot);
}

static void tell_repeats(struct index *index, uint32_t reserve)
{
    for (uint32_t a = index->child[reserve]; a; a = index->next[a]) {
        for (uint32_t b = index->next[a]; b && ended(index, a); b = index->next[b]) {
            if (ended(index, b) && repeats(index, a, b))
                index->effect[likelier(index, a, b) ? b : a] = EFFECT_AGAIN;
        }
    }
}

int timeline_gather(struct timeline *t, struct index *index, uint32_t reserve)
{
    struct event *events = t->events;
    size_t cap = t->cap;
    *t = (struct timeline){.reserve = reserve, .events = events, .cap = cap};
    tell_repeats(index, reserve);
    int err = add_transition(t, index, reserve);
    for (uint32_t at = index->child[reserve]; at && err == 0; at = index->next[at]) {
        const struct history_op *op = index_op(index, at);
        if (op->kind == KIND_GET_RESERVATION)
            err = add_get(t, index, at);
        else if (op->kind != KIND_RESERVE)
            err = add_change(t, index, at);
    }
    return err;
}

int timeline_add_expiry(struct timeline *t, struct index *index)
{
    index->effect[t->expiry] = t->expiry;
    return add_quote(t, index, EVENT_TRANSITION, t->expiry,
                     (struct event){.slot = t->expiry, .state = DETAIL_EXPIRED});
}

bool timeline_took_again(const struct timeline *t, const struct index *index)
{
    return t->end && effect_took_again(index, t->end);
}

const struct event *timeline_transition(const struct timeline *t, uint64_t version)
{
    for (size_t i = 0; i < t->count; i++) {
        if (t->events[i].what == EVENT_TRANSITION && t->events[i].version == version)
            return &t->events[i];
    }
    return NULL;
}

const struct event *timeline_last(const struct timeline *t)
{
    const struct event *last = NULL;
    for (size_t i = t->count; i > 0 && (!last || last->lost); i--) {
        const struct event *e = &t->events[i - 1];
        if (e->what == EVENT_TRANSITION && (!last || !e->lost))
            last = e;
    }
    assert(last); /* the reserve itself is one */
    return last;
}

void timeline_free(struct timeline *t)
{
    free(t->events);
    *t = (struct timeline){0};
}
