/* db_pg_run.c -- statements: their text, their parameters in binary, their rows.
 *
 * Many rows of an INSERT that is nothing else travel by COPY: the server writes them to its log and
 * its pages many at a time, and begins while the last ones are still being packed. What looks for a
 * conflict travels as one array a column (INSERT .. SELECT unnest): one statement, one round trip,
 * and the server's per-statement cost once. Binary, since quoting array text costs more than the
 * copy. The unnests stand in the list of columns: in FROM, each of them would fill a table of its
 * own first.
 */
#include "ledger/db_pg.h"

#include <assert.h>
#include <endian.h>
#include <stdio.h>
#include <stdlib.h>

#define NAME_SIZE   16
#define COPY_LEAST  32          /* rows; fewer are not worth its second round trip */
#define PIECE_BYTES (64u << 10) /* of a COPY, handed to libpq at once */

/* Of pg_type; fixed since its beginning. */
enum {
    OID_BIGINT = 20,
    OID_INT = 23,
    OID_TEXT = 25,
    OID_TEXT_ARRAY = 1009,
    OID_BIGINT_ARRAY = 1016
};

/* --- text ------------------------------------------------------------------------------------- */

static const char *array_name(char type)
{
    return type == 'i' ? "bigint[]" : "text[]";
}

static void put_sql(struct buf *sql, const struct db_statement *statement)
{
    const char *tail = statement->tail ? statement->tail : "";
    buf_reset(sql);
    switch (statement->kind) {
    case DB_ONE: buf_puts(sql, str_of(statement->head)); break;
    case DB_LOOKUP:
        buf_printf(sql, "%s = ANY ($1::%s) %s", statement->head, array_name(statement->types[0]),
                   tail);
        break;
    case DB_INSERT:
        buf_printf(sql, "INSERT INTO %s (%s) SELECT ", statement->head, statement->columns);
        for (size_t i = 0; statement->types[i]; i++)
            buf_printf(sql, "%sunnest($%zu::%s)", i ? ", " : "", i + 1,
                       array_name(statement->types[i]));
        buf_printf(sql, " %s", tail);
        break;
    }
    if (statement->locks)
        buf_puts(sql, STR(" FOR UPDATE"));
    buf_putc(sql, '\0');
}

/* Parameter i travels as one value, not as an array of those of all rows. */
static bool is_single(const struct db_statement *statement, size_t i)
{
    return statement->kind == DB_ONE || (statement->kind == DB_LOOKUP && i > 0);
}

static Oid type_of(const struct db_statement *statement, size_t i)
{
    bool number = statement->types[i] == 'i';
    if (is_single(statement, i))
        return number ? OID_BIGINT : OID_TEXT;
    return number ? OID_BIGINT_ARRAY : OID_TEXT_ARRAY;
}

static enum db_result prepare(struct db_pg *pg, const struct db_statement *statement,
                              char name[NAME_SIZE])
{
    size_t slot = db_prepared_slot(&pg->prepared, statement);
    snprintf(name, NAME_SIZE, "s%zu", slot);
    if (slot < pg->prepared.count)
        return DB_OK;
    Oid types[DB_COLUMNS_MAX];
    size_t count = strlen(statement->types);
    for (size_t i = 0; i < count; i++)
        types[i] = type_of(statement, i);
    put_sql(&pg->sql, statement);
    if (pg->sql.failed)
        return db_fail(&pg->base, DB_NO_MEMORY, "out of memory");
    PGresult *answer = NULL;
    int sent = PQsendPrepare(pg->connection, name, pg->sql.p, (int)count, types);
    enum db_result result = pg_answer(pg, sent, &answer);
    if (result != DB_OK)
        return result;
    PQclear(answer);
    pg->prepared.statements[pg->prepared.count++] = statement;
    return DB_OK;
}

/* --- parameters ------------------------------------------------------------------------------- */

static void put_u32(struct buf *out, uint32_t value)
{
    uint32_t big = htobe32(value);
    buf_put(out, &big, sizeof(big));
}

