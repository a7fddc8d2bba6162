/* test_report.c -- the text report of real histories, some of them hostile. */
#include "printable.h"
#include "report/page.h"
#include "support/report_case.h"
#include "support/suite.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static char *text_in(enum sample sample, struct report_style style)
{
    struct run *run = run_make(sample);
    char *text =
        write_as(report_text, &(struct report){.runs = &run->report, .count = 1, .style = style});
    run_free(run);
    return text;
}

static char *text_of(enum sample sample)
{
    return text_in(sample, (struct report_style){.whole = true});
}

static char *brief_of(enum sample sample)
{
    return text_in(sample, (struct report_style){0});
}

static void assert_fits_in(const char *text, unsigned width)
{
    for (const char *line = text; *line;) {
        size_t n = strcspn(line, "\n");
        if (printable_columns((struct str){line, n}) > width)
            fail_msg("too wide: %.*s", (int)n, line);
        for (size_t i = 0; i < n; i++)
            assert_true((unsigned char)line[i] >= 0x20 && line[i] != 0x7f);
        assert_true(n == 0 || line[n - 1] != ' ');
        line += n + (line[n] == '\n');
    }
}

static void assert_fits(const char *text)
{
    assert_fits_in(text, PAGE_WIDTH);
}

static void assert_ends(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    if (n < m || strcmp(text + n - m, end) != 0)
        fail_msg("not \"%s\" at the end of\n%s", end, text);
}

TEST(what_somebody_wants_to_see_comes_last_and_alone)
{
    char *text = brief_of(RIGHT);
    assert_ends(text, "\n"
                      "  answers           4.00/s: 4 in 1.00s, 2 successes\n"
                      "  response time     p50 1.50ms, p99 2.00ms\n"
                      "  units sold        8 of 10, 0 held, 0 oversold\n"
                      "  conflicts         3.00 a success, 6 transactions lost\n"
                      "  left unknown      0 of 3 requests that got no answer\n"
                      "\n"
                      "RIGHT        every answer was right: 7 of 7 properties checked, all hold\n");
    assert_lacks(text, "Coverage");
    assert_lacks(text, "Latency");
    assert_holds(text, "Thresholds\n");
    assert_holds(text, "Warnings\n  The threshold rps>1000 was missed.\n");
    assert_fits(text);
    char *whole = text_of(RIGHT);
    assert_ends(whole, strstr(text, "\n  answers "));
    free(whole);
    free(text);
}

TEST(the_brief_text_shows_what_proves_a_violation)
{
    char *text = brief_of(VIOLATION);
    assert_holds(text, "   1. versions: it-0 was sold twice at version 3\n      - ");
    assert_holds(text, "  units sold        8 of 10, 0 held, 1 oversold\n");
    assert_holds(text, "  conflicts         not known: ");
    assert_ends(text, "\nVIOLATION    25 violations of: versions\n");
    free(text);
    text = brief_of(EMPTY);
    assert_lacks(text, "response time"); /* nothing was sent */
    free(text);
}

TEST(any_width_will_do)
{
    for (unsigned width = PAGE_WIDTH_MIN; width <= PAGE_WIDTH_MAX; width += width < 80 ? 4 : 40) {
        struct report_style style = {.whole = true, .width = width};
        char *text = text_in(VIOLATION, style);
        for (const char *line = text; *line; line += strcspn(line, "\n") + 1)
            if (strcspn(line, "\n") > width)
                fail_msg("wider than %u: %.*s", width, (int)strcspn(line, "\n"), line);
        assert_holds(text, "p99.99");
        assert_holds(text, "max\n");
        free(text);
    }
    char *text = text_in(RIGHT, (struct report_style){.whole = true, .width = 60});
    assert_holds(text, "sold out at\n"); /* below the columns that fit */
    free(text);
}

TEST(only_words_are_coloured)
{
    struct report_style style = {.coloured = true};
    char *right = text_in(RIGHT, style), *violation = text_in(VIOLATION, style);
    assert_holds(right, "\033[1;32mRIGHT\033[0m        every answer");
    assert_holds(right, "\033[1mThresholds\033[0m\n");
    assert_holds(violation, "\033[1;31mVIOLATION\033[0m    25");
    free(right), free(violation);
}

TEST(the_whole_text_has_all_there_is)
{
    char *text = text_of(RIGHT);
    assert_holds(text, "RIGHT        every answer was right: 7 of 7");
    assert_holds(text, "  versions          holds, 1,234,567 checked. ");
    assert_lacks(text, "Witnesses");
    assert_holds(text, "18446744073709551615"); /* the seed, whole */
    assert_holds(text, "http://127.0.0.1:8080");
    assert_holds(text, "stockload run --scenario flash");
    assert_holds(text, "unknown mutations 1 happened, 2 did not");
    assert_holds(text, "3.00 per success, 6 lost, 2 successes");
    assert_holds(text, "closed loop");
    assert_lacks(text, "generator lag"); /* nothing was planned */
    assert_lacks(text, "  target ");
    assert_holds(text, "25.0% of a processor");
    assert_holds(text, "  all response                 4 1.50ms");
    assert_holds(text, "  reserve response             1 2.00ms");
    assert_holds(text, "  reserve service              1 1.50ms");
    assert_holds(text, "  no answer  0    0       3\n");
    assert_holds(text, "  409        0    1       0\n");
    assert_holds(text, "insufficient-stock 1,");
    assert_holds(text, "reservation-not-found 1,");
    assert_holds(text, "  it-0 ");
    assert_holds(text, "  p99<50ms         2ms    met\n");
    assert_holds(text, "  rps>1000         4/s MISSED\n");
    assert_holds(text, "  replays           0 answers told again what had been done before");
    assert_fits(text);
    free(text);
}

