/* test_restore.c -- Redis built anew from SQL: what comes back, what is refused, who goes on.
 *
 * Every test runs on SQLite and, where there is a server, on PostgreSQL.
 */
#include "ledger/apply/projection.h"
#include "support/api.h"
#include "support/ledger_load.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define STOCK       1000000
#define RECOVERY_MS LEDGER_RECOVERY_MS
#define SAID_MAX    16384

static struct bases bases;
static struct stack stack;
static struct api *a = &stack.api;
static struct ledger_load load;
static struct tproc applier; /* a `stockd ledger` beside the service */
static char url[BASE_URL_SIZE];

/* --- load in the background ------------------------------------------------------------------- */

static void load_start(void)
{
    load.may_forget = true; /* what a client was told just before the loss */
    ledger_load_start(&load);
    ledger_load_await(&load, 300);
}

/* text() and api_str() are used up by polling: these stay for the test. */
static const char *keep(const char *is)
{
    static char kept[32][128];
    static unsigned next;
    char *to = kept[next++ % 32];
    snprintf(to, sizeof(kept[0]), "%s", is);
    return to;
}

/* --- processes -------------------------------------------------------------------------------- */

static char said[SAID_MAX]; /* by the command that ran last */

/* Starts `stockd <command> --redis --ledger ...`; what it says goes to a file. */
static void command_start(struct tproc *p, const char *command, const char *file,
                          const char *ledger, const char *const *more)
{
    const char *argv[24] = {"sh",
                            "-c",
                            "exec \"$@\" >\"$0\" 2>&1",
                            file,
                            getenv("STOCKD"),
                            command,
                            "--redis",
                            stack.redis.url,
                            "--ledger",
                            ledger};
    size_t n = 10;
    for (; more && *more; more++)
        argv[n++] = *more;
    assert_int_equal(tproc_start(p, argv, file), 0);
}

static int command_end(struct tproc *p, const char *file)
{
    assert_int_equal(tproc_wait(p, 2 * RECOVERY_MS), 0);
    FILE *in = fopen(file, "re");
    assert_non_null(in);
    said[fread(said, 1, sizeof(said) - 1, in)] = '\0';
    fclose(in);
    return WIFEXITED(p->status) ? WEXITSTATUS(p->status) : -1;
}

static int run(const char *command, const char *const *more)
{
    struct tproc p;
    char file[TEST_PATH_MAX + 8];
    snprintf(file, sizeof(file), "%s/said", bases.dir);
    command_start(&p, command, file, url, more);
    return command_end(&p, file);
}

static int run_with(const char *one, const char *two)
{
    const char *const more[] = {one, two, NULL};
    return run("restore", more);
}

#define check_run(status, one, two)                                                                \
    do {                                                                                           \
        int got_ = run_with((one), (two));                                                         \
        if (got_ != (status))                                                                      \
            print_error("%s\n", said);                                                             \
        assert_int_equal(got_, (status));                                                          \
    } while (0)

static void check_said(const char *word)
{
    if (!strstr(said, word))
        print_error("no \"%s\" in: %s\n", word, said);
    assert_non_null(strstr(said, word));
}

static void check_audit(void)
{
    int status = run("audit", NULL);
    if (status != 0)
        print_error("%s\n", said);
    assert_int_equal(status, 0);
}

/* A migrated database, a Redis, a service with more arguments, ended by NULL. */
static void start(void **state, enum tredis_aof aof, const char *const *more)
{
    const char *extra[12] = {"--ledger", url};
    struct tredis_opts redis = {.aof = aof};
    db_close(bases_ledger(&bases, engine_of(state)));
    snprintf(url, sizeof(url), "%s", bases.url);
    for (size_t n = 2; more && *more; more++)
        extra[n++] = *more;
    ledger_load_init(&load, &stack, &bases, 1);
    assert_int_equal(stack_start(&stack, &redis, 2, extra), 0);
}

static void applier_start(const char *partitions)
{
    const char *const argv[] = {getenv("STOCKD"), "ledger",   "--redis",
                                stack.redis.url,  "--ledger", url,
                                "--partitions",   partitions, NULL};
    char line[128];
    assert_int_equal(tproc_start(&applier, argv, text("%s/applier.err", bases.dir)), 0);
    assert_int_equal(tproc_await_line(&applier, "carrying events", line, sizeof(line), RECOVERY_MS),
                     0);
}

static void start_apart(void **state, const char *partitions)
{
    const char *const extra[] = {"--no-ledger-apply", "--partitions", partitions, NULL};
    start(state, TREDIS_AOF_NO, extra);
    applier_start(partitions);
    assert_true(await(api_ready(a), RECOVERY_MS));
}

