#include "check/items.h"
#include "shared.h"

static size_t items_bytes(const struct index *index)
{
    return ((size_t)index->items + 1) * sizeof(struct item);
}

struct item *items_make(const struct index *index)
{
    struct item *items = shared_alloc(items_bytes(index));
    if (!items)
        return NULL;
    struct history_pass pass = history_pass(index->reader);
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

void items_free(struct item *items, const struct index *index)
{
    shared_free(items, items_bytes(index));
}

void items_add_slack(struct item *items, const struct history_op *op, unsigned transitions)
{
    for (unsigned n = 0; n < op->lines; n++)
        items[index_line(op, n)->item].slack += transitions;
}

void items_add_late_slack(struct item *items, const struct history_op *op)
{
    for (unsigned n = 0; n < op->lines; n++)
        items[index_line(op, n)->item].late_slack++;
}

bool items_take_slack(struct item *item, uint64_t transitions, bool late)
{
    uint64_t from_late = late ? item->late_slack : 0;
    if (from_late > transitions)
        from_late = transitions;
    if (transitions - from_late > item->slack)
        return false;
    item->late_slack -= from_late;
    item->slack -= transitions - from_late;
    return true;
}
