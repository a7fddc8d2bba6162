#include "process/keeper/chores.h"
#include "clock.h"
#include "process/backlog.h"
#include "store/admin/scan.h"

#define LOOK_MS  1000  /* memory, replicas, the ledger's backlog, the last audit */
#define TRIM_MS  10000 /* events, records */
#define LAG_EASE 10    /* refusals end a tenth below --ledger-max-lag */

/* Nothing that the ledger has not taken is ever dropped, so what comes in has to be bounded.
 * Nothing comes into a partition that is not open: what waits there is shown, but holds up no
 * other. */
static int look_at_backlog(struct chores *c)
{
    struct store_shared *shared = c->shared->store_shared;
    int64_t max = c->shared->store_config.ledger_max_lag;
    struct backlog backlog;
    if (backlog_look(c->admin, c->shared->store_config.partitions, &backlog) < 0)
        return -1;
    const struct backlog_sum *open = &backlog.open;
    shared->ledger_silent = open->lag_ms > c->shared->store_config.request_timeout_ms;
    shared->ledger_behind = open->events > (shared->ledger_behind ? max - max / LAG_EASE : max);
    backlog_show(shared, &backlog);
    return 0;
}

static int trim_events(struct chores *c, unsigned partition, int64_t now_ms, int64_t *events)
{
    bool ledger = c->shared->store_config.ledger;
    return ledger ? 0 : feed_trim_old(c->admin, partition, now_ms, events);
}

static int trim_partition(struct chores *c, unsigned partition, int64_t *events)
{
    int64_t now_ms = admin_now_ms(c->admin, partition);
    if (now_ms < 0 || trim_events(c, partition, now_ms, events) < 0)
        return -1;
    int dropped = admin_trim_records(c->admin, partition, now_ms);
    if (dropped > 0)
        stats_count(STATS_TRIMMED_RECORDS, (uint64_t)dropped);
    return dropped < 0 ? -1 : 0;
}

/* What is old, where nobody has to look at it first. */
static int trim_old(struct chores *c)
{
    int64_t events = 0;
    int rc = 0;
    for (unsigned p = 0; p < c->shared->store_config.partitions; p++)
        if (admin_is_open(c->admin, p) && trim_partition(c, p, &events) < 0)
            rc = -1;
    if (rc == 0 && !c->shared->store_config.ledger)
        stats_set(STATS_STREAM_LENGTH, events);
    return rc;
}

static int look_at_audit(struct chores *c)
{
    struct scan_audit audit;
    if (admin_at(c->admin, 0) != ADMIN_OK)
        return 0;
    if (scan_last_audit(c->admin, &audit) < 0)
        return -1;
    stats_set(STATS_AUDIT_RESULT, audit.result);
    stats_set(STATS_AUDIT_DRIFT, audit.drift);
    stats_set(STATS_AUDIT_AT_MS, audit.at_ms);
    return 0;
}

static int look_at_redis(struct chores *c)
{
    int memory = admin_look_at_memory(c->admin), replicas = admin_look_at_replicas(c->admin);
    int backlog = c->shared->store_config.ledger ? look_at_backlog(c) : 0;
    int audit = look_at_audit(c);
    return memory < 0 || replicas < 0 || backlog < 0 || audit < 0 ? -1 : 0;
}

int chores_do(struct chores *c)
{
    int64_t mono_ms = clock_mono_ms();
    int looked = 0;
    if (mono_ms >= c->look_ms) {
        c->look_ms = mono_ms + LOOK_MS;
        looked = look_at_redis(c);
    }
    if (mono_ms < c->trim_ms)
        return looked;
    c->trim_ms = mono_ms + TRIM_MS;
    int trimmed = trim_old(c);
    return looked < 0 || trimmed < 0 ? -1 : 0;
}
