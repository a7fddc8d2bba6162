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

static void add_backlog(struct backlog_sum *sum, const struct feed_backlog *one, int64_t now_ms)
{
    sum->entries += one->entries;
    sum->events += one->events;
    if (one->oldest_ms > 0 && now_ms - one->oldest_ms > sum->lag_ms)
        sum->lag_ms = now_ms - one->oldest_ms;
}

int backlog_look(struct admin *admin, unsigned partitions, struct backlog *backlog)
{
    int64_t begin_ms = clock_mono_ms();
    unsigned reached = 0;
    *backlog = (struct backlog){.all = {.entries = 0}};
    for (unsigned p = 0; p < partitions; p++) {
        struct feed_backlog one;
        if (admin_at(admin, p) != ADMIN_OK)
            continue;
        int64_t now_ms = admin_now_ms(admin, p);
        if (now_ms < 0 || feed_look_behind(admin, p, &one) < 0)
            return -1;
        add_backlog(&backlog->all, &one, now_ms);
        if (admin_is_open(admin, p))
            add_backlog(&backlog->open, &one, now_ms);
        reached++;
    }
    backlog->has_until_ms = reached == partitions ? begin_ms - backlog->all.lag_ms : 0;
    return reached > 0 ? 0 : -1;
}

void backlog_show(struct store_shared *shared, const struct backlog *backlog)
{
    stats_set(STATS_STREAM_LENGTH, backlog->all.entries);
    stats_set(STATS_LEDGER_LAG, backlog->all.events);
    if (backlog->has_until_ms > shared->ledger_has_until_ms)
        shared->ledger_has_until_ms = backlog->has_until_ms;
    shared->ledger_lag_ms = backlog->all.lag_ms;
    shared->ledger_look_at_ms = clock_wall_ms();
    show_last_look(shared);
}
