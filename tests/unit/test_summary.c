/* test_summary.c -- the numbers of a run, from histories small enough to count by hand. */
#include "history/names.h"
#include "support/suite.h"
#include "support/summary_sample.h"

TEST(a_history_without_attempts_has_a_summary)
{
    facts.stop_ns = 0;
    sum_up();
    assert_int_equal(summary.operations, 0);
    assert_int_equal(summary.intervals, 0);
    assert_true(summary.seconds == 0);
    assert_true(summary.per_second == 0);
    assert_true(summary.conflicts_per_success == -1);
}

TEST(attempts_planned_in_the_warm_up_only_count_as_such)
{
    facts.warmup_ns = 500 * MS_NS;
    add(reserve(START, 10 * MS, 2, 99));
    struct history_attempt late = reserve(START + 501 * MS, 10 * MS, 3, 98);
    late.late_us = 2 * MS; /* planned at 499 ms: of the warm-up though it was sent behind it */
    add(late);
    late.late_us = 1 * MS;
    add(late);
    sum_up();
    assert_int_equal(summary.warmup, 2);
    assert_int_equal(summary.operations, 1);
    assert_int_equal(summary.from_ns, 1500 * MS_NS);
    assert_true(summary.seconds == 0.5);
    assert_true(summary.per_second == 2);
}

TEST(every_answer_has_its_class)
{
    static const struct {
        enum history_outcome outcome;
        uint16_t status;
        enum history_detail detail;
        enum summary_class class;
        bool answered;
    } rows[] = {
        {OUTCOME_OK, 201, DETAIL_HELD, CLASS_OK, true},
        {OUTCOME_FAIL, 409, DETAIL_NO_STOCK, CLASS_NO_STOCK, true},
        {OUTCOME_FAIL, 409, DETAIL_EXPIRED, CLASS_REFUSED, true},
        {OUTCOME_FAIL, 404, DETAIL_NO_ITEM, CLASS_REFUSED, true},
        {OUTCOME_FAIL, 429, DETAIL_OTHER, CLASS_BUSY, true},
        {OUTCOME_FAIL, 503, DETAIL_UNAVAILABLE, CLASS_BUSY, true},
        {OUTCOME_FAIL, 0, DETAIL_NOT_SENT, CLASS_BUSY, false},
        {OUTCOME_UNKNOWN, 504, DETAIL_NONE, CLASS_UNKNOWN, false},
        {OUTCOME_UNKNOWN, 0, DETAIL_TIMEOUT, CLASS_UNKNOWN, false},
    };
    uint64_t want[CLASSES] = {0}, answered = 0;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct history_attempt a = reserve(START + i, 1 * MS, 0, 0);
        a.outcome = rows[i].outcome;
        a.status = rows[i].status;
        a.detail = rows[i].detail;
        add(a);
        want[rows[i].class]++;
        answered += rows[i].answered;
    }
    sum_up();
    for (int i = 0; i < CLASSES; i++) {
        assert_int_equal(summary.count[i], want[i]);
        assert_int_equal(summary.kind_count[KIND_RESERVE][i], want[i]);
    }
    assert_int_equal(summary.answers, answered);
    assert_int_equal(summary.response->count, answered);
    assert_int_equal(summary.detail[DETAIL_TIMEOUT], 1);
    assert_null(summary.by_kind[KIND_CONFIRM][0]);
    /* Ascending, with both attempts without a status in one row. */
    assert_int_equal(summary.statuses, 7);
    assert_int_equal(summary.status[0].status, 0);
    assert_int_equal(summary.status[0].count[OUTCOME_FAIL], 1);
    assert_int_equal(summary.status[0].count[OUTCOME_UNKNOWN], 1);
    assert_int_equal(summary.status[6].status, 504);
}

TEST(more_statuses_than_rows_share_the_last)
{
    for (uint16_t i = 0; i < 50; i++)
        add(refused(reserve(START, 1 * MS, 0, 0), (uint16_t)(400 + i), DETAIL_HELD));
    sum_up();
    uint64_t sum = 0;
    for (size_t i = 0; i < summary.statuses; i++)
        sum += summary.status[i].count[OUTCOME_FAIL];
    assert_int_equal(summary.statuses, SUMMARY_STATUSES);
    assert_int_equal(summary.status[SUMMARY_STATUSES - 1].status, SUMMARY_STATUS_REST);
    assert_int_equal(summary.status[SUMMARY_STATUSES - 1].count[OUTCOME_FAIL], 50 - 31);
    assert_int_equal(sum, 50);
}

TEST(response_time_runs_from_the_plan_and_service_time_from_the_send)
{
    struct history_attempt a = reserve(START + 30 * MS, 2 * MS, 2, 99);
    a.late_us = 10 * MS;
    add(a);
    sum_up();
    assert_int_equal(summary.response->max, 12 * MS_NS);
    assert_int_equal(summary.service->max, 2 * MS_NS);
    assert_int_equal(summary.late->max, 10 * MS_NS);
    assert_int_equal(summary.by_kind[KIND_RESERVE][0]->max, 12 * MS_NS);
    assert_int_equal(summary.by_kind[KIND_RESERVE][1]->max, 2 * MS_NS);
}

