#include "restore/items.h"

#include <stdio.h>

/* All but the deadline. */
static struct store_listed *list(struct arena *arena, const struct current_item *items,
                                 size_t count, int64_t step)
{
    struct store_listed *out = arena_alloc(arena, (count + 1) * sizeof(*out));
    for (size_t i = 0; out && i < count; i++) {
        out[i] = (struct store_listed){.sku = items[i].sku, .item = items[i].item};
        out[i].item.version += step;
        out[i].item.due_exact = true;
        out[i].item.due_ms = 0;
    }
    return out;
}

enum rebuild_result items_put(struct rebuild *rebuild, struct arena *arena, unsigned partition,
                              const struct current_item *items, size_t count, int64_t step,
                              struct store_listed **listed)
{
    struct store_listed *all = *listed = list(arena, items, count, step);
    if (!all) {
        snprintf(rebuild->why, sizeof(rebuild->why), "out of memory");
        return REBUILD_NO_MEMORY;
    }
    enum rebuild_result result = rebuild_find_due(rebuild, partition, all, count);
    for (size_t i = 0; i < count && result == REBUILD_OK; i++) {
        if ((all[i].item.held > 0) == (all[i].item.due_ms > 0))
            continue;
        snprintf(rebuild->why, sizeof(rebuild->why),
                 "SQL contradicts itself: %.*s holds %lld, but no reservation of it is held",
                 STR_ARG(all[i].sku), (long long)all[i].item.held);
        return REBUILD_WRONG;
    }
    return result == REBUILD_OK ? rebuild_items(rebuild, partition, all, count) : result;
}
