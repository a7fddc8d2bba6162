/* apply_rows.h -- a fold's questions to the database and what it writes there.
 *
 * Layer: ledger, private to apply*.c. Both run in the caller's transaction. Rows go in ascending
 * order of their keys, which is what both engines are quickest at.
 */
#ifndef LEDGER_APPLY_ROWS_H
#define LEDGER_APPLY_ROWS_H

#include "ledger/db.h"
#include "ledger/fold.h"

/* Between fold_known() and fold_run(): items, and reservations that are not fresh. A reservation
 * whose lines are not all there stays unknown. */
enum db_result rows_read(struct db *db, struct fold *fold) __attribute__((warn_unused_result));

/* After fold_run(). */
enum db_result rows_write(struct db *db, struct fold *fold) __attribute__((warn_unused_result));

#endif
