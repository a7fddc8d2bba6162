/* test_live_json.c -- what the live page is told of a run, and what its files must not hold. */
#include "run/live_json.h"
#include "support/report_case.h"
#include "support/suite.h"
#include "ui/assets.h"
#include "ui/frame.h"
#include "ui/ui.h"

#include <stdlib.h>
#include <string.h>

static const struct live_process processes[] = {
    {.requests = 7, .count = {1, 2, 0, 0, 4}, .lives = 1},
    {.requests = 9, .count = {5, 0, 3, 1, 0}, .lives = 3},
};

static struct live_state moment(void)
{
    return (struct live_state){.elapsed_ms = 12345,
                               .planned_ms = 30000,
                               .requests_sent = 16,
                               .count = {6, 2, 3, 1, 4},
                               .rate_now = 5012.44449,
                               .rate_average = 99.9,
                               .p50_ms = 1.25,
                               .p99_ms = -1,
                               .conflicts = -1,
                               .in_flight = 5,
                               .connections = 6,
                               .hot = 2,
                               .item = {{.index = 0, .remaining = 3, .initial = 40},
                                        {.index = 1, .remaining = -1, .initial = 40}},
                               .past = 2,
                               .past_rate = {10, 20.5F},
                               .past_p99_ms = {-1, 2},
                               .processes = 2,
                               .process = processes};
}

static json_t *begin(void)
{
    const struct history_facts facts = history_sample_facts();
    json_t *document = live_json_begin(&facts);
    assert_non_null(document);
    return document;
}

static json_t *at(json_t *from, const char *key)
{
    json_t *value = json_object_get(from, key);
    if (!value)
        fail_msg("%s is not there", key);
    return value;
}

static const char *text(json_t *from, const char *key)
{
    return json_string_value(at(from, key));
}

static int64_t number(json_t *from, const char *key)
{
    return json_integer_value(at(from, key));
}

TEST(a_run_that_begins_has_all_members)
{
    json_t *d = begin();
    assert_string_equal(text(d, "kind"), "run");
    assert_string_equal(text(d, "phase"), "starting");
    assert_true(json_is_false(at(d, "over")));
    assert_true(json_is_null(at(d, "load")) && json_is_null(at(d, "verdict")));
    assert_true(json_is_null(at(d, "step")) && json_is_null(at(d, "exit_status")));
    assert_int_equal(number(at(d, "facts"), "items"), 2);
    json_decref(d);
}

TEST(a_moment_is_told_and_what_is_not_known_is_null)
{
    json_t *d = begin();
    const struct live_state s = moment();
    assert_true(live_json_moment(d, &s));
    json_t *load = at(d, "load");
    assert_string_equal(text(d, "phase"), "running");
    assert_int_equal(number(load, "requests"), 16);
    assert_int_equal(number(load, "percent"), 41);
    assert_int_equal(number(at(load, "answers"), "ok"), 6);
    assert_int_equal(number(at(load, "answers"), "no-stock"), 2);
    assert_int_equal(number(at(load, "answers"), "unknown"), 4);
    assert_true(json_number_value(at(load, "rate_now")) == 5012.444);
    assert_true(json_is_null(at(load, "p99_ms")) && json_is_null(at(load, "conflicts")));
    assert_true(json_is_null(at(load, "requests_planned")));
    json_t *items = at(load, "items");
    assert_int_equal(number(json_array_get(items, 0), "left"), 3);
    assert_true(json_is_null(at(json_array_get(items, 1), "left")));
    json_t *second = json_array_get(at(load, "processes"), 1);
    static const int64_t row[] = {9, 3, 5, 0, 3, 1, 0};
    assert_int_equal(json_array_size(second), 7);
    for (size_t i = 0; i < 7; i++)
        assert_int_equal(json_integer_value(json_array_get(second, i)), row[i]);
    assert_int_equal(json_array_size(at(at(load, "past"), "rate")), 2);
    assert_true(json_is_null(json_array_get(at(at(load, "past"), "p99_ms"), 0)));
    json_decref(d);
}

