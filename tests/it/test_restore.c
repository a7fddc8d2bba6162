/* test_restore.c -- Redis built anew from SQL: what comes back, what is refused, who goes on.
 *
 * Every test runs on SQLite and, where there is a server, on PostgreSQL.
 */
#include "ledger/apply/projection.h"
#include "support/fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define STOCK 1000000

/* text() and api_str() are used up by polling: these stay for the test. */
static const char *keep(const char *is)
{
    static char kept[32][128];
    static unsigned next;
    char *to = kept[next++ % 32];
    snprintf(to, sizeof(kept[0]), "%s", is);
    return to;
}

#define start(...)       serve(.workers = 2, .ledger = *state, __VA_ARGS__)
#define start_apart(...) start(.apart = true, __VA_ARGS__)

#define RESTORE(ledger) "restore", "--redis", stack.redis.url, "--ledger", (ledger)
#define check_restore(status, ...)                                                                 \
    check_command((status), RESTORE(ledger_url) __VA_OPT__(, ) __VA_ARGS__)

/* --- load in the background ------------------------------------------------------------------- */

/* What SQL has not got when Redis is emptied is gone: its items have to be there. */
static void load_start(void)
{
    load.may_forget = true; /* what a client was told just before the loss */
    ledger_load_start(&load);
    ledger_load_await(&load, 300);
    assert_true(await(sql_int("SELECT COUNT(*) FROM items") == LEDGER_LOAD_ITEMS, RECOVERY_MS));
}

/* --- Redis and SQL ---------------------------------------------------------------------------- */

/* HSET {p<N>}:meta state "...". */
static void set_state(unsigned partition, const char *state)
{
    redis_do(&stack.redis, "HSET {p%u}:meta state %s", partition, state);
}

static bool state_begins(const char *begin)
{
    redisContext *c = tredis_connect(&stack.redis);
    redisReply *reply = c ? redisCommand(c, "HGET {p0}:meta state") : NULL;
    bool is = reply && reply->type == REDIS_REPLY_STRING &&
              strncmp(reply->str, begin, strlen(begin)) == 0;
    if (reply)
        freeReplyObject(reply);
    if (c)
        redisFree(c);
    return is;
}

static bool caught_up(void)
{
    return ledger_checkpoint(&load, 0) == ledger_stream_end(&load, 0);
}

/* /readyz knows what the last look found, half a second ago. */
static bool serves(const char *sku)
{
    return http_call(&a->conn, "GET", ITEM(sku), NULL, NULL, &a->resp) == 0 &&
           a->resp.status == 200;
}

#define await_service(sku) assert_true(await(serves(sku) && api_ready(a), RECOVERY_MS))

static void flush_and_await_loss(const char *sku)
{
    (void)redis_int("FLUSHALL");
    assert_true(await(problem_is(sku, "state-lost"), RECOVERY_MS));
}

/* Everything is in SQL once, and adds up. */
static void check_ledger(void)
{
    assert_true(await(sql_int("SELECT COUNT(*) FROM reservations WHERE state = 'held' AND "
                              "expires_ms - created_ms < 2000") == 0 &&
                          caught_up(),
                      RECOVERY_MS));
    assert_int_equal(sql_int("SELECT COUNT(*) FROM unbalanced_items"), 0);
    assert_int_equal(sql_int("SELECT COUNT(*) FROM unbalanced_holds"), 0);
    check_audit(0);
}

/* All but what services tell one another, which is gone some seconds after them. */
#define KEYS_THAT_STAY "EVAL return(redis.call('DBSIZE')-redis.call('EXISTS','{p0}:live')) 0"

/* --- what comes back -------------------------------------------------------------------------- */

/* The ledger process may still be at the last chunk of what was lost: then another look. */
static bool rehearsal_changes_nothing(void)
{
    int64_t keys = redis_int("DBSIZE"), at = ledger_checkpoint(&load, 0);
    int64_t events = sql_int("SELECT COUNT(*) FROM events");
    check_restore(0, "--dry-run");
    check_said("would restore");
    check_said("Nothing was written");
    return redis_int("DBSIZE") == keys && ledger_checkpoint(&load, 0) == at &&
           sql_int("SELECT COUNT(*) FROM events") == events;
}

static void an_emptied_redis_comes_back_under_load(void **state)
{
    start();
    load_start();
    flush_and_await_loss(load.skus[0]);
    assert_true(await(rehearsal_changes_nothing(), RECOVERY_MS));

    check_restore(0);
    check_said("restored, 1 partition");
    await_service(load.skus[0]);
    ledger_load_await(&load, 300);
    check_restore(1);
    check_said("the store is open: nothing to restore");
    ledger_load_stop(&load);
    assert_int_equal(atomic_load(&load.wrong), 0);
    check_ledger();
    assert_int_equal(sql_int("SELECT COUNT(*) FROM events WHERE type = 'epoch'"), 2);
}

