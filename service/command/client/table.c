#include "command/client/table.h"
#include "grow.h"
#include "printable.h"
#include "terminal.h"
#include "utf8.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <locale.h>
#include <stdlib.h>
#include <unistd.h>
#include <wchar.h>

#define TEXT_MAX ((size_t)256 * 1024 * 1024)
#define CELL_MAX                                                                                   \
    ((size_t)16 * 1024) /* bytes that are shown of one, before it is made printable                \
                         */
#define LINE_MAX (4 * CELL_MAX * (TABLE_COLUMNS_MAX + 1))
#define GAP      2 /* blanks between two columns */

unsigned table_width(FILE *out)
{
    return isatty(fileno(out)) ? (unsigned)terminal_width(out) : 0;
}

void table_init(struct table *table, FILE *out, const struct table_column *columns, unsigned count,
                unsigned width)
{
    assert(count > 0 && count <= TABLE_COLUMNS_MAX);
    *table = (struct table){.out = out, .columns = columns, .count = count, .width = width};
    buf_init(&table->text, TEXT_MAX);
    setlocale(LC_CTYPE, "C.UTF-8"); /* for wcwidth(): in that of C it knows ASCII only */
    for (unsigned c = 0; c < count; c++)
        table->widest[c] = (unsigned)strlen(columns[c].title);
}

/* Columns that the character at p takes, and its bytes; p is valid UTF-8. */
static unsigned character(const char *p, size_t n, size_t *bytes)
{
    uint32_t c;
    *bytes = utf8_decode(p, n, &c);
    assert(*bytes > 0);
    int columns = wcwidth((wchar_t)c);
    return columns < 0 ? 1 : (unsigned)columns;
}

static unsigned columns_of(struct str text)
{
    unsigned columns = 0;
    for (size_t at = 0, bytes; at < text.n; at += bytes)
        columns += character(text.p + at, text.n - at, &bytes);
    return columns;
}

/* The bytes at the start of the text that take no more than so many columns. */
static size_t bytes_within(struct str text, unsigned columns)
{
    unsigned taken = 0;
    size_t at = 0, bytes;
    for (; at < text.n; at += bytes) {
        taken += character(text.p + at, text.n - at, &bytes);
        if (taken > columns)
            break;
    }
    return at;
}

/* --- what fits -------------------------------------------------------------------------------- */

/* How wide each column is shown; 0: it is left out. */
struct layout {
    unsigned width[TABLE_COLUMNS_MAX];
};

static unsigned total(const struct table *table, const struct layout *layout)
{
    unsigned sum = 0;
    for (unsigned c = 0; c < table->count; c++)
        if (layout->width[c] > 0)
            sum += layout->width[c] + (sum > 0 ? GAP : 0);
    return sum;
}

/* Cuts the widest text by a column. False: nothing can be cut. */
static bool cut(const struct table *table, struct layout *layout)
{
    unsigned widest = TABLE_COLUMNS_MAX;
    for (unsigned c = 0; c < table->count; c++) {
        bool can = table->columns[c].may_cut && layout->width[c] > TABLE_CUT_MIN &&
                   layout->width[c] > strlen(table->columns[c].title);
        if (can && (widest == TABLE_COLUMNS_MAX || layout->width[c] > layout->width[widest]))
            widest = c;
    }
    if (widest < TABLE_COLUMNS_MAX)
        layout->width[widest]--;
    return widest < TABLE_COLUMNS_MAX;
}

/* Leaves the least important column out. False: all that are left are needed. */
static bool drop_column(const struct table *table, bool out[TABLE_COLUMNS_MAX])
{
    unsigned least = TABLE_COLUMNS_MAX;
    for (unsigned c = 0; c < table->count; c++) {
        unsigned order = table->columns[c].drop;
        if (!out[c] && order > 0 &&
            (least == TABLE_COLUMNS_MAX || order > table->columns[least].drop))
            least = c;
    }
    if (least < TABLE_COLUMNS_MAX)
        out[least] = true;
    return least < TABLE_COLUMNS_MAX;
}