static void put_bare(struct buf *out, const struct db_value *value)
{
    if (value->type == DB_TEXT) {
        buf_puts(out, value->as.text);
    } else if (value->type == DB_INT) {
        uint64_t big = htobe64((uint64_t)value->as.number);
        buf_put(out, &big, sizeof(big));
    }
}

static void put_element(struct buf *out, const struct db_value *value)
{
    switch (value->type) {
    case DB_NULL: put_u32(out, UINT32_MAX); return;
    case DB_INT: put_u32(out, sizeof(int64_t)); break;
    case DB_TEXT: put_u32(out, (uint32_t)value->as.text.n); break;
    }
    put_bare(out, value);
}

/* A column as an array of one dimension, as array_recv() of the server takes it. */
static void put_array(struct buf *out, const struct db_value *values, size_t rows, size_t stride,
                      char type)
{
    put_u32(out, 1); /* dimensions */
    put_u32(out, 1); /* some may be NULL */
    put_u32(out, type == 'i' ? OID_BIGINT : OID_TEXT);
    put_u32(out, (uint32_t)rows);
    put_u32(out, 1); /* the first index */
    for (size_t i = 0; i < rows; i++)
        put_element(out, &values[i * stride]);
}

/* The parameters of one call; they point into pg->values once that no longer grows. */
struct parameters {
    const char *at[DB_COLUMNS_MAX];
    int bytes[DB_COLUMNS_MAX], formats[DB_COLUMNS_MAX];
    size_t count;
};

static enum db_result pack(struct db_pg *pg, const struct db_statement *statement,
                           const struct db_value *values, size_t rows, struct parameters *p)
{
    size_t ends[DB_COLUMNS_MAX];
    p->count = strlen(statement->types);
    buf_reset(&pg->values);
    for (size_t i = 0; i < p->count; i++) {
        if (is_single(statement, i))
            put_bare(&pg->values, &values[i]);
        else
            put_array(&pg->values, values + i, rows, p->count, statement->types[i]);
        ends[i] = pg->values.n;
    }
    if (pg->values.failed)
        return db_fail(&pg->base, DB_NO_MEMORY, "out of memory");
    struct str all = buf_str(&pg->values);
    for (size_t i = 0; i < p->count; i++) {
        size_t begin = i ? ends[i - 1] : 0;
        bool null = is_single(statement, i) && values[i].type == DB_NULL;
        p->at[i] = null ? NULL : all.p + begin;
        p->bytes[i] = (int)(ends[i] - begin);
        p->formats[i] = 1;
    }
    return DB_OK;
}

/* --- rows ------------------------------------------------------------------------------------- */

static struct db_value column_of(const PGresult *answer, int row, int column)
{
    if (PQgetisnull(answer, row, column))
        return (struct db_value){DB_NULL, {0}};
    const char *text = PQgetvalue(answer, row, column);
    Oid type = PQftype(answer, column);
    if (type == OID_BIGINT || type == OID_INT)
        return db_int(strtoll(text, NULL, 10));
    return db_text((struct str){text, (size_t)PQgetlength(answer, row, column)});
}

static enum db_result give_rows(struct db_pg *pg, const PGresult *answer, db_row_fn *on_row,
                                void *context)
{
    struct db_value columns[DB_COLUMNS_MAX];
    int rows = PQntuples(answer), count = PQnfields(answer);
    assert(count <= DB_COLUMNS_MAX);
    for (int row = 0; row < rows && on_row; row++) {
        for (int i = 0; i < count; i++)
            columns[i] = column_of(answer, row, i);
        if (on_row(context, columns, (size_t)count) != 0)
            return db_fail(&pg->base, DB_NO_MEMORY, "out of memory");
    }
    return DB_OK;
}

/* --- many rows at once ------------------------------------------------------------------------ */

static bool is_copied(const struct db_statement *statement, size_t rows)
{
    return statement->kind == DB_INSERT && !statement->tail && rows >= COPY_LEAST;
}

