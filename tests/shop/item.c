/* item.c -- see item.h. */
#include "shop/item.h"

#include <assert.h>
#include <stddef.h>

void item_touch(struct item *item, const struct stock *was, int64_t now_ms,
                struct fault_plan *faults)
{
    uint64_t step = 1;
    if (fault_fires(faults, FAULT_SAME_VERSION))
        step = 0;
    else if (fault_fires(faults, FAULT_VERSION_JUMP))
        step = 2;
    item->now.version = was->version + step;
    item->updated_ms = now_ms;
    item->past[item->past_count++ % ITEM_PAST] = *was;
}

void item_forget(struct item *item)
{
    assert(item->past_count > 0);
    item->now = item->past[--item->past_count % ITEM_PAST];
}

const struct stock *item_long_ago(const struct item *item, int64_t below)
{
    uint64_t known = item->past_count < ITEM_PAST ? item->past_count : ITEM_PAST;
    for (uint64_t age = known; age >= ITEM_PAST_OLD; age--) {
        const struct stock *state = &item->past[(item->past_count - age) % ITEM_PAST];
        if (state->version > 0 && !state->removed && state->available < below)
            return state;
    }
    return NULL;
}
