/* named_rows.h -- rows of a statement by what each begins with: its name.
 *
 * Layer: ledger, private to query/. All of it lives in the arena that it was begun with. Rows come
 * page by page, or for names that are asked for; `take` makes of a row what the caller wants.
 */
#pragma once

#include "ledger/names.h"
#include "ledger/rows.h"

struct named_rows {
    struct rows_page page;
    struct names names; /* of the rows, by their numbers */
    bool (*take)(struct arena *arena, const struct db_value *row, void *out);
};

struct named_rows named_rows_begin(struct arena *arena, size_t row_bytes, size_t max,
                                   bool (*take)(struct arena *arena, const struct db_value *row,
                                                void *out));

/* Adds the rows that the statement finds; *count: how many there are in all. */
enum db_result named_rows_page(struct db *db, const struct db_statement *statement,
                               const struct db_value *values, struct named_rows *rows,
                               size_t *count) MUST_CHECK;

/* Takes what a DB_LOOKUP finds for these names into the rows that are there of them. `rest` are the
 * statement's further parameters. */
enum db_result named_rows_look_up(struct db *db, const struct db_statement *statement,
                                  const struct str *names, size_t count,
                                  const struct db_value *rest, struct named_rows *rows) MUST_CHECK;

/* The same for rows that are not there yet: zeroed ones, a name each. */
enum db_result named_rows_find(struct db *db, const struct db_statement *statement,
                               const struct str *names, size_t count, const struct db_value *rest,
                               struct named_rows *rows) MUST_CHECK;

/* A row for each name, in their order: one name may come twice. NULL: no memory. */
void *named_rows_in_order(const struct named_rows *rows, const struct str *names,
                          size_t count) MUST_CHECK;
