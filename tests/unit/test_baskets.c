/* test_baskets.c -- one order for operations on several items, against exhaustive search.
 *
 * SEED and STEPS come from the environment; a failure prints the seed.
 */
#include "check/realtime_order.h"
#include "check/serial.h"
#include "random.h"
#include "support/env_number.h"
#include "support/suite.h"

#define NODES_MAX 6
#define ITEMS_MAX 3
#define ENTRIES   ((NODES_MAX + 1) * ITEMS_MAX)

struct world {
    unsigned nodes, items;
    uint64_t begin_ns[NODES_MAX], end_ns[NODES_MAX];
    uint64_t key[NODES_MAX][ITEMS_MAX]; /* 0: the node has no line there */
    size_t first[ITEMS_MAX + 1];
    struct radix_pair entries[ENTRIES];
};

/* Nodes have numbers from 1, so that a 0 shows itself. */
static void span(void *ctx, uint32_t node, uint64_t *begin_ns, uint64_t *end_ns)
{
    const struct world *w = ctx;
    *begin_ns = w->begin_ns[node - 1];
    *end_ns = w->end_ns[node - 1];
}

static bool line(void *ctx, uint32_t node, unsigned n, uint32_t *item, uint64_t *key)
{
    const struct world *w = ctx;
    if (n >= w->items)
        return false;
    *item = n;
    *key = w->key[node - 1][n];
    return true;
}

/* Versions start at 1: item i has version 1 before anything. */
static bool fits(const struct world *w, unsigned node, const uint64_t *version)
{
    for (unsigned i = 0; i < w->items; i++) {
        uint64_t key = w->key[node][i];
        if (key && key >> 1 != version[i] + !(key & 1))
            return false;
    }
    return true;
}

static bool search(const struct world *w, unsigned placed, const uint64_t *version)
{
    if (placed == (1u << w->nodes) - 1)
        return true;
    for (unsigned n = 0; n < w->nodes; n++) {
        if ((placed & (1u << n)) || !fits(w, n, version))
            continue;
        bool in_time = true;
        for (unsigned m = 0; m < w->nodes; m++)
            in_time &= (placed & (1u << m)) || w->end_ns[m] >= w->begin_ns[n];
        uint64_t after[ITEMS_MAX] = {0};
        for (unsigned i = 0; i < w->items; i++)
            after[i] = w->key[n][i] ? w->key[n][i] >> 1 : version[i];
        if (in_time && search(w, placed | 1u << n, after))
            return true;
    }
    return false;
}

/* Each node takes lines in an order that is one for all at first; then a few things are moved. */
static void make(struct world *w, struct rng *rng)
{
    *w = (struct world){0};
    w->nodes = 2 + (unsigned)rng_below(rng, NODES_MAX - 1);
    w->items = 1 + (unsigned)rng_below(rng, ITEMS_MAX);
    uint64_t spread = 1 + rng_below(rng, 30);
    uint64_t version[ITEMS_MAX] = {1, 1, 1};
    for (unsigned n = 0; n < w->nodes; n++) {
        bool read = rng_below(rng, 4) == 0;
        uint64_t lines = 1 + rng_below(rng, (1u << w->items) - 1);
        for (unsigned i = 0; i < w->items; i++) {
            if (lines & (1u << i))
                w->key[n][i] = read ? version[i] << 1 | 1 : ++version[i] << 1;
        }
        uint64_t point = 100 + n * 10;
        w->begin_ns[n] = point - rng_below(rng, spread);
        w->end_ns[n] = point + rng_below(rng, spread);
        if (!read && rng_below(rng, 8) == 0)
            w->end_ns[n] = SWEEP_NEVER;
    }
    for (uint64_t moves = rng_below(rng, 4); moves > 0; moves--) {
        unsigned a = (unsigned)rng_below(rng, w->nodes), b = (unsigned)rng_below(rng, w->nodes);
        unsigned i = (unsigned)rng_below(rng, w->items);
        uint64_t x = w->key[a][i], y = w->key[b][i];
        if (x && y && (x & 1) == (y & 1)) {
            w->key[a][i] = y;
            w->key[b][i] = x;
        }
    }
}

static void sort_entries(struct world *w)
{
    struct radix_pair spare[ENTRIES];
    size_t count = 0;
    for (unsigned i = 0; i < w->items; i++) {
        w->first[i] = count;
        for (unsigned n = 0; n < w->nodes; n++) {
            if (w->key[n][i])
                w->entries[count++] = (struct radix_pair){w->key[n][i], n + 1};
        }
        radix_sort_pairs(w->entries + w->first[i], count - w->first[i], spare);
    }
    w->first[w->items] = count;
}

static bool before_by_version(const struct world *w, uint32_t a, uint32_t b)
{
    for (unsigned i = 0; i < w->items; i++) {
        if (w->key[a - 1][i] && w->key[b - 1][i] && w->key[a - 1][i] < w->key[b - 1][i])
            return true;
    }
    return false;
}

/* The cycle that is shown must be one. */
static void check_cycle(const struct world *w, const struct serial_result *r)
{
    assert_in_range(r->length, 2, NODES_MAX);
    uint32_t first = r->cycle[0], last = r->cycle[r->length - 1];
    for (unsigned i = 0; i + 1 < r->length; i++)
        assert_true(before_by_version(w, r->cycle[i], r->cycle[i + 1]));
    if (r->by_time)
        assert_true(w->end_ns[last - 1] < w->begin_ns[first - 1]);
    else
        assert_true(before_by_version(w, last, first));
}

static bool ordered(struct world *w)
{
    sort_entries(w);
    struct serial serial = {.items = w->items,
                            .entries = w->entries,
                            .first = w->first,
                            .nodes = w->nodes + 1,
                            .ctx = w,
                            .span = span,
                            .line = line};
    struct serial_result result;
    assert_int_equal(serial_order(&serial, &result), 0);
    if (result.length > 0)
        check_cycle(w, &result);
    else
        assert_int_equal(result.ordered, w->nodes);
    return result.length == 0;
}

TEST(agrees_with_exhaustive_search)
{
    uint64_t seed = env_number("SEED", 1), steps = env_number("STEPS", 60000);
    uint64_t right = 0;
    for (uint64_t i = 0; i < steps; i++) {
        struct rng rng;
        rng_seed(&rng, seed + i);
        struct world w;
        make(&w, &rng);
        bool legal = search(&w, 0, (uint64_t[ITEMS_MAX]){1, 1, 1});
        if (ordered(&w) != legal)
            fail_msg("SEED=%llu STEPS=1: the search says %s", (unsigned long long)(seed + i),
                     legal ? "right" : "wrong");
        right += legal;
    }
    if (steps >= 1000) {
        assert_in_range(right, steps / 10, steps - steps / 10);
    }
}

TEST(baskets_that_cross_are_a_cycle_of_versions_alone)
{
    struct world w = {
        .nodes = 2,
        .items = 2,
        .begin_ns = {1, 1},
        .end_ns = {9, 9},
        .key = {{2 << 1, 3 << 1}, {3 << 1, 2 << 1}},
    };
    assert_false(ordered(&w));
}

TEST(items_that_agree_each_by_itself_need_not_agree_together)
{
    /* On item 0 the first comes before the second, on item 1 the second before the third; but the
     * third was over before the first began. */
    struct world w = {
        .nodes = 3,
        .items = 2,
        .begin_ns = {30, 10, 10},
        .end_ns = {40, 50, 20},
        .key = {{2 << 1, 0}, {3 << 1, 2 << 1}, {0, 2 << 1 | 1}},
    };
    assert_false(ordered(&w));
}
