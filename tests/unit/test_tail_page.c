/* test_tail_page.c -- pages of events over several partitions, on a SQLite file; it/test_events.c
 * asks PostgreSQL as well. */
#include "ledger/query/tail.h"
#include "support/ledger_base.h"
#include "support/suite.h"

#include <stdio.h>

#define PARTITIONS 3
#define ENTRIES    40
#define EVENTS     (PARTITIONS * ENTRIES * 2)

static char dir[TEST_PATH_MAX], url[BASE_URL_SIZE];
static struct db *db;
static struct arena arena;

/* Two events an entry. Partition 0 is ten times as fast as the others, and has a second epoch with
 * nothing in it but its beginning. */
#define COLUMNS                                                                                    \
    "(partition_no, epoch, seq, n, event_no, at_ms, type, sku, available_delta, held_delta, "      \
    "sold_delta, available, held, sold, version, max_per_customer, customer)"
static const char rows[] =
    "INSERT INTO events " COLUMNS
    " SELECT p.no, 1, s.no, n.no, n.no, (CASE p.no WHEN 0 THEN 1 ELSE 10 END) * "
    "s.no, CASE s.no WHEN 0 THEN 'epoch' ELSE 'create' END, CASE s.no WHEN 0 THEN NULL ELSE 'i' || "
    "p.no || '-' || s.no || '-' || n.no END, CASE s.no WHEN 0 THEN 0 ELSE 5 END, 0, 0, 5, 0, 0, "
    "CASE s.no WHEN 0 THEN 0 ELSE 1 END, "
    "0, 'c' "
    "FROM (WITH RECURSIVE t(no) AS (SELECT 0 UNION ALL SELECT no + 1 FROM t WHERE no < 2) SELECT "
    "no "
    "FROM t) p, (WITH RECURSIVE t(no) AS (SELECT 0 UNION ALL SELECT no + 1 FROM t WHERE no < 40) "
    "SELECT no FROM t) s, (SELECT 0 AS no UNION ALL SELECT 1) n WHERE s.no > 0 OR n.no = 0;"
    "INSERT INTO events " COLUMNS " VALUES (0, 2, 0, 0, 0, 0, 'epoch', NULL, 0, 0, 0, 0, 0, 0, 0, "
    "0, NULL);"
    "INSERT INTO checkpoints VALUES (0, 2, 0, 82, 40), (1, 1, 40, 81, 400), (2, 1, 40, 81, 400);";

static int begin(void **state)
{
    struct migrate_report report;
    assert_int_equal(temp_dir_make(dir), 0);
    snprintf(url, sizeof(url), "sqlite:%s/tail.db", dir);
    db = base_open(url);
    base_migrate(db, &report);
    assert_int_equal(base_script(url, rows), DB_OK);
    arena_init(&arena, 4096, 16u << 20);
    return 0;
}

static int end(void **state)
{
    arena_free(&arena);
    db_close(db);
    temp_dir_remove(dir);
    return 0;
}

struct page {
    struct tail_event *events;
    size_t count;
};

static struct page page_of(struct str tenant, struct tail_position *at, size_t max)
{
    struct tail_position ends[PARTITIONS];
    struct page page;
    arena_reset(&arena);
    assert_int_equal(db_begin_read(db), DB_OK);
    assert_int_equal(tail_ends(db, ends, PARTITIONS), DB_OK);
    assert_int_equal(
        tail_page(db, &arena, tenant, at, ends, PARTITIONS, max, &page.events, &page.count), DB_OK);
    db_rollback(db);
    assert_true(page.count <= max);
    return page;
}

static struct page page_behind(struct tail_position *at, size_t max)
{
    return page_of((struct str){NULL, 0}, at, max);
}

TEST(ends_are_the_last_rows_of_the_checkpoints)
{
    struct tail_position ends[PARTITIONS + 1];
    assert_int_equal(db_begin_read(db), DB_OK);
    assert_int_equal(tail_ends(db, ends, PARTITIONS + 1), DB_OK);
    db_rollback(db);
    const struct tail_position expected[] = {{{2, 0}, 0}, {{1, 40}, 1}, {{1, 40}, 1}, {{0, 0}, 0}};
    for (int p = 0; p <= PARTITIONS; p++)
        assert_int_equal(tail_compare(&ends[p], &expected[p]), 0);
}

/* Whatever the size of a page: all events, each once, by time. */
TEST(pages_of_any_size_make_up_the_whole)
{
    for (size_t max = 1; max <= EVENTS + 1; max += 1 + max / 4) {
        struct tail_position at[PARTITIONS] = {{.n = 0}};
        struct tail_position seen[PARTITIONS] = {{.n = 0}};
        int64_t last_ms = 0;
        size_t total = 0;
        struct page page;
        while ((page = page_behind(at, max)).count > 0) {
            for (size_t i = 0; i < page.count; i++) {
                const struct tail_event *e = &page.events[i];
                assert_true(tail_compare(&seen[e->partition], &e->at) < 0);
                assert_true(e->movement.at_ms >= last_ms);
                assert_int_equal(e->movement.version, 1);
                assert_true(str_equal(e->movement.customer, STR("c")));
                seen[e->partition] = e->at;
                last_ms = e->movement.at_ms;
            }
            total += page.count;
        }
        assert_int_equal(total, EVENTS);
    }
}

/* The beginning of an epoch is no event of an item, and no reason to stand still. */
TEST(rows_without_an_item_are_passed_over)
{
    struct tail_position at[PARTITIONS] = {{{1, 40}, 1}, {{1, 40}, 1}, {{1, 40}, 1}};
    assert_int_equal(page_behind(at, 1).count, 0);
    const struct tail_position end = {{2, 0}, 0};
    assert_int_equal(tail_compare(&at[0], &end), 0);
}

TEST(nothing_is_behind_the_ends)
{
    struct tail_position at[PARTITIONS] = {{{2, 0}, 0}, {{1, 40}, 1}, {{1, 40}, 0}};
    struct page page = page_behind(at, 10);
    assert_int_equal(page.count, 1);
    assert_true(str_equal(page.events[0].movement.sku, STR("i2-40-1")));
    assert_int_equal(page_behind(at, 10).count, 0);
}

/* Rows that no checkpoint covers are not there yet. */
TEST(a_row_behind_the_checkpoint_is_not_shown)
{
    struct tail_position at[PARTITIONS] = {{{2, 0}, 0}, {{1, 39}, 1}, {{1, 40}, 1}};
    assert_int_equal(base_script(url, "UPDATE checkpoints SET seq = 39 WHERE partition_no = 1"),
                     DB_OK);
    assert_int_equal(page_behind(at, 10).count, 0);
    assert_int_equal(base_script(url, "UPDATE checkpoints SET seq = 40 WHERE partition_no = 1"),
                     DB_OK);
    assert_int_equal(page_behind(at, 10).count, 2);
}

ALL_BETWEEN(begin, end)
