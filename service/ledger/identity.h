/* identity.h -- which ledger a database holds, and whether this program can write to it.
 *
 * Layer: ledger. Reads the one row of ledger_meta (sql/0001_ledger.sql) and changes nothing.
 */
#ifndef LEDGER_IDENTITY_H
#define LEDGER_IDENTITY_H

#include "ledger/db.h"
#include "ledger/migrate.h"

enum identity_result {
    IDENTITY_KNOWN,
    IDENTITY_LATER,  /* the database cannot be read now */
    IDENTITY_REFUSED /* it is not migrated, or to another schema than this program's */
};

struct identity {
    char ledger_id[LEDGER_ID_SIZE]; /* with IDENTITY_KNOWN */
    int64_t schema_version;
    char why[MIGRATE_WHY_SIZE]; /* for all but IDENTITY_KNOWN */
};

enum identity_result identity_read(struct db *db, struct identity *identity)
    __attribute__((warn_unused_result));

#endif
