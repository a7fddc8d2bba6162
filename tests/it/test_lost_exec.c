/* test_lost_exec.c -- Redis carried out an EXEC, its answer was lost, and then another Redis took
 * over: what became of it is found out there, and never taken for nothing, or for done, too early.
 *
 * Two real Redis and a proxy, which is the address. A roll forward from SQL gives back effects and
 * no markers; so the successor has all but those here. One worker with one lane.
 */
#include "support/fixture.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#define STOCK 10
#define KEYED "Idempotency-Key: k-1\r\n"

static struct tredis other = {.proc = {.pidfd = -1, .out_fd = -1}};       /* a replica at first */
static struct tservice successor = {.proc = {.pidfd = -1, .out_fd = -1}}; /* on it, past that */
static struct fault_proxy proxy;
static char sku[64];

/* --- the scene -------------------------------------------------------------------------------- */

static void start(const enum base_engine *ledger, const char *durability)
{
    static const char *const at_once[] = {"--repl-diskless-sync-delay", "0", NULL};
    struct tredis_opts redis = {.aof = TREDIS_AOF_ALWAYS, .tcp = true, .extra = at_once};
    assert_int_equal(tredis_start(&stack.redis, &redis), 0);
    assert_int_equal(tredis_start(&other, &redis), 0);
    redis_do(&other, "REPLICAOF 127.0.0.1 %d", stack.redis.port);
    serve(.behind = &proxy, .ledger = ledger,
          .flags = {"--lanes", "1", "--request-timeout", "60s", "--durability", durability});
    await_ready();
    KEEP(sku, api_item(a, STOCK, 0));
    await_replicated(&stack.redis, &other);
}

/* Of the stream, in its life. */
static int64_t entries(const struct tredis *redis)
{
    int64_t added = -1;
    redisReply *info = redis_ask(redis, "XINFO STREAM {p0}:events");
    for (size_t i = 0; i + 1 < info->elements; i += 2)
        if (strcmp(info->element[i]->str, "entries-added") == 0)
            added = info->element[i + 1]->integer;
    freeReplyObject(info);
    return added;
}

/* A hold of 3 in whose EXEC the lane's connection breaks off, in this direction. A lane that hears
 * nothing asks anew after some seconds; until lead_to it finds nobody to ask. */
static void break_exec(struct http_conn *c, const char *headers, enum fault_direction direction)
{
    fault_proxy_watch(&proxy, FAULT_SIGN_OF_LANE);
    api_call(a, 200, "PUT", ITEM(sku), "If-Match: *\r\n", "{}");
    struct fault_rule hole = {.action = FAULT_BLACK_HOLE,
                              .direction = direction,
                              .anchor = FAULT_AT_PATTERN,
                              .pattern = "$4\r\nEXEC",
                              .connection = fault_proxy_seen_on(&proxy)};
    fault_proxy_arm(&proxy, &hole);
    fault_proxy_refuse(&proxy, true);
    send_hold(c, headers, sku, 3);
}

/* Redis carries it out, and the lane never sees the answer. */
static void lose_answer(const struct tredis *redis, struct http_conn *c, const char *headers)
{
    int64_t before = entries(redis);
    break_exec(c, headers, FAULT_DOWN);
    assert_true(await(entries(redis) == before + 2, RECOVERY_MS));
}

/* The replica has everything, and is a primary of its own from here on. */
static void promote(void)
{
    assert_true(await(entries(&other) == entries(&stack.redis), RECOVERY_MS));
    redis_do(&other, "REPLICAOF NO ONE");
}

/* As a roll forward leaves it. */
static void forget_markers(void)
{
    redis_do(&other, "HSET {p0}:meta rolled 2");
    redisReply *keys = redis_ask(&other, "KEYS {p0}:lane:*");
    assert_true(keys->elements > 0);
    for (size_t i = 0; i < keys->elements; i++)
        redis_do(&other, "DEL %s", keys->element[i]->str);
    freeReplyObject(keys);
}

static void open_next_epoch(void)
{
    serve_beside(&successor, .redis_url = other.url);
    assert_true(await(tredis_int(&other, "HGET {p0}:meta epoch") == 2, RECOVERY_MS));
}

static void lead_to(const struct tredis *redis)
{
    assert_int_equal(fault_proxy_aim(&proxy, redis->url), 0);
    fault_proxy_refuse(&proxy, false);
    fault_proxy_cut_all(&proxy);
}

