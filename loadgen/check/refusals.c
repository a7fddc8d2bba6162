/* refusals.c -- see refusals.h. */
#include "check/refusals.h"
#include "check/describe.h"
#include "check/effect.h"

#include <errno.h>
#include <stdlib.h>

/* By item: the slot of the put that created it, 0 for none. */
static uint32_t *creations(const struct index *index)
{
    uint32_t *created = calloc((size_t)index->items + 1, sizeof(*created));
    struct index_pass pass;
    index_pass(&pass, index);
    uint32_t slot;
    for (const struct history_op *op; created && (op = index_next(&pass, &slot));) {
        if (op->kind == KIND_PUT && index_role(op) == ROLE_FIRST && index_took_effect(index, slot))
            created[op->line.item] = slot;
    }
    return created;
}

/* Whether all items of the operation were there before it began. */
static bool all_created(const struct index *index, const uint32_t *created,
                        const struct history_op *op)
{
    for (unsigned n = 0; n < op->lines; n++) {
        uint32_t put = created[index_line(op, n)->item];
        if (!put || effect_span(index, put).end_ns >= op->begin_ns)
            return false;
    }
    return op->lines > 0;
}

int refusals_check(const struct index *index, struct verdict *v)
{
    uint32_t *created = creations(index);
    if (!created)
        return -ENOMEM;
    struct index_pass pass;
    index_pass(&pass, index);
    uint32_t slot;
    for (const struct history_op *op; (op = index_next(&pass, &slot));) {
        if (history_outcome(op) != OUTCOME_FAIL || op->detail != DETAIL_NO_ITEM ||
            !all_created(index, created, op))
            continue;
        const uint32_t ops[] = {created[op->line.item], slot, 0};
        verdict_violation(v, PROPERTY_LASTING, ops,
                          "%s was created and never removed, but at %s %s was told that there is "
                          "no such item.",
                          describe_sku(index->reader, op->line.item).text,
                          describe_time(index->reader, op->end_ns).text, describe_who(op).text);
    }
    free(created);
    return 0;
}
