/* test_report_html.c -- the HTML report: well formed, complete in itself, deaf to hostile text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "report/assets.h"
#include "report/html.h"
#include "support/report_sample.h"

#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 64

/* A page in memory, without the bodies of its scripts and its style. */
struct page {
    char *text;
    char *data; /* what the script element of the numbers holds */
    size_t scripts;
};

static char *render(const enum report_sample_kind *kinds, size_t count)
{
    struct report_sample *samples = calloc(count, sizeof(*samples));
    struct report_run runs[4];
    assert_non_null(samples);
    for (size_t i = 0; i < count; i++) {
        report_sample_make(&samples[i], kinds[i], i + 1);
        runs[i] = samples[i].run;
    }
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    assert_non_null(out);
    assert_int_equal(report_html(out, runs, count), 0);
    fclose(out);
    for (size_t i = 0; i < count; i++)
        report_sample_free(&samples[i]);
    free(samples);
    assert_int_equal(strlen(text), bytes);
    return text;
}

/* The page of a sample that was changed after it was made. */
static char *render_sample(const struct report_sample *sample)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    assert_int_equal(report_html(out, &sample->run, 1), 0);
    fclose(out);
    return text;
}

/* Cuts the bodies of raw text elements out, as a parser passes over them. */
static void cut_raw(struct page *page, const char *open, const char *close)
{
    for (char *at = page->text; (at = strstr(at, open)); at++) {
        char *body = strchr(at, '>') + 1;
        char *end = strstr(body, close);
        assert_non_null(end);
        if (strstr(at, "id=\"data\"") && strstr(at, "id=\"data\"") < body)
            page->data = strndup(body, (size_t)(end - body));
        page->scripts += strcmp(open, "<script") == 0;
        memmove(body, end, strlen(end) + 1);
    }
}

static struct page page_of(const enum report_sample_kind *kinds, size_t count)
{
    struct page page = {render(kinds, count), NULL, 0};
    cut_raw(&page, "<script", "</script>");
    cut_raw(&page, "<style", "</style>");
    return page;
}

static void page_free(struct page *page)
{
    free(page->text);
    free(page->data);
}

static bool is_void(const char *name)
{
    return strcmp(name, "meta") == 0 || strcmp(name, "!DOCTYPE") == 0;
}

/* Past the tag at p, with its name. Attributes are quoted, so a ">" in one does not end it. */
static const char *read_tag(const char *p, char name[32])
{
    size_t n = 0;
    for (p++; *p && (isalnum((unsigned char)*p) || *p == '/' || *p == '!'); p++) {
        assert_true(n < 31);
        name[n++] = *p;
    }
    name[n] = '\0';
    assert_true(n > 0);
    for (bool quoted = false; *p && (quoted || *p != '>'); p++) {
        quoted ^= *p == '"';
        assert_true(quoted || *p != '<');
    }
    assert_int_equal(*p, '>');
    return p + 1;
}

/* Every element is closed by its own tag, in order. */
static void assert_well_formed(const char *text)
{
    char open[DEPTH_MAX][32];
    size_t depth = 0;
    for (const char *p = strchr(text, '<'); p; p = strchr(p, '<')) {
        char name[32];
        p = read_tag(p, name);
        if (name[0] == '/') {
            assert_true(depth > 0);
            assert_string_equal(open[--depth], name + 1);
        } else if (!is_void(name)) {
            assert_true(depth < DEPTH_MAX);
            strcpy(open[depth++], name);
        }
    }
    assert_int_equal(depth, 0);
}

static void assert_absent(const char *text, const char *what)
{
    const char *at = strstr(text, what);
    if (at)
        fail_msg("the page holds %s: %.80s", what, at);
}

static void every_kind_of_report_is_well_formed(void **state)
{
    (void)state;
    for (int kind = SAMPLE_RIGHT; kind <= SAMPLE_EMPTY; kind++) {
        enum report_sample_kind kinds[] = {(enum report_sample_kind)kind, SAMPLE_UNKNOWN,
                                           SAMPLE_HOSTILE, SAMPLE_EMPTY};
        for (size_t count = 1; count <= 4; count++) {
            struct page page = page_of(kinds, count);
            assert_int_equal(strncmp(page.text, "<!DOCTYPE html>", 15), 0);
            assert_well_formed(page.text);
            assert_int_equal(page.scripts, 3);
            page_free(&page);
        }
    }
}

