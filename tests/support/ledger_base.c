/* ledger_base.c -- see ledger_base.h. */
#include "support/ledger_base.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum base_engine base_engines[BASE_ENGINES] = {BASE_SQLITE, BASE_POSTGRES};

static void must(enum db_result result, const char *what, const char *why)
{
    if (result == DB_OK)
        return;
    fprintf(stderr, "%s: %s: %s\n", what, db_result_name(result), why);
    abort();
}

int bases_start_files(struct bases *bases)
{
    *bases = (struct bases){0};
    return temp_dir_make(bases->dir);
}

int bases_start(struct bases *bases)
{
    int err = bases_start_files(bases);
    return err ? err : tpg_start(&bases->pg);
}

void bases_start_or_skip(struct bases *bases)
{
    if (bases_start(bases) == 0)
        return;
    print_message("PostgreSQL did not start: its half of this suite is NOT RUN\n");
    cmocka_set_skip_filter("*(postgresql)");
}

void bases_stop(struct bases *bases)
{
    tpg_stop(&bases->pg);
    temp_dir_remove(bases->dir);
}

const char *bases_fresh(struct bases *bases, enum base_engine engine)
{
    if (engine == BASE_SQLITE) {
        snprintf(bases->url, sizeof(bases->url), "sqlite:%s/%u.db", bases->dir, bases->made++);
        return bases->url;
    }
    must(tpg_reset(&bases->pg) == 0 ? DB_OK : DB_AGAIN, "drop and create", "does not work");
    snprintf(bases->url, sizeof(bases->url), "%s", bases->pg.url);
    return bases->url;
}

struct db *base_open(const char *url)
{
    struct db *db;
    char err[DB_WHY_SIZE] = "";
    must(db_open(&db, url, err, sizeof(err)), "open", err);
    return db;
}

void base_migrate(struct db *db, struct migrate_report *report)
{
    struct schema_file files[SCHEMA_FILES];
    schema_list(files);
    enum migrate_result result = migrate_run(db, files, SCHEMA_FILES, 1, report);
    must(result == MIGRATE_DONE ? DB_OK : DB_WRONG, "migrate", report->why);
}

struct db *bases_ledger(struct bases *bases, enum base_engine engine)
{
    struct migrate_report report;
    struct db *db = base_open(bases_fresh(bases, engine));
    base_migrate(db, &report);
    return db;
}

void base_rows(const char *url, const char *sql, db_row_fn *on_row, void *context)
{
    const struct db_statement statement = {.kind = DB_ONE, .types = "", .head = sql};
    struct db *db = base_open(url);
    must(db_begin_read(db), "begin", db_why(db));
    must(db_run(db, &statement, NULL, 1, on_row, context, NULL), sql, db_why(db));
    db_rollback(db);
    db_close(db);
}

static int keep_int(void *context, const struct db_value *row, size_t count)
{
    if (row[0].type == DB_INT)
        *(int64_t *)context = row[0].as.number;
    else if (row[0].type == DB_TEXT) /* a sum of bigints is a numeric to PostgreSQL */
        *(int64_t *)context = strtoll(row[0].as.text.p, NULL, 10);
    return 0;
}

int64_t base_int(const char *url, const char *sql)
{
    int64_t value = INT64_MIN;
    base_rows(url, sql, keep_int, &value);
    return value;
}

enum db_result base_script(const char *url, const char *sql)
{
    struct db *db = base_open(url);
    must(db_begin(db), "begin", db_why(db));
    enum db_result result = db_script(db, str_of(sql));
    if (result == DB_OK)
        result = db_commit(db);
    db_rollback(db);
    db_close(db);
    return result;
}
