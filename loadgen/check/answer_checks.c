/* answer_checks.c -- what is wrong with an answer whatever else happened: violations of ANSWERS. */
#include "check/describe.h"
#include "check/index.h"
#include "check/passes.h"
#include "check/verdict.h"
#include "history/names.h"

#include <string.h>

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
    const char *said = history_detail_text(op->detail);
    verdict_violation(v, PROPERTY_ANSWERS, OPS(slot),
                      "%s was answered with %u, so the reservation is %s; but the answer says that "
                      "it is %s.",
                      describe_who(op).text, (unsigned)op->status, history_detail_text(right),
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

void answer_checks(const struct index *index, struct verdict *v)
{
    for (struct index_pass pass = index_pass(index); index_next(&pass);) {
        const struct history_op *op = pass.op;
        if (history_outcome(op) == OUTCOME_OK)
            check_state(index, pass.slot, v);
        else if (history_outcome(op) == OUTCOME_FAIL)
            check_refusal(index, pass.slot, v);
    }
}

/* --- answers that contradict their request ---------------------------------------------------- */

/* Puts the parts of a note together, of which the first one is in this slot. */
static void read_note(const struct history_reader *r, uint32_t slot,
                      char text[HISTORY_NOTE_MAX + 1])
{
    const struct history_id *first = history_at(r, slot), *part = first;
    size_t n = 0;
    while (part && part->type == SLOT_NOTE && part->op == first->op && part->offset == n &&
           part->bytes <= HISTORY_ID_TEXT && n + part->bytes <= HISTORY_NOTE_MAX) {
        memcpy(text + n, part->text, part->bytes);
        n += part->bytes;
        if (part->bytes < HISTORY_ID_TEXT)
            break;
        part = history_at(r, ++slot);
    }
    text[n] = '\0';
}

void answer_checks_notes(struct index *index, struct verdict *v)
{
    const struct history_reader *r = index->reader;
    struct history_pass pass = history_pass(r);
    uint32_t slot;
    for (enum history_type type; (type = history_next(&pass, &slot)) != SLOT_EMPTY;) {
        const struct history_id *note = history_at(r, slot);
        if (type != SLOT_NOTE || note->offset > 0)
            continue;
        const struct history_op *op = history_op_at(r, note->op);
        if (!op) {
            index_break(index);
            continue;
        }
        if (history_phase(op) == PHASE_SETUP)
            continue;
        char text[HISTORY_NOTE_MAX + 1];
        read_note(r, slot, text);
        verdict_violation(v, PROPERTY_ANSWERS, OPS(note->op),
                          "%s was answered with %u, but the answer %s.", describe_who(op).text,
                          (unsigned)op->status, text);
    }
}
