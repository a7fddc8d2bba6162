/* db_sqlite.c -- the ledger in a file, through libsqlite3.
 *
 * WAL, so that people may read while the ledger writes; synchronous=FULL, so that a COMMIT that
 * was answered survives a power loss. BEGIN IMMEDIATE takes the one write lock at once: it is the
 * lock on the checkpoint and on the schema as well.
 */
#include "ledger/db_engine.h"

#include <assert.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#define SQL_MAX_BYTES (64u << 10)
#define WAL_PAUSE_MS  20

/* Small pieces that a statement takes and gives back at every row come from here and not from
 * malloc(): room for all that the prepared statements keep, too. */
#define PIECE_BYTES 1200
#define PIECES      512

/* Rows of an INSERT at once: to begin and end a statement costs as much as a row. */
#define ROWS_AT_ONCE 16

struct db_sqlite {
    struct db base;
    sqlite3 *handle;
    struct db_prepared prepared;
    sqlite3_stmt *statements[DB_STATEMENTS_MAX];
    sqlite3_stmt *wide[DB_STATEMENTS_MAX]; /* the same for ROWS_AT_ONCE; NULL: not prepared yet */
};

static struct db_sqlite *sqlite_of(struct db *db)
{
    return (struct db_sqlite *)db;
}

/* --- errors ----------------------------------------------------------------------------------- */

static enum db_result sort_code(int code)
{
    /* A quota or a limit on the file refuses a write with the code of a broken disk, and errno is
     * gone by now. Either way there is no room that could be written to. */
    if (code == SQLITE_IOERR_WRITE)
        return DB_FULL;
    switch (code & 0xff) {
    case SQLITE_FULL: return DB_FULL;
    case SQLITE_IOERR:
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL: /* of the log: somebody who opens it stands still */
    case SQLITE_INTERRUPT: return DB_AGAIN;
    case SQLITE_CONSTRAINT: return DB_CONSTRAINT;
    case SQLITE_NOMEM: return DB_NO_MEMORY;
    default: return DB_WRONG;
    }
}

/* SQLite calls a refused write a "disk I/O error", which sends people to the wrong place. */
static enum db_result sqlite_fail(struct db_sqlite *s, int code)
{
    const char *why = s->handle ? sqlite3_errmsg(s->handle) : sqlite3_errstr(code);
    if (code == SQLITE_IOERR_WRITE)
        why = "the file cannot be written: the disk is full or broken, or a quota or a limit on "
              "file sizes is reached";
    return db_fail(&s->base, sort_code(code), why);
}

static enum db_result execute(struct db_sqlite *s, const char *sql)
{
    int code = sqlite3_exec(s->handle, sql, NULL, NULL, NULL);
    return code == SQLITE_OK ? DB_OK : sqlite_fail(s, code);
}

/* --- the connection --------------------------------------------------------------------------- */

static int keep_mode(void *context, int count, char **columns, char **names)
{
    snprintf(context, 16, "%s", count > 0 && columns[0] ? columns[0] : "");
    return 0;
}

/* Two programs that open a new file at once may refuse each other the change of mode without
 * waiting for the busy timeout. */
static enum db_result switch_to_wal(struct db_sqlite *s)
{
    char mode[16] = "";
    int code = SQLITE_BUSY;
    for (int waited_ms = 0; waited_ms < DB_BUSY_TIMEOUT_MS && code == SQLITE_BUSY;
         waited_ms += WAL_PAUSE_MS) {
        code = sqlite3_exec(s->handle, "PRAGMA journal_mode=WAL", keep_mode, mode, NULL);
        if (code == SQLITE_BUSY)
            sqlite3_sleep(WAL_PAUSE_MS);
    }
    if (code != SQLITE_OK)
        return sqlite_fail(s, code);
    if (strcmp(mode, "wal") != 0)
        return db_fail(&s->base, DB_WRONG, "this file cannot have a write-ahead log");
    return DB_OK;
}

