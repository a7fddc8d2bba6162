#include "process/port_look.h"
#include "clock.h"

#include <inttypes.h>

/* Longer than a turn may take, be it with a slow database; for hooks, of several answers. */
#define LEDGER_SILENT_MS 60000
#define HOOKS_SILENT_MS  120000

/* --- the ledger process ----------------------------------------------------------------------- */

static const struct {
    enum problem_id problem;
    const char *why;
} states[] = {
    [LEDGER_BEGINS] = {PROBLEM_LEDGER_UNAVAILABLE, "not all partitions have been seen open yet"},
    [LEDGER_APPLIES] = {PROBLEMS, NULL},
    [LEDGER_WAITS_REDIS] = {PROBLEM_REDIS_UNAVAILABLE, "Redis cannot be reached; the log says why"},
    [LEDGER_WAITS_SQL] = {PROBLEM_LEDGER_UNAVAILABLE,
                          "the ledger's database cannot be reached; the log says why"},
    [LEDGER_STUCK] = {PROBLEM_PARTITION_CLOSED,
                      "events of a partition do not follow; the log says which"},
    [LEDGER_LOST] = {PROBLEM_STATE_LOST, "Redis has lost a part of what the ledger has"},
};

static void put_lag(const struct stats *stats, struct buf *out)
{
    int64_t age_ms = clock_wall_ms() - stats_gauge(stats, STATS_LEDGER_LOOK_AT_MS);
    if (age_ms >= STATS_STALE_MS)
        return;
    buf_printf(out, ",\"lag_events\":%" PRId64 ",\"lag_seconds\":%.3f",
               stats_gauge(stats, STATS_LEDGER_LAG),
               (double)stats_gauge(stats, STATS_LEDGER_LAG_MS) * 1e-3);
}

enum problem_id port_look_ledger(const struct shared_state *shared, struct buf *out,
                                 const char **why)
{
    const struct ledger_look *seen = shared->ledger_look;
    int state = seen->state;
    if (state == LEDGER_APPLIES && clock_mono_ms() - seen->turn_ms > LEDGER_SILENT_MS) {
        *why = "the ledger process has been at one turn for more than a minute";
        return PROBLEM_LEDGER_UNAVAILABLE;
    }
    put_lag(shared->stats, out);
    *why = states[state].why;
    return states[state].problem;
}

/* --- the process of hooks --------------------------------------------------------------------- */

static const char *const reasons[] = {
    [HOOKS_BEGIN] = "the ledger's database has not been looked at yet",
    [HOOKS_AT_WORK] = NULL,
    [HOOKS_WAIT_SQL] = "the ledger's database cannot be reached; the log says why",
};

enum problem_id port_look_hooks(const struct shared_state *shared, struct buf *out,
                                const char **why)
{
    const struct hooks_look *seen = shared->hooks_look;
    int state = seen->state;
    *why = reasons[state];
    if (state == HOOKS_AT_WORK && clock_mono_ms() - seen->turn_ms > HOOKS_SILENT_MS)
        *why = "the process has been at one turn for more than two minutes";
    if (*why)
        return PROBLEM_LEDGER_UNAVAILABLE;
    buf_printf(out, ",\"hooks\":%" PRId64 ",\"waiting\":%" PRId64,
               stats_gauge(shared->stats, STATS_HOOKS_SENT),
               stats_gauge(shared->stats, STATS_HOOKS_WAITING));
    return PROBLEMS;
}
