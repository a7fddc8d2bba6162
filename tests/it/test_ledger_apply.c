/* test_ledger_apply.c -- a stream into the ledger: whole, once, and nothing when it does not fit.
 *
 * Every test runs on SQLite and on PostgreSQL. SEED comes from the environment.
 */
#include "ledger/db_engine.h"
#include "random.h"
#include "support/faultproxy.h"
#include "support/fixture.h"
#include "support/past_in_sql.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define OPERATIONS 1500

static struct past past;
static uint64_t seed;

/* --- applying --------------------------------------------------------------------------------- */

static size_t some_size(struct rng *rng, size_t left)
{
    size_t n = 1 + rng_below(rng, rng_below(rng, 3) == 0 ? 200 : 8);
    return n < left ? n : left;
}

/* Everything from `from` on, in chunks of all sizes. */
static void apply_rest(struct db *db, size_t from)
{
    struct apply apply;
    struct rng rng;
    rng_seed(&rng, seed);
    apply_init(&apply, db, 0);
    while (from < past.count) {
        size_t n = some_size(&rng, past.count - from);
        enum apply_result result = apply_chunk(&apply, past.entries + from, n);
        if (result != APPLY_DONE)
            fail_msg("%d: %s", (int)result, apply.why);
        from += n;
    }
    assert_int_equal(apply.at.id.epoch, past.entries[past.count - 1].id.epoch);
    assert_int_equal(apply.at.id.seq, past.entries[past.count - 1].id.seq);
    apply_free(&apply);
}

static enum apply_result apply_once(struct db *db, const struct event_entry *entries, size_t count,
                                    struct apply *out)
{
    apply_init(out, db, 0);
    enum apply_result result = apply_chunk(out, entries, count);
    apply_free(out);
    return result;
}

static int64_t rows_in_sql(void)
{
    return sql_int("SELECT COUNT(*) FROM events");
}

static void random_past_is_told_exactly(void **state)
{
    struct db *db = bases_ledger(&bases, engine_of(state));
    apply_rest(db, 0);
    db_close(db);
    past_check_sql(&past, bases.url);
}

static void the_same_chunk_twice_counts_once(void **state)
{
    struct db *db = bases_ledger(&bases, engine_of(state));
    struct apply apply;
    assert_int_equal(apply_once(db, past.entries, 40, &apply), APPLY_DONE);
    int64_t rows = rows_in_sql();
    assert_int_equal(apply_once(db, past.entries, 40, &apply), APPLY_THERE);
    assert_int_equal(apply_once(db, past.entries + 7, 20, &apply), APPLY_THERE);
    assert_int_equal(rows_in_sql(), rows);
    assert_int_equal(apply.at.id.epoch, past.entries[39].id.epoch);
    assert_int_equal(apply.at.id.seq, past.entries[39].id.seq);
    assert_int_equal(apply_once(db, past.entries + 30, 30, &apply), APPLY_DONE);
    apply_rest(db, 60);
    db_close(db);
    past_check_sql(&past, bases.url);
}

static void checkpoint_is_read_back(void **state)
{
    struct db *db = bases_ledger(&bases, engine_of(state));
    struct apply apply;
    apply_init(&apply, db, 0);
    assert_int_equal(apply_checkpoint(&apply), APPLY_DONE);
    assert_int_equal(apply.at.id.epoch, 0);
    assert_int_equal(apply_chunk(&apply, past.entries, 5), APPLY_DONE);
    struct checkpoint was = apply.at;
    assert_int_equal(apply_checkpoint(&apply), APPLY_DONE);
    assert_memory_equal(&was, &apply.at, sizeof(was));
    assert_true(was.at_ms > 0);
    apply_free(&apply);
    db_close(db);
}

/* --- what must be refused --------------------------------------------------------------------- */

static void gaps_are_refused(void **state)
{
    struct db *db = bases_ledger(&bases, engine_of(state));
    struct apply apply;
    struct event_entry chunk[3];
    assert_int_equal(apply_once(db, past.entries + 1, 3, &apply), APPLY_GAP);
    assert_int_equal(apply.good, 0);
    assert_int_equal(apply_once(db, past.entries, 4, &apply), APPLY_DONE);
    int64_t rows = rows_in_sql();
    assert_int_equal(apply_once(db, past.entries + 5, 3, &apply), APPLY_GAP);
    assert_non_null(strstr(apply.why, "after 1-3 comes 1-4 or 2-0, but there is 1-5"));
    memcpy(chunk, past.entries + 4, sizeof(chunk));
    chunk[2].id.seq++;
    assert_int_equal(apply_once(db, chunk, 3, &apply), APPLY_GAP);
    assert_int_equal(apply.good, 2);
    chunk[0].id.epoch = 3; /* an epoch is missing as a whole */
    chunk[0].id.seq = 0;
    assert_int_equal(apply_once(db, chunk, 1, &apply), APPLY_GAP);
    assert_int_equal(rows_in_sql(), rows);
    apply_rest(db, 4);
    db_close(db);
    past_check_sql(&past, bases.url);
}

