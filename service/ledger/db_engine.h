/* db_engine.h -- what all databases have in common, for db.h and the two engines.
 *
 * Layer: ledger, private to db*.c; tests replace single operations. An engine's handle begins with
 * a struct db. `why` is written by db_fail() alone, which hides the secrets of the address.
 */
#pragma once

#include "buf.h"
#include "ledger/db.h"

#define DB_SECRETS_MAX 4

struct db_ops {
    const char *name;
    enum db_result (*connect)(struct db *db);
    void (*close)(struct db *db); /* frees the handle as well */
    enum db_result (*begin)(struct db *db);
    enum db_result (*begin_read)(struct db *db);
    enum db_result (*commit)(struct db *db);
    void (*rollback)(struct db *db);
    enum db_result (*lock_schema)(struct db *db);
    enum db_result (*script)(struct db *db, struct str text);
    void (*shrink)(struct db *db);
    enum db_result (*run)(struct db *db, const struct db_statement *statement,
                          const struct db_value *values, size_t rows, db_row_fn *on_row,
                          void *context, size_t *changed);
};

struct db {
    const struct db_ops *ops;
    char *url;
    char *secrets[DB_SECRETS_MAX]; /* to be hidden in texts; own copies */
    char why[DB_WHY_SIZE];
};

/* A handle that is not connected yet, or NULL when out of memory. */
struct db *db_sqlite_new(void);
struct db *db_pg_new(void);

/* Keeps the text as db_why(), on one line and without secrets; returns result. */
enum db_result db_fail(struct db *db, enum db_result result, const char *text);

/* A text never to be shown. Empty and surplus ones are ignored. */
enum db_result db_hide(struct db *db, struct str secret) MUST_CHECK;

/* Statements prepared on one connection, each in the slot that its address has. */
struct db_prepared {
    const struct db_statement *statements[DB_STATEMENTS_MAX];
    size_t count;
};

/* The slot of a statement; equal to the count before when it is new. Asserts that there is room. */
size_t db_prepared_slot(struct db_prepared *prepared, const struct db_statement *statement);
