/* grow.h -- room for one more in an array that doubles.
 *
 * Layer: common.
 */
#pragma once

#include <stddef.h>
#include <stdlib.h>

#define GROW_FIRST 64 /* elements */

/* The array, perhaps moved, with room for at least n + 1 elements of `each` bytes; *cap is that for
 * which there is room now. NULL when there is no memory: then nothing has changed. */
static inline void *grow(void *array, size_t n, size_t *cap, size_t each)
{
    if (n < *cap)
        return array;
    size_t larger = *cap ? *cap * 2 : GROW_FIRST;
    void *grown = realloc(array, larger * each);
    if (grown)
        *cap = larger;
    return grown;
}
