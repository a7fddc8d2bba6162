/* migrate.h -- brings a ledger's database to this program's schema.
 *
 * Layer: ledger. Applies the files that are missing, in order, each in a transaction of its own
 * together with its row in schema_migrations (number, name, sha256, applied_ms). A lock on the
 * schema makes it safe to run twice at once: the second one finds nothing left to do.
 *
 * A line "-- only <engine>" of a file begins what db_engine_name() alone is given, until the next
 * such line or "-- both".
 *
 * Invariant: what schema_migrations lists is a beginning of the list of files, byte for byte. If it
 * is not, nothing is changed.
 */
#ifndef LEDGER_MIGRATE_H
#define LEDGER_MIGRATE_H

#include "ledger/db.h"
#include "ledger/schema.h"

#define LEDGER_ID_SIZE   33 /* 16 bytes in hex, and the NUL */
#define MIGRATE_WHY_SIZE (DB_WHY_SIZE + 128)

enum migrate_result {
    MIGRATE_DONE,
    MIGRATE_NEWER,   /* the database knows files that this program does not */
    MIGRATE_CHANGED, /* an applied file is not the one of this program */
    MIGRATE_DB,      /* see `db` */
};

struct migrate_report {
    size_t before, after; /* number of files that were, and are, applied */
    char ledger_id[LEDGER_ID_SIZE];
    enum db_result db;
    char why[MIGRATE_WHY_SIZE]; /* for all but MIGRATE_DONE */
};

/* now_ms is what applied_ms will say. After MIGRATE_DONE the database has all `count` files. */
enum migrate_result migrate_run(struct db *db, const struct schema_file *files, size_t count,
                                int64_t now_ms, struct migrate_report *report)
    __attribute__((warn_unused_result));

#endif
