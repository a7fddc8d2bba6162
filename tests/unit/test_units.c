/* test_units.c -- numbers as people write them, and as they must not. */
#include "support/suite.h"
#include "units.h"

#include <string.h>

typedef bool parse_fn(const char *text, int64_t *value, char *err, size_t err_size);

struct row {
    const char *text;
    int64_t value;
};

static void assert_reads(parse_fn *parse, const struct row *rows)
{
    for (; rows->text; rows++) {
        char err[UNITS_ERR_SIZE];
        int64_t value = -1;
        if (!parse(rows->text, &value, err, sizeof err))
            fail_msg("%s %s", rows->text, err);
        assert_int_equal(value, rows->value);
    }
}

static void assert_refuses(parse_fn *parse, const char *const *texts, const char *hint)
{
    for (; *texts; texts++) {
        char err[UNITS_ERR_SIZE] = "";
        int64_t value = 77;
        if (parse(*texts, &value, err, sizeof err))
            fail_msg("accepted: %s", *texts);
        assert_int_equal(value, 77);
        if (!strstr(err, hint))
            fail_msg("\"%s\" %s, without \"%s\"", *texts, err, hint);
    }
}

TEST(durations_are_read_in_each_unit)
{
    assert_reads(units_parse_duration_ms, (const struct row[]){{"0", 0},
                                                               {"500ms", 500},
                                                               {"10s", 10000},
                                                               {"10S", 10000},
                                                               {"2m", 120000},
                                                               {"24h", 86400000},
                                                               {"7d", 604800000},
                                                               {"9223372036854775807ms", INT64_MAX},
                                                               {NULL, 0}});
}

TEST(a_duration_without_a_unit_is_refused_with_an_example)
{
    assert_refuses(units_parse_duration_ms,
                   (const char *const[]){"", "10", "s", "-1s", "+1s", " 1s", "1s ", "1.5s", "1x",
                                         "1h30m", "0x10s", NULL},
                   "as in 10s");
}

TEST(sizes_count_in_1024_and_counts_in_1000)
{
    assert_reads(units_parse_size, (const struct row[]){{"0", 0},
                                                        {"512", 512},
                                                        {"1k", 1024},
                                                        {"64K", 65536},
                                                        {"1m", 1048576},
                                                        {"2g", 2147483648},
                                                        {NULL, 0}});
    assert_reads(units_parse_count,
                 (const struct row[]){
                     {"300", 300}, {"1k", 1000}, {"2m", 2000000}, {"1g", 1000000000}, {NULL, 0}});
    assert_refuses(units_parse_size, (const char *const[]){"", "k", "1kb", "-1", "1 k", NULL},
                   "as in 64k");
    assert_refuses(units_parse_count, (const char *const[]){"", "x", "1kk", "1.5k", NULL},
                   "as in 10k");
}

TEST(what_overflows_is_called_too_large)
{
    static const char *const digits[] = {"9223372036854775808", "99999999999999999999999", NULL};
    static const char *const scaled[] = {"9007199254740992k", "9223372036854775807g", NULL};
    assert_refuses(units_parse_size, digits, "too large");
    assert_refuses(units_parse_size, scaled, "too large");
    assert_refuses(units_parse_count, digits, "too large");
    assert_refuses(units_parse_duration_ms, (const char *const[]){"106751991168d", NULL},
                   "too large");
}

static bool parse_small(const char *text, int64_t *value, char *err, size_t err_size)
{
    return units_parse_int(text, -5, 1024, value, err, err_size);
}

TEST(an_integer_out_of_range_is_told_the_range)
{
    assert_reads(parse_small,
                 (const struct row[]){
                     {"-5", -5}, {"0", 0}, {"-0", 0}, {"007", 7}, {"1024", 1024}, {NULL, 0}});
    assert_refuses(parse_small,
                   (const char *const[]){"-6", "1025", "99999999999999999999", "", "-", "--1", "+1",
                                         "1k", "1 ", " 1", "x", NULL},
                   "give a whole number from -5 to 1024");
}

TEST(a_message_is_cut_at_the_size_of_its_buffer)
{
    char err[8];
    memset(err, 'x', sizeof err);
    int64_t value;
    assert_false(units_parse_size("x", &value, err, 5));
    assert_int_equal(strlen(err), 4);
    assert_int_equal(err[5], 'x');
}

TEST(numbers_are_written_as_they_would_be_typed)
{
    char text[UNITS_TEXT_SIZE];
    static const struct {
        void (*format)(char out[UNITS_TEXT_SIZE], int64_t value);
        int64_t value;
        const char *expected;
    } rows[] = {
        {units_format_duration_ms, 0, "0"},
        {units_format_duration_ms, 5000, "5s"},
        {units_format_duration_ms, 1500, "1500ms"},
        {units_format_duration_ms, 90000, "90s"},
        {units_format_duration_ms, 7200000, "2h"},
        {units_format_duration_ms, 604800000, "7d"},
        {units_format_size, 256 << 20, "256m"},
        {units_format_size, 1000, "1000"},
        {units_format_size, 0, "0"},
        {units_format_count, 10000, "10k"},
        {units_format_count, 5000000, "5m"},
        {units_format_count, 1024, "1024"},
        {units_format_count, INT64_MAX, "9223372036854775807"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        rows[i].format(text, rows[i].value);
        assert_string_equal(text, rows[i].expected);
    }
}
