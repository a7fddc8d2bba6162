/* apply_rows.h -- a projection's questions to the database and what it writes there.
 *
 * Layer: ledger, private to apply*.c. Both run in the caller's transaction. Rows go in ascending
 * order of their keys, which is what both engines are quickest at.
 */
#pragma once

#include "ledger/apply/projection.h"
#include "ledger/db.h"

/* Between projection_known() and projection_run(): items, and reservations that are not fresh. A
 * reservation whose lines are not all there stays unknown. */
enum db_result rows_read(struct db *db, struct projection *p) MUST_CHECK;

/* After projection_run(). */
enum db_result rows_write(struct db *db, struct projection *p) MUST_CHECK;
