/* item.h -- the counters of one SKU.
 *
 * Layer: core, pure.
 * Invariant, at every instant: received = available + held + sold, and none of them is negative;
 * item_check() asserts it. `version` grows by exactly one with every transition and goes on after
 * deletion and re-creation: a deleted item stays behind as a version without counters.
 */
#pragma once

#include "str.h"

#include <stdbool.h>
#include <stdint.h>

#define ITEM_TEXT_SIZE 192

struct item {
    bool exists; /* false with version > 0: deleted */
    int64_t available, held, sold;
    int64_t version;          /* 0: never was */
    int64_t max_per_customer; /* 0: no limit */
    int64_t updated_ms;
    int64_t due_ms; /* no hold of this item is due before this instant; 0: no holds */
    bool due_exact; /* due_ms is the earliest deadline, not only a bound for it */
};

/* Units in the building: what an inventory count would find. */
static inline int64_t item_on_hand(const struct item *item)
{
    return item->available + item->held;
}

/* Asserts what must hold of any item. */
void item_check(const struct item *item);

/* True if every counter is in its bounds. */
bool item_valid(const struct item *item) MUST_CHECK;

/* Decimal fields with blanks between, a format number first; readable in redis-cli.
 * Returns the length without the NUL. */
size_t item_encode(const struct item *item, char out[ITEM_TEXT_SIZE]);

/* False if the text is not what item_encode writes. */
bool item_decode(struct str text, struct item *item) MUST_CHECK;

/* The contract's [A-Za-z0-9._:-]{1,64}. */
bool sku_valid(struct str sku) MUST_CHECK;
