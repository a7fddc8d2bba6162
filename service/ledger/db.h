/* db.h -- one connection to the ledger's database, SQLite or PostgreSQL.
 *
 * Layer: ledger. The address chooses the engine: "sqlite:/path/file.db" or "postgresql://...".
 * Nothing above this file knows which one it has. db_open makes a handle, its caller calls
 * db_close. Calls block, each for a bounded time, and belong to one thread.
 *
 *   db_begin -> db_run, db_script ... -> db_commit        any failure on the way -> db_rollback
 *   db_begin_read -> db_run ... -> db_rollback            all of it as of one instant
 *
 * Invariant: what was run since db_begin is kept as a whole or not at all, and DB_OK of db_commit
 * means that it is on disk. db_begin connects again if the connection was lost, so a caller that
 * gets DB_AGAIN rolls back, waits and begins anew.
 */
#pragma once

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

/* The most of them. */
#define DB_ASK(TYPES, TEXT)                                                                        \
    {                                                                                              \
        .kind = DB_ONE, .types = (TYPES), .head = (TEXT)                                           \
    }
#define DB_FIND_OF(TYPES, HEAD, TAIL)                                                              \
    {                                                                                              \
        .kind = DB_LOOKUP, .types = (TYPES), .head = (HEAD), .tail = (TAIL)                        \
    }
#define DB_FIND(TYPES, HEAD) DB_FIND_OF(TYPES, HEAD, NULL)
#define DB_PUT(TYPES, TABLE, COLS, TAIL)                                                           \
    {                                                                                              \
        .kind = DB_INSERT, .types = (TYPES), .head = (TABLE), .columns = (COLS), .tail = (TAIL)    \
    }
#define DB_ADD(TYPES, TABLE, COLS) DB_PUT(TYPES, TABLE, COLS, NULL)

/* One row found. The texts are good until it returns; other than 0 stops, as out of memory does. */
typedef int db_row_fn(void *context, const struct db_value *columns, size_t count);

/* --- a connection ----------------------------------------------------------------------------- */

struct db;

/* The beginning is that of an engine's addresses, and something follows. */
bool db_address_known(const char *url);

/* The address is that of a file that is not there. Opening it would make it. */
bool db_file_missing(const char *url);

/* On anything but DB_OK *db is NULL and err says why, without passwords. libpq does not tell a
 * refused password from a server that is down: both are DB_AGAIN. */
enum db_result db_open(struct db **db, const char *url, char *err, size_t err_size) MUST_CHECK;
void db_close(struct db *db); /* NULL is fine; an open transaction is rolled back */

/* Begins a transaction that will write; one that was left open is rolled back. */
enum db_result db_begin(struct db *db) MUST_CHECK;
/* The same for one that only reads, from one snapshot; it stops no writer and waits for none. */
enum db_result db_begin_read(struct db *db) MUST_CHECK;
enum db_result db_commit(struct db *db) MUST_CHECK;
void db_rollback(struct db *db); /* fine without a transaction, and without a connection */

/* Waits until no other process changes the schema, until the transaction ends. */
enum db_result db_lock_schema(struct db *db) MUST_CHECK;

/* Statements separated by semicolons, without parameters or rows. */
enum db_result db_script(struct db *db, struct str text) MUST_CHECK;

/* Runs a statement for `rows` rows of as many values as `types` has. on_row may be NULL. *changed,
 * unless NULL, becomes the number of rows that were written or found. */
enum db_result db_run(struct db *db, const struct db_statement *statement,
                      const struct db_value *values, size_t rows, db_row_fn *on_row, void *context,
                      size_t *changed) MUST_CHECK;

/* Gives back memory that only saves time; fine inside a transaction. */
void db_shrink(struct db *db);

/* What the engine said about the last call that was not DB_OK; without passwords. */
const char *db_why(const struct db *db);

/* "sqlite", "postgresql". */
const char *db_engine_name(const struct db *db);

/* "again", "full", ... for logs. */
const char *db_result_name(enum db_result result);