/* A new epoch begins with an event that says so, and only there is one. */
static void epochs_begin_with_their_event(void **state)
{
    struct db *db = bases_ledger(&bases, engine_of(state));
    struct apply apply;
    assert_int_equal(apply_once(db, past.entries, 2, &apply), APPLY_DONE);
    struct event_entry wrong = past.entries[2];
    wrong.id.epoch = 2;
    wrong.id.seq = 0;
    assert_int_equal(apply_once(db, &wrong, 1, &apply), APPLY_FORMAT);
    wrong = past.entries[0];
    wrong.id.seq = 2;
    assert_int_equal(apply_once(db, &wrong, 1, &apply), APPLY_FORMAT);
    db_close(db);
}

static void unknown_formats_are_refused(void **state)
{
    struct db *db = bases_ledger(&bases, engine_of(state));
    struct apply apply;
    char bytes[4096];
    struct event_entry chunk[3];
    memcpy(chunk, past.entries, sizeof(chunk));
    size_t n = chunk[2].bytes.n;
    assert_true(n > 8 && n < sizeof(bytes));
    memcpy(bytes, chunk[2].bytes.p, n);
    chunk[2].bytes.p = bytes;
    bytes[0] = 9; /* a format to come */
    assert_int_equal(apply_once(db, chunk, 3, &apply), APPLY_FORMAT);
    assert_int_equal(apply.good, 2);
    bytes[0] = EVENT_FULL;
    for (size_t cut = 0; cut < 8; cut++) {
        chunk[2].bytes.n = cut;
        assert_int_equal(apply_once(db, chunk, 3, &apply), APPLY_FORMAT);
    }
    chunk[2].bytes.n = n - 1; /* ends within its last text or number */
    assert_int_equal(apply_once(db, chunk, 3, &apply), APPLY_FORMAT);
    assert_int_equal(rows_in_sql(), 0);
    db_close(db);
}

/* One event in an entry of its own. */
static struct event_entry entry_of(struct buf *bytes, int64_t seq, const struct event *event)
{
    buf_reset(bytes);
    event_begin(bytes, 1000);
    event_put(bytes, event, 1000);
    return (struct event_entry){{1, seq}, buf_str(bytes)};
}

static void other_pasts_are_refused(void **state)
{
    struct db *db = bases_ledger(&bases, engine_of(state));
    struct apply apply;
    struct buf bytes;
    struct event_line line = {STR("one"), 5, 5, 0, 0, 1, 0};
    struct event create = {.type = EVENT_CREATE, .line_count = 1, .lines = &line};
    struct event sale = {.type = EVENT_DECREMENT, .line_count = 1, .lines = &line};
    struct event release = {
        .type = EVENT_RELEASE, .line_count = 1, .lines = &line, .has_rid = true};
    buf_init(&bytes, 4096);
    assert_int_equal(apply_once(db, past.entries, 1, &apply), APPLY_DONE);
    struct event_entry entry = entry_of(&bytes, 1, &sale);
    assert_int_equal(apply_once(db, &entry, 1, &apply), APPLY_FORK); /* of what never was */
    entry = entry_of(&bytes, 1, &create);
    assert_int_equal(apply_once(db, &entry, 1, &apply), APPLY_DONE);
    line = (struct event_line){STR("one"), 1, 4, 0, 1, 3, 0};
    entry = entry_of(&bytes, 2, &sale);
    assert_int_equal(apply_once(db, &entry, 1, &apply), APPLY_FORK); /* version 2 is missing */
    assert_non_null(strstr(apply.why, "one has version 1 in the ledger, and 3 follows"));
    line.version = 2;
    entry = entry_of(&bytes, 2, &release);
    assert_int_equal(apply_once(db, &entry, 1, &apply), APPLY_FORK); /* of what was never held */
    line.available = 5;
    entry = entry_of(&bytes, 2, &sale);
    assert_int_equal(apply_once(db, &entry, 1, &apply), APPLY_FORK); /* a unit from nowhere */
    line = (struct event_line){STR("one"), 1, 4, 0, 1, 2 + PROJECTION_RESTORE_STEP, 0};
    entry = entry_of(&bytes, 2, &sale);
    assert_int_equal(apply_once(db, &entry, 1, &apply), APPLY_DONE); /* a restore came between */
    assert_int_equal(rows_in_sql(), 3);
    buf_free(&bytes);
    db_close(db);
}

