/* report_text.c -- one run in full, or several side by side, for people: from the document
 * (document.h), in the order and words of layout.h. A part that has nothing to say writes nothing.
 */
#include "printable.h"
#include "report/document.h"
#include "report/layout.h"
#include "report/page.h"
#include "report/template.h"
#include "report/units.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define LINE_MAX (64 * 1024)

/* --- the verdict ------------------------------------------------------------------------------ */

#define WORD_COLUMNS 13 /* "NOT CHECKED  " */

static const char *text_at(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

/* The word, which the template makes, and its sentence, in one or more lines. */
static void put_finding(struct buf *b, const char *word, const json_t *from)
{
    size_t before = b->n;
    bool known = template_put(b, word, from);
    assert(known);
    while (b->n - before < WORD_COLUMNS && !b->failed)
        buf_putc(b, ' ');
    page_wrap(b, WORD_COLUMNS, WORD_COLUMNS, str_of(text_at(from, "sentence")));
}

static void text_verdict(struct buf *b, const json_t *run)
{
    put_finding(b, "{shown:verdict}", json_object_get(run, "verdict"));
}

static void text_properties(struct buf *b, const json_t *run)
{
    json_t *property;
    size_t i;
    page_title(b, "Properties");
    json_array_foreach(template_find(run, "verdict.properties", 18), i, property)
    {
        struct buf line;
        buf_init(&line, LINE_MAX);
        for (size_t n = 0; n < layout_property.count; n++) {
            const struct layout_field *field = &layout_property.field[n];
            if (template_holds(property, field->when) && template_put(&line, field->text, property))
                buf_puts(&line, STR(". "));
        }
        buf_puts(&line, str_of(text_at(property, "title")));
        page_fact(b, text_at(property, "name"), buf_str(&line));
        b->failed |= line.failed;
        buf_free(&line);
    }
}

static void put_more(struct buf *b, const struct layout_fields *fields, const json_t *from)
{
    for (size_t i = 0; i < fields->count; i++) {
        if (!template_holds(from, fields->field[i].when))
            continue;
        buf_puts(b, STR("      "));
        if (template_put(b, fields->field[i].text, from))
            buf_putc(b, '\n');
    }
}

static void put_witness(struct buf *b, size_t number, const json_t *witness)
{
    struct buf line;
    json_t *op;
    size_t i;
    buf_printf(b, "  %2zu. ", number);
    buf_init(&line, LINE_MAX);
    buf_printf(&line, "%s: %s", text_at(witness, "property"), text_at(witness, "text"));
    page_wrap(b, 6, 6, buf_str(&line));
    b->failed |= line.failed;
    buf_free(&line);
    json_array_foreach(json_object_get(witness, "operations"), i, op)
    {
        buf_puts(b, STR("      - "));
        page_wrap(b, 8, 8, str_of(text_at(op, "text")));
    }
    put_more(b, &layout_witness, witness);
}

static void text_witnesses(struct buf *b, const json_t *run)
{
    const json_t *verdict = json_object_get(run, "verdict");
    json_t *witness;
    size_t i;
    if (!template_holds(verdict, "witnesses"))
        return;
    page_title(b, "Witnesses");
    json_array_foreach(json_object_get(verdict, "witnesses"), i, witness)
        put_witness(b, i + 1, witness);
    put_more(b, &layout_verdict, verdict);
}

/* --- a section of the layout: facts, a table, or a list of numbers ---------------------------- */

#define CELL_SIZE        256 /* what is longer is cut off */
#define COLUMNS_MAX      12
#define ROWS_SHOWN       64
#define NAME_COLUMNS_MIN 4

/* A table as texts, from which the widths of its columns follow. Column 0 has the names. */
struct grid {
    size_t columns, rows, left_out;
    bool failed; /* for want of memory */
    size_t width[COLUMNS_MAX];
    char cell[ROWS_SHOWN + 1][COLUMNS_MAX][CELL_SIZE]; /* row 0: the heads */
};

static void put_facts(struct buf *b, const struct layout_section *section, const json_t *from)
{
    for (size_t i = 0; i < section->fields; i++) {
        const struct layout_field *field = &section->field[i];
        struct buf line;
        if (field->only == LAYOUT_PAGE || !template_holds(from, field->when))
            continue;
        buf_init(&line, LINE_MAX);
        bool known = template_put(&line, field->text, from) ||
                     (field->otherwise && template_put(&line, field->otherwise, from));
        if (known)
            page_fact(b, field->label, buf_str(&line));
        b->failed |= line.failed;
        buf_free(&line);
    }
}

/* "held 3, timeout 1": the members that are not 0. */
static void put_members(struct buf *b, const json_t *object)
{
    char number[UNIT_TEXT_SIZE];
    struct buf line;
    const char *key;
    json_t *value;
    buf_init(&line, LINE_MAX);
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        json_int_t count = json_integer_value(value);
        if (count > 0)
            buf_printf(&line, "%s%s %s", line.n ? ", " : "", key, unit_count(number, count));
    }
    buf_puts(b, STR("  "));
    page_wrap(b, 2, 2, buf_str(&line));
    b->failed |= line.failed;
    buf_free(&line);
}