/* An item's version when all that happened to it is in SQL and was restored once: each event
 * raised it by one. */
static int64_t version_by_events(const char *sku)
{
    assert_true(await(caught_up(), RECOVERY_MS));
    return sql_int(text("SELECT COUNT(*) FROM events WHERE sku = '%s'", sku)) +
           PROJECTION_RESTORE_STEP;
}

static const char *hold_for(const char *sku, const char *customer, int quantity, int ttl_s)
{
    post(201, RESERVATIONS,
         text("{\"sku\":\"%s\",\"quantity\":%d,\"customer\":\"%s\",\"ttl_seconds\":%d}", sku,
              quantity, customer, ttl_s));
    return api_str(a, "id");
}

/* Two customers' holds, a sale under a key, an item that is gone and one that came again. */
static void everything_is_as_sql_says(void **state)
{
    start();
    const char *sku = keep(api_item(a, 100, 6)), *gone = keep(api_item(a, 5, 0));
    const char *again = keep(api_item(a, 7, 0));
    const char *sale = keep(DECREMENT(sku));
    const char *hold = keep(text("{\"sku\":\"%s\",\"quantity\":3,\"customer\":\"ann\"}", sku));
    post(201, RESERVATIONS, hold);
    const char *first = keep(api_str(a, "id"));
    api_call(a, 201, "POST", RESERVATIONS, "Idempotency-Key: hold-1\r\n", hold);
    const char *second = keep(api_str(a, "id"));
    const char *due = keep(hold_for(sku, "bob", 4, 1));
    api_call(a, 200, "POST", sale, "Idempotency-Key: sale-1\r\n",
             "{\"quantity\":2,\"customer\":\"bob\"}");
    int64_t remaining = api_int(a, "remaining");
    const char *ended = keep(hold_for(sku, "cid", 1, 600));
    post(200, RELEASE(ended), "{}");
    api_call(a, 204, "DELETE", ITEM(gone), NULL, NULL);
    api_call(a, 204, "DELETE", ITEM(again), NULL, NULL);
    api_call(a, 201, "PUT", ITEM(again), NULL, "{\"on_hand\":9}");
    assert_true(await(api_state_is(a, due, "expired"), RECOVERY_MS));
    const char *later = keep(hold_for(sku, "bob", 4, 2));
    assert_true(await(caught_up(), RECOVERY_MS));

    flush_and_await_loss(sku);
    check_restore(0);
    check_said("SQL knew everything up to 2");
    await_service(sku);
    get(ITEM(again));
    check_int(a, "version", 3 + PROJECTION_RESTORE_STEP);
    /* Before the loss, or after the restore. */
    assert_true(await(api_state_is(a, later, "expired"), RECOVERY_MS));
    int64_t version = version_by_events(sku);
    check_item(a, sku, 98, 92, 6, 2, version);
    assert_true(api_state_is(a, ended, "released"));

    api_call(a, 200, "POST", sale, "Idempotency-Key: sale-1\r\n",
             "{\"quantity\":2,\"customer\":\"bob\"}");
    check_int(a, "remaining", remaining);
    check_header(a, "Idempotent-Replayed", "true");
    api_call(a, 201, "POST", RESERVATIONS, "Idempotency-Key: hold-1\r\n", hold);
    check_str(a, "id", second);
    post_problem(409, "limit-exceeded", NULL, RESERVATIONS, hold);
    post(200, CONFIRM(first), "{}");
    post(200, RELEASE(second), "{}");
    check_item(a, sku, 95, 95, 0, 5, version + 2);
    post(201, RESERVATIONS, hold); /* 3 bought, and 3 more */
    get_problem(404, "item-not-found", NULL, ITEM(gone));
    api_call(a, 201, "PUT", ITEM(gone), NULL, "{\"on_hand\":1}");
    check_int(a, "version", 3 + PROJECTION_RESTORE_STEP);
    check_ledger();
}

static void a_lost_tail_comes_back(void **state)
{
    start();
    const char *sku = keep(api_item(a, 10, 0));
    (void)redis_int("SAVE");
    const char *hold = keep(api_reserve(a, sku, 1, 0));
    assert_true(await(caught_up(), RECOVERY_MS));
    tredis_kill9(&stack.redis);
    assert_int_equal(tredis_restart(&stack.redis), 0);
    assert_true(await(problem_is(sku, "state-lost"), RECOVERY_MS));
    check_restore(0);
    check_said("was lost");
    await_service(sku);
    check_item(a, sku, 10, 9, 1, 0, 2 + PROJECTION_RESTORE_STEP);
    post(200, CONFIRM(hold), "{}");
    check_ledger();
}

