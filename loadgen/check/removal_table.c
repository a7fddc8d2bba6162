#include "check/removal_table.h"

#include <stdlib.h>

void removals_free(struct removals *removals)
{
    free(removals->all);
    *removals = (struct removals){0};
}

const struct removal *removals_find(const struct removals *removals, uint32_t slot)
{
    size_t low = 0, high = removals ? removals->count : 0;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (removals->all[middle].slot < slot)
            low = middle + 1;
        else
            high = middle;
    }
    return removals && low < removals->count && removals->all[low].slot == slot
               ? &removals->all[low]
               : NULL;
}

const struct history_line *removals_line(const struct removals *removals, uint32_t slot)
{
    const struct removal *removal = removals_find(removals, slot);
    return removal && removal->line.version > 0 ? &removal->line : NULL;
}
