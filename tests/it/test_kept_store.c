/* test_kept_store.c -- a store and a ledger that an earlier build made and left (tests/kept), and
 * the build of today on them: what was answered is answered, what was begun goes on.
 *
 * The clock of Redis begins when they were kept, so that holds are held and keys are there. Every
 * test runs with a ledger in SQLite and with one in PostgreSQL. tests/kept/keep_store.c says what
 * is in them.
 */
#include "support/kept.h"
#include "support/ledger_load.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define RECOVERY_MS  LEDGER_RECOVERY_MS
#define RESERVATIONS "/v1/reservations"
#define PARTITIONS   3

struct kept {
    const char *dir;
    enum base_engine engine;
};

static struct bases bases;
static struct stack stack;
static struct api *a = &stack.api;
static struct ledger_load load; /* for its questions about the ledger */
static json_t *answers;
static char rdb[TEST_PATH_MAX + 16];

/* --- start and end ---------------------------------------------------------------------------- */

static void start_redis(const char *data, const char *at)
{
    const struct tredis_opts opts = {.data = data,
                                     .at_ms = json_integer_value(json_at(answers, at))};
    stack = (struct stack){.api.conn.fd = -1};
    assert_int_equal(tredis_start(&stack.redis, &opts), 0);
}

/* The command exits 0. */
static void run(const char *command, const char *more)
{
    const char *line = text("%s %s --ledger '%s' %s >'%s/said' 2>&1", getenv("STOCKD"), command,
                            bases.url, more, bases.dir);
    if (system(line) != 0) {
        print_tail(text("%s/said", bases.dir), 20);
        fail_msg("%s", line);
    }
}

static void start_service(void)
{
    const char *const extra[] = {"--ledger", bases.url, "--partitions", "3", NULL};
    const struct tservice_opts opts = {.redis_url = stack.redis.url, .extra = extra};
    assert_int_equal(tservice_start(&stack.service, &opts), 0);
    api_open(a, stack.service.port);
    assert_true(await(api_ready(a), RECOVERY_MS));
}

/* The ledger, migrated. */
static void load_ledger(const struct kept *kept)
{
    bases_fresh(&bases, kept->engine);
    kept_load_ledger(bases.url, kept->engine, text("%s/ledger", kept->dir));
    run("migrate", "");
    ledger_load_init(&load, &stack, &bases, PARTITIONS);
}

/* A service on all that was kept. */
static void start(void **state)
{
    const struct kept *kept = *state;
    kept_unpack(text("%s/redis.rdb", kept->dir), rdb);
    load_ledger(kept);
    start_redis(rdb, "at_ms");
    start_service();
}

static void check_ledger(void)
{
    assert_true(await(ledger_caught_up(&load), RECOVERY_MS));
    assert_int_equal(base_int(bases.url, "SELECT COUNT(*) FROM unbalanced_items"), 0);
    assert_int_equal(base_int(bases.url, "SELECT COUNT(*) FROM unbalanced_holds"), 0);
    assert_int_equal(base_int(bases.url, "SELECT COUNT(*) FROM unbalanced_transfers"), 0);
    run("audit", text("--redis %s", stack.redis.url));
}

static int setup(void **state)
{
    const struct kept *kept = *state;
    answers = kept_json(text("%s/answers.json", kept->dir));
    return 0;
}

static int teardown(void **state)
{
    json_decref(answers);
    return stack_stop(&stack);
}

/* --- names ------------------------------------------------------------------------------------ */

static const char *id_of(const char *name)
{
    const char *id = json_string_value(json_object_get(json_object_get(answers, "names"), name));
    assert_non_null(id);
    return id;
}

static const char *end_of(const char *name, const char *how)
{
    return text(RESERVATIONS "/%s/%s", id_of(name), how);
}

static void check_all(const char *list, bool restored)
{
    kept_check_all(a, json_at(answers, list), restored);
}

/* --- what was kept ---------------------------------------------------------------------------- */

static void reads_and_repeats_are_answered_as_they_were(void **state)
{
    start(state);
    check_all("reads", false);
    check_all("repeats", false);
    check_all("reads", false); /* no repeat has moved anything */
    check_ledger();
}

static void the_history_is_what_it_was(void **state)
{
    start(state);
    assert_true(await(api_state_is(a, id_of("due"), "expired"), RECOVERY_MS));
    check_ledger();
    /* Measured every second, and said where something is not found. */
    assert_true(await(api_metric(a, "stockd_ledger_lag_events") == 0, RECOVERY_MS));
    check_all("history", false);
}

static void what_was_due_is_given_back(void **state)
{
    start(state);
    assert_true(await(api_state_is(a, id_of("due"), "expired"), RECOVERY_MS));
    check_item(a, "due", 4, 4, 0, 0, 3);
    check_ledger();
}

