#include "check/removal_table.h"
#include "search.h"

#include <stdlib.h>

void removals_free(struct removals *removals)
{
    free(removals->all);
    *removals = (struct removals){0};
}

const struct removal *removals_find(const struct removals *removals, uint32_t slot)
{
    size_t count = removals ? removals->count : 0;
    size_t at = SEARCH_FIRST(0, count, i, removals->all[i].slot >= slot);
    return at < count && removals->all[at].slot == slot ? &removals->all[at] : NULL;
}

const struct history_line *removals_line(const struct removals *removals, uint32_t slot)
{
    const struct removal *removal = removals_find(removals, slot);
    return removal && removal->line.version > 0 ? &removal->line : NULL;
}
