/* db_pg.c -- the ledger in PostgreSQL, through libpq: connection, waiting, errors, transactions.
 * db_pg_run.c runs the statements. */
#include "ledger/db_pg.h"
#include "clock.h"

#include <poll.h>
#include <stdlib.h>

#define SQL_MAX_BYTES 4096
#define SCHEMA_LOCK   "7166087436274954852" /* drawn once; the same in every stockd */
#define STRING(n)     STRING_OF(n)
#define STRING_OF(n)  #n

/* --- errors ----------------------------------------------------------------------------------- */

/* By the beginning of the SQLSTATE; the first row that fits. The rest is DB_WRONG. */
static const struct {
    const char *state;
    enum db_result result;
} states[] = {
    {"53100", DB_FULL}, /* disk full */
    {"53", DB_AGAIN},   /* too many connections, out of memory */
    {"23", DB_CONSTRAINT},
    {"22003", DB_CONSTRAINT}, /* a sum in a rule that does not fit a bigint */
    {"08", DB_AGAIN},         /* connection lost */
    {"57", DB_AGAIN},         /* shutting down, starting, statement timeout */
    {"40", DB_AGAIN},         /* serialization, deadlock */
    {"55P03", DB_AGAIN},      /* lock timeout */
    {"25006", DB_AGAIN},      /* read only: this one is a standby now */
    {"25P03", DB_AGAIN},      /* idle in transaction for too long */
    {"58030", DB_AGAIN},      /* its disk does not answer */
};

static enum db_result sort_state(const char *state)
{
    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
        if (strncmp(state, states[i].state, strlen(states[i].state)) == 0)
            return states[i].result;
    return DB_WRONG;
}

/* Closes the connection and forgets what was prepared on it. */
static void pg_drop(struct db_pg *pg)
{
    PQfinish(pg->connection);
    pg->connection = NULL;
    pg->prepared.count = 0;
}

enum db_result pg_fail(struct db_pg *pg, const PGresult *failed)
{
    const char *state = failed ? PQresultErrorField(failed, PG_DIAG_SQLSTATE) : NULL;
    const char *text = failed ? PQresultErrorMessage(failed) : NULL;
    if (!text || !*text)
        text = PQerrorMessage(pg->connection);
    enum db_result result = db_fail(&pg->base, state ? sort_state(state) : DB_AGAIN, text);
    if (PQstatus(pg->connection) != CONNECTION_OK) {
        pg_drop(pg);
        result = DB_AGAIN;
    }
    return result;
}

/* --- waiting ---------------------------------------------------------------------------------- */

/* Sends what libpq holds and reads until a result can be had without waiting. */
static enum db_result await_answer(struct db_pg *pg)
{
    int64_t deadline_ms = clock_mono_ms() + DB_ANSWER_TIMEOUT_MS;
    for (;;) {
        int unsent = PQflush(pg->connection);
        if (unsent < 0)
            return pg_fail(pg, NULL);
        if (unsent == 0 && !PQisBusy(pg->connection))
            return DB_OK;
        int64_t left_ms = deadline_ms - clock_mono_ms();
        if (left_ms <= 0) {
            pg_drop(pg);
            return db_fail(&pg->base, DB_AGAIN, "the server does not answer");
        }
        struct pollfd fd = {.fd = PQsocket(pg->connection),
                            .events = (short)(unsent ? POLLIN | POLLOUT : POLLIN)};
        if (poll(&fd, 1, (int)left_ms) > 0 && (fd.revents & ~POLLOUT) &&
            PQconsumeInput(pg->connection) == 0)
            return pg_fail(pg, NULL);
    }
}

static bool result_good(const PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);
    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_COPY_IN;
}

enum db_result pg_answer(struct db_pg *pg, int sent, PGresult **out)
{
    PGresult *last = NULL;
    if (!sent)
        return pg_fail(pg, NULL);
    for (;;) {
        enum db_result result = await_answer(pg);
        PGresult *next = result == DB_OK ? PQgetResult(pg->connection) : NULL;
        if (result != DB_OK) {
            PQclear(last);
            return result;
        }
        if (!next)
            break;
        /* Nothing follows a failure but the end. */
        PQclear(last);
        last = next;
        if (PQresultStatus(last) == PGRES_COPY_IN)
            break; /* it waits for rows, and so would we */
    }
    if (last && result_good(last)) {
        *out = last;
        return DB_OK;
    }
    enum db_result result = pg_fail(pg, last);
    PQclear(last);
    return result;
}

/* A statement without parameters whose rows nobody wants. */
static enum db_result pg_command(struct db_pg *pg, const char *sql)
{
    PGresult *answer = NULL;
    enum db_result result = pg_answer(pg, PQsendQuery(pg->connection, sql), &answer);
    if (result == DB_OK)
        PQclear(answer);
    return result;
}

/* --- the connection --------------------------------------------------------------------------- */

/* The password as libpq will use it: the address may write it in another way. */
static enum db_result hide_decoded(struct db *db)
{
    char *why = NULL;
    PQconninfoOption *options = PQconninfoParse(db->url, &why);
    if (!options) {
        enum db_result bad = db_fail(db, DB_WRONG, why ? why : "out of memory");
        PQfreemem(why);
        return bad;
    }
    enum db_result result = DB_OK;
    for (PQconninfoOption *o = options; o->keyword && result == DB_OK; o++)
        if (strchr(o->dispchar, '*') && o->val)
            result = db_hide(db, str_of(o->val));
    PQconninfoFree(options);
    return result;
}

/* What no setting of the server may weaken: an answered COMMIT is on disk, nothing waits for ever,
 * and a client that froze in a transaction does not keep the lock. */
