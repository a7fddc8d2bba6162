/* test_arrival.c -- arrivals come when they should, all of them, whoever makes them. */
#include "client/arrival.h"
#include "support/suite.h"

#include <math.h>

#define SECOND UINT64_C(1000000000)

TEST(evenly_spaced_arrivals_of_all_processes_interleave)
{
    const struct arrival_stage stage = {SECOND, 1000};
    struct arrival a[4];
    uint64_t at[4];
    unsigned count = 0;
    for (unsigned i = 0; i < 4; i++) {
        arrival_open(&a[i], &stage, 1, false, i, 4, 1);
        assert_true(arrival_next(&a[i], &at[i]));
    }
    for (uint64_t want = 0; want < SECOND; want += SECOND / 1000, count++) {
        unsigned i = count % 4;
        assert_in_range(at[i], want, want + 1);
        bool more = arrival_next(&a[i], &at[i]);
        assert_int_equal(more, count < 996);
    }
    assert_int_equal(count, 1000);
}

TEST(poisson_arrivals_have_the_rate_and_the_spread_of_their_law)
{
    const struct arrival_stage stage = {100 * SECOND, 2000};
    struct arrival a;
    double sum = 0, squares = 0, before = 0;
    unsigned n = 0;
    arrival_open(&a, &stage, 1, true, 1, 2, 7); /* half of 2,000 a second */
    for (uint64_t at; arrival_next(&a, &at); n++) {
        double gap = (double)at - before;
        assert_true(gap >= 0);
        before = (double)at;
        sum += gap;
        squares += gap * gap;
    }
    double mean = sum / n, deviation = sqrt(squares / n - mean * mean);
    assert_true(n > 98000 && n < 102000);
    assert_true(fabs(mean - 1e6) < 2e4);
    assert_true(fabs(deviation - 1e6) < 3e4); /* exponential: as large as the mean */
}

TEST(the_same_seed_gives_the_same_arrivals_and_another_process_others)
{
    const struct arrival_stage stage = {SECOND, 500};
    struct arrival a, b, other;
    uint64_t x, y, z;
    unsigned same = 0, n = 0;
    arrival_open(&a, &stage, 1, true, 0, 2, 11);
    arrival_open(&b, &stage, 1, true, 0, 2, 11);
    arrival_open(&other, &stage, 1, true, 1, 2, 12);
    while (arrival_next(&a, &x) && arrival_next(&other, &z)) {
        assert_true(arrival_next(&b, &y));
        assert_int_equal(x, y);
        same += x == z;
        n++;
    }
    assert_true(n > 150);
    assert_true(same < 5);
}

TEST(stages_follow_each_other_and_a_silent_one_is_silent)
{
    const struct arrival_stage stages[] = {{SECOND, 100}, {2 * SECOND, 0}, {SECOND, 300}};
    struct arrival a;
    unsigned first = 0, silent = 0, last = 0;
    arrival_open(&a, stages, 3, false, 0, 1, 1);
    for (uint64_t at; arrival_next(&a, &at);) {
        first += at < SECOND;
        silent += at >= SECOND && at < 3 * SECOND;
        last += at >= 3 * SECOND && at < 4 * SECOND;
    }
    assert_int_equal(first, 100);
    assert_int_equal(silent, 0);
    assert_int_equal(last, 300);
    uint64_t at;
    assert_false(arrival_next(&a, &at)); /* and it stays over */
}
