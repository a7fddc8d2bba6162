/* ledger_base.h -- databases for tests of the ledger: the same suite on each engine.
 *
 * Layer: tests. One PostgreSQL server and one directory of SQLite files a test program. What fails
 * here aborts the program with what the database said.
 */
#pragma once

#include "ledger/apply/apply.h"
#include "ledger/db.h"
#include "ledger/schema.h"
#include "support/postgres.h"

#define BASE_URL_SIZE 256

enum base_engine { BASE_SQLITE, BASE_POSTGRES, BASE_ENGINES };

struct bases {
    struct tpg pg;
    char dir[TEST_PATH_MAX];
    char url[BASE_URL_SIZE]; /* of the database that bases_fresh() made last */
    unsigned made;           /* SQLite files */
};

int bases_start(struct bases *bases);
void bases_stop(struct bases *bases);

/* The same without a PostgreSQL server: for SQLite alone. */
int bases_start_files(struct bases *bases);

/* The same for a suite that also says something without PostgreSQL: its tests are skipped, and the
 * output says so. */
void bases_start_or_skip(struct bases *bases);

/* Two rows of a table of tests, for a program that includes cmocka.h: the state of each points to
 * its engine. */
/* clang-format off */
#define ON_ENGINES(test, setup, teardown)                                                          \
    {#test " (sqlite)", test, setup, teardown, &base_engines[BASE_SQLITE]},                        \
    {#test " (postgresql)", test, setup, teardown, &base_engines[BASE_POSTGRES]}
/* clang-format on */
extern enum base_engine base_engines[BASE_ENGINES];

static inline enum base_engine engine_of(void **state)
{
    return *(enum base_engine *)*state;
}

/* An empty database. On PostgreSQL it takes the place of the one before. */
const char *bases_fresh(struct bases *bases, enum base_engine engine);

/* bases_fresh(), then the schema. The caller closes it. */
struct db *bases_ledger(struct bases *bases, enum base_engine engine);

struct db *base_open(const char *url);
void base_migrate(struct db *db, struct migrate_report *report);

/* The first column of the first row, over a connection of its own; INT64_MIN: no row, or NULL. */
int64_t base_int(const char *url, const char *sql);

/* Every row of a query, over a connection of its own. */
void base_rows(const char *url, const char *sql, db_row_fn *on_row, void *context);

/* Runs a script in a transaction of its own and says how it went. */
enum db_result base_script(const char *url, const char *sql);