static enum db_result begin_copy(struct db_pg *pg, const struct db_statement *statement)
{
    PGresult *answer = NULL;
    buf_reset(&pg->sql);
    buf_printf(&pg->sql, "COPY %s (%s) FROM STDIN (FORMAT binary)", statement->head,
               statement->columns);
    buf_putc(&pg->sql, '\0');
    if (pg->sql.failed)
        return db_fail(&pg->base, DB_NO_MEMORY, "out of memory");
    enum db_result result = pg_answer(pg, PQsendQuery(pg->connection, pg->sql.p), &answer);
    if (result == DB_OK)
        PQclear(answer);
    return result;
}

/* Hands over what was packed. False: the connection is lost, or there is no memory. */
static bool hand_over(struct db_pg *pg)
{
    struct str piece = buf_str(&pg->values);
    bool good = !pg->values.failed && PQputCopyData(pg->connection, piece.p, (int)piece.n) == 1;
    buf_reset(&pg->values);
    return good;
}

static bool pack_copy(struct db_pg *pg, const struct db_value *values, size_t rows, size_t columns)
{
    static const char head[19] = "PGCOPY\n\377\r\n"; /* and no flags, and nothing further */
    static const char end[2] = "\377\377";
    const uint16_t fields = htobe16((uint16_t)columns);
    buf_reset(&pg->values);
    buf_put(&pg->values, head, sizeof(head));
    for (size_t i = 0; i < rows; i++) {
        buf_put(&pg->values, &fields, sizeof(fields));
        for (size_t k = 0; k < columns; k++)
            put_element(&pg->values, &values[i * columns + k]);
        if ((pg->values.n >= PIECE_BYTES || pg->values.failed) && !hand_over(pg))
            return false;
    }
    buf_put(&pg->values, end, sizeof(end));
    return hand_over(pg);
}

static enum db_result copy_rows(struct db_pg *pg, const struct db_statement *statement,
                                const struct db_value *values, size_t rows, size_t *changed)
{
    PGresult *answer = NULL;
    enum db_result result = begin_copy(pg, statement);
    if (result != DB_OK)
        return result;
    const char *give_up = NULL;
    if (!pack_copy(pg, values, rows, strlen(statement->types))) {
        if (PQstatus(pg->connection) != CONNECTION_OK)
            return pg_fail(pg, NULL);
        give_up = "out of memory";
    }
    result = pg_answer(pg, PQputCopyEnd(pg->connection, give_up) == 1, &answer);
    if (result != DB_OK)
        return give_up ? db_fail(&pg->base, DB_NO_MEMORY, give_up) : result;
    *changed = (size_t)strtoull(PQcmdTuples(answer), NULL, 10);
    PQclear(answer);
    return DB_OK;
}

/* --- one statement ---------------------------------------------------------------------------- */

enum db_result pg_run(struct db *db, const struct db_statement *statement,
                      const struct db_value *values, size_t rows, db_row_fn *on_row, void *context,
                      size_t *changed)
{
    struct db_pg *pg = pg_of(db);
    char name[NAME_SIZE];
    struct parameters p;
    if (!pg->connection)
        return db_fail(db, DB_AGAIN, "the connection was lost");
    if (is_copied(statement, rows))
        return copy_rows(pg, statement, values, rows, changed);
    enum db_result result = prepare(pg, statement, name);
    if (result == DB_OK)
        result = pack(pg, statement, values, rows, &p);
    if (result != DB_OK)
        return result;
    PGresult *answer = NULL;
    int sent = PQsendQueryPrepared(pg->connection, name, (int)p.count, p.at, p.bytes, p.formats, 0);
    result = pg_answer(pg, sent, &answer);
    if (result != DB_OK)
        return result;
    *changed = (size_t)strtoull(PQcmdTuples(answer), NULL, 10);
    result = give_rows(pg, answer, on_row, context);
    PQclear(answer);
    return result;
}
