#include "check/verdict.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const word_names[] = {
    [VERDICT_RIGHT] = "right",
    [VERDICT_UNKNOWN] = "unknown",
    [VERDICT_VIOLATION] = "violation",
};

static const struct {
    const char *name, *title;
} properties[PROPERTIES] = {
    [PROPERTY_SUMS] = {"sums", "Nothing fell below zero, and the stock, held and sold units at the "
                               "end are what the operations add up to."},
    [PROPERTY_VERSIONS] = {"versions", "Every item's versions run from first to last without a "
                                       "gap, one transition each."},
    [PROPERTY_ANSWERS] = {"answers", "Every answer told the state as it was: what remained, why "
                                     "stock was refused, what a replayed key had done."},
    [PROPERTY_LASTING] = {"lasting", "What was acknowledged was still there at the end."},
    [PROPERTY_ENDED_ONCE] = {"ended_once", "Every reservation ended at most once, none before its "
                                           "time was up, and none long after."},
    [PROPERTY_LINEARIZABLE] = {"linearizable", "On every item, the order of versions agrees with "
                                               "the order of time."},
    [PROPERTY_BASKETS] = {"baskets", "Operations on several items fit one order for all items, and "
                                     "it agrees with the order of time."},
};

const char *verdict_name(enum verdict_word word)
{
    assert(word <= VERDICT_VIOLATION);
    return word_names[word];
}

const char *property_name(enum property property)
{
    assert(property < PROPERTIES);
    return properties[property].name;
}

const char *property_title(enum property property)
{
    assert(property < PROPERTIES);
    return properties[property].title;
}

static void count(struct verdict *v, enum property property)
{
    assert(property < PROPERTIES);
    struct property_result *result = &v->property[property];
    result->word = VERDICT_VIOLATION;
    result->why[0] = '\0';
    result->violations++;
}

/* Which property is violated by a cause, and which by its consequences: whoever loses what was
 * acknowledged gives versions twice, sells twice, and answers wrongly in the end. */
static const unsigned rank[PROPERTIES] = {
    [PROPERTY_LASTING] = 0, [PROPERTY_VERSIONS] = 1, [PROPERTY_ENDED_ONCE] = 2,
    [PROPERTY_SUMS] = 3,    [PROPERTY_ANSWERS] = 4,  [PROPERTY_LINEARIZABLE] = 5,
    [PROPERTY_BASKETS] = 6,
};

/* Where the operation is among those that are known, or would be. */
static struct verdict_known *find_known(struct verdict *v, uint32_t op)
{
    uint32_t at = op * UINT32_C(2654435761) % VERDICT_KNOWN;
    while (v->known[at].witness != 0 && v->known[at].op != op)
        at = (at + 1) % VERDICT_KNOWN;
    return &v->known[at];
}

/* Once half of the places are taken nothing more is remembered: so every search ends. */
static void remember(struct verdict *v, const uint32_t *ops, const struct witness *w)
{
    for (; *ops && v->known_count < VERDICT_KNOWN / 2; ops++) {
        struct verdict_known *known = find_known(v, *ops);
        if (known->witness != 0)
            continue;
        *known = (struct verdict_known){*ops, (uint32_t)(w - v->witness) + 1};
        v->known_count++;
    }
}

/* The witness that tells of one of these operations, NULL when none does. */
static struct witness *find_related(struct verdict *v, const uint32_t *ops)
{
    for (; *ops; ops++) {
        const struct verdict_known *known = find_known(v, *ops);
        if (known->witness != 0)
            return &v->witness[known->witness - 1];
    }
    return NULL;
}

/* The last of a sort of which there are enough, NULL when there is room for one more. */
static struct witness *find_alike(struct verdict *v, enum property property, const char *sort)
{
    struct witness *last = NULL;
    unsigned count = 0;
    for (unsigned i = 0; i < v->witnesses; i++) {
        if (v->witness[i].sort != sort || v->witness[i].property != property)
            continue;
        last = &v->witness[i];
        count++;
    }
    return count >= WITNESSES_ALIKE ? last : NULL;
}

/* Where the violation is to be told; NULL when it was only to be counted. */
static struct witness *place_for(struct verdict *v, enum property property, const uint32_t *ops,
                                 const char *sort)
{
    struct witness *w = find_related(v, ops);
    if (w) {
        w->also++;
        return rank[property] < rank[w->property] ? w : NULL;
    }
    w = find_alike(v, property, sort);
    bool told = w != NULL;
    if (!told && v->witnesses == WITNESSES_MAX)
        return NULL;
    if (!told)
        w = &v->witness[v->witnesses++];
    remember(v, ops, w);
    w->alike += told;
    return told ? NULL : w;
}