/* The cache holds what a chunk touches, so that nothing is written twice; the log is copied into
 * the file after 64 MiB instead of 4, since a page that changed often is copied once. */
static const char session[] =
    "PRAGMA synchronous=FULL; PRAGMA cache_size=-65536; PRAGMA wal_autocheckpoint=16384";

/* SQLite would count its memory under a lock of the process, for nobody. Too late is no harm. */
static void count_no_memory(void)
{
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

static enum db_result sqlite_connect(struct db *db)
{
    struct db_sqlite *s = sqlite_of(db);
    const char *path = db->url + strlen("sqlite:");
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, count_no_memory);
    int code = sqlite3_open_v2(path, &s->handle, flags, NULL);
    if (code != SQLITE_OK)
        return sqlite_fail(s, code);
    /* Without that memory it is slower, no more. */
    (void)sqlite3_db_config(s->handle, SQLITE_DBCONFIG_LOOKASIDE, NULL, PIECE_BYTES, PIECES);
    sqlite3_extended_result_codes(s->handle, 1);
    sqlite3_busy_timeout(s->handle, DB_BUSY_TIMEOUT_MS);
    enum db_result result = switch_to_wal(s);
    return result == DB_OK ? execute(s, session) : result;
}

static void sqlite_close(struct db *db)
{
    struct db_sqlite *s = sqlite_of(db);
    for (size_t i = 0; i < s->prepared.count; i++) {
        sqlite3_finalize(s->statements[i]);
        sqlite3_finalize(s->wide[i]);
    }
    sqlite3_close(s->handle);
    free(s);
}

/* --- transactions ----------------------------------------------------------------------------- */

/* Some errors have rolled back already; that there is nothing left to do is no failure. */
static enum db_result roll_back(struct db_sqlite *s)
{
    return sqlite3_get_autocommit(s->handle) ? DB_OK : execute(s, "ROLLBACK");
}

/* What fails for want of memory is done again by the next begin. */
static void sqlite_rollback(struct db *db)
{
    struct db_sqlite *s = sqlite_of(db);
    if (!sqlite3_get_autocommit(s->handle))
        (void)sqlite3_exec(s->handle, "ROLLBACK", NULL, NULL, NULL); /* db_why() stays */
}

static enum db_result sqlite_begin(struct db *db)
{
    enum db_result result = roll_back(sqlite_of(db));
    return result == DB_OK ? execute(sqlite_of(db), "BEGIN IMMEDIATE") : result;
}

/* A deferred transaction takes its snapshot with its first read: one is made here. */
static enum db_result sqlite_begin_read(struct db *db)
{
    enum db_result result = roll_back(sqlite_of(db));
    if (result != DB_OK)
        return result;
    return execute(sqlite_of(db), "BEGIN; SELECT COUNT(*) FROM sqlite_schema");
}

/* A commit whose sync failed may still come back with the log after a power loss; one whose write
 * failed lacks its last frame, and cannot. */
static enum db_result sqlite_commit(struct db *db)
{
    struct db_sqlite *s = sqlite_of(db);
    int code = sqlite3_exec(s->handle, "COMMIT", NULL, NULL, NULL);
    if (code == SQLITE_OK)
        return DB_OK;
    enum db_result result = sqlite_fail(s, code);
    return (code & 0xff) == SQLITE_IOERR && result == DB_AGAIN ? DB_UNKNOWN : result;
}

static enum db_result sqlite_lock_schema(struct db *db)
{
    assert(!sqlite3_get_autocommit(sqlite_of(db)->handle));
    return DB_OK;
}

static enum db_result sqlite_script(struct db *db, struct str text)
{
    char *sql = strndup(text.p, text.n);
    if (!sql)
        return db_fail(db, DB_NO_MEMORY, "out of memory");
    enum db_result result = execute(sqlite_of(db), sql);
    free(sql);
    return result;
}

