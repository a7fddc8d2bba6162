/* nearest.h -- which of several names somebody meant who mistyped one.
 *
 * Layer: common, pure.
 */
#pragma once

#include "str.h"

#include <stddef.h>

#define NEAREST_NAME_MAX 64 /* bytes; longer names are near to nothing */

/* How many letters to add, drop, change, or swap with their neighbour (Damerau-Levenshtein in its
 * restricted form: no letter is touched twice). SIZE_MAX when one of them is longer than
 * NEAREST_NAME_MAX. */
size_t nearest_distance(struct str a, struct str b);

/* Keeps the nearest name of those that were offered. */
struct nearest {
    struct str typed;
    const char *name; /* NULL: none is near enough to be a typo */
    size_t distance;  /* of it; at first the first one that is too far */
};

struct nearest nearest_to(struct str typed);
void nearest_offer(struct nearest *nearest, const char *name);
