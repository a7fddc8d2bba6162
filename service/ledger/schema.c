#include "ledger/schema.h"
#include "buf.h"
#include "random.h"

#include <openssl/evp.h>
#include <stdio.h>

#define SHA256_BYTES     32
#define SHA256_TEXT_SIZE (2 * SHA256_BYTES + 1)
#define ID_BYTES         16
#define MIGRATE          "run: stockd migrate --ledger with its address"

/* --- the files: names for what schema_text.S brings in ---------------------------------------- */

#define EACH_FILE(X)                                                                               \
    X(0001, "0001_ledger.sql")                                                                     \
    X(0002, "0002_checkpoints.sql")                                                                \
    X(0003, "0003_events.sql")                                                                     \
    X(0004, "0004_items.sql")                                                                      \
    X(0005, "0005_reservations.sql")                                                               \
    X(0006, "0006_operations.sql")                                                                 \
    X(0007, "0007_views.sql")                                                                      \
    X(0008, "0008_lookups.sql")                                                                    \
    X(0009, "0009_restores.sql")                                                                   \
    X(0010, "0010_epochs.sql")                                                                     \
    X(0011, "0011_event_types.sql")                                                                \
    X(0012, "0012_promotions.sql")                                                                 \
    X(0013, "0013_tenants.sql")                                                                    \
    X(0014, "0014_trace.sql")                                                                      \
    X(0015, "0015_hooks.sql")

#define DECLARE(number, name) extern const char sql_##number[], sql_##number##_end[];
EACH_FILE(DECLARE)

static const struct {
    const char *name, *begin, *end;
} all[SCHEMA_FILES] = {
#define ROW(number, name) {name, sql_##number, sql_##number##_end},
    EACH_FILE(ROW)};

void schema_list(struct schema_file files[SCHEMA_FILES])
{
    for (size_t i = 0; i < SCHEMA_FILES; i++)
        files[i] =
            (struct schema_file){all[i].name, {all[i].begin, (size_t)(all[i].end - all[i].begin)}};
}

/* --- bringing a database to them ---------------------------------------------------------------
 */

static const char make_list[] = "CREATE TABLE IF NOT EXISTS schema_migrations ("
                                "number bigint PRIMARY KEY, name text NOT NULL, "
                                "sha256 text NOT NULL, applied_ms bigint NOT NULL)";

static const struct db_statement read_list =
    DB_ASK("", "SELECT number, name, sha256 FROM schema_migrations ORDER BY number");
static const struct db_statement add_to_list =
    DB_ADD("itti", "schema_migrations", "number, name, sha256, applied_ms");
/* The id of the first time stays. */
static const struct db_statement put_meta =
    DB_PUT("iti", "ledger_meta", "one, ledger_id, schema_version",
           "ON CONFLICT (one) DO UPDATE SET schema_version = excluded.schema_version");
static const struct db_statement read_meta =
    DB_ASK("", "SELECT ledger_id, schema_version FROM ledger_meta");

struct migration {
    struct db *db;
    const struct schema_file *files;
    size_t count;
    int64_t now_ms;
    struct migrate_report *report;
    size_t applied;             /* rows of the list that were as they should be */
    enum migrate_result result; /* of looking at the list */
};

