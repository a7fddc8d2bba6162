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

/* --- in a worker ------------------------------------------------------------------------------ */

/* The message says nothing but that there is something to look at. There is never more than one on
 * its way, so it finds room. */
static bool begin(void *user)
{
    const struct audit_asker *asker = user;
    int64_t none = 0;
    if (!atomic_compare_exchange_strong(&asker->desk->requested_ms, &none, clock_wall_ms()))
        return true;
    asker->desk->items = asker->desk->reservations = asker->desk->shares = 0;
    if (pool_child_send(asker->child, "", 1) == 0)
        return true;
    audit_desk_end(asker->desk);
    return false;
}

static void look(void *user, struct http_audit *audit)
{
    const struct audit_asker *asker = user;
    const struct audit_desk *desk = asker->desk;
    struct audit_last last = desk->last[desk->newest];
    int64_t seen_ms = stats_gauge(asker->stats, STATS_AUDIT_AT_MS);
    if (seen_ms > last.at_ms)
        last = (struct audit_last){.result = (int)stats_gauge(asker->stats, STATS_AUDIT_RESULT),
                                   .drift = stats_gauge(asker->stats, STATS_AUDIT_DRIFT),
                                   .at_ms = seen_ms};
    *audit = (struct http_audit){.requested_ms = desk->requested_ms,
                                 .items = desk->items,
                                 .reservations = desk->reservations,
                                 .shares = desk->shares,
                                 .result = last.result,
                                 .drift = last.drift,
                                 .at_ms = last.at_ms};
}

void audit_asker_serve(struct audit_asker *asker, struct http_audits *audits)
{
    *audits = (struct http_audits){.begin = begin, .look = look, .user = asker};
}
