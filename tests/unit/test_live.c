/* test_live.c -- the live view: what it shows, that it fits, and that a redraw covers the last one.
 */
#include "report/units.h"
#include "run/live.h"
#include "support/suite.h"

#include <stdlib.h>
#include <string.h>

static struct live_state full(void)
{
    struct live_state s = {.elapsed_ms = 12345,
                           .planned_ms = 30000,
                           .count = {1234567, 345, 3, 2, 1},
                           .rate_now = 5012.4,
                           .rate_average = 99.94,
                           .p50_ms = 1.234,
                           .p99_ms = 48.06,
                           .conflicts = 120,
                           .in_flight = 50,
                           .connections = 64,
                           .dropped = 7,
                           .hot = LIVE_HOT};
    for (uint32_t i = 0; i < LIVE_HOT; i++)
        s.item[i] = (struct live_item){.index = i * 111, .remaining = 500, .initial = 1000};
    return s;
}

static char *block_in(const struct live_state *s, struct live_look look)
{
    struct buf out;
    buf_init(&out, 1 << 16);
    live_render_block(&out, s, look);
    assert_false(out.failed);
    char *text = strndup(buf_str(&out).p, out.n);
    buf_free(&out);
    return text;
}

static char *block(const struct live_state *s, unsigned width)
{
    return block_in(s, (struct live_look){.width = width});
}

static char *plain_in(const struct live_state *s, unsigned width)
{
    struct buf out;
    buf_init(&out, 1 << 16);
    live_render_line(&out, s, width);
    assert_false(out.failed);
    char *text = strndup(buf_str(&out).p, out.n);
    assert_int_equal(strlen(text), out.n);
    buf_free(&out);
    return text;
}

static char *plain(const struct live_state *s)
{
    return plain_in(s, LIVE_LINE_WIDTH);
}

/* Each line ends in a newline, is at most `width` long and holds printable ASCII. Their number. */
static unsigned assert_lines(const char *text, unsigned width)
{
    unsigned lines = 0, column = 0;
    for (const char *c = text; *c; c++) {
        if (*c == '\n') {
            lines++;
            column = 0;
            continue;
        }
        assert_true(*c >= ' ' && *c <= '~');
        if (++column > width)
            fail_msg("wider than %u:\n%s", width, text);
    }
    assert_int_equal(column, 0);
    return lines;
}

TEST(a_block_shows_all_there_is)
{
    struct live_state s = full();
    char *text = block(&s, 100);
    static const char *const parts[] = {"running  00:12 of 00:30\n",
                                        "] "
                                        " 41%\n",
                                        "rate     5,012/s now, 99.9/s on average\n",
                                        "latency  p50 1.23ms, p99 48.1ms\n",
                                        "answers  ok 1,234,567, sold out 345, refused 3, busy 2, "
                                        "unknown 1\n",
                                        "50 in flight, 64 connections, 120 conflicts/s, 7 dropped",
                                        "item 777 ",
                                        "500 of 1,000\n"};
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        if (!strstr(text, parts[i]))
            fail_msg("no \"%s\" in\n%s", parts[i], text);
    assert_int_equal(assert_lines(text, 100), 10);
    free(text);
}

TEST(what_is_not_known_is_not_shown)
{
    struct live_state s = {.conflicts = -1, .p50_ms = -1, .p99_ms = -1, .hot = 1};
    s.item[0] = (struct live_item){.remaining = -1, .initial = 10};
    char *text = block(&s, 80);
    assert_null(strstr(text, "conflicts"));
    assert_null(strstr(text, "dropped"));
    assert_null(strstr(text, "%"));
    assert_non_null(strstr(text, "p50 -, p99 -"));
    assert_non_null(strstr(text, "item 0   ? of 10\n"));
    free(text);
    text = plain(&s);
    assert_string_equal(text, "00:00 0/s, p99 -, ok 0\n");
    free(text);
}

TEST(no_line_is_wider_than_the_terminal)
{
    struct live_state s = full();
    char phase[300];
    memset(phase, 'x', sizeof(phase) - 1);
    phase[sizeof(phase) - 1] = '\0';
    for (int extreme = 0; extreme < 2; extreme++) {
        for (unsigned width = LIVE_WIDTH_MIN; width <= LIVE_WIDTH_MAX; width++) {
            char *text = block(&s, width);
            assert_in_range(assert_lines(text, width), 7, 22); /* of 24 that a terminal has */
            free(text);
        }
        s.phase = phase;
        s.rate_now = s.rate_average = 1e300;
        s.p50_ms = s.p99_ms = 1e12;
        s.conflicts = 1e18;
        s.dropped = s.in_flight = s.connections = s.count[LIVE_OK] = INT64_MAX;
        s.elapsed_ms = s.planned_ms = INT64_MAX;
        s.requests_sent = s.requests_planned = INT64_MAX;
        for (size_t i = 0; i < LIVE_HOT; i++)
            s.item[i] = (struct live_item){UINT32_MAX, INT64_MAX, INT64_MAX};
    }
}