static void put_hex(const unsigned char *bytes, size_t n, char *out)
{
    for (size_t i = 0; i < n; i++)
        snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

static bool hash_text(struct str text, char out[SHA256_TEXT_SIZE])
{
    unsigned char hash[SHA256_BYTES];
    if (EVP_Digest(text.p, text.n, hash, NULL, EVP_sha256(), NULL) != 1)
        return false;
    put_hex(hash, sizeof(hash), out);
    return true;
}

static int look_at_row(void *context, const struct db_value *row, size_t count)
{
    struct migration *m = context;
    char hash[SHA256_TEXT_SIZE];
    if (m->result != MIGRATE_DONE)
        return 0;
    if (row[0].as.number > (int64_t)m->count) {
        m->result = MIGRATE_NEWER;
        snprintf(m->report->why, sizeof(m->report->why),
                 "the ledger has schema %lld, this program knows up to %zu",
                 (long long)row[0].as.number, m->count);
        return 0;
    }
    const struct schema_file *file = &m->files[m->applied];
    if (!hash_text(file->text, hash))
        return -1;
    if (row[0].as.number != (int64_t)m->applied + 1 ||
        !str_equal(row[1].as.text, str_of(file->name)) ||
        !str_equal(row[2].as.text, str_of(hash))) {
        m->result = MIGRATE_CHANGED;
        snprintf(m->report->why, sizeof(m->report->why),
                 "the ledger was made with another %.*s than this program's %s",
                 STR_ARG(row[1].as.text), file->name);
        return 0;
    }
    m->applied++;
    return 0;
}

static int keep_id(void *context, const struct db_value *row, size_t count)
{
    snprintf(context, LEDGER_ID_SIZE, "%.*s", STR_ARG(row[0].as.text));
    return 0;
}

/* The line at the beginning of *text, which goes on behind it. */
static struct str cut_line(struct str *text)
{
    const char *end = memchr(text->p, '\n', text->n);
    struct str line = {text->p, end ? (size_t)(end + 1 - text->p) : text->n};
    *text = (struct str){text->p + line.n, text->n - line.n};
    return line;
}

static bool begins_with(struct str line, struct str words)
{
    return line.n >= words.n && memcmp(line.p, words.p, words.n) == 0;
}

/* Runs what this engine is to read of a file. */
static enum db_result run_file(struct db *db, struct str text)
{
    char only[32];
    snprintf(only, sizeof(only), "-- only %s\n", db_engine_name(db));
    bool mine = true;
    struct buf part;
    buf_init(&part, text.n + 1);
    while (text.n > 0) {
        struct str line = cut_line(&text);
        if (begins_with(line, STR("-- only ")) || begins_with(line, STR("-- both\n")))
            mine = begins_with(line, str_of(only)) || begins_with(line, STR("-- both\n"));
        if (mine)
            buf_puts(&part, line);
    }
    enum db_result result = part.failed ? DB_NO_MEMORY : db_script(db, buf_str(&part));
    buf_free(&part);
    return result;
}

static enum db_result apply_next(struct migration *m)
{
    const struct schema_file *file = &m->files[m->applied];
    unsigned char id_bytes[ID_BYTES];
    char hash[SHA256_TEXT_SIZE], id[2 * ID_BYTES + 1];
    int64_t number = (int64_t)m->applied + 1;
    if (!hash_text(file->text, hash))
        return DB_NO_MEMORY;
    random_bytes(id_bytes, sizeof(id_bytes));
    put_hex(id_bytes, sizeof(id_bytes), id);
    enum db_result result = run_file(m->db, file->text);
    if (result != DB_OK)
        return result;
    const struct db_value listed[] = {db_int(number), db_text(str_of(file->name)),
                                      db_text(str_of(hash)), db_int(m->now_ms)};
    const struct db_value meta[] = {db_int(1), db_text(str_of(id)), db_int(number)};
    result = db_run(m->db, &add_to_list, listed, 1, NULL, NULL, NULL);
    return result == DB_OK ? db_run(m->db, &put_meta, meta, 1, NULL, NULL, NULL) : result;
}

/* In one transaction: looks at the list, and applies the first file that is missing. *more: one
 * was. */
static enum db_result one_step(struct migration *m, bool *more)
{
    *more = false;
    m->applied = 0;
    m->result = MIGRATE_DONE;
    enum db_result result = db_lock_schema(m->db);
    if (result == DB_OK)
        result = db_script(m->db, STR(make_list));
    if (result == DB_OK)
        result = db_run(m->db, &read_list, NULL, 1, look_at_row, m, NULL);
    if (result != DB_OK || m->result != MIGRATE_DONE)
        return result;
    *more = m->applied < m->count;
    return *more ? apply_next(m)
                 : db_run(m->db, &read_meta, NULL, 1, keep_id, m->report->ledger_id, NULL);
}

enum migrate_result migrate_run(struct db *db, const struct schema_file *files, size_t count,
                                int64_t now_ms, struct migrate_report *report)
{
    struct migration m = {
        .db = db, .files = files, .count = count, .now_ms = now_ms, .report = report};
    bool more = true;
    *report = (struct migrate_report){0};
    for (bool first = true; more; first = false) {
        report->db = db_begin(db);
        if (report->db == DB_OK)
            report->db = one_step(&m, &more);
        if (first)
            report->before = m.applied;
        if (report->db == DB_OK && m.result == MIGRATE_DONE)
            report->db = db_commit(db);
        if (report->db != DB_OK || m.result != MIGRATE_DONE) {
            db_rollback(db);
            break;
        }
        report->after = m.applied + (more ? 1 : 0);
    }
    if (report->db == DB_OK)
        return m.result;
    snprintf(report->why, sizeof(report->why), "%s", db_why(db));
    return MIGRATE_DB;
}

/* --- which ledger it is ------------------------------------------------------------------------
 */

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
