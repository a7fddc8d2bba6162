/* test_ledger_db.c -- the two engines of the ledger and the rules of its schema: values, rows,
 * errors, addresses.
 *
 * What can run on both does.
 */
#include "support/fixture.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

/* --- values and rows -------------------------------------------------------------------------- */

static const struct db_statement put_values = {
    .kind = DB_INSERT, .types = "itt", .head = "things", .columns = "n, name, note"};
static const struct db_statement find_values = {
    .kind = DB_LOOKUP, .types = "i", .head = "SELECT n, name, note FROM things WHERE n"};
static const struct db_statement one_value = {
    .kind = DB_ONE, .types = "it", .head = "SELECT n FROM things WHERE n = $1 AND name = $2"};

#define THINGS 3
static const struct {
    int64_t n;
    struct str name, note;
} things[THINGS] = {
    {INT64_MIN, {"it's {a} \"b\" \\, NULL", 20}, {"", 0}},
    {0, {"\xe2\x82\xac \xf0\x9f\x93\xa6", 8}, {NULL, 0}},
    {INT64_MAX, {"$1 ? %s", 7}, {"x", 1}},
};

static int compare_thing(void *context, const struct db_value *row, size_t count)
{
    size_t i = 0;
    assert_int_equal(count, 3);
    while (i < THINGS && things[i].n != row[0].as.number)
        i++;
    assert_true(i < THINGS && row[0].type == DB_INT && row[1].type == DB_TEXT);
    assert_true(str_equal(row[1].as.text, things[i].name));
    assert_int_equal(row[2].type == DB_NULL, str_absent(things[i].note));
    if (row[2].type == DB_TEXT)
        assert_true(str_equal(row[2].as.text, things[i].note));
    ++*(size_t *)context;
    return 0;
}

static void values_come_back_as_they_went(void **state)
{
    struct db *db = base_open(bases_fresh(&bases, engine_of(state)));
    struct db_value rows[3 * THINGS], keys[THINGS + 1];
    size_t changed = 0, seen = 0;
    for (size_t i = 0; i < THINGS; i++) {
        keys[i] = rows[3 * i] = db_int(things[i].n);
        rows[3 * i + 1] = db_text(things[i].name);
        rows[3 * i + 2] = db_text(things[i].note);
    }
    keys[THINGS] = db_int(77);
    assert_int_equal(db_begin(db), DB_OK);
    assert_int_equal(
        db_script(db, STR("CREATE TABLE things (n bigint PRIMARY KEY, name text, note text)")),
        DB_OK);
    assert_int_equal(db_run(db, &put_values, rows, THINGS, NULL, NULL, &changed), DB_OK);
    assert_int_equal(changed, THINGS);
    assert_int_equal(db_commit(db), DB_OK);
    assert_int_equal(db_begin(db), DB_OK);
    assert_int_equal(db_run(db, &find_values, keys, THINGS + 1, compare_thing, &seen, &changed),
                     DB_OK);
    assert_int_equal(seen, THINGS);
    assert_int_equal(changed, THINGS);
    assert_int_equal(db_run(db, &one_value, rows, 1, NULL, NULL, &changed), DB_OK);
    assert_int_equal(changed, 1);
    assert_int_equal(db_run(db, &put_values, rows, 1, NULL, NULL, NULL), DB_CONSTRAINT);
    db_rollback(db);
    db_rollback(db); /* once more does no harm */
    db_close(db);
    assert_int_equal(sql_int("SELECT COUNT(*) FROM things"), THINGS);
}

/* More than an engine takes at once, by a number that leaves a rest; one that breaks a rule in the
 * middle is told, and none of them is kept. */
