/* test_refusals.c -- Redis refuses commands of a running service, of an audit, of a restore: no
 * process ends, nothing is lost or done twice, and everything goes on when Redis does.
 *
 * Which commands are refused is drawn. SEED in the environment repeats a sequence; STEPS says how
 * many are drawn for each test and, where a process is run for each, for each word: with a large
 * one that is every command.
 */
#include "core/record.h"
#include "log.h"
#include "random.h"
#include "support/fixture.h"
#include "support/refuseproxy.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MEET_MS    3000 /* for a refusal to be met by what is going on */
#define HOUR_MS    INT64_C(3600000)
#define ROLES      4 /* the last is everybody */
#define PARTITIONS 2
#define MANY       300 /* refusals in a row */
#define STOCK      1000

static struct refuse_proxy proxy;
static struct rng rng;
static int64_t slowest_ms;
static char slowest[96];

/* --- the rig ---------------------------------------------------------------------------------- */

/* A service that knows only the proxy. */
#define serve_behind(...)                                                                          \
    do {                                                                                           \
        if (!proxy.pid)                                                                            \
            proxy_start();                                                                         \
        serve(.redis_url = proxy.url, .workers = 2, __VA_ARGS__);                                  \
        await_ready();                                                                             \
    } while (0)

static void proxy_start(void)
{
    assert_int_equal(tredis_start(&stack.redis, NULL), 0);
    assert_int_equal(refuse_proxy_start(&proxy, &stack.redis), 0);
}

static int stop(void **state)
{
    int rc = tservice_stop(&stack.service) ? 0 : -1;
    refuse_proxy_stop(&proxy);
    return serve_end(state) < 0 ? -1 : rc;
}

static int steps(int otherwise)
{
    const char *text = getenv("STEPS");
    return text ? (int)strtol(text, NULL, 10) : otherwise;
}

static int below(int n)
{
    return (int)rng_below(&rng, (uint64_t)n);
}

static void lose_the_store(void)
{
    redis_do(&stack.redis, "FLUSHALL");
}

/* --- the keeper ------------------------------------------------------------------------------- */

/* A record that the keeper drops. */
static void put_old_record(void)
{
    struct buf bytes;
    struct reservation_line line = {.sku = STR("x"), .quantity = 1, .version = 1};
    struct reservation r = {.state = RESERVATION_RELEASED,
                            .expires_ms = HOUR_MS,
                            .ended_ms = HOUR_MS,
                            .line_count = 1,
                            .lines = &line};
    rid_set_bucket(&r.id, rid_bucket_of(r.expires_ms));
    buf_init(&bytes, 4096);
    record_encode(&bytes, &r);
    redis_do(&stack.redis, "HSET {p0}:resv:%" PRId64 " %b %b", rid_bucket(&r.id), r.id.b,
             (size_t)RID_BYTES, bytes.p, bytes.n);
    redis_do(&stack.redis, "ZADD {p0}:buckets %" PRId64 " %" PRId64, rid_bucket(&r.id),
             rid_bucket(&r.id));
    buf_free(&bytes);
}

static void a_refusal_in_its_transaction_does_not_stop_the_keeper(void **state)
{
    serve_behind();
    char sku[32];
    KEEP(sku, api_item(a, STOCK, 0));
    stop_serving();
    put_old_record(); /* what is dropped first is an old event */
    struct refuse_rule hdel = {
        .role = TSERVICE_KEEPER, .word = REFUSE_NOREPLICAS, .first = 2, .count = 1};
    char name[REFUSE_NAME_SIZE];
    refuse_proxy_arm(&proxy, &hdel);
    serve_behind();
    assert_true(await(refuse_proxy_refused(&proxy) == 1, RECOVERY_MS));
    refuse_proxy_last(&proxy, name);
    assert_string_equal(name, "hdel");
    const char *id = api_reserve(a, sku, 1, 1);
    assert_true(await(api_state_is(a, id, "expired"), RECOVERY_MS));
    assert_true(log_has("a round of the keeper was cut short", ""));
    assert_true(await(metric("stockd_trimmed_records_total") == 1, RECOVERY_MS));
}

