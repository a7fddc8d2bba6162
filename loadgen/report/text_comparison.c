/* text_comparison.c -- several runs side by side, one column a run. */
#include "report/text_run.h"

#include "report/page.h"

#define LABEL_COLUMNS  22
#define CELL_COLUMNS   14
#define COLUMNS_A_PAGE ((PAGE_WIDTH - LABEL_COLUMNS) / (CELL_COLUMNS + 1))
#define CELL_MAX       (64 * 1024)

static_assert(COLUMNS_A_PAGE >= 2, "a comparison has two columns at least");

static void put_cell(struct buf *b, const struct layout_field *field, const json_t *run)
{
    struct buf cell;
    buf_init(&cell, CELL_MAX);
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
    buf_init(&cell, CELL_MAX);
    json_array_foreach(runs, i, run) known = known || template_put(&cell, field->text, run);
    buf_free(&cell);
    return known;
}

static void put_table(struct buf *b, const json_t *runs, size_t from, size_t to)
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

void text_comparison(struct buf *b, const json_t *runs)
{
    size_t count = json_array_size(runs), i;
    json_t *run;
    for (size_t from = 0; from < count; from += COLUMNS_A_PAGE) {
        if (from > 0)
            buf_putc(b, '\n');
        put_table(b, runs, from, count - from < COLUMNS_A_PAGE ? count : from + COLUMNS_A_PAGE);
    }
    json_array_foreach(runs, i, run)
    {
        const char *shown = json_string_value(template_find(run, "verdict.word", 12));
        if (!shown || strcmp(shown, "right") == 0)
            continue;
        buf_putc(b, '\n');
        page_wrap(b, 0, 2, str_of(json_string_value(json_object_get(run, "name"))));
        text_verdict(b, run);
        text_witnesses(b, run);
    }
}
