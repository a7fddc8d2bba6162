#include "ledger/identity.h"
#include "ledger/schema.h"

#include <stdio.h>

#define MIGRATE "run: stockd migrate --ledger with its address"

static const struct db_statement read_meta = {
    .kind = DB_ONE,
    .types = "",
    .head = "SELECT ledger_id, schema_version FROM ledger_meta",
};

static int keep_field(void *context, const struct db_value *row, size_t count)
{
    struct identity *identity = context;
    snprintf(identity->ledger_id, sizeof(identity->ledger_id), "%.*s", STR_ARG(row[0].as.text));
    identity->schema_version = row[1].as.number;
    return 0;
}

static enum identity_result judge_identity(struct identity *identity, size_t found)
{
    const int64_t known = SCHEMA_FILES;
    if (found == 0)
        snprintf(identity->why, sizeof(identity->why),
                 "the ledger's database is not migrated; " MIGRATE);
    else if (identity->schema_version < known)
        snprintf(identity->why, sizeof(identity->why),
                 "the ledger's database has schema %lld, this program needs %lld; " MIGRATE,
                 (long long)identity->schema_version, (long long)known);
    else if (identity->schema_version > known)
        snprintf(identity->why, sizeof(identity->why),
                 "the ledger's database has schema %lld, this program knows up to %lld",
                 (long long)identity->schema_version, (long long)known);
    return identity->why[0] ? IDENTITY_REFUSED : IDENTITY_KNOWN;
}

enum identity_result identity_read(struct db *db, struct identity *identity)
{
    size_t found = 0;
    *identity = (struct identity){.schema_version = 0};
    enum db_result result = db_begin_read(db);
    if (result == DB_OK)
        result = db_run(db, &read_meta, NULL, 1, keep_field, identity, &found);
    if (result == DB_OK) {
        db_rollback(db);
        return judge_identity(identity, found);
    }
    /* Before the first file was applied there is no such table. */
    if (result == DB_WRONG)
        snprintf(identity->why, sizeof(identity->why),
                 "the ledger's database is not migrated (%s); " MIGRATE, db_why(db));
    else
        snprintf(identity->why, sizeof(identity->why), "%s", db_why(db));
    db_rollback(db);
    return result == DB_WRONG ? IDENTITY_REFUSED : IDENTITY_LATER;
}
