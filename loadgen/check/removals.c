#include "check/removals.h"
#include "check/describe.h"
#include "check/effect.h"
#include "check/realtime_order.h"
#include "check/restored.h"
#include "search.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Where a delete must have been. It began by until_ns, and was not over before from_ns. */
struct place {
    uint64_t version;
    uint64_t from_ns, until_ns;
    struct removal *taken;
    size_t free; /* the next place that may be free, itself while it is */
    /* The places that what has taken it fits; and the first that any from here on does. */
    size_t low, high, back;
    /* Of all that may be here: the first begin, the last end, and how many. */
    uint64_t begin_ns, end_ns;
    unsigned fit;
};

struct placing {
    const struct index *index;
    const struct entries *entries;
    struct item *items;
    struct verdict *verdict;
    struct removals *removals;
    struct restored *restored;
    uint32_t *unsure; /* by item: creations of which nobody knows whether they happened */
    /* Of one item: */
    struct removal **of; /* by end */
    size_t count;
    bool blind;          /* reads bound nothing */
    struct place *place; /* and one behind the last, for the search */
    size_t places;
};

/* --- the places of one item --- */

/* A claim that the item has changed bounds nothing here: anything may have changed it. */
static struct span span_of(const struct placing *p, struct radix_pair entry)
{
    const struct history_op *op = index_op(p->index, entry_slot(entry));
    if (entry_is_claim(op) || (p->blind && entry_is_read(entry)))
        return (struct span){0, SWEEP_NEVER, 0, 0};
    return entry_is_read(entry) ? effect_attempt_span(op)
                                : effect_span(p->index, entry_slot(entry));
}

static bool creates(const struct placing *p, struct radix_pair entry)
{
    return !entry_is_read(entry) && index_op(p->index, entry_slot(entry))->kind == KIND_PUT;
}

/* Whether a transition is known that made that version: entries before `end` lie below it, or at
 * it. */
static bool is_made(const struct placing *p, size_t first, size_t end, uint64_t version)
{
    for (size_t i = end; i-- > first && entry_version(p->entries->all[i]) >= version;)
        if (!entry_is_read(p->entries->all[i]) && entry_version(p->entries->all[i]) == version)
            return true;
    return false;
}

/* In the order of versions, and each once: behind a restore one may come up again. */
static void add_place(struct placing *p, uint64_t version)
{
    size_t n = p->places;
    while (n > 0 && p->place[n - 1].version >= version)
        n--;
    if (n < p->places && p->place[n].version == version)
        return;
    memmove(&p->place[n + 1], &p->place[n], (p->places++ - n) * sizeof(*p->place));
    p->place[n] = (struct place){.version = version};
}

/* As what was called so when it was made: a restore may have raised it since. */
static uint64_t as_made(const struct placing *p, uint32_t item, uint64_t version)
{
    const struct restored_jump *end, *jump = restored_of(p->index->restored, item, &end);
    for (; jump < end; jump++)
        if (jump->first == version)
            return as_made(p, item, jump->kept);
    return version;
}

/* The last that is quoted, or was given by a restore. */
static uint64_t last_version(const struct placing *p, uint32_t item)
{
    const struct restored_jump *end, *jump = restored_of(p->index->restored, item, &end);
    uint64_t version = entry_version(p->entries->all[p->entries->first[item + 1] - 1]);
    return jump < end && end[-1].first > version ? end[-1].first : version;
}

/* The versions that a delete must have made, in their order. */
static void find_places(struct placing *p, uint32_t item)
{
    size_t first = p->entries->first[item], end = p->entries->first[item + 1];
    const struct history_counters *counters = items_counters(p->index, &p->items[item]);
    bool before = false;
    p->places = 0;
    for (size_t i = first; i < end; i++) {
        uint64_t version = as_made(p, item, entry_version(p->entries->all[i]) - 1);
        if (creates(p, p->entries->all[i]) && before && version > 0 &&
            !is_made(p, first, i, version))
            add_place(p, version);
        before |= !entry_is_read(p->entries->all[i]);
    }
    if (before && !(counters && counters->found)) /* if nobody looked, it may be */
        add_place(p, last_version(p, item) + 1);
}

/* From the first to the last: what began last before the place; from the last to the first: what
 * was over first behind it. */
static void bound_places(struct placing *p, uint32_t item)
{
    size_t first = p->entries->first[item], end = p->entries->first[item + 1], i = first;
    uint64_t from_ns = 0, until_ns = SWEEP_NEVER;
    for (size_t n = 0; n < p->places; n++) {
        for (; i < end && entry_version(p->entries->all[i]) < p->place[n].version; i++) {
            struct span span = span_of(p, p->entries->all[i]);
            from_ns = span.begin_ns > from_ns ? span.begin_ns : from_ns;
        }
        p->place[n].from_ns = from_ns;
    }
    i = end;
    for (size_t n = p->places; n-- > 0;) {
        for (; i > first && entry_version(p->entries->all[i - 1]) >= p->place[n].version; i--) {
            struct span span = span_of(p, p->entries->all[i - 1]);
            until_ns = span.end_ns < until_ns ? span.end_ns : until_ns;
        }
        p->place[n].until_ns = until_ns;
    }
}

