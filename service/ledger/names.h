/* names.h -- numbers for the distinct names of a chunk, in order of appearance.
 *
 * Layer: ledger, pure. Lives in the arena it was given; the names stay somebody else's. At most
 * half of the slots are in use.
 */
#pragma once

#include "arena.h"
#include "str.h"

#include <stdint.h>

#define NAMES_NONE UINT32_MAX

struct names {
    struct arena *arena;
    struct str *name; /* by number */
    uint32_t *slots;  /* number + 1, 0: free */
    uint32_t count, slot_count;
};

/* Allocates nothing yet. */
void names_init(struct names *names, struct arena *arena);

/* The number of a name, a new one if need be; NAMES_NONE: no memory. */
uint32_t names_add(struct names *names, struct str name) MUST_CHECK;

/* The number of a name that may not be there: NAMES_NONE. */
uint32_t names_find(const struct names *names, struct str name);