TEST(intervals_cover_the_run_and_know_their_own_percentiles)
{
    /* In the first interval 100 answers of 1 .. 100 us, in the last one of 7 ms. */
    for (uint64_t i = 1; i <= 100; i++)
        add(reserve(START, i, 1 + i, (int64_t)(100 - i)));
    add(reserve(START + 992 * MS, 7 * MS, 102, 0));
    sum_up();
    assert_int_equal(summary.interval_ns, 10 * MS_NS);
    assert_int_equal(summary.intervals, 100);
    const struct summary_interval *first = &summary.interval[0], *last = &summary.interval[99];
    assert_int_equal(first->count[CLASS_OK], 100);
    assert_int_equal(first->max_ns, 100000);
    assert_true(first->p50_ns >= 50000 && (double)first->p50_ns <= 50000 * 1.017);
    assert_true(first->p90_ns >= 90000 && (double)first->p90_ns <= 90000 * 1.017);
    assert_true(first->p99_ns >= 99000 && first->p99_ns <= 100000);
    assert_int_equal(summary.interval[50].p50_ns, 0);
    assert_int_equal(summary.interval[50].max_ns, 0);
    assert_int_equal(last->count[CLASS_OK], 1);
    assert_int_equal(last->p50_ns, 7 * MS_NS);
}

TEST(long_runs_have_longer_intervals_within_the_limit)
{
    static const struct {
        uint64_t seconds, interval_ms, intervals;
    } rows[] = {
        {2, 20, 100}, {10, 100, 100}, {60, 500, 120}, {3600, 20000, 180}, {86400, 500000, 173}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        again();
        facts.stop_ns = facts.go_ns + rows[i].seconds * 1000 * MS_NS;
        sum_up();
        assert_int_equal(summary.interval_ns, rows[i].interval_ms * MS_NS);
        assert_int_equal(summary.intervals, rows[i].intervals);
    }
}

TEST(requests_in_flight_are_those_begun_and_not_ended)
{
    facts.warmup_ns = 100 * MS_NS;
    add(reserve(START + 50 * MS, 75 * MS, 2, 99)); /* planned in the warm-up, ends at 125 */
    add(reserve(START + 111 * MS, 100 * MS, 3, 98));
    struct history_attempt lost = unknown(reserve(START + 311 * MS, 0, 0, 0), DETAIL_NONE);
    lost.end_us = 0; /* its process died */
    add(lost);
    sum_up();
    assert_int_equal(summary.interval[0].in_flight, 1);
    assert_int_equal(summary.interval[1].in_flight, 2);
    assert_int_equal(summary.interval[2].count[CLASS_OK], 0); /* of the warm-up: no statistics */
    assert_int_equal(summary.interval[2].max_ns, 0);
    assert_int_equal(summary.interval[2].in_flight, 1);
    assert_int_equal(summary.interval[11].in_flight, 0);
    assert_int_equal(summary.interval[21].in_flight, 0); /* it ended with its process, right away */
    assert_int_equal(summary.interval[21].count[CLASS_UNKNOWN], 1);
}

TEST(conflicts_are_shared_out_and_none_is_lost)
{
    facts.metrics = 1;
    for (uint64_t i = 0; i < 4; i++)
        add(reserve(START + i * 100 * MS, 1 * MS, 2 + i, 99));
    /* Before the start and behind the end the counters stand still. */
    add_conflicts(START - 300 * MS, 1000, 50, 500);
    add_conflicts(START + 500 * MS, 1005, 60, 700);
    add_conflicts(START + 1200 * MS, 1020, 70, 900);
    add_conflicts(START + 2200 * MS, 2000, 99, 999);
    sum_up();
    assert_int_equal(summary.conflicts, 20);
    assert_int_equal(summary.batches, 20);
    assert_int_equal(summary.batch_ops, 400);
    assert_true(summary.conflicts_per_success == 5);
    uint64_t sum = 0, half = 0;
    for (size_t i = 0; i < summary.intervals; i++) {
        sum += summary.interval[i].conflicts;
        half += i < 50 ? summary.interval[i].conflicts : 0;
    }
    assert_int_equal(sum, 20);
    assert_int_equal(half, 5);
}

TEST(conflicts_of_a_counter_that_began_again_are_not_known)
{
    facts.metrics = 1;
    add(reserve(START, 1 * MS, 2, 99));
    add_conflicts(START, 900, 0, 0);
    add_conflicts(START + 500 * MS, 910, 0, 0);
    add_conflicts(START + 900 * MS, 7, 0, 0); /* a new process counts */
    add_conflicts(START + 1000 * MS, 8, 0, 0);
    sum_up();
    assert_non_null(summary.conflicts_doubt);
    assert_true(summary.conflicts_per_success == -1);
    assert_int_equal(summary.conflicts, 0);
}

TEST(conflicts_without_metrics_are_not_known)
{
    facts.metrics = 1;
    add(reserve(START, 1 * MS, 2, 99));
    add_conflicts(START, 900, 0, 0);
    sum_up();
    assert_true(summary.conflicts_per_success == -1); /* one sample says nothing */
}

