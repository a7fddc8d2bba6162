/* test_bisection.c -- the search for the highest rate that holds: where it ends, after how many
 * trials, and that no answers of a trial can lead it in a circle. */
#include "random.h"
#include "run/bisection.h"
#include "support/suite.h"

#define TRIALS_MAX 200

/* A service: whether it holds a rate at the n-th trial. */
typedef bool service(int64_t rate, unsigned trial);

static bool up_to_10k(int64_t rate, unsigned trial)
{
    return rate <= 10000;
}

static bool up_to_37(int64_t rate, unsigned trial)
{
    return rate <= 37;
}

static bool all_good(int64_t rate, unsigned trial)
{
    return true;
}

static bool all_bad(int64_t rate, unsigned trial)
{
    return false;
}

/* Every third trial goes wrong, whatever the rate. */
static bool hiccups(int64_t rate, unsigned trial)
{
    return rate <= 10000 && trial % 3 != 0;
}

/* Held and missed in turns: nothing can be known, but it must end. */
static bool contradictions(int64_t rate, unsigned trial)
{
    return trial % 2 == 0;
}

/* Better at high rates than at some lower ones: batching can look like that. */
static bool a_dip(int64_t rate, unsigned trial)
{
    return rate <= 10000 && (rate < 3000 || rate > 3500);
}

static unsigned search(struct bisection *b, int64_t first, service *holds)
{
    unsigned trials = 0;
    bisection_begin(b, first);
    while (b->next > 0) {
        int64_t tried = b->next;
        assert_in_range(tried, b->floor, b->ceiling);
        assert_true(tried > b->low && (b->high == 0 || tried < b->high));
        bisection_tell(b, holds(tried, ++trials));
        assert_true(b->high == 0 || b->low < b->high);
        assert_true(trials < TRIALS_MAX);
    }
    return trials;
}

/* high_min..high_max 0: no rate may count as missed. */
static const struct row {
    const char *name;
    service *holds;
    int64_t first, floor, ceiling;
    double precision;
    unsigned tries;
    int64_t low_min, low_max, high_min, high_max;
    unsigned trials_max;
} rows[] = {
    {"monotone, from below", up_to_10k, 1000, 1, 1000000, 0.05, 1, 9500, 10000, 10001, 10500, 9},
    {"monotone, from above", up_to_10k, 640000, 1, 1000000, 0.05, 1, 9500, 10000, 10001, 10500, 12},
    {"monotone, to the last one", up_to_10k, 1000, 1, 1000000, 0, 1, 10000, 10000, 10001, 10001,
     20},
    {"small numbers", up_to_37, 1, 1, 1000000, 0.001, 1, 37, 37, 38, 38, 13},
    {"the first is below the floor", up_to_37, 1, 20, 1000000, 0.05, 1, 36, 37, 38, 38, 7},
    {"all good: the ceiling is tried", all_good, 1000, 1, 50000, 0.05, 1, 50000, 50000, 0, 0, 7},
    {"the first is above the ceiling", all_good, 90000, 1, 50000, 0.05, 1, 50000, 50000, 0, 0, 1},
    {"all bad: the floor is tried", all_bad, 1000, 40, 50000, 0.05, 1, 0, 0, 40, 40, 6},
    {"all bad, tried twice each", all_bad, 1000, 40, 50000, 0.05, 2, 0, 0, 40, 40, 12},
    {"floor and ceiling are one", all_good, 7, 7, 7, 0.05, 1, 7, 7, 0, 0, 1},
    {"hiccups, with a second try", hiccups, 1000, 1, 1000000, 0.05, 2, 9500, 10000, 10001, 10500,
     20},
    {"hiccups, without one", hiccups, 1000, 1, 1000000, 0.05, 1, 1, 10000, 2, 10500, 30},
    {"contradictions", contradictions, 1000, 1, 1000000, 0.01, 1, 0, 1000000, 0, 1000000, 40},
    {"a dip that doubling steps over", a_dip, 1000, 1, 1000000, 0.05, 1, 9500, 10000, 10001, 10500,
     9},
};

TEST(it_ends_near_the_highest_rate_that_holds)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct row *row = &rows[i];
        struct bisection b = {.floor = row->floor,
                              .ceiling = row->ceiling,
                              .precision = row->precision,
                              .tries = row->tries};
        unsigned trials = search(&b, row->first, row->holds);
        if (b.low < row->low_min || b.low > row->low_max || b.high < row->high_min ||
            b.high > row->high_max || trials > row->trials_max)
            fail_msg("%s: %lld to %lld after %u trials", row->name, (long long)b.low,
                     (long long)b.high, trials);
    }
}

/* The nearest it can come: whatever missed, missed as often as there are tries. */
TEST(a_rate_is_missed_only_when_each_of_its_tries_missed)
{
    struct bisection b = {.floor = 1, .ceiling = 1000, .precision = 0.05, .tries = 3};
    bisection_begin(&b, 100);
    bisection_tell(&b, false);
    bisection_tell(&b, false);
    assert_true(b.next == 100 && b.high == 0);
    bisection_tell(&b, true);
    assert_true(b.low == 100 && b.next == 200 && b.missed == 0);
    for (int i = 0; i < 3; i++)
        bisection_tell(&b, false);
    assert_true(b.high == 200 && b.low == 100 && b.next > 100 && b.next < 200);
}

TEST(random_answers_never_lead_it_in_a_circle)
{
    struct rng rng;
    rng_seed(&rng, 20261122);
    for (int run = 0; run < 2000; run++) {
        struct bisection b = {.floor = 1 + (int64_t)rng_below(&rng, 50),
                              .precision = (double)rng_below(&rng, 100) / 1000,
                              .tries = 1 + (unsigned)rng_below(&rng, 3)};
        b.ceiling = b.floor + (int64_t)rng_below(&rng, 1000000);
        unsigned trials = 0;
        bisection_begin(&b, (int64_t)rng_below(&rng, 2000000));
        while (b.next > 0) {
            bisection_tell(&b, rng_below(&rng, 2) == 0);
            assert_true(b.high == 0 || b.low < b.high);
            assert_true(++trials < TRIALS_MAX);
        }
    }
}
