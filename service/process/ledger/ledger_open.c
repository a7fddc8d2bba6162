#include "process/ledger/ledger_open.h"
#include "clock.h"
#include "fail.h"

#include <string.h>

static_assert(STORE_LEDGER_ID_SIZE >= LEDGER_ID_SIZE, "meta has room for an id");

/* Any number of processes may do so at once: they have read the same id, or all but one are
 * refused. */
static bool share(struct store_shared *shared, const char *id, char *why, size_t why_size)
{
    if (!shared->ledger_known) {
        snprintf(shared->ledger_id, sizeof(shared->ledger_id), "%s", id);
        shared->ledger_known = true;
    }
    if (strcmp(shared->ledger_id, id) == 0)
        return true;
    return fail_with(why, why_size,
                     "this service writes to ledger %s, but --ledger leads to ledger %s now",
                     shared->ledger_id, id);
}

enum identity_result ledger_check(struct db *db, struct store_shared *shared, char *why,
                                  size_t why_size)
{
    struct identity identity;
    enum identity_result result = identity_read(db, &identity);
    if (result == IDENTITY_KNOWN)
        return share(shared, identity.ledger_id, why, why_size) ? IDENTITY_KNOWN : IDENTITY_REFUSED;
    snprintf(why, why_size, "%s", identity.why);
    return result;
}

static enum identity_result migrate(struct db *db, char *why, size_t why_size)
{
    struct schema_file files[SCHEMA_FILES];
    struct migrate_report report;
    schema_list(files);
    enum migrate_result result = migrate_run(db, files, SCHEMA_FILES, clock_wall_ms(), &report);
    if (result == MIGRATE_DONE)
        return IDENTITY_KNOWN;
    snprintf(why, why_size, "%s", report.why);
    return result == MIGRATE_DB && report.db != DB_WRONG ? IDENTITY_LATER : IDENTITY_REFUSED;
}

enum identity_result ledger_open(const struct config *config, struct store_shared *shared,
                                 struct db **db, char *why, size_t why_size)
{
    enum identity_result result = IDENTITY_KNOWN;
    enum db_result opened = db_open(db, config->ledger, why, why_size);
    if (opened != DB_OK)
        return opened == DB_WRONG ? IDENTITY_REFUSED : IDENTITY_LATER;
    if (config->ledger_is_own)
        result = migrate(*db, why, why_size);
    if (result == IDENTITY_KNOWN)
        result = ledger_check(*db, shared, why, why_size);
    if (result == IDENTITY_KNOWN)
        return result;
    db_close(*db);
    *db = NULL;
    return result;
}