static void hostile_text_stays_text(void **state)
{
    (void)state;
    struct page page = page_of((enum report_sample_kind[]){SAMPLE_HOSTILE, SAMPLE_HOSTILE}, 2);
    assert_absent(page.text, "<img");
    assert_absent(page.text, "<b>");
    assert_absent(page.text, "<!--");
    assert_absent(page.text, "onerror=\"");
    assert_non_null(strstr(page.text, "&lt;img src=x onerror=&quot;window." SAMPLE_HOSTILE_MARK));
    assert_absent(page.data, "<");
    assert_absent(page.data, ">");
    page_free(&page);
}

static void the_numbers_are_json_with_the_text_as_it_was(void **state)
{
    (void)state;
    struct page page = page_of((enum report_sample_kind[]){SAMPLE_HOSTILE}, 1);
    json_t *runs = json_loads(page.data, 0, NULL);
    assert_int_equal(json_array_size(runs), 1);
    json_t *run = json_array_get(runs, 0);
    assert_string_equal(json_string_value(json_object_get(run, "prefix")),
                        "</script><u onclick=x>");
    size_t intervals = json_array_size(json_object_get(run, "end"));
    assert_int_equal(intervals, 120);
    json_t *rates = json_object_get(run, "rate");
    assert_int_equal(json_array_size(rates), CLASSES);
    for (size_t c = 0; c < CLASSES; c++)
        assert_int_equal(json_array_size(json_array_get(rates, c)), intervals);
    json_t *curve = json_object_get(run, "response");
    assert_true(json_array_size(curve) > 50);
    json_t *slowest = json_array_get(curve, json_array_size(curve) - 1);
    assert_true(json_number_value(json_array_get(slowest, 0)) > 1e5);
    json_decref(runs);
    page_free(&page);
}

/* What a browser would fetch, it would fetch by one of these. */
static void the_page_loads_nothing(void **state)
{
    (void)state;
    char *whole = render((enum report_sample_kind[]){SAMPLE_RIGHT, SAMPLE_UNKNOWN}, 2);
    assert_absent(whole, "<link");
    assert_absent(whole, "@import");
    assert_absent(whole, "url(");
    assert_absent(whole, " src=");
    assert_absent(whole, "href=\"http");
    assert_absent(whole, "fetch(");
    assert_absent(whole, "XMLHttpRequest");
    assert_absent(whole, "eval(");
    assert_non_null(strstr(whole, "default-src 'none'"));
    assert_absent(whole, "script-src 'unsafe");
    free(whole);
}

static void the_assets_cannot_end_their_elements(void **state)
{
    (void)state;
    struct str assets[] = {REPORT_ASSET(css), REPORT_ASSET(script), REPORT_ASSET(chart)};
    for (size_t i = 0; i < 3; i++) {
        assert_true(assets[i].n > 1000);
        assert_int_equal(strlen(assets[i].p), assets[i].n);
        assert_null(strcasestr(assets[i].p, "</script"));
        assert_null(strcasestr(assets[i].p, "</style"));
        assert_null(strstr(assets[i].p, "<!--"));
        assert_null(strchr(assets[i].p, '\r'));
    }
}

static void the_verdict_and_its_proof_are_in_the_text(void **state)
{
    (void)state;
    struct page right = page_of((enum report_sample_kind[]){SAMPLE_RIGHT}, 1);
    assert_non_null(strstr(right.text, "<title>RIGHT: flash"));
    assert_non_null(strstr(right.text, "7 of 7 properties hold"));
    assert_non_null(strstr(right.text, "no unit was sold twice"));
    assert_absent(right.text, "Witnesses");
    page_free(&right);

    struct page wrong = page_of((enum report_sample_kind[]){SAMPLE_HOSTILE}, 1);
    assert_non_null(strstr(wrong.text, "<title>VIOLATION: "));
    assert_non_null(strstr(wrong.text, "2 violations were found"));
    assert_non_null(strstr(wrong.text, "client 18, request 80: decrement"));
    assert_non_null(strstr(wrong.text, "Threshold missed: errors&lt;1"));
    page_free(&wrong);
}

static void several_runs_are_named_by_the_worst(void **state)
{
    (void)state;
    struct page page = page_of((enum report_sample_kind[]){SAMPLE_RIGHT, SAMPLE_UNKNOWN}, 2);
    assert_non_null(strstr(page.text, "<title>UNKNOWN: 2 runs"));
    assert_non_null(strstr(page.text, "data-chart=\"compare-curve\""));
    assert_non_null(strstr(page.text, "id=\"run-2\""));
    page_free(&page);
}

