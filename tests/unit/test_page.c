/* test_page.c -- numbers, hostile text and long lines as the text report shows them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "report/human.h"
#include "report/page.h"
#include "report/printable.h"

#include <math.h>
#include <stdio.h>

static void numbers_are_written_for_people(void **state)
{
    (void)state;
    static const struct {
        uint64_t ns;
        const char *text;
    } durations[] = {{0, "0"},
                     {850, "850ns"},
                     {1000, "1.00us"},
                     {99949, "99.9us"},
                     {999499, "999us"},
                     {999500, "1.00ms"},
                     {9994999, "9.99ms"},
                     {9995001, "10.0ms"},
                     {UINT64_C(999500000), "1.00s"},
                     {UINT64_C(119900000000), "120s"},
                     {UINT64_C(320000000000), "5m20s"},
                     {UINT64_C(7500000000000), "2h05m"}};
    static const struct {
        uint64_t count;
        const char *text;
    } counts[] = {{0, "0"},
                  {9999, "9999"},
                  {10000, "10.0k"},
                  {999499, "999k"},
                  {999500, "1.00M"},
                  {UINT64_C(7890000000), "7.89G"},
                  {UINT64_MAX, "18.4E"}};
    static const struct {
        double value;
        const char *text;
    } numbers[] = {
        {0, "0"},           {0.031, "0.031"},       {0.00031, "0.00031"}, {0.9996, "1.00"},
        {7.25, "7.25"},     {980, "980"},           {12345, "12.3k"},     {9999.6, "10.0k"},
        {(double)NAN, "-"}, {(double)INFINITY, "-"}};
    char out[HUMAN_SIZE];
    for (size_t i = 0; i < sizeof durations / sizeof durations[0]; i++)
        assert_string_equal(human_duration(durations[i].ns, out), durations[i].text);
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        assert_string_equal(human_count(counts[i].count, out), counts[i].text);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        assert_string_equal(human_number(numbers[i].value, out), numbers[i].text);
    assert_true(strlen(human_number(1e300, out)) < HUMAN_SIZE - 1);
}

static void text_is_made_printable_and_stays_utf8(void **state)
{
    (void)state;
    static const struct {
        struct str raw;
        const char *shown;
    } rows[] = {
        {STR("plain"), "plain"},
        {STR("a\0b"), "a\\x00b"},
        {STR("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"), "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"},
        {STR("\xc2\x9b"), "\\xc2\\x9b"},                   /* C1: begins a command of a terminal */
        {STR("\xe2\x80\xae"), "\\xe2\\x80\\xae"},          /* turns the direction round */
        {STR("\xc0\xaf"), "\\xc0\\xaf"},                   /* overlong */
        {STR("\xed\xa0\x80"), "\\xed\\xa0\\x80"},          /* half of a surrogate pair */
        {STR("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80"}, /* beyond U+10FFFF */
        {STR("\xe2\x82"), "\\xe2\\x82"},                   /* cut off */
        {STR("\xe2\x82z"), "\\xe2\\x82z"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf b;
        buf_init(&b, 1000);
        printable_put(&b, rows[i].raw);
        buf_putc(&b, '\0');
        assert_string_equal(b.p, rows[i].shown);
        buf_free(&b);
    }
}

static void lines_break_at_spaces_and_words_only_when_they_must(void **state)
{
    (void)state;
    struct buf b;
    char word[151];
    buf_init(&b, 10000);
    memset(word, 'x', 150);
    word[150] = '\0';
    buf_puts(&b, STR("  name "));
    page_wrap(&b, 7, 4, str_of(word));
    page_wrap(&b, 0, 2, STR("short"));
    buf_putc(&b, '\0');
    char wanted[200];
    snprintf(wanted, sizeof wanted, "  name \n    %.76s\n    %.74s\nshort\n", word, word);
    assert_string_equal(b.p, wanted);
    buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_written_for_people),
        cmocka_unit_test(text_is_made_printable_and_stays_utf8),
        cmocka_unit_test(lines_break_at_spaces_and_words_only_when_they_must),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