static void many_rows_are_kept_or_none(void **state)
{
    enum { ROWS = 5003 };
    static struct db_value rows[3 * ROWS];
    static char names[ROWS][16];
    size_t changed = 0, seen = 0;
    const char *url = bases_fresh(&bases, engine_of(state));
    struct db *db = base_open(url);
    assert_int_equal(
        base_script(url, "CREATE TABLE things (n bigint PRIMARY KEY, name text, note text)"),
        DB_OK);
    for (size_t i = 0; i < ROWS; i++) {
        snprintf(names[i], sizeof(names[i]), "name %zu", i);
        rows[3 * i] = db_int((int64_t)i);
        rows[3 * i + 1] = db_text(str_of(names[i]));
        rows[3 * i + 2] = db_text(i % 3 ? STR("a note that makes a piece of a COPY full sooner")
                                        : (struct str){NULL, 0});
    }
    rows[3 * 2500] = db_int(2499);
    assert_int_equal(db_begin(db), DB_OK);
    assert_int_equal(db_run(db, &put_values, rows, ROWS, NULL, NULL, &changed), DB_CONSTRAINT);
    db_rollback(db);
    assert_int_equal(base_int(url, "SELECT COUNT(*) FROM things"), 0);
    rows[3 * 2500] = db_int(2500);
    assert_int_equal(db_begin(db), DB_OK);
    assert_int_equal(db_run(db, &put_values, rows, ROWS, NULL, NULL, &changed), DB_OK);
    assert_int_equal(changed, ROWS);
    assert_int_equal(db_run(db, &one_value, &rows[3 * 4999], 1, NULL, NULL, &seen), DB_OK);
    assert_int_equal(seen, 1);
    assert_int_equal(db_commit(db), DB_OK);
    db_close(db);
    assert_int_equal(base_int(url, "SELECT COUNT(*) FROM things"), ROWS);
    assert_int_equal(base_int(url, "SELECT COUNT(*) FROM things WHERE note IS NULL"),
                     (ROWS + 2) / 3);
    assert_int_equal(base_int(url, "SELECT COUNT(*) FROM things WHERE name = 'name ' || n"), ROWS);
}

static void what_was_not_committed_is_gone(void **state)
{
    const char *url = bases_fresh(&bases, engine_of(state));
    assert_int_equal(base_script(url, "CREATE TABLE t (n bigint)"), DB_OK);
    struct db *db = base_open(url);
    assert_int_equal(db_begin(db), DB_OK);
    assert_int_equal(db_script(db, STR("INSERT INTO t VALUES (1); INSERT INTO t VALUES (2)")),
                     DB_OK);
    db_close(db);
    assert_int_equal(base_int(url, "SELECT COUNT(*) FROM t"), 0);
}

/* A reader sees one instant, and stops nobody. */
static void a_reading_transaction_is_a_snapshot(void **state)
{
    static const struct db_statement count = {
        .kind = DB_ONE, .types = "", .head = "SELECT n FROM t"};
    const char *url = bases_fresh(&bases, engine_of(state));
    size_t found = 0;
    assert_int_equal(base_script(url, "CREATE TABLE t (n bigint); INSERT INTO t VALUES (1)"),
                     DB_OK);
    struct db *db = base_open(url);
    assert_int_equal(db_begin_read(db), DB_OK);
    assert_int_equal(db_run(db, &count, NULL, 1, NULL, NULL, &found), DB_OK);
    assert_int_equal(found, 1);
    assert_int_equal(base_script(url, "INSERT INTO t VALUES (2)"), DB_OK);
    assert_int_equal(db_run(db, &count, NULL, 1, NULL, NULL, &found), DB_OK);
    assert_int_equal(found, 1);
    assert_int_equal(db_begin_read(db), DB_OK);
    assert_int_equal(db_run(db, &count, NULL, 1, NULL, NULL, &found), DB_OK);
    assert_int_equal(found, 2);
    db_rollback(db);
    db_close(db);
}