/* --- statements ------------------------------------------------------------------------------- */

/* ($1, $2), ($3, $4) .. */
static void put_rows(struct buf *sql, size_t columns, size_t rows)
{
    for (size_t i = 0; i < rows * columns; i++)
        buf_printf(sql, "%s$%zu%s",
                   i % columns > 0 ? ", "
                   : i > 0         ? ", ("
                                   : "(",
                   i + 1, i % columns + 1 == columns ? ")" : "");
}

/* A row that breaks a rule leaves those before it where they are, until db_rollback(): so SQLite
 * need not keep the pages as they were before each statement. With an ON CONFLICT it would all the
 * same: those take one row at a time. */
static void put_sql(struct buf *sql, const struct db_statement *statement, size_t rows)
{
    const char *tail = statement->tail ? statement->tail : "";
    switch (statement->kind) {
    case DB_ONE: buf_puts(sql, str_of(statement->head)); break;
    case DB_LOOKUP: buf_printf(sql, "%s = $1 %s", statement->head, tail); break;
    case DB_INSERT:
        buf_printf(sql, "INSERT OR FAIL INTO %s (%s) VALUES ", statement->head, statement->columns);
        put_rows(sql, strlen(statement->types), rows);
        buf_printf(sql, " %s", tail);
        break;
    }
}

static int compile(struct db_sqlite *s, const struct db_statement *statement, size_t rows,
                   sqlite3_stmt **out)
{
    struct buf sql;
    buf_init(&sql, SQL_MAX_BYTES);
    put_sql(&sql, statement, rows);
    int code = sql.failed ? SQLITE_NOMEM
                          : sqlite3_prepare_v3(s->handle, sql.p, (int)sql.n,
                                               SQLITE_PREPARE_PERSISTENT, out, NULL);
    buf_free(&sql);
    return code;
}

/* For 1 row of parameters, or for ROWS_AT_ONCE. */
static enum db_result prepare(struct db_sqlite *s, const struct db_statement *statement,
                              size_t rows, sqlite3_stmt **out)
{
    size_t slot = db_prepared_slot(&s->prepared, statement);
    int code = SQLITE_OK;
    if (slot == s->prepared.count) {
        code = compile(s, statement, 1, &s->statements[slot]);
        if (code == SQLITE_OK)
            s->prepared.statements[s->prepared.count++] = statement;
    }
    if (code == SQLITE_OK && rows > 1 && !s->wide[slot])
        code = compile(s, statement, rows, &s->wide[slot]);
    *out = code != SQLITE_OK ? NULL : rows > 1 ? s->wide[slot] : s->statements[slot];
    return code == SQLITE_OK ? DB_OK : sqlite_fail(s, code);
}

/* Values outlive the step, so SQLite need not copy them. */
static int bind(sqlite3_stmt *statement, const struct db_value *values, int count)
{
    int code = SQLITE_OK;
    for (int i = 0; i < count && code == SQLITE_OK; i++) {
        const struct db_value *v = &values[i];
        switch (v->type) {
        case DB_NULL: code = sqlite3_bind_null(statement, i + 1); break;
        case DB_INT: code = sqlite3_bind_int64(statement, i + 1, v->as.number); break;
        case DB_TEXT:
            code =
                sqlite3_bind_text(statement, i + 1, v->as.text.p, (int)v->as.text.n, SQLITE_STATIC);
            break;
        }
    }
    return code;
}

static int give_row(sqlite3_stmt *statement, db_row_fn *on_row, void *context)
{
    struct db_value columns[DB_COLUMNS_MAX];
    int count = sqlite3_column_count(statement);
    assert(count <= DB_COLUMNS_MAX);
    for (int i = 0; i < count; i++) {
        switch (sqlite3_column_type(statement, i)) {
        case SQLITE_NULL: columns[i] = (struct db_value){DB_NULL, {0}}; break;
        case SQLITE_INTEGER: columns[i] = db_int(sqlite3_column_int64(statement, i)); break;
        default: {
            const char *text = (const char *)sqlite3_column_text(statement, i);
            if (!text)
                return -1; /* no memory for it: it is not NULL */
            columns[i] = db_text((struct str){text, (size_t)sqlite3_column_bytes(statement, i)});
        }
        }
    }
    return on_row(context, columns, (size_t)count);
}

