/* table.h -- names and what they stand for: a hash table that only grows.
 *
 * Layer: tests. Open addressing, linear probing. The table owns its slots and nothing else: keys
 * and values belong to the caller and must outlive the table or be replaced.
 *
 * Invariant: at most three quarters of the slots are taken, so that every probe ends.
 */
#pragma once

#include "str.h"

#include <stddef.h>
#include <stdint.h>

struct table_slot {
    uint64_t hash;
    struct str key; /* absent: the slot is free */
    void *value;
};

struct table {
    struct table_slot *slot; /* NULL until the first put */
    size_t room;             /* slots, a power of two */
    size_t count;
};

/* The value of that name, or NULL. */
void *table_find(const struct table *t, struct str key);

/* Sets the value of a name; both key and value take the place of what was there. */
void table_put(struct table *t, struct str key, void *value);