void verdict_violation(struct verdict *v, enum property property, const uint32_t *ops,
                       const char *format, ...)
{
    count(v, property);
    struct witness *w = place_for(v, property, ops, format);
    if (!w)
        return;
    w->property = property;
    w->sort = format;
    w->ops = 0;
    for (; *ops && w->ops < WITNESS_OPS_MAX; ops++)
        w->op[w->ops++] = *ops;
    va_list list;
    va_start(list, format);
    vsnprintf(w->text, sizeof(w->text), format, list);
    va_end(list);
    /* Texts often begin with who did it, as "the reserve of client 3"; a sku stays as it is. */
    if (strncmp(w->text, "the ", 4) == 0)
        w->text[0] = 'T';
}

void verdict_unknown(struct verdict *v, enum property property, const char *format, ...)
{
    assert(property < PROPERTIES);
    struct property_result *result = &v->property[property];
    if (result->word != VERDICT_RIGHT)
        return;
    result->word = VERDICT_UNKNOWN;
    va_list list;
    va_start(list, format);
    vsnprintf(result->why, sizeof(result->why), format, list);
    va_end(list);
}

void verdict_doubt(struct verdict *v, const char *format, ...)
{
    if (v->why_unknown[0])
        return;
    va_list list;
    va_start(list, format);
    vsnprintf(v->why_unknown, sizeof(v->why_unknown), format, list);
    va_end(list);
}

/* What a property lost or lacks in the part; the first reason is kept. */
static void merge_result(struct property_result *to, const struct property_result *part)
{
    if (part->word > to->word)
        snprintf(to->why, sizeof(to->why), "%s", part->why);
    to->word = part->word > to->word ? part->word : to->word;
    to->checked += part->checked;
    to->violations += part->violations;
}

/* The witness that tells of one of the operations that w tells of in words; NULL: none does. */
static struct witness *find_teller(struct verdict *v, const struct witness *w)
{
    uint32_t ops[WITNESS_OPS_MAX + 1] = {0};
    memcpy(ops, w->op, w->ops * sizeof(*ops));
    return find_related(v, ops);
}

/* What was known to belong to the part's witness number n belongs to w now. */
static void remember_all(struct verdict *v, const struct verdict *part, unsigned n,
                         const struct witness *w)
{
    for (size_t i = 0; i < VERDICT_KNOWN; i++) {
        if (part->known[i].witness == n + 1)
            remember(v, OPS(part->known[i].op), w);
    }
}

/* As place_for, but the witness is there already. */
static void merge_witness(struct verdict *v, const struct verdict *part, unsigned n)
{
    assert(v->witnesses <= WITNESSES_MAX && n < part->witnesses);
    const struct witness *w = &part->witness[n];
    struct witness *to = find_teller(v, w);
    if (to) {
        struct witness cause = rank[w->property] < rank[to->property] ? *w : *to;
        cause.also = to->also + 1 + w->also;
        cause.alike = to->alike + w->alike;
        *to = cause;
        return;
    }
    to = find_alike(v, w->property, w->sort);
    if (to) {
        to->also += w->also;
        to->alike += 1 + w->alike;
    } else if (v->witnesses < WITNESSES_MAX) {
        to = &v->witness[v->witnesses++];
        *to = *w;
    }
    if (to)
        remember_all(v, part, n, to);
}

void verdict_merge(struct verdict *v, const struct verdict *part)
{
    for (int i = 0; i < PROPERTIES; i++)
        merge_result(&v->property[i], &part->property[i]);
    for (unsigned n = 0; n < part->witnesses; n++)
        merge_witness(v, part, n);
    v->coverage.received += part->coverage.received;
    v->coverage.sold_units += part->coverage.sold_units;
    v->coverage.held_units += part->coverage.held_units;
    v->coverage.oversold_units += part->coverage.oversold_units;
    v->coverage.sold_out_items += part->coverage.sold_out_items;
}

/* Within a property they stay in the order in which they were found. */
static void put_causes_first(struct verdict *v)
{
    for (unsigned i = 1; i < v->witnesses; i++) {
        struct witness moved = v->witness[i];
        unsigned at = i;
        for (; at > 0 && rank[v->witness[at - 1].property] > rank[moved.property]; at--)
            v->witness[at] = v->witness[at - 1];
        v->witness[at] = moved;
    }
}

void verdict_conclude(struct verdict *v)
{
    put_causes_first(v);
    v->word = VERDICT_RIGHT;
    for (int i = 0; i < PROPERTIES; i++) {
        if (v->property[i].word > v->word)
            v->word = v->property[i].word;
        if (v->property[i].word == VERDICT_UNKNOWN)
            verdict_doubt(v, "%s", v->property[i].why);
    }
    if (v->word == VERDICT_RIGHT && v->why_unknown[0])
        v->word = VERDICT_UNKNOWN;
    if (v->word == VERDICT_VIOLATION)
        v->why_unknown[0] = '\0';
}