/* The copy is older than the restore: its epoch tells. */
static void an_old_copy_is_not_taken_for_the_restored_store(void **state)
{
    start_apart();
    const char *sku = keep(api_item(a, 10, 0));
    (void)redis_int("SAVE");
    api_reserve(a, sku, 1, 0);
    assert_true(await(caught_up(), RECOVERY_MS));
    const char *file = keep(text("%s/dump.rdb", stack.redis.dir)),
               *copy = keep(text("%s.copy", file));
    assert_int_equal(system(text("cp %s %s", file, copy)), 0);
    flush_and_await_loss(sku);
    check_restore(0);
    await_service(sku);
    applier_stop(); /* nobody compares with SQL */
    tredis_kill9(&stack.redis);
    assert_int_equal(system(text("cp %s %s", copy, file)), 0);
    assert_int_equal(tredis_restart(&stack.redis), 0);
    assert_true(await(problem_is(sku, "state-lost"), RECOVERY_MS));
    check_restore(0);
    await_service(sku);
    check_item(a, sku, 10, 9, 1, 0, 2 + 2 * PROJECTION_RESTORE_STEP);
}

static void a_whole_store_of_partitions_comes_back(void **state)
{
    const char *skus[6], *holds[6];
    start_apart(.partitions = 3);
    for (int i = 0; i < 6; i++) {
        skus[i] = keep(api_item(a, 10, 0));
        holds[i] = keep(api_reserve(a, skus[i], 2, 0));
    }
    assert_true(await(sql_int("SELECT COUNT(*) FROM reservations") == 6, RECOVERY_MS));
    flush_and_await_loss(skus[0]);
    check_restore(1, "--partitions", "2");
    check_said("can not have 2 partitions");
    check_restore(1, "--partitions", "4");
    check_said("give --partitions");
    check_restore(0);
    check_said("3 partitions");
    await_service(skus[0]); /* its keeper has noticed, alone */

    /* One is lost, the others are open: what they have goes to SQL first. */
    api_reserve(a, skus[5], 1, 0);
    set_state(0, "lost: for a test");
    check_restore(0);
    await_service(skus[0]);
    for (int i = 0; i < 6; i++)
        post(200, CONFIRM(holds[i]), "{}");
    check_item(a, skus[4], 8, 8, 0, 2, 3 + 2 * PROJECTION_RESTORE_STEP);
    check_item(a, skus[5], 8, 7, 1, 2, 4 + (1 + 2) * PROJECTION_RESTORE_STEP);
    check_audit(0);
}

static void auto_restore_needs_nobody(void **state)
{
    start(.flags = {"--auto-restore"});
    load_start();
    assert_true(await(sql_int("SELECT COUNT(*) FROM events") > 100, RECOVERY_MS));
    (void)redis_int("FLUSHALL");
    assert_true(await(ledger_stream_end(&load, 0) / 1000000000 == 2, RECOVERY_MS));
    await_service(load.skus[0]);
    ledger_load_await(&load, 200);
    ledger_load_stop(&load);
    assert_int_equal(atomic_load(&load.wrong), 0);
    check_ledger();

    set_state(0, "closed: by a person");
    assert_true(await(problem_is(load.skus[0], "partition-closed"), RECOVERY_MS));
    check_audit(0);
    assert_true(state_begins("closed: by a person"));
}

/* --- more than one, and none to the end ------------------------------------------------------- */

static void two_at_once_do_no_harm(void **state)
{
    start();
    load_start();
    flush_and_await_loss(load.skus[0]);
    struct command one, other;
    const char *const restore[] = {RESTORE(ledger_url), NULL};
    command_start(&one, restore);
    command_start(&other, restore);
    int first = command_end(&one), second = command_end(&other);
    if ((first == 0) == (second == 0))
        print_error("%d and %d: %s\n", first, second, command_said);
    assert_true((first == 0) != (second == 0));
    await_service(load.skus[0]);
    ledger_load_await(&load, 200);
    ledger_load_stop(&load);
    check_ledger();
}

/* A thousand holds a request. */
static void many_holds(const char *sku, int thousands)
{
    char *body = malloc(1000 * 128);
    for (int i = 0; i < thousands; i++) {
        size_t n = (size_t)sprintf(body, "{\"operations\":[");
        for (int k = 0; k < 1000; k++)
            n += (size_t)sprintf(body + n,
                                 "%s{\"op\":\"reserve\",\"sku\":\"%s\",\"quantity\":1,"
                                 "\"ttl_seconds\":3600}",
                                 k ? "," : "", sku);
        snprintf(body + n, 8, "]}");
        post(200, "/v1/batch", body);
    }
    free(body);
}

