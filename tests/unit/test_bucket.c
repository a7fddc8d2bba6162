/* test_bucket.c -- what is taken of a bucket, and when it is there again. */
#include "core/access/bucket.h"
#include "random.h"
#include "support/suite.h"

#define SECOND INT64_C(1000000000)

static const struct bucket_limit two_a_second = {.step_ns = SECOND / 2, .burst = 4};

TEST(a_row_of_requests_is_taken_or_told_how_long_to_wait)
{
    static const struct {
        int64_t at_ns, tokens;
        bool taken;
        int64_t left, wait_ns, full_ns;
    } rows[] = {
        {10 * SECOND, 1, true, 3, 0, SECOND / 2},           /* full at first */
        {10 * SECOND, 3, true, 0, 0, 2 * SECOND},           /* all that there is */
        {10 * SECOND, 1, false, 0, SECOND / 2, 2 * SECOND}, /* nothing is taken then */
        {10 * SECOND, 1, false, 0, SECOND / 2, 2 * SECOND},
        {10 * SECOND + SECOND / 2 - 1, 1, false, 0, 1, 3 * SECOND / 2 + 1},
        {10 * SECOND + SECOND / 2, 1, true, 0, 0, 2 * SECOND}, /* to the nanosecond */
        {11 * SECOND, 2, false, 1, SECOND / 2, 3 * SECOND / 2},
        {11 * SECOND, 4, false, 1, 3 * SECOND / 2, 3 * SECOND / 2},
        {11 * SECOND, 5, false, 1, 3 * SECOND / 2, 3 * SECOND / 2}, /* more than it ever holds */
        {11 * SECOND, 0, true, 1, 0, 3 * SECOND / 2},
        {99 * SECOND, 4, true, 0, 0, 2 * SECOND}, /* it holds no more than the burst */
        {99 * SECOND, 1, false, 0, SECOND / 2, 2 * SECOND},
    };
    int64_t bucket = 0;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct bucket_verdict v =
            bucket_take(&bucket, &two_a_second, rows[i].at_ns, rows[i].tokens);
        if (v.taken != rows[i].taken || v.left != rows[i].left || v.wait_ns != rows[i].wait_ns ||
            v.full_ns != rows[i].full_ns)
            fail_msg("row %zu: taken %d, left %lld, wait %lld, full %lld", i, v.taken,
                     (long long)v.left, (long long)v.wait_ns, (long long)v.full_ns);
    }
}

TEST(a_limit_that_was_made_narrower_is_in_force_at_once)
{
    const struct bucket_limit slow = {.step_ns = 60 * SECOND, .burst = 100};
    int64_t bucket = 0;
    assert_true(bucket_take(&bucket, &slow, SECOND, 100).taken);
    struct bucket_verdict v = bucket_take(&bucket, &two_a_second, SECOND, 1);
    assert_false(v.taken);
    assert_int_equal(v.wait_ns, SECOND / 2); /* and not the 100 minutes of before */
    assert_true(bucket_take(&bucket, &two_a_second, 2 * SECOND, 2).taken);
}

/* In any stretch of time, of whatever requests. */
TEST(never_more_than_the_burst_and_what_came_back)
{
    struct rng random;
    rng_seed(&random, 20);
    for (int run = 0; run < 200; run++) {
        const struct bucket_limit limit = {.step_ns = 1 + (int64_t)rng_below(&random, 1000),
                                           .burst = 1 + (int64_t)rng_below(&random, 50)};
        int64_t bucket = 0, now = 1, begin = 1, taken = 0;
        for (int i = 0; i < 500; i++) {
            now += (int64_t)rng_below(&random, 2000);
            int64_t tokens = (int64_t)rng_below(&random, 20);
            struct bucket_verdict v = bucket_take(&bucket, &limit, now, tokens);
            taken += v.taken ? tokens : 0;
            assert_true(v.left >= 0 && v.left <= limit.burst);
            assert_true(taken <= limit.burst + (now - begin) / limit.step_ns);
            if (!v.taken && tokens <= limit.burst) { /* who waits as long as told, gets it */
                assert_true(v.wait_ns > 0);
                now += v.wait_ns;
                assert_true(bucket_take(&bucket, &limit, now, tokens).taken);
                taken += tokens;
            }
        }
    }
}
