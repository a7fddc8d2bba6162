/* test_summary.c -- the numbers of a run, from histories small enough to count by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "history/names.h"
#include "report/pace.h"
#include "report/summary.h"
#include "support/history_sample.h"

#include <stdlib.h>

#define MS     1000 /* in microseconds, as histories are given */
#define START  (1000 * MS)
#define MS_NS  UINT64_C(1000000)
#define WITHIN 1.004 /* the error of a histogram */

struct made {
    struct history_sample_file file;
    struct summary s;
};

static void begin(struct made *m, const struct history_facts *facts)
{
    history_sample_begin(&m->file, facts);
}

static void finish(struct made *m)
{
    history_sample_read(&m->file);
    assert_int_equal(summary_make(&m->s, &m->file.reader), 0);
}

static void end(struct made *m)
{
    summary_free(&m->s);
    history_sample_end(&m->file);
}

/* A reserve of one unit of item 0 that succeeded, from `at` for `took` microseconds. */
static struct history_attempt reserve(uint64_t at_us, uint64_t took_us, uint64_t version,
                                      int64_t left)
{
    return (struct history_attempt){
        .phase = PHASE_LOAD,
        .kind = KIND_RESERVE,
        .outcome = OUTCOME_OK,
        .status = 201,
        .detail = DETAIL_HELD,
        .begin_us = at_us,
        .end_us = at_us + took_us,
        .line = {{.item = 0, .quantity = 1, .version = version, .remaining = left}}};
}

static uint32_t add(struct made *m, struct history_attempt a)
{
    return history_sample_add(&m->file, &a);
}

static void a_history_without_attempts_has_a_summary(void **state)
{
    (void)state;
    struct made m;
    struct history_facts facts = history_sample_facts();
    facts.stop_ns = 0;
    begin(&m, &facts);
    finish(&m);
    assert_int_equal(m.s.operations, 0);
    assert_int_equal(m.s.intervals, 0);
    assert_true(m.s.seconds == 0);
    assert_true(m.s.per_second == 0);
    assert_true(m.s.conflicts_per_success == -1);
    end(&m);
}

static void attempts_planned_in_the_warm_up_only_count_as_such(void **state)
{
    (void)state;
    struct made m;
    struct history_facts facts = history_sample_facts();
    facts.warmup_ns = 500 * MS_NS;
    begin(&m, &facts);
    add(&m, reserve(START, 10 * MS, 2, 99));
    struct history_attempt late = reserve(START + 501 * MS, 10 * MS, 3, 98);
    late.late_us = 2 * MS; /* planned at 499 ms: of the warm-up though it was sent behind it */
    add(&m, late);
    late.late_us = 1 * MS;
    add(&m, late);
    finish(&m);
    assert_int_equal(m.s.warmup, 2);
    assert_int_equal(m.s.operations, 1);
    assert_int_equal(m.s.from_ns, 1500 * MS_NS);
    assert_true(m.s.seconds == 0.5);
    assert_true(m.s.per_second == 2);
    end(&m);
}

static void every_answer_has_its_class(void **state)
{
    (void)state;
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
    struct made m;
    struct history_facts facts = history_sample_facts();
    begin(&m, &facts);
    uint64_t want[CLASSES] = {0}, answered = 0;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct history_attempt a = reserve(START + i, 1 * MS, 0, 0);
        a.outcome = rows[i].outcome;
        a.status = rows[i].status;
        a.detail = rows[i].detail;
        add(&m, a);
        want[rows[i].class]++;
        answered += rows[i].answered;
    }
    finish(&m);
    for (int i = 0; i < CLASSES; i++) {
        assert_int_equal(m.s.count[i], want[i]);
        assert_int_equal(m.s.kind_count[KIND_RESERVE][i], want[i]);
    }
    assert_int_equal(m.s.answers, answered);
    assert_int_equal(m.s.response->count, answered);
    assert_int_equal(m.s.detail[DETAIL_TIMEOUT], 1);
    assert_null(m.s.by_kind[KIND_CONFIRM][0]);
    /* Ascending, with both attempts without a status in one row. */
    assert_int_equal(m.s.statuses, 7);
    assert_int_equal(m.s.status[0].status, 0);
    assert_int_equal(m.s.status[0].count[OUTCOME_FAIL], 1);
    assert_int_equal(m.s.status[0].count[OUTCOME_UNKNOWN], 1);
    assert_int_equal(m.s.status[6].status, 504);
    end(&m);
}