/* What a look-up has beside its keys is one value for all of them. */
static void a_lookup_takes_more_than_its_key(void **state)
{
    static const struct db_statement from = {.kind = DB_LOOKUP,
                                             .types = "it",
                                             .head = "SELECT n FROM t WHERE n",
                                             .tail = "AND name = $2"};
    const char *url = bases_fresh(&bases, engine_of(state));
    const struct db_value values[] = {db_int(1),         db_text(STR("a")), db_int(2),
                                      db_text(STR("a")), db_int(3),         db_text(STR("a"))};
    size_t found = 0;
    assert_int_equal(base_script(url, "CREATE TABLE t (n bigint, name text); "
                                      "INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, 'a')"),
                     DB_OK);
    struct db *db = base_open(url);
    assert_int_equal(db_begin_read(db), DB_OK);
    assert_int_equal(db_run(db, &from, values, 3, NULL, NULL, &found), DB_OK);
    assert_int_equal(found, 2);
    db_rollback(db);
    db_close(db);
}

static void wrong_statements_are_wrong(void **state)
{
    const char *url = bases_fresh(&bases, engine_of(state));
    assert_int_equal(base_script(url, "SELECT * FROM nowhere"), DB_WRONG);
    assert_int_equal(base_script(url, "SELEC"), DB_WRONG);
}

/* --- rules of the schema ---------------------------------------------------------------------- */

#define EVENT(values)                                                                              \
    "INSERT INTO events (partition_no, epoch, seq, n, event_no, at_ms, type, sku, "                \
    "available_delta, held_delta, sold_delta, available, held, sold, version, max_per_customer) "  \
    "VALUES (0, 1, 1, 0, 0, 5, " values ", 0)"
#define ITEM_ROW(values) "INSERT INTO items VALUES ('a', 0, " values ")"
#define RESERVATION_ROW(values)                                                                    \
    "INSERT INTO reservations VALUES ('r', 0, " values ", NULL, NULL, NULL, '', '')"
#define LINE_ROW(values)   "INSERT INTO reservation_lines VALUES ('r', " values ", '')"
#define OPERATION(values)  "INSERT INTO operations VALUES (0, " values ", 1)"
#define CHECKPOINT(values) "INSERT INTO checkpoints VALUES (" values ")"

