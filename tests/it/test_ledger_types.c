/* test_ledger_types.c -- a ledger from before 0011_event_types.sql keeps its rows and its rules,
 * and takes types of events that it had never heard of; on each engine. */
#include "support/fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BEFORE 10 /* files */
#define ROW(seq, type, deltas, after, version)                                                     \
    "(0, 1, " #seq ", 0, 0, 5, " type ", 'a', " deltas ", " after ", " #version ", 0)"
#define INSERT                                                                                     \
    "INSERT INTO events (partition_no, epoch, seq, n, event_no, at_ms, type, sku, "                \
    "available_delta, held_delta, sold_delta, available, held, sold, version, max_per_customer) "  \
    "VALUES "

/* clang-format off */
/* One of each type that it knew, and an item. */
static const char past[] =
    INSERT "(0, 1, 0, 0, 0, 0, 'epoch', NULL, 0, 0, 0, 0, 0, 0, 0, 0), "
    ROW(1, "'create'", "9, 0, 0", "9, 0, 0", 1) ", "
    ROW(2, "'set'", "1, 0, 0", "10, 0, 0", 2) ", "
    ROW(3, "'adjust'", "-1, 0, 0", "9, 0, 0", 3) ", "
    ROW(4, "'decrement'", "-1, 0, 1", "8, 0, 1", 4) ", "
    ROW(5, "'reserve'", "-3, 3, 0", "5, 3, 1", 5) ", "
    ROW(6, "'extend'", "0, 0, 0", "5, 3, 1", 6) ", "
    ROW(7, "'confirm'", "1, -3, 2", "6, 0, 3", 7) ", "
    ROW(8, "'reserve'", "-2, 2, 0", "4, 2, 3", 8) ", "
    ROW(9, "'expire'", "2, -2, 0", "6, 0, 3", 9) "; "
    "INSERT INTO items VALUES ('a', 0, 6, 6, 0, 3, 9, 0, 0, 5)";
/* clang-format on */

static const struct {
    enum db_result before, after;
    const char *row;
} rows[] = {
    {DB_CONSTRAINT, DB_OK, INSERT ROW(10, "'transfer'", "-2, 0, 0", "4, 0, 3", 10)},
    {DB_CONSTRAINT, DB_OK, INSERT ROW(10, "'return'", "2, 0, -2", "8, 0, 1", 10)},
    {DB_CONSTRAINT, DB_CONSTRAINT, INSERT ROW(10, "'transfer'", "-2, 0, 1", "4, 0, 4", 10)},
    {DB_CONSTRAINT, DB_CONSTRAINT, INSERT ROW(10, "'return'", "0, 0, -2", "6, 0, 1", 10)},
    {DB_OK, DB_OK, INSERT ROW(10, "'decrement'", "-2, 0, 2", "4, 0, 5", 10)},
    {DB_CONSTRAINT, DB_CONSTRAINT, INSERT ROW(10, "'decrement'", "-2, 0, 1", "4, 0, 4", 10)},
    {DB_CONSTRAINT, DB_CONSTRAINT, INSERT ROW(10, "'reserve'", "-2, 0, 2", "4, 0, 5", 10)},
    {DB_CONSTRAINT, DB_CONSTRAINT, INSERT ROW(10, "'adjust'", "0, 2, -2", "6, 2, 1", 10)},
    {DB_CONSTRAINT, DB_CONSTRAINT, INSERT ROW(9, "'adjust'", "2, 0, 0", "8, 0, 3", 10)},
    {DB_CONSTRAINT, DB_CONSTRAINT, INSERT ROW(10, "'adjust'", "2, 0, 0", "8, 0, 3", 9)},
    {DB_CONSTRAINT, DB_CONSTRAINT, INSERT ROW(10, "'adjust'", "2, 0, 0", "-8, 0, 3", 10)},
};

static void check_rules(struct db *db, bool after)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(db_begin(db), DB_OK);
        enum db_result result = db_script(db, str_of(rows[i].row));
        if (result != (after ? rows[i].after : rows[i].before))
            fail_msg("%s: %s, %s", rows[i].row, db_result_name(result), db_why(db));
        db_rollback(db);
    }
}

static int64_t sum_of_rows(void)
{
    return sql_int("SELECT SUM(seq * 7 + available_delta * 11 + held_delta * 13 + sold_delta * 17 "
                   "+ available * 19 + version * 23 + length(type) * 29) FROM events");
}

static void an_older_ledger_keeps_its_rows_and_takes_later_types(void **state)
{
    struct schema_file files[SCHEMA_FILES];
    struct migrate_report report;
    const char *url = bases_fresh(&bases, engine_of(state));
    struct db *db = base_open(url), *other = base_open(url);
    schema_list(files);
    assert_int_equal(migrate_run(db, files, BEFORE, 1, &report), MIGRATE_DONE);
    assert_int_equal(base_script(url, past), DB_OK);
    check_rules(db, false);
    check_rules(other, false);
    int64_t sum = sum_of_rows();
    assert_int_equal(migrate_run(db, files, SCHEMA_FILES, 1, &report), MIGRATE_DONE);
    assert_int_equal(report.before, BEFORE);
    assert_int_equal(report.after, SCHEMA_FILES);
    check_rules(db, true);
    check_rules(other, true); /* a connection from before knows */
    assert_int_equal(base_int(url, "SELECT COUNT(*) FROM events"), 10);
    assert_int_equal(sum_of_rows(), sum);
    assert_int_equal(base_int(url, "SELECT COUNT(*) FROM unbalanced_items"), 0);
    assert_int_equal(base_int(url, "SELECT COUNT(*) FROM item_movements WHERE sku = 'a'"), 9);
    if (engine_of(state) == BASE_SQLITE) {
        assert_int_equal(base_int(url, "SELECT COUNT(*) FROM pragma_integrity_check "
                                       "WHERE integrity_check <> 'ok'"),
                         0);
        assert_int_equal(base_int(url, "SELECT COUNT(*) FROM pragma_quick_check"), 1);
    }
    db_close(db);
    db_close(other);
}

/* Unbalanced is what gave another number than it took, or has one side only. */
static void transfers_that_do_not_add_up_are_listed(void **state)
{
#define MOVED(seq, n, event_no, sku, delta, after, version)                                        \
    "(0, 1, " #seq ", " #n ", " #event_no ", 5, 'transfer', '" sku "', " #delta ", 0, 0, " #after  \
    ", 0, 0, " #version ", 0)"
    static const char moved[] = INSERT /* clang-format off */
        MOVED(1, 0, 0, "a", -2, 8, 2) ", " MOVED(1, 1, 0, "b", 2, 2, 2) ", "
        MOVED(1, 2, 1, "a", -1, 7, 3) ", " MOVED(1, 3, 1, "b", 2, 4, 3) ", "
        MOVED(2, 0, 0, "a", -1, 6, 4); /* clang-format on */
    db_close(bases_ledger(&bases, engine_of(state)));
    sql_run(moved);
    assert_int_equal(sql_int("SELECT COUNT(*) FROM unbalanced_transfers"), 2);
    assert_int_equal(sql_int("SELECT available FROM unbalanced_transfers "
                             "WHERE seq = 1 AND event_no = 1 AND items = 2"),
                     1);
    assert_int_equal(sql_int("SELECT available FROM unbalanced_transfers "
                             "WHERE seq = 2 AND items = 1"),
                     -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(an_older_ledger_keeps_its_rows_and_takes_later_types),
        ON_BOTH(transfers_that_do_not_add_up_are_listed),
    };
    return run_each("ledger types", tests);
}
