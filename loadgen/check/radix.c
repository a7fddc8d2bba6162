#include "check/radix.h"

#include <string.h>

#define DIGIT_BITS 11
#define DIGITS     (1u << DIGIT_BITS)
#define FEW        48 /* below this, insertion is quicker than counting */

/* The functions below are made for two widths: words is 1 or 2 and known where they are inlined. */
#define INLINE static inline __attribute__((always_inline))

INLINE void insertion_sort(uint64_t *a, size_t n, size_t words)
{
    for (size_t i = 1; i < n; i++) {
        uint64_t moving[2];
        memcpy(moving, a + i * words, words * sizeof(uint64_t));
        size_t j = i;
        for (; j > 0 && a[(j - 1) * words] > moving[0]; j--)
            memcpy(a + j * words, a + (j - 1) * words, words * sizeof(uint64_t));
        memcpy(a + j * words, moving, words * sizeof(uint64_t));
    }
}

INLINE void one_pass(const uint64_t *from, uint64_t *to, size_t n, size_t words, uint64_t least,
                     unsigned shift)
{
    size_t start[DIGITS] = {0};
    for (size_t i = 0; i < n; i++)
        start[((from[i * words] - least) >> shift) & (DIGITS - 1)]++;
    (void)radix_starts(start, DIGITS);
    for (size_t i = 0; i < n; i++) {
        size_t at = start[((from[i * words] - least) >> shift) & (DIGITS - 1)]++;
        memcpy(to + at * words, from + i * words, words * sizeof(uint64_t));
    }
}

INLINE void sort(uint64_t *a, size_t n, uint64_t *spare, size_t words)
{
    if (n < FEW) {
        insertion_sort(a, n, words);
        return;
    }
    uint64_t least = a[0], most = a[0];
    for (size_t i = 1; i < n; i++) {
        uint64_t key = a[i * words];
        least = key < least ? key : least;
        most = key > most ? key : most;
    }
    uint64_t *from = a, *to = spare;
    for (unsigned shift = 0; shift < 64 && (most - least) >> shift; shift += DIGIT_BITS) {
        one_pass(from, to, n, words, least, shift);
        uint64_t *other = from;
        from = to;
        to = other;
    }
    if (from != a)
        memcpy(a, from, n * words * sizeof(uint64_t));
}

void radix_sort_pairs(struct radix_pair *pairs, size_t n, struct radix_pair *spare)
{
    sort((uint64_t *)(void *)pairs, n, (uint64_t *)(void *)spare, 2);
}

void radix_sort_keys(uint64_t *keys, size_t n, uint64_t *spare)
{
    sort(keys, n, spare, 1);
}