static void more_statuses_than_rows_share_the_last(void **state)
{
    (void)state;
    struct made m;
    struct history_facts facts = history_sample_facts();
    begin(&m, &facts);
    for (uint16_t i = 0; i < 50; i++) {
        struct history_attempt a = reserve(START, 1 * MS, 0, 0);
        a.outcome = OUTCOME_FAIL;
        a.status = (uint16_t)(400 + i);
        add(&m, a);
    }
    finish(&m);
    uint64_t sum = 0;
    for (size_t i = 0; i < m.s.statuses; i++)
        sum += m.s.status[i].count[OUTCOME_FAIL];
    assert_int_equal(m.s.statuses, SUMMARY_STATUSES);
    assert_int_equal(m.s.status[SUMMARY_STATUSES - 1].status, SUMMARY_STATUS_REST);
    assert_int_equal(m.s.status[SUMMARY_STATUSES - 1].count[OUTCOME_FAIL], 50 - 31);
    assert_int_equal(sum, 50);
    end(&m);
}

static void response_time_runs_from_the_plan_and_service_time_from_the_send(void **state)
{
    (void)state;
    struct made m;
    struct history_facts facts = history_sample_facts();
    begin(&m, &facts);
    struct history_attempt a = reserve(START + 30 * MS, 2 * MS, 2, 99);
    a.late_us = 10 * MS;
    add(&m, a);
    finish(&m);
    assert_int_equal(m.s.response->max, 12 * MS_NS);
    assert_int_equal(m.s.service->max, 2 * MS_NS);
    assert_int_equal(m.s.late->max, 10 * MS_NS);
    assert_int_equal(m.s.by_kind[KIND_RESERVE][0]->max, 12 * MS_NS);
    assert_int_equal(m.s.by_kind[KIND_RESERVE][1]->max, 2 * MS_NS);
    end(&m);
}

static void intervals_cover_the_run_and_know_their_own_percentiles(void **state)
{
    (void)state;
    struct made m;
    struct history_facts facts = history_sample_facts();
    begin(&m, &facts);
    /* In the first interval 100 answers of 1 .. 100 us, in the last one of 7 ms. */
    for (uint64_t i = 1; i <= 100; i++)
        add(&m, reserve(START, i, 1 + i, (int64_t)(100 - i)));
    add(&m, reserve(START + 992 * MS, 7 * MS, 102, 0));
    finish(&m);
    assert_int_equal(m.s.interval_ns, 10 * MS_NS);
    assert_int_equal(m.s.intervals, 100);
    const struct summary_interval *first = &m.s.interval[0], *last = &m.s.interval[99];
    assert_int_equal(first->count[CLASS_OK], 100);
    assert_int_equal(first->max_ns, 100000);
    assert_true(first->p50_ns >= 50000 && (double)first->p50_ns <= 50000 * 1.017);
    assert_true(first->p90_ns >= 90000 && (double)first->p90_ns <= 90000 * 1.017);
    assert_true(first->p99_ns >= 99000 && first->p99_ns <= 100000);
    assert_int_equal(m.s.interval[50].p50_ns, 0);
    assert_int_equal(m.s.interval[50].max_ns, 0);
    assert_int_equal(last->count[CLASS_OK], 1);
    assert_int_equal(last->p50_ns, 7 * MS_NS);
    end(&m);
}

static void long_runs_have_longer_intervals_within_the_limit(void **state)
{
    (void)state;
    static const struct {
        uint64_t seconds, interval_ms, intervals;
    } rows[] = {
        {2, 20, 100}, {10, 100, 100}, {60, 500, 120}, {3600, 20000, 180}, {86400, 500000, 173}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct made m;
        struct history_facts facts = history_sample_facts();
        facts.stop_ns = facts.go_ns + rows[i].seconds * 1000 * MS_NS;
        begin(&m, &facts);
        finish(&m);
        assert_int_equal(m.s.interval_ns, rows[i].interval_ms * MS_NS);
        assert_int_equal(m.s.intervals, rows[i].intervals);
        end(&m);
    }
}

