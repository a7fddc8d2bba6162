/* test_pace.c -- whether a run went at the rate it was to have, and what held it up. */
#include "report/summary.h"
#include "support/suite.h"
#include "support/summary_sample.h"

#include <string.h>

/* What came of so many attempts, each sent that late. */
static struct pace pace_with(uint64_t attempts, uint32_t late_us)
{
    again();
    for (uint64_t i = 0; i < attempts; i++) {
        struct history_attempt a = reserve(START + i * 100 + late_us, 1, 2 + i, 9);
        a.late_us = late_us;
        add(a);
    }
    sum_up();
    return pace_of(&summary);
}

TEST(the_target_rate_is_reached_or_not)
{
    assert_true(pace_with(10, 5 * MS).reached); /* closed loop: there is none */
    assert_false(pace_with(10, 5 * MS).late);
    facts.rate = 1000;
    assert_true(pace_with(980, 1 * MS / 2).reached);
    assert_false(pace_with(979, 0).reached);
    assert_false(pace_with(980, 1 * MS / 2).late);
    assert_true(pace_with(980, 2 * MS).late);
    strcpy(facts.arrival, "poisson"); /* 3 * sqrt(1000) = 95 by chance */
    assert_true(pace_with(906, 0).reached);
    assert_false(pace_with(904, 0).reached);
}

TEST(a_batch_is_one_request_of_several_attempts)
{
    facts.rate = 1000;
    for (uint64_t i = 0; i < 1200; i++) {
        struct history_attempt a = reserve(START + i / 2 * 100, 10, 2 + i, 9);
        a.flags = i % 2 ? FLAG_BATCHED : 0;
        add(a);
    }
    sum_up();
    assert_int_equal(summary.operations, 1200);
    assert_int_equal(summary.response->count, 1200);
    assert_int_equal(summary.requests, 600);
    assert_false(pace_of(&summary).reached); /* arrivals are requests */
}

TEST(the_clients_share_of_the_processors_is_known)
{
    assert_true(pace_with(1, 0).cpu_share == 0.25);
    facts.cpu_ns = 1900 * MS_NS;
    assert_true(pace_with(1, 0).cpu_bound);
    facts.processes = 0;
    assert_true(pace_with(1, 0).cpu_share == -1);
}

EACH_BETWEEN(summary_sample_setup, summary_sample_teardown)
