/* presence.c -- refusals about an item as a whole: that it is not there, is there, or is in use.
 *
 * None of them quotes a version, but each claims what an item was at some moment
 * between its request and its answer. The items' versions say what it was when: each state lasts
 * from its transition to the next, and may be seen by whoever was not over before something began
 * that comes earlier, and did not begin after something was over that comes later. Each claim is
 * given the first state that it may have seen and that bears it out, no earlier than those of the
 * claims that were over before it began. There is an order for all of them and the rest of the
 * item's operations exactly if each finds one, but for what is not known:
 *
 *   which of several deletes made a version   the first begin and the last end of them count
 *   which item of a basket was not there      one of them is enough, whichever it was
 *
 * Items of which versions are missing, or were given anew by a restore, are left alone. Who was
 * told that an item is not there that nobody ever deleted is told so in any case.
 */
#include "check/describe.h"
#include "check/effect.h"
#include "check/passes.h"
#include "check/realtime_order.h"
#include "check/removals.h"
#include "check/restored.h"
#include "search.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#define JUDGED_HERE (1u << DETAIL_NO_ITEM | 1u << DETAIL_EXISTS | 1u << DETAIL_IN_USE)
#define NO_BASKET   UINT32_MAX

/* One line of a refusal. */
struct claim {
    uint32_t item, slot;
    uint64_t begin_ns, end_ns;
    uint32_t basket; /* its number, if it has several lines */
    size_t seen;     /* the state that it was given, or what it comes after */
};

/* What an item is from one transition to the next. */
struct state {
    uint32_t slot; /* of the transition; 0 before the first */
    uint64_t from_ns, until_ns;
    bool there;
    int64_t held;
};

struct basket {
    uint32_t slot;
    bool fits;
};

struct presence {
    const struct index *index;
    const struct entries *entries;
    const struct item *items;
    struct verdict *verdict;
    bool *removed; /* by item: a delete took effect, or may have */
    struct claim *claims;
    size_t claim_count;
    struct basket *baskets;
    uint32_t basket_count;
    struct claim **by_end; /* those of one item */
    struct state *states;  /* of one item */
    size_t state_count;
};

/* --- who claims what --- */

static bool is_claim(const struct history_op *op)
{
    bool claims = op->detail == DETAIL_NO_ITEM ||
                  (op->detail == DETAIL_EXISTS && op->kind == KIND_PUT) ||
                  (op->detail == DETAIL_IN_USE && op->kind == KIND_DELETE);
    return claims && history_outcome(op) == OUTCOME_FAIL && op->lines > 0;
}

/* A delete that did not happen may have done so until a restore or a failover undid it; nobody
 * quotes its version. */
static bool may_be_undone(const struct index *index)
{
    return index->restored->count > 0 || index->reader->facts->failovers > 0;
}

/* Counts the lines of claims and the baskets, or, once there is room, keeps them. */
static void each_claim(struct presence *p)
{
    p->claim_count = p->basket_count = 0;
    for (struct index_pass pass = index_pass(p->index); index_next(&pass);) {
        const struct history_op *op = pass.op;
        if (p->claims && op->kind == KIND_DELETE && index_role(op) == ROLE_FIRST &&
            (p->index->effect[pass.slot] != EFFECT_NONE || may_be_undone(p->index)))
            p->removed[op->line.item] = true;
        if (!is_claim(op) || index_role(op) == ROLE_LOOKUP)
            continue;
        if (p->baskets && op->lines > 1)
            p->baskets[p->basket_count] = (struct basket){.slot = pass.slot};
        for (unsigned n = 0; n < op->lines; n++, p->claim_count++) {
            if (p->claims)
                p->claims[p->claim_count] =
                    (struct claim){.item = index_line(op, n)->item,
                                   .slot = pass.slot,
                                   .begin_ns = op->begin_ns,
                                   .end_ns = op->end_ns,
                                   .basket = op->lines > 1 ? p->basket_count : NO_BASKET};
        }
        p->basket_count += op->lines > 1;
    }
}

static int by_item_and_begin(const void *a, const void *b)
{
    const struct claim *x = a, *y = b;
    if (x->item != y->item)
        return x->item < y->item ? -1 : 1;
    return (x->begin_ns > y->begin_ns) - (x->begin_ns < y->begin_ns);
}

static int by_end(const void *a, const void *b)
{
    const struct claim *x = *(struct claim *const *)a, *y = *(struct claim *const *)b;
    return (x->end_ns > y->end_ns) - (x->end_ns < y->end_ns);
}

/* --- what the item was --- */

/* A claim that the item has changed since is no read of that version. */
static struct span span_of(const struct presence *p, struct radix_pair entry)
{
    const struct history_op *op = index_op(p->index, entry_slot(entry));
    if (entry_is_claim(op))
        return (struct span){0, SWEEP_NEVER, 0, 0};
    if (entry_is_read(entry))
        return effect_attempt_span(op);
    struct span span = effect_span(p->index, entry_slot(entry));
    const struct removal *removal =
        op->kind == KIND_DELETE ? removals_find(p->index->removals, entry_slot(entry)) : NULL;
    if (removal) {
        span.begin_ns = removal->begin_ns;
        span.end_ns = removal->end_ns;
    }
    return span;
}