static void what_is_left_is_carried_forward_and_ordered_by_version(void **state)
{
    (void)state;
    struct made m;
    struct history_facts facts = history_sample_facts();
    begin(&m, &facts);
    add(&m, (struct history_attempt){.kind = KIND_PUT,
                                     .outcome = OUTCOME_OK,
                                     .status = 201,
                                     .begin_us = 10,
                                     .end_us = 20,
                                     .line = {{0, 100, 1, 100}}});
    add(&m, reserve(START + 25 * MS, 2 * MS, 4, 97));
    add(&m, reserve(START + 27 * MS, 1 * MS, 2, 99));  /* older, told later */
    add(&m, reserve(START + 21 * MS, 30 * MS, 3, 98)); /* and later still */
    struct history_attempt other = reserve(START + 60 * MS, 1 * MS, 9, 5);
    other.line[0].item = 1;
    add(&m, other);
    finish(&m);
    assert_int_equal(m.s.hot, 2);
    assert_int_equal(m.s.hot_item[0], 0);
    assert_int_equal(m.s.hot_item[1], 1);
    assert_int_equal(m.s.interval[0].left[0], 100);
    assert_int_equal(m.s.interval[2].left[0], 97);
    assert_int_equal(m.s.interval[5].left[0], 97);
    assert_int_equal(m.s.interval[99].left[0], 97);
    assert_int_equal(m.s.interval[5].left[1], -1);
    assert_int_equal(m.s.interval[6].left[1], 5);
    assert_int_equal(m.s.top_item[0].remaining, 97);
    end(&m);
}

static void requests_in_flight_are_those_begun_and_not_ended(void **state)
{
    (void)state;
    struct made m;
    struct history_facts facts = history_sample_facts();
    facts.warmup_ns = 100 * MS_NS;
    begin(&m, &facts);
    add(&m, reserve(START + 50 * MS, 75 * MS, 2, 99)); /* planned in the warm-up, ends at 125 */
    add(&m, reserve(START + 111 * MS, 100 * MS, 3, 98));
    struct history_attempt lost = reserve(START + 311 * MS, 0, 0, 0);
    lost.outcome = OUTCOME_UNKNOWN;
    lost.status = 0;
    lost.detail = DETAIL_NONE;
    lost.end_us = 0; /* its process died */
    add(&m, lost);
    finish(&m);
    assert_int_equal(m.s.interval[0].in_flight, 1);
    assert_int_equal(m.s.interval[1].in_flight, 2);
    assert_int_equal(m.s.interval[2].count[CLASS_OK], 0); /* of the warm-up: no statistics */
    assert_int_equal(m.s.interval[2].max_ns, 0);
    assert_int_equal(m.s.interval[2].in_flight, 1);
    assert_int_equal(m.s.interval[11].in_flight, 0);
    assert_int_equal(m.s.interval[21].in_flight, 0); /* it ended with its process, right away */
    assert_int_equal(m.s.interval[21].count[CLASS_UNKNOWN], 1);
    end(&m);
}

static void conflicts_are_shared_out_and_none_is_lost(void **state)
{
    (void)state;
    struct made m;
    struct history_facts facts = history_sample_facts();
    facts.metrics = 1;
    begin(&m, &facts);
    for (uint64_t i = 0; i < 4; i++)
        add(&m, reserve(START + i * 100 * MS, 1 * MS, 2 + i, 99));
    /* Before the start and behind the end the counters stand still. */
    history_sample_conflicts(&m.file, START - 300 * MS, 1000, 50, 500);
    history_sample_conflicts(&m.file, START + 500 * MS, 1005, 60, 700);
    history_sample_conflicts(&m.file, START + 1200 * MS, 1020, 70, 900);
    history_sample_conflicts(&m.file, START + 2200 * MS, 2000, 99, 999);
    finish(&m);
    assert_int_equal(m.s.conflicts, 20);
    assert_int_equal(m.s.batches, 20);
    assert_int_equal(m.s.batch_ops, 400);
    assert_true(m.s.conflicts_per_success == 5);
    uint64_t sum = 0, half = 0;
    for (size_t i = 0; i < m.s.intervals; i++) {
        sum += m.s.interval[i].conflicts;
        half += i < 50 ? m.s.interval[i].conflicts : 0;
    }
    assert_int_equal(sum, 20);
    assert_int_equal(half, 5);
    end(&m);
}

