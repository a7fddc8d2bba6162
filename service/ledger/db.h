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
#ifndef LEDGER_DB_H
#define LEDGER_DB_H

#include "ledger/db_statement.h"

#include <stddef.h>

struct db;

/* The beginning is that of an engine's addresses, and something follows. */
bool db_address_known(const char *url);

/* On anything but DB_OK *db is NULL and err says why, without passwords. libpq does not tell a
 * refused password from a server that is down: both are DB_AGAIN. */
enum db_result db_open(struct db **db, const char *url, char *err, size_t err_size)
    __attribute__((warn_unused_result));
void db_close(struct db *db); /* NULL is fine; an open transaction is rolled back */

/* Begins a transaction that will write; one that was left open is rolled back. */
enum db_result db_begin(struct db *db) __attribute__((warn_unused_result));
/* The same for one that only reads, from one snapshot; it stops no writer and waits for none. */
enum db_result db_begin_read(struct db *db) __attribute__((warn_unused_result));
enum db_result db_commit(struct db *db) __attribute__((warn_unused_result));
void db_rollback(struct db *db); /* fine without a transaction, and without a connection */

/* Waits until no other process changes the schema, until the transaction ends. */
enum db_result db_lock_schema(struct db *db) __attribute__((warn_unused_result));

/* Statements separated by semicolons, without parameters or rows. */
enum db_result db_script(struct db *db, struct str text) __attribute__((warn_unused_result));

/* Runs a statement for `rows` rows of as many values as `types` has. on_row may be NULL. *changed,
 * unless NULL, becomes the number of rows that were written or found. */
enum db_result db_run(struct db *db, const struct db_statement *statement,
                      const struct db_value *values, size_t rows, db_row_fn *on_row, void *context,
                      size_t *changed) __attribute__((warn_unused_result));

/* Gives back memory that only saves time; fine inside a transaction. */
void db_shrink(struct db *db);

/* What the engine said about the last call that was not DB_OK; without passwords. */
const char *db_why(const struct db *db);

/* "sqlite", "postgresql". */
const char *db_engine_name(const struct db *db);

/* "again", "full", ... for logs. */
const char *db_result_name(enum db_result result);

#endif
