/* test_race_view.c -- what is shown of a race: its tracks, their curves, the document. */
#include "race/race_html.h"
#include "race/view.h"
#include "support/suite.h"

#include <stdlib.h>
#include <string.h>

static struct options options = {.strategy = STRATEGY_ALL,
                                 .processes = 3,
                                 .stock = 1000,
                                 .redis = (char[]){"redis://app:secret@127.0.0.1"},
                                 .command_line = (char[]){"stockload race </script> \xff"}};
static struct race_view *view;
static struct race_books *books;

static int before(void **state)
{
    view = race_view_new(&options);
    return view && race_books_new(&books, 3) == 0 ? 0 : -1;
}

static int after(void **state)
{
    race_books_free(books);
    race_view_free(view);
    options.strategy = STRATEGY_ALL;
    return 0;
}
EACH_BETWEEN(before, after)

static void sell(unsigned worker, int64_t sold, int64_t conflicts)
{
    atomic_store(&books->page[worker].sold, sold);
    atomic_store(&books->page[worker].conflicts, conflicts);
}

static struct race_result result_of(int64_t left, int64_t elapsed_ms)
{
    struct race_result r = {.stock = 1000, .left = left, .elapsed_us = elapsed_ms * 1000};
    assert_int_equal(race_books_sum(books, &r), 0);
    return r;
}

static int64_t number(const json_t *o, const char *key)
{
    return json_integer_value(json_object_get(o, key));
}

static const char *text(const json_t *o, const char *key)
{
    return json_string_value(json_object_get(o, key));
}

TEST(each_strategy_that_was_asked_for_has_a_track)
{
    assert_int_equal(view->tracks, RACE_STRATEGIES);
    options.strategy = STRATEGY_TURN;
    struct race_view *one = race_view_new(&options);
    assert_int_equal(one->tracks, 1);
    assert_string_equal(one->track[0].strategy->name, "turn");
    race_view_free(one);
}

TEST(a_look_takes_the_sums_of_all_workers)
{
    struct race_track *track = &view->track[0];
    race_view_start(track, 1000);
    sell(0, 10, 1);
    sell(2, 30, 5);
    assert_int_equal(race_view_look(track, books, 250000), 0);
    assert_int_equal(track->result.sold, 40);
    assert_int_equal(track->result.left, 960);
    assert_int_equal(track->result.conflicts, 6);
    assert_int_equal(track->lane[2].sold, 30);
    assert_int_equal(track->lane[1].end, RACE_LANE_RUNS);
    assert_int_equal(track->points, 2);
    assert_int_equal(track->point[1].at_ms, 250);
    assert_int_equal(track->point[1].left, 960);
}

TEST(a_race_of_any_length_has_its_whole_curve_in_order)
{
    struct race_track *track = &view->track[0];
    race_view_start(track, 1000);
    for (int64_t ms = 0; ms < 3600000; ms += 100) {
        sell(0, ms / 10000, 0);
        assert_int_equal(race_view_look(track, books, ms * 1000), 0);
        assert_in_range(track->points, 1, RACE_POINTS);
    }
    const struct race_result r = result_of(640, 3600000);
    race_view_finish(track, books, &r);
    assert_in_range(track->points, RACE_POINTS / 4, RACE_POINTS);
    assert_int_equal(track->point[0].at_ms, 0);
    assert_int_equal(track->point[0].left, 1000);
    for (size_t i = 1; i < track->points; i++) {
        assert_true(track->point[i].at_ms > track->point[i - 1].at_ms);
        assert_true(track->point[i].left <= track->point[i - 1].left);
    }
    assert_int_equal(track->point[track->points - 1].at_ms, 3600000);
    assert_int_equal(track->point[track->points - 1].left, 640);
}

TEST(the_end_is_the_last_point_though_it_was_looked_at_later)
{
    struct race_track *track = &view->track[0];
    race_view_start(track, 1000);
    sell(0, 1000, 0);
    assert_int_equal(race_view_look(track, books, 500000), 0);
    const struct race_result r = result_of(0, 420);
    race_view_finish(track, books, &r);
    assert_int_equal(track->points, 2);
    assert_int_equal(track->point[1].at_ms, 420);
}