static void a_counter_that_began_again_goes_on(void **state)
{
    (void)state;
    struct made m;
    struct history_facts facts = history_sample_facts();
    facts.metrics = 1;
    begin(&m, &facts);
    add(&m, reserve(START, 1 * MS, 2, 99));
    history_sample_conflicts(&m.file, START, 900, 0, 0);
    history_sample_conflicts(&m.file, START + 500 * MS, 910, 0, 0);
    history_sample_conflicts(&m.file, START + 900 * MS, 7, 0, 0); /* a new process counts */
    history_sample_conflicts(&m.file, START + 1000 * MS, 8, 0, 0);
    finish(&m);
    assert_int_equal(m.s.conflicts, 18);
    end(&m);
}

static void conflicts_without_metrics_are_not_known(void **state)
{
    (void)state;
    struct made m;
    struct history_facts facts = history_sample_facts();
    facts.metrics = 1;
    begin(&m, &facts);
    add(&m, reserve(START, 1 * MS, 2, 99));
    history_sample_conflicts(&m.file, START, 900, 0, 0);
    finish(&m);
    assert_true(m.s.conflicts_per_success == -1); /* one sample says nothing */
    end(&m);
}

static void an_effect_counts_once_however_often_its_key_was_sent(void **state)
{
    (void)state;
    struct made m;
    struct history_facts facts = history_sample_facts();
    begin(&m, &facts);
    struct history_attempt first = reserve(START, 1 * MS, 0, 0);
    first.outcome = OUTCOME_UNKNOWN;
    first.status = 0;
    first.detail = DETAIL_RESET;
    uint32_t slot = add(&m, first);
    struct history_attempt again = reserve(START + 2 * MS, 1 * MS, 2, 99);
    again.flags = FLAG_RESENT | FLAG_REPLAYED;
    again.of = slot;
    add(&m, again);
    add(&m, again);
    struct history_attempt confirm = reserve(START + 4 * MS, 1 * MS, 3, 99);
    confirm.kind = KIND_CONFIRM;
    confirm.of = slot;
    add(&m, confirm);
    confirm.flags = FLAG_AGAIN; /* a server that does not mark its replays */
    add(&m, confirm);
    confirm.flags = FLAG_REPLAYED;
    add(&m, confirm);
    struct history_attempt get = reserve(START + 5 * MS, 1 * MS, 3, 99);
    get.kind = KIND_GET_ITEM;
    add(&m, get);
    finish(&m);
    assert_int_equal(m.s.successes, 2);
    assert_int_equal(m.s.top_item[0].requests, 7);
    assert_int_equal(m.s.top_item[0].demand, 1);
    assert_int_equal(m.s.top_item[0].taken, 1);
    end(&m);
}

static void an_item_is_sold_out_at_the_first_answer_that_says_so(void **state)
{
    (void)state;
    struct made m;
    struct history_facts facts = history_sample_facts();
    begin(&m, &facts);
    struct history_attempt refused = reserve(START + 30 * MS, 1 * MS, 50, 3);
    refused.outcome = OUTCOME_FAIL;
    refused.status = 409;
    refused.detail = DETAIL_NO_STOCK;
    refused.lines = 2;
    refused.line[1] =
        (struct history_line){.item = 1, .quantity = 2}; /* had enough: nothing said */
    add(&m, refused);
    add(&m, reserve(START + 20 * MS, 1 * MS, 49, 0));
    finish(&m);
    assert_int_equal(m.s.top_item[0].sold_out_ns, 1021 * MS_NS);
    assert_int_equal(m.s.top_item[0].sold_out_answers, 1);
    assert_int_equal(m.s.top_item[0].demand, 2);
    assert_int_equal(m.s.top_item[0].taken, 1);
    assert_int_equal(m.s.top_item[1].sold_out_ns, 0);
    assert_int_equal(m.s.top_item[1].sold_out_answers, 0);
    assert_int_equal(m.s.top_item[1].demand, 2);
    assert_int_equal(m.s.top_item[1].remaining, -1);
    end(&m);
}