TEST(a_step_leaves_the_load_as_it_was_seen_last)
{
    json_t *d = begin();
    const struct live_state s = moment();
    assert_true(live_json_moment(d, &s));
    assert_true(live_json_moment(
        d,
        &(struct live_state){.phase = "looking up", .step = true, .step_done = 3, .step_all = 12}));
    assert_string_equal(text(d, "phase"), "looking up");
    assert_int_equal(number(at(d, "step"), "percent"), 25);
    assert_int_equal(number(at(d, "step"), "done"), 3);
    assert_int_equal(number(at(d, "load"), "requests"), 16);
    assert_true(live_json_moment(d, &(struct live_state){.phase = "checking",
                                                         .step = true,
                                                         .step_percent = true,
                                                         .step_done = 40,
                                                         .step_all = 100}));
    assert_true(json_is_null(at(at(d, "step"), "all")));
    assert_true(live_json_moment(d, &s));
    assert_true(json_is_null(at(d, "step")));
    json_decref(d);
}

TEST(the_verdict_comes_with_the_words_figures_and_counts_of_the_report)
{
    json_t *d = begin();
    const struct live_state s = moment();
    struct run *run = run_make(RIGHT);
    char *report = write_many(report_text, &run->report, 1);
    assert_true(live_json_moment(d, &s));
    assert_true(live_json_verdict(d, &run->report));
    assert_true(live_json_end(d, 99));
    json_t *verdict = at(d, "verdict"), *figures = at(verdict, "figures"), *pair;
    size_t i;
    assert_string_equal(text(d, "phase"), "judged");
    assert_string_equal(text(verdict, "word"), "right");
    assert_holds(report, text(verdict, "sentence"));
    assert_true(json_array_size(figures) >= 3);
    json_array_foreach(figures, i, pair)
        assert_holds(report, json_string_value(json_array_get(pair, 0)));
    assert_int_equal(number(at(d, "load"), "requests"), (int64_t)run->summary.requests);
    for (int c = 0; c < CLASSES; c++)
        assert_int_equal(
            number(at(at(d, "load"), "answers"), summary_class_name((enum summary_class)c)),
            (int64_t)run->summary.count[c]);
    assert_true(json_is_true(at(d, "over")));
    assert_int_equal(number(d, "exit_status"), 99);
    free(report);
    run_free(run);
    json_decref(d);
}

TEST(the_largest_document_fits_into_a_message)
{
    static struct live_process many[HISTORY_WORKERS_MAX];
    for (size_t i = 0; i < HISTORY_WORKERS_MAX; i++)
        many[i] =
            (struct live_process){.requests = 12345678901,
                                  .count = {1234567890, 1234567890, 12345678, 12345678, 12345678},
                                  .lives = 100};
    struct live_state s = moment();
    s.processes = HISTORY_WORKERS_MAX;
    s.process = many;
    s.hot = LIVE_HOT;
    s.past = LIVE_PAST;
    for (size_t i = 0; i < LIVE_PAST; i++)
        s.past_rate[i] = s.past_p99_ms[i] = 123456.789F;
    struct run *hostile = run_make(HOSTILE);
    json_t *d = live_json_begin(hostile->summary.facts);
    assert_true(live_json_moment(d, &s));
    assert_true(live_json_verdict(d, &hostile->report));
    char *json = json_dumps(d, JSON_COMPACT | JSON_ENSURE_ASCII);
    assert_in_range(strlen(json), 1, UI_DOCUMENT_MAX - 1024);
    assert_null(strchr(json, '\n'));
    free(json);
    json_decref(d);
    run_free(hostile);
}

TEST(a_frame_is_an_event_and_its_last_user_frees_it)
{
    struct frame *frame = frame_new(STR("state"), STR("{\"a\":1}"));
    assert_true(
        str_equal((struct str){frame->bytes, frame->n}, STR("event: state\ndata: {\"a\":1}\n\n")));
    assert_true(str_equal(frame_document(frame), STR("{\"a\":1}")));
    frame_drop(frame_keep(frame));
    frame_drop(frame);
    frame_drop(NULL);
}

TEST(no_file_of_the_page_ends_the_element_that_it_may_stand_in)
{
    const struct str files[] = {UI_ASSET(css), UI_ASSET(live), UI_ASSET(saved), UI_ASSET(index)};
    for (size_t i = 0; i < 3; i++) { /* the page itself has such elements */
        char *file = strndup(files[i].p, files[i].n);
        assert_true(strlen(file) == files[i].n && files[i].n > 1000);
        assert_null(strstr(file, "</script"));
        assert_null(strstr(file, "</style"));
        assert_null(strstr(file, "<!--"));
        free(file);
    }
    assert_true(files[3].n > 100);
}
