/* answer_checks.c -- see answer_checks.h. */
#include "check/answer_checks.h"
#include "check/describe.h"

/* What a reservation is right after the request; DETAIL_NONE: it is about no reservation, or only
 * shows it. */
static const enum history_detail makes[KINDS] = {[KIND_RESERVE] = DETAIL_HELD,
                                                 [KIND_CONFIRM] = DETAIL_CONFIRMED,
                                                 [KIND_RELEASE] = DETAIL_RELEASED,
                                                 [KIND_EXTEND] = DETAIL_HELD,
                                                 [KIND_RERESERVE] = DETAIL_CONFIRMED};

/* What can be refused so, and what it is called. */
static const struct {
    enum history_detail detail;
    bool kinds[KINDS];
    const char *why, *but;
} grounds[] = {
    {DETAIL_NO_STOCK,
     {[KIND_ADJUST] = true,
      [KIND_DECREMENT] = true,
      [KIND_RESERVE] = true,
      [KIND_RERESERVE] = true,
      [KIND_TRANSFER] = true},
     "for want of stock",
     "it takes none"},
    {DETAIL_LIMIT,
     {[KIND_DECREMENT] = true, [KIND_RESERVE] = true, [KIND_RERESERVE] = true},
     "because of a customer's limit",
     "it counts against none"},
};

static void check_state(const struct index *index, uint32_t slot, struct verdict *v)
{
    const struct history_op *op = index_op(index, slot);
    enum history_detail right = makes[op->kind];
    v->property[PROPERTY_ANSWERS].checked += right != DETAIL_NONE;
    if (right == DETAIL_NONE || op->detail == right)
        return;
    const char *said = describe_state(op->detail);
    const uint32_t ops[] = {slot, 0};
    verdict_violation(v, PROPERTY_ANSWERS, ops,
                      "%s was answered with %u, so the reservation is %s; but the answer says that "
                      "it is %s.",
                      describe_who(op).text, (unsigned)op->status, describe_state(right),
                      *said ? said : "in no state at all");
}

static void check_refusal(const struct index *index, uint32_t slot, struct verdict *v)
{
    const struct history_op *op = index_op(index, slot);
    const uint32_t ops[] = {slot, 0};
    for (size_t i = 0; i < sizeof(grounds) / sizeof(*grounds); i++)
        if (op->detail == grounds[i].detail && !grounds[i].kinds[op->kind])
            verdict_violation(v, PROPERTY_ANSWERS, ops, "%s was refused %s, although %s.",
                              describe_who(op).text, grounds[i].why, grounds[i].but);
    if (op->detail == DETAIL_EXPIRED && op->kind == KIND_RERESERVE)
        verdict_violation(
            v, PROPERTY_ANSWERS, ops,
            "%s was refused because its reservation had expired, although it asked for "
            "its units to be taken again then. Right would have been to do so, or to "
            "say which are too few.",
            describe_who(op).text);
}

void single_check(const struct index *index, struct verdict *v)
{
    struct index_pass pass;
    index_pass(&pass, index);
    uint32_t slot;
    for (const struct history_op *op; (op = index_next(&pass, &slot));) {
        if (history_outcome(op) == OUTCOME_OK)
            check_state(index, slot, v);
        else if (history_outcome(op) == OUTCOME_FAIL)
            check_refusal(index, slot, v);
    }
}
