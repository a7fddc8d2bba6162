#include "report/text_section.h"
#include "printable.h"
#include "report/template.h"
#include "report/units.h"

#include <stdio.h>
#include <stdlib.h>

#define LINE_MAX         (64 * 1024)
#define CELL_SIZE        256 /* what is longer is cut off */
#define COLUMNS_MAX      12
#define ROWS_SHOWN       64
#define NAME_COLUMNS_MIN 20 /* unless all are shorter */

/* A table as texts, from which the widths of its columns follow. Column 0 has the names. */
struct grid {
    size_t columns, rows, left_out;
    bool failed; /* for want of memory */
    size_t width[COLUMNS_MAX];
    char cell[ROWS_SHOWN + 1][COLUMNS_MAX][CELL_SIZE]; /* row 0: the heads */
};

static void put_fact_lines(struct page *p, const struct layout_section *section, const json_t *from)
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
            page_fact(p, field->label, buf_str(&line));
        p->out.failed |= line.failed;
        buf_free(&line);
    }
}

/* "held 3, timeout 1": the members that are not 0. */
static void put_members(struct page *p, const json_t *object)
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
    buf_puts(&p->out, STR("  "));
    page_wrap(p, 2, 2, buf_str(&line));
    p->out.failed |= line.failed;
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

/* What the names take at least: their ends, which tell them apart. */
static size_t names_min(const struct grid *grid)
{
    return grid->width[0] < NAME_COLUMNS_MIN ? grid->width[0] : NAME_COLUMNS_MIN;
}

/* One past the last column that stands beside the names and the columns from `from` on. */
static size_t fitting(const struct grid *grid, size_t from, size_t width)
{
    size_t to = from, used = 2 + names_min(grid);
    while (to < grid->columns && (to == from || used + 1 + grid->width[to] <= width))
        used += 1 + grid->width[to++];
    return to;
}

/* The names and some columns. The names give way when all of it is too wide: page_cell keeps their
 * ends. */
static void put_columns(struct page *p, const struct grid *grid, size_t from, size_t to)
{
    size_t others = 2;
    for (size_t i = from; i < to; i++)
        others += 1 + grid->width[i];
    size_t room = others + names_min(grid) < p->width ? p->width - others : names_min(grid);
    for (size_t row = 0; row <= grid->rows; row++) {
        buf_puts(&p->out, STR("  "));
        page_cell(p, str_of(grid->cell[row][0]), room < grid->width[0] ? room : grid->width[0],
                  false);
        for (size_t i = from; i < to; i++) {
            buf_putc(&p->out, ' ');
            page_cell(p, str_of(grid->cell[row][i]), grid->width[i], true);
        }
        buf_putc(&p->out, '\n');
    }
}

/* Columns that are too many for the page go on below the others. */
static void put_table(struct page *p, const struct layout_section *section, const json_t *run)
{
    struct grid *grid = calloc(1, sizeof *grid);
    if (!grid) {
        p->out.failed = true;
        return;
    }
    set_heads(grid, section);
    for (size_t i = 0; i < section->sources; i++)
        add_rows(grid, section, &section->rows[i], run);
    size_t most = p->width - 2 - names_min(grid) - 1;
    for (size_t i = 1; i < grid->columns; i++)
        grid->width[i] = grid->width[i] < most ? grid->width[i] : most;
    for (size_t from = 1, to; from < grid->columns; from = to) {
        buf_puts(&p->out, from > 1 ? STR("\n") : STR(""));
        to = fitting(grid, from, p->width);
        put_columns(p, grid, from, to);
    }
    p->out.failed |= grid->failed;
    if (grid->left_out)
        buf_printf(&p->out, "  and %zu more\n", grid->left_out);
    free(grid);
}

void text_section(struct page *p, const struct layout_section *section, const json_t *run)
{
    const char *object = section->object ? section->object : "";
    const json_t *from = template_find(run, object, strlen(object));
    if (!template_holds(run, section->when))
        return;
    if (section->title)
        page_title(p, section->title);
    if (section->sources > 0)
        put_table(p, section, run);
    else if (section->fields > 0)
        put_fact_lines(p, section, from);
    else
        put_members(p, from);
}