/* What nobody knows is not 0. */
static void a_keeper_that_does_nothing_is_seen(void **state)
{
    serve_behind();
    assert_true(await(metric("stockd_keeper_round_timestamp_seconds") > 1000000000, RECOVERY_MS));
    struct refuse_rule all = {.role = TSERVICE_KEEPER, .word = REFUSE_BUSY, .first = 1};
    refuse_proxy_arm(&proxy, &all);
    assert_true(await(metric("stockd_expiry_lag_seconds") > 5, RECOVERY_MS));
    assert_true(await(log_has("the keeper has done nothing", ""), RECOVERY_MS));
    int64_t before = metric("stockd_keeper_round_timestamp_seconds");
    refuse_proxy_disarm(&proxy);
    assert_true(await(metric("stockd_expiry_lag_seconds") < 1, RECOVERY_MS));
    assert_true(metric("stockd_keeper_round_timestamp_seconds") > before);
    assert_true(await(log_has("the keeper goes on", ""), RECOVERY_MS));
}

/* --- reads ------------------------------------------------------------------------------------ */

enum { LISTED = 5 };

/* A list is whole, or it is not there. */
static void look_at_list(void)
{
    assert_int_equal(http_call(&a->conn, "GET", "/v1/items", NULL, NULL, &a->resp), 0);
    if (a->resp.status == 503)
        return;
    assert_int_equal(a->resp.status, 200);
    check_size(a, "items", LISTED);
}

static void a_list_of_items_is_whole_or_refused(void **state)
{
    static const enum refuse_word words[] = {REFUSE_LOADING, REFUSE_BUSY, REFUSE_NOPERM};
    serve_behind(.partitions = 2);
    for (int i = 0; i < LISTED; i++)
        api_item(a, STOCK, 0);
    for (size_t w = 0; w < sizeof(words) / sizeof(words[0]); w++)
        for (int k = 1; k <= 24; k++) {
            struct refuse_rule rule = {
                .role = TSERVICE_WORKER, .word = words[w], .first = k, .count = 1};
            refuse_proxy_arm(&proxy, &rule);
            while (refuse_proxy_refused(&proxy) == 0)
                look_at_list();
            look_at_list();
        }
}

/* --- rights ----------------------------------------------------------------------------------- */

/* The right goes together with the connections that had it, in one step. */
static void take_the_right_to_transactions(void)
{
    const char *const step[] = {"MULTI", "ACL SETUSER default -multi", "CLIENT KILL TYPE normal",
                                "EXEC"};
    redisContext *c = tredis_connect(&stack.redis);
    assert_non_null(c);
    for (size_t i = 0; i < sizeof(step) / sizeof(step[0]); i++) {
        redisReply *reply = redisCommand(c, step[i]);
        assert_non_null(reply);
        assert_int_not_equal(reply->type, REDIS_REPLY_ERROR);
        freeReplyObject(reply);
    }
    redisFree(c);
}

/* What lies behind a MULTI that is refused is carried out one by one: it must not be sent. */
static void nothing_is_written_without_the_right_to_transactions(void **state)
{
    serve_behind();
    char sku[32], path[64];
    KEEP(sku, api_item(a, STOCK, 0));
    snprintf(path, sizeof(path), "/v1/items/%s/decrements", sku);
    take_the_right_to_transactions();
    assert_true(await(!api_ready(a), RECOVERY_MS));
    post_problem(503, "redis-unavailable", NULL, path, "{\"quantity\":1}");
    api_call(a, 503, "GET", "/readyz", NULL, NULL);
    redis_do(&stack.redis, "ACL SETUSER default +multi");
    await_ready();
    check_item(a, sku, STOCK, STOCK, 0, 0, 1);
    post(200, path, "{\"quantity\":1}");
}

/* --- the service under load ------------------------------------------------------------------- */

static const char *const roles[ROLES] = {TSERVICE_WORKER, TSERVICE_KEEPER, TSERVICE_LEDGER, ""};

/* One command, some, or whatever comes until MANY were refused. */
static const char *draw_rule(struct refuse_rule *rule)
{
    const int counts[] = {1, 1, 1, 1, 1 + below(200), 0};
    *rule = (struct refuse_rule){.word = (enum refuse_word)below(REFUSE_WORDS),
                                 .first = 1 + below(60),
                                 .count = counts[below(6)]};
    KEEP(rule->role, roles[below(ROLES)]);
    return text("%s to %s, %d from command %d on", refuse_word_name(rule->word),
                *rule->role ? rule->role : "all", rule->count, rule->first);
}

