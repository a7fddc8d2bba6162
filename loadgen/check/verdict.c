/* verdict.c -- see verdict.h. */
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

void verdict_count(struct verdict *v, enum property property)
{
    assert(property < PROPERTIES);
    struct property_result *result = &v->property[property];
    result->word = VERDICT_VIOLATION;
    result->why[0] = '\0';
    result->violations++;
}

void verdict_violation(struct verdict *v, enum property property, const uint32_t *ops,
                       const char *format, ...)
{
    verdict_count(v, property);
    if (v->witnesses == WITNESSES_MAX)
        return;
    struct witness *w = &v->witness[v->witnesses++];
    w->property = property;
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

bool verdict_told_of(const struct verdict *v, enum property property, uint32_t op)
{
    for (unsigned i = 0; i < v->witnesses; i++) {
        if (v->witness[i].property == property && v->witness[i].ops > 0 &&
            v->witness[i].op[0] == op)
            return true;
    }
    return false;
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

void verdict_conclude(struct verdict *v)
{
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