/* It says how many units the customer has, which may well be none. */
static void a_refusal_because_of_a_limit_is_not_about_stock(void **state)
{
    (void)state;
    struct made m;
    struct history_facts facts = history_sample_facts();
    begin(&m, &facts);
    add(&m, reserve(START + 20 * MS, 1 * MS, 49, 7));
    struct history_attempt refused = reserve(START + 30 * MS, 1 * MS, 50, 0);
    refused.outcome = OUTCOME_FAIL;
    refused.status = 409;
    refused.detail = DETAIL_LIMIT;
    add(&m, refused);
    finish(&m);
    assert_int_equal(m.s.top_item[0].sold_out_ns, 0);
    assert_int_equal(m.s.top_item[0].sold_out_answers, 0);
    assert_int_equal(m.s.top_item[0].remaining, 7);
    assert_int_equal(m.s.interval[m.s.intervals - 1].left[0], 7);
    assert_int_equal(m.s.count[CLASS_REFUSED], 1);
    assert_int_equal(m.s.detail[DETAIL_LIMIT], 1);
    end(&m);
}

static void the_busiest_items_come_first(void **state)
{
    (void)state;
    struct made m;
    struct history_facts facts = history_sample_facts();
    facts.items = 60;
    begin(&m, &facts);
    for (uint32_t item = 0; item < 60; item++)
        for (uint32_t n = 0; n <= item % 30; n++) {
            struct history_attempt a = reserve(START + n, 1 * MS, 2 + n, 50);
            a.line[0].item = item;
            add(&m, a);
        }
    struct history_attempt foreign = reserve(START, 1 * MS, 2, 50);
    foreign.line[0].item = 4000000000; /* no item of this run */
    add(&m, foreign);
    finish(&m);
    assert_int_equal(m.s.top, SUMMARY_TOP);
    assert_int_equal(m.s.hot, SUMMARY_HOT);
    for (uint32_t i = 0; i < SUMMARY_TOP; i++) {
        assert_int_equal(m.s.top_item[i].requests, 30 - i / 2);
        assert_int_equal(m.s.top_item[i].item, (i % 2 ? 59 : 29) - i / 2);
    }
    assert_int_equal(m.s.hot_item[1], 59);
    end(&m);
}

static void the_reading_after_the_load_is_the_last_word_on_stock(void **state)
{
    (void)state;
    struct made m;
    struct history_facts facts = history_sample_facts();
    begin(&m, &facts);
    add(&m, reserve(START, 1 * MS, 2, 99));
    struct history_counters counters = {
        .found = 1, .item = 0, .available = 100, .version = 3, .on_hand = 100};
    assert_int_equal(history_put_counters(&m.file.writer[HISTORY_SAMPLE_PARENT], &counters), 0);
    finish(&m);
    assert_int_equal(m.s.top_item[0].remaining, 100);
    assert_int_equal(m.s.interval[99].left[0], 99);
    end(&m);
}

static void set_up_and_settling_are_no_load(void **state)
{
    (void)state;
    struct made m;
    struct history_facts facts = history_sample_facts();
    begin(&m, &facts);
    struct history_attempt a = reserve(START + 1 * MS, 1 * MS, 7, 1);
    a.phase = PHASE_SETUP;
    add(&m, a);
    a.phase = PHASE_SETTLE;
    a.worker = HISTORY_SAMPLE_PARENT;
    add(&m, a);
    finish(&m);
    assert_int_equal(m.s.operations, 0);
    assert_int_equal(m.s.warmup, 0);
    assert_int_equal(m.s.top, 0);
    assert_int_equal(m.s.interval[0].in_flight, 0);
    end(&m);
}

static void workers_have_their_own_counts_and_lives(void **state)
{
    (void)state;
    struct made m;
    struct history_facts facts = history_sample_facts();
    begin(&m, &facts);
    struct history_attempt a = reserve(START, 1 * MS, 2, 99);
    add(&m, a);
    a.worker = 1;
    a.outcome = OUTCOME_UNKNOWN;
    a.status = 0;
    add(&m, a);
    add(&m, a);
    finish(&m);
    assert_int_equal(m.s.workers, 2);
    assert_int_equal(m.s.worker[0].operations, 1);
    assert_int_equal(m.s.worker[0].ok, 1);
    assert_int_equal(m.s.worker[0].lives, 1);
    assert_int_equal(m.s.worker[1].operations, 2);
    assert_int_equal(m.s.worker[1].unknown, 2);
    assert_int_equal(m.s.worker[1].lives, 3);
    end(&m);
}

