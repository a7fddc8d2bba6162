/* test_radix.c -- the sort, against qsort. */
#include "check/radix.h"
#include "random.h"
#include "support/suite.h"

#include <stdlib.h>
#include <string.h>

#define MOST 3000

static int by_key_then_value(const void *a, const void *b)
{
    const struct radix_pair *x = a, *y = b;
    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    return (x->value > y->value) - (x->value < y->value);
}

/* Keys of every width, with equal ones among them; the values tell whether equal keys kept their
 * order. */
static size_t fill(struct rng *rng, struct radix_pair *pairs)
{
    size_t n = rng_below(rng, MOST + 1);
    uint64_t base = rng_below(rng, 2) ? rng_next(rng) : 0;
    unsigned width = (unsigned)rng_below(rng, 64);
    for (size_t i = 0; i < n; i++)
        pairs[i] = (struct radix_pair){base + (rng_next(rng) >> width), i};
    return n;
}

TEST(pairs_are_sorted_and_equal_ones_keep_their_order)
{
    static struct radix_pair is[MOST], right[MOST], spare[MOST];
    struct rng rng;
    rng_seed(&rng, 1);
    for (int round = 0; round < 300; round++) {
        size_t n = fill(&rng, is);
        memcpy(right, is, n * sizeof(*is));
        radix_sort_pairs(is, n, spare);
        qsort(right, n, sizeof(*right), by_key_then_value);
        assert_memory_equal(is, right, n * sizeof(*is));
    }
}

TEST(keys_are_sorted)
{
    static struct radix_pair pairs[MOST];
    static uint64_t keys[MOST], spare[MOST];
    struct rng rng;
    rng_seed(&rng, 2);
    for (int round = 0; round < 300; round++) {
        size_t n = fill(&rng, pairs);
        for (size_t i = 0; i < n; i++)
            keys[i] = pairs[i].key;
        radix_sort_keys(keys, n, spare);
        qsort(pairs, n, sizeof(*pairs), by_key_then_value);
        for (size_t i = 0; i < n; i++)
            assert_true(keys[i] == pairs[i].key);
    }
}
