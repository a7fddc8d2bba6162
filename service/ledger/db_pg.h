/* db_pg.h -- what the files of the PostgreSQL engine share.
 *
 * Layer: ledger, private to db_pg*.c. libpq is driven without blocking, so that a server that
 * accepts and never answers costs DB_ANSWER_TIMEOUT_MS and not for ever. A connection that failed
 * in any way is closed at once (`connection` NULL); db_begin makes the next one.
 */
#pragma once

#include "buf.h"
#include "ledger/db_engine.h"

#include <libpq-fe.h>

struct db_pg {
    struct db base;
    PGconn *connection; /* NULL: lost */
    struct db_prepared prepared;
    struct buf sql;    /* of the statement that is being prepared */
    struct buf values; /* parameters as they are sent */
};

static inline struct db_pg *pg_of(struct db *db)
{
    return (struct db_pg *)db;
}

/* Sorts a failed result, or with NULL a failed connection; keeps its text. */
enum db_result pg_fail(struct db_pg *pg, const PGresult *failed);

/* Waits for the answer to what was just handed to libpq: the last result of several, or the first
 * that failed, or that the server waits for the rows of a COPY. `sent` is what the PQsend function
 * said. On DB_OK the caller calls PQclear. */
enum db_result pg_answer(struct db_pg *pg, int sent, PGresult **out) MUST_CHECK;

/* db_ops.run. */
enum db_result pg_run(struct db *db, const struct db_statement *statement,
                      const struct db_value *values, size_t rows, db_row_fn *on_row, void *context,
                      size_t *changed);
