/* test_opening.c -- the opening of an epoch by the ledger process, under load: cut anywhere, killed
 * anywhere, by two at once, with SQL away. Each time the store is open again by itself, no request
 * fails, and Redis and SQL are equal.
 *
 * Redis takes another replication id when it is told to, as it does when its first replica comes:
 * whoever opens epochs has to open the next one. SEED in the environment repeats the points of the
 * sweeps.
 */
#include "random.h"
#include "support/fixture.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#define CUTS 14

static struct fault_proxy proxy;
static struct tservice second = {.proc = {.pidfd = -1, .out_fd = -1}};

/* --- the rig ---------------------------------------------------------------------------------- */

#define start(...)                                                                                 \
    serve(.redis.aof = TREDIS_AOF_ALWAYS, .ledger = *state, .flags = {"--request-timeout", "30s"}, \
          __VA_ARGS__)

static int end(void **state)
{
    bool fine = tservice_stop(&second);
    return serve_end(state) == 0 && fine ? 0 : -1;
}

static bool meta_is(const char *field, const char *begins)
{
    redisReply *reply = redis_ask(&stack.redis, text("HGET {p0}:meta %s", field));
    bool is = reply->type == REDIS_REPLY_STRING && strncmp(reply->str, begins, strlen(begins)) == 0;
    freeReplyObject(reply);
    return is;
}

static int64_t epoch(void)
{
    return redis_int("HGET {p0}:meta epoch");
}

static void change_replication_id(void)
{
    redis_do(&stack.redis, "DEBUG CHANGE-REPL-ID");
}

/* Open in a later epoch than that one, which SQL is in as well. */
static void await_opened(int64_t before)
{
    assert_true(await(epoch() > before && meta_is("state", "open"), RECOVERY_MS));
    assert_true(await(sql_int("SELECT epoch FROM checkpoints") == epoch(), RECOVERY_MS));
}

static void load_some(void)
{
    ledger_load_await(&load, 100);
}

/* What was answered is in Redis and in SQL, once; and nobody was refused. */
static void end_load(void)
{
    load_some();
    ledger_load_stop_and_check(&load);
    assert_int_equal(atomic_load(&load.refused), 0);
}

/* --- nothing else happens --------------------------------------------------------------------- */

static void another_replication_id_is_an_epoch_and_no_more(void **state)
{
    start(.workers = 2);
    int64_t opened = metric("stockd_epochs_opened_total");
    ledger_load_start(&load);
    for (int i = 0; i < 4; i++) {
        int64_t before = epoch();
        load_some();
        change_replication_id();
        await_opened(before);
        assert_int_equal(epoch(), before + 1);
    }
    end_load();
    assert_int_equal(metric("stockd_epochs_opened_total"), opened + 4);
    assert_int_equal(metric("stockd_opening_seconds_count"), 4);
    assert_int_equal(metric("stockd_rolled_forward_total"), 0);
}

/* Nobody may be asked: the keeper opens. */
static void without_a_ledger_as_well(void **state)
{
    (void)state;
    serve(.redis.aof = TREDIS_AOF_ALWAYS, .workers = 2, .flags = {"--request-timeout", "30s"});
    const char *sku = api_item(a, 100, 0);
    for (int i = 0; i < 3; i++) {
        int64_t before = epoch();
        change_replication_id();
        api_reserve(a, sku, 1, 600);
        assert_true(await(epoch() == before + 1 && meta_is("state", "open"), RECOVERY_MS));
    }
    api_reserve(a, sku, 1, 600);
    check_item(a, sku, 100, 96, 4, 0, 5);
    assert_true(log_has("another replication id", "not known"));
}

/* --- cut -------------------------------------------------------------------------------------- */

#define CLAIM_MS   20000
#define CLAIMS_MAX 6
#define SIGN       "closed: opening "

/* The bytes of an opening behind its sign. */
static uint64_t bytes_of_opening(enum fault_direction direction)
{
    const struct fault_rule count = {
        .action = FAULT_COUNT, .direction = FAULT_UP, .anchor = FAULT_AT_PATTERN, .pattern = SIGN};
    int64_t before = epoch();
    fault_proxy_arm(&proxy, &count);
    change_replication_id();
    await_opened(before);
    struct fault_status seen = fault_proxy_status(&proxy, fault_proxy_anchored_on(&proxy));
    return seen.counted[direction];
}

