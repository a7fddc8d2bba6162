/* schema.h -- the numbered files of sql/, which are built into the program, and what a database has
 * of them.
 *
 * Layer: ledger. Invariant: file i of the list has number i + 1. A file that was ever released is
 * never changed: what comes later comes as a further file (sql/, schema_text.S and schema.c).
 */
#pragma once

#include "ledger/db.h"

#define SCHEMA_FILES 15

struct schema_file {
    const char *name; /* "0001_ledger.sql" */
    struct str text;
};

void schema_list(struct schema_file files[SCHEMA_FILES]);

/* --- bringing a database to them ---------------------------------------------------------------
 */

/* The files that are missing are applied in order, each in a transaction of its own together with
 * its row in schema_migrations (number, name, sha256, applied_ms). A lock on the schema makes it
 * safe to run twice at once: the second one finds nothing left to do.
 *
 * A line "-- only <engine>" of a file begins what db_engine_name() alone is given, until the next
 * such line or "-- both".
 *
 * Invariant: what schema_migrations lists is a beginning of the list of files, byte for byte. If it
 * is not, nothing is changed. */

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
                                int64_t now_ms, struct migrate_report *report) MUST_CHECK;

/* --- which ledger a database holds, and whether this program can write to it -------------------
 */

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

/* Reads the one row of ledger_meta and changes nothing. */
enum identity_result identity_read(struct db *db, struct identity *identity) MUST_CHECK;
