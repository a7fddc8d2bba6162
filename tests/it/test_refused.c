/* test_refused.c -- a Redis that answers and refuses, and a store that changes hands, just when a
 * lane has something to settle. */
#include "support/fixture.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct fault_proxy proxy;
static char sku[64], item[80], body[128];

static int start(void **state)
{
    serve(.behind = &proxy, .flags = {"--lanes", "1", "--request-timeout", "60s"});
    KEEP(sku, api_item(a, 100, 0));
    KEEP(item, ITEM(sku));
    KEEP(body, LINE(sku, 1));
    return 0;
}

/* The connection of the worker's one lane. */
static int find_lane(void)
{
    fault_proxy_watch(&proxy, FAULT_SIGN_OF_LANE);
    api_call(a, 200, "PUT", item, "If-Match: *\r\n", "{}");
    int lane = fault_proxy_seen_on(&proxy);
    assert_true(lane > 0);
    return lane;
}

static int64_t number_behind(const char *text, const char *name)
{
    const char *at = strstr(text, name);
    return at ? strtoll(at + strlen(name), NULL, 10) : 0;
}

static int64_t connects(void)
{
    get("/metrics");
    return number_behind(a->resp.body, "\nstockd_redis_connects_total ");
}

/* The text that Redis answers; good until the next call. */
static const char *redis_says(const char *command)
{
    static char text[8192];
    redisContext *c = tredis_connect(&stack.redis);
    redisReply *reply = c ? redisCommand(c, command) : NULL;
    if (!reply || !reply->str)
        abort();
    KEEP(text, reply->str);
    freeReplyObject(reply);
    redisFree(c);
    return text;
}

/* How often Redis has refused a write for want of replicas. */
static int64_t refusals(void)
{
    return number_behind(redis_says("INFO errorstats"), "errorstat_NOREPLICAS:count=");
}

/* A lane that cannot write its fence asks again on the connection that it has, ever more seldom. */
static void a_refused_fence_does_not_connect_again_and_again(void **state)
{
    struct http_conn c;
    struct fault_rule cut = {.action = FAULT_CUT_RST,
                             .direction = FAULT_UP,
                             .anchor = FAULT_AT_PATTERN,
                             .pattern = "$4\r\nEXEC",
                             .connection = find_lane()};
    fault_proxy_arm(&proxy, &cut);
    redis_do(&stack.redis, "CONFIG SET min-replicas-to-write 1");
    int64_t before = connects();
    send_hold(&c, NULL, sku, 1);
    assert_true(await(fault_proxy_struck_on(&proxy) == cut.connection, RECOVERY_MS));
    assert_true(await(connects() > before, RECOVERY_MS));
    int64_t refused = refusals(); /* the commands of the transaction itself count as well */
    assert_true(await(refusals() >= refused + 6, RECOVERY_MS));
    assert_int_equal(connects(), before + 1);
    redis_do(&stack.redis, "CONFIG SET min-replicas-to-write 0");
    assert_int_equal(answer_to(&c, NULL), 201);
    get(item);
    check_int(a, "held", 1);
}

/* Holds back what Redis answers to the lane, until the release. */
static int hold_answers(void)
{
    struct fault_rule hold = {.action = FAULT_HOLD,
                              .direction = FAULT_DOWN,
                              .anchor = FAULT_AT_PATTERN,
                              .pattern = "$5\r\nWATCH",
                              .connection = find_lane()};
    fault_proxy_arm(&proxy, &hold);
    return hold.connection;
}

static void state_is(const char *wanted)
{
    assert_string_equal(redis_says("HGET {p0}:meta state"), wanted);
}

/* A lane has read what cannot be; before it closes the partition a restore has claimed the store.
 */
static void a_store_that_was_claimed_meanwhile_is_left_alone(void **state)
{
    struct http_conn c;
    int lane = hold_answers();
    redis_do(&stack.redis, "SET {p0}:item:%s rubbish", sku);
    send_hold(&c, NULL, sku, 1);
    assert_true(await(fault_proxy_status(&proxy, lane).held[FAULT_DOWN] > 0, RECOVERY_MS));
    redis_do(&stack.redis, "HSET {p0}:meta state %s", "closed: restore 0123");
    fault_proxy_release(&proxy, lane);
    assert_int_equal(answer_to(&c, NULL), 500);
    post_problem(503, "partition-closed", NULL, RESERVATIONS, body);
    state_is("closed: restore 0123");
}

