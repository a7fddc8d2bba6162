/* current_state.h -- the tables of the present, page by page, in the words of core.
 *
 * Layer: ledger. For the audit and for a restore: what items, reservations, operations and
 * customers' usage the ledger says there are, as of the transaction that the caller has begun.
 * Everything handed out lives in the caller's arena, so memory is bounded by a page.
 *
 * Pages go on from the last row of the one before: the caller passes it back as `after`. A page
 * that is not full is the last one. What is asked for by name comes in the order of the names, and
 * zeroed where the ledger knows none of that name.
 */
#pragma once

#include "arena.h"
#include "core/item.h"
#include "core/reservation.h"
#include "ledger/db.h"

struct current_item {
    struct str sku;
    struct item item; /* exists = false: deleted; due_ms is 0, which the ledger does not know */
};

/* By name; behind after_sku if that is not empty. */
enum db_result current_items(struct db *db, struct arena *arena, unsigned partition,
                             struct str after_sku, size_t max, struct current_item **items,
                             size_t *count) MUST_CHECK;
enum db_result current_items_named(struct db *db, struct arena *arena, const struct str *skus,
                                   size_t count, struct current_item **items) MUST_CHECK;

/* An item right after the transition that gave it `version`, or after the last one before: *item
 * has the version found. version 0 in it: the ledger has none. */
enum db_result current_item_at(struct db *db, struct str sku, int64_t version,
                               struct item *item) MUST_CHECK;

/* Where a page of reservations goes on: behind (at_ms, rid). */
struct current_place {
    int64_t at_ms;
    struct str rid; /* empty: from at_ms on */
};

enum current_order {
    CURRENT_HELD,  /* by deadline */
    CURRENT_ENDED, /* by their end; a walk begins with those that ended at or after place.at_ms */
};

/* Held ones or finished ones, lines and all. An id that this program would not have written comes
 * as one of zeros, and a line that is not there has no sku. */
enum db_result current_reservations(struct db *db, struct arena *arena, unsigned partition,
                                    enum current_order order, struct current_place after,
                                    size_t max, struct reservation **reservations,
                                    size_t *count) MUST_CHECK;

/* One that has no line is not known. */
enum db_result current_reservations_named(struct db *db, struct arena *arena,
                                          const struct rid *rids, size_t count,
                                          struct reservation **reservations) MUST_CHECK;

struct current_operation {
    struct str key;    /* namespace and all, as in Redis */
    struct str result; /* bytes, as record_encode_result wrote them */
    int64_t at_ms;
};

/* Recorded results since since_ms, by key. */
enum db_result current_operations(struct db *db, struct arena *arena, unsigned partition,
                                  int64_t since_ms, struct str after_key, size_t max,
                                  struct current_operation **operations, size_t *count) MUST_CHECK;

/* Those of these keys; without a result: SQL has none. */
enum db_result current_operations_named(struct db *db, struct arena *arena, unsigned partition,
                                        const struct str *keys, size_t count,
                                        struct current_operation **operations) MUST_CHECK;

struct current_usage {
    struct str share; /* the inner name of the customer: one of two tenants is two */
    int64_t units;    /* held and bought since the item's last creation; never 0 in a page */
};

/* What an item's customers have of it, by name, the default tenant's first. `version`: as of that
 * transition of the item. */
enum db_result current_usage(struct db *db, struct arena *arena, struct str sku, int64_t version,
                             struct str after_share, size_t max, struct current_usage **usage,
                             size_t *count) MUST_CHECK;
enum db_result current_usage_named(struct db *db, struct arena *arena, struct str sku,
                                   int64_t version, const struct str *shares, size_t count,
                                   struct current_usage **usage) MUST_CHECK;
