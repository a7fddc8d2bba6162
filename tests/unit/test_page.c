/* test_page.c -- numbers, hostile text and long lines as the text report shows them. */

#include "printable.h"
#include "report/page.h"
#include "report/template.h"
#include "report/units.h"
#include "support/suite.h"

#include <math.h>
#include <stdio.h>

TEST(numbers_are_written_for_people)
{
    static const struct {
        const char *unit;
        double value;
        const char *text;
    } rows[] = {
        {"ns", 0, "0"},
        {"ns", 850, "850ns"},
        {"ns", 1000, "1.00us"},
        {"ns", 99949, "99.9us"},
        {"ns", 999499, "999us"},
        {"ns", 999500, "1.00ms"},
        {"ns", 9994999, "9.99ms"},
        {"ns", 9995001, "10.0ms"},
        {"ns", 999500000, "1.00s"},
        {"ns", 119900000000, "120s"},
        {"ns", 320000000000, "5m20s"},
        {"ns", 7500000000000, "2h05m"},
        {"ms", 184, "184ms"},
        {"s", 12, "12.0s"},
        {"number", 0, "0"},
        {"number", 0.031, "0.031"},
        {"number", 0.00031, "0.00031"},
        {"number", 0.9996, "1.00"},
        {"number", 7.25, "7.25"},
        {"number", 980, "980"},
        {"number", 12345.4, "12,345"},
        {"number", 999.6, "1,000"},
        {"number", 123456789, "123,456,789"},
        {"number", (double)NAN, "-"},
        {"number", (double)INFINITY, "-"},
        {"share", 0.25, "25.0%"},
        {"share", 0.0412, "4.12%"},
        {"share", 1, "100%"},
        {"measured", 49.9961, "49.996"},
        {"measured", 4.81, "4.81"},
        {"measured", 90, "90"},
        {"measured", 100, "100"},
        {"measured", 0.00047, "0.00047"},
        {"measured", 12345.6789, "12,345.679"},
        {"share", 12.5, "1,250%"},
    };
    char out[UNIT_TEXT_SIZE];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct unit *unit = unit_named(rows[i].unit, strlen(rows[i].unit));
        assert_string_equal(unit_number(unit, rows[i].value, out), rows[i].text);
    }
    assert_string_equal(unit_number(unit_named("number", 6), 1e300, out), "1.00e+300");
    assert_string_equal(unit_count(out, 0), "0");
    assert_string_equal(unit_count(out, 999), "999");
    assert_string_equal(unit_count(out, 1000), "1,000");
    assert_string_equal(unit_count(out, -123456), "-123,456");
    assert_string_equal(unit_count(out, INT64_MIN), "-9,223,372,036,854,775,808");
}

TEST(the_steps_of_a_unit_rise)
{
    for (size_t u = 0; u < UNITS; u++) {
        assert_true((all_units[u].steps > 0) != (all_units[u].words > 0));
        for (size_t i = 1; i < all_units[u].steps; i++)
            assert_true(all_units[u].step[i].below > all_units[u].step[i - 1].below);
    }
}

static void assert_filled(const json_t *from, const char *text, const char *wanted)
{
    struct buf b;
    buf_init(&b, 1000);
    buf_putc(&b, '>');
    assert_int_equal(template_put(&b, text, from), wanted != NULL);
    buf_putc(&b, '\0');
    assert_string_equal(b.p + 1, wanted ? wanted : "");
    buf_free(&b);
}

TEST(templates_are_filled_with_all_their_values_or_not_at_all)
{
    json_t *from = json_loads("{\"a\":{\"b\":1234,\"c\":[\"x\",\"y\"]},\"t\":1500,\"n\":null,"
                              "\"w\":\"unchecked\",\"no\":false,\"gate\":\"missed\",\"e\":[]}",
                              0, NULL);
    assert_non_null(from);
    assert_filled(from, "plain", "plain");
    assert_filled(from, "{a.b} of {a.c}", "1,234 of x y");
    assert_filled(from, "{t:ns}, {t:number}", "1.50us, 1,500");
    assert_filled(from, "{w:verdict} {w}", "NOT CHECKED unchecked");
    assert_filled(from, "{gate:gate}", "MISSED");
    assert_filled(from, "{n:status}", "no answer");
    assert_filled(from, "{t:status}", "1,500");
    assert_filled(from, "{t} and {n}", NULL);
    assert_filled(from, "{t} and {n:ns}", NULL);
    assert_filled(from, "{t} and {a.missing.deep}", NULL);
    assert_true(template_holds(from, NULL));
    assert_true(template_holds(from, "a.b") && template_holds(from, "w"));
    assert_false(template_holds(from, "n") || template_holds(from, "no"));
    assert_false(template_holds(from, "e") || template_holds(from, "nowhere.at.all"));
    assert_true(template_holds(from, "!n") && template_holds(from, "!e"));
    assert_false(template_holds(from, "!t"));
    json_decref(from);
}

TEST(text_is_made_printable_and_stays_utf8)
{
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

TEST(lines_break_at_spaces_and_words_only_when_they_must)
{
    struct page p;
    char word[151];
    page_init(&p, 10000, 0, false);
    memset(word, 'x', 150);
    word[150] = '\0';
    buf_puts(&p.out, STR("  name "));
    page_wrap(&p, 7, 4, str_of(word));
    page_wrap(&p, 0, 2, STR("short"));
    buf_putc(&p.out, '\0');
    char wanted[200];
    snprintf(wanted, sizeof wanted, "  name \n    %.76s\n    %.74s\nshort\n", word, word);
    assert_string_equal(p.out.p, wanted);
    buf_free(&p.out);
}

TEST(a_page_is_as_wide_as_asked_for_within_bounds)
{
    static const struct {
        unsigned asked;
        size_t width;
    } rows[] = {{0, 80}, {1, 40}, {60, 60}, {200, 200}, {5000, 200}};
    struct page p;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        page_init(&p, 10000, rows[i].asked, false);
        assert_int_equal(p.width, rows[i].width);
        page_wrap(&p, 0, 0, STR("a b c d e f g h i j k l m n o p q r s t u v w x y z a b c d e f"));
        assert_int_equal(strcspn(p.out.p, "\n"), p.width < 63 ? p.width - 1 : 63);
        buf_free(&p.out);
    }
}

TEST(colours_are_there_only_where_the_page_has_them_and_text_can_not_bring_its_own)
{
    struct page p;
    for (int coloured = 0; coloured < 2; coloured++) {
        page_init(&p, 10000, 0, coloured);
        page_paint(&p, PAGE_RED, STR("no\033[0m"));
        page_paint(&p, PAGE_PLAIN, STR("."));
        buf_putc(&p.out, '\0');
        assert_string_equal(p.out.p, coloured ? "\033[1;31mno\\x1b[0m\033[0m." : "no\\x1b[0m.");
        buf_free(&p.out);
    }
}