/* Each good row has neighbours that differ from it in one thing. */
static const struct {
    enum db_result result;
    const char *sql;
} rules[] = {
    {DB_OK, EVENT("'decrement', 'a', -2, 0, 2, 8, 0, 2, 2")},
    {DB_CONSTRAINT, EVENT("'decrement', 'a', -1, 0, 2, 8, 0, 2, 2")},
    {DB_CONSTRAINT, EVENT("'decrement', 'a', 2, 0, -2, 8, 0, 2, 2")},
    {DB_CONSTRAINT, EVENT("'decrement', 'a', -2, 0, 2, -1, 0, 2, 2")},
    {DB_CONSTRAINT, EVENT("'decrement', 'a', -2, 0, 2, 8, -1, 2, 2")},
    {DB_CONSTRAINT, EVENT("'decrement', 'a', -2, 0, 2, 8, 0, 2, 0")},
    {DB_CONSTRAINT, EVENT("'decrement', NULL, -2, 0, 2, 8, 0, 2, 2")},
    {DB_OK, EVENT("'transfer', 'a', -2, 0, 0, 8, 0, 2, 2")},
    {DB_CONSTRAINT, EVENT("'transfer', 'a', -2, 0, 1, 8, 0, 1, 2")},
    {DB_OK, EVENT("'one of later', 'a', -2, 1, 1, 8, 1, 1, 2")},
    {DB_CONSTRAINT, EVENT("'one of later', 'a', -2, 1, 2, 8, 1, 2, 2")},
    {DB_OK, EVENT("'reserve', 'a', -3, 3, 0, 7, 3, 0, 2")},
    {DB_CONSTRAINT, EVENT("'reserve', 'a', -3, 4, 0, 7, 4, 0, 2")},
    {DB_CONSTRAINT, EVENT("'reserve', 'a', 0, 0, 0, 7, 3, 0, 2")},
    {DB_OK, EVENT("'confirm', 'a', 1, -3, 2, 8, 0, 2, 3")},
    {DB_CONSTRAINT, EVENT("'confirm', 'a', 1, -3, 3, 8, 0, 3, 3")},
    {DB_OK, EVENT("'release', 'a', 3, -3, 0, 10, 0, 0, 3")},
    {DB_CONSTRAINT, EVENT("'expire', 'a', 3, -2, 0, 10, 1, 0, 3")},
    {DB_CONSTRAINT, EVENT("'extend', 'a', 1, -1, 0, 10, 0, 0, 3")},
    {DB_OK, EVENT("'adjust', 'a', 5, 0, 0, 15, 0, 0, 3")},
    {DB_CONSTRAINT, EVENT("'adjust', 'a', 5, 0, 1, 15, 0, 1, 3")},
    {DB_OK, EVENT("'delete', 'a', -5, 0, -2, 0, 0, 0, 3")},
    {DB_CONSTRAINT, EVENT("'delete', 'a', -5, 0, -2, 1, 0, 0, 3")},
    {DB_CONSTRAINT, EVENT("'epoch', NULL, 0, 0, 0, 0, 0, 0, 0")}, /* not the first entry */
    {DB_OK, ITEM_ROW("9, 6, 3, 2, 4, 0, 0, 1")},
    {DB_CONSTRAINT, ITEM_ROW("10, 6, 3, 2, 4, 0, 0, 1")},
    {DB_CONSTRAINT, ITEM_ROW("2, -1, 3, 2, 4, 0, 0, 1")},
    {DB_CONSTRAINT, ITEM_ROW("9, 6, 3, -2, 4, 0, 0, 1")},
    {DB_CONSTRAINT, ITEM_ROW("9, 6, 3, 2, 4, 0, 1, 1")}, /* deleted, and owns something */
    {DB_CONSTRAINT, ITEM_ROW("9, 6, 3, 2, NULL, 0, 0, 1")},
    {DB_OK, RESERVATION_ROW("'held', 0, 10, 20, NULL, 1")},
    {DB_CONSTRAINT, RESERVATION_ROW("'held', 0, 10, 20, 15, 1")},
    {DB_CONSTRAINT, RESERVATION_ROW("'released', 0, 10, 20, NULL, 1")},
    {DB_CONSTRAINT, RESERVATION_ROW("'lost', 0, 10, 20, 15, 1")},
    {DB_CONSTRAINT, RESERVATION_ROW("'expired', 1, 10, 20, 15, 1")},
    {DB_CONSTRAINT, RESERVATION_ROW("'held', 0, 10, 9, NULL, 1")},
    {DB_CONSTRAINT, RESERVATION_ROW("'held', 0, 10, 20, NULL, 0")},
    {DB_OK, LINE_ROW("0, 'a', 3, 2, 5, 6, NULL, NULL")},
    {DB_CONSTRAINT, LINE_ROW("0, 'a', 3, 4, 5, 6, NULL, NULL")},
    {DB_CONSTRAINT, LINE_ROW("0, 'a', 3, -1, 5, 6, NULL, NULL")},
    {DB_CONSTRAINT, LINE_ROW("0, 'a', 3, 2, 5, 6, 1, NULL")},
    {DB_OK, OPERATION("'k', 'reserve', NULL, '01ff'")},
    {DB_CONSTRAINT, OPERATION("'k', 'reserve', NULL, '01f'")},
    {DB_CONSTRAINT, OPERATION("'', 'reserve', NULL, '01ff'")},
    {DB_OK, CHECKPOINT("0, 0, -1, 0, 0")},
    {DB_OK, CHECKPOINT("0, 2, 0, 1, 0")},
    {DB_CONSTRAINT, CHECKPOINT("0, 1, -1, 0, 0")},
    {DB_CONSTRAINT, CHECKPOINT("0, 0, 0, 0, 0")},
    {DB_CONSTRAINT, "INSERT INTO ledger_meta VALUES (2, 'x', 1)"},
};