/* SQL has all that the streams had. */
static bool applied(const int64_t *ends)
{
    for (int p = 0; p < load.partitions; p++)
        if (ledger_checkpoint(&load, p) < ends[p])
            return false;
    return true;
}

/* Everybody works again: the workers, the ledger process and, for a hold that nobody else ever
 * touches, the keeper. */
static bool goes_on(const char *hold, int answered, const int64_t *ends)
{
    return atomic_load(&load.answered) >= answered && api_state_is(a, hold, "expired") &&
           applied(ends) && api_ready(a);
}

static bool refuse_some(const char *sku, int step)
{
    struct refuse_rule rule;
    char what[96], hold[64], name[REFUSE_NAME_SIZE];
    KEEP(what, draw_rule(&rule));
    KEEP(hold, api_reserve(a, sku, 1, 1));
    refuse_proxy_arm(&proxy, &rule);
    (void)await(refuse_proxy_refused(&proxy) >= (rule.count ? rule.count : MANY), MEET_MS);
    bool met = refuse_proxy_refused(&proxy) > 0;
    refuse_proxy_disarm(&proxy);
    refuse_proxy_last(&proxy, name);
    int64_t begin = test_now_ms(), ends[PARTITIONS];
    for (int p = 0; p < load.partitions; p++)
        ends[p] = ledger_stream_end(&load, p);
    int answered = atomic_load(&load.answered) + 20;
    bool on = await(goes_on(hold, answered, ends), RECOVERY_MS);
    int64_t took = test_now_ms() - begin;
    if (!on)
        print_error("step %d: %s (last: %s): not everything goes on after %" PRId64 " ms\n", step,
                    what, name, took);
    if (!on)
        print_tail(stack.service.err_path, 40);
    assert_true(on);
    if (took > slowest_ms) {
        slowest_ms = took;
        KEEP(slowest, what);
    }
    return met;
}

static void go_through_refusals(int count, const char *level)
{
    int met = 0;
    char sku[32];
    /* On a loaded machine SQL may take longer for a commit than the 5 s that requests have. */
    serve_behind(.partitions = PARTITIONS, .ledger = ON_SQLITE,
                 .flags = {"--durability", level, "--request-timeout", "20s"});
    KEEP(sku, api_item(a, 100000, 0));
    ledger_load_start(&load);
    ledger_load_await(&load, 100);
    slowest_ms = 0;
    for (int i = 0; i < count; i++)
        met += refuse_some(sku, i);
    print_message("%d refusals, %d met; slowest to go on: %" PRId64 " ms (%s)\n", count, met,
                  slowest_ms, slowest);
    assert_true(met > 0);
    ledger_load_stop_and_check(&load);
    assert_int_equal(metric("stockd_process_restarts_total"), 0);
}

static void a_service_goes_on_after_any_refusal(void **state)
{
    go_through_refusals(steps(16), "memory");
}

static void and_where_answers_wait_for_the_ledger(void **state)
{
    go_through_refusals(steps(8), "ledger");
}

/* Everybody meets Redis for the first time, or an empty one, while it refuses. */
static void a_service_starts_whatever_is_refused(void **state)
{
    proxy_start();
    for (int i = 0, count = steps(6); i < count; i++) {
        struct refuse_rule rule = {.word = (enum refuse_word)below(REFUSE_WORDS),
                                   .first = 1 + below(40),
                                   .count = below(2) ? 1 : 1 + below(60)};
        lose_the_store();
        *ledger_url = '\0'; /* a new one */
        print_message("%s from command %d on, %d\n", refuse_word_name(rule.word), rule.first,
                      rule.count);
        refuse_proxy_arm(&proxy, &rule);
        serve_behind(.partitions = PARTITIONS, .ledger = ON_SQLITE);
        refuse_proxy_disarm(&proxy);
        const char *sku = api_item(a, STOCK, 0);
        api_reserve(a, sku, 1, 0);
        check_item(a, sku, STOCK, STOCK - 1, 1, 0, 2);
        stop_serving();
    }
}

/* --- audit and restore ------------------------------------------------------------------------ */

