/* hold.c -- see hold.h. */
#include "shop/hold.h"

#include "shop/memory.h"

#include <assert.h>

#define FIRST_ROOM 1024

const char *hold_state_name(enum hold_state state)
{
    static const char *const names[HOLD_STATES] = {"held", "confirmed", "released", "expired"};
    assert(state < HOLD_STATES);
    return names[state];
}

static void make_room(struct deadlines *d)
{
    if (d->count < d->room)
        return;
    size_t room = d->room ? d->room * 2 : FIRST_ROOM;
    struct deadline *heap = memory_zalloc(room * sizeof(*heap));
    if (d->count > 0)
        memcpy(heap, d->heap, d->count * sizeof(*heap));
    free(d->heap);
    d->heap = heap;
    d->room = room;
}

void deadlines_add(struct deadlines *d, struct hold *hold)
{
    make_room(d);
    struct deadline entry = {hold->due_ms, hold};
    size_t at = d->count++;
    while (at > 0 && d->heap[(at - 1) / 2].due_ms > entry.due_ms) {
        d->heap[at] = d->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    d->heap[at] = entry;
}

static struct deadline take_first(struct deadlines *d)
{
    assert(d->count > 0);
    struct deadline first = d->heap[0], last = d->heap[--d->count];
    size_t at = 0;
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= d->count)
            break;
        child += child + 1 < d->count && d->heap[child + 1].due_ms < d->heap[child].due_ms;
        if (d->heap[child].due_ms >= last.due_ms)
            break;
        d->heap[at] = d->heap[child];
        at = child;
    }
    d->heap[at] = last;
    return first;
}

struct hold *deadlines_take_due(struct deadlines *d, int64_t now_ms)
{
    while (d->count > 0 && d->heap[0].due_ms <= now_ms) {
        struct deadline first = take_first(d);
        const struct hold *h = first.hold;
        if (h->state == HOLD_HELD && !h->gone && h->due_ms == first.due_ms)
            return first.hold;
    }
    return NULL;
}
