/* test_ledger_memory.c -- the n-th allocation of a ledger's first use fails, for every n: the
 * question is answered with "no memory" or not harmed at all, and the process lives.
 *
 * malloc and its like are taken over here; under a sanitizer, which takes them over itself, nothing
 * fails and only the reads are left.
 */
#include "ledger/query/history.h"
#include "ledger/query/query_pool.h"
#include "process/process.h"
#include "support/ledger_base.h"
#include "support/proc.h"
#include "support/suite.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define ALLOCATIONS_MAX 20000
#define FIRST           100
#define STEP            11

enum ending { HARMLESS = 0, REFUSED = 1, NOT_REACHED = 2, WRONG = 3 };

/* --- the allocator ---------------------------------------------------------------------------- */

static atomic_long left = -1; /* allocations until one fails; below 0: none does */
static atomic_bool lasting;   /* all behind it fail as well */
static atomic_bool failed;

#ifndef __SANITIZE_ADDRESS__
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);

static bool fails(void)
{
    if (atomic_load(&failed) && atomic_load(&lasting))
        return true;
    if (atomic_load(&left) < 0 || atomic_fetch_sub(&left, 1) != 0)
        return false;
    atomic_store(&failed, true);
    return true;
}

void *malloc(size_t size)
{
    return fails() ? (errno = ENOMEM, NULL) : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return fails() ? (errno = ENOMEM, NULL) : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
    return fails() ? (errno = ENOMEM, NULL) : __libc_realloc(old, size);
}
#endif

static void fail_from(long n, bool on)
{
    atomic_store(&failed, false);
    atomic_store(&lasting, on);
    atomic_store(&left, n);
}

static void fail_no_more(void)
{
    atomic_store(&left, -1);
    atomic_store(&lasting, false);
}

/* --- the question ----------------------------------------------------------------------------- */

static char dir[TEST_PATH_MAX], url[TEST_PATH_MAX + 32];

static int group_setup(void **state)
{
    struct migrate_report report;
    if (temp_dir_make(dir) < 0)
        return -1;
    snprintf(url, sizeof(url), "sqlite:%s/ledger.db", dir);
    struct db *db = base_open(url);
    base_migrate(db, &report);
    db_close(db);
    return base_script(url,
                       "INSERT INTO items (sku, partition_no, on_hand, available, held, sold, "
                       "version, max_per_customer, deleted, updated_ms) "
                       "VALUES ('apple', 0, 5, 5, 0, 0, 1, 0, 0, 1);"
                       "INSERT INTO events (partition_no, epoch, seq, n, event_no, at_ms, "
                       "type, sku, available, held, sold, version, "
                       "max_per_customer, available_delta, held_delta, sold_delta) VALUES "
                       "(0, 1, 1, 0, 0, 1, 'create', 'apple', 5, 0, 0, 1, 0, 5, 0, 0)") == DB_OK
               ? 0
               : -1;
}

static int group_teardown(void **state)
{
    temp_dir_remove(dir);
    return 0;
}

static enum db_result read_all(struct db *db)
{
    struct arena arena;
    struct history_movements movements = {.sku = STR("apple"), .before = INT64_MAX, .limit = 10};
    struct history_reservations list = {.sku = STR("apple"), .limit = 10};
    arena_init(&arena, 4096, 1 << 20);
    enum db_result result = history_movements_find(db, &arena, &movements);
    if (result == DB_OK)
        result = history_reservations_find(db, &arena, &list);
    if (result == DB_OK && (!movements.known || movements.count != 1 || list.count != 0))
        result = DB_WRONG; /* a lack of memory must not look like an empty ledger */
    arena_free(&arena);
    return result;
}

