/* reservation.h -- units of one or more items held for a customer, and how a hold may end.
 *
 * Layer: core, pure: time comes in, a verdict goes out.
 *
 *                CONFIRM       RELEASE       EXTEND     any event at or after expires_ms
 *   HELD         -> CONFIRMED  -> RELEASED   stays      -> EXPIRED (verdict LATE, event refused)
 *   CONFIRMED    repeated      refused       refused
 *   RELEASED     refused       repeated      refused
 *   EXPIRED      refused       refused       refused
 *
 * Invariant: units leave "held" exactly once. What a rereserve sells afterwards it takes from
 * "available" again.
 */
#pragma once

#include "arena.h"
#include "core/rid.h"
#include "str.h"

#include <stdbool.h>
#include <stdint.h>

enum reservation_state {
    RESERVATION_HELD,
    RESERVATION_CONFIRMED,
    RESERVATION_RELEASED,
    RESERVATION_EXPIRED,
    RESERVATION_STATES
};

enum reservation_event {
    RESERVATION_CONFIRM,
    RESERVATION_RELEASE,
    RESERVATION_EXTEND,
    RESERVATION_EVENTS
};

enum reservation_verdict {
    RESERVATION_MOVED,    /* legal: the caller moves the units and writes the record */
    RESERVATION_REPEATED, /* already there: answer as the first time, move nothing */
    RESERVATION_LATE,     /* the deadline came first: give the units back, refuse the event */
    RESERVATION_REFUSED,  /* not legal from here: move nothing */
};

/* One line. `remaining` and `version` are the item's right after the last transition. */
struct reservation_line {
    struct str sku;
    int64_t quantity; /* held; once confirmed: sold */
    int64_t reserved; /* asked for at the start, never changed */
    int64_t remaining, version;
    int64_t expired_remaining, expired_version; /* of the expiry, when rereserved */
};

struct reservation {
    struct rid id;
    enum reservation_state state;
    bool rereserved; /* confirmed after an expiry: lines carry the expired_ pair as well */
    int64_t created_ms;
    int64_t expires_ms;
    int64_t ended_ms;               /* 0 while held */
    struct str customer, reference; /* absent or text */
    struct str metadata;            /* absent or a JSON object as text */
    struct str owner;               /* of who made it, see tenant.h; absent: default's */
    struct str share;               /* the inner name of its customer: reservation_name_share() */
    unsigned line_count;
    struct reservation_line *lines;
};

/* What the event means at now_ms; changes nothing. */
enum reservation_verdict reservation_judge(const struct reservation *r,
                                           enum reservation_event event, int64_t now_ms) MUST_CHECK;

/* Fills `share` by customer and owner. False: no memory. */
bool reservation_name_share(struct reservation *r, struct arena *arena) MUST_CHECK;

/* "held", "confirmed", ... */
const char *reservation_state_name(enum reservation_state state);
