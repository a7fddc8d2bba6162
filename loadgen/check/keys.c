/* keys.c -- a key that was answered leads to that answer, and to nothing else, for as long as it is
 * kept: what is recorded for it, and what another request under it is told.
 *
 * Of KIND_LOOKUP and KIND_REUSE; look-ups after the load, and requests that are sent
 * again as they were, are for resolve.c.
 */
#include "check/describe.h"
#include "check/effect.h"
#include "check/passes.h"
#include "check/restored.h"

#include <inttypes.h>

/* The answer that the key was given, NULL when nobody got one before the request began. */
static const struct history_op *answer_before(const struct index *index,
                                              const struct history_op *op)
{
    if (!index_took_effect(index, op->of))
        return NULL;
    const struct history_op *answer = index_op(index, index->effect[op->of]);
    bool before = history_phase(answer) == PHASE_LOAD && answer->end_ns <= op->begin_ns;
    return before ? answer : NULL;
}

static void check_lookup(const struct index *index, uint32_t slot, const struct history_op *answer,
                         struct verdict *v)
{
    const struct history_op *op = index_op(index, slot);
    const uint32_t ops[] = {op->of, slot, 0};
    v->property[PROPERTY_ANSWERS].checked++;
    if (history_outcome(op) == OUTCOME_FAIL && op->detail == DETAIL_NO_OPERATION)
        verdict_violation(v, PROPERTY_LASTING, ops,
                          "%s was answered with %u, version %" PRIu64
                          " of %s, but at %s the service knew nothing of its key.",
                          describe_who(index_op(index, op->of)).text, (unsigned)answer->status,
                          answer->line.version, describe_sku(index->reader, op->line.item).text,
                          describe_time(index->reader, op->end_ns).text);
    else if (history_outcome(op) == OUTCOME_OK && !effect_same_pairs(op, answer))
        verdict_violation(v, PROPERTY_ANSWERS, ops,
                          "%s left %" PRId64 " at version %" PRIu64
                          " of %s, by its answer; but what is recorded for its key is %" PRId64
                          " at version %" PRIu64 ".",
                          describe_who(index_op(index, op->of)).text, answer->line.remaining,
                          answer->line.version, describe_sku(index->reader, op->line.item).text,
                          op->line.remaining, op->line.version);
}

static void check_reuse(const struct index *index, uint32_t slot, struct verdict *v)
{
    const struct history_op *op = index_op(index, slot);
    v->property[PROPERTY_ANSWERS].checked++;
    if (history_outcome(op) != OUTCOME_OK)
        return;
    verdict_violation(v, PROPERTY_ANSWERS, OPS(op->of, slot),
                      "%s has the key of %s, which was answered before, but asks for %" PRId32
                      " instead of %" PRId32
                      ". It had to be refused with idempotency-key-reused, and was answered with "
                      "%u, version %" PRIu64 ".",
                      describe_who(op).text, describe_who(index_op(index, op->of)).text,
                      op->line.quantity, index_op(index, op->of)->line.quantity,
                      (unsigned)op->status, op->line.version);
}

void keys_check(const struct index *index, struct item *items, struct verdict *v)
{
    if (!(index->kinds & (1u << KIND_LOOKUP | 1u << KIND_REUSE)))
        return; /* a pass over millions of operations less */
    for (struct index_pass pass = index_pass(index); index_next(&pass);) {
        const struct history_op *op = pass.op;
        if (index_role(op) != ROLE_KEY)
            continue;
        const struct history_op *answer = answer_before(index, op);
        if (!answer)
            continue;
        bool forgotten = restored_lost_op(index->restored, answer);
        if (forgotten && op->kind == KIND_REUSE)
            items_add_slack(items, op, 1); /* it may have been decided, for the first time */
        if (forgotten)
            continue;
        if (op->kind == KIND_LOOKUP)
            check_lookup(index, pass.slot, answer, v);
        else
            check_reuse(index, pass.slot, v);
    }
}
