/* report_text.c -- one run, in brief or whole, or several side by side, for people: from the
 * document (document.h), in the order and words of layout.h. A part that has nothing to say writes
 * nothing, and the answer stands at the end.
 */
#include "report/document.h"
#include "report/layout.h"
#include "report/page.h"
#include "report/template.h"
#include "report/text_section.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define LINE_MAX (64 * 1024)

/* --- the verdict ------------------------------------------------------------------------------ */

#define WORD_COLUMNS 13 /* "NOT CHECKED  " */

static const char *text_member(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static enum page_paint paint_of(struct str word)
{
    if (str_equal(word, STR("RIGHT")) || str_equal(word, STR("CAPACITY")))
        return PAGE_GREEN;
    return str_equal(word, STR("VIOLATION")) ? PAGE_RED : PAGE_YELLOW;
}

/* The word, which the template makes, and its sentence, in one or more lines. */
static void put_finding(struct page *p, const char *template, const json_t *from)
{
    struct buf word;
    buf_init(&word, LINE_MAX);
    bool known = template_put(&word, template, from);
    assert(known || word.failed);
    page_paint(p, paint_of(buf_str(&word)), buf_str(&word));
    for (size_t n = word.n; n < WORD_COLUMNS; n++)
        buf_putc(&p->out, ' ');
    page_wrap(p, WORD_COLUMNS, WORD_COLUMNS, str_of(text_member(from, "sentence")));
    p->out.failed |= word.failed;
    buf_free(&word);
}

static void text_verdict(struct page *p, const json_t *run)
{
    put_finding(p, "{shown:verdict}", json_object_get(run, "verdict"));
}

static void text_properties(struct page *p, const json_t *run)
{
    json_t *property;
    size_t i;
    page_title(p, "Properties");
    json_array_foreach(template_find(run, "verdict.properties", 18), i, property)
    {
        struct buf line;
        buf_init(&line, LINE_MAX);
        for (size_t n = 0; n < layout_property.count; n++) {
            const struct layout_field *field = &layout_property.field[n];
            if (template_holds(property, field->when) && template_put(&line, field->text, property))
                buf_puts(&line, STR(". "));
        }
        buf_puts(&line, str_of(text_member(property, "title")));
        page_fact(p, text_member(property, "name"), buf_str(&line));
        p->out.failed |= line.failed;
        buf_free(&line);
    }
}

static void put_more(struct page *p, const struct layout_fields *fields, const json_t *from)
{
    for (size_t i = 0; i < fields->count; i++) {
        struct buf line;
        buf_init(&line, LINE_MAX);
        if (template_holds(from, fields->field[i].when) &&
            template_put(&line, fields->field[i].text, from)) {
            buf_puts(&p->out, STR("      "));
            page_wrap(p, 6, 6, buf_str(&line));
        }
        p->out.failed |= line.failed;
        buf_free(&line);
    }
}

static void put_witness(struct page *p, size_t number, const json_t *witness)
{
    struct buf line;
    json_t *op;
    size_t i;
    buf_printf(&p->out, "  %2zu. ", number);
    buf_init(&line, LINE_MAX);
    buf_printf(&line, "%s: %s", text_member(witness, "property"), text_member(witness, "text"));
    page_wrap(p, 6, 6, buf_str(&line));
    p->out.failed |= line.failed;
    buf_free(&line);
    json_array_foreach(json_object_get(witness, "operations"), i, op)
    {
        buf_puts(&p->out, STR("      - "));
        page_wrap(p, 8, 8, str_of(text_member(op, "text")));
    }
    put_more(p, &layout_witness, witness);
}

static void text_witnesses(struct page *p, const json_t *run)
{
    const json_t *verdict = json_object_get(run, "verdict");
    json_t *witness;
    size_t i;
    if (!template_holds(verdict, "witnesses"))
        return;
    page_title(p, "Witnesses");
    json_array_foreach(json_object_get(verdict, "witnesses"), i, witness)
        put_witness(p, i + 1, witness);
    put_more(p, &layout_verdict, verdict);
}

#define LOST_SHOWN 20 /* unless all is to be shown */

/* What a failover took from those who had been answered. */
static void text_lost(struct page *p, const struct report_style *style, const json_t *run)
{
    const json_t *lost = json_object_get(json_object_get(run, "verdict"), "lost");
    json_t *one;
    size_t i, shown = 0;
    if (!template_holds(lost, "operations"))
        return;
    page_title(p, "Lost");
    json_array_foreach(json_object_get(lost, "told"), i, one)
    {
        if (i == LOST_SHOWN && !style->whole)
            break;
        buf_puts(&p->out, STR("  - "));
        page_wrap(p, 4, 4, str_of(text_member(one, "text")));
        shown++;
    }
    json_int_t left = json_integer_value(json_object_get(lost, "operations")) - (json_int_t)shown;
    if (left > 0)
        buf_printf(&p->out, "    and %lld more\n", (long long)left);
}

/* What a reader should know before the numbers. */
static void text_warnings(struct page *p, const json_t *run)
{
    json_t *warning;
    size_t i;
    if (!template_holds(run, "warnings"))
        return;
    page_title(p, "Warnings");
    json_array_foreach(json_object_get(run, "warnings"), i, warning)
    {
        buf_puts(&p->out, STR("  "));
        page_wrap(p, 2, 2, str_of(json_string_value(warning)));
    }
}

static void text_sections(struct page *p, const struct report_style *style, const json_t *run)
{
    if (style->whole && template_holds(run, "verdict.checked"))
        text_properties(p, run);
    for (size_t i = 0; i < LAYOUT_SECTIONS; i++)
        if (style->whole || layout_sections[i].brief)
            text_section(p, &layout_sections[i], run);
}

/* One empty line, unless there is one, or nothing before it. */
static void put_gap(struct page *p)
{
    struct str so_far = buf_str(&p->out);
    if (so_far.n > 1 && so_far.p[so_far.n - 2] != '\n')
        buf_putc(&p->out, '\n');
}

/* What somebody wants to see stands at the end, where a terminal is when all is written. Where
 * nobody looked, tables of zeros would only hide that. */
static void text_run(struct page *p, const struct report_style *style, const json_t *run)
{
    text_sections(p, style, run);
    text_witnesses(p, run);
    text_lost(p, style, run);
    text_warnings(p, run);
    put_gap(p);
    text_section(p, &layout_headline, run);
    put_gap(p);
    text_verdict(p, run);
}

/* --- several runs ----------------------------------------------------------------------------- */

#define LABEL_COLUMNS 22
#define CELL_COLUMNS  14

static_assert(PAGE_WIDTH_MIN >= LABEL_COLUMNS + CELL_COLUMNS + 1, "one run fits at least");

static void put_cell(struct page *p, const struct layout_field *field, const json_t *run)
{
    struct buf cell;
    buf_init(&cell, LINE_MAX);
    bool known = template_put(&cell, field->text, run);
    buf_putc(&p->out, ' ');
    page_cell(p, known ? buf_str(&cell) : STR("-"), CELL_COLUMNS, true);
    p->out.failed |= cell.failed;
    buf_free(&cell);
}

static bool any_known(const struct layout_field *field, const json_t *runs)
{
    struct buf cell;
    json_t *run;
    size_t i;
    bool known = false;
    buf_init(&cell, LINE_MAX);
    json_array_foreach(runs, i, run) known = known || template_put(&cell, field->text, run);
    buf_free(&cell);
    return known;
}

static void put_columns(struct page *p, const json_t *runs, size_t from, size_t to)
{
    for (size_t row = 0; row < layout_comparison.count; row++) {
        const struct layout_field *field = &layout_comparison.field[row];
        if (!any_known(field, runs))
            continue;
        buf_printf(&p->out, "%-*s", LABEL_COLUMNS, field->label);
        for (size_t i = from; i < to; i++)
            put_cell(p, field, json_array_get(runs, i));
        buf_putc(&p->out, '\n');
    }
}

/* Of the runs that are not right: why, and what proves their violations. */
static void text_findings(struct page *p, const json_t *runs)
{
    json_t *run;
    size_t i;
    json_array_foreach(runs, i, run)
    {
        const char *word = json_string_value(template_find(run, "verdict.word", 12));
        if (!word || strcmp(word, "right") == 0)
            continue;
        page_wrap(p, 0, 2, str_of(json_string_value(json_object_get(run, "name"))));
        text_verdict(p, run);
        text_witnesses(p, run);
        buf_putc(&p->out, '\n');
    }
}

/* Several runs side by side, one column a run; what is not right comes before. */
static void text_comparison(struct page *p, const json_t *runs)
{
    size_t count = json_array_size(runs);
    size_t each = (p->width - LABEL_COLUMNS) / (CELL_COLUMNS + 1);
    text_findings(p, runs);
    for (size_t from = 0; from < count; from += each) {
        if (from > 0)
            buf_putc(&p->out, '\n');
        put_columns(p, runs, from, count - from < each ? count : from + each);
    }
}

/* --- a search for capacity -------------------------------------------------------------------- */

/* Of its steps what was not right, how the answer was found, and the answer. */
static void text_capacity(struct page *p, const json_t *capacity, const json_t *runs)
{
    text_findings(p, runs);
    for (size_t i = 0; i < LAYOUT_CAPACITY; i++)
        text_section(p, &layout_capacity[i], capacity);
    put_gap(p);
    put_finding(p, "{outcome:capacity}", capacity);
}

/* --- the report ------------------------------------------------------------------------------- */

#define RUN_MAX (1024 * 1024) /* bytes of the page, for each run */

int report_text(FILE *out, const struct report *report)
{
    const struct report_style *style = &report->style;
    json_t *document = document_make(report);
    if (!document)
        return -ENOMEM;
    const json_t *shown = json_object_get(document, "runs");
    const json_t *capacity = json_object_get(document, "capacity");
    struct page p;
    page_init(&p, RUN_MAX * (report->count ? report->count : 1), style->width, style->coloured);
    if (capacity)
        text_capacity(&p, capacity, shown);
    else if (report->count == 1)
        text_run(&p, style, json_array_get(shown, 0));
    else
        text_comparison(&p, shown);
    int result = buf_flush(&p.out, out);
    buf_free(&p.out);
    json_decref(document);
    return result;
}