/* The lane has asked for its marker so many times, and was answered all of them but the last. */
static void await_looks(int times)
{
    for (int i = 0; i < times; i++) {
        fault_proxy_watch(&proxy, FAULT_SIGN_OF_LANE);
        assert_true(await(fault_proxy_seen_on(&proxy) > 0, RECOVERY_MS));
    }
}

static void check_unknown(struct http_conn *c)
{
    char problem[64];
    assert_int_equal(answer_to(c, problem), 504);
    assert_non_null(strstr(problem, "outcome-unknown"));
}

static void check_held_once(void)
{
    await_ready();
    check_item(a, sku, STOCK, STOCK - 3, 3, 0, 3);
}

static void check_taken(struct http_conn *c)
{
    assert_int_equal(answer_to(c, NULL), 201);
    check_held_once();
}

/* --- tests ------------------------------------------------------------------------------------ */

/* Nothing came from SQL, so what has no marker is not there. */
static void it_is_carried_out_by_the_successor_that_has_no_trace_of_it(void **state)
{
    struct http_conn c;
    start(*state, "memory");
    break_exec(&c, NULL, FAULT_UP);
    assert_true(await(fault_proxy_struck_on(&proxy) > 0, RECOVERY_MS));
    promote();
    open_next_epoch();
    lead_to(&other);
    check_taken(&c);
}

/* The same where Redis was restarted. */
static void it_is_carried_out_when_redis_is_back_without_a_trace_of_it(void **state)
{
    struct http_conn c;
    start(*state, "memory");
    break_exec(&c, NULL, FAULT_UP);
    assert_true(await(fault_proxy_struck_on(&proxy) > 0, RECOVERY_MS));
    int64_t epoch = redis_int("HGET {p0}:meta epoch");
    tredis_kill9(&stack.redis);
    assert_int_equal(tredis_restart(&stack.redis), 0);
    fault_proxy_refuse(&proxy, false);
    check_taken(&c);
    assert_true(redis_int("HGET {p0}:meta epoch") > epoch);
}

static void its_marker_at_the_successor_says_that_it_happened(void **state)
{
    struct http_conn c;
    start(*state, "memory");
    lose_answer(&stack.redis, &c, NULL);
    promote();
    open_next_epoch();
    lead_to(&other);
    check_taken(&c);
}

/* Nobody can tell whether the effect is there: it is not brought about once more. */
static void without_a_key_it_is_unknown_in_a_later_epoch(void **state)
{
    struct http_conn c;
    (void)state;
    start(NULL, "memory");
    lose_answer(&stack.redis, &c, NULL);
    promote();
    forget_markers();
    open_next_epoch();
    lead_to(&other);
    check_unknown(&c);
    check_held_once();
}

static void with_a_key_it_is_looked_up_in_a_later_epoch(void **state)
{
    struct http_resp resp = {.status = 0};
    struct http_conn c;
    char mark[16];
    (void)state;
    start(NULL, "memory");
    lose_answer(&stack.redis, &c, KEYED);
    promote();
    forget_markers();
    open_next_epoch();
    lead_to(&other);
    assert_int_equal(http_receive(&c, false, &resp), 0);
    assert_int_equal(resp.status, 201);
    /* Nobody was given that answer before. */
    if (http_resp_header(&resp, "Idempotent-Replayed", mark, sizeof(mark)))
        assert_string_not_equal(mark, "true");
    http_resp_free(&resp);
    http_conn_close(&c);
    check_held_once();
}

/* What the promoted one lacks may still be given back to it before it is opened. */
static void nothing_is_decided_before_the_next_epoch_is_open(void **state)
{
    struct http_conn c;
    (void)state;
    start(NULL, "memory");
    lose_answer(&stack.redis, &c, NULL);
    promote();
    forget_markers();
    assert_int_equal(kill(pid_of(TSERVICE_KEEPER), SIGSTOP), 0);
    lead_to(&other);
    await_looks(4);
    open_next_epoch();
    check_unknown(&c);
    kill(pid_of(TSERVICE_KEEPER), SIGCONT);
    check_held_once();
}

