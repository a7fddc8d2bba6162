/* removal_table.h -- the deletes of a run and the versions that they made.
 *
 * Layer: check, pure; filled by removals.h, asked by all that place effects.
 */
#pragma once

#include "history/reader.h"

/* A delete that took effect. */
struct removal {
    uint32_t slot;
    struct history_line line; /* version 0: it has no place */
    /* Of all deletes that may have that place: the first begin, and the last end. */
    uint64_t begin_ns, end_ns;
    bool sure; /* it is the only one */
};

struct removals {
    size_t count;
    struct removal *all; /* in the order of slots */
};

void removals_free(struct removals *removals);

/* The delete whose first attempt is in that slot, NULL when it did not happen or none are known. */
const struct removal *removals_find(const struct removals *removals, uint32_t slot);

/* What it left: nothing at its version. NULL when that is not known. */
const struct history_line *removals_line(const struct removals *removals, uint32_t slot);