/* `stockd <command>` through the proxy; its exit code. */
static int command(const char *name)
{
    return command_run(name, "--redis", proxy.url, "--ledger", ledger_url);
}

static void nothing(void)
{
}

/* Runs `one` with some of the commands refused that `name` sends. */
static void sweep_command(const char *name, void (*prepare)(void),
                          void (*one)(struct refuse_rule *rule))
{
    int each = steps(4), total = 0;
    for (int word = 0; word < REFUSE_WORDS; word++) {
        struct refuse_rule rule = {
            .role = "stockd", .word = (enum refuse_word)word, .first = INT32_MAX, .count = 1};
        refuse_proxy_arm(&proxy, &rule);
        prepare();
        assert_int_equal(command(name), 0);
        int last = refuse_proxy_counted(&proxy);
        bool all = each >= last;
        for (int i = 0; i < (all ? last : each); i++, total++) {
            rule.first = all ? i + 1 : 1 + below(last);
            prepare();
            one(&rule);
        }
        print_message("%s: %s: %d commands\n", name, refuse_word_name(rule.word), last);
    }
    assert_true(total > 0);
}

static void fill_ledger(void)
{
    serve_behind(.ledger = ON_SQLITE);
    for (int i = 0; i < 10; i++) {
        const char *sku = api_item(a, STOCK, 5);
        api_call(a, 201, "POST", RESERVATIONS, text("Idempotency-Key: k-%d\r\n", i),
                 text("{\"sku\":\"%s\",\"quantity\":2,\"customer\":\"c\"}", sku));
        const char *id = api_str(a, "id");
        if (i % 2)
            post(200, CONFIRM(id), "{}");
    }
    assert_true(await(ledger_caught_up(&load), RECOVERY_MS));
}

static void audit_one(struct refuse_rule *rule)
{
    refuse_proxy_arm(&proxy, rule);
    int exit = command("audit");
    refuse_proxy_disarm(&proxy);
    if (exit != 0 && exit != 2)
        print_error("%s to command %d: exit %d\n", refuse_word_name(rule->word), rule->first, exit);
    assert_true(exit == 0 || exit == 2); /* never a drift that is none */
    assert_int_equal(command("audit"), 0);
}

static void an_audit_that_is_refused_accuses_nobody(void **state)
{
    fill_ledger();
    sweep_command("audit", nothing, audit_one);
}

/* Whatever came of the refused one, a restore may follow. */
static void restore_one(struct refuse_rule *rule)
{
    char name[REFUSE_NAME_SIZE];
    refuse_proxy_arm(&proxy, rule);
    int first = command("restore");
    refuse_proxy_last(&proxy, name);
    refuse_proxy_disarm(&proxy);
    int second = first == 0 ? 0 : command("restore");
    int audit = command("audit");
    if (second != 0 || audit != 0)
        print_error("%s to command %d (%s): restores exit %d and %d, the audit %d\n",
                    refuse_word_name(rule->word), rule->first, name, first, second, audit);
    assert_true(first >= 0 && first <= 2);
    assert_int_equal(second, 0);
    assert_int_equal(audit, 0);
}

static void a_restore_that_is_refused_can_be_made_again(void **state)
{
    fill_ledger();
    stop_serving();
    sweep_command("restore", lose_the_store, restore_one);
}

static void draw(void)
{
    rng_seed(&rng, seed_of_run());
}

#define REFUSAL_TEST(test) cmocka_unit_test_teardown(test, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        REFUSAL_TEST(a_refusal_in_its_transaction_does_not_stop_the_keeper),
        REFUSAL_TEST(a_keeper_that_does_nothing_is_seen),
        REFUSAL_TEST(a_list_of_items_is_whole_or_refused),
        REFUSAL_TEST(nothing_is_written_without_the_right_to_transactions),
        REFUSAL_TEST(a_service_goes_on_after_any_refusal),
        REFUSAL_TEST(and_where_answers_wait_for_the_ledger),
        REFUSAL_TEST(a_service_starts_whatever_is_refused),
        REFUSAL_TEST(an_audit_that_is_refused_accuses_nobody),
        REFUSAL_TEST(a_restore_that_is_refused_can_be_made_again),
    };
    return run_each_with("refusals", tests, draw, NULL);
}
