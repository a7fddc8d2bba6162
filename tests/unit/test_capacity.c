/* test_capacity.c -- what a step of a search shows, what the steps amount to, and how reports tell
 * it. */
#include "report/jsoncapacity.h"
#include "report/layout.h"
#include "report/page.h"
#include "support/report_case.h"
#include "support/report_sample.h"
#include "support/schema.h"
#include "support/suite.h"

#include <stdlib.h>
#include <string.h>

#define GOAL_NS   UINT64_C(5000000)
#define SECONDS   5.0
#define FAST_NS   3000000
#define SLOW_NS   9000000
#define SCHEMA    "loadgen/report/report.schema.json"
#define STEPS_ALL 3

static const struct capacity_step held = {.rate = 1000,
                                          .offered = 1000,
                                          .answered = 1000,
                                          .answers = 5000,
                                          .p99_ns = FAST_NS,
                                          .service_p99_ns = FAST_NS,
                                          .lag_p99_ns = 100000,
                                          .cpu_share = 0.5};

/* One thing changed of the step above. */
static const struct row {
    const char *name;
    double offered, answered;
    int64_t p99_ns, service_p99_ns, lag_p99_ns; /* 0: as above */
    double cpu_share;
    uint64_t errors;
    bool poisson;
    enum capacity_word word;
} rows[] = {
    {"all is well", 1000, 1000, 0, 0, 0, 0.5, 0, false, CAPACITY_HELD},
    {"p99 is the goal", 1000, 1000, GOAL_NS, GOAL_NS, 0, 0.5, 0, false, CAPACITY_HELD},
    {"p99 is a little more", 1000, 1000, GOAL_NS + 1, GOAL_NS + 1, 0, 0.5, 0, false,
     CAPACITY_LATENCY},
    {"99 of 100 are answered", 1000, 990, 0, 0, 0, 0.5, 0, false, CAPACITY_HELD},
    {"some less are", 1000, 989, 0, SLOW_NS, 0, 0.5, 0, false, CAPACITY_RATE},
    {"an error is one too many", 1000, 1000, 0, 0, 0, 0.5, 1, false, CAPACITY_ERRORS},
    {"a request waits for a client", 1000, 1000, SLOW_NS, FAST_NS, 0, 0.5, 0, false,
     CAPACITY_CLIENTS},
    {"many do", 1000, 700, SLOW_NS, FAST_NS, 0, 0.5, 0, false, CAPACITY_CLIENTS},
    {"slow, and the generator is late", 1000, 1000, SLOW_NS, SLOW_NS, GOAL_NS / 2, 0.5, 0, false,
     CAPACITY_GENERATOR},
    {"late, but the goal is met", 1000, 1000, 0, 0, GOAL_NS / 2, 0.5, 0, false, CAPACITY_HELD},
    {"slow, and the generator has no CPU left", 1000, 1000, SLOW_NS, SLOW_NS, 0, 0.95, 0, false,
     CAPACITY_GENERATOR},
    {"its CPU is not known", 1000, 1000, SLOW_NS, SLOW_NS, 0, -1, 0, false, CAPACITY_LATENCY},
    {"too few are offered", 980, 980, 0, 0, 0, 0.5, 0, false, CAPACITY_GENERATOR},
    {"as few as chance makes of a Poisson process", 980, 980, 0, 0, 0, 0.5, 0, true, CAPACITY_HELD},
    {"fewer than chance makes", 940, 940, 0, 0, 0, 0.5, 0, true, CAPACITY_GENERATOR},
};

TEST(a_step_shows_what_ended_it_and_never_blames_the_service_for_the_generator)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct row *row = &rows[i];
        struct capacity_step step = held;
        step.offered = row->offered;
        step.answered = row->answered;
        step.p99_ns = row->p99_ns ? (uint64_t)row->p99_ns : step.p99_ns;
        step.service_p99_ns = row->service_p99_ns ? (uint64_t)row->service_p99_ns : FAST_NS;
        step.lag_p99_ns = row->lag_p99_ns ? (uint64_t)row->lag_p99_ns : step.lag_p99_ns;
        step.cpu_share = row->cpu_share;
        step.errors = row->errors;
        enum capacity_word word = capacity_judge(&step, SECONDS, row->poisson, GOAL_NS);
        if (word != row->word)
            fail_msg("%s: %s instead of %s", row->name, capacity_name(word),
                     capacity_name(row->word));
    }
}

TEST(a_step_without_an_answer_reached_nothing)
{
    struct capacity_step step = held;
    step.answers = 0;
    step.answered = 0;
    step.p99_ns = step.service_p99_ns = 0;
    assert_int_equal(capacity_judge(&step, SECONDS, false, GOAL_NS), CAPACITY_RATE);
}

/* --- the answer ------------------------------------------------------------------------------- */

static void assert_sentence(const struct capacity *c, const char *expected)
{
    char sentence[CAPACITY_SENTENCE_SIZE];
    jsoncapacity_sentence(c, sentence);
    assert_string_equal(sentence, expected);
}

