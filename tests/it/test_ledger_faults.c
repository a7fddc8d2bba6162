/* test_ledger_faults.c -- whatever dies, hangs, fills up or is tampered with between Redis and SQL:
 * what was promised to a client is in SQL once, an audit finds no difference, and what does not
 * follow stops the partition instead of being skipped.
 *
 * SEED in the environment repeats a random sequence of kills.
 */
#include "random.h"
#include "support/faultproxy.h"
#include "support/fixture.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define STOCK  1000000
#define EVENTS "{p0}:events"

static struct tservice second; /* on the same Redis and the same database */
static uint64_t seed;

/* --- processes -------------------------------------------------------------------------------- */

/* A Redis that loses nothing. A busy disk may hold it up for seconds. */
#define start(...)                                                                                 \
    serve(.redis.aof = TREDIS_AOF_ALWAYS, .workers = 2, .ledger = *state,                          \
          .flags = {"--request-timeout", "20s"}, __VA_ARGS__)

static int end(void **state)
{
    bool fine = tservice_stop(&second);
    second = (struct tservice){0};
    return serve_end(state) == 0 && fine ? 0 : -1;
}

static void kill_one(const char *role)
{
    pid_t pid = 0;
    assert_true(await((pid = pid_of(role)) > 0, RECOVERY_MS));
    kill(pid, SIGKILL);
    assert_true(await(!tproc_pid_alive(pid), RECOVERY_MS));
}

/* --- several partitions ----------------------------------------------------------------------- */

static void every_partition_survives_its_applier(void **state)
{
    start(.partitions = 4);
    ledger_load_start(&load);
    for (int round = 0; round < 3; round++) {
        ledger_load_await(&load, 300);
        kill_one(TSERVICE_LEDGER);
    }
    ledger_load_await(&load, 300);
    ledger_load_stop_and_check(&load);
    assert_int_equal(atomic_load(&load.refused), 0);
    assert_int_equal(sql_int("SELECT COUNT(*) FROM checkpoints WHERE seq >= 0"), 4);
    assert_true(sql_int("SELECT COUNT(DISTINCT partition_no) FROM events "
                        "WHERE sku IS NOT NULL") > 1);
}

/* --- a full disk ------------------------------------------------------------------------------ */

static rlim_t size_of(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 ? (rlim_t)st.st_size : 0;
}

static void limit_files_of(pid_t pid, rlim_t bytes)
{
    struct rlimit limit;
    assert_int_equal(prlimit(pid, RLIMIT_FSIZE, NULL, &limit), 0);
    limit.rlim_cur = bytes;
    assert_int_equal(prlimit(pid, RLIMIT_FSIZE, &limit, NULL), 0);
}

/* The kernel refuses to let the applier's files grow, in the middle of whatever it writes. */
static void a_full_disk_makes_nobody_wait(void **state)
{
    start();
    ledger_load_start(&load);
    ledger_load_await(&load, 300);
    const char *file = bases.url + strlen("sqlite:");
    rlim_t main_bytes = size_of(file), wal_bytes = size_of(text("%s-wal", file));
    pid_t pid = pid_of(TSERVICE_LEDGER);
    assert_true(pid > 0);
    limit_files_of(pid, (main_bytes > wal_bytes ? main_bytes : wal_bytes) + 64 * 1024);
    assert_true(await(metric("stockd_ledger_errors_total") >= 2, RECOVERY_MS));
    int64_t held = ledger_checkpoint(&load, 0);
    ledger_load_await(&load, 500);
    assert_true(await(metric("stockd_ledger_lag_events") >= 200, RECOVERY_MS));
    assert_int_equal(ledger_checkpoint(&load, 0), held);
    assert_int_equal(pid_of(TSERVICE_LEDGER), pid); /* an error, not its end */
    assert_true(log_has("the ledger waits for its database", "the disk is full"));
    limit_files_of(pid, RLIM_INFINITY);
    ledger_load_await(&load, 300);
    ledger_load_stop_and_check(&load);
    assert_int_equal(atomic_load(&load.refused), 0);
    assert_int_equal(pid_of(TSERVICE_LEDGER), pid);
}

