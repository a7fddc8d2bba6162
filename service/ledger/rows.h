/* rows.h -- columns of the ledger's tables in the words of core.
 *
 * Layer: ledger, private to it. Texts are copied into the arena, since a row is gone when its
 * callback returns. Whatever selects ROWS_RESERVATION or ROWS_LINE gets its columns in that order.
 */
#pragma once

#include "arena.h"
#include "core/reservation.h"
#include "ledger/db.h"

#define ROWS_RESERVATION                                                                           \
    "SELECT rid, state, rereserved, created_ms, expires_ms, ended_ms, line_count, customer, "      \
    "reference, metadata, tenant, client FROM reservations WHERE "
#define ROWS_LINE                                                                                  \
    "SELECT rid, n, sku, reserved, quantity, remaining, version, expired_remaining, "              \
    "expired_version FROM reservation_lines WHERE "

/* An array in an arena with room for as many rows as its statement can find. */
struct rows_page {
    struct arena *arena;
    void *rows; /* NULL: no memory */
    size_t row_bytes, count, max;
};

static inline struct rows_page rows_page_begin(struct arena *arena, size_t row_bytes, size_t max)
{
    return (struct rows_page){arena, arena_zalloc(arena, row_bytes * max), row_bytes, 0, max};
}

/* The next row, zeroed, or NULL when the page is full: a statement that finds more than it was
 * asked for. */
static inline void *rows_page_next(struct rows_page *page)
{
    if (page->count == page->max)
        return NULL;
    return (char *)page->rows + page->row_bytes * page->count++;
}

/* 0 stands for NULL. */
static inline int64_t rows_int(const struct db_value *value)
{
    return value->type == DB_INT ? value->as.number : 0;
}

/* A db_row_fn: what the row has one number of goes to an int64_t, which NULL leaves as it is. */
int rows_number(void *context, const struct db_value *row, size_t count);

/* A copy in the arena; NULL stays absent. False: no memory. */
bool rows_text(struct arena *arena, const struct db_value *value, struct str *out) MUST_CHECK;

/* All but the id, the name of its share included; lines are zeroed. False: no memory. */
bool rows_reservation(struct arena *arena, const struct db_value *row,
                      struct reservation *r) MUST_CHECK;

/* The line that the row is of, unless the reservation has no such line. False: no memory. */
bool rows_line(struct arena *arena, const struct db_value *row, struct reservation *r) MUST_CHECK;
