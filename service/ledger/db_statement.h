/* db_statement.h -- what is said to a database and what it says: values, statements, rows, results.
 *
 * Layer: ledger, the lower half of db.h, which says what becomes of them. The same for both
 * engines.
 */
#ifndef LEDGER_DB_STATEMENT_H
#define LEDGER_DB_STATEMENT_H

#include "str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DB_CONNECT_TIMEOUT_S    5
#define DB_STATEMENT_TIMEOUT_MS 30000 /* the server gives a statement up */
#define DB_ANSWER_TIMEOUT_MS    40000 /* we give the server up: it is frozen or gone */
#define DB_BUSY_TIMEOUT_MS      10000 /* waiting for another writer of a SQLite file */
#define DB_WHY_SIZE             512
#define DB_COLUMNS_MAX          32
#define DB_STATEMENTS_MAX       64           /* prepared on one connection */
#define DB_ROWS_MAX_BYTES       (256u << 20) /* of one db_run, as sent */

enum db_result {
    DB_OK,
    DB_AGAIN,      /* lost, busy or out of memory there; nothing was kept; try later */
    DB_FULL,       /* its disk takes no more writes; nothing was kept */
    DB_CONSTRAINT, /* a row broke a rule of the schema; nothing was kept */
    DB_WRONG,      /* the program, the schema or the address is wrong; waiting will not help */
    DB_UNKNOWN,    /* COMMIT was sent and never answered: kept or not, only reading can tell */
    DB_NO_MEMORY,  /* here; nothing was kept */
    DB_RESULTS
};

enum db_type { DB_NULL, DB_INT, DB_TEXT };

struct db_value {
    enum db_type type;
    union {
        int64_t number;
        struct str text; /* UTF-8 without NUL; somebody else's */
    } as;
};

static inline struct db_value db_int(int64_t number)
{
    return (struct db_value){DB_INT, {.number = number}};
}

/* An absent text is NULL. */
static inline struct db_value db_text(struct str text)
{
    return text.p ? (struct db_value){DB_TEXT, {.text = text}} : (struct db_value){DB_NULL, {0}};
}

enum db_kind {
    DB_ONE,    /* `head` is the whole statement; it is run for one row of parameters */
    DB_INSERT, /* into the table `head`, its `columns`, then `tail`; a row of parameters a row */
    DB_LOOKUP, /* `head` = the first parameter, then `tail`; the rows of all keys that are given */
};

/* A statement, the same for both engines, known by its address: it is prepared once a connection.
 * Parameters are $1, $2 and so on in order of first use. Statements of DB_INSERT and DB_LOOKUP take
 * any number of rows in one db_run, and PostgreSQL gets those in one piece; what a DB_LOOKUP has
 * beside its key, for use in `tail`, is the same in every row. */
struct db_statement {
    enum db_kind kind;
    const char *types; /* of the parameters: i bigint, t text */
    const char *head;
    const char *columns; /* DB_INSERT */
    const char *tail;    /* or NULL */
    bool locks;          /* rows found stay locked until the transaction ends */
};

/* One row found. The texts are good until it returns; other than 0 stops, as out of memory does. */
typedef int db_row_fn(void *context, const struct db_value *columns, size_t count);

#endif