/* --- who belongs where --- */

static int by_end(const void *a, const void *b)
{
    const struct removal *x = *(struct removal *const *)a, *y = *(struct removal *const *)b;
    return x->end_ns != y->end_ns ? (x->end_ns > y->end_ns) - (x->end_ns < y->end_ns)
                                  : (x->begin_ns > y->begin_ns) - (x->begin_ns < y->begin_ns);
}

/* The first place that does not lie wholly before that begin. */
static size_t first_place(const struct placing *p, uint64_t begin_ns)
{
    return SEARCH_FIRST(0, p->places, n, p->place[n].until_ns >= begin_ns);
}

/* That place, or the first free one behind it; behind the last: none. */
static size_t free_place(struct placing *p, size_t n)
{
    while (p->place[n].free != n)
        n = p->place[n].free = p->place[p->place[n].free].free;
    return n;
}

/* The one over first takes the first place that it fits: whoever else could have it can also have
 * any that it leaves. */
static size_t take_places(struct placing *p, uint32_t item)
{
    size_t taken = 0;
    for (size_t n = 0; n <= p->places; n++) {
        p->place[n].free = n;
        p->place[n].taken = NULL;
    }
    for (size_t i = 0; i < p->count; i++) {
        struct removal *removal = p->of[i];
        size_t n = free_place(p, first_place(p, removal->begin_ns));
        removal->line.version = 0;
        if (n == p->places || p->place[n].from_ns > removal->end_ns)
            continue;
        removal->line = (struct history_line){item, 0, p->place[n].version, 0};
        p->place[n].taken = removal;
        p->place[n].free = n + 1;
        taken++;
    }
    return taken;
}

/* --- who else may be there --- */

/* The last place that does not lie wholly behind that end. */
static size_t last_place(const struct placing *p, uint64_t end_ns)
{
    return SEARCH_FIRST(0, p->places, n, p->place[n].from_ns > end_ns) - 1;
}

/* Whether what is at place `from` may move, and what is there move on, and so forth, until one has
 * come to `to`. What can be reached is without gaps, since what each delete fits is. */
static bool reaches(const struct placing *p, size_t from, size_t to)
{
    size_t low = p->place[from].low, high = p->place[from].high, below = from, above = from;
    while (low > to || high < to) {
        const struct place *next;
        if (below > low)
            next = &p->place[--below];
        else if (above < high && (to > from || p->place[above + 1].back < low))
            next = &p->place[++above];
        else
            return false;
        low = next->low < low ? next->low : low;
        high = next->high > high ? next->high : high;
    }
    return true;
}

static void join_place(struct place *place, const struct removal *removal)
{
    place->fit++;
    if (removal->begin_ns < place->begin_ns)
        place->begin_ns = removal->begin_ns;
    if (removal->end_ns > place->end_ns)
        place->end_ns = removal->end_ns;
}

/* Where each could have been as well: where it fits, if whoever is there can move on so that the
 * last one takes what it leaves. */
static void join_places(struct placing *p)
{
    p->place[p->places].back = p->places;
    for (size_t n = p->places; n-- > 0;) {
        struct place *place = &p->place[n];
        place->begin_ns = SWEEP_NEVER;
        place->low = place->taken ? first_place(p, place->taken->begin_ns) : n;
        place->high = place->taken ? last_place(p, place->taken->end_ns) : n;
        place->back = place->low < place[1].back ? place->low : place[1].back;
    }
    for (size_t n = 0; n < p->places; n++) {
        const struct place *place = &p->place[n];
        if (!place->taken)
            continue;
        join_place(&p->place[n], place->taken);
        for (size_t at = n + 1; at <= place->high && p->place[at].back < at; at++)
            if (reaches(p, at, n))
                join_place(&p->place[at], place->taken);
        for (size_t at = n; at-- > place->low;)
            if (reaches(p, at, n))
                join_place(&p->place[at], place->taken);
    }
}

/* What made a version is known only as one of those that may have. */
static void widen_removals(struct placing *p, uint32_t item)
{
    size_t taken = 0;
    join_places(p);
    for (size_t n = 0; n < p->places; n++)
        taken += p->place[n].taken != NULL;
    bool all = taken == p->places && taken == p->count && p->unsure[item] == 0;
    for (size_t n = 0; n < p->places; n++) {
        const struct place *place = &p->place[n];
        if (!place->taken)
            continue;
        place->taken->begin_ns = place->begin_ns;
        place->taken->end_ns = place->end_ns;
        place->taken->sure = all && place->fit == 1;
    }
}

/* Whether there may be places that nobody knows of. */
static bool may_hide_places(const struct placing *p, uint32_t item)
{
    return p->index->incomplete || p->unsure[item] > 0;
}

