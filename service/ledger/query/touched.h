/* touched.h -- what the events of a part of the history were about, page by page.
 *
 * Layer: ledger. In the transaction that the caller has begun; what is handed out lives in the
 * caller's arena. A page begins behind the last row of the one before, and one that is not full is
 * the last.
 */
#pragma once

#include "arena.h"
#include "ledger/query/tail.h"

/* A row of `events`, by the names in it, inner ones (core/tenant.h); each absent if it has none. */
struct touched {
    struct tail_position at;
    struct str sku, rid, share, key; /* share: of its customer */
    bool forgets; /* the item was made or deleted: nothing is counted of its customers any more */
};

/* Rows behind `after`, up to the last one of the entry `end`. */
enum db_result touched_page(struct db *db, struct arena *arena, unsigned partition,
                            struct tail_position after, struct event_id end, size_t max,
                            struct touched **rows, size_t *count) MUST_CHECK;

/* How many there are in all. */
enum db_result touched_count(struct db *db, unsigned partition, struct tail_position after,
                             struct event_id end, int64_t *count) MUST_CHECK;