static void set_cell(struct grid *grid, size_t row, size_t column, struct str text)
{
    assert(row <= ROWS_SHOWN && column < COLUMNS_MAX);
    size_t columns = printable_columns(text);
    snprintf(grid->cell[row][column], CELL_SIZE, "%.*s", STR_ARG(text));
    if (columns > grid->width[column])
        grid->width[column] = columns;
}

static void set_field(struct grid *grid, size_t column, const struct layout_field *field,
                      const json_t *object)
{
    struct buf text;
    buf_init(&text, LINE_MAX);
    const char *otherwise = field->otherwise ? field->otherwise : "-";
    if (template_put(&text, field->text, object) || template_put(&text, otherwise, object))
        set_cell(grid, grid->rows, column, buf_str(&text));
    grid->failed |= text.failed;
    buf_free(&text);
}

static void add_row(struct grid *grid, const struct layout_section *section,
                    const struct layout_rows *rows, const json_t *element)
{
    const char *path = rows->object;
    const json_t *object = template_find(element, path, strlen(path));
    const struct layout_field name = {.text = rows->name};
    size_t column = 1;
    if (!json_is_object(object))
        return;
    grid->rows++;
    if (grid->rows > ROWS_SHOWN) {
        grid->left_out++;
        grid->rows--;
        return;
    }
    set_field(grid, 0, &name, element);
    for (size_t i = 0; i < section->fields; i++)
        if (section->field[i].only != LAYOUT_PAGE)
            set_field(grid, column++, &section->field[i], object);
}

static void add_rows(struct grid *grid, const struct layout_section *section,
                     const struct layout_rows *rows, const json_t *run)
{
    json_t *element;
    size_t i;
    if (!rows->list)
        add_row(grid, section, rows, run);
    else
        json_array_foreach(json_object_get(run, rows->list), i, element)
            add_row(grid, section, rows, element);
}

static void set_heads(struct grid *grid, const struct layout_section *section)
{
    set_cell(grid, 0, grid->columns++, str_of(section->head));
    for (size_t i = 0; i < section->fields; i++)
        if (section->field[i].only != LAYOUT_PAGE)
            set_cell(grid, 0, grid->columns++, str_of(section->field[i].label));
}

/* The names give way when all of it is too wide: page_cell keeps their ends. */
static void fit(struct grid *grid)
{
    size_t others = 2;
    for (size_t i = 1; i < grid->columns; i++)
        others += 1 + grid->width[i];
    size_t room = others + NAME_COLUMNS_MIN < PAGE_WIDTH ? PAGE_WIDTH - others : NAME_COLUMNS_MIN;
    if (grid->width[0] > room)
        grid->width[0] = room;
}

static void put_table(struct buf *b, const struct layout_section *section, const json_t *run)
{
    struct grid *grid = calloc(1, sizeof *grid);
    if (!grid) {
        b->failed = true;
        return;
    }
    set_heads(grid, section);
    for (size_t i = 0; i < section->sources; i++)
        add_rows(grid, section, &section->rows[i], run);
    fit(grid);
    for (size_t row = 0; row <= grid->rows; row++) {
        buf_puts(b, STR("  "));
        for (size_t i = 0; i < grid->columns; i++) {
            if (i > 0)
                buf_putc(b, ' ');
            page_cell(b, str_of(grid->cell[row][i]), grid->width[i], i > 0);
        }
        buf_putc(b, '\n');
    }
    b->failed |= grid->failed;
    if (grid->left_out)
        buf_printf(b, "  and %zu more\n", grid->left_out);
    free(grid);
}

