/* db_engine.c -- which engine an address means, and errors without secrets. */
#include "ledger/db_engine.h"
#include "url_password.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct {
    const char *prefix;
    struct db *(*new)(void);
} engines[] = {
    {"sqlite:", db_sqlite_new},
    {"postgresql://", db_pg_new},
    {"postgres://", db_pg_new},
};

static const char *const result_names[DB_RESULTS] = {
    [DB_OK] = "ok",
    [DB_AGAIN] = "again",
    [DB_FULL] = "full",
    [DB_CONSTRAINT] = "constraint",
    [DB_WRONG] = "wrong",
    [DB_UNKNOWN] = "unknown",
    [DB_NO_MEMORY] = "no memory",
};

const char *db_result_name(enum db_result result)
{
    assert(result < DB_RESULTS);
    return result_names[result];
}

/* --- secrets ---------------------------------------------------------------------------------- */

enum db_result db_hide(struct db *db, struct str secret)
{
    size_t i = 0;
    if (secret.n == 0)
        return DB_OK;
    while (i < DB_SECRETS_MAX && db->secrets[i])
        i++;
    if (i == DB_SECRETS_MAX)
        return DB_OK;
    db->secrets[i] = strndup(secret.p, secret.n);
    return db->secrets[i] ? DB_OK : DB_NO_MEMORY;
}

/* The passwords of an address as they are written there: "//user:this@", "password=this". */
static enum db_result hide_passwords(struct db *db)
{
    static const char word[] = "password=";
    const char *authority = strstr(db->url, "://");
    const char *at = authority ? strrchr(authority, '@') : NULL;
    const char *colon = at ? memchr(authority + 3, ':', (size_t)(at - authority) - 3) : NULL;
    enum db_result result = DB_OK;
    if (colon)
        result = db_hide(db, (struct str){colon + 1, (size_t)(at - colon) - 1});
    for (const char *p = db->url; result == DB_OK && (p = strstr(p, word));) {
        p += sizeof(word) - 1;
        result = db_hide(db, (struct str){p, strcspn(p, "& ")});
    }
    return result;
}

/* The length of the longest secret that text begins with, 0 for none. */
static size_t secret_at(const struct db *db, const char *text)
{
    size_t longest = 0;
    for (size_t i = 0; i < DB_SECRETS_MAX && db->secrets[i]; i++) {
        size_t n = strlen(db->secrets[i]);
        if (n > longest && strncmp(text, db->secrets[i], n) == 0)
            longest = n;
    }
    return longest;
}

enum db_result db_fail(struct db *db, enum db_result result, const char *text)
{
    static const char mask[] = "***";
    size_t n = 0;
    while (*text && n + sizeof(mask) < sizeof(db->why)) {
        size_t secret = secret_at(db, text);
        if (secret > 0) {
            memcpy(db->why + n, mask, sizeof(mask) - 1);
            n += sizeof(mask) - 1;
            text += secret;
            continue;
        }
        db->why[n++] = *text == '\n' || *text == '\t' ? ' ' : *text;
        text++;
    }
    while (n > 0 && db->why[n - 1] == ' ')
        n--;
    db->why[n] = '\0';
    return result;
}

/* --- prepared statements ---------------------------------------------------------------------- */

size_t db_prepared_slot(struct db_prepared *prepared, const struct db_statement *statement)
{
    size_t i = 0;
    while (i < prepared->count && prepared->statements[i] != statement)
        i++;
    assert(i < DB_STATEMENTS_MAX);
    return i;
}

/* --- the handle ------------------------------------------------------------------------------- */

static struct db *handle_for(const char *url)
{
    for (size_t i = 0; i < sizeof(engines) / sizeof(engines[0]); i++)
        if (strncmp(url, engines[i].prefix, strlen(engines[i].prefix)) == 0)
            return engines[i].new();
    return NULL;
}

bool db_address_known(const char *url)
{
    for (size_t i = 0; i < sizeof(engines) / sizeof(engines[0]); i++)
        if (strncmp(url, engines[i].prefix, strlen(engines[i].prefix)) == 0)
            return url[strlen(engines[i].prefix)] != '\0';
    return false;
}

bool db_file_missing(const char *url)
{
    static const char kind[] = "sqlite:";
    return strncmp(url, kind, sizeof(kind) - 1) == 0 && access(url + sizeof(kind) - 1, F_OK) != 0;
}

enum db_result db_open(struct db **db, const char *url, char *err, size_t err_size)
{
    *db = NULL;
    if (!db_address_known(url)) {
        snprintf(err, err_size, "a ledger is sqlite:/path/file.db or postgresql://user@host/name");
        return DB_WRONG;
    }
    if (url_password_is_ambiguous(url)) {
        snprintf(err, err_size,
                 "the password in the ledger's address has one of @ / ? # in it, which are written "
                 "%%40 %%2F %%3F %%23 there; --ledger-password takes it as it is");
        return DB_WRONG;
    }
    struct db *new = handle_for(url);
    if (new)
        new->url = strdup(url);
    if (!new || !new->url) {
        snprintf(err, err_size, "out of memory");
        db_close(new);
        return DB_NO_MEMORY;
    }
    enum db_result result = hide_passwords(new);
    if (result == DB_OK)
        result = new->ops->connect(new);
    if (result == DB_OK) {
        *db = new;
        return DB_OK;
    }
    snprintf(err, err_size, "%s", result == DB_NO_MEMORY ? "out of memory" : new->why);
    db_close(new);
    return result;
}

void db_close(struct db *db)
{
    if (!db)
        return;
    for (size_t i = 0; i < DB_SECRETS_MAX; i++) {
        if (db->secrets[i])
            explicit_bzero(db->secrets[i], strlen(db->secrets[i]));
        free(db->secrets[i]);
    }
    free(db->url);
    db->ops->close(db);
}

enum db_result db_begin(struct db *db)
{
    return db->ops->begin(db);
}

enum db_result db_begin_read(struct db *db)
{
    return db->ops->begin_read(db);
}

enum db_result db_commit(struct db *db)
{
    return db->ops->commit(db);
}

void db_rollback(struct db *db)
{
    db->ops->rollback(db);
}

enum db_result db_lock_schema(struct db *db)
{
    return db->ops->lock_schema(db);
}

enum db_result db_script(struct db *db, struct str text)
{
    return db->ops->script(db, text);
}

enum db_result db_run(struct db *db, const struct db_statement *statement,
                      const struct db_value *values, size_t rows, db_row_fn *on_row, void *context,
                      size_t *changed)
{
    size_t none;
    assert(statement->kind != DB_ONE || rows == 1);
    assert(strlen(statement->types) <= DB_COLUMNS_MAX);
    if (!changed)
        changed = &none;
    *changed = 0;
    return rows == 0 ? DB_OK : db->ops->run(db, statement, values, rows, on_row, context, changed);
}

void db_shrink(struct db *db)
{
    db->ops->shrink(db);
}

const char *db_why(const struct db *db)
{
    return db->why;
}

const char *db_engine_name(const struct db *db)
{
    return db->ops->name;
}
