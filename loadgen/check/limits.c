#include "check/limits.h"
#include "check/describe.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

/* What counts against a limit, and is refused beyond it. */
static const bool counts[KINDS] = {
    [KIND_RESERVE] = true, [KIND_DECREMENT] = true, [KIND_RERESERVE] = true};

int limits_make(struct limits *limits, const struct index *index)
{
    const struct history_facts *facts = index->reader->facts;
    *limits = (struct limits){.index = index};
    if (facts->limit == 0 || facts->customers == 0)
        return 0;
    limits->share = calloc(facts->customers, sizeof(*limits->share));
    return limits->share ? 0 : -ENOMEM;
}

void limits_free(struct limits *limits)
{
    free(limits->share);
    limits->share = NULL;
}

void limits_begin(struct limits *limits, uint32_t item, struct verdict *v)
{
    limits->verdict = v;
    limits->item = item;
    limits->life++;
    limits->limit = history_limit(limits->index->reader->facts, item);
    limits->known = limits->limit > 0 && limits->share;
}

/* The number of the customer for whom the operation in the slot is. */
static uint32_t customer_of(const struct limits *limits, uint32_t slot)
{
    const struct index *index = limits->index;
    const struct history_op *op = index_op(index, slot);
    while (op->kind != KIND_RESERVE && op->kind != KIND_DECREMENT && op->of != 0)
        op = index_op(index, op->of); /* it counts for who reserved */
    return history_customer(index->reader->facts, op->client);
}

static int64_t *used_by(struct limits *limits, uint32_t customer)
{
    struct limits_share *share = &limits->share[customer];
    if (share->life != limits->life)
        *share = (struct limits_share){.life = limits->life};
    return &share->used;
}

/* --- what was granted --- */

static void found_beyond(const struct limits *limits, const struct limits_step *step,
                         uint32_t customer, int64_t used)
{
    verdict_violation(limits->verdict, PROPERTY_SUMS, OPS(step->slot),
                      "%s: customer c%" PRIu32 " holds and has bought %" PRId64
                      " units at version %" PRIu64 ", after %s; nobody may have more than %" PRId64
                      ".",
                      describe_sku(limits->index->reader, limits->item).text, customer, used,
                      step->said->version, describe_who(step->op).text, limits->limit);
}

static void take_transition(struct limits *limits, const struct limits_step *step)
{
    if (step->lost)
        return;
    if (step->op->kind == KIND_PUT || step->op->kind == KIND_DELETE) {
        limits->life++;
        return;
    }
    if (step->units == 0)
        return;
    uint32_t customer = customer_of(limits, step->slot);
    int64_t *used = used_by(limits, customer);
    *used += step->units;
    if (step->units > 0 && *used > limits->limit && limits->known)
        found_beyond(limits, step, customer, *used);
}

/* --- what was refused --- */

static void found_within(const struct limits *limits, const struct limits_step *step)
{
    verdict_violation(limits->verdict, PROPERTY_ANSWERS, OPS(step->slot),
                      "%s: %s was refused because of a limit that allows it: it wanted %" PRId32
                      ", and the refusal itself says that the customer had %" PRId64
                      " at version %" PRIu64 "; %" PRId64 " is the limit (0: none).",
                      describe_sku(limits->index->reader, limits->item).text,
                      describe_who(step->op).text, step->asked->quantity, step->said->remaining,
                      step->said->version, limits->limit);
}

static void found_other_use(const struct limits *limits, const struct limits_step *step,
                            uint32_t customer, int64_t used)
{
    verdict_violation(limits->verdict, PROPERTY_ANSWERS, OPS(step->slot),
                      "%s: %s was told that customer c%" PRIu32 " has used %" PRId64
                      " of its limit at version %" PRIu64 "; right would have been %" PRId64
                      ", by the operations up to that version.",
                      describe_sku(limits->index->reader, limits->item).text,
                      describe_who(step->op).text, customer, step->said->remaining,
                      step->said->version, used);
}

static void found_beyond_before_stock(const struct limits *limits, const struct limits_step *step,
                                      uint32_t customer, int64_t used)
{
    verdict_violation(limits->verdict, PROPERTY_ANSWERS, OPS(step->slot),
                      "%s: %s was refused for want of stock at version %" PRIu64
                      ", but it wanted %" PRId32 " and customer c%" PRIu32 " had %" PRId64
                      " of at most %" PRId64 ": it had to be refused because of that limit.",
                      describe_sku(limits->index->reader, limits->item).text,
                      describe_who(step->op).text, step->said->version, step->asked->quantity,
                      customer, used, limits->limit);
}

static void judge_refusal(struct limits *limits, const struct limits_step *step)
{
    bool exceeded = step->op->detail == DETAIL_LIMIT;
    int64_t wanted = step->asked->quantity, said = step->said->remaining;
    if (exceeded && (limits->limit == 0 || said <= limits->limit - wanted)) {
        found_within(limits, step);
        return;
    }
    if (!limits->known || step->lost)
        return;
    uint32_t customer = customer_of(limits, step->slot);
    int64_t used = *used_by(limits, customer);
    if (exceeded && said != used)
        found_other_use(limits, step, customer, used);
    else if (!exceeded && used > limits->limit - wanted)
        found_beyond_before_stock(limits, step, customer, used);
}

void limits_step(struct limits *limits, const struct limits_step *step)
{
    limits->known &= step->known;
    if (step->read && history_outcome(step->op) == OUTCOME_FAIL && counts[step->op->kind])
        judge_refusal(limits, step);
    else if (!step->read && limits->share && limits->limit > 0)
        take_transition(limits, step);
}
