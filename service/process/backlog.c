#include "process/backlog.h"
#include "clock.h"
#include "stats.h"

static void show_last_look(const struct store_shared *shared)
{
    stats_set(STATS_LEDGER_LAG_MS, shared->ledger_lag_ms);
    stats_set(STATS_LEDGER_LOOK_AT_MS, shared->ledger_look_at_ms);
}

void backlog_begin(struct store_shared *shared)
{
    if (shared->ledger_look_at_ms == 0)
        shared->ledger_look_at_ms = clock_wall_ms();
    show_last_look(shared);
}

static void add(struct feed_backlog *all, const struct feed_backlog *one)
{
    all->entries += one->entries;
    all->events += one->events;
    if (one->oldest_ms > 0 && one->oldest_ms < all->oldest_ms)
        all->oldest_ms = one->oldest_ms;
}

int backlog_look(struct admin *admin, unsigned partitions, int64_t now_ms, struct backlog *backlog)
{
    backlog->all = backlog->open = (struct feed_backlog){.oldest_ms = now_ms};
    for (unsigned p = 0; p < partitions; p++) {
        struct feed_backlog one;
        if (feed_look_behind(admin, p, &one) < 0)
            return -1;
        add(&backlog->all, &one);
        if (admin_is_open(admin, p))
            add(&backlog->open, &one);
    }
    return 0;
}

void backlog_show(struct store_shared *shared, const struct backlog *backlog, int64_t now_ms)
{
    stats_set(STATS_STREAM_LENGTH, backlog->all.entries);
    stats_set(STATS_LEDGER_LAG, backlog->all.events);
    shared->ledger_lag_ms = now_ms - backlog->all.oldest_ms;
    shared->ledger_look_at_ms = clock_wall_ms();
    show_last_look(shared);
}
