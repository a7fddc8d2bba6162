/* test_report_html.c -- the HTML report: well formed, complete in itself, deaf to hostile text. */

#include "report/assets.h"
#include "report/layout.h"
#include "report/template.h"
#include "report/units.h"
#include "support/report_case.h"
#include "support/report_sample.h"
#include "support/suite.h"

#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 64

/* A page in memory, without the bodies of its scripts and its style. */
struct page {
    char *text;
    char *document, *layout; /* what the script elements of both hold */
    size_t scripts;
};

static char *render_as(many_fn *write, const enum report_sample_kind *kinds, size_t count)
{
    struct report_sample *samples = calloc(count, sizeof(*samples));
    struct report_run runs[4];
    assert_non_null(samples);
    for (size_t i = 0; i < count; i++) {
        report_sample_make(&samples[i], kinds[i], i + 1);
        runs[i] = samples[i].run;
    }
    char *text = write_many(write, runs, count);
    for (size_t i = 0; i < count; i++)
        report_sample_free(&samples[i]);
    free(samples);
    return text;
}

static bool has_id(const char *tag, const char *body, const char *id)
{
    const char *at = strstr(tag, id);
    return at && at < body;
}

/* Cuts the bodies of raw text elements out, as a parser passes over them. */
static void cut_raw(struct page *page, const char *open, const char *close)
{
    for (char *at = page->text; (at = strstr(at, open)); at++) {
        char *body = strchr(at, '>') + 1;
        char *end = strstr(body, close);
        assert_non_null(end);
        if (has_id(at, body, "id=\"document\""))
            page->document = strndup(body, (size_t)(end - body));
        if (has_id(at, body, "id=\"layout\""))
            page->layout = strndup(body, (size_t)(end - body));
        page->scripts += strcmp(open, "<script") == 0;
        memmove(body, end, strlen(end) + 1);
    }
}

static struct page page_of(const enum report_sample_kind *kinds, size_t count)
{
    struct page page = {.text = render_as(report_html, kinds, count)};
    cut_raw(&page, "<script", "</script>");
    cut_raw(&page, "<style", "</style>");
    return page;
}

