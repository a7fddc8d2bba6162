/* mismatches.c -- see mismatches.h. */
#include "check/mismatches.h"
#include "check/describe.h"

#include <string.h>

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

void notes_check(struct index *index, struct verdict *v)
{
    const struct history_reader *r = index->reader;
    struct history_pass pass;
    history_pass(&pass, r);
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
        const uint32_t ops[] = {note->op, 0};
        verdict_violation(v, PROPERTY_ANSWERS, ops, "%s was answered with %u, but the answer %s.",
                          describe_who(op).text, (unsigned)op->status, text);
    }
}
