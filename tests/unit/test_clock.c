/* test_clock.c -- RFC 3339 text both ways, against libc's calendar. */
#include "clock.h"
#include "support/suite.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static int64_t parsed(const char *text)
{
    int64_t ms = INT64_MIN;
    if (!clock_parse_rfc3339(text, strlen(text), &ms))
        fail_msg("refused: %s", text);
    return ms;
}

TEST(known_instants_have_their_known_text)
{
    static const struct {
        int64_t ms;
        const char *text;
    } known[] = {
        {0, "1970-01-01T00:00:00.000Z"},
        {-1, "1969-12-31T23:59:59.999Z"},
        {951782400000, "2000-02-29T00:00:00.000Z"},
        {1795224697123, "2026-11-21T01:31:37.123Z"},
        {4107542399999, "2100-02-28T23:59:59.999Z"},
        {-62167219200000, "0000-01-01T00:00:00.000Z"},
        {253402300799999, "9999-12-31T23:59:59.999Z"},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        char text[CLOCK_RFC3339_SIZE];
        clock_format_rfc3339(known[i].ms, text);
        assert_string_equal(text, known[i].text);
        assert_int_equal(parsed(text), known[i].ms);
    }
}

TEST(a_time_out_of_range_is_written_as_the_nearest_in_range)
{
    char text[CLOCK_RFC3339_SIZE];
    clock_format_rfc3339(INT64_MAX, text);
    assert_string_equal(text, "9999-12-31T23:59:59.999Z");
    clock_format_rfc3339(INT64_MIN, text);
    assert_string_equal(text, "0000-01-01T00:00:00.000Z");
}

TEST(every_day_of_four_centuries_agrees_with_libc)
{
    for (int64_t day = -100000; day < 150000; day++) {
        int64_t ms = day * 86400000 + 45296789;
        time_t seconds = (time_t)(day * 86400 + 45296);
        struct tm tm;
        char ours[CLOCK_RFC3339_SIZE], theirs[64];
        assert_non_null(gmtime_r(&seconds, &tm));
        snprintf(theirs, sizeof theirs, "%04d-%02d-%02dT%02d:%02d:%02d.789Z", tm.tm_year + 1900,
                 tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
        clock_format_rfc3339(ms, ours);
        assert_string_equal(ours, theirs);
        assert_int_equal(parsed(ours), ms);
    }
}

TEST(fractions_and_offsets_are_read)
{
    int64_t at = 1795224697000;
    assert_int_equal(parsed("2026-11-21T01:31:37Z"), at);
    assert_int_equal(parsed("2026-11-21t01:31:37z"), at);
    assert_int_equal(parsed("2026-11-21T01:31:37.5Z"), at + 500);
    assert_int_equal(parsed("2026-11-21T01:31:37.123456789Z"), at + 123);
    assert_int_equal(parsed("2026-11-21T03:31:37+02:00"), at);
    assert_int_equal(parsed("2026-11-20T20:01:37-05:30"), at);
}

TEST(what_is_no_rfc3339_is_refused)
{
    static const char *const bad[] = {
        "",
        "2026-11-21",
        "2026-11-21 01:31:37Z",
        "2026-11-21T01:31:37",
        "2026-11-21T01:31:37.Z",
        "2026-11-21T01:31:37Zx",
        "2026-11-21T24:00:00Z",
        "2026-11-21T01:60:00Z",
        "2026-11-21T01:31:60Z",
        "2026-02-29T00:00:00Z",
        "2100-02-29T00:00:00Z",
        "2026-00-10T00:00:00Z",
        "2026-13-10T00:00:00Z",
        "2026-04-31T00:00:00Z",
        "2026-04-00T00:00:00Z",
        "2026-04-01T00:00:00+2:00",
        "2026-04-01T00:00:00+24:00",
        "+026-04-01T00:00:00Z",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int64_t ms = 7;
        if (clock_parse_rfc3339(bad[i], strlen(bad[i]), &ms))
            fail_msg("accepted: %s", bad[i]);
        assert_int_equal(ms, 7);
    }
}

TEST(every_prefix_of_a_time_is_refused)
{
    const char *text = "2026-11-21T01:31:37.123+02:00";
    int64_t ms;
    for (size_t n = 0; n < strlen(text); n++)
        assert_false(clock_parse_rfc3339(text, n, &ms));
}

TEST(the_monotonic_clock_does_not_go_back)
{
    int64_t last = clock_mono_us();
    for (int i = 0; i < 1000; i++) {
        int64_t now = clock_mono_us();
        assert_true(now >= last);
        last = now;
    }
    assert_true(clock_mono_ms() >= last / 1000);
    assert_true(clock_wall_ms() > 1700000000000);
}