/* A section of the layout: facts, a table, or a list of numbers. */
static void text_section(struct buf *b, const struct layout_section *section, const json_t *run)
{
    const char *object = section->object ? section->object : "";
    const json_t *from = template_find(run, object, strlen(object));
    if (!template_holds(run, section->when))
        return;
    page_title(b, section->title);
    if (section->sources > 0)
        put_table(b, section, run);
    else if (section->fields > 0)
        put_facts(b, section, from);
    else
        put_members(b, from);
}

/* --- several runs ----------------------------------------------------------------------------- */

#define LABEL_COLUMNS  22
#define CELL_COLUMNS   14
#define COLUMNS_A_PAGE ((PAGE_WIDTH - LABEL_COLUMNS) / (CELL_COLUMNS + 1))

static_assert(COLUMNS_A_PAGE >= 2, "a comparison has two columns at least");

static void put_cell(struct buf *b, const struct layout_field *field, const json_t *run)
{
    struct buf cell;
    buf_init(&cell, LINE_MAX);
    bool known = template_put(&cell, field->text, run);
    buf_putc(b, ' ');
    page_cell(b, known ? buf_str(&cell) : STR("-"), CELL_COLUMNS, true);
    b->failed |= cell.failed;
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

static void put_columns(struct buf *b, const json_t *runs, size_t from, size_t to)
{
    for (size_t row = 0; row < layout_comparison.count; row++) {
        const struct layout_field *field = &layout_comparison.field[row];
        if (!any_known(field, runs))
            continue;
        buf_printf(b, "%-*s", LABEL_COLUMNS, field->label);
        for (size_t i = from; i < to; i++)
            put_cell(b, field, json_array_get(runs, i));
        buf_putc(b, '\n');
    }
}

/* Of the runs that are not right: why, and what proves their violations. */
static void text_findings(struct buf *b, const json_t *runs)
{
    json_t *run;
    size_t i;
    json_array_foreach(runs, i, run)
    {
        const char *word = json_string_value(template_find(run, "verdict.word", 12));
        if (!word || strcmp(word, "right") == 0)
            continue;
        buf_putc(b, '\n');
        page_wrap(b, 0, 2, str_of(json_string_value(json_object_get(run, "name"))));
        text_verdict(b, run);
        text_witnesses(b, run);
    }
}

/* Several runs side by side, one column a run. */
static void text_comparison(struct buf *b, const json_t *runs)
{
    size_t count = json_array_size(runs);
    for (size_t from = 0; from < count; from += COLUMNS_A_PAGE) {
        if (from > 0)
            buf_putc(b, '\n');
        put_columns(b, runs, from, count - from < COLUMNS_A_PAGE ? count : from + COLUMNS_A_PAGE);
    }
    text_findings(b, runs);
}
/* --- a search for capacity -------------------------------------------------------------------- */

/* The answer, how it was found, and of its steps what was not right. */
static void text_capacity(struct buf *b, const json_t *capacity, const json_t *runs)
{
    put_finding(b, "{outcome:capacity}", capacity);
    for (size_t i = 0; i < LAYOUT_CAPACITY; i++)
        text_section(b, &layout_capacity[i], capacity);
    text_findings(b, runs);
}

/* --- the report ------------------------------------------------------------------------------- */

#define RUN_MAX (1024 * 1024) /* bytes of the page, for each run */

/* The verdict first: all else is read in its light. Where nobody looked, tables of zeros would only
 * hide that. */
static void put_run(struct buf *b, const json_t *run)
{
    text_verdict(b, run);
    if (template_holds(run, "verdict.checked")) {
        text_properties(b, run);
        text_witnesses(b, run);
    }
    for (size_t i = 0; i < LAYOUT_SECTIONS; i++)
        text_section(b, &layout_sections[i], run);
}

int report_text(FILE *out, const struct report *report)
{
    json_t *document = document_make(report);
    if (!document)
        return -ENOMEM;
    const json_t *shown = json_object_get(document, "runs");
    const json_t *capacity = json_object_get(document, "capacity");
    struct buf b;
    buf_init(&b, RUN_MAX * (report->count ? report->count : 1));
    if (capacity)
        text_capacity(&b, capacity, shown);
    else if (report->count == 1)
        put_run(&b, json_array_get(shown, 0));
    else
        text_comparison(&b, shown);
    int result = buf_flush(&b, out);
    buf_free(&b);
    json_decref(document);
    return result;
}
