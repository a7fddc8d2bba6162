/* present_rows.h -- rows of the database as arrays in an arena.
 *
 * Layer: ledger, private to present_*.c. A page is an array with room for as many rows as its
 * statement can find; texts are copied, since rows are gone when their callback returns.
 */
#ifndef LEDGER_PRESENT_ROWS_H
#define LEDGER_PRESENT_ROWS_H

#include "arena.h"
#include "ledger/db.h"
#include "ledger/rows.h"

struct present_page {
    struct arena *arena;
    void *rows; /* NULL: no memory */
    size_t row_bytes, count, max;
};

static inline struct present_page present_page_begin(struct arena *arena, size_t row_bytes,
                                                     size_t max)
{
    return (struct present_page){arena, arena_zalloc(arena, row_bytes * max), row_bytes, 0, max};
}

/* The next row, zeroed, or NULL when the page is full: a statement that finds more than it was
 * asked for. */
static inline void *present_page_row(struct present_page *page)
{
    if (page->count == page->max)
        return NULL;
    return (char *)page->rows + page->row_bytes * page->count++;
}

/* Texts as the keys of a lookup whose rows have `width` parameters, the others of which are
 * rest[0..width-1). NULL: no memory. */
static inline struct db_value *present_keys(struct arena *arena, const struct str *texts,
                                            size_t count, const struct db_value *rest, size_t width)
{
    struct db_value *values = arena_alloc(arena, count * width * sizeof(*values));
    for (size_t i = 0; values && i < count; i++) {
        values[i * width] = db_text(texts[i]);
        for (size_t k = 1; k < width; k++)
            values[i * width + k] = rest[k - 1];
    }
    return values;
}

#endif
