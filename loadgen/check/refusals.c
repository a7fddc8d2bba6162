/* refusals.c -- refusals that are judged by what others were told.
 *
 * Refusals for want of stock are looked at with the item's numbers (numbers.c), those
 * about a reservation with its timeline (reservation_rules.h), those about an item as a whole with
 * its states (presence.c); what is left is:
 *
 *   items apart        no basket of items that could be taken together before or later, be it in
 *                      several baskets that share items
 *   held for too long  no extension that ends as early, counted from its reserve, as another that
 *                      was granted
 *
 * And answers that nobody can judge: that something between server and client may have made them.
 */
#include "check/describe.h"
#include "check/effect.h"
#include "check/passes.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

/* --- baskets of several partitions ------------------------------------------------------------ */

/* By item: another one of the same group, itself for the one that stands for it. */
static uint32_t group_of(uint32_t *group, uint32_t item)
{
    while (group[item] != item)
        item = group[item] = group[group[item]];
    return item;
}

static bool takes_together(const struct history_op *op)
{
    return op->kind == KIND_RESERVE || op->kind == KIND_TRANSFER;
}

static void join_groups(uint32_t *group, const struct history_op *op)
{
    uint32_t all = group_of(group, op->line.item);
    for (unsigned n = 1; n < op->lines; n++)
        group[group_of(group, index_line(op, n)->item)] = all;
}

static void check_apart(const struct index *index, uint32_t *group, uint32_t slot,
                        struct verdict *v)
{
    const struct history_op *op = index_op(index, slot);
    uint32_t all = group_of(group, op->line.item);
    v->property[PROPERTY_ANSWERS].checked++;
    for (unsigned n = 1; n < op->lines; n++)
        if (group_of(group, index_line(op, n)->item) != all)
            return;
    verdict_violation(v, PROPERTY_ANSWERS, OPS(slot),
                      "%s was told that its items lie in different partitions and cannot be "
                      "taken together; but %s.",
                      describe_who(op).text,
                      op->lines == 1 ? "it asked for one item"
                                     : "others took them together, by baskets that share items");
}

/* --- how long anybody may hold ---------------------------------------------------------------- */

/* How far from the begin of its reserve the new deadline lies, at the least or at the most; without
 * the time to live, which is the same for all. */
static uint64_t age_ns(const struct index *index, uint32_t slot, bool least)
{
    const struct history_op *op = index_op(index, slot);
    const struct history_op *reserve = index_op(index, effect_reservation(index, slot));
    uint64_t from_ns = least ? reserve->end_ns : reserve->begin_ns;
    uint64_t to_ns = least ? op->begin_ns : op->end_ns;
    return to_ns > from_ns ? to_ns - from_ns : 0;
}

struct longest {
    uint64_t age_ns;
    uint32_t slot; /* of the extend; 0: none was granted, but for the reserve's own time */
};

static void granted(const struct index *index, struct longest *longest, uint32_t slot)
{
    const struct history_op *op = index_op(index, slot);
    if (op->flags & FLAG_REPLAYED || history_phase(op) != PHASE_LOAD)
        return;
    uint64_t age = age_ns(index, slot, true);
    if (age > longest->age_ns)
        *longest = (struct longest){age, slot};
}

static void check_too_long(const struct index *index, const struct longest *longest, uint32_t slot,
                           struct verdict *v)
{
    const struct history_op *op = index_op(index, slot);
    v->property[PROPERTY_ANSWERS].checked++;
    if (!longest->slot || age_ns(index, slot, false) > longest->age_ns)
        return;
    verdict_violation(v, PROPERTY_ANSWERS, OPS(slot, longest->slot),
                      "%s was told that its reservation would be held for too long; but %s, of "
                      "one that was held longer by then, was granted.",
                      describe_who(op).text, describe_who(index_op(index, longest->slot)).text);
}

/* --- nobody knows who said it ----------------------------------------------------------------- */

static void doubt_foreign(const struct index *index, uint64_t count, uint32_t example,
                          struct verdict *v)
{
    if (count == 0)
        return;
    const struct history_op *op = index_op(index, example);
    verdict_unknown(v, PROPERTY_ANSWERS,
                    "%" PRIu64 " answers, as the %u to %s, are no documents of the service: "
                    "something between it and the clients may have made them.",
                    count, (unsigned)op->status, describe_who(op).text);
}

#define JUDGED_HERE (1u << DETAIL_APART | 1u << DETAIL_TOO_LONG | 1u << DETAIL_FOREIGN)

struct told {
    const struct index *index;
    struct verdict *verdict;
    uint32_t *group;
    struct longest longest;
    uint64_t foreign;
    uint32_t foreign_eg;
};

/* What others were told. */
static void learn(struct told *t)
{
    for (uint32_t i = 0; i < t->index->items; i++)
        t->group[i] = i;
    for (struct index_pass pass = index_pass(t->index); index_next(&pass);) {
        const struct history_op *op = pass.op;
        if (history_outcome(op) == OUTCOME_OK && takes_together(op))
            join_groups(t->group, op);
        if (history_outcome(op) == OUTCOME_OK && op->kind == KIND_EXTEND)
            granted(t->index, &t->longest, pass.slot);
        if (op->detail == DETAIL_FOREIGN && history_outcome(op) == OUTCOME_UNKNOWN) {
            t->foreign++;
            t->foreign_eg = pass.slot;
        }
    }
}

static void judge_refusals(struct told *t)
{
    for (struct index_pass pass = index_pass(t->index); index_next(&pass);) {
        const struct history_op *op = pass.op;
        if (history_outcome(op) != OUTCOME_FAIL)
            continue;
        if (op->detail == DETAIL_APART && takes_together(op))
            check_apart(t->index, t->group, pass.slot, t->verdict);
        else if (op->detail == DETAIL_TOO_LONG && op->kind == KIND_EXTEND)
            check_too_long(t->index, &t->longest, pass.slot, t->verdict);
    }
}

int refusals_check(const struct index *index, struct verdict *v)
{
    if (!(index->details & JUDGED_HERE))
        return 0; /* two passes over millions of operations less */
    struct told t = {.index = index, .verdict = v};
    t.group = calloc((size_t)index->items + 1, sizeof(*t.group));
    bool memory = t.group != NULL;
    if (memory) {
        learn(&t);
        judge_refusals(&t);
        doubt_foreign(index, t.foreign, t.foreign_eg, v);
    }
    free(t.group);
    return memory ? 0 : -ENOMEM;
}
