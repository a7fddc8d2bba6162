/* tail.h -- the events behind a position, over all partitions, as far as they are a tenant's.
 *
 * Layer: ledger. Reads only, inside the transaction that the caller has begun (db_begin_read), so
 * that a page and the ends it is bounded by are of one instant. Texts live in the caller's arena.
 *
 * A position is a row of `events` for each partition: the last one that was seen. Within a
 * partition rows come in the order of their key; rows of different partitions are merged by their
 * time, as far as they are there. So the events of an item come in the order of its versions.
 *
 * A tenant sees what its own clients did, and the ends of their holds; absent or TENANT_DEFAULT is
 * the default one. Its events are among those of the others, and a page looks at a bounded number
 * of rows, so it may have come a part of the way and found nothing.
 *
 * Invariant: a row that is behind a position when it becomes visible is never in front of it
 * later. The rows of an entry become visible together with the checkpoint that names the entry, and
 * checkpoints of a partition only go up: whoever moves one holds the lock on its row.
 */
#pragma once

#include "arena.h"
#include "core/event_id.h"
#include "ledger/query/movement.h"

#define TAIL_LOOK_MAX                                                                              \
    10000 /* rows of others that a page may pass over, and what a last look adds */

struct tail_position {
    struct event_id id; /* epoch 0: in front of the first row */
    int64_t n;
};

struct tail_event {
    unsigned partition;
    struct tail_position at;
    struct movement movement;
};

/* Below zero, zero or above, as a is in front of b, equal or behind. */
int tail_compare(const struct tail_position *a, const struct tail_position *b);

/* Where each partition ends: the last row up to its checkpoint. */
enum db_result tail_ends(struct db *db, struct tail_position *ends, unsigned partitions) MUST_CHECK;

/* Up to `max` events of the tenant behind `at`, none behind `ends`; `at` moves behind them and what
 * was passed over, rows that tell of no item among it. No events, and `at` not at the ends: there
 * may be some behind it still. */
enum db_result tail_page(struct db *db, struct arena *arena, struct str tenant,
                         struct tail_position *at, const struct tail_position *ends,
                         unsigned partitions, size_t max, struct tail_event **events,
                         size_t *count) MUST_CHECK;