/* A statement whose text takes several growths of its buffer. */
static enum db_result write_one(struct db *db)
{
    static const struct db_statement insert = {
        .kind = DB_INSERT,
        .types = "tiiiiiiiii",
        .head = "items",
        .columns = "sku, partition_no, on_hand, available, held, sold, version, max_per_customer, "
                   "deleted, updated_ms",
        .tail = "ON CONFLICT (sku) DO UPDATE SET on_hand = excluded.on_hand, "
                "available = excluded.available, held = excluded.held, sold = excluded.sold, "
                "version = excluded.version, updated_ms = excluded.updated_ms"};
    const struct db_value row[] = {db_text(STR("pear")),
                                   db_int(0),
                                   db_int(1),
                                   db_int(1),
                                   db_int(0),
                                   db_int(0),
                                   db_int(1),
                                   db_int(0),
                                   db_int(0),
                                   db_int(1)};
    enum db_result result = db_begin(db);
    return result == DB_OK ? db_run(db, &insert, row, 1, NULL, NULL, NULL) : result;
}

static enum ending ending_of(enum db_result result)
{
    bool reached = atomic_load(&failed);
    fail_no_more();
    if (result == DB_OK)
        return reached ? HARMLESS : NOT_REACHED;
    if (result != DB_NO_MEMORY)
        fprintf(stderr, "the result is %s\n", db_result_name(result));
    return result == DB_NO_MEMORY && reached ? REFUSED : WRONG;
}

static enum ending alone(long n, bool on)
{
    char err[256];
    struct db *db = NULL;
    fail_from(n, on);
    enum db_result result = db_open(&db, url, err, sizeof(err));
    if (result == DB_OK)
        result = db_begin_read(db);
    if (result == DB_OK)
        result = read_all(db);
    if (result == DB_OK)
        result = write_one(db);
    enum ending ending = ending_of(result);
    db_close(db); /* and rolls back */
    return ending;
}

static enum db_result ask(struct query *q, struct db *db)
{
    (void)q;
    return read_all(db);
}

static void done(struct query *q)
{
    (void)q;
}

static enum ending at_the_desk(long n, bool on)
{
    uv_loop_t loop;
    struct query question = {.ask = ask, .done = done};
    if (worker_start_threads() != 0 || uv_loop_init(&loop) != 0) /* as a worker does */
        return WRONG;
    struct query_pool *pool = query_pool_new(&loop, url);
    fail_from(n, on);
    if (!pool || !query_pool_ask(pool, &question))
        return WRONG;
    uv_run(&loop, UV_RUN_DEFAULT);
    enum ending ending = ending_of(question.result);
    query_pool_free(pool);
    return ending;
}

/* Each in a process of its own: one that ends by a signal shows, and nothing is left over. */
static enum ending in_a_child(enum ending (*way)(long, bool), long n, bool on)
{
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        alarm(60);
        _exit(way(n, on));
    }
    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (!WIFEXITED(status))
        fail_msg("allocation %ld%s: ended by signal %d", n, on ? " and all behind it" : "",
                 WTERMSIG(status));
    if (WEXITSTATUS(status) == WRONG)
        fail_msg("allocation %ld%s: not answered with \"no memory\"", n,
                 on ? " and all behind it" : "");
    return (enum ending)WEXITSTATUS(status);
}

/* Every one of the first; of the many that SQLite makes to read a schema every one, or a sample. */
static void check(enum ending (*way)(long, bool), bool every)
{
    for (int on = 0; on < 2; on++) {
        long n = 0, refused = 0;
        for (enum ending e; n < ALLOCATIONS_MAX && (e = in_a_child(way, n, on)) != NOT_REACHED;
             n += n < FIRST || (every && on == 0) ? 1 : STEP)
            refused += e == REFUSED;
        assert_true(n < ALLOCATIONS_MAX);
#ifndef __SANITIZE_ADDRESS__
        assert_true(n > 10 && refused > 10);
#endif
    }
}

TEST(a_first_use_without_memory_is_refused)
{
    check(alone, true);
}

TEST(a_first_question_without_memory_is_refused)
{
    check(at_the_desk, false);
}

ALL_BETWEEN(group_setup, group_teardown)
