/* items.c -- see items.h. */
#include "check/items.h"

#include <stdlib.h>

struct item *items_make(const struct index *index)
{
    struct item *items = calloc((size_t)index->items + 1, sizeof(*items));
    if (!items)
        return NULL;
    struct history_pass pass;
    history_pass(&pass, index->reader);
    uint32_t slot;
    for (enum history_type type; (type = history_next(&pass, &slot)) != SLOT_EMPTY;) {
        if (type != SLOT_COUNTERS)
            continue;
        const struct history_counters *counters = history_at(index->reader, slot);
        if (counters->item < index->items)
            items[counters->item].counters = slot;
    }
    return items;
}

void items_add_slack(struct item *items, const struct history_op *op, unsigned transitions)
{
    for (unsigned n = 0; n < op->lines; n++)
        items[index_line(op, n)->item].slack += transitions;
}