static struct state state_after(const struct presence *p, const struct state *before,
                                struct radix_pair entry)
{
    uint32_t slot = entry_slot(entry);
    bool removed = index_op(p->index, slot)->kind == KIND_DELETE;
    struct change change = entries_change(p->index, slot, entry_line(entry));
    return (struct state){.slot = slot,
                          .until_ns = SWEEP_NEVER,
                          .there = !removed,
                          .held = removed ? 0 : before->held + change.held};
}

/* The states, and from when they may be seen. */
static void find_states(struct presence *p, uint32_t item)
{
    uint64_t begun_ns = 0;
    p->states[0] = (struct state){.until_ns = SWEEP_NEVER};
    p->state_count = 1;
    for (size_t i = p->entries->first[item]; i < p->entries->first[item + 1]; i++) {
        struct radix_pair entry = p->entries->all[i];
        struct span span = span_of(p, entry);
        begun_ns = span.begin_ns > begun_ns ? span.begin_ns : begun_ns;
        if (entry_is_read(entry))
            continue;
        struct state *state = &p->states[p->state_count++];
        *state = state_after(p, state - 1, entry);
        state->from_ns = begun_ns;
    }
}

/* Until when they may be seen: the same backwards. */
static void bound_states(struct presence *p, uint32_t item)
{
    uint64_t over_ns = SWEEP_NEVER, own_ns = SWEEP_NEVER;
    size_t n = p->state_count;
    for (size_t i = p->entries->first[item + 1]; i-- > p->entries->first[item];) {
        struct radix_pair entry = p->entries->all[i];
        struct span span = span_of(p, entry);
        own_ns = span.end_ns < own_ns ? span.end_ns : own_ns;
        if (entry_is_read(entry))
            continue;
        p->states[--n].until_ns = over_ns;
        over_ns = own_ns < over_ns ? own_ns : over_ns;
        own_ns = SWEEP_NEVER;
    }
    p->states[0].until_ns = own_ns < over_ns ? own_ns : over_ns;
}

static bool bears_out(const struct state *state, enum history_detail detail)
{
    if (detail == DETAIL_NO_ITEM)
        return !state->there;
    return detail == DETAIL_EXISTS ? state->there : state->held > 0;
}

/* Whether there is a state for the claim, no earlier than that of number `least`; keeps it. */
static bool find_seen(const struct presence *p, struct claim *claim, size_t least)
{
    enum history_detail detail = index_op(p->index, claim->slot)->detail;
    size_t at = SEARCH_FIRST(least, p->state_count, i, p->states[i].until_ns >= claim->begin_ns);
    claim->seen = least;
    for (; at < p->state_count && p->states[at].from_ns <= claim->end_ns; at++) {
        if (bears_out(&p->states[at], detail)) {
            claim->seen = at;
            return true;
        }
    }
    return false;
}

/* --- what is told --- */

static const char *claimed(enum history_detail detail)
{
    switch (detail) {
    case DETAIL_NO_ITEM: return "there is no such item; but all the while it was there";
    case DETAIL_EXISTS: return "the item is there; but all the while it was gone";
    default: return "units of it are held; but all the while none were";
    }
}

/* Nobody ever deleted it. */
static void found_lost(const struct presence *p, const struct claim *claim, uint32_t created)
{
    const struct history_op *op = index_op(p->index, claim->slot);
    verdict_violation(p->verdict, PROPERTY_LASTING, OPS(created, claim->slot),
                      "%s was created and never removed, but at %s %s was told that there is "
                      "no such item.",
                      describe_sku(p->index->reader, claim->item).text,
                      describe_time(p->index->reader, op->end_ns).text, describe_who(op).text);
}

static void found_wrong(const struct presence *p, const struct claim *claim)
{
    const struct history_op *op = index_op(p->index, claim->slot);
    size_t last = claim->seen;
    while (last + 1 < p->state_count && p->states[last + 1].from_ns <= claim->end_ns)
        last++;
    uint32_t before = p->states[last].slot;
    const struct history_line *made = before ? effect_pair(p->index, before, 0) : NULL;
    if (made && made->item != claim->item)
        made = index_line_about(index_op(p->index, p->index->effect[before]), claim->item, 0);
    verdict_violation(p->verdict, PROPERTY_ANSWERS, OPS(claim->slot, before),
                      "%s: at %s %s was told that %s, up to version %" PRIu64 " at the least.",
                      describe_sku(p->index->reader, claim->item).text,
                      describe_time(p->index->reader, op->end_ns).text, describe_who(op).text,
                      claimed(op->detail), made ? made->version : 0);
}

static void found_basket(const struct presence *p, uint32_t slot)
{
    const struct history_op *op = index_op(p->index, slot);
    verdict_violation(p->verdict, PROPERTY_LASTING, OPS(slot),
                      "%s was told at %s that an item is not there; but all of its items were.",
                      describe_who(op).text, describe_time(p->index->reader, op->end_ns).text);
}

