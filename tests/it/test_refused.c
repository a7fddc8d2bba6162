/* test_refused.c -- a Redis that answers and refuses, and a store that changes hands, just when a
 * lane has something to settle. */
#include "support/api.h"
#include "support/faultproxy.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define RECOVERY_MS 180000

static struct tredis redis;
static struct fault_proxy proxy;
static struct tservice service;
static struct api client;
static struct api *a = &client;
static char sku[64], item[80], body[128];

static int test_setup(void **state)
{
    static const char *const extra[] = {"--lanes", "1", "--request-timeout", "60s", NULL};
    if (tredis_start(&redis, NULL) != 0 || fault_proxy_start(&proxy, redis.url, 1) != 0)
        return -1;
    struct tservice_opts opts = {.redis_url = proxy.url, .workers = 1, .extra = extra};
    if (tservice_start(&service, &opts) != 0)
        return -1;
    api_open(a, service.port);
    snprintf(sku, sizeof(sku), "%s", api_item(a, 100, 0));
    snprintf(item, sizeof(item), "/v1/items/%s", sku);
    snprintf(body, sizeof(body), "{\"sku\":\"%s\",\"quantity\":1}", sku);
    return 0;
}

static int test_teardown(void **state)
{
    api_close(a);
    bool clean = tservice_stop(&service);
    fault_proxy_stop(&proxy);
    tredis_stop(&redis);
    return clean ? 0 : -1;
}

/* The connection of the worker's one lane. */
static int find_lane(void)
{
    fault_proxy_watch(&proxy, sku);
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
    api_call(a, 200, "GET", "/metrics", NULL, NULL);
    return number_behind(a->resp.body, "\nstockd_redis_connects_total ");
}

/* The text that Redis answers; good until the next call. */
static const char *redis_says(const char *command)
{
    static char text[8192];
    redisContext *c = tredis_connect(&redis);
    redisReply *reply = c ? redisCommand(c, command) : NULL;
    if (!reply || !reply->str)
        abort();
    snprintf(text, sizeof(text), "%s", reply->str);
    freeReplyObject(reply);
    redisFree(c);
    return text;
}

/* How often Redis has refused a write for want of replicas. */
static int64_t refusals(void)
{
    return number_behind(redis_says("INFO errorstats"), "errorstat_NOREPLICAS:count=");
}

static void send_hold(struct http_conn *c)
{
    http_conn_init(c, service.port);
    assert_int_equal(http_send_call(c, "POST", "/v1/reservations", NULL, body, strlen(body)), 0);
}

static void answer_is(struct http_conn *c, int status)
{
    struct http_resp resp = {.status = 0};
    c->timeout_ms = RECOVERY_MS;
    assert_int_equal(http_receive(c, false, &resp), 0);
    assert_int_equal(resp.status, status);
    http_resp_free(&resp);
    http_conn_close(c);
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
    redis_do(&redis, "CONFIG SET min-replicas-to-write 1");
    int64_t before = connects();
    send_hold(&c);
    assert_true(await(fault_proxy_struck_on(&proxy) == cut.connection, RECOVERY_MS));
    assert_true(await(connects() > before, RECOVERY_MS));
    int64_t refused = refusals(); /* the commands of the transaction itself count as well */
    assert_true(await(refusals() >= refused + 6, RECOVERY_MS));
    assert_int_equal(connects(), before + 1);
    redis_do(&redis, "CONFIG SET min-replicas-to-write 0");
    answer_is(&c, 201);
    api_call(a, 200, "GET", item, NULL, NULL);
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
    redis_do(&redis, "SET {p0}:item:%s rubbish", sku);
    send_hold(&c);
    assert_true(await(fault_proxy_status(&proxy, lane).held[FAULT_DOWN] > 0, RECOVERY_MS));
    redis_do(&redis, "HSET {p0}:meta state %s", "closed: restore 0123");
    fault_proxy_release(&proxy, lane);
    answer_is(&c, 500);
    api_problem(a, 503, "partition-closed", NULL, "POST", "/v1/reservations", NULL, body);
    state_is("closed: restore 0123");
}

/* The same with the store that the restore has put in its place, open already. */
static void a_store_that_was_restored_meanwhile_stays_open(void **state)
{
    struct http_conn c;
    int lane = hold_answers();
    redis_do(&redis, "SET {p0}:item:%s rubbish", sku);
    send_hold(&c);
    assert_true(await(fault_proxy_status(&proxy, lane).held[FAULT_DOWN] > 0, RECOVERY_MS));
    redis_do(&redis, "HSET {p0}:meta store 00000000000000aa epoch 9");
    fault_proxy_release(&proxy, lane);
    answer_is(&c, 500);
    api_problem(a, 503, "state-lost", NULL, "POST", "/v1/reservations", NULL, body);
    state_is("open");
}

static void what_cannot_be_closes_the_partition(void **state)
{
    redis_do(&redis, "SET {p0}:item:%s rubbish", sku);
    api_call(a, 500, "POST", "/v1/reservations", NULL, body);
    api_problem(a, 503, "partition-closed", NULL, "POST", "/v1/reservations", NULL, body);
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
        redis_do(&redis, "HSET {p0}:meta state %s", rows[i].state);
        assert_true(await(ready_says(rows[i].name), RECOVERY_MS));
        api_problem(a, 503, rows[i].name, NULL, "GET", item, NULL, NULL);
        api_problem(a, 503, rows[i].name, NULL, "POST", "/v1/reservations", NULL, body);
        redis_do(&redis, "HSET {p0}:meta state open");
        assert_true(await(api_ready(a), RECOVERY_MS));
    }
    redis_do(&redis, "CONFIG SET maxmemory 1mb");
    assert_true(await(ready_says("overloaded"), RECOVERY_MS));
    api_problem(a, 503, "overloaded", NULL, "POST", "/v1/reservations", NULL, body);
    redis_do(&redis, "CONFIG SET maxmemory 0");
    assert_true(await(api_ready(a), RECOVERY_MS));
    tredis_kill9(&redis);
    assert_true(await(ready_says("redis-unavailable"), RECOVERY_MS));
    api_problem(a, 503, "redis-unavailable", NULL, "GET", item, NULL, NULL);
}

/* A live connection whose user loses MULTI alone: Redis carries out one by one what follows. That
 * is no "nothing was changed". */
static void effects_without_a_transaction_are_never_called_nothing(void **state)
{
    const char *path = text("%s/decrements", item);
    api_call(a, 200, "POST", path, NULL, "{\"quantity\":1}");
    redis_do(&redis, "ACL SETUSER default -multi");
    api_problem(a, 500, "internal-error", NULL, "POST", path, NULL, "{\"quantity\":1}");
    redis_do(&redis, "ACL SETUSER default +multi");
    assert_true(await(http_call(&a->conn, "POST", path, NULL, "{\"quantity\":1}", &a->resp) == 0 &&
                          a->resp.status == 503 &&
                          strstr(a->resp.body, "/problems/partition-closed"),
                      RECOVERY_MS));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, test_setup, test_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_refused_fence_does_not_connect_again_and_again),
        TEST(a_store_that_was_claimed_meanwhile_is_left_alone),
        TEST(a_store_that_was_restored_meanwhile_stays_open),
        TEST(what_cannot_be_closes_the_partition),
        TEST(readyz_says_what_other_routes_say),
        TEST(effects_without_a_transaction_are_never_called_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