TEST(the_answer_says_what_ended_the_search)
{
    struct capacity c = capacity_sample();
    assert_true(c.limit == CAPACITY_ERRORS && capacity_known(&c));
    c.step[1].word = c.step[2].word = CAPACITY_LATENCY;
    capacity_conclude(&c, false);
    assert_sentence(&c, "8,000/s keep p99 at 3.40ms (goal 5.00ms); at 8,400/s p99 was 7.10ms");
    c.step[2].word = CAPACITY_RATE;
    capacity_conclude(&c, false);
    assert_sentence(&c, "8,000/s keep p99 at 3.40ms (goal 5.00ms); at 8,400/s only 8,391/s were "
                        "answered");
    c.rate = 8400;
    c.ceiling = 8400;
    c.missed = 0;
    c.step[2].word = CAPACITY_HELD;
    capacity_conclude(&c, false);
    assert_int_equal(c.limit, CAPACITY_CEILING);
    assert_sentence(&c, "at least 8,400/s keep p99 at 7.10ms (goal 5.00ms); no higher rate was to "
                        "be tried");
    capacity_conclude(&c, true);
    assert_int_equal(c.limit, CAPACITY_BROKEN);
}

/* One try was spoilt by the generator: what the service does at that rate is not known, whatever
 * the other tries were. */
TEST(a_limit_that_may_be_the_generators_is_not_known)
{
    struct capacity c = capacity_sample();
    c.step[1].word = CAPACITY_GENERATOR;
    c.step[2].word = CAPACITY_LATENCY;
    capacity_conclude(&c, false);
    assert_true(c.limit == CAPACITY_GENERATOR && !capacity_known(&c));
    assert_sentence(&c, "at least 8,000/s keep p99 at 3.40ms (goal 5.00ms); at 8,400/s the "
                        "generator did not keep up (p99 of its own lag was 120us); what the "
                        "service does there is not known: more processes (-p), or a machine of "
                        "its own for the load, would tell");
    c.step[1].word = CAPACITY_CLIENTS;
    capacity_conclude(&c, false);
    assert_true(c.limit == CAPACITY_CLIENTS && !capacity_known(&c));
}

TEST(no_rate_may_hold)
{
    struct capacity c = capacity_sample();
    c.rate = 0;
    c.step[0] = c.step[1] = c.step[2];
    capacity_conclude(&c, false);
    assert_sentence(&c, "no rate was seen to keep p99 at 5.00ms; at 8,400/s p99 was 7.10ms");
}

/* --- the reports ------------------------------------------------------------------------------ */

struct told {
    struct run *run[STEPS_ALL];
    struct report_run runs[STEPS_ALL];
    struct capacity capacity;
};

static char *tell_in(struct told *told, many_fn *write, unsigned width)
{
    return write_as(write, &(struct report){.runs = told->runs,
                                            .count = STEPS_ALL,
                                            .capacity = &told->capacity,
                                            .style.width = width});
}

static char *tell(struct told *told, many_fn *write)
{
    return tell_in(told, write, 0);
}

static struct told told_make(void)
{
    struct told told = {.capacity = capacity_sample()};
    for (int i = 0; i < STEPS_ALL; i++) {
        told.run[i] = run_make(i == 2 ? VIOLATION : RIGHT);
        told.runs[i] = told.run[i]->report;
    }
    return told;
}

static void told_free(struct told *told)
{
    for (int i = 0; i < STEPS_ALL; i++)
        run_free(told->run[i]);
}

TEST(the_text_has_what_was_not_right_then_all_steps_then_the_answer)
{
    struct told told = told_make();
    char *text = tell(&told, report_text);
    const char *answer = strstr(text, "\nCAPACITY     8,000/s keep p99 at 3.40ms");
    assert_non_null(answer);
    assert_true(strlen(answer) < 4 * PAGE_WIDTH);
    for (size_t s = 0; s < LAYOUT_CAPACITY; s++) {
        assert_holds(text, layout_capacity[s].title);
        for (size_t i = 0; i < layout_capacity[s].fields; i++)
            assert_holds(text, layout_capacity[s].field[i].label);
    }
    assert_holds(text, "  8,000/s");
    assert_holds(text, "7.10ms");
    assert_holds(text, "VIOLATION    25 violations of: versions\n\nWitnesses\n");
    free(text);
    for (unsigned width = PAGE_WIDTH_MIN; width <= PAGE_WIDTH_MAX; width += 20) {
        text = tell_in(&told, report_text, width);
        for (const char *line = text; *line; line += strcspn(line, "\n") + 1)
            assert_true(strcspn(line, "\n") <= width);
        assert_holds(text, "own lag");
        free(text);
    }
    told_free(&told);
}

TEST(the_document_fits_its_schema)
{
    struct told told = told_make();
    char why[512] = "";
    json_t *schema = json_load_file(SCHEMA, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(schema);
    json_t *report = schema_at(schema, "#/$defs/report");
    for (int broken = 0; broken < 2; broken++) {
        capacity_conclude(&told.capacity, broken);
        char *text = tell(&told, report_json);
        json_t *value = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
        assert_non_null(value);
        if (schema_check(schema, report, value, why, sizeof why) != SCHEMA_FITS ||
            schema_names_all(schema, report, value, why, sizeof why) != SCHEMA_FITS)
            fail_msg("%s", why);
        const json_t *c = json_object_get(value, "capacity");
        assert_string_equal(json_string_value(json_object_get(c, "outcome")),
                            broken ? "open" : "known");
        assert_int_equal(json_array_size(json_object_get(c, "steps")), STEPS_ALL);
        json_decref(value);
        free(text);
    }
    json_decref(schema);
    told_free(&told);
}

TEST(the_page_carries_the_search)
{
    struct told told = told_make();
    char *text = tell(&told, report_html);
    assert_holds(text, "\"capacity\":{\"outcome\":\"known\"");
    assert_holds(text, "\nCAPACITY     8,000/s");
    free(text);
    told_free(&told);
}