static void holds_go_on(void **state)
{
    start(state);
    api_call(a, 200, "POST", end_of("held", "confirm"), NULL, NULL);
    check_int(a, "lines[0].quantity", 3);
    api_call(a, 200, "POST", end_of("basket", "confirm"), NULL,
             "{\"lines\":[{\"sku\":\"pear\",\"quantity\":1}]}");
    api_call(a, 200, "POST", end_of("other", "release"), NULL, NULL);
    api_call(a, 200, "POST", end_of("late", "extend"), NULL, "{\"ttl_seconds\":60}");
    assert_true(api_int(a, "ttl_ms") > 50000);
    api_call(a, 200, "POST", end_of("expired", "confirm"), NULL, "{\"if_expired\":\"rereserve\"}");
    check_int(a, "lines[0].quantity", 6);
    api_call(a, 200, "POST", end_of("sold", "confirm"), NULL, NULL);
    check_header(a, "Idempotent-Replayed", "true");
    api_problem(a, 409, "reservation-confirmed", NULL, "POST", end_of("sold", "release"), NULL,
                NULL);
    api_problem(a, 409, "reservation-released", NULL, "POST", end_of("released", "confirm"), NULL,
                NULL);
    check_ledger();
    check_item(a, "lime", 857, 857, 0, 43, 10);
    check_item(a, "plum", 12, 12, 0, 1, 9);
}

/* The sum is that of the kept counters. */
static void items_go_on(void **state)
{
    start(state);
    api_call(a, 200, "POST", "/v1/items/cherry/transfers", "Idempotency-Key: move\r\n",
             "{\"to\":\"plum\",\"quantity\":6,\"reason\":\"mixed boxes\"}");
    check_int(a, "from.remaining", 100);
    check_int(a, "to.remaining", 17);
    api_call(a, 200, "POST", "/v1/items/again/adjustments", NULL, "{\"delta\":5}");
    api_call(a, 201, "PUT", "/v1/items/gone", NULL, "{\"on_hand\":2}");
    check_int(a, "version", 3);
    api_call(a, 204, "DELETE", "/v1/items/again", NULL, NULL);
    api_call(a, 201, "PUT", "/v1/items/again", NULL, "{\"on_hand\":1}");
    check_int(a, "version", 8);
    check_ledger();
}

/* cid holds 3 pears of 5, bo has bought 2, dan 1, whose hold had expired before. */
static void customers_have_used_what_they_had(void **state)
{
    static const struct {
        const char *customer;
        int used;
    } rows[] = {{"cid", 3}, {"bo", 2}, {"dan", 1}, {"nobody", 0}};
    start(state);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        api_problem(a, 409, "limit-exceeded", NULL, "POST", RESERVATIONS, NULL,
                    text("{\"sku\":\"pear\",\"quantity\":%d,\"customer\":\"%s\"}", 6 - rows[i].used,
                         rows[i].customer));
        check_int(a, "lines[0].used", rows[i].used);
        api_call(a, 201, "POST", RESERVATIONS, NULL,
                 text("{\"sku\":\"pear\",\"quantity\":%d,\"customer\":\"%s\"}", 5 - rows[i].used,
                      rows[i].customer));
    }
    check_ledger();
}

/* --- Redis is gone ---------------------------------------------------------------------------- */

/* All that SQL had when it was kept; the last events were in Redis only. */
static void an_empty_redis_is_restored_from_the_ledger(void **state)
{
    load_ledger(*state);
    start_redis(NULL, "applied.at_ms");
    run("restore", text("--redis %s", stack.redis.url));
    start_service();
    check_all("applied.reads", true);
    check_all("applied.repeats", true);
    check_all("applied.reads", true);
    api_call(a, 200, "POST", end_of("held", "confirm"), NULL, NULL);
    api_call(a, 200, "POST", end_of("other", "release"), NULL, NULL);
    check_ledger();
}

/* --- the program ------------------------------------------------------------------------------ */

static int group_setup(void **state)
{
    if (bases_start(&bases) < 0)
        return -1;
    snprintf(rdb, sizeof(rdb), "%s/kept.rdb", bases.dir);
    return 0;
}

static int group_teardown(void **state)
{
    bases_stop(&bases);
    return 0;
}

/* By the commit that made it. */
static struct kept kept[] = {
    {"5df8313/sqlite", BASE_SQLITE},
    {"5df8313/postgresql", BASE_POSTGRES},
};

/* clang-format off */
#define OF(n, name, test) {#test " (" name ")", test, setup, teardown, &kept[n]}
#define OF_EACH(test) OF(0, "5df8313/sqlite", test), OF(1, "5df8313/postgresql", test)
/* clang-format on */

int main(void)
{
    const struct CMUnitTest tests[] = {
        OF_EACH(reads_and_repeats_are_answered_as_they_were),
        OF_EACH(the_history_is_what_it_was),
        OF_EACH(what_was_due_is_given_back),
        OF_EACH(holds_go_on),
        OF_EACH(items_go_on),
        OF_EACH(customers_have_used_what_they_had),
        OF_EACH(an_empty_redis_is_restored_from_the_ledger),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
