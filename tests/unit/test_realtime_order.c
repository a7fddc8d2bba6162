/* test_realtime_order.c -- the sweep of loadgen/check against exhaustive search.
 *
 * SEED and STEPS come from the environment; a failure prints the seed.
 */
#include "check/realtime_order.h"
#include "random.h"
#include "support/env_number.h"
#include "support/suite.h"

#define OPS_MAX 7

struct op {
    bool mutation;
    unsigned version;
    uint64_t begin_ns, end_ns;
};

struct world {
    unsigned count;
    struct op op[OPS_MAX];
};

/* Whether the operations that are left can follow one after the other from this version on. */
static bool search(const struct world *w, unsigned placed, unsigned version)
{
    if (placed == (1u << w->count) - 1)
        return true;
    for (unsigned i = 0; i < w->count; i++) {
        const struct op *op = &w->op[i];
        bool fits = op->version == version + op->mutation;
        for (unsigned j = 0; fits && j < w->count; j++)
            fits = (placed & (1u << j)) || w->op[j].end_ns >= op->begin_ns;
        if ((placed & (1u << i)) || !fits)
            continue;
        if (search(w, placed | 1u << i, op->version))
            return true;
    }
    return false;
}

static bool sweep_accepts(const struct world *w)
{
    struct sweep s;
    sweep_start(&s);
    bool fine = true;
    for (unsigned version = 0; version <= OPS_MAX; version++) {
        for (int reads = 0; reads <= 1; reads++) {
            for (unsigned i = 0; i < w->count; i++) {
                const struct op *op = &w->op[i];
                if (op->version != version || op->mutation == reads)
                    continue;
                uint32_t late = sweep_step(&s, op->mutation, op->begin_ns, op->end_ns, i + 1);
                if (!late)
                    continue;
                fine = false;
                /* The witness is a pair that says it all. */
                assert_true(w->op[late - 1].begin_ns > op->end_ns);
                assert_true(w->op[late - 1].version <= op->version);
            }
        }
    }
    return fine;
}

static void make(struct world *w, struct rng *rng)
{
    w->count = 1 + (unsigned)rng_below(rng, OPS_MAX);
    unsigned mutations = 1 + (unsigned)rng_below(rng, w->count);
    uint64_t spread = 1 + rng_below(rng, 8);
    for (unsigned i = 0; i < w->count; i++) {
        struct op *op = &w->op[i];
        op->mutation = i < mutations;
        op->version = i < mutations ? i + 1 : (unsigned)rng_below(rng, mutations + 1);
        /* Near the place that the version asks for, so that about half are right. */
        uint64_t point = 10 + op->version * 4 + (op->mutation ? 0 : 2) + rng_below(rng, spread * 3);
        uint64_t before = rng_below(rng, spread);
        op->begin_ns = point > before ? point - before : 0;
        op->end_ns = point + rng_below(rng, spread);
        if (op->mutation && rng_below(rng, 8) == 0)
            op->end_ns = SWEEP_NEVER;
    }
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
        bool legal = search(&w, 0, 0);
        if (sweep_accepts(&w) != legal)
            fail_msg("SEED=%llu STEPS=1: the search says %s", (unsigned long long)(seed + i),
                     legal ? "right" : "wrong");
        right += legal;
    }
    if (steps >= 1000) {
        assert_in_range(right, steps / 10, steps - steps / 10);
    }
}

TEST(equal_stamps_are_concurrent)
{
    struct sweep s;
    sweep_start(&s);
    assert_int_equal(sweep_step(&s, true, 10, 20, 1), 0);
    assert_int_equal(sweep_step(&s, true, 5, 10, 2), 0);
    assert_int_equal(sweep_step(&s, true, 5, 9, 3), 1);
}

TEST(reads_of_one_version_do_not_order_each_other)
{
    struct sweep s;
    sweep_start(&s);
    assert_int_equal(sweep_step(&s, true, 1, 2, 1), 0);
    assert_int_equal(sweep_step(&s, false, 50, 60, 2), 0);
    assert_int_equal(sweep_step(&s, false, 10, 20, 3), 0);
    assert_int_equal(sweep_step(&s, true, 30, 40, 4), 2);
}