/* The same with the store that the restore has put in its place, open already. */
static void a_store_that_was_restored_meanwhile_stays_open(void **state)
{
    struct http_conn c;
    int lane = hold_answers();
    redis_do(&stack.redis, "SET {p0}:item:%s rubbish", sku);
    send_hold(&c, NULL, sku, 1);
    assert_true(await(fault_proxy_status(&proxy, lane).held[FAULT_DOWN] > 0, RECOVERY_MS));
    redis_do(&stack.redis, "HSET {p0}:meta store 00000000000000aa epoch 9");
    fault_proxy_release(&proxy, lane);
    assert_int_equal(answer_to(&c, NULL), 500);
    post_problem(503, "state-lost", NULL, RESERVATIONS, body);
    state_is("open");
}

static void what_cannot_be_closes_the_partition(void **state)
{
    redis_do(&stack.redis, "SET {p0}:item:%s rubbish", sku);
    post(500, RESERVATIONS, body);
    post_problem(503, "partition-closed", NULL, RESERVATIONS, body);
    state_is("closed: Redis holds what stockd did not write");
}

/* True once /readyz says so; what other routes say is checked by the caller. */
static bool ready_says(const char *name)
{
    if (http_call(&a->conn, "GET", "/readyz", NULL, NULL, &a->resp) != 0 || a->resp.status != 503)
        return false;
    const char *type = json_string_value(json_object_get(http_resp_json(&a->resp), "type"));
    return type && strcmp(type + strlen("/problems/"), name) == 0;
}

static void readyz_says_what_other_routes_say(void **state)
{
    static const struct {
        const char *state, *name;
    } rows[] = {{"lost: by a person", "state-lost"}, {"closed: by a person", "partition-closed"}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        redis_do(&stack.redis, "HSET {p0}:meta state %s", rows[i].state);
        assert_true(await(ready_says(rows[i].name), RECOVERY_MS));
        get_problem(503, rows[i].name, NULL, item);
        post_problem(503, rows[i].name, NULL, RESERVATIONS, body);
        redis_do(&stack.redis, "HSET {p0}:meta state open");
        await_ready();
    }
    redis_do(&stack.redis, "CONFIG SET maxmemory 1mb");
    assert_true(await(ready_says("overloaded"), RECOVERY_MS));
    post_problem(503, "overloaded", NULL, RESERVATIONS, body);
    redis_do(&stack.redis, "CONFIG SET maxmemory 0");
    await_ready();
    tredis_kill9(&stack.redis);
    assert_true(await(ready_says("redis-unavailable"), RECOVERY_MS));
    get_problem(503, "redis-unavailable", NULL, item);
}

/* A live connection whose user loses MULTI alone: Redis carries out one by one what follows. That
 * is no "nothing was changed". */
static void effects_without_a_transaction_are_never_called_nothing(void **state)
{
    const char *path = text("%s/decrements", item);
    post(200, path, "{\"quantity\":1}");
    redis_do(&stack.redis, "ACL SETUSER default -multi");
    post_problem(500, "internal-error", NULL, path, "{\"quantity\":1}");
    redis_do(&stack.redis, "ACL SETUSER default +multi");
    assert_true(await(http_call(&a->conn, "POST", path, NULL, "{\"quantity\":1}", &a->resp) == 0 &&
                          a->resp.status == 503 &&
                          strstr(a->resp.body, "/problems/partition-closed"),
                      RECOVERY_MS));
}

#define REFUSED_TEST(test) cmocka_unit_test_setup_teardown(test, start, serve_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        REFUSED_TEST(a_refused_fence_does_not_connect_again_and_again),
        REFUSED_TEST(a_store_that_was_claimed_meanwhile_is_left_alone),
        REFUSED_TEST(a_store_that_was_restored_meanwhile_stays_open),
        REFUSED_TEST(what_cannot_be_closes_the_partition),
        REFUSED_TEST(readyz_says_what_other_routes_say),
        REFUSED_TEST(effects_without_a_transaction_are_never_called_nothing),
    };
    return run_each("refused", tests);
}