static int test_teardown(void **state)
{
    ledger_load_free(&load);
    if (applier.pid > 0)
        tproc_stop(&applier, RECOVERY_MS);
    applier = (struct tproc){0};
    return stack_stop(&stack);
}

/* --- Redis and SQL ---------------------------------------------------------------------------- */

static int64_t redis_int(const char *command)
{
    return tredis_int(&stack.redis, command);
}

/* HSET {p<N>}:meta state "...". */
static void set_state(unsigned partition, const char *state)
{
    redisContext *c = tredis_connect(&stack.redis);
    assert_non_null(c);
    freeReplyObject(redisCommand(c, "HSET {p%u}:meta state %s", partition, state));
    redisFree(c);
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

static bool problem_is(const char *sku, const char *name)
{
    const char *body = text("{\"sku\":\"%s\",\"quantity\":1}", sku);
    if (http_call(&a->conn, "POST", "/v1/reservations", NULL, body, &a->resp) != 0 ||
        a->resp.status != 503)
        return false;
    const char *type = json_string_value(json_object_get(http_resp_json(&a->resp), "type"));
    return type && strcmp(type, text("/problems/%s", name)) == 0;
}

/* /readyz knows what the last look found, half a second ago. */
static bool serves(const char *sku)
{
    return http_call(&a->conn, "GET", text("/v1/items/%s", sku), NULL, NULL, &a->resp) == 0 &&
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
    assert_true(await(base_int(url, "SELECT COUNT(*) FROM reservations WHERE state = 'held' AND "
                                    "expires_ms - created_ms < 2000") == 0 &&
                          caught_up(),
                      RECOVERY_MS));
    assert_int_equal(base_int(url, "SELECT COUNT(*) FROM unbalanced_items"), 0);
    assert_int_equal(base_int(url, "SELECT COUNT(*) FROM unbalanced_holds"), 0);
    check_audit();
}

/* --- what comes back -------------------------------------------------------------------------- */

/* The ledger process may still be at the last chunk of what was lost: then another look. */
static bool rehearsal_changes_nothing(void)
{
    int64_t keys = redis_int("DBSIZE"), at = ledger_checkpoint(&load, 0);
    int64_t events = base_int(url, "SELECT COUNT(*) FROM events");
    check_run(0, "--dry-run", NULL);
    check_said("would restore");
    check_said("Nothing was written");
    return redis_int("DBSIZE") == keys && ledger_checkpoint(&load, 0) == at &&
           base_int(url, "SELECT COUNT(*) FROM events") == events;
}

static void an_emptied_redis_comes_back_under_load(void **state)
{
    start(state, TREDIS_AOF_NO, NULL);
    load_start();
    flush_and_await_loss(load.skus[0]);
    assert_true(await(rehearsal_changes_nothing(), RECOVERY_MS));

    check_run(0, NULL, NULL);
    check_said("restored, 1 partition");
    await_service(load.skus[0]);
    ledger_load_await(&load, 300);
    check_run(1, NULL, NULL);
    check_said("the store is open: nothing to restore");
    ledger_load_stop(&load);
    assert_int_equal(atomic_load(&load.wrong), 0);
    check_ledger();
    assert_int_equal(base_int(url, "SELECT COUNT(*) FROM events WHERE type = 'epoch'"), 2);
}

/* An item's version when all that happened to it is in SQL and was restored once: each event
 * raised it by one. */
static int64_t version_by_events(const char *sku)
{
    assert_true(await(caught_up(), RECOVERY_MS));
    return base_int(url, text("SELECT COUNT(*) FROM events WHERE sku = '%s'", sku)) +
           PROJECTION_RESTORE_STEP;
}

static const char *hold_for(const char *sku, const char *customer, int quantity, int ttl_s)
{
    api_call(a, 201, "POST", "/v1/reservations", NULL,
             text("{\"sku\":\"%s\",\"quantity\":%d,\"customer\":\"%s\",\"ttl_seconds\":%d}", sku,
                  quantity, customer, ttl_s));
    return api_str(a, "id");
}

/* Two customers' holds, a sale under a key, an item that is gone and one that came again. */
static void everything_is_as_sql_says(void **state)
{
    start(state, TREDIS_AOF_NO, NULL);
    const char *sku = keep(api_item(a, 100, 6)), *gone = keep(api_item(a, 5, 0));
    const char *again = keep(api_item(a, 7, 0));
    const char *sale = keep(text("/v1/items/%s/decrements", sku));
    const char *hold = keep(text("{\"sku\":\"%s\",\"quantity\":3,\"customer\":\"ann\"}", sku));
    api_call(a, 201, "POST", "/v1/reservations", NULL, hold);
    const char *first = keep(api_str(a, "id"));
    api_call(a, 201, "POST", "/v1/reservations", "Idempotency-Key: hold-1\r\n", hold);
    const char *second = keep(api_str(a, "id"));
    const char *due = keep(hold_for(sku, "bob", 4, 1));
    api_call(a, 200, "POST", sale, "Idempotency-Key: sale-1\r\n",
             "{\"quantity\":2,\"customer\":\"bob\"}");
    int64_t remaining = api_int(a, "remaining");
    const char *ended = keep(hold_for(sku, "cid", 1, 600));
    api_call(a, 200, "POST", text("/v1/reservations/%s/release", ended), NULL, "{}");
    api_call(a, 204, "DELETE", text("/v1/items/%s", gone), NULL, NULL);
    api_call(a, 204, "DELETE", text("/v1/items/%s", again), NULL, NULL);
    api_call(a, 201, "PUT", text("/v1/items/%s", again), NULL, "{\"on_hand\":9}");
    assert_true(await(api_state_is(a, due, "expired"), RECOVERY_MS));
    const char *later = keep(hold_for(sku, "bob", 4, 2));
    assert_true(await(caught_up(), RECOVERY_MS));

    flush_and_await_loss(sku);
    check_run(0, NULL, NULL);
    check_said("SQL knew everything up to 2");
    await_service(sku);
    api_call(a, 200, "GET", text("/v1/items/%s", again), NULL, NULL);
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
    api_call(a, 201, "POST", "/v1/reservations", "Idempotency-Key: hold-1\r\n", hold);
    check_str(a, "id", second);
    api_problem(a, 409, "limit-exceeded", NULL, "POST", "/v1/reservations", NULL, hold);
    api_call(a, 200, "POST", text("/v1/reservations/%s/confirm", first), NULL, "{}");
    api_call(a, 200, "POST", text("/v1/reservations/%s/release", second), NULL, "{}");
    check_item(a, sku, 95, 95, 0, 5, version + 2);
    api_call(a, 201, "POST", "/v1/reservations", NULL, hold); /* 3 bought, and 3 more */
    api_problem(a, 404, "item-not-found", NULL, "GET", text("/v1/items/%s", gone), NULL, NULL);
    api_call(a, 201, "PUT", text("/v1/items/%s", gone), NULL, "{\"on_hand\":1}");
    check_int(a, "version", 3 + PROJECTION_RESTORE_STEP);
    check_ledger();
}

static void a_lost_tail_comes_back(void **state)
{
    start(state, TREDIS_AOF_NO, NULL);
    const char *sku = keep(api_item(a, 10, 0));
    (void)redis_int("SAVE");
    const char *hold = keep(api_reserve(a, sku, 1, 0));
    assert_true(await(caught_up(), RECOVERY_MS));
    tredis_kill9(&stack.redis);
    assert_int_equal(tredis_restart(&stack.redis), 0);
    assert_true(await(problem_is(sku, "state-lost"), RECOVERY_MS));
    check_run(0, NULL, NULL);
    check_said("was lost");
    await_service(sku);
    check_item(a, sku, 10, 9, 1, 0, 2 + PROJECTION_RESTORE_STEP);
    api_call(a, 200, "POST", text("/v1/reservations/%s/confirm", hold), NULL, "{}");
    check_ledger();
}

/* The copy is older than the restore: its epoch tells. */
static void an_old_copy_is_not_taken_for_the_restored_store(void **state)
{
    start_apart(state, "1");
    const char *sku = keep(api_item(a, 10, 0));
    (void)redis_int("SAVE");
    api_reserve(a, sku, 1, 0);
    assert_true(await(caught_up(), RECOVERY_MS));
    const char *file = keep(text("%s/dump.rdb", stack.redis.dir)),
               *copy = keep(text("%s.copy", file));
    assert_int_equal(system(text("cp %s %s", file, copy)), 0);
    flush_and_await_loss(sku);
    check_run(0, NULL, NULL);
    await_service(sku);
    tproc_stop(&applier, RECOVERY_MS); /* nobody compares with SQL */
    applier = (struct tproc){0};
    tredis_kill9(&stack.redis);
    assert_int_equal(system(text("cp %s %s", copy, file)), 0);
    assert_int_equal(tredis_restart(&stack.redis), 0);
    assert_true(await(problem_is(sku, "state-lost"), RECOVERY_MS));
    check_run(0, NULL, NULL);
    await_service(sku);
    check_item(a, sku, 10, 9, 1, 0, 2 + 2 * PROJECTION_RESTORE_STEP);
}

static void a_whole_store_of_partitions_comes_back(void **state)
{
    const char *skus[6], *holds[6];
    start_apart(state, "3");
    for (int i = 0; i < 6; i++) {
        skus[i] = keep(api_item(a, 10, 0));
        holds[i] = keep(api_reserve(a, skus[i], 2, 0));
    }
    assert_true(await(base_int(url, "SELECT COUNT(*) FROM reservations") == 6, RECOVERY_MS));
    flush_and_await_loss(skus[0]);
    check_run(1, "--partitions", "2");
    check_said("can not have 2 partitions");
    check_run(1, "--partitions", "4");
    check_said("give --partitions");
    check_run(0, NULL, NULL);
    check_said("3 partitions");
    await_service(skus[0]); /* its keeper has noticed, alone */

    /* One is lost, the others are open: what they have goes to SQL first. */
    api_reserve(a, skus[5], 1, 0);
    set_state(0, "lost: for a test");
    check_run(0, NULL, NULL);
    await_service(skus[0]);
    for (int i = 0; i < 6; i++)
        api_call(a, 200, "POST", text("/v1/reservations/%s/confirm", holds[i]), NULL, "{}");
    check_item(a, skus[4], 8, 8, 0, 2, 3 + 2 * PROJECTION_RESTORE_STEP);
    check_item(a, skus[5], 8, 7, 1, 2, 4 + (1 + 2) * PROJECTION_RESTORE_STEP);
    check_audit();
}

static void auto_restore_needs_nobody(void **state)
{
    const char *const more[] = {"--auto-restore", NULL};
    start(state, TREDIS_AOF_NO, more);
    load_start();
    assert_true(await(base_int(url, "SELECT COUNT(*) FROM events") > 100, RECOVERY_MS));
    (void)redis_int("FLUSHALL");
    assert_true(await(ledger_stream_end(&load, 0) / 1000000000 == 2, RECOVERY_MS));
    await_service(load.skus[0]);
    ledger_load_await(&load, 200);
    ledger_load_stop(&load);
    assert_int_equal(atomic_load(&load.wrong), 0);
    check_ledger();

    set_state(0, "closed: by a person");
    assert_true(await(problem_is(load.skus[0], "partition-closed"), RECOVERY_MS));
    check_audit();
    assert_true(state_begins("closed: by a person"));
}

/* --- more than one, and none to the end ------------------------------------------------------- */

static void two_at_once_do_no_harm(void **state)
{
    start(state, TREDIS_AOF_NO, NULL);
    load_start();
    flush_and_await_loss(load.skus[0]);
    struct tproc one, other;
    const char *one_file = keep(text("%s/one", bases.dir)),
               *other_file = keep(text("%s/other", bases.dir));
    command_start(&one, "restore", one_file, url, NULL);
    command_start(&other, "restore", other_file, url, NULL);
    int first = command_end(&one, one_file), second = command_end(&other, other_file);
    if ((first == 0) == (second == 0))
        print_error("%d and %d: %s\n", first, second, said);
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
        api_call(a, 200, "POST", "/v1/batch", NULL, body);
    }
    free(body);
}