/* A run that nobody checked is not called right. */
static void what_was_not_checked_is_not_right(void **state)
{
    (void)state;
    struct report_sample sample;
    report_sample_make(&sample, SAMPLE_RIGHT, 1);
    for (int p = 0; p < PROPERTIES; p++)
        sample.verdict.property[p].checked = 0;
    char *text = render_sample(&sample);
    assert_non_null(strstr(text, "<title>NOT CHECKED: "));
    assert_null(strstr(text, "no unit was sold twice"));
    free(text);
    report_sample_free(&sample);
}

static void what_sold_out_in_the_warm_up_has_no_moment_of_its_own(void **state)
{
    (void)state;
    struct report_sample sample;
    report_sample_make(&sample, SAMPLE_RIGHT, 1);
    char *before = render_sample(&sample);
    assert_absent(before, "\"sold_out\":-1");
    sample.summary.top_item[0].sold_out_ns = sample.summary.from_ns - 1;
    char *after = render_sample(&sample);
    assert_non_null(strstr(after, "\"sold_out\":-1"));
    free(before), free(after);
    report_sample_free(&sample);
}

static void nothing_oversold_is_not_claimed_beside_a_violation_or_of_nothing(void **state)
{
    (void)state;
    struct report_sample sample;
    report_sample_make(&sample, SAMPLE_RIGHT, 1);
    sample.verdict.word = sample.verdict.property[PROPERTY_VERSIONS].word = VERDICT_VIOLATION;
    char *text = render_sample(&sample);
    assert_absent(text, "no unit was sold twice");
    free(text);
    sample.verdict.word = VERDICT_UNKNOWN;
    sample.verdict.coverage.operations = 0;
    text = render_sample(&sample);
    assert_absent(text, "no unit was sold twice");
    free(text);
    report_sample_free(&sample);
}

static void the_words_of_the_command_line_stay_whole(void **state)
{
    (void)state;
    struct page page = page_of((enum report_sample_kind[]){SAMPLE_RIGHT}, 1);
    assert_non_null(strstr(page.text, "<code><span>stockload </span><span>"));
    assert_non_null(strstr(page.text, "<span>--"));
    page_free(&page);
}

static void a_full_disk_is_an_error(void **state)
{
    (void)state;
    struct report_sample sample;
    report_sample_make(&sample, SAMPLE_RIGHT, 1);
    FILE *full = fopen("/dev/full", "we");
    assert_non_null(full);
    assert_int_equal(report_html(full, &sample.run, 1), -EIO);
    fclose(full);
    report_sample_free(&sample);
}

static void numbers_are_written_for_people(void **state)
{
    (void)state;
    char to[HTML_NUMBER_SIZE];
    assert_string_equal(html_count(to, 0), "0");
    assert_string_equal(html_count(to, 999), "999");
    assert_string_equal(html_count(to, 1000), "1,000");
    assert_string_equal(html_count(to, UINT64_MAX), "18,446,744,073,709,551,615");
    assert_string_equal(html_signed(to, INT64_MIN), "-9,223,372,036,854,775,808");
    assert_string_equal(html_duration(to, 999), "999 ns");
    assert_string_equal(html_duration(to, 1250000), "1.25 ms");
    assert_string_equal(html_duration(to, 31000000000), "31.0 s");
    assert_string_equal(html_rate(to, 25459.6), "25,460");
    assert_string_equal(html_rate(to, 0.284), "0.28");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_report_is_well_formed),
        cmocka_unit_test(hostile_text_stays_text),
        cmocka_unit_test(the_numbers_are_json_with_the_text_as_it_was),
        cmocka_unit_test(the_page_loads_nothing),
        cmocka_unit_test(the_assets_cannot_end_their_elements),
        cmocka_unit_test(the_verdict_and_its_proof_are_in_the_text),
        cmocka_unit_test(several_runs_are_named_by_the_worst),
        cmocka_unit_test(what_was_not_checked_is_not_right),
        cmocka_unit_test(what_sold_out_in_the_warm_up_has_no_moment_of_its_own),
        cmocka_unit_test(nothing_oversold_is_not_claimed_beside_a_violation_or_of_nothing),
        cmocka_unit_test(the_words_of_the_command_line_stay_whole),
        cmocka_unit_test(a_full_disk_is_an_error),
        cmocka_unit_test(numbers_are_written_for_people),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