/* --- item by item --- */

/* Whether what the item was when is known. */
static bool is_known(const struct presence *p, uint32_t item)
{
    const struct item *of = &p->items[item];
    const struct restored_jump *end;
    bool restored = restored_of(p->index->restored, item, &end) < end ||
                    (may_be_undone(p->index) && p->removed[item]);
    return !of->gap && !of->disturbed && of->slack == 0 && !p->index->incomplete && !restored;
}

/* Of an item of which nothing else is known: whether it may not have been created yet. */
static bool may_be_new(const struct presence *p, const struct claim *claim, uint32_t *created)
{
    for (size_t i = p->entries->first[claim->item]; i < p->entries->first[claim->item + 1]; i++) {
        struct radix_pair entry = p->entries->all[i];
        *created = entry_slot(entry);
        if (!entry_is_read(entry) && index_op(p->index, *created)->kind == KIND_PUT)
            return effect_span(p->index, *created).end_ns >= claim->begin_ns;
    }
    return true;
}

static void judge_unknown(struct presence *p, const struct claim *claim)
{
    uint32_t created;
    bool absent = index_op(p->index, claim->slot)->detail == DETAIL_NO_ITEM;
    bool fits = !absent || p->removed[claim->item] || p->index->incomplete ||
                may_be_new(p, claim, &created);
    if (claim->basket != NO_BASKET)
        p->baskets[claim->basket].fits |= fits;
    else if (!fits)
        found_lost(p, claim, created);
}

static void judge_claim(struct presence *p, struct claim *claim, size_t least)
{
    bool fits = find_seen(p, claim, least);
    bool absent = index_op(p->index, claim->slot)->detail == DETAIL_NO_ITEM;
    uint32_t created;
    if (claim->basket != NO_BASKET)
        p->baskets[claim->basket].fits |= fits;
    else if (!fits && absent && !p->removed[claim->item] && !may_be_new(p, claim, &created))
        found_lost(p, claim, created);
    else if (!fits)
        found_wrong(p, claim);
}

static void judge_item(struct presence *p, struct claim *claims, size_t count)
{
    bool known = is_known(p, claims->item);
    size_t least = 0, over = 0;
    p->verdict->property[PROPERTY_ANSWERS].checked += count;
    for (size_t i = 0; i < count && !known; i++)
        judge_unknown(p, &claims[i]);
    if (!known)
        return;
    find_states(p, claims->item);
    bound_states(p, claims->item);
    for (size_t i = 0; i < count; i++)
        p->by_end[i] = &claims[i];
    qsort(p->by_end, count, sizeof(struct claim *), by_end);
    for (size_t i = 0; i < count; i++) {
        /* Those were judged: they began earlier, too. A basket may have seen another item. */
        for (; p->by_end[over]->end_ns < claims[i].begin_ns; over++)
            if (p->by_end[over]->basket == NO_BASKET && p->by_end[over]->seen > least)
                least = p->by_end[over]->seen;
        judge_claim(p, &claims[i], least);
    }
}

static void judge_all(struct presence *p)
{
    size_t end;
    qsort(p->claims, p->claim_count, sizeof(*p->claims), by_item_and_begin);
    for (size_t i = 0; i < p->claim_count; i = end) {
        for (end = i; end < p->claim_count && p->claims[end].item == p->claims[i].item;)
            end++;
        judge_item(p, p->claims + i, end - i);
    }
    for (uint32_t n = 0; n < p->basket_count; n++)
        if (!p->baskets[n].fits)
            found_basket(p, p->baskets[n].slot);
}

static size_t longest(const struct presence *p)
{
    size_t most = 0;
    for (uint32_t i = 0; i < p->index->items; i++) {
        size_t count = p->entries->first[i + 1] - p->entries->first[i];
        most = count > most ? count : most;
    }
    return most;
}

int presence_check(const struct index *index, const struct entries *entries,
                   const struct item *items, struct verdict *v)
{
    struct presence p = {.index = index, .entries = entries, .items = items, .verdict = v};
    if (!(index->details & JUDGED_HERE))
        return 0; /* two passes over millions of operations less */
    each_claim(&p);
    p.removed = calloc((size_t)index->items + 1, sizeof(*p.removed));
    p.claims = calloc(p.claim_count + 1, sizeof(*p.claims));
    p.baskets = calloc((size_t)p.basket_count + 1, sizeof(*p.baskets));
    p.by_end = calloc(p.claim_count + 1, sizeof(struct claim *));
    p.states = calloc(longest(&p) + 1, sizeof(*p.states));
    bool memory = p.removed && p.claims && p.baskets && p.by_end && p.states;
    if (memory) {
        each_claim(&p);
        judge_all(&p);
    }
    free(p.removed);
    free(p.claims);
    free(p.baskets);
    free(p.by_end);
    free(p.states);
    return memory ? 0 : -ENOMEM;
}