/* The address leads back to the one that was left behind, which is open still, in its own eyes. */
static void nothing_is_decided_in_an_epoch_before_its_own(void **state)
{
    struct http_conn c;
    (void)state;
    start(NULL, "memory");
    promote();
    open_next_epoch();
    lead_to(&other);
    await_ready();
    lose_answer(&other, &c, KEYED);
    int64_t before = entries(&stack.redis);
    lead_to(&stack.redis);
    await_looks(4);
    lead_to(&other);
    assert_int_equal(answer_to(&c, NULL), 201);
    assert_int_equal(entries(&stack.redis), before);
    check_held_once();
}

/* Its key is in the store, so it happened; but whether SQL has that, nobody has heard. */
static void what_its_key_shows_is_never_called_nothing(void **state)
{
    struct http_conn c;
    struct fault_rule hole = {.action = FAULT_BLACK_HOLE,
                              .direction = FAULT_DOWN,
                              .anchor = FAULT_AT_PATTERN,
                              .pattern = "{p0}:ended"};
    start(*state, "ledger");
    lose_answer(&stack.redis, &c, KEYED);
    promote();
    forget_markers();
    open_next_epoch();
    assert_int_equal(kill(pid_of(TSERVICE_LEDGER), SIGSTOP), 0); /* it writes that key as well */
    fault_proxy_arm(&proxy, &hole);
    lead_to(&other);
    assert_true(await(fault_proxy_struck_on(&proxy) > 0, RECOVERY_MS));
    fault_proxy_refuse(&proxy, true);
    fault_proxy_cut_all(&proxy);
    check_unknown(&c);
    fault_proxy_refuse(&proxy, false);
    kill(pid_of(TSERVICE_LEDGER), SIGCONT);
    check_held_once();
}

/* The lane had its answer, and waits for SQL when its Redis goes. The successor has it all, and so
 * has SQL, in an epoch that is over. */
static void what_waits_for_sql_does_so_at_the_successor(void **state)
{
    struct http_conn c;
    start(*state, "ledger");
    assert_int_equal(kill(pid_of(TSERVICE_LEDGER), SIGSTOP), 0);
    int64_t before = entries(&stack.redis);
    send_hold(&c, NULL, sku, 3);
    assert_true(await(entries(&stack.redis) == before + 1, RECOVERY_MS));
    promote();
    open_next_epoch();
    lead_to(&other);
    assert_int_equal(answer_to(&c, NULL), 201);
    kill(pid_of(TSERVICE_LEDGER), SIGCONT);
    await_ready();
    check_item(a, sku, STOCK, STOCK - 3, 3, 0, 2);
}

static int end(void **state)
{
    static const char *const roles[] = {TSERVICE_KEEPER, TSERVICE_LEDGER};
    for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
        pid_t pid = pid_of(roles[i]);
        if (pid > 0)
            kill(pid, SIGCONT);
    }
    bool fine = tservice_stop(&successor);
    int rc = serve_end(state);
    tredis_stop(&other);
    return fine ? rc : -1;
}

#define LOST_TEST(test) cmocka_unit_test_teardown(test, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"it_is_carried_out_by_the_successor_that_has_no_trace_of_it (sqlite)",
         it_is_carried_out_by_the_successor_that_has_no_trace_of_it, NULL, end, ON_SQLITE},
        LOST_TEST(it_is_carried_out_by_the_successor_that_has_no_trace_of_it),
        {"it_is_carried_out_when_redis_is_back_without_a_trace_of_it (sqlite)",
         it_is_carried_out_when_redis_is_back_without_a_trace_of_it, NULL, end, ON_SQLITE},
        LOST_TEST(it_is_carried_out_when_redis_is_back_without_a_trace_of_it),
        LOST_TEST(its_marker_at_the_successor_says_that_it_happened),
        LOST_TEST(without_a_key_it_is_unknown_in_a_later_epoch),
        LOST_TEST(with_a_key_it_is_looked_up_in_a_later_epoch),
        LOST_TEST(nothing_is_decided_before_the_next_epoch_is_open),
        LOST_TEST(nothing_is_decided_in_an_epoch_before_its_own),
        {"what_its_key_shows_is_never_called_nothing", what_its_key_shows_is_never_called_nothing,
         NULL, end, ON_SQLITE},
        {"what_waits_for_sql_does_so_at_the_successor", what_waits_for_sql_does_so_at_the_successor,
         NULL, end, ON_SQLITE},
    };
    return run_each("lost exec", tests);
}
