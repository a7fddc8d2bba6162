/* test_ledger_upgrade.c -- a ledger that was begun with an older schema goes on with this one.
 *
 * Every test runs on SQLite and on PostgreSQL. SEED comes from the environment.
 */
#include "support/fixture.h"
#include "support/past.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPERATIONS 1200 /* three epochs and more */

static struct past past;

static void take(struct db *db, size_t first, size_t count)
{
    struct apply apply;
    apply_init(&apply, db, 0);
    assert_int_equal(apply_chunk(&apply, past.entries + first, count), APPLY_DONE);
    apply_free(&apply);
}

/* Applies so many of the files. */
static void migrate(struct db *db, const struct schema_file *files, size_t number)
{
    struct migrate_report report;
    if (migrate_run(db, files, number, 1, &report) != MIGRATE_DONE)
        fail_msg("%s", report.why);
    assert_int_equal(report.after, number);
}

static void migrate_to(struct db *db, size_t number)
{
    struct schema_file files[SCHEMA_FILES];
    schema_list(files);
    migrate(db, files, number);
}

/* --- 0011: events of any type ------------------------------------------------------------------
 */

#define MOVE(values)                                                                               \
    "INSERT INTO events (partition_no, epoch, seq, n, event_no, at_ms, type, sku, "                \
    "available_delta, held_delta, sold_delta, available, held, sold, version, max_per_customer) "  \
    "VALUES (0, 99, 1, 0, 0, 5, " values ", 0)"

/* All that a table holds, a row after the other in the order of its key. */
static int add_row(void *context, const struct db_value *row, size_t count)
{
    struct buf *all = context;
    for (size_t i = 0; i < count; i++) {
        if (row[i].type == DB_TEXT)
            buf_printf(all, "'%.*s',", STR_ARG(row[i].as.text));
        else if (row[i].type == DB_INT)
            buf_printf(all, "%lld,", (long long)row[i].as.number);
        else
            buf_printf(all, "NULL,");
    }
    return 0;
}

static void read_all(struct buf *all, const char *sql)
{
    buf_reset(all);
    base_rows(bases.url, sql, add_row, all);
    assert_false(all->failed);
    assert_true(all->n > 0);
}

static void same_after(struct buf *before, const char *sql)
{
    struct buf after;
    buf_init(&after, 1 << 26);
    read_all(&after, sql);
    assert_true(str_equal(buf_str(before), buf_str(&after)));
    buf_free(&after);
}

/* The files with this one put off to the end: what it changes is not there yet for an applier that
 * needs what comes behind it. */
static void put_off(struct schema_file files[SCHEMA_FILES], size_t number)
{
    schema_list(files);
    struct schema_file last = files[number - 1];
    memmove(files + number - 1, files + number, (SCHEMA_FILES - number) * sizeof(last));
    files[SCHEMA_FILES - 1] = last;
}

static void a_ledger_with_types_in_its_rules_goes_on(void **state)
{
    static const char events[] = "SELECT * FROM events ORDER BY partition_no, epoch, seq, n";
    static const char items[] = "SELECT * FROM items ORDER BY sku";
    static const char sales[] = "SELECT sku, hour_ms, sold FROM sales_hourly ORDER BY 1, 2";
    static const char moved[] = MOVE("'lend', 'a', -2, 0, 0, 8, 0, 0, 2");
    static const char lost[] = MOVE("'lend', 'a', -2, 1, 0, 8, 1, 0, 2");
    static const char twice[] = MOVE("'lend', (SELECT MIN(sku) FROM events), 0, 0, 0, 1, 0, 0, 1");
    struct buf old_events, old_items, old_sales;
    struct schema_file files[SCHEMA_FILES];
    struct db *db = base_open(bases_fresh(&bases, engine_of(state)));
    put_off(files, 11);
    migrate(db, files, SCHEMA_FILES - 1);
    take(db, 0, past.older);
    buf_init(&old_events, 1 << 26);
    buf_init(&old_items, 1 << 26);
    buf_init(&old_sales, 1 << 26);
    read_all(&old_events, events);
    read_all(&old_items, items);
    read_all(&old_sales, sales);
    assert_int_equal(base_script(bases.url, moved), DB_CONSTRAINT);
    migrate(db, files, SCHEMA_FILES);
    same_after(&old_events, events);
    same_after(&old_items, items);
    same_after(&old_sales, sales);
    take(db, past.older, past.count - past.older);
    db_close(db);
    buf_free(&old_events);
    buf_free(&old_items);
    buf_free(&old_sales);
    assert_int_equal(sql_int("SELECT SUM(events) FROM checkpoints"), past.event_count);
    assert_int_equal(sql_int("SELECT COUNT(*) FROM unbalanced_items"), 0);
    assert_int_equal(sql_int("SELECT COUNT(*) FROM unbalanced_holds"), 0);
    assert_int_equal(base_script(bases.url, lost), DB_CONSTRAINT);
    assert_int_equal(base_script(bases.url, twice), DB_CONSTRAINT);
    sql_run(moved);
}

/* What reads rely on is there after it as it is in a ledger that began with it. */
static void the_indexes_of_events_are_those_of_a_new_ledger(void **state)
{
    bool lite = engine_of(state) == BASE_SQLITE;
    const char *indexes =
        lite ? "SELECT sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL "
               "AND tbl_name = 'events' ORDER BY name"
             : "SELECT indexdef FROM pg_indexes WHERE tablename = 'events' ORDER BY indexname";
    struct buf before;
    buf_init(&before, 1 << 16);
    struct db *db = base_open(bases_fresh(&bases, engine_of(state)));
    migrate_to(db, 10);
    read_all(&before, indexes);
    migrate_to(db, 11);
    same_after(&before, indexes);
    buf_free(&before);
    db_close(db);
}

/* --- 0010: ends of epochs --------------------------------------------------------------------- */

/* A ledger that was begun by a program that did not know of ends. */
static void ends_of_epochs_are_found_in_an_older_ledger(void **state)
{
    struct db *db = bases_ledger(&bases, engine_of(state));
    take(db, 0, past.count);
    int64_t epochs = sql_int("SELECT COUNT(*) FROM epochs"),
            sum = sql_int("SELECT SUM(epoch * 1000 + last_seq) FROM epochs");
    sql_run("DROP VIEW unbalanced_transfers; DROP TABLE epochs; DELETE FROM schema_migrations "
            "WHERE number >= 10; UPDATE ledger_meta SET "
            "schema_version = 9");
    migrate_to(db, 12); /* what 0013 made is there */
    assert_int_equal(sql_int("SELECT COUNT(*) FROM epochs"), epochs);
    assert_int_equal(sql_int("SELECT SUM(epoch * 1000 + last_seq) FROM epochs"), sum);
    assert_int_equal(sql_int("SELECT epoch FROM epochs WHERE last_seq IS NULL AND opened_ms = 0"),
                     past.entries[past.count - 1].id.epoch);
    db_close(db);
}

static void begin(void)
{
    past_make(&past, seed_of_run(), OPERATIONS);
    assert_true(past.entries[past.count - 1].id.epoch > 2);
}

static void end(void)
{
    past_free(&past);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(a_ledger_with_types_in_its_rules_goes_on),
        ON_BOTH(the_indexes_of_events_are_those_of_a_new_ledger),
        ON_BOTH(ends_of_epochs_are_found_in_an_older_ledger),
    };
    return run_each_with("ledger upgrade", tests, begin, end);
}
