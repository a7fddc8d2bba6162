/* movement.h -- one change of an item as the table events has it: a row of a list, of a feed.
 *
 * Layer: ledger. A statement selects MOVEMENT_COLUMNS from events `e` and reservations `r` (outer
 * joined, since the event names customer and reference where they were said: of a reservation,
 * once) and hands the row on from that column on.
 */
#pragma once

#include "arena.h"
#include "ledger/db.h"

#define MOVEMENT_COLUMNS                                                                           \
    "e.at_ms, e.type, e.sku, e.version, e.available_delta, e.held_delta, e.sold_delta, "           \
    "e.available, e.held, e.sold, e.rid, COALESCE(e.customer, r.customer), "                       \
    "COALESCE(e.reference, r.reference), e.reason, e.expires_ms, e.traceparent"

/* The columns of events that it is of, for a statement that first takes a window of those. */
#define MOVEMENT_OF_EVENTS                                                                         \
    "at_ms, type, sku, version, available_delta, held_delta, sold_delta, available, held, sold, "  \
    "rid, customer, reference, reason, expires_ms, tenant, traceparent"

struct movement {
    int64_t at_ms;
    struct str type, sku;
    int64_t version;
    int64_t available_delta, held_delta, sold_delta;
    int64_t available, held, sold;          /* of the item, right after it */
    struct str rid;                         /* absent: not about a reservation */
    struct str customer, reference, reason; /* absent: none */
    int64_t expires_ms;                     /* 0: none */
    struct str trace;                       /* of the request (core/traceparent.h); absent: none */
};

/* Texts are copied into the arena. False: no memory. */
bool movement_take(struct arena *arena, const struct db_value *columns,
                   struct movement *movement) MUST_CHECK;