static struct layout lay_out(const struct table *table)
{
    bool out[TABLE_COLUMNS_MAX] = {false};
    for (;;) {
        struct layout layout = {0};
        for (unsigned c = 0; c < table->count; c++)
            layout.width[c] = out[c] ? 0 : table->widest[c];
        while (table->width > 0 && total(table, &layout) > table->width && cut(table, &layout))
            ;
        if (table->width == 0 || total(table, &layout) <= table->width || !drop_column(table, out))
            return layout;
    }
}

/* --- lines ------------------------------------------------------------------------------------ */

static void put_blanks(struct buf *line, unsigned n)
{
    while (n-- > 0)
        buf_putc(line, ' ');
}

static void put_cell(struct buf *line, const struct table_column *column, struct str text,
                     unsigned columns, unsigned width)
{
    bool cut = columns > width;
    if (cut) {
        text.n = bytes_within(text, width - 1);
        columns = columns_of(text) + 1;
    }
    if (column->number)
        put_blanks(line, width - columns);
    buf_puts(line, text);
    if (cut)
        buf_puts(line, STR("…"));
    if (!column->number)
        put_blanks(line, width - columns);
}

/* row NULL: the titles. */
static void print_row(struct table *table, const struct layout *layout,
                      const struct table_cell *row)
{
    struct buf line;
    buf_init(&line, LINE_MAX);
    for (unsigned c = 0; c < table->count; c++) {
        const struct table_column *column = &table->columns[c];
        struct str text =
            row ? (struct str){table->text.p + row[c].at, row[c].bytes} : str_of(column->title);
        if (layout->width[c] == 0)
            continue;
        put_blanks(&line, line.n > 0 ? GAP : 0);
        put_cell(&line, column, text, row ? row[c].columns : columns_of(text), layout->width[c]);
    }
    while (line.n > 0 && line.p[line.n - 1] == ' ')
        line.n--;
    buf_putc(&line, '\n');
    int rc = buf_flush(&line, table->out);
    table->rc = table->rc < 0 ? table->rc : rc;
    buf_free(&line);
}

static void print_rows(struct table *table)
{
    struct layout layout = lay_out(table);
    if (!table->titled)
        print_row(table, &layout, NULL);
    table->titled = true;
    for (size_t at = 0; at + table->count <= table->cell_count; at += table->count)
        print_row(table, &layout, table->cells + at);
    table->cell_count = 0;
    buf_reset(&table->text);
}

/* --- cells ------------------------------------------------------------------------------------ */

/* False when there is no memory: nothing was added. */
static bool add_cell(struct table *table, struct str text)
{
    struct table_cell *cells =
        grow(table->cells, table->cell_count, &table->cell_room, sizeof(*cells));
    if (!cells)
        return false;
    table->cells = cells;
    size_t at = table->text.n;
    printable_put(&table->text, text);
    struct str shown = {table->text.p + at, table->text.n - at};
    if (!table->text.failed)
        cells[table->cell_count] = (struct table_cell){at, (unsigned)shown.n, columns_of(shown)};
    return !table->text.failed;
}

void table_put(struct table *table, struct str text)
{
    if (str_absent(text))
        text = STR("-");
    if (text.n > CELL_MAX)
        text.n = CELL_MAX;
    if (table->rc < 0)
        return; /* a cell is missing: what follows would stand in a wrong column */
    if (!add_cell(table, text)) {
        table->rc = -ENOMEM;
        return;
    }
    const struct table_cell *cell = &table->cells[table->cell_count];
    unsigned c = (unsigned)(table->cell_count % table->count);
    if (cell->columns > table->widest[c])
        table->widest[c] = cell->columns;
    table->cell_count++;
    if (table->cell_count == (size_t)TABLE_ROWS * table->count)
        print_rows(table);
}

void table_put_number(struct table *table, int64_t value)
{
    char digits[24];
    int n = snprintf(digits, sizeof(digits), "%" PRId64, value);
    table_put(table, (struct str){digits, (size_t)n});
}

int table_print(struct table *table)
{
    print_rows(table);
    return table->rc;
}

void table_free(struct table *table)
{
    buf_free(&table->text);
    free(table->cells);
    table->cells = NULL;
}
