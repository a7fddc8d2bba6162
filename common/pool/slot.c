#include "pool/slot.h"

#include <assert.h>
#include <unistd.h>

struct pool_slot *poolslot_at(const struct pool *pool, int slot)
{
    assert(slot >= 0 && (size_t)slot < pool->slots_count);
    return &pool->slots[slot];
}

int poolslot_number(const struct pool *pool, const struct pool_slot *s)
{
    return (int)(s - pool->slots);
}

bool poolslot_has_process(const struct pool_slot *s)
{
    return s->state == POOL_STARTING || s->state == POOL_READY || s->state == POOL_STOPPING;
}

void poolslot_enter(struct pool_slot *s, enum pool_state next)
{
    static const unsigned allowed[POOL_STATES] = {
        [POOL_IDLE] = 1u << POOL_STARTING,
        [POOL_STARTING] = 1u << POOL_READY | 1u << POOL_STOPPING | 1u << POOL_WAITING |
                          1u << POOL_ENDED | 1u << POOL_FAILED,
        [POOL_READY] =
            1u << POOL_STOPPING | 1u << POOL_WAITING | 1u << POOL_ENDED | 1u << POOL_FAILED,
        [POOL_STOPPING] = 1u << POOL_ENDED,
        [POOL_WAITING] = 1u << POOL_STARTING | 1u << POOL_ENDED,
        [POOL_ENDED] = 1u << POOL_STARTING,
        [POOL_FAILED] = 0,
    };
    assert(allowed[s->state] & 1u << next);
    s->state = next;
    assert(poolslot_has_process(s) == (s->pidfd >= 0));
}

void poolslot_become_ready(struct pool *pool, struct pool_slot *s)
{
    if (s->state != POOL_STARTING)
        return; /* said twice, or is being stopped */
    s->was_ready = true;
    poolslot_enter(s, POOL_READY);
    if (pool->events.on_ready)
        pool->events.on_ready(pool->events.ctx, poolslot_number(pool, s));
}

void poolslot_close(int *fd)
{
    assert(*fd > STDERR_FILENO || *fd == -1);
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}
