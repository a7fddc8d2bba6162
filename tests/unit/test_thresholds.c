/* test_thresholds.c -- thresholds: what is read, what is refused and how, and how they come out. */

#include "report/thresholds.h"
#include "support/suite.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct read_row {
    const char *text;
    enum gate_metric metric;
    enum gate_operator op;
    double percentile, bound;
    bool share;
};

TEST(thresholds_are_read)
{
    static const struct read_row rows[] = {
        {"p99<50ms", GATE_PERCENTILE, GATE_LESS, 99, 50, false},
        {"p99.9<=0.2s", GATE_PERCENTILE, GATE_AT_MOST, 99.9, 200, false},
        {"p99.99<100000us", GATE_PERCENTILE, GATE_LESS, 99.99, 100, false},
        {"p0.5>1us", GATE_PERCENTILE, GATE_MORE, 0.5, 0.001, false},
        {"p50>=0s", GATE_PERCENTILE, GATE_AT_LEAST, 50, 0, false},
        {"max<1s", GATE_MAX, GATE_LESS, 0, 1000, false},
        {"mean<5ms", GATE_MEAN, GATE_LESS, 0, 5, false},
        {"rps>1000", GATE_RPS, GATE_MORE, 0, 1000, false},
        {"rps>=12.5", GATE_RPS, GATE_AT_LEAST, 0, 12.5, false},
        {"errors<1%", GATE_ERRORS, GATE_LESS, 0, 1, true},
        {"errors=0", GATE_ERRORS, GATE_EQUAL, 0, 0, false},
        {"conflicts<5", GATE_CONFLICTS, GATE_LESS, 0, 5, false},
        {"conflicts<250%", GATE_CONFLICTS, GATE_LESS, 0, 250, true},
        {"rps>1.5k", GATE_RPS, GATE_MORE, 0, 1500, false},
        {"dropped < 2m ", GATE_DROPPED, GATE_LESS, 0, 2e6, false},
        {"dropped=0", GATE_DROPPED, GATE_EQUAL, 0, 0, false},
        {"unknown<0.1%", GATE_UNKNOWN, GATE_LESS, 0, 0.1, true},
        {"  p99 < 50 ms\t", GATE_PERCENTILE, GATE_LESS, 99, 50, false},
        {"unknown <= 0.1 %", GATE_UNKNOWN, GATE_AT_MOST, 0, 0.1, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct gate gate;
        char err[GATE_ERR_SIZE];
        if (!gate_parse(&gate, rows[i].text, err, sizeof err))
            fail_msg("%s: %s", rows[i].text, err);
        assert_ptr_equal(gate.text, rows[i].text);
        assert_int_equal(gate.metric, rows[i].metric);
        assert_int_equal(gate.op, rows[i].op);
        assert_true(fabs(gate.bound - rows[i].bound) < 1e-9);
        assert_true(fabs(gate.percentile - rows[i].percentile) < 1e-9);
        assert_int_equal(gate.share, rows[i].share);
    }
}

TEST(what_is_wrong_and_what_would_be_right_is_said)
{
    static const struct {
        const char *text, *says;
    } rows[] = {
        {"", "it is empty"},
        {"   ", "it is empty"},
        {"latency<5ms", "it begins with p50"},
        {"P99<5ms", "it begins with p50"},
        {"maximum<5ms", "it begins with p50"},
        {"<5ms", "it begins with p50"},
        {"p<5ms", "above 0 and below 100"},
        {"p0<5ms", "above 0 and below 100"},
        {"p-1<5ms", "above 0 and below 100"},
        {"p99.<5ms", "above 0 and below 100"},
        {"p100<5ms", "called max"},
        {"p999<5ms", "called max"},
        {"p99", "one of < <= > >= ="},
        {"p99 50ms", "one of < <= > >= ="},
        {"p99!50ms", "one of < <= > >= ="},
        {"p99==50ms", "one of < <= > >= ="},
        {"p99<>50ms", "one of < <= > >= ="},
        {"p99=<50ms", "one of < <= > >= ="},
        {"p99<", "the bound is a number"},
        {"p99<-5ms", "the bound is a number"},
        {"p99<.5ms", "the bound is a number"},
        {"p99<5.ms", "the bound is a number"},
        {"p99<infs", "the bound is a number"},
        {"rps>nan", "the bound is a number"},
        {"rps>99999999999999999999", "at most 15 digits"},
        {"rps>0.99999999999999999999", "at most 15 digits"},
        {"p99<50", "us, ms or s, as in p99<50ms"},
        {"max<50", "us, ms or s, as in max<50ms"},
        {"mean<50%", "us, ms or s, as in mean<50ms"},
        {"p99<5m", "us, ms or s"},
        {"p99<5msx", "nothing may follow the unit"},
        {"p99<5ms,max<1s", "nothing may follow the unit"},
        {"max<138s", "up to 137s"},
        {"rps>5%", "as in rps>1000"},
        {"rps>5kb", "without a unit"},
        {"rps>5t", "without a unit"},
        {"errors<1x", "a share has a percent sign"},
        {"errors<1ms", "a share has a percent sign"},
        {"errors<101%", "at most 100%"},
        {"dropped<1%%", "a share has a percent sign"},
        {"rps>0x10", "without a unit"},
        {"rps>1e3", "without a unit"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct gate gate = {.bound = 77};
        char err[GATE_ERR_SIZE] = "";
        if (gate_parse(&gate, rows[i].text, err, sizeof err))
            fail_msg("accepted: %s", rows[i].text);
        assert_true(gate.bound == 77);
        if (!strstr(err, rows[i].says))
            fail_msg("\"%s\": %s; without \"%s\"", rows[i].text, err, rows[i].says);
        assert_true(strlen(err) < GATE_ERR_SIZE - 1);
    }
}

struct run {
    struct history_facts facts;
    struct summary s;
};

/* 1,000 attempts in 2 seconds: 900 ok, 60 without stock, 30 busy, 10 unknown; response times of
 * 1 .. 990 us. */
static void make(struct run *run)
{
    memset(run, 0, sizeof *run);
    run->s.facts = &run->facts;
    run->facts.metrics = 1;
    run->facts.dropped = 250;
    run->s.seconds = 2;
    run->s.operations = 1000;
    run->s.answers = 990;
    run->s.per_second = 495;
    run->s.successes = 400;
    run->s.conflicts = 100;
    run->s.conflicts_per_success = 0.25;
    run->s.count[CLASS_OK] = 900;
    run->s.count[CLASS_NO_STOCK] = 60;
    run->s.count[CLASS_BUSY] = 30;
    run->s.count[CLASS_UNKNOWN] = 10;
    run->s.response = calloc(1, sizeof *run->s.response);
    assert_non_null(run->s.response);
    for (uint64_t us = 1; us <= 990; us++)
        histogram_add(run->s.response, us * 1000);
}

static struct gate_result evaluate(const char *text, const struct run *run)
{
    struct gate gate;
    char err[GATE_ERR_SIZE];
    if (!gate_parse(&gate, text, err, sizeof err))
        fail_msg("%s: %s", text, err);
    return gate_evaluate(&gate, &run->s);
}

TEST(each_metric_is_measured_in_its_unit)
{
    static const struct {
        const char *text;
        bool met;
        double actual;
        const char *unit;
    } rows[] = {
        {"p50<0.6ms", true, 0.495, "ms"},    {"p50<400us", false, 0.495, "ms"},
        {"p99<0.9ms", false, 0.981, "ms"},   {"max<=990us", true, 0.990, "ms"},
        {"max<990us", false, 0.990, "ms"},   {"mean<1ms", true, 0.4955, "ms"},
        {"rps>=495", true, 495, "/s"},       {"rps>495", false, 495, "/s"},
        {"errors<=40", true, 40, ""},        {"errors<4%", false, 4, "%"},
        {"errors<=4%", true, 4, "%"},        {"unknown=10", true, 10, ""},
        {"unknown<1%", false, 1, "%"},       {"dropped=0", false, 250, ""},
        {"dropped<=20%", true, 20, "%"},     {"conflicts<0.25", false, 0.25, ""},
        {"conflicts<=0.25", true, 0.25, ""}, {"conflicts<=10%", true, 10, "%"},
    };
    struct run run;
    make(&run);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct gate_result result = evaluate(rows[i].text, &run);
        if (fabs(result.actual - rows[i].actual) > rows[i].actual * 0.004)
            fail_msg("%s: %g", rows[i].text, result.actual);
        if (result.met != rows[i].met)
            fail_msg("%s came out wrong", rows[i].text);
        assert_string_equal(result.unit, rows[i].unit);
        assert_string_equal(result.why, "");
        assert_string_equal(result.text, rows[i].text);
    }
    free(run.s.response);
}

TEST(what_was_not_measured_is_not_met)
{
    static const struct {
        const char *text, *why;
    } rows[] = {
        {"p99<50ms", "no answer came"},    {"max<1s", "no answer came"},
        {"mean>=0s", "no answer came"},    {"rps>=0", "no time was measured"},
        {"errors=0", "nothing was sent"},  {"unknown<1%", "nothing was sent"},
        {"dropped=0", "nothing was sent"}, {"conflicts<5", "the server's /metrics"},
    };
    struct histogram *empty = calloc(1, sizeof *empty);
    assert_non_null(empty);
    struct run nothing;
    memset(&nothing, 0, sizeof nothing);
    nothing.s.facts = &nothing.facts;
    nothing.s.response = empty;
    nothing.s.conflicts_per_success = -1;
    nothing.s.conflicts_doubt = "the server's /metrics did not show them";
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct gate_result result = evaluate(rows[i].text, &nothing);
        assert_false(result.met);
        assert_ptr_equal(strstr(result.why, rows[i].why), result.why);
        assert_int_equal(result.unknown, *rows[i].text == 'c'); /* what the services know */
    }
    nothing.s.conflicts_doubt = NULL;
    assert_string_equal(evaluate("conflicts<5%", &nothing).why, "nothing succeeded");
    nothing.facts.dropped = 3;
    assert_false(evaluate("dropped<100%", &nothing).met); /* measured: all of them */
    assert_string_equal(evaluate("dropped<100%", &nothing).why, "");
    free(empty);
}