static void killed_anywhere_it_can_be_done_again(void **state)
{
    const int64_t holds_at[] = {0, 1, 1000, 3000}; /* in Redis, when it is killed */
    start();
    const char *sku = keep(api_item(a, STOCK, 0));
    many_holds(sku, 4);
    assert_true(await(caught_up(), RECOVERY_MS));
    for (size_t i = 0; i < sizeof(holds_at) / sizeof(holds_at[0]); i++) {
        struct command restore;
        flush_and_await_loss(sku);
        command_start(&restore, (const char *const[]){RESTORE(ledger_url), NULL});
        (void)await(!tproc_alive(&restore.proc) ||
                        (state_begins("closed: restore ") &&
                         redis_int(text("ZCARD {p0}:holds:%s", sku)) >= holds_at[i]),
                    RECOVERY_MS);
        tproc_kill9(&restore.proc);
        (void)command_end(&restore);
    }
    if (!state_begins("open"))
        check_restore(0);
    await_service(sku);
    int64_t step = sql_int("SELECT MAX(number) FROM restores") * PROJECTION_RESTORE_STEP;
    check_item(a, sku, STOCK, STOCK - 4000, 4000, 0, 4001 + step);
    check_ledger();
}

/* --- what is refused -------------------------------------------------------------------------- */

static void what_sql_has_not_is_named_and_kept(void **state)
{
    start_apart();
    const char *sku = keep(api_item(a, 10, 0));
    assert_true(await(caught_up(), RECOVERY_MS));
    applier_stop();
    const char *lost = keep(api_reserve(a, sku, 1, 0)); /* 1-2 */
    api_reserve(a, sku, 1, 0);                          /* 1-3 */
    set_state(0, "closed: for a test");
    assert_true(await(problem_is(sku, "partition-closed"), RECOVERY_MS));
    int64_t keys = redis_int(KEYS_THAT_STAY);
    check_restore(1);
    check_said("2 entries that SQL has not (partition 0: 1-2 to 1-3)");
    check_said("--discard-unapplied");
    assert_int_equal(redis_int(KEYS_THAT_STAY), keys);
    assert_true(state_begins("closed: for a test"));

    check_restore(0, "--discard-unapplied");
    check_said("2 entries that SQL has not, 1-2 to 1-3");
    await_service(sku);
    check_item(a, sku, 10, 10, 0, 0, 1 + PROJECTION_RESTORE_STEP);
    get_problem(404, "reservation-not-found", NULL, RESERVATION(lost));
    applier_start();
    api_reserve(a, sku, 1, 0);
    check_ledger();
}

static void another_ledger_is_refused(void **state)
{
    start();
    const char *sku = keep(api_item(a, 10, 0));
    assert_true(await(caught_up(), RECOVERY_MS));
    check_restore(1);
    check_said("the store is open: nothing to restore");
    assert_true(tservice_stop(&stack.service));
    set_state(0, "lost: for a test");
    db_close(bases_ledger(&bases, BASE_SQLITE));
    check_command(1, RESTORE(bases.url));
    check_said("but --ledger leads to ledger");
    check_command(1, RESTORE(bases_fresh(&bases, BASE_SQLITE)));
    check_said("not migrated");
    assert_int_equal(redis_int(text("EXISTS {p0}:item:%s", sku)), 1);
    assert_true(state_begins("lost: for a test"));

    tredis_kill9(&stack.redis);
    if (engine_of(state) == BASE_SQLITE) {
        check_restore(2);
        check_restore(64, "--dry");
    }
}

static void a_ledger_that_contradicts_itself_is_refused(void **state)
{
    start();
    const char *sku = keep(api_item(a, 10, 0));
    api_reserve(a, sku, 2, 0);
    assert_true(await(caught_up(), RECOVERY_MS));
    flush_and_await_loss(sku);
    sql_run("UPDATE items SET held = 3, available = 7");
    int64_t keys = redis_int("DBSIZE");
    check_restore(1, "--dry-run");
    check_restore(1);
    check_said(text("SQL contradicts itself: %s holds 3, its reservations 2", sku));
    assert_int_equal(redis_int("DBSIZE"), keys);
    assert_int_equal(sql_int("SELECT COUNT(*) FROM restores"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(an_emptied_redis_comes_back_under_load),
        ON_BOTH(everything_is_as_sql_says),
        ON_BOTH(a_lost_tail_comes_back),
        SQLITE_TEST(an_old_copy_is_not_taken_for_the_restored_store),
        ON_BOTH(a_whole_store_of_partitions_comes_back),
        ON_BOTH(auto_restore_needs_nobody),
        ON_BOTH(two_at_once_do_no_harm),
        ON_BOTH(killed_anywhere_it_can_be_done_again),
        ON_BOTH(what_sql_has_not_is_named_and_kept),
        ON_BOTH(another_ledger_is_refused),
        ON_BOTH(a_ledger_that_contradicts_itself_is_refused),
    };
    return run_each("restore", tests);
}
