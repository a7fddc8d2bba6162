/* test_histogram.c -- what a histogram may get wrong, and no more. */
#include "histogram.h"
#include "random.h"
#include "support/suite.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define SAMPLES 20000

static struct histogram one, two, both, result; /* too large for a stack */

static int setup(void **state)
{
    memset(&one, 0, sizeof one);
    memset(&two, 0, sizeof two);
    memset(&both, 0, sizeof both);
    memset(&result, 0xff, sizeof result);
    return 0;
}

/* The only bucket that counts something. */
static size_t bucket_of(const struct histogram *h)
{
    size_t found = HISTOGRAM_BUCKETS;
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
        if (h->bucket[i] > 0) {
            assert_int_equal(found, HISTOGRAM_BUCKETS);
            found = i;
        }
    assert_true(found < HISTOGRAM_BUCKETS);
    return found;
}

/* Durations as a load makes them: many short ones, few very long ones. */
static uint64_t duration(struct rng *r)
{
    return rng_next(r) >> (27 + rng_below(r, 30));
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void assert_same(const struct histogram *a, const struct histogram *b)
{
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
        assert_true(a->bucket[i] == b->bucket[i]);
    assert_true(a->count == b->count);
    assert_true(a->sum == b->sum);
    assert_true(a->min == b->min);
    assert_true(a->max == b->max);
}

TEST(bounds_grow_without_a_gap_up_to_the_maximum)
{
    for (size_t i = 0; i < 256; i++)
        assert_true(histogram_bound(i) == i);
    uint64_t width = 1;
    for (size_t i = 256; i < HISTOGRAM_BUCKETS; i++) {
        assert_true(histogram_bound(i) - histogram_bound(i - 1) == width);
        if (i % 256 == 255)
            width *= 2;
    }
    assert_true(histogram_bound(HISTOGRAM_BUCKETS - 1) == HISTOGRAM_MAX);
}

TEST(each_bound_is_the_last_value_of_its_bucket)
{
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i += 1 + i / 64) {
        setup(state);
        histogram_add(&one, histogram_bound(i));
        assert_int_equal(bucket_of(&one), i);
        if (i + 1 == HISTOGRAM_BUCKETS)
            continue;
        setup(state);
        histogram_add(&one, histogram_bound(i) + 1);
        assert_int_equal(bucket_of(&one), i + 1);
    }
}

TEST(a_value_is_known_to_one_part_in_256)
{
    struct rng r;
    rng_seed(&r, 7);
    for (int i = 0; i < 2000; i++) {
        setup(state);
        uint64_t value = duration(&r);
        histogram_add(&one, value);
        uint64_t bound = histogram_bound(bucket_of(&one));
        assert_true(bound >= value);
        assert_true((double)(bound - value) <= (double)value / 256);
    }
}

TEST(larger_values_count_as_the_maximum)
{
    histogram_add(&one, UINT64_MAX);
    histogram_add(&one, HISTOGRAM_MAX + 1);
    assert_int_equal(bucket_of(&one), HISTOGRAM_BUCKETS - 1);
    assert_true(one.max == HISTOGRAM_MAX);
    assert_true(one.sum == 2 * HISTOGRAM_MAX);
    assert_true(histogram_percentile(&one, 50) == HISTOGRAM_MAX);
}

TEST(an_empty_histogram_answers_zero)
{
    assert_true(histogram_percentile(&one, 0) == 0);
    assert_true(histogram_percentile(&one, 100) == 0);
    assert_true(histogram_mean(&one) == 0);
    assert_true(histogram_deviation(&one) == 0);
    histogram_difference(&result, &one, &two);
    assert_same(&result, &one);
}