static void a_run_whose_parent_died_ends_with_its_last_sign_of_life(void **state)
{
    (void)state;
    struct made m;
    struct history_facts facts = history_sample_facts();
    facts.stop_ns = 0;
    begin(&m, &facts);
    add(&m, reserve(START + 100 * MS, 150 * MS, 2, 99));
    finish(&m);
    assert_true(m.s.seconds == 0.25);
    assert_int_equal(m.s.interval[m.s.intervals - 1].count[CLASS_OK], 1);
    end(&m);
}

static void times_that_make_no_sense_do_no_harm(void **state)
{
    (void)state;
    struct made m;
    struct history_facts facts = history_sample_facts();
    facts.items = UINT32_MAX;
    facts.metrics = 1;
    begin(&m, &facts);
    struct history_attempt a = reserve(START + 100 * MS, 0, UINT64_MAX, INT64_MIN);
    a.end_us = 1; /* ended before it began */
    add(&m, a);
    a = reserve(UINT64_MAX / 1000, 0, 3, INT64_MAX);
    a.end_us = UINT64_MAX / 1000;
    a.late_us = UINT32_MAX;
    a.line[0].quantity = INT32_MIN;
    add(&m, a);
    history_sample_conflicts(&m.file, UINT64_MAX / 1000, UINT64_MAX, 0, 0);
    history_sample_conflicts(&m.file, 0, 1, UINT64_MAX, 0);
    finish(&m);
    assert_int_equal(m.s.operations, 2);
    assert_int_equal(m.s.response->max, HISTOGRAM_MAX < UINT32_MAX * UINT64_C(1000)
                                            ? HISTOGRAM_MAX
                                            : UINT32_MAX * UINT64_C(1000));
    end(&m);
}

/* Sums of the intervals, of the kinds and of the statuses must all give the same run. */
static void every_way_to_count_gives_the_same(void **state)
{
    (void)state;
    struct made m;
    struct history_facts facts = history_sample_facts();
    begin(&m, &facts);
    for (uint64_t i = 0; i < 40000; i++) { /* more than two chunks */
        struct history_attempt a = reserve(START + i * 20, 500 + i % 7, 2 + i, 10);
        a.worker = i % 2;
        a.kind = (enum history_kind)(KIND_DECREMENT + i % 7);
        a.outcome = (enum history_outcome)(i % 3);
        a.status = (uint16_t)(a.outcome == OUTCOME_OK ? 200 : a.outcome == OUTCOME_FAIL ? 409 : 0);
        a.detail = a.outcome == OUTCOME_FAIL ? DETAIL_NO_STOCK : DETAIL_NONE;
        add(&m, a);
    }
    finish(&m);
    for (int class = 0; class < CLASSES; class ++) {
        uint64_t over_time = 0, over_kinds = 0;
        for (size_t i = 0; i < m.s.intervals; i++)
            over_time += m.s.interval[i].count[class];
        for (int kind = 0; kind < KINDS; kind++)
            over_kinds += m.s.kind_count[kind][class];
        assert_int_equal(over_time, m.s.count[class]);
        assert_int_equal(over_kinds, m.s.count[class]);
    }
    assert_int_equal(m.s.operations, 40000);
    assert_int_equal(m.s.worker[0].operations + m.s.worker[1].operations, 40000);
    assert_int_equal(m.s.response->count, m.s.answers);
    double p99 = (double)histogram_percentile(m.s.response, 99);
    assert_true(p99 >= 506000 && p99 <= 506000 * WITHIN);
    end(&m);
}

static struct pace pace_with(struct history_facts *facts, uint64_t attempts, uint32_t late_us)
{
    struct made m;
    begin(&m, facts);
    for (uint64_t i = 0; i < attempts; i++) {
        struct history_attempt a = reserve(START + i * 100 + late_us, 1, 2 + i, 9);
        a.late_us = late_us;
        add(&m, a);
    }
    finish(&m);
    struct pace pace = pace_of(&m.s);
    end(&m);
    return pace;
}

