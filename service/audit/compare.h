/* compare.h -- is what Redis has what the ledger has? One thing of each at a time.
 *
 * Layer: audit, pure: two values come in, "equal" or the first difference in words goes out.
 */
#pragma once

#include "core/item.h"
#include "core/reservation.h"
#include "store/admin/scan.h"

#define COMPARE_TEXT_SIZE 512

/* An item in Redis and the ledger's as of the same version, or of the last one before it. A restore
 * raises versions without a movement, so a difference of whole PROJECTION_RESTORE_STEPs is none. */
bool compare_item(const struct item *redis, const struct item *ledger,
                  char text[COMPARE_TEXT_SIZE]) MUST_CHECK;

/* An item's places in the indexes of Redis against what the item says. */
bool compare_places(const struct scan_item *item, char text[COMPARE_TEXT_SIZE]) MUST_CHECK;

/* Everything about a reservation. */
bool compare_reservation(const struct reservation *redis, const struct reservation *ledger,
                         char text[COMPARE_TEXT_SIZE]) MUST_CHECK;

/* The same, where either may be missing (NULL). Of those that ended before kept_since_ms Redis need
 * not know. */
bool compare_presence(const struct reservation *redis, const struct reservation *ledger,
                      int64_t kept_since_ms, char text[COMPARE_TEXT_SIZE]) MUST_CHECK;

/* An entry of an item's index of deadlines, or its absence, against the record. */
bool compare_link(const struct scan_link *link, char text[COMPARE_TEXT_SIZE]) MUST_CHECK;