TEST(a_narrow_block_breaks_lists_and_leaves_nothing_out)
{
    struct live_state s = full();
    char *text = block(&s, LIVE_WIDTH_MIN);
    assert_non_null(strstr(text, "answers  ok 1,234,567, sold out 345,\n"
                                 "         refused 3, busy 2, unknown 1\n"));
    assert_non_null(strstr(text, "load     50 in flight, 64 connections,\n"
                                 "         120 conflicts/s, 7 dropped\n"));
    free(text);
    s = (struct live_state){.phase = "waiting for requests and holds to run out (seconds)",
                            .step = true,
                            .step_done = 3,
                            .step_all = 60};
    text = block(&s, LIVE_WIDTH_MIN);
    assert_non_null(strstr(text, "waiting for requests and holds   3 of 60\n"));
    free(text);
}

TEST(widths_out_of_range_are_cut_to_it)
{
    struct live_state s = full();
    char *narrow = block(&s, 0), *least = block(&s, LIVE_WIDTH_MIN);
    assert_string_equal(narrow, least);
    char *wide = block(&s, 5000), *most = block(&s, LIVE_WIDTH_MAX);
    assert_string_equal(wide, most);
    free(narrow), free(least), free(wide), free(most);
}

TEST(progress_runs_from_0_to_100_percent)
{
    struct live_state s = {.planned_ms = 1000};
    static const struct {
        int64_t elapsed_ms;
        int percent;
    } rows[] = {{-5, 0}, {0, 0}, {9, 0}, {10, 1}, {999, 99}, {1000, 100}, {5000, 100}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        s.elapsed_ms = rows[i].elapsed_ms;
        assert_int_equal(live_percent(&s), rows[i].percent);
        char *text = block(&s, 40);
        size_t hashes = 0;
        for (const char *c = text; *c; c++)
            hashes += *c == '#';
        assert_int_equal(hashes, 33u * (unsigned)rows[i].percent / 100);
        free(text);
    }
    s = (struct live_state){.requests_planned = 4, .requests_sent = 3, .planned_ms = 100};
    assert_int_equal(live_percent(&s), 75); /* whichever comes first ends the run */
    s.elapsed_ms = 90;
    assert_int_equal(live_percent(&s), 90);
    s = (struct live_state){.elapsed_ms = 10};
    assert_int_equal(live_percent(&s), -1);
}

TEST(plain_lines_hold_no_control_bytes)
{
    struct live_state s = full();
    s.phase = "set:\033[2J 1,234\tof\n5,000";
    char *text = plain(&s);
    assert_int_equal(assert_lines(text, LIVE_LINE_WIDTH), 1);
    assert_string_equal(text, "00:12  41% set:?[2J 1,234?of?5,000: 5,012/s, p99 48.1ms, unknown 1, "
                              "busy 2\n");
    free(text);
}

TEST(a_plain_line_has_what_matters_most_as_far_as_it_fits)
{
    struct live_state s = full();
    char *text = plain(&s);
    assert_string_equal(text, "00:12  41% 5,012/s, p99 48.1ms, unknown 1, busy 2, ok 1,234,567, "
                              "sold out 345\n");
    free(text);
    s.count[LIVE_UNKNOWN] = s.count[LIVE_BUSY] = s.count[LIVE_REFUSED] = s.dropped = 0;
    text = plain(&s);
    assert_string_equal(text, "00:12  41% 5,012/s, p99 48.1ms, ok 1,234,567, sold out 345, "
                              "conflicts 120/s\n");
    free(text);
    text = plain_in(&s, 60);
    assert_string_equal(text, "00:12  41% 5,012/s, p99 48.1ms, ok 1,234,567, sold out 345\n");
    free(text);
    s.step = true;
    char phase[300];
    memset(phase, 'x', sizeof(phase) - 1);
    phase[sizeof(phase) - 1] = '\0';
    s.phase = phase;
    s.step_all = s.step_done = INT64_MAX;
    text = plain_in(&s, 5000);
    assert_int_equal(assert_lines(text, LIVE_LINE_WIDTH), 1);
    free(text);
}

/* --- the last seconds --- */

static void remember(struct live_state *s, size_t seconds)
{
    for (size_t i = 0; i < seconds; i++) {
        s->rate_now = 100.0 * (double)(i % 8);
        s->p99_ms = i % 2 ? 10 : -1;
        live_remember(s);
    }
}