TEST(a_violation_comes_with_its_witnesses)
{
    char *text = text_of(VIOLATION);
    assert_holds(text, "\nVIOLATION    25 violations of: versions\n");
    assert_holds(text, "  versions          VIOLATED, 1,234,567 checked. violations: 25. ");
    assert_holds(text, "   1. versions: it-0 was sold twice at version 3\n      - ");
    assert_holds(text, "and 4 more about one of these operations");
    assert_holds(text, "   3. versions");
    assert_lacks(text, "   4. ");
    assert_holds(text, "and 18 more of this sort");
    assert_lacks(text, "more violations");
    assert_holds(text, "client 3");
    assert_holds(text, "1 oversold");
    assert_holds(text, "  The target rate was not reached, only 0.1% of it.\n");
    assert_holds(text, "dropped arrivals  12\n");
    assert_holds(text, "generator lag     p99 500us");
    assert_lacks(text, "The generator was");
    assert_holds(text, "1 died, 1 forked again");
    assert_holds(text, "restores          1 during the run");
    assert_holds(text, "conflicts         not known: ");
    assert_holds(text, "Nobody knows whether the threshold conflicts<5 is met: the server's");
    assert_holds(text, "  conflicts<5 not known UNKNOWN\n");
    assert_fits(text);
    free(text);
}

TEST(an_unknown_says_why)
{
    char *text = text_of(UNKNOWN);
    assert_ends(text, "\nUNKNOWN      one reservation could not be read back\n");
    assert_holds(text,
                 "  lasting           unknown, 1,234,567 checked. one reservation could not be");
    assert_holds(text, "The run was interrupted");
    assert_holds(text, "The server did not");
    assert_fits(text);
    free(text);
}

TEST(a_run_without_anything_is_not_called_right)
{
    char *text = text_of(EMPTY);
    assert_holds(text, "\nNOT CHECKED  ");
    assert_holds(text, "Run\n  name ");
    assert_lacks(text, "Properties");
    assert_lacks(text, "Coverage");
    assert_lacks(text, "Latency");
    assert_lacks(text, "Thresholds");
    assert_fits(text);
    free(text);
}

TEST(the_parts_come_in_their_order)
{
    static const char *const titles[] = {
        "Properties",  "\nCoverage",  "\nThroughput", "\nRun",          "\nLatency",
        "\nItems",     "\nOutcomes",  "\nAnswers",    "\nWhat the ans", "\nClient pro",
        "\nThreshold", "\nWitnesses", "\nWarnings",   "\n  answers ",   "\nVIOLATION"};
    char *text = text_of(VIOLATION);
    const char *at = text;
    for (size_t i = 0; i < sizeof titles / sizeof titles[0]; i++) {
        at = strstr(at, titles[i]);
        if (!at)
            fail_msg("%s is missing or too early", titles[i]);
    }
    free(text);
}

TEST(hostile_text_can_not_move_a_cursor)
{
    char *text = text_of(HOSTILE);
    assert_fits(text);
    assert_holds(text, "a\"b,c\\x0ad\\x0de\\x1b[31m\\x7f\\xff\xc3\xa9\\xe2\\x80\\xae<&>");
    free(text);
}

TEST(several_runs_stand_side_by_side)
{
    struct run *run[SAMPLES];
    struct report_run runs[2 * SAMPLES];
    for (int i = 0; i < SAMPLES; i++) {
        run[i] = run_make((enum sample)i);
        runs[i] = runs[i + SAMPLES] = run[i]->report;
    }
    char *text = write_many(report_text, runs, 2);
    assert_holds(text, "\nverdict                         RIGHT      VIOLATION\n");
    assert_holds(text, "\nunits oversold                      0              1\n");
    assert_holds(text, "\nthresholds missed                   1              1\n");
    assert_holds(text, "\nconflicts a success              3.00              -\n");
    assert_holds(text, "run                    ..nday.history ..nday.history\n");
    assert_holds(text, "VIOLATION    25 violations of: versions\n\nWitnesses\n   1. versions");
    assert_ends(text, "\nexit status                         0              1\n");
    assert_fits(text);
    free(text);
    text = write_many(report_text, runs, 2 * SAMPLES);
    assert_holds(text, "NOT CHECKED");
    assert_holds(text, "UNKNOWN      one reservation");
    assert_fits(text);
    free(text);
    for (int i = 0; i < SAMPLES; i++)
        run_free(run[i]);
}

TEST(a_full_disk_is_an_error)
{
    struct run *run = run_make(VIOLATION);
    static many_fn *const many[] = {report_text, report_json};
    static one_fn *const one[] = {report_csv, report_hgrm};
    for (size_t i = 0; i < 2; i++) {
        FILE *full = fopen("/dev/full", "we");
        assert_non_null(full);
        setvbuf(full, NULL, _IONBF, 0);
        assert_int_equal(many[i](full, &(struct report){.runs = &run->report, .count = 1}), -EIO);
        assert_int_equal(one[i](full, &run->report), -EIO);
        fclose(full);
    }
    run_free(run);
}