static void rows_that_break_a_rule_are_refused(void **state)
{
    struct db *db = bases_ledger(&bases, engine_of(state));
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        assert_int_equal(db_begin(db), DB_OK);
        enum db_result result = db_script(db, str_of(rules[i].sql));
        if (result != rules[i].result)
            fail_msg("%s: %s, %s", rules[i].sql, db_result_name(result), db_why(db));
        db_rollback(db);
    }
    db_close(db);
}

/* Neither the same movement twice, nor two that claim the same version of an item. */
static void no_movement_is_stored_twice(void **state)
{
    struct db *db = bases_ledger(&bases, engine_of(state));
    static const char again[] = EVENT("'decrement', 'a', -2, 0, 2, 8, 0, 2, 2");
    static const char other[] =
        "INSERT INTO events (partition_no, epoch, seq, n, event_no, at_ms, type, sku, "
        "available_delta, held_delta, sold_delta, available, held, sold, version, "
        "max_per_customer) VALUES (0, 2, 7, 0, 0, 5, 'decrement', 'a', -1, 0, 1, 9, 0, 1, 2, 0)";
    assert_int_equal(db_begin(db), DB_OK);
    assert_int_equal(db_script(db, STR(again)), DB_OK);
    assert_int_equal(db_commit(db), DB_OK);
    assert_int_equal(db_begin(db), DB_OK);
    assert_int_equal(db_script(db, STR(again)), DB_CONSTRAINT);
    db_rollback(db);
    assert_int_equal(db_begin(db), DB_OK);
    assert_int_equal(db_script(db, STR(other)), DB_CONSTRAINT);
    db_rollback(db);
    db_close(db);
}

/* The query that 0007_views.sql gives for the stock at a time. */
static void the_stock_at_a_time_can_be_asked(void **state)
{
#define AT(time)                                                                                   \
    "SELECT on_hand FROM item_movements WHERE sku = 'a' AND at_ms <= " time                        \
    " ORDER BY version DESC LIMIT 1"
    static const char rows[] =
        "INSERT INTO events (partition_no, epoch, seq, n, event_no, at_ms, type, sku, "
        "available_delta, held_delta, sold_delta, available, held, sold, version, "
        "max_per_customer) VALUES (0, 1, 1, 0, 0, 100, 'create', 'a', 9, 0, 0, 9, 0, 0, 1, 0), "
        "(0, 1, 2, 0, 0, 3600200, 'decrement', 'a', -2, 0, 2, 7, 0, 2, 2, 0), "
        "(0, 1, 3, 0, 0, 3600300, 'decrement', 'a', -1, 0, 1, 6, 0, 3, 3, 0)";
    db_close(bases_ledger(&bases, engine_of(state)));
    sql_run(rows);
    assert_int_equal(sql_int(AT("99")), INT64_MIN);
    assert_int_equal(sql_int(AT("100")), 9);
    assert_int_equal(sql_int(AT("3600250")), 7);
    assert_int_equal(sql_int(AT("9999999")), 6);
    assert_int_equal(sql_int("SELECT hour_ms FROM sales_hourly"), 3600000);
    assert_int_equal(sql_int("SELECT sold FROM sales_hourly"), 3);
}

/* --- addresses, secrets, lost connections ----------------------------------------------------- */

static void addresses_that_are_none_are_wrong(void **state)
{
    static const char *const bad[] = {
        "", "none", "sqlite:", "mysql://x", "postgresql://", "sqlite:/nowhere/at/all/ledger.db"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct db *db;
        char err[DB_WHY_SIZE] = "";
        assert_int_equal(db_open(&db, bad[i], err, sizeof(err)), DB_WRONG);
        assert_null(db);
        assert_true(err[0] != '\0');
    }
}

