#include "process/audit_desk.h"
#include "clock.h"
#include "log.h"

/* --- in the master ---------------------------------------------------------------------------- */

void audit_desk_look(struct audit_desk *desk, struct pool *pool, int slot)
{
    if (desk->requested_ms == 0 || pool_slot_alive(pool, slot))
        return;
    int rc = pool_start_slot(pool, slot);
    if (rc == 0)
        return;
    log_event(LOG_ERROR, "an audit could not be started", LOG_ERRNO(rc));
    audit_desk_end(desk);
}

void audit_desk_end(struct audit_desk *desk)
{
    desk->requested_ms = 0;
}

/* --- in the keeper ---------------------------------------------------------------------------- */

struct live_audit audit_desk_progress(const struct audit_desk *desk)
{
    if (!desk)
        return (struct live_audit){.requested_ms = 0};
    return (struct live_audit){desk->requested_ms, desk->items, desk->reservations, desk->shares};
}

/* --- in a worker ------------------------------------------------------------------------------ */

/* The one under way: ours, or that of another service, unless nobody has heard of that for long. */
static struct live_audit under_way(const struct audit_asker *asker)
{
    struct live_audit ours = audit_desk_progress(asker->desk);
    struct live_view view;
    if (ours.requested_ms > 0 || live_board_get(asker->board, &view) == 0 ||
        clock_mono_ms() - view.mono_ms >= LIVE_STALE_MS)
        return ours;
    return view.elsewhere;
}

/* The message says nothing but that there is something to look at. There is never more than one on
 * its way, so it finds room. */
static bool request_audit(void *user)
{
    const struct audit_asker *asker = user;
    int64_t none = 0;
    if (under_way(asker).requested_ms > 0)
        return true;
    if (!atomic_compare_exchange_strong(&asker->desk->requested_ms, &none, clock_wall_ms()))
        return true;
    asker->desk->items = asker->desk->reservations = asker->desk->shares = 0;
    if (pool_child_send(asker->child, "", 1) == 0)
        return true;
    audit_desk_end(asker->desk);
    return false;
}

static void look_at_desk(void *user, struct http_audit *audit)
{
    const struct audit_asker *asker = user;
    struct audit_last last = asker->desk->last[asker->desk->newest];
    struct live_audit now = under_way(asker);
    int64_t seen_ms = stats_gauge(asker->stats, STATS_AUDIT_AT_MS);
    if (seen_ms > last.at_ms)
        last = (struct audit_last){.result = (int)stats_gauge(asker->stats, STATS_AUDIT_RESULT),
                                   .drift = stats_gauge(asker->stats, STATS_AUDIT_DRIFT),
                                   .at_ms = seen_ms};
    *audit = (struct http_audit){.requested_ms = now.requested_ms,
                                 .items = now.items,
                                 .reservations = now.reservations,
                                 .shares = now.shares,
                                 .result = last.result,
                                 .drift = last.drift,
                                 .at_ms = last.at_ms};
}

void audit_asker_serve(struct audit_asker *asker, struct http_audits *audits)
{
    *audits = (struct http_audits){.begin = request_audit, .look = look_at_desk, .user = asker};
}