static void page_free(struct page *page)
{
    free(page->text);
    free(page->document);
    free(page->layout);
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

TEST(every_kind_of_report_is_well_formed)
{
    for (int kind = SAMPLE_RIGHT; kind <= SAMPLE_EMPTY; kind++) {
        enum report_sample_kind kinds[] = {(enum report_sample_kind)kind, SAMPLE_UNKNOWN,
                                           SAMPLE_HOSTILE, SAMPLE_EMPTY};
        for (size_t count = 1; count <= 4; count++) {
            struct page page = page_of(kinds, count);
            assert_int_equal(strncmp(page.text, "<!DOCTYPE html>", 15), 0);
            assert_well_formed(page.text);
            assert_int_equal(page.scripts, 4);
            page_free(&page);
        }
    }
}

TEST(hostile_text_stays_text)
{
    for (size_t count = 1; count <= 2; count++) {
        struct page page =
            page_of((enum report_sample_kind[]){SAMPLE_HOSTILE, SAMPLE_HOSTILE}, count);
        assert_absent(page.text, "<img");
        assert_absent(page.text, "<b>");
        assert_absent(page.text, "<!--");
        assert_non_null(strstr(page.text, "&lt;/script&gt;"));
        for (const char *special = "<>&\x7f\x80\xe2"; *special; special++) {
            assert_null(strchr(page.document, *special));
            assert_null(strchr(page.layout, *special));
        }
        assert_non_null(strstr(page.document, "\"sku\":\"\\\"'\\u003c/script\\u003e"));
        page_free(&page);
    }
}

/* What programs are given and what people see is one document. */
TEST(the_page_embeds_the_json_report)
{
    const enum report_sample_kind kinds[] = {SAMPLE_HOSTILE, SAMPLE_RIGHT, SAMPLE_UNKNOWN,
                                             SAMPLE_EMPTY};
    for (size_t count = 1; count <= 4; count++) {
        struct page page = page_of(kinds, count);
        char *report = render_as(report_json, kinds, count);
        json_t *embedded = json_loads(page.document, JSON_REJECT_DUPLICATES, NULL);
        json_t *written = json_loads(report, JSON_REJECT_DUPLICATES, NULL);
        assert_int_equal(json_array_size(json_object_get(written, "runs")), count);
        assert_true(json_equal(embedded, written));
        json_decref(embedded);
        json_decref(written);
        free(report);
        page_free(&page);
    }
}

/* Where no script runs. */
TEST(the_text_report_is_in_the_page)
{
    struct page page = page_of((enum report_sample_kind[]){SAMPLE_RIGHT}, 1);
    char *text = render_as(report_text, (enum report_sample_kind[]){SAMPLE_RIGHT}, 1);
    const char *begin = strstr(page.text, "<noscript><pre class=\"card\">Properties\n");
    assert_non_null(begin);
    const char *end = strstr(text, "\n  answers ");
    const char *at = strstr(begin, end); /* the whole text has the end of the brief one */
    assert_non_null(at);
    assert_int_equal(strncmp(at + strlen(end), "</pre>", 6), 0);
    free(text);
    page_free(&page);
}

/* What a browser would fetch, it would fetch by one of these. */
TEST(the_page_loads_nothing)
{
    char *whole =
        render_as(report_html, (enum report_sample_kind[]){SAMPLE_RIGHT, SAMPLE_UNKNOWN}, 2);
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

TEST(the_assets_cannot_end_their_elements)
{
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

static json_t *run_of(const struct report_sample *sample)
{
    char *text = write_many(report_json, &sample->run, 1);
    json_t *document = json_loads(text, 0, NULL);
    json_t *run = json_incref(json_array_get(json_object_get(document, "runs"), 0));
    assert_non_null(run);
    json_decref(document);
    free(text);
    return run;
}

static void assert_at(const json_t *run, const char *part, const char *name, const char *wanted)
{
    char *text = json_dumps(json_object_get(json_object_get(run, part), name), JSON_ENCODE_ANY);
    assert_non_null(text);
    assert_string_equal(text, wanted);
    free(text);
}

/* A run that nobody checked is not called right. */
TEST(what_was_not_checked_is_not_right)
{
    struct report_sample sample;
    report_sample_make(&sample, SAMPLE_RIGHT, 1);
    for (int p = 0; p < PROPERTIES; p++)
        sample.verdict.property[p].checked = 0;
    json_t *run = run_of(&sample);
    assert_at(run, "verdict", "word", "\"right\"");
    assert_at(run, "verdict", "shown", "\"unchecked\"");
    assert_at(run, "verdict", "checked", "0");
    assert_at(run, "coverage", "oversold", "\"unchecked\"");
    assert_at(run, "coverage", "oversold_known", "null");
    json_decref(run);
    sample.verdict.word = VERDICT_UNKNOWN; /* the run as a whole proves nothing */
    run = run_of(&sample);
    assert_at(run, "verdict", "shown", "\"unknown\"");
    json_decref(run);
    report_sample_free(&sample);
}

TEST(nothing_oversold_is_not_claimed_beside_a_violation_or_of_nothing)
{
    struct report_sample sample;
    report_sample_make(&sample, SAMPLE_RIGHT, 1);
    json_t *run = run_of(&sample);
    assert_at(run, "coverage", "oversold", "\"none\"");
    assert_at(run, "coverage", "oversold_known", "0");
    json_decref(run);
    sample.verdict.word = sample.verdict.property[PROPERTY_VERSIONS].word = VERDICT_VIOLATION;
    run = run_of(&sample);
    assert_at(run, "coverage", "oversold", "\"not-seen\"");
    assert_at(run, "coverage", "oversold_known", "null");
    json_decref(run);
    sample.verdict.coverage.oversold_units = 2;
    run = run_of(&sample);
    assert_at(run, "coverage", "oversold", "\"found\"");
    assert_at(run, "coverage", "oversold_known", "2");
    json_decref(run);
    sample.verdict.coverage.oversold_units = 0;
    sample.verdict.word = VERDICT_UNKNOWN;
    sample.verdict.coverage.operations = 0;
    run = run_of(&sample);
    assert_at(run, "coverage", "oversold_known", "null");
    json_decref(run);
    report_sample_free(&sample);
}

/* --- the layout --------------------------------------------------------------------------------*/

/* All that has a place, gone through with what it is filled from. */
struct places {
    json_t *runs;
    size_t found;
};

/* Whether the path leads to a member in one of the values at least; null is a value. */
static bool leads_somewhere(const char *path, size_t n, json_t *const *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (template_find(values[i], path, n))
            return true;
    return false;
}

static void check_places(struct places *places, const char *text, json_t *const *values,
                         size_t count)
{
    for (const char *open = text; (open = strchr(open, '{')) != NULL; open++) {
        size_t n = strcspn(open + 1, ":}");
        if (!leads_somewhere(open + 1, n, values, count))
            fail_msg("%s: no document has %.*s", text, (int)n, open + 1);
        places->found++;
        if (open[n + 1] == ':')
            (void)unit_named(open + n + 2, strcspn(open + n + 2, "}"));
    }
}

/* A list of fields, and the values that they are about. */
static void check_fields(struct places *places, const struct layout_field *field, size_t fields,
                         json_t *const *values, size_t count)
{
    for (size_t i = 0; i < fields; i++) {
        const char *when = field[i].when;
        check_places(places, field[i].text, values, count);
        check_places(places, field[i].otherwise ? field[i].otherwise : "", values, count);
        check_places(places, field[i].note ? field[i].note : "", values, count);
        when = when && *when == '!' ? when + 1 : when;
        if (when && !leads_somewhere(when, strlen(when), values, count))
            fail_msg("no document has %s", when);
    }
}

#define VALUES_MAX 128

/* The elements of a list in all runs, or the runs themselves. */
static size_t gather(json_t *runs, const char *list, const char *object, json_t *values[])
{
    size_t n = 0, i, k;
    json_t *run, *element;
    json_array_foreach(runs, i, run)
    {
        json_t *array = list ? (json_t *)(uintptr_t)template_find(run, list, strlen(list)) : NULL;
        if (!list)
            values[n++] = (json_t *)(uintptr_t)template_find(run, object, strlen(object));
        json_array_foreach(array, k, element) if (n < VALUES_MAX) values[n++] =
            (json_t *)(uintptr_t)template_find(element, object, strlen(object));
    }
    assert_true(n > 0);
    return n;
}

static void check_section(struct places *places, const struct layout_section *section)
{
    json_t *values[VALUES_MAX];
    size_t n = gather(places->runs, NULL, "", values);
    if (section->when)
        assert_true(leads_somewhere(section->when, strlen(section->when), values, n));
    if (section->sources == 0) {
        n = gather(places->runs, NULL, section->object ? section->object : "", values);
        check_fields(places, section->field, section->fields, values, n);
    }
    for (size_t i = 0; i < section->sources; i++) {
        const struct layout_rows *rows = &section->rows[i];
        n = gather(places->runs, rows->list, "", values);
        check_places(places, rows->name, values, n);
        n = gather(places->runs, rows->list, rows->object, values);
        check_fields(places, section->field, section->fields, values, n);
    }
}

/* A place that the document does not have would stay empty for ever, and nobody would miss it. */
TEST(every_place_of_the_layout_is_in_the_document)
{
    const enum report_sample_kind kinds[] = {SAMPLE_RIGHT, SAMPLE_UNKNOWN, SAMPLE_HOSTILE};
    struct {
        const struct layout_fields *fields;
        const char *list;
    } lists[] = {{&layout_figures, NULL},
                 {&layout_comparison, NULL},
                 {&layout_property, "verdict.properties"},
                 {&layout_witness, "verdict.witnesses"}};
    char *text = render_as(report_json, kinds, 3);
    json_t *document = json_loads(text, 0, NULL);
    struct places places = {.runs = json_object_get(document, "runs")};
    json_t *values[VALUES_MAX];
    for (size_t i = 0; i < LAYOUT_SECTIONS; i++)
        check_section(&places, &layout_sections[i]);
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        size_t n = gather(places.runs, lists[i].list, "", values);
        check_fields(&places, lists[i].fields->field, lists[i].fields->count, values, n);
    }
    size_t n = gather(places.runs, NULL, "verdict", values);
    check_fields(&places, layout_verdict.field, layout_verdict.count, values, n);
    assert_true(places.found > 120);
    json_decref(document);
    free(text);
}

TEST(a_full_disk_is_an_error)
{
    struct report_sample sample;
    report_sample_make(&sample, SAMPLE_RIGHT, 1);
    FILE *full = fopen("/dev/full", "we");
    assert_non_null(full);
    assert_int_equal(report_html(full, &(struct report){.runs = &sample.run, .count = 1}), -EIO);
    fclose(full);
    report_sample_free(&sample);
}
