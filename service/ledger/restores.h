/* restores.h -- how often Redis was built anew from this ledger.
 *
 * Layer: ledger. Invariant: numbers are dense from 1, since they are taken under the lock on the
 * checkpoints, and one is kept if and only if its epoch is.
 */
#ifndef LEDGER_RESTORES_H
#define LEDGER_RESTORES_H

#include "ledger/db.h"

/* Notes one more, in the caller's transaction. *number: which one it is. */
enum db_result restores_add(struct db *db, int64_t epoch, int64_t at_ms, int64_t *number)
    __attribute__((warn_unused_result));

#endif
