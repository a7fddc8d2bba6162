/* effect.h -- when each operation took effect, and what it said: all attempts of a key as one.
 *
 * Layer: check. An operation is all its attempts together. It took effect when any of them was
 * answered with 2xx, or when its key was found afterwards; then its effect lies between the begin
 * of the first attempt that was not refused and the end of the first 2xx, or of the first answer
 * about the same reservation that shows it. index->effect says which
 * did, once resolve.c and, for expiries, reservations.c have filled it.
 */
#pragma once

#include "check/index.h"

/* When the effect, or the read, in that slot happened at the earliest, and was over at the latest
 * (SWEEP_NEVER when nobody saw it end). Slot is one of
 *   - a first attempt that took effect, or a second one that did so once more
 *   - the answer of a key that took effect: the same
 *   - a get that shows an expiry: then of the expiry
 *   - anything else: of that attempt itself. */
struct span {
    uint64_t begin_ns, end_ns;
    /* Slots of other answers about the same reservation that say more than its own; or 0. */
    uint32_t unseen; /* the get that began last of those that do not show it yet */
    uint32_t seen;   /* the answer over first of those that show it */
};
struct span effect_span(const struct index *index, uint32_t slot);

/* Of a first attempt that took effect, by its own attempts alone: what others were told of its
 * reservation is left aside. */
struct span effect_key_span(const struct index *index, uint32_t first);

/* The same of one attempt, whatever it did. */
struct span effect_attempt_span(const struct history_op *op);

/* The version and remaining that the effect gave its line n: in the answer; of a delete, by what
 * others were answered (removals.h). NULL when there is no such line. */
const struct history_line *effect_pair(const struct index *index, uint32_t slot, unsigned n);

/* The earliest moment at which the reservation may have expired, by the extensions of its time
 * that took effect. */
uint64_t effect_deadline(const struct index *index, uint32_t reserve);

/* Whether the effect in that slot, which stands for it as in effect_span, sold units that had to be
 * taken again; of anything else, whether its answer says so. */
bool effect_took_again(const struct index *index, uint32_t slot);

/* Whether both say the same (version, remaining) for each item of `a`, and the same of an expiry.
 */
bool effect_same_pairs(const struct history_op *a, const struct history_op *b);

/* The reserve that this first attempt, further attempt or get is about. */
uint32_t effect_reservation(const struct index *index, uint32_t slot);
