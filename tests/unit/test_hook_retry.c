/* test_hook_retry.c -- how long is waited before an event is sent again, and an endpoint asked. */
#include "hooks/retry.h"
#include "support/suite.h"

#include <stdbool.h>

#define NONE 0
#define ALL  UINT64_MAX

TEST(each_wait_is_four_times_the_one_before_up_to_twelve_hours)
{
    int64_t right_ms = 5000;
    for (unsigned attempts = 1; attempts < 100; attempts++) {
        assert_int_equal(retry_wait_ms(5000, attempts, 0, NONE), right_ms);
        right_ms = right_ms * 4 < RETRY_MAX_MS ? right_ms * 4 : RETRY_MAX_MS;
    }
    assert_int_equal(right_ms, RETRY_MAX_MS);
}

TEST(chance_takes_up_to_a_half_off)
{
    bool less = false, more = false;
    for (uint64_t i = 0; i < 10000; i++) {
        int64_t ms = retry_wait_ms(1000, 2, 0, i * 7919);
        assert_in_range(ms, 2000, 4000);
        less = less || ms < 2100;
        more = more || ms > 3900;
    }
    assert_true(less && more);
    assert_in_range(retry_wait_ms(10, 1, 0, ALL), 5, 10);
}

TEST(what_an_endpoint_asks_for_is_the_least_up_to_a_day)
{
    assert_int_equal(retry_wait_ms(1000, 1, 30000, NONE), 30000);
    assert_int_equal(retry_wait_ms(1000, 8, 30000, NONE), 16384000);
    assert_int_equal(retry_wait_ms(1000, 1, INT64_MAX, NONE), RETRY_ASKED_MS);
}

TEST(an_endpoint_is_left_alone_after_a_run_of_failures)
{
    for (unsigned run = 0; run < RETRY_DOUBT_RUN; run++)
        assert_int_equal(retry_pause_ms(1000, run, NONE), 0);
    assert_int_equal(retry_pause_ms(1000, RETRY_DOUBT_RUN, NONE), 1000);
    assert_int_equal(retry_pause_ms(1000, RETRY_DOUBT_RUN + 3, NONE), 8000);
    assert_int_equal(retry_pause_ms(1000, UINT32_MAX, NONE), RETRY_PAUSE_MS);
    assert_in_range(retry_pause_ms(1000, RETRY_DOUBT_RUN, 12345), 500, 1000);
}
