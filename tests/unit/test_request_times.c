/* test_request_times.c -- the parts of a request's time: whatever moments there were, they add up.
 */
#include "http/request/request_times.h"
#include "random.h"
#include "support/suite.h"

static void check_parts(size_t row, const struct request_parts *got,
                        const struct request_parts *right)
{
    const int64_t *is = (const int64_t *)got, *should = (const int64_t *)right;
    static const char *const names[] = {"total", "body",       "queue", "redis",
                                        "sql",   "durability", "write"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (is[i] != should[i])
            fail_msg("row %zu, %s: %lld, not %lld", row, names[i], (long long)is[i],
                     (long long)should[i]);
}

TEST(each_part_lies_between_its_moments)
{
    static const struct {
        struct request_times times;
        struct request_parts parts;
    } rows[] = {
        /* All of it was there at once, and took no time. */
        {{0}, {.total = 900, .body = 900}},
        /* An operation, at any level. */
        {{.arrived_us = 1100, .taken_us = 1130, .answered_us = 1530, .queues = true},
         {.total = 900, .body = 100, .queue = 30, .redis = 400, .write = 370}},
        {{.arrived_us = 1100,
          .taken_us = 1130,
          .kept_us = 1200,
          .answered_us = 1900,
          .queues = true},
         {.total = 900, .body = 100, .queue = 30, .redis = 70, .durability = 700}},
        /* A read, which does not queue; one that the ledger answers. */
        {{.arrived_us = 1000, .answered_us = 1800}, {.total = 900, .redis = 800, .write = 100}},
        {{.arrived_us = 1000, .answered_us = 1800, .asks_sql = true},
         {.total = 900, .sql = 800, .write = 100}},
        /* Refused in the middle of its body; left while it waited, in the queue or in Redis. */
        {{.answered_us = 1400}, {.total = 900, .body = 400, .write = 500}},
        {{.arrived_us = 1100, .queues = true}, {.total = 900, .body = 100, .queue = 800}},
        {{.arrived_us = 1100, .taken_us = 1200, .queues = true},
         {.total = 900, .body = 100, .queue = 100, .redis = 700}},
        /* Out of their order, or later than the end. */
        {{.arrived_us = 1300, .taken_us = 1200, .answered_us = 1250, .queues = true},
         {.total = 900, .body = 300, .write = 600}},
        {{.arrived_us = 3000, .taken_us = 3100, .answered_us = 3200, .queues = true},
         {.total = 900, .body = 900}},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct request_parts parts = request_times_parts(&rows[i].times, 1000, 1900);
        check_parts(i, &parts, &rows[i].parts);
    }
}

TEST(whatever_the_moments_no_part_is_below_zero_and_all_add_up)
{
    struct rng rng;
    rng_seed(&rng, 7);
    for (int i = 0; i < 100000; i++) {
        int64_t at[6];
        for (size_t k = 0; k < 6; k++)
            at[k] = (int64_t)rng_below(&rng, 8);
        const struct request_times times = {.arrived_us = at[0],
                                            .taken_us = at[1],
                                            .kept_us = at[2],
                                            .answered_us = at[3],
                                            .queues = rng_below(&rng, 2),
                                            .asks_sql = rng_below(&rng, 2)};
        struct request_parts p = request_times_parts(&times, at[4], at[5]);
        if (p.total < 0 || p.body < 0 || p.queue < 0 || p.redis < 0 || p.sql < 0 ||
            p.durability < 0 || p.write < 0 ||
            p.total != p.body + p.queue + p.redis + p.sql + p.durability + p.write)
            fail_msg("%lld %lld %lld %lld, from %lld to %lld", (long long)at[0], (long long)at[1],
                     (long long)at[2], (long long)at[3], (long long)at[4], (long long)at[5]);
    }
}

TEST(of_several_operations_the_first_taken_and_the_last_kept_count)
{
    struct request_times times;
    request_times_begin(&times);
    request_times_op(&times, 0, 0); /* refused, or it never left the queue */
    assert_int_equal(times.taken_us, 0);
    request_times_op(&times, 500, 0);
    request_times_op(&times, 400, 700);
    request_times_op(&times, 600, 650);
    request_times_op(&times, 0, 0);
    assert_int_equal(times.taken_us, 400);
    assert_int_equal(times.kept_us, 700);
    request_times_begin(&times);
    assert_int_equal(times.taken_us + times.kept_us, 0);
}