static void the_target_rate_is_reached_or_not(void **state)
{
    (void)state;
    struct history_facts facts = history_sample_facts();
    assert_true(pace_with(&facts, 10, 5 * MS).reached); /* closed loop: there is none */
    assert_false(pace_with(&facts, 10, 5 * MS).late);
    facts.rate = 1000;
    assert_true(pace_with(&facts, 980, 1 * MS / 2).reached);
    assert_false(pace_with(&facts, 979, 0).reached);
    assert_false(pace_with(&facts, 980, 1 * MS / 2).late);
    assert_true(pace_with(&facts, 980, 2 * MS).late);
    strcpy(facts.arrival, "poisson"); /* 3 * sqrt(1000) = 95 by chance */
    assert_true(pace_with(&facts, 906, 0).reached);
    assert_false(pace_with(&facts, 904, 0).reached);
}

static void a_batch_is_one_request_of_several_attempts(void **state)
{
    (void)state;
    struct history_facts facts = history_sample_facts();
    facts.rate = 1000;
    struct made m;
    begin(&m, &facts);
    for (uint64_t i = 0; i < 1200; i++) {
        struct history_attempt a = reserve(START + i / 2 * 100, 10, 2 + i, 9);
        a.flags = i % 2 ? FLAG_BATCHED : 0;
        add(&m, a);
    }
    finish(&m);
    assert_int_equal(m.s.operations, 1200);
    assert_int_equal(m.s.response->count, 1200);
    assert_int_equal(m.s.requests, 600);
    assert_false(pace_of(&m.s).reached); /* arrivals are requests */
    end(&m);
}

static void the_clients_share_of_the_processors_is_known(void **state)
{
    (void)state;
    struct history_facts facts = history_sample_facts();
    assert_true(pace_with(&facts, 1, 0).cpu_share == 0.25);
    facts.cpu_ns = 1900 * MS_NS;
    assert_true(pace_with(&facts, 1, 0).cpu_bound);
    facts.processes = 0;
    assert_true(pace_with(&facts, 1, 0).cpu_share == -1);
}

static void every_enum_value_has_a_name(void **state)
{
    (void)state;
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_history_without_attempts_has_a_summary),
        cmocka_unit_test(attempts_planned_in_the_warm_up_only_count_as_such),
        cmocka_unit_test(every_answer_has_its_class),
        cmocka_unit_test(more_statuses_than_rows_share_the_last),
        cmocka_unit_test(response_time_runs_from_the_plan_and_service_time_from_the_send),
        cmocka_unit_test(intervals_cover_the_run_and_know_their_own_percentiles),
        cmocka_unit_test(long_runs_have_longer_intervals_within_the_limit),
        cmocka_unit_test(what_is_left_is_carried_forward_and_ordered_by_version),
        cmocka_unit_test(requests_in_flight_are_those_begun_and_not_ended),
        cmocka_unit_test(conflicts_are_shared_out_and_none_is_lost),
        cmocka_unit_test(a_counter_that_began_again_goes_on),
        cmocka_unit_test(conflicts_without_metrics_are_not_known),
        cmocka_unit_test(an_effect_counts_once_however_often_its_key_was_sent),
        cmocka_unit_test(an_item_is_sold_out_at_the_first_answer_that_says_so),
        cmocka_unit_test(a_refusal_because_of_a_limit_is_not_about_stock),
        cmocka_unit_test(the_busiest_items_come_first),
        cmocka_unit_test(the_reading_after_the_load_is_the_last_word_on_stock),
        cmocka_unit_test(set_up_and_settling_are_no_load),
        cmocka_unit_test(workers_have_their_own_counts_and_lives),
        cmocka_unit_test(a_run_whose_parent_died_ends_with_its_last_sign_of_life),
        cmocka_unit_test(times_that_make_no_sense_do_no_harm),
        cmocka_unit_test(every_way_to_count_gives_the_same),
        cmocka_unit_test(the_target_rate_is_reached_or_not),
        cmocka_unit_test(a_batch_is_one_request_of_several_attempts),
        cmocka_unit_test(the_clients_share_of_the_processors_is_known),
        cmocka_unit_test(every_enum_value_has_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
