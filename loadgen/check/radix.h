/* radix.h -- sorting many small things by a 64-bit number.
 *
 * Layer: check, pure. Each thing begins with its key, a uint64_t. The sort is stable and linear:
 * it takes as many passes as the distance between the smallest and the largest key needs, two or
 * three for the versions of ten million operations.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* A key and what travels with it. */
struct radix_pair {
    uint64_t key, value;
};

/* spare has room for n of them; its content is lost. */
void radix_sort_pairs(struct radix_pair *pairs, size_t n, struct radix_pair *spare);
void radix_sort_keys(uint64_t *keys, size_t n, uint64_t *spare);

/* Turns how many there are of each of n into the places where each begins; gives their sum. */
static inline size_t radix_starts(size_t *counts, size_t n)
{
    size_t sum = 0;
    for (size_t i = 0; i < n; i++) {
        size_t count = counts[i];
        counts[i] = sum;
        sum += count;
    }
    return sum;
}