TEST(the_last_seconds_stand_behind_rate_and_latency)
{
    struct live_state s = full();
    remember(&s, 8);
    char *text = block(&s, 80);
    assert_non_null(strstr(text, "/s on average         _.-:=+*#\n"));
    assert_non_null(strstr(text, " # # # #\n")); /* no answer: nothing is shown */
    assert_in_range(assert_lines(text, 80), 7, 22);
    free(text);
    text = block_in(&s, (struct live_look){.width = 80, .utf8 = true, .coloured = true});
    assert_non_null(strstr(text, "\033[32m▁▂▃▄▅▆▇█\033[0m\n"));
    free(text);
}

TEST(sparklines_take_the_room_that_there_is)
{
    struct live_state s = full();
    remember(&s, 3 * LIVE_PAST);
    assert_int_equal(s.past, LIVE_PAST);
    assert_true(s.past_rate[LIVE_PAST - 1] == 700);
    for (unsigned width = LIVE_WIDTH_MIN; width <= LIVE_WIDTH_MAX; width++) {
        char *text = block(&s, width);
        assert_lines(text, width);
        assert_true((strstr(text, "_.-:=+*#\n") != NULL) == (width >= 46 + 8));
        free(text);
    }
    s = full();
    remember(&s, 1);
    s.past_rate[0] = s.past_p99_ms[0] = 0;
    char *text = block(&s, 80);
    assert_non_null(strstr(text, "average           _\n"));
    free(text);
}

TEST(a_step_is_counted_or_a_share_of_a_hundred)
{
    struct live_state s = {
        .phase = "creating items", .step = true, .step_done = 120, .step_all = 1000};
    char *text = plain(&s);
    assert_string_equal(text, "creating items  120 of 1,000\n");
    free(text);
    s = (struct live_state){.phase = "checking: sums",
                            .step = true,
                            .step_percent = true,
                            .step_done = 12,
                            .step_all = 100};
    text = plain(&s);
    assert_string_equal(text, "checking: sums  12%\n");
    free(text);
}

TEST(streams_that_are_no_terminal_get_lines)
{
    FILE *f = tmpfile();
    assert_int_equal(live_choose(f, true, false), LIVE_LINES);
    assert_int_equal(live_choose(f, true, true), LIVE_OFF);
    fclose(f);
}

/* What these modes write of a few moments. */
static char *show(enum live_mode mode, const char *const *phases)
{
    struct live_state s = full();
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);
    live_open(f, mode);
    for (; *phases; phases++) {
        s.phase = *phases;
        s.hot = phases[1] ? LIVE_HOT : 0;
        live_show(&s);
    }
    live_close();
    live_show(&s); /* after the end: nothing */
    fclose(f);
    return text;
}

TEST(a_redraw_goes_up_by_what_was_drawn_and_clears_the_rest)
{
    char *text = show(LIVE_BLOCK, (const char *const[]){"running", "running", "over", NULL});
    unsigned lines[2] = {0, 0};
    const char *up = strstr(text, "\033[");
    assert_non_null(up);
    char *first_up = strstr(text, "A\r");
    assert_non_null(first_up);
    for (const char *c = text; c < first_up; c++)
        lines[0] += *c == '\n';
    char expected[32];
    snprintf(expected, sizeof(expected), "\033[%uA\r", lines[0]);
    char *redraw = strstr(text, expected);
    assert_non_null(redraw);
    assert_ptr_equal(redraw + strlen(expected), first_up + 2);
    /* The last block is shorter: what stood below it must go. */
    assert_string_equal(text + strlen(text) - 4, "\n\033[J");
    free(text);
}

/* As the end of a check: the report comes in its place. */
TEST(a_step_goes_with_its_end_and_the_load_stays)
{
    for (int step = 0; step < 2; step++) {
        char *text = NULL;
        size_t n = 0;
        FILE *f = open_memstream(&text, &n);
        live_open(f, LIVE_BLOCK);
        live_show(&(struct live_state){.step = step, .step_done = 1, .step_all = 2});
        live_close();
        fclose(f);
        assert_int_equal(strstr(text, "A\r\033[J") != NULL, step);
        free(text);
    }
}

TEST(lines_come_once_a_second_and_at_each_phase)
{
    char *text = show(LIVE_LINES, (const char *const[]){"running", "running", "settling: 1 of 2",
                                                        "settling: 2 of 2", "checking", NULL});
    assert_int_equal(assert_lines(text, LIVE_LINE_WIDTH), 3);
    assert_non_null(strstr(text, "settling: 1 of 2: "));
    assert_null(strstr(text, "settling: 2 of 2"));
    free(text);
    text = show(LIVE_OFF, (const char *const[]){"running", NULL});
    assert_string_equal(text, "");
    free(text);
}