TEST(set_up_and_settling_are_no_load)
{
    struct history_attempt a = reserve(START + 1 * MS, 1 * MS, 7, 1);
    a.phase = PHASE_SETUP;
    add(a);
    a.phase = PHASE_SETTLE;
    a.worker = HISTORY_SAMPLE_PARENT;
    add(a);
    sum_up();
    assert_int_equal(summary.operations, 0);
    assert_int_equal(summary.warmup, 0);
    assert_int_equal(summary.top, 0);
    assert_int_equal(summary.interval[0].in_flight, 0);
}

TEST(workers_have_their_own_counts_and_lives)
{
    struct history_attempt a = reserve(START, 1 * MS, 2, 99);
    add(a);
    a = unknown(a, DETAIL_HELD);
    a.worker = 1;
    add(a);
    add(a);
    sum_up();
    assert_int_equal(summary.workers, 2);
    assert_int_equal(summary.worker[0].operations, 1);
    assert_int_equal(summary.worker[0].ok, 1);
    assert_int_equal(summary.worker[0].lives, 1);
    assert_int_equal(summary.worker[1].operations, 2);
    assert_int_equal(summary.worker[1].unknown, 2);
    assert_int_equal(summary.worker[1].lives, 3);
}

TEST(a_run_whose_parent_died_ends_with_its_last_sign_of_life)
{
    facts.stop_ns = 0;
    add(reserve(START + 100 * MS, 150 * MS, 2, 99));
    sum_up();
    assert_true(summary.seconds == 0.25);
    assert_int_equal(summary.interval[summary.intervals - 1].count[CLASS_OK], 1);
}

TEST(times_that_make_no_sense_do_no_harm)
{
    facts.items = UINT32_MAX;
    facts.metrics = 1;
    struct history_attempt a = reserve(START + 100 * MS, 0, UINT64_MAX, INT64_MIN);
    a.end_us = 1; /* ended before it began */
    add(a);
    a = reserve(UINT64_MAX / 1000, 0, 3, INT64_MAX);
    a.end_us = UINT64_MAX / 1000;
    a.late_us = UINT32_MAX;
    a.line[0].quantity = INT32_MIN;
    add(a);
    add_conflicts(UINT64_MAX / 1000, UINT64_MAX, 0, 0);
    add_conflicts(0, 1, UINT64_MAX, 0);
    sum_up();
    assert_int_equal(summary.operations, 2);
    assert_int_equal(summary.response->max, HISTOGRAM_MAX < UINT32_MAX * UINT64_C(1000)
                                                ? HISTOGRAM_MAX
                                                : UINT32_MAX * UINT64_C(1000));
}

/* Sums of the intervals, of the kinds and of the statuses must all give the same run. */
TEST(every_way_to_count_gives_the_same)
{
    for (uint64_t i = 0; i < 40000; i++) { /* more than two chunks */
        struct history_attempt a = reserve(START + i * 20, 500 + i % 7, 2 + i, 10);
        a.worker = i % 2;
        a.kind = (enum history_kind)(KIND_DECREMENT + i % 7);
        a.outcome = (enum history_outcome)(i % 3);
        a.status = (uint16_t)(a.outcome == OUTCOME_OK ? 200 : a.outcome == OUTCOME_FAIL ? 409 : 0);
        a.detail = a.outcome == OUTCOME_FAIL ? DETAIL_NO_STOCK : DETAIL_NONE;
        add(a);
    }
    sum_up();
    for (int class = 0; class < CLASSES; class ++) {
        uint64_t over_time = 0, over_kinds = 0;
        for (size_t i = 0; i < summary.intervals; i++)
            over_time += summary.interval[i].count[class];
        for (int kind = 0; kind < KINDS; kind++)
            over_kinds += summary.kind_count[kind][class];
        assert_int_equal(over_time, summary.count[class]);
        assert_int_equal(over_kinds, summary.count[class]);
    }
    assert_int_equal(summary.operations, 40000);
    assert_int_equal(summary.worker[0].operations + summary.worker[1].operations, 40000);
    assert_int_equal(summary.response->count, summary.answers);
    double p99 = (double)histogram_percentile(summary.response, 99);
    assert_true(p99 >= 506000 && p99 <= 506000 * WITHIN);
}

TEST(every_enum_value_has_a_name)
{
    for (int i = 0; i < CLASSES; i++)
        assert_non_null(summary_class_name((enum summary_class)i));
    for (int i = 0; i < KINDS; i++)
        assert_non_null(history_kind_name((enum history_kind)i));
    for (int i = 0; i < DETAILS; i++)
        assert_non_null(history_detail_name((enum history_detail)i));
    for (int i = 0; i < OUTCOMES; i++)
        assert_non_null(history_outcome_name((enum history_outcome)i));
    for (int i = 0; i < SUMMARY_TROUBLES; i++)
        assert_int_equal(summary_troubles[i].bit, 1u << i);
}

EACH_BETWEEN(summary_sample_setup, summary_sample_teardown)