static int migrate_within(const char *blocks)
{
    const char *command = text("ulimit -f %s; %s migrate --ledger '%s' >/dev/null 2>%s/migrate.err",
                               blocks, getenv("STOCKD"), bases.url, bases.dir);
    int status = system(command);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* 64 blocks, of 512 or 1,024 bytes, take some of the schema's files. */
static void a_migration_without_room_goes_on_later(void **state)
{
    bases_fresh(&bases, BASE_SQLITE);
    assert_int_equal(migrate_within("64"), 1);
    assert_true(sql_int("SELECT schema_version FROM ledger_meta") < SCHEMA_FILES);
    assert_int_equal(migrate_within("unlimited"), 0);
    assert_int_equal(sql_int("SELECT schema_version FROM ledger_meta"), SCHEMA_FILES);
}

/* --- a past that does not follow -------------------------------------------------------------- */

/* Meta's state begins with these words. */
static void check_meta_says(const char *words)
{
    redisReply *reply = redis_ask(&stack.redis, "HGET {p0}:meta state");
    assert_int_equal(reply->type, REDIS_REPLY_STRING);
    if (strncmp(reply->str, words, strlen(words)) != 0)
        fail_msg("meta says %s", reply->str);
    freeReplyObject(reply);
}

static void open_by_hand(void)
{
    assert_int_equal(redis_int("HSET {p0}:meta state open"), 0);
}

static void move_in_sql(const char *sku, int by)
{
    const char *sql = text("UPDATE items SET version = version + %d WHERE sku = '%s'", by, sku);
    sql_run(sql);
}

static void a_fork_closes_the_partition(void **state)
{
    start();
    const char *sku = api_item(a, STOCK, 0), *other = api_item(a, STOCK, 0);
    assert_true(await(ledger_caught_up(&load), RECOVERY_MS));
    int64_t before = ledger_checkpoint(&load, 0);
    move_in_sql(sku, 5);
    assert_int_equal(hold_status(sku), 201); /* the one that does not follow */
    assert_true(await(problem_is(other, "partition-closed"), RECOVERY_MS));
    check_meta_says("closed: ledger: ");
    assert_true(log_has("closing a partition", text("%s has version 6 in the ledger", sku)));
    assert_true(metric("stockd_ledger_errors_total") > 0);

    /* Opened by hand, it is closed again: what is wrong is still there. */
    open_by_hand();
    assert_true(await(problem_is(other, "partition-closed"), RECOVERY_MS));
    assert_int_equal(ledger_checkpoint(&load, 0), before);

    move_in_sql(sku, -5);
    open_by_hand();
    assert_true(await(hold_status(sku) == 201, RECOVERY_MS));
    assert_true(await(ledger_caught_up(&load), RECOVERY_MS));
    assert_true(ledger_checkpoint(&load, 0) > before);
    assert_int_equal(sql_int("SELECT COUNT(*) FROM events WHERE sku IS NOT NULL"),
                     sql_int("SELECT SUM(version) FROM items"));
    ledger_audit_is_equal(&load);
}

static void an_unknown_event_closes_the_partition(void **state)
{
    start();
    const char *sku = api_item(a, STOCK, 0);
    assert_true(await(ledger_caught_up(&load), RECOVERY_MS));
    int64_t before = ledger_checkpoint(&load, 0);
    pid_t pid = pid_of(TSERVICE_LEDGER);
    assert_true(pid > 0);
    kill(pid, SIGSTOP); /* so that something comes behind it */
    api_reserve(a, sku, 1, 0);
    /* As a newer version would write it. */
    redis_do(&stack.redis, "XADD " EVENTS " 1-* e %b", "\x63\x01\x02", (size_t)3);
    api_reserve(a, sku, 1, 0);
    kill(pid, SIGCONT);
    assert_true(await(problem_is(sku, "partition-closed"), RECOVERY_MS));
    check_meta_says("closed: ledger: ");
    assert_true(log_has("closing a partition", "format"));
    assert_int_equal(ledger_checkpoint(&load, 0), before + 1); /* up to it */

    open_by_hand();
    assert_true(await(problem_is(sku, "partition-closed"), RECOVERY_MS));
    assert_int_equal(ledger_checkpoint(&load, 0), before + 1);
    assert_int_equal(sql_int("SELECT version FROM items"), 2);
    assert_true(redis_int("XLEN " EVENTS) >= 3); /* what waits is kept */
}

/* --- lost answers ----------------------------------------------------------------------------- */

/* COMMIT arrives, its answer does not, or but for a byte of it. */
static void lose_a_commit(struct fault_proxy *proxy, uint64_t answered_bytes)
{
    const struct fault_rule rule = {.action = FAULT_CUT_RST,
                                    .direction = FAULT_DOWN,
                                    .after = answered_bytes,
                                    .anchor = FAULT_BEHIND_PATTERN,
                                    .pattern = "COMMIT"};
    fault_proxy_arm(proxy, &rule);
    assert_true(await(fault_proxy_struck_on(proxy) > 0, RECOVERY_MS));
    fault_proxy_disarm(proxy);
}

static void a_lost_answer_to_commit_counts_once(void **state)
{
    struct fault_proxy proxy;
    const char *upstream = text("redis://127.0.0.1:%d", bases.pg.port);
    assert_int_equal(fault_proxy_start(&proxy, upstream, 1), 0);
    start(.ledger_url = text("postgresql://stockd:%s@127.0.0.1:%d/stockd?sslmode=disable",
                             TPG_PASSWORD, proxy.port));
    ledger_load_start(&load);
    for (uint64_t round = 0; round < 6; round++) {
        ledger_load_await(&load, 100);
        lose_a_commit(&proxy, round % 2);
    }
    ledger_load_await(&load, 300);
    ledger_load_stop_and_check(&load);
    assert_int_equal(atomic_load(&load.refused), 0);
    assert_true(metric("stockd_ledger_errors_total") > 0);
    assert_true(tservice_stop(&stack.service)); /* which would miss the proxy */
    fault_proxy_stop(&proxy);
}

/* --- two services ----------------------------------------------------------------------------- */

static void a_frozen_applier_does_no_harm(void **state)
{
    start();
    serve_beside(&second, .workers = 2);
    ledger_load_start(&load);
    ledger_load_aim(&load, second.port, 2);
    for (int round = 0; round < 3; round++) {
        ledger_load_await(&load, 300);
        pid_t pid = pid_of(TSERVICE_LEDGER);
        assert_true(pid > 0);
        kill(pid, SIGSTOP);
        ledger_load_await(&load, 600);
        kill(pid, SIGCONT);
    }
    ledger_load_await(&load, 300);
    ledger_load_stop_and_check(&load);
    assert_int_equal(atomic_load(&load.refused), 0);
    assert_true(tservice_stop(&second));
}

/* --- anything --------------------------------------------------------------------------------- */

enum victim { WORKER, KEEPER, APPLIER, SERVICE, REDIS, SQL, VICTIMS };

static const char *const victim_names[VICTIMS] = {"a worker",    "the keeper", "the applier",
                                                  "the service", "Redis",      "SQL"};

/* The master's children end with it. Clients are told the new address, as a proxy would. */
static void kill_service(void)
{
    tservice_kill9(&stack.service);
    assert_int_equal(
        serve_try(&(struct fixture){.workers = 2, .ledger = ON_SQLITE /* the one that is there */}),
        0);
    ledger_load_aim(&load, stack.service.port, 1);
}

static void kill_victim(enum victim victim)
{
    switch (victim) {
    case WORKER: kill_one(TSERVICE_WORKER); break;
    case KEEPER: kill_one(TSERVICE_KEEPER); break;
    case APPLIER: kill_one(TSERVICE_LEDGER); break;
    case SERVICE: kill_service(); break;
    case REDIS:
        tredis_kill9(&stack.redis);
        assert_int_equal(tredis_restart(&stack.redis), 0);
        break;
    default: fail();
    }
}

/* SQL goes away while all is well, since only SQL can tell that a restarted Redis is the present.
 */
static struct db *lose_sql(struct rng *rng)
{
    ledger_load_await(&load, 20);
    struct db *other = ledger_outage_begin(&bases);
    ledger_load_await(&load, (int)rng_below(rng, 400));
    return other;
}

/* SQL stays away until the next one was killed, so two things are down together. */
static void any_sequence_of_kills_keeps_every_promise(void **state)
{
    struct rng rng;
    struct db *other = NULL;
    bool away = false;
    int kills = tservice_is_slow() ? 5 : 8;
    rng_seed(&rng, seed + (uint64_t)engine_of(state));
    start();
    ledger_load_start(&load);
    ledger_load_await(&load, 100);
    for (int i = 0; i < kills; i++) {
        enum victim victim = (enum victim)rng_below(&rng, away ? SQL : VICTIMS);
        /* A service that starts waits for the lock of a file, though not for a server. */
        bool first = away && victim == SERVICE && engine_of(state) == BASE_SQLITE;
        print_message("kills %s%s\n", victim_names[victim], away ? " while SQL is away" : "");
        if (first)
            ledger_outage_end(&bases, other);
        if (victim == SQL)
            other = lose_sql(&rng);
        else
            kill_victim(victim);
        if (away && !first)
            ledger_outage_end(&bases, other);
        away = victim == SQL;
        ledger_load_await(&load, away ? 0 : (int)rng_below(&rng, 400));
    }
    if (away)
        ledger_outage_end(&bases, other);
    await_ready();
    ledger_load_await(&load, 300);
    ledger_load_stop_and_check(&load);
}

/* --- the suite -------------------------------------------------------------------------------- */

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(every_partition_survives_its_applier),
        SQLITE_TEST(a_full_disk_makes_nobody_wait),
        PLAIN_TEST(a_migration_without_room_goes_on_later),
        ON_BOTH(a_fork_closes_the_partition),
        ON_BOTH(an_unknown_event_closes_the_partition),
        POSTGRES_TEST(a_lost_answer_to_commit_counts_once),
        ON_ENGINES(a_frozen_applier_does_no_harm, NULL, end),
        ON_BOTH(any_sequence_of_kills_keeps_every_promise),
    };
    seed = seed_of_run();
    return run_each("ledger faults", tests);
}