TEST(percentiles_agree_with_sorted_samples)
{
    static uint64_t samples[SAMPLES];
    static const double percents[] = {0, 0.01, 1, 25, 50, 75, 90, 99, 99.9, 99.99, 100};
    struct rng r;
    rng_seed(&r, 3);
    for (int i = 0; i < SAMPLES; i++)
        histogram_add(&one, samples[i] = duration(&r));
    qsort(samples, SAMPLES, sizeof *samples, by_value);
    for (size_t i = 0; i < sizeof percents / sizeof *percents; i++) {
        long rank = lround(ceil(percents[i] * SAMPLES / 100 - 1e-6));
        uint64_t exact = samples[rank > 0 ? rank - 1 : 0];
        uint64_t said = histogram_percentile(&one, percents[i]);
        assert_true(said >= exact);
        assert_true((double)(said - exact) <= (double)exact / 256);
    }
    assert_true(one.min == samples[0]);
    assert_true(histogram_percentile(&one, 100) == samples[SAMPLES - 1]);
}

TEST(a_percentile_is_not_rounded_to_the_next_rank)
{
    for (unsigned i = 1; i <= 1000; i++)
        histogram_add(&one, i < 1000 ? 1 : 100);
    assert_true(histogram_percentile(&one, 99.9) == 1);
    assert_true(histogram_percentile(&one, 99.91) == 100);
    /* Every whole rank of values that are known exactly, reached by its own percentage. */
    for (unsigned count = 1; count <= 255; count++) {
        setup(state);
        for (unsigned i = 1; i <= count; i++)
            histogram_add(&one, i);
        for (unsigned i = 1; i <= count; i++)
            assert_int_equal(histogram_percentile(&one, 100.0 * i / count), i);
    }
}

TEST(merged_histograms_are_one_that_counted_everything)
{
    struct rng r;
    rng_seed(&r, 4);
    for (int i = 0; i < SAMPLES; i++) {
        uint64_t value = duration(&r);
        histogram_add(i % 3 ? &one : &two, value);
        histogram_add(&both, value);
    }
    memset(&result, 0, sizeof result);
    histogram_merge(&result, &one);
    assert_same(&result, &one);
    histogram_merge(&result, &two);
    assert_same(&result, &both);
    memset(&one, 0, sizeof one);
    histogram_merge(&result, &one); /* an empty one, whose min means nothing */
    assert_same(&result, &both);
}

TEST(a_difference_is_what_came_since)
{
    struct rng r;
    rng_seed(&r, 5);
    for (int i = 0; i < SAMPLES; i++)
        histogram_add(&one, duration(&r));
    memcpy(&both, &one, sizeof both);
    for (int i = 0; i < 1000; i++) {
        uint64_t value = 5000 + rng_below(&r, 100000);
        histogram_add(&two, value);
        histogram_add(&both, value);
    }
    histogram_difference(&result, &both, &one);
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
        assert_true(result.bucket[i] == two.bucket[i]);
    assert_true(result.count == 1000);
    assert_true(result.sum == two.sum);
    assert_true(result.min <= two.min && (double)(two.min - result.min) <= (double)two.min / 256);
    assert_true(result.max >= two.max && (double)(result.max - two.max) <= (double)two.max / 256);
    assert_true(histogram_percentile(&result, 50) == histogram_percentile(&two, 50));
}

TEST(mean_is_exact_and_deviation_nearly)
{
    double sum = 0, squares = 0;
    for (unsigned i = 1; i <= 1000; i++) {
        histogram_add(&one, i * 1000);
        sum += i * 1000;
    }
    for (unsigned i = 1; i <= 1000; i++)
        squares += (i * 1000 - sum / 1000) * (i * 1000 - sum / 1000);
    assert_true(fabs(histogram_mean(&one) - sum / 1000) < 1e-6);
    double exact = sqrt(squares / 1000);
    assert_true(fabs(histogram_deviation(&one) - exact) < exact * 0.004);
}

TEST(equal_values_deviate_by_nothing)
{
    for (int i = 0; i < 10; i++)
        histogram_add(&one, 123456789);
    assert_true(histogram_deviation(&one) == 0);
    assert_true(histogram_percentile(&one, 0) == 123456789);
    assert_true(histogram_percentile(&one, 50) == 123456789);
}

EACH_BETWEEN(setup, NULL)