static void killed_anywhere_it_can_be_done_again(void **state)
{
    const int64_t holds_at[] = {0, 1, 1000, 3000}; /* in Redis, when it is killed */
    start(state, TREDIS_AOF_NO, NULL);
    const char *sku = keep(api_item(a, STOCK, 0));
    many_holds(sku, 4);
    assert_true(await(caught_up(), RECOVERY_MS));
    for (size_t i = 0; i < sizeof(holds_at) / sizeof(holds_at[0]); i++) {
        struct tproc p;
        const char *file = keep(text("%s/killed", bases.dir));
        flush_and_await_loss(sku);
        command_start(&p, "restore", file, url, NULL);
        (void)await(!tproc_alive(&p) ||
                        (state_begins("closed: restore ") &&
                         redis_int(text("ZCARD {p0}:holds:%s", sku)) >= holds_at[i]),
                    RECOVERY_MS);
        tproc_kill9(&p);
    }
    if (!state_begins("open"))
        check_run(0, NULL, NULL);
    await_service(sku);
    int64_t step = base_int(url, "SELECT MAX(number) FROM restores") * PROJECTION_RESTORE_STEP;
    check_item(a, sku, STOCK, STOCK - 4000, 4000, 0, 4001 + step);
    check_ledger();
}

/* --- what is refused -------------------------------------------------------------------------- */

