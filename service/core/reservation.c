#include "core/reservation.h"
#include "core/tenant.h"

#include <assert.h>

/* The table of reservation.h, as data: a new rule is a new cell here. */
/* clang-format off */
static const enum reservation_verdict verdicts[RESERVATION_STATES][RESERVATION_EVENTS] = {
    /*                           CONFIRM               RELEASE               EXTEND */
    [RESERVATION_HELD]      = {RESERVATION_MOVED,    RESERVATION_MOVED,    RESERVATION_MOVED},
    [RESERVATION_CONFIRMED] = {RESERVATION_REPEATED, RESERVATION_REFUSED,  RESERVATION_REFUSED},
    [RESERVATION_RELEASED]  = {RESERVATION_REFUSED,  RESERVATION_REPEATED, RESERVATION_REFUSED},
    [RESERVATION_EXPIRED]   = {RESERVATION_REFUSED,  RESERVATION_REFUSED,  RESERVATION_REFUSED},
};
/* clang-format on */
static_assert(RESERVATION_STATES == 4 && RESERVATION_EVENTS == 3, "a new value needs its cells");

enum reservation_verdict reservation_judge(const struct reservation *r,
                                           enum reservation_event event, int64_t now_ms)
{
    assert(r->state < RESERVATION_STATES);
    assert(event < RESERVATION_EVENTS);
    /* Expiry beats the event: the sweep may run late, and a confirm that won after the deadline
     * could sell units which another request has been promised. */
    if (r->state == RESERVATION_HELD && now_ms >= r->expires_ms)
        return RESERVATION_LATE;
    return verdicts[r->state][event];
}

bool reservation_name_share(struct reservation *r, struct arena *arena)
{
    r->share = tenant_inner(arena, owner_tenant(r->owner), TENANT_MARK_SHARE, r->customer);
    return str_absent(r->share) == str_absent(r->customer);
}

const char *reservation_state_name(enum reservation_state state)
{
    static const char *const names[] = {"held", "confirmed", "released", "expired"};
    static_assert(sizeof(names) / sizeof(names[0]) == RESERVATION_STATES, "a name a state");
    assert(state < RESERVATION_STATES);
    return names[state];
}