static void cut_openings(enum fault_direction direction)
{
    uint64_t bytes = bytes_of_opening(direction), part = bytes / CUTS + 1, random;
    for (uint64_t i = 0; i < CUTS; i++) {
        random_bytes(&random, sizeof(random));
        const struct fault_rule cut = {.action = FAULT_CUT_RST,
                                       .direction = direction,
                                       .after = i * part + random % part,
                                       .anchor = FAULT_AT_PATTERN,
                                       .pattern = SIGN};
        int64_t before = epoch();
        fault_proxy_arm(&proxy, &cut);
        change_replication_id();
        await_opened(before);
    }
    fault_proxy_disarm(&proxy);
}

static void an_opening_may_be_cut_at_any_byte(void **state)
{
    start(.behind = &proxy);
    ledger_load_start(&load);
    load_some();
    cut_openings(FAULT_UP);
    cut_openings(FAULT_DOWN);
    end_load();
}

/* --- killed ----------------------------------------------------------------------------------- */

static void kill_ledger_process(void)
{
    pid_t pid = 0;
    assert_true(await((pid = pid_of(TSERVICE_LEDGER)) > 0, RECOVERY_MS));
    kill(pid, SIGKILL);
    assert_true(await(!tproc_pid_alive(pid), RECOVERY_MS));
}

/* What it was about to send is held back until it is dead, and comes then, or never. */
static void kill_before(const char *pattern, bool late)
{
    struct fault_rule rule = {
        .action = FAULT_HOLD, .direction = FAULT_UP, .anchor = FAULT_AT_CHUNK};
    int64_t before = epoch();
    snprintf(rule.pattern, sizeof(rule.pattern), "%s", pattern);
    fault_proxy_arm(&proxy, &rule);
    change_replication_id();
    assert_true(await(fault_proxy_struck_on(&proxy) > 0, RECOVERY_MS));
    int connection = fault_proxy_struck_on(&proxy);
    kill_ledger_process();
    fault_proxy_disarm(&proxy);
    if (late)
        fault_proxy_release(&proxy, connection);
    else
        fault_proxy_drop(&proxy, connection);
    await_opened(before);
}

static void an_opener_may_die_at_any_step(void **state)
{
    start(.behind = &proxy);
    ledger_load_start(&load);
    for (int late = 0; late < 2; late++) {
        load_some();
        kill_before(SIGN, late);                  /* before it claims */
        kill_before("state\r\n$4\r\nopen", late); /* SQL has the next epoch, Redis not */
    }
    end_load();
}

/* --- two, and SQL ----------------------------------------------------------------------------- */

static void two_openers_do_not_hinder_each_other(void **state)
{
    start();
    serve_beside(&second, .ledger = *state);
    ledger_load_start(&load);
    for (int i = 0; i < 6; i++) {
        int64_t before = epoch();
        load_some();
        change_replication_id();
        await_opened(before);
    }
    end_load();
}

/* Somebody has the lock on the checkpoint when Redis is promoted anew. True: meta was claimed
 * meanwhile. A ledger process that was about to write waits for SQL before that. */
static bool opens_after_a_lock(void)
{
    struct apply apply;
    int64_t before = epoch();
    struct db *db = base_open(bases.url);
    apply_init(&apply, db, 0);
    assert_int_equal(db_begin(db), DB_OK);
    assert_int_equal(apply_lock(&apply), APPLY_DONE);
    change_replication_id();
    bool claimed = await(meta_is("state", SIGN), CLAIM_MS);
    assert_int_equal(epoch(), before);
    db_rollback(db);
    apply_free(&apply);
    db_close(db);
    await_opened(before);
    return claimed;
}

static void sql_may_be_away_in_the_middle(void **state)
{
    bool claimed = false;
    start();
    ledger_load_start(&load);
    load_some();
    ledger_load_stop_and_check(&load);
    for (int i = 0; i < CLAIMS_MAX && !claimed; i++)
        claimed = opens_after_a_lock();
    assert_true(claimed);
    check_audit(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_ENGINES(another_replication_id_is_an_epoch_and_no_more, NULL, end),
        PLAIN_TEST(without_a_ledger_as_well),
        ON_ENGINES(an_opening_may_be_cut_at_any_byte, NULL, end),
        ON_ENGINES(an_opener_may_die_at_any_step, NULL, end),
        ON_ENGINES(two_openers_do_not_hinder_each_other, NULL, end),
        ON_ENGINES(sql_may_be_away_in_the_middle, NULL, end),
    };
    return run_each("opening", tests);
}