static void what_sql_has_not_is_named_and_kept(void **state)
{
    start_apart(state, "1");
    const char *sku = keep(api_item(a, 10, 0));
    assert_true(await(caught_up(), RECOVERY_MS));
    assert_true(tproc_stop(&applier, RECOVERY_MS));
    const char *lost = keep(api_reserve(a, sku, 1, 0)); /* 1-2 */
    api_reserve(a, sku, 1, 0);                          /* 1-3 */
    set_state(0, "closed: for a test");
    assert_true(await(problem_is(sku, "partition-closed"), RECOVERY_MS));
    int64_t keys = redis_int("DBSIZE");
    check_run(1, NULL, NULL);
    check_said("2 entries that SQL has not (partition 0: 1-2 to 1-3)");
    check_said("--discard-unapplied");
    assert_int_equal(redis_int("DBSIZE"), keys);
    assert_true(state_begins("closed: for a test"));

    check_run(0, "--discard-unapplied", NULL);
    check_said("2 entries that SQL has not, 1-2 to 1-3");
    await_service(sku);
    check_item(a, sku, 10, 10, 0, 0, 1 + PROJECTION_RESTORE_STEP);
    api_problem(a, 404, "reservation-not-found", NULL, "GET", text("/v1/reservations/%s", lost),
                NULL, NULL);
    applier_start("1");
    api_reserve(a, sku, 1, 0);
    check_ledger();
}