/* A delete that was answered, and is nowhere. */
static void judge_unplaced(const struct placing *p, uint32_t item, const struct removal *removal)
{
    const struct history_op *op = index_op(p->index, removal->slot);
    const struct restored_jump *end;
    if (may_hide_places(p, item)) {
        p->items[item].slack++;
        return;
    }
    bool restored = restored_of(p->index->restored, item, &end) < end;
    p->items[item].disturbed = true;
    verdict_violation(p->verdict, restored ? PROPERTY_LASTING : PROPERTY_VERSIONS,
                      OPS(removal->slot),
                      "%s: %s was answered with 204, so nothing but a creation can follow it; but "
                      "at no moment that it could be of was the item gone.",
                      describe_sku(p->index->reader, item).text, describe_who(op).text);
}

static size_t try_places(struct placing *p, uint32_t item, bool blind)
{
    p->blind = blind;
    find_places(p, item);
    bound_places(p, item);
    return take_places(p, item);
}

static void place_item(struct placing *p, uint32_t item)
{
    qsort(p->of, p->count, sizeof(struct removal *), by_end);
    size_t taken = try_places(p, item, false);
    if (taken < p->count && restored_turn(p->restored, item)) {
        size_t turned = try_places(p, item, false);
        if (turned <= taken)
            (void)restored_turn(p->restored, item);
        taken = turned > taken ? turned : try_places(p, item, false);
    }
    /* If the order of the reads leaves no place for one that there is a place for, it is that of a
     * read that is wrong; or the place is one that nobody knows of. */
    if (taken < p->count && !may_hide_places(p, item) && try_places(p, item, true) == taken)
        (void)try_places(p, item, false);
    widen_removals(p, item);
    for (size_t i = 0; i < p->count; i++)
        if (p->of[i]->line.version == 0)
            judge_unplaced(p, item, p->of[i]);
}

/* --- all of them --- */

/* Counts the deletes that happened, or, once there is room, keeps them. */
static void each_delete(struct placing *p)
{
    struct removals *removals = p->removals;
    removals->count = 0;
    for (struct index_pass pass = index_pass(p->index); index_next(&pass);) {
        const struct history_op *op = pass.op;
        if (index_role(op) != ROLE_FIRST)
            continue;
        if (op->kind == KIND_PUT && p->index->effect[pass.slot] == EFFECT_UNRESOLVED &&
            !removals->all)
            p->unsure[op->line.item]++;
        if (op->kind != KIND_DELETE || !index_took_effect(p->index, pass.slot))
            continue;
        struct span span = effect_span(p->index, pass.slot);
        if (removals->all)
            removals->all[removals->count] = (struct removal){.slot = pass.slot,
                                                              .line.item = op->line.item,
                                                              .begin_ns = span.begin_ns,
                                                              .end_ns = span.end_ns};
        removals->count++;
    }
}

static int by_item(const void *a, const void *b)
{
    const struct removal *x = *(struct removal *const *)a, *y = *(struct removal *const *)b;
    return (x->line.item > y->line.item) - (x->line.item < y->line.item);
}

static void place_all(struct placing *p, struct removal **all)
{
    size_t count = p->removals->count, end;
    for (size_t i = 0; i < count; i++)
        all[i] = &p->removals->all[i];
    qsort(all, count, sizeof(*all), by_item);
    for (size_t i = 0; i < count; i = end) {
        uint32_t item = all[i]->line.item;
        for (end = i; end < count && all[end]->line.item == item;)
            end++;
        p->of = all + i;
        p->count = end - i;
        place_item(p, item);
    }
}

/* The most places of one item: one for each creation, and one at the end. */
static size_t most_places(const struct placing *p)
{
    size_t most = 0;
    for (uint32_t item = 0; item < p->index->items; item++) {
        size_t count = 1;
        for (size_t i = p->entries->first[item]; i < p->entries->first[item + 1]; i++)
            count += creates(p, p->entries->all[i]);
        most = count > most ? count : most;
    }
    return most;
}

int removals_make(struct removals *removals, const struct index *index,
                  const struct entries *entries, struct restored *restored, struct item *items,
                  struct verdict *v)
{
    struct placing p = {
        .index = index, .entries = entries, .restored = restored, .items = items, .verdict = v};
    *removals = (struct removals){0};
    p.removals = removals;
    p.unsure = calloc((size_t)index->items + 1, sizeof(*p.unsure));
    if (!p.unsure)
        return -ENOMEM;
    each_delete(&p);
    removals->all = calloc(removals->count + 1, sizeof(*removals->all));
    struct removal **all = calloc(removals->count + 1, sizeof(struct removal *));
    p.place = calloc(most_places(&p) + 1, sizeof(*p.place));
    bool memory = removals->all && all && p.place;
    if (memory) {
        each_delete(&p);
        place_all(&p, all);
    }
    free(all);
    free(p.place);
    free(p.unsure);
    return memory ? 0 : -ENOMEM;
}