#define SET_TIMEOUT "SET statement_timeout = " STRING(DB_STATEMENT_TIMEOUT_MS) ";"
static const char session[] = SET_TIMEOUT "SET idle_in_transaction_session_timeout = 60000;"
                                          "SET client_min_messages = warning;"
                                          "SELECT set_config('synchronous_commit', 'on', false)"
                                          " WHERE current_setting('synchronous_commit') = 'off'";

/* libpq would print them: what matters comes back as an error. */
static void drop_notice(void *context, const char *text)
{
    (void)context, (void)text;
}

static enum db_result dial(struct db_pg *pg)
{
    /* Before the address, so that the address may say otherwise. */
    static const char *const names[] = {"connect_timeout",
                                        "keepalives",
                                        "keepalives_idle",
                                        "keepalives_interval",
                                        "keepalives_count",
                                        "tcp_user_timeout",
                                        "target_session_attrs",
                                        "application_name",
                                        "dbname",
                                        "client_encoding",
                                        NULL};
    const char *const values[] = {STRING(DB_CONNECT_TIMEOUT_S),
                                  "1",
                                  "10",
                                  "5",
                                  "3",
                                  STRING(DB_ANSWER_TIMEOUT_MS),
                                  "read-write",
                                  "stockd",
                                  pg->base.url,
                                  "UTF8",
                                  NULL};
    pg_drop(pg);
    pg->connection = PQconnectdbParams(names, values, 1);
    if (!pg->connection)
        return db_fail(&pg->base, DB_NO_MEMORY, "out of memory");
    PQsetNoticeProcessor(pg->connection, drop_notice, NULL);
    if (PQstatus(pg->connection) != CONNECTION_OK || PQsetnonblocking(pg->connection, 1) != 0)
        return pg_fail(pg, NULL);
    return pg_command(pg, session);
}

static enum db_result pg_connect(struct db *db)
{
    enum db_result result = hide_decoded(db);
    return result == DB_OK ? dial(pg_of(db)) : result;
}

static void pg_close(struct db *db)
{
    struct db_pg *pg = pg_of(db);
    pg_drop(pg);
    buf_free(&pg->sql);
    buf_free(&pg->values);
    free(pg);
}

/* --- transactions ----------------------------------------------------------------------------- */

static void pg_rollback(struct db *db)
{
    struct db_pg *pg = pg_of(db);
    if (!pg->connection || PQtransactionStatus(pg->connection) == PQTRANS_IDLE)
        return;
    char why[DB_WHY_SIZE]; /* the caller still wants to know what went wrong first */
    memcpy(why, db->why, sizeof(why));
    if (pg_command(pg, "ROLLBACK") != DB_OK)
        pg_drop(pg);
    memcpy(db->why, why, sizeof(why));
}

static enum db_result begin_with(struct db_pg *pg, const char *command)
{
    pg_rollback(&pg->base);
    if (pg->connection) {
        enum db_result result = pg_command(pg, command);
        if (pg->connection)
            return result;
    }
    /* Lost, perhaps long ago while nobody looked. Nothing was under way, so nothing is unknown. */
    enum db_result result = dial(pg);
    if (result == DB_OK)
        result = pg_command(pg, command);
    if (result != DB_OK)
        pg_drop(pg);
    return result;
}

static enum db_result pg_begin(struct db *db)
{
    return begin_with(pg_of(db), "BEGIN");
}

static enum db_result pg_begin_read(struct db *db)
{
    return begin_with(pg_of(db), "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY");
}

static enum db_result pg_commit(struct db *db)
{
    struct db_pg *pg = pg_of(db);
    PGresult *answer = NULL;
    if (!pg->connection)
        return db_fail(db, DB_AGAIN, "the connection was lost before COMMIT");
    enum db_result result = pg_answer(pg, PQsendQuery(pg->connection, "COMMIT"), &answer);
    if (result != DB_OK)
        return pg->connection ? result : DB_UNKNOWN;
    /* COMMIT of a transaction in which something failed answers, politely, that it rolled back. */
    bool kept = strcmp(PQcmdStatus(answer), "COMMIT") == 0;
    PQclear(answer);
    return kept ? DB_OK : db_fail(db, DB_WRONG, "COMMIT of a transaction that had failed");
}

static enum db_result pg_lock_schema(struct db *db)
{
    return pg_command(pg_of(db), "SELECT pg_advisory_xact_lock(" SCHEMA_LOCK ")");
}

static enum db_result pg_script(struct db *db, struct str text)
{
    char *sql = strndup(text.p, text.n);
    if (!sql)
        return db_fail(db, DB_NO_MEMORY, "out of memory");
    enum db_result result = pg_command(pg_of(db), sql);
    free(sql);
    return result;
}

/* The server caches, not we. */
static void pg_shrink(struct db *db)
{
}

static const struct db_ops pg_ops = {
    .name = "postgresql",
    .connect = pg_connect,
    .close = pg_close,
    .begin = pg_begin,
    .begin_read = pg_begin_read,
    .commit = pg_commit,
    .rollback = pg_rollback,
    .lock_schema = pg_lock_schema,
    .script = pg_script,
    .shrink = pg_shrink,
    .run = pg_run,
};

struct db *db_pg_new(void)
{
    struct db_pg *pg = calloc(1, sizeof(*pg));
    if (!pg)
        return NULL;
    pg->base.ops = &pg_ops;
    buf_init(&pg->sql, SQL_MAX_BYTES);
    buf_init(&pg->values, DB_ROWS_MAX_BYTES);
    return &pg->base;
}
