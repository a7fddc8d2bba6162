/* story.c -- see story.h. */
#include "check/story.h"
#include "check/effect.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

static int add(struct story *story, enum event_what what, uint64_t version, uint32_t slot,
               uint8_t state)
{
    if (story->count == story->cap) {
        size_t cap = story->cap ? story->cap * 2 : 16;
        struct event *events = realloc(story->events, cap * sizeof(*events));
        if (!events)
            return -ENOMEM;
        story->events = events;
        story->cap = cap;
    }
    /* They come nearly in order: each moves back past the few that belong behind it. */
    size_t at = story->count++;
    for (; at > 0; at--) {
        const struct event *before = &story->events[at - 1];
        if (before->version < version || (before->version == version && before->what <= what))
            break;
        story->events[at] = *before;
    }
    story->events[at] = (struct event){version, slot, (uint8_t)what, state};
    return 0;
}

static uint8_t state_after(enum history_kind kind)
{
    if (kind == KIND_CONFIRM)
        return DETAIL_CONFIRMED;
    return kind == KIND_RELEASE ? DETAIL_RELEASED : DETAIL_HELD;
}

/* The version of the reservation's first item in an answer; 0 when it is not there. */
static uint64_t version_in(const struct story *story, const struct index *index, uint32_t answer)
{
    uint32_t item = index_op(index, story->reserve)->line.item;
    const struct history_line *line = index_line_about(index_op(index, answer), item, 0);
    return line ? line->version : 0;
}

static int add_transition(struct story *story, const struct index *index, uint32_t slot)
{
    const struct history_op *op = index_op(index, slot);
    if (index_is_end(op)) {
        story->ends++;
        story->end = slot;
    }
    return add(story, EVENT_TRANSITION, version_in(story, index, index->effect[slot]), slot,
               state_after(op->kind));
}

static bool is_claim(const struct history_op *op)
{
    return history_outcome(op) == OUTCOME_FAIL &&
           (op->detail == DETAIL_CONFIRMED || op->detail == DETAIL_RELEASED ||
            op->detail == DETAIL_EXPIRED || op->detail == DETAIL_NO_RESERVATION);
}

static int add_get(struct story *story, const struct index *index, uint32_t slot)
{
    const struct history_op *op = index_op(index, slot);
    bool shown = history_outcome(op) == OUTCOME_OK && op->lines > 0;
    if (!shown && !is_claim(op))
        return 0;
    if (history_phase(op) == PHASE_SETTLE)
        story->read_back = slot;
    if (!shown)
        return add(story, EVENT_CLAIM, UINT64_MAX, slot, op->detail);
    if (op->detail == DETAIL_EXPIRED &&
        (!story->expiry || op->end_ns < index_op(index, story->expiry)->end_ns))
        story->expiry = slot;
    return add(story, EVENT_READ, version_in(story, index, slot), slot, op->detail);
}

/* A confirm, release or extend with its further attempts. */
static int add_change(struct story *story, const struct index *index, uint32_t first)
{
    const struct history_op *op = index_op(index, first);
    int err = 0;
    if (index_took_effect(index, first)) {
        err = add_transition(story, index, first);
    } else if (index->effect[first] == EFFECT_UNRESOLVED) {
        story->unresolved++;
        story->unresolved_ends += index_is_end(op);
    }
    for (uint32_t at = first; at && err == 0;
         at = at == first ? index->child[first] : index->next[at]) {
        const struct history_op *attempt = index_op(index, at);
        if (at != first && index->effect[at] == at)
            err = add_transition(story, index, at); /* it took effect once more */
        if (err == 0 && index_role(attempt) != ROLE_LOOKUP && is_claim(attempt))
            err = add(story, EVENT_CLAIM, UINT64_MAX, at, attempt->detail);
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
    return mine->kind == other->kind && !both_own && effect_same_pairs(mine, other);
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

int story_gather(struct story *story, struct index *index, uint32_t reserve)
{
    struct event *events = story->events;
    size_t cap = story->cap;
    *story = (struct story){.reserve = reserve, .events = events, .cap = cap};
    tell_repeats(index, reserve);
    int err = add_transition(story, index, reserve);
    for (uint32_t at = index->child[reserve]; at && err == 0; at = index->next[at]) {
        const struct history_op *op = index_op(index, at);
        if (op->kind == KIND_GET_RESERVATION)
            err = add_get(story, index, at);
        else if (op->kind != KIND_RESERVE)
            err = add_change(story, index, at);
    }
    return err;
}

int story_add_expiry(struct story *story, struct index *index)
{
    index->effect[story->expiry] = story->expiry;
    return add(story, EVENT_TRANSITION, version_in(story, index, story->expiry), story->expiry,
               DETAIL_EXPIRED);
}

const struct event *story_transition(const struct story *story, uint64_t version)
{
    for (size_t i = 0; i < story->count; i++) {
        if (story->events[i].what == EVENT_TRANSITION && story->events[i].version == version)
            return &story->events[i];
    }
    return NULL;
}

const struct event *story_last(const struct story *story)
{
    size_t i = story->count;
    do {
        assert(i > 0); /* the reserve itself is one */
        i--;
    } while (story->events[i].what != EVENT_TRANSITION);
    return &story->events[i];
}

void story_free(struct story *story)
{
    free(story->events);
    *story = (struct story){0};
}