/* All result rows of one row of parameters. */
static enum db_result step_through(struct db_sqlite *s, sqlite3_stmt *statement, db_row_fn *on_row,
                                   void *context, size_t *changed)
{
    int code, stop = 0;
    size_t found = 0;
    while (stop == 0 && (code = sqlite3_step(statement)) == SQLITE_ROW) {
        found++;
        stop = on_row ? give_row(statement, on_row, context) : 0;
    }
    bool wrote = !sqlite3_stmt_readonly(statement);
    enum db_result result = DB_OK;
    if (stop != 0)
        result = db_fail(&s->base, DB_NO_MEMORY, "out of memory");
    else if (code != SQLITE_DONE)
        result = sqlite_fail(s, code);
    else
        *changed += wrote ? (size_t)sqlite3_changes(s->handle) : found;
    (void)sqlite3_reset(statement); /* repeats the error that is in `result` already */
    return result;
}

/* `rows` rows of parameters, as many at a time as the statement takes. */
static enum db_result run_with(struct db_sqlite *s, sqlite3_stmt *prepared,
                               const struct db_value *values, size_t rows, size_t at_once,
                               size_t columns, db_row_fn *on_row, void *context, size_t *changed)
{
    enum db_result result = DB_OK;
    for (size_t i = 0; i < rows && result == DB_OK; i += at_once) {
        int code = bind(prepared, values + i * columns, (int)(at_once * columns));
        result = code == SQLITE_OK ? step_through(s, prepared, on_row, context, changed)
                                   : sqlite_fail(s, code);
    }
    (void)sqlite3_clear_bindings(prepared); /* the texts are the caller's again */
    return result;
}

static enum db_result sqlite_run(struct db *db, const struct db_statement *statement,
                                 const struct db_value *values, size_t rows, db_row_fn *on_row,
                                 void *context, size_t *changed)
{
    struct db_sqlite *s = sqlite_of(db);
    sqlite3_stmt *prepared;
    size_t columns = strlen(statement->types);
    bool plain = statement->kind == DB_INSERT && !statement->tail;
    size_t wide = plain ? rows - rows % ROWS_AT_ONCE : 0;
    enum db_result result = DB_OK;
    if (wide > 0) {
        result = prepare(s, statement, ROWS_AT_ONCE, &prepared);
        if (result == DB_OK)
            result = run_with(s, prepared, values, wide, ROWS_AT_ONCE, columns, on_row, context,
                              changed);
    }
    if (result != DB_OK || wide == rows)
        return result;
    result = prepare(s, statement, 1, &prepared);
    return result == DB_OK ? run_with(s, prepared, values + wide * columns, rows - wide, 1, columns,
                                      on_row, context, changed)
                           : result;
}

/* Its cache of pages. */
static void sqlite_shrink(struct db *db)
{
    (void)sqlite3_db_release_memory(sqlite_of(db)->handle);
}

static const struct db_ops sqlite_ops = {
    .name = "sqlite",
    .connect = sqlite_connect,
    .close = sqlite_close,
    .begin = sqlite_begin,
    .begin_read = sqlite_begin_read,
    .commit = sqlite_commit,
    .rollback = sqlite_rollback,
    .lock_schema = sqlite_lock_schema,
    .script = sqlite_script,
    .shrink = sqlite_shrink,
    .run = sqlite_run,
};

struct db *db_sqlite_new(void)
{
    struct db_sqlite *s = calloc(1, sizeof(*s));
    if (!s)
        return NULL;
    s->base.ops = &sqlite_ops;
    return &s->base;
}
