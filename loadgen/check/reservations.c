/* reservations.c -- see reservations.h: each reservation's part in the whole. */
#include "check/reservations.h"
#include "check/effect.h"
#include "check/ends.h"
#include "check/overdue.h"
#include "check/reservation_rules.h"
#include "check/timeline.h"

#include <inttypes.h>

struct work {
    struct index *index;
    struct item *items;
    struct verdict *verdict;
    bool order;
    uint64_t latest_ns;   /* when the last counters were read */
    uint64_t not_read;    /* reservations whose end nobody knows */
    uint32_t not_read_eg; /* one of them */
};

static void count_end(struct coverage *c, enum history_detail state)
{
    c->reservations++;
    c->confirmed += state == DETAIL_CONFIRMED;
    c->released += state == DETAIL_RELEASED;
    c->expired += state == DETAIL_EXPIRED;
    c->held += state == DETAIL_HELD;
}

/* Transitions that may have happened to this reservation and left no trace in the history. */
static void count_possible(struct work *w, const struct timeline *story)
{
    const struct history_op *reserve = index_op(w->index, story->reserve);
    if (!story->expiry && timeline_took_again(story, w->index))
        items_add_slack(w->items, reserve, 1); /* it has expired, and nobody tells when */
    if (story->ends || story->expiry || story->gone)
        return;
    if (!story->read_back) {
        items_add_slack(w->items, reserve, 1);
        w->not_read++;
        w->not_read_eg = story->reserve;
    } else if (effect_deadline(w->index, story->reserve) <= w->latest_ns) {
        /* Held when it was read back, and perhaps expired before the items were read. */
        items_add_late_slack(w->items, reserve);
    }
}

/* What ended twice does not add up: one violation is enough. */
static void disturb(struct work *w, uint32_t reserve)
{
    const struct history_op *op = index_op(w->index, reserve);
    for (unsigned n = 0; n < op->lines; n++)
        w->items[index_line(op, n)->item].disturbed = true;
}

static int check_one(struct work *w, struct timeline *story, uint32_t reserve)
{
    int err = timeline_gather(story, w->index, reserve);
    if (err == 0 && !rules_explain_repeats(story, w->index, w->verdict))
        err = timeline_gather(story, w->index, reserve);
    if (err < 0)
        return err;
    bool sound = ends_check(story, w->index, w->verdict);
    if (story->expiry &&
        !(story->end && effect_same_pairs(index_op(w->index, story->expiry),
                                          index_op(w->index, w->index->effect[story->end]))))
        err = timeline_add_expiry(story, w->index);
    if (err < 0)
        return err;
    count_possible(w, story);
    count_end(&w->verdict->coverage, (enum history_detail)timeline_last(story)->state);
    w->verdict->coverage.taken_again += timeline_took_again(story, w->index);
    w->verdict->coverage.read_back += story->read_back != 0;
    w->verdict->property[PROPERTY_ENDED_ONCE].checked++;
    w->verdict->property[PROPERTY_LASTING].checked++;
    if (!sound) {
        disturb(w, reserve);
    } else {
        overdue_check(story, w->index, w->verdict);
        rules_check_words(story, w->index, w->verdict);
        if (w->order)
            rules_check_order(story, w->index, w->verdict);
    }
    return 0;
}

static uint64_t latest_counters(const struct index *index, const struct item *items)
{
    uint64_t latest_ns = 0;
    for (uint32_t i = 0; i < index->items; i++) {
        const struct history_counters *counters = items_counters(index, &items[i]);
        if (counters && counters->at_ns > latest_ns)
            latest_ns = counters->at_ns;
    }
    return latest_ns;
}

/* No client could know the name of a reservation that was never made: what is about it anyway
 * belongs to one that the file does not show. */
static void forget_strays(struct index *index, uint32_t reserve)
{
    for (uint32_t at = index->child[reserve]; at; at = index->next[at]) {
        if (index_op(index, at)->kind == KIND_RESERVE)
            continue;
        index_break(index);
        index->effect[at] = EFFECT_NONE;
        for (uint32_t again = index->child[at]; again; again = index->next[again])
            index->effect[again] = EFFECT_NONE;
    }
}

/* An operation that may have happened may have been one transition; an unknown reserve may have
 * been two, for it may have expired since. */
static void count_unresolved(struct work *w, const struct history_op *op)
{
    items_add_slack(w->items, op, op->kind == KIND_RESERVE ? 2 : 1);
}

int reservations_check(struct index *index, struct item *items, bool order, struct verdict *v)
{
    struct work w = {.index = index, .items = items, .verdict = v, .order = order};
    w.latest_ns = latest_counters(index, items);
    struct timeline story = {0};
    struct index_pass pass;
    index_pass(&pass, index);
    uint32_t slot;
    int err = 0;
    for (const struct history_op *op; err == 0 && (op = index_next(&pass, &slot));) {
        if (index_role(op) != ROLE_FIRST)
            continue;
        if (index->effect[slot] == EFFECT_UNRESOLVED)
            count_unresolved(&w, op);
        if (op->kind != KIND_RESERVE)
            continue;
        if (index_took_effect(index, slot))
            err = check_one(&w, &story, slot);
        else
            forget_strays(index, slot);
    }
    timeline_free(&story);
    if (w.not_read)
        verdict_unknown(v, PROPERTY_LASTING,
                        "%" PRIu64 " reservations, as the one of client %" PRIu32
                        ", request %" PRIu32
                        ", neither ended by an answer nor were read back after the load.",
                        w.not_read, index_op(index, w.not_read_eg)->client,
                        index_op(index, w.not_read_eg)->seq);
    return err;
}