static void texts_no_database_takes_are_refused(void **state)
{
    static const struct str bad[] = {
        {"a\0b", 3},  {"\xff", 1}, {"\xc0\x80", 2}, {"\xed\xa0\x80", 3}, {"\xf4\x90\x80\x80", 4},
        {"ab\xc3", 3}};
    struct db *db = bases_ledger(&bases, engine_of(state));
    struct apply apply;
    struct buf bytes;
    struct event_line line = {STR("one"), 5, 5, 0, 0, 1, 0};
    struct event create = {.type = EVENT_CREATE, .line_count = 1, .lines = &line};
    buf_init(&bytes, 4096);
    assert_int_equal(apply_once(db, past.entries, 1, &apply), APPLY_DONE);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        create.reason = bad[i];
        struct event_entry entry = entry_of(&bytes, 1, &create);
        assert_int_equal(apply_once(db, &entry, 1, &apply), APPLY_FORMAT);
    }
    create.reason = STR("\xf4\x8f\xbf\xbf \xe2\x82\xac \xc3\xab");
    struct event_entry entry = entry_of(&bytes, 1, &create);
    assert_int_equal(apply_once(db, &entry, 1, &apply), APPLY_DONE);
    buf_free(&bytes);
    db_close(db);
}

/* --- deaths and races ------------------------------------------------------------------------- */

static enum db_result die(struct db *db)
{
    raise(SIGKILL);
    return DB_OK;
}

/* Runs fn in a child; how it ended. */
static int in_child(void (*fn)(enum base_engine engine), enum base_engine engine)
{
    int status = 0;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        fn(engine);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void apply_and_die(enum base_engine engine)
{
    struct db *db = base_open(bases.url);
    struct db_ops ops = *db->ops;
    struct apply apply;
    ops.commit = die;
    db->ops = &ops;
    (void)apply_once(db, past.entries + 50, 50, &apply);
}

static void a_kill_before_commit_leaves_the_old_checkpoint(void **state)
{
    struct db *db = bases_ledger(&bases, engine_of(state));
    struct apply apply;
    assert_int_equal(apply_once(db, past.entries, 50, &apply), APPLY_DONE);
    int64_t rows = rows_in_sql();
    int status = in_child(apply_and_die, engine_of(state));
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    assert_int_equal(rows_in_sql(), rows);
    assert_int_equal(sql_int("SELECT seq FROM checkpoints"), past.entries[49].id.seq);
    apply_rest(db, 50);
    db_close(db);
    past_check_sql(&past, bases.url);
}

/* From the start, over and over from where the database is, until it holds all. */
static void apply_all_racing(enum base_engine engine)
{
    struct db *db = base_open(bases.url);
    struct apply apply;
    struct rng rng;
    rng_seed(&rng, seed ^ (uint64_t)getpid());
    apply_init(&apply, db, 0);
    for (size_t at = 0; at < past.count;) {
        size_t n = some_size(&rng, past.count - at);
        enum apply_result result = apply_chunk(&apply, past.entries + at, n);
        if (result == APPLY_DONE || result == APPLY_THERE)
            at += n;
        else if (result != APPLY_DB || apply.db_result != DB_AGAIN)
            _exit(1);
    }
    apply_free(&apply);
    db_close(db);
}

static void racing_appliers_count_each_event_once(void **state)
{
    enum { APPLIERS = 3 };
    pid_t pids[APPLIERS];
    db_close(bases_ledger(&bases, engine_of(state)));
    for (int i = 0; i < APPLIERS; i++) {
        pids[i] = fork();
        assert_true(pids[i] >= 0);
        if (pids[i] == 0) {
            apply_all_racing(engine_of(state));
            _exit(0);
        }
    }
    for (int i = 0; i < APPLIERS; i++) {
        int status = 1;
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_int_equal(status, 0);
    }
    past_check_sql(&past, bases.url);
}

/* --- one engine's troubles -------------------------------------------------------------------- */

static void a_full_sqlite_disk_loses_nothing(void **state)
{
    struct db *db = bases_ledger(&bases, BASE_SQLITE);
    struct apply apply;
    size_t at = 0;
    assert_int_equal(db_script(db, STR("PRAGMA max_page_count=64")), DB_OK);
    while (at + 20 < past.count && apply_once(db, past.entries + at, 20, &apply) == APPLY_DONE)
        at += 20;
    assert_int_equal(apply.db_result, DB_FULL);
    assert_true(at > 0);
    assert_int_equal(sql_int("SELECT seq FROM checkpoints"), past.entries[at - 1].id.seq);
    assert_int_equal(db_script(db, STR("PRAGMA max_page_count=1000000")), DB_OK);
    apply_rest(db, at);
    db_close(db);
    past_check_sql(&past, bases.url);
}

/* The limit of the kernel on a file: an error in the middle of a write. */
static void apply_to_the_limit(enum base_engine engine)
{
    struct apply apply;
    struct rlimit limit = {.rlim_cur = 400000, .rlim_max = 400000};
    enum apply_result result = APPLY_DONE;
    struct db *db = base_open(bases.url);
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &limit);
    for (size_t at = 0; at < past.count - 20 && result == APPLY_DONE; at += 20)
        result = apply_once(db, past.entries + at, 20, &apply);
    _exit(result == APPLY_DB && apply.db_result == DB_FULL ? 0 : 1);
}