static void another_ledger_is_refused(void **state)
{
    struct tproc p;
    start(state, TREDIS_AOF_NO, NULL);
    const char *sku = keep(api_item(a, 10, 0));
    assert_true(await(caught_up(), RECOVERY_MS));
    check_run(1, NULL, NULL);
    check_said("the store is open: nothing to restore");
    assert_true(tservice_stop(&stack.service));
    set_state(0, "lost: for a test");
    db_close(bases_ledger(&bases, BASE_SQLITE));
    const char *file = keep(text("%s/said", bases.dir));
    command_start(&p, "restore", file, bases.url, NULL);
    assert_int_equal(command_end(&p, file), 1);
    check_said("but --ledger leads to ledger");
    command_start(&p, "restore", file, bases_fresh(&bases, BASE_SQLITE), NULL);
    assert_int_equal(command_end(&p, file), 1);
    check_said("not migrated");
    assert_int_equal(redis_int(text("EXISTS {p0}:item:%s", sku)), 1);
    assert_true(state_begins("lost: for a test"));

    tredis_kill9(&stack.redis);
    if (engine_of(state) == BASE_SQLITE) {
        check_run(2, NULL, NULL);
        check_run(64, "--dry", NULL);
    }
}

static void a_ledger_that_contradicts_itself_is_refused(void **state)
{
    start(state, TREDIS_AOF_NO, NULL);
    const char *sku = keep(api_item(a, 10, 0));
    api_reserve(a, sku, 2, 0);
    assert_true(await(caught_up(), RECOVERY_MS));
    flush_and_await_loss(sku);
    assert_int_equal(base_script(url, "UPDATE items SET held = 3, available = 7"), DB_OK);
    int64_t keys = redis_int("DBSIZE");
    check_run(1, "--dry-run", NULL);
    check_run(1, NULL, NULL);
    check_said(text("SQL contradicts itself: %s holds 3, its reservations 2", sku));
    assert_int_equal(redis_int("DBSIZE"), keys);
    assert_int_equal(base_int(url, "SELECT COUNT(*) FROM restores"), 0);
}

static int group_teardown(void **state)
{
    bases_stop(&bases);
    return 0;
}

#define ON_BOTH(test) ON_ENGINES(test, NULL, test_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(an_emptied_redis_comes_back_under_load),
        ON_BOTH(everything_is_as_sql_says),
        ON_BOTH(a_lost_tail_comes_back),
        {"an_old_copy_is_not_taken_for_the_restored_store (sqlite)",
         an_old_copy_is_not_taken_for_the_restored_store, NULL, test_teardown,
         &base_engines[BASE_SQLITE]},
        ON_BOTH(a_whole_store_of_partitions_comes_back),
        ON_BOTH(auto_restore_needs_nobody),
        ON_BOTH(two_at_once_do_no_harm),
        ON_BOTH(killed_anywhere_it_can_be_done_again),
        ON_BOTH(what_sql_has_not_is_named_and_kept),
        ON_BOTH(another_ledger_is_refused),
        ON_BOTH(a_ledger_that_contradicts_itself_is_refused),
    };
    bases_start_or_skip(&bases);
    return cmocka_run_group_tests_name("restore", tests, NULL, group_teardown);
}