static void passwords_are_never_told(void **state)
{
    char url[BASE_URL_SIZE], err[DB_WHY_SIZE];
    struct db *db;
    static const char *const forms[] = {
        "postgresql://stockd:geheim%%21@127.0.0.1:%d/stockd?sslmode=disable",
        "postgresql://stockd@127.0.0.1:%d/stockd?sslmode=disable&password=geheim%%21",
        "postgresql://stockd:geheim%%21@127.0.0.1:%d/geheim!?sslmode=disable",
        "postgresql://stockd:geheim%%21@127.0.0.1:%d/stockd?no=geheim%%21",
    };
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        snprintf(url, sizeof(url), forms[i], bases.pg.port);
#pragma GCC diagnostic pop
        err[0] = '\0';
        assert_int_not_equal(db_open(&db, url, err, sizeof(err)), DB_OK);
        assert_true(err[0] != '\0');
        assert_null(strstr(err, "geheim"));
    }
}

static void a_lost_connection_is_made_again(void **state)
{
    const char *url = bases_fresh(&bases, BASE_POSTGRES);
    assert_int_equal(base_script(url, "CREATE TABLE t (n bigint)"), DB_OK);
    struct db *db = base_open(url);
    assert_int_equal(db_begin(db), DB_OK);
    assert_int_equal(db_script(db, STR("INSERT INTO t VALUES (1)")), DB_OK);
    tpg_kill9(&bases.pg);
    assert_int_equal(db_script(db, STR("INSERT INTO t VALUES (2)")), DB_AGAIN);
    assert_int_equal(db_script(db, STR("INSERT INTO t VALUES (3)")), DB_AGAIN);
    assert_int_equal(db_commit(db), DB_AGAIN);
    db_rollback(db);
    assert_int_equal(db_begin(db), DB_AGAIN);
    assert_int_equal(tpg_restart(&bases.pg), 0);
    assert_int_equal(db_begin(db), DB_OK);
    assert_int_equal(db_script(db, STR("INSERT INTO t VALUES (4)")), DB_OK);
    assert_int_equal(db_commit(db), DB_OK);
    db_close(db);
    assert_int_equal(base_int(url, "SELECT SUM(n) FROM t"), 4);
}

/* As a process that stands still while it is the first to open the file: it holds the write lock of
 * the log (the 120th byte of its index, https://sqlite.org/walformat.html), which nobody can read.
 */
static void one_who_stands_still_while_opening_is_waited_for(void **state)
{
    (void)state;
    const char *url = bases_fresh(&bases, BASE_SQLITE);
    db_close(base_open(url));
    int index_fd =
        open(text("%s-shm", url + strlen("sqlite:")), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 120, .l_len = 1};
    assert_int_equal(fcntl(index_fd, F_OFD_SETLK, &lock), 0);
    struct db *db;
    char why[DB_WHY_SIZE] = "";
    assert_int_equal(db_open(&db, url, why, sizeof(why)), DB_AGAIN);
    assert_non_null(strstr(why, "locking protocol"));
    close(index_fd);
    db = base_open(url);
    assert_int_equal(db_script(db, STR("CREATE TABLE t (n bigint)")), DB_OK);
    db_close(db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(values_come_back_as_they_went),
        ON_BOTH(many_rows_are_kept_or_none),
        ON_BOTH(what_was_not_committed_is_gone),
        ON_BOTH(a_reading_transaction_is_a_snapshot),
        ON_BOTH(a_lookup_takes_more_than_its_key),
        ON_BOTH(wrong_statements_are_wrong),
        ON_BOTH(rows_that_break_a_rule_are_refused),
        ON_BOTH(no_movement_is_stored_twice),
        ON_BOTH(the_stock_at_a_time_can_be_asked),
        PLAIN_TEST(addresses_that_are_none_are_wrong),
        POSTGRES_TEST(passwords_are_never_told),
        POSTGRES_TEST(a_lost_connection_is_made_again),
        SQLITE_TEST(one_who_stands_still_while_opening_is_waited_for),
    };
    return run_each("ledger db", tests);
}