static void a_file_limit_is_a_full_disk(void **state)
{
    struct db *db = bases_ledger(&bases, BASE_SQLITE);
    struct apply apply;
    db_close(db);
    assert_int_equal(in_child(apply_to_the_limit, BASE_SQLITE), 0);
    db = base_open(bases.url);
    apply_init(&apply, db, 0);
    assert_int_equal(apply_checkpoint(&apply), APPLY_DONE);
    size_t at = 0;
    while (past.entries[at].id.epoch != apply.at.id.epoch ||
           past.entries[at].id.seq != apply.at.id.seq)
        at++;
    apply_free(&apply);
    apply_rest(db, at + 1);
    db_close(db);
    past_check_sql(&past, bases.url);
}

static void a_crash_of_the_server_loses_nothing(void **state)
{
    struct db *db = bases_ledger(&bases, BASE_POSTGRES);
    struct apply apply;
    assert_int_equal(apply_once(db, past.entries, 50, &apply), APPLY_DONE);
    tpg_kill9(&bases.pg);
    assert_int_equal(apply_once(db, past.entries + 50, 50, &apply), APPLY_DB);
    assert_int_equal(apply.db_result, DB_AGAIN);
    assert_int_equal(tpg_restart(&bases.pg), 0);
    assert_int_equal(sql_int("SELECT seq FROM checkpoints"), past.entries[49].id.seq);
    apply_rest(db, 50); /* on the same handle: it connects again */
    db_close(db);
    past_check_sql(&past, bases.url);
}

/* COMMIT arrives and its answer does not, but for one byte that proves that there was one. */
static void a_lost_answer_to_commit_is_unknown(void **state)
{
    struct fault_proxy proxy;
    char upstream[64], url[BASE_URL_SIZE];
    struct apply apply;
    db_close(bases_ledger(&bases, BASE_POSTGRES));
    snprintf(upstream, sizeof(upstream), "redis://127.0.0.1:%d", bases.pg.port);
    assert_int_equal(fault_proxy_start(&proxy, upstream, 1), 0);
    snprintf(url, sizeof(url), "postgresql://stockd:%s@127.0.0.1:%d/stockd?sslmode=disable",
             TPG_PASSWORD, proxy.port);
    struct db *db = base_open(url);
    const struct fault_rule rule = {.action = FAULT_CUT_RST,
                                    .direction = FAULT_DOWN,
                                    .after = 1,
                                    .anchor = FAULT_BEHIND_PATTERN,
                                    .pattern = "COMMIT"};
    fault_proxy_arm(&proxy, &rule);
    assert_int_equal(apply_once(db, past.entries, 50, &apply), APPLY_DB);
    assert_int_equal(apply.db_result, DB_UNKNOWN);
    fault_proxy_disarm(&proxy);
    assert_int_equal(apply_once(db, past.entries, 50, &apply), APPLY_THERE);
    apply_rest(db, 50);
    db_close(db);
    fault_proxy_stop(&proxy);
    past_check_sql(&past, bases.url);
}

/* --- the suite -------------------------------------------------------------------------------- */

static void begin(void)
{
    seed = seed_of_run();
    past_make(&past, seed, OPERATIONS);
}

static void end(void)
{
    past_free(&past);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(random_past_is_told_exactly),
        ON_BOTH(the_same_chunk_twice_counts_once),
        ON_BOTH(checkpoint_is_read_back),
        ON_BOTH(gaps_are_refused),
        ON_BOTH(epochs_begin_with_their_event),
        ON_BOTH(unknown_formats_are_refused),
        ON_BOTH(other_pasts_are_refused),
        ON_BOTH(texts_no_database_takes_are_refused),
        ON_BOTH(a_kill_before_commit_leaves_the_old_checkpoint),
        ON_BOTH(racing_appliers_count_each_event_once),
        SQLITE_TEST(a_full_sqlite_disk_loses_nothing),
        SQLITE_TEST(a_file_limit_is_a_full_disk),
        POSTGRES_TEST(a_crash_of_the_server_loses_nothing),
        POSTGRES_TEST(a_lost_answer_to_commit_is_unknown),
    };
    return run_each_with("ledger apply", tests, begin, end);
}