TEST(who_ended_without_a_word_was_killed)
{
    struct race_track *track = &view->track[0];
    race_view_start(track, 1000);
    atomic_store(&books->page[0].ended_us, 5);
    assert_int_equal(race_view_look(track, books, 1000), 0);
    assert_int_equal(track->lane[0].end, RACE_LANE_DONE);
    assert_int_equal(track->lane[1].end, RACE_LANE_RUNS);
    const struct race_result r = result_of(1000, 10);
    race_view_finish(track, books, &r);
    assert_int_equal(track->lane[1].end, RACE_LANE_KILLED);
}

TEST(the_document_tells_what_is_known_and_no_password)
{
    race_view_start(&view->track[0], 1000);
    sell(0, 1000, 500);
    const struct race_result r = result_of(0, 2000);
    race_view_finish(&view->track[0], books, &r);
    race_view_start(&view->track[1], 1000);
    json_t *document = race_view_json(view);
    assert_non_null(document);
    const json_t *list = json_object_get(document, "strategies");
    const json_t *done = json_array_get(list, 0), *waits = json_array_get(list, 2);
    assert_string_equal(text(document, "kind"), "race");
    assert_string_equal(text(document, "phase"), "watch-batch");
    assert_string_equal(text(json_object_get(document, "facts"), "url"),
                        "redis://app:***@127.0.0.1");
    assert_int_equal(json_array_size(list), RACE_STRATEGIES);
    assert_string_equal(text(done, "state"), "done");
    assert_string_equal(text(done, "verdict"), "right");
    assert_int_equal(number(done, "sold"), 1000);
    assert_true(json_number_value(json_object_get(done, "units_per_second")) == 500);
    assert_true(json_number_value(json_object_get(done, "conflicts_per_unit")) == 0.5);
    assert_true(json_is_null(json_object_get(done, "p99_ms"))); /* no wait was booked */
    assert_int_equal(json_array_size(json_object_get(done, "workers")), 3);
    assert_string_equal(text(waits, "state"), "waiting");
    assert_true(json_is_null(json_object_get(waits, "verdict")));
    assert_true(json_is_null(json_object_get(waits, "units_per_second")));
    assert_int_equal(number(waits, "left"), 1000);
    assert_true(json_is_null(json_object_get(document, "exit_status")));
    json_decref(document);
}

TEST(the_largest_document_fits_into_a_message)
{
    options.processes = OPTIONS_PROCESSES_MAX;
    struct race_view *large = race_view_new(&options);
    options.processes = 3;
    for (size_t i = 0; i < large->tracks; i++) {
        struct race_track *track = &large->track[i];
        race_view_start(track, 1000);
        for (unsigned w = 0; w < track->lanes; w++)
            track->lane[w] = (struct race_lane){12345678, 12345678, RACE_LANE_DONE};
        for (track->points = 0; track->points < RACE_POINTS; track->points++)
            track->point[track->points] = (struct race_point){12345678, 1234567890, 1234567890};
    }
    json_t *document = race_view_json(large);
    char *json = json_dumps(document, JSON_COMPACT);
    assert_in_range(strlen(json), 1, 60 * 1024);
    free(json);
    json_decref(document);
    race_view_free(large);
}

TEST(a_saved_race_holds_its_document_and_no_hostile_text_as_it_is)
{
    char *page = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&page, &bytes);
    view->over = true;
    assert_int_equal(race_html(out, view), 0);
    assert_int_equal(fclose(out), 0);
    assert_non_null(strstr(page, "<script type=\"application/json\" id=\"document\">"));
    assert_non_null(strstr(page, "stockload race \\u003c/script\\u003e"));
    assert_null(strstr(page, "race </script>"));
    assert_non_null(strstr(page, "default-src 'none'"));
    assert_null(strstr(page, "secret"));
    free(page);
}
