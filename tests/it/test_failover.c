/* test_failover.c -- a replica takes a master's place behind one address, while connections to the
 * old one live on: the service notices by itself, writes to the new one and reads from no other. */
#include "support/fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define READS 24 /* over connections of their own, so that each worker gets some */

static struct tredis second;     /* a replica of the stack's own at the beginning */
static struct fault_proxy proxy; /* the address */

/* --- the rig ---------------------------------------------------------------------------------- */

static bool role_is(const struct tredis *redis, const char *role)
{
    redisContext *c = tredis_connect(redis);
    redisReply *reply = c ? redisCommand(c, "ROLE") : NULL;
    bool is =
        reply && reply->type == REDIS_REPLY_ARRAY && strcmp(reply->element[0]->str, role) == 0;
    freeReplyObject(reply);
    redisFree(c);
    return is;
}

static void start(void **state)
{
    static const char *const at_once[] = {"--repl-diskless-sync-delay", "0", NULL};
    const struct tredis_opts opts = {.aof = TREDIS_AOF_ALWAYS, .tcp = true, .extra = at_once};
    assert_int_equal(tredis_start(&stack.redis, &opts), 0);
    assert_int_equal(tredis_start(&second, &opts), 0);
    redis_do(&second, "REPLICAOF 127.0.0.1 %d", stack.redis.port);
    serve(.behind = &proxy, .workers = 2, .ledger = *state);
    await_ready();
    await_replicated(&stack.redis, &second);
}

static int end(void **state)
{
    int rc = serve_end(state);
    tredis_stop(&second);
    return rc;
}

/* As planned: the two agree, then the address leads to the other one. What is connected stays so,
 * and the old one hears nothing any more of what is written from here on. */
static void fail_over(void)
{
    redis_do(&stack.redis, "FAILOVER TO 127.0.0.1 %d TIMEOUT 20000", second.port);
    assert_true(await(role_is(&second, "master") && role_is(&stack.redis, "slave"), RECOVERY_MS));
    assert_int_equal(fault_proxy_aim(&proxy, second.url), 0);
    redis_do(&stack.redis, "REPLICAOF 127.0.0.1 1");
}

/* --- what clients see ------------------------------------------------------------------------- */

/* Every read gives the item at this version, or none does yet. */
static bool all_read(const char *sku, int64_t version)
{
    for (int i = 0; i < READS; i++) {
        http_conn_close(&a->conn);
        int err = http_call(&a->conn, "GET", ITEM(sku), NULL, NULL, &a->resp);
        if (err || a->resp.status != 200 ||
            json_integer_value(json_at(http_resp_json(&a->resp), "version")) != version)
            return false;
    }
    return true;
}

static int sell(const char *sku)
{
    http_conn_close(&a->conn);
    int err = http_call(&a->conn, "POST", DECREMENT(sku), NULL, "{\"quantity\":1}", &a->resp);
    return err ? err : a->resp.status;
}

static void go_through_a_failover(void **state)
{
    char sku[32], hold[64];
    start(state);
    KEEP(sku, api_item(a, 100, 0));
    KEEP(hold, api_reserve(a, sku, 4, 1));
    assert_true(await(api_state_is(a, hold, "expired"), RECOVERY_MS));
    fail_over();
    assert_true(await(sell(sku) == 200, RECOVERY_MS));
    check_int(a, "remaining", 99);
    assert_true(await(all_read(sku, 4), RECOVERY_MS));
    assert_int_equal(tredis_int(&second, "HGET {p0}:meta epoch"), 2);
    KEEP(hold, api_reserve(a, sku, 4, 1));
    assert_true(await(api_state_is(a, hold, "expired"), RECOVERY_MS));
    check_item(a, sku, 99, 99, 0, 1, 6);
}

static void a_failover_behind_one_address_is_noticed(void **state)
{
    go_through_a_failover(state);
}

static void and_with_a_ledger_too(void **state)
{
    go_through_a_failover(state);
    check_command(0, "audit", "--redis", second.url, "--ledger", ledger_url);
}

/* Nobody asks anything: the connections look by themselves. */
static void an_idle_service_is_ready_when_it_is_needed(void **state)
{
    char sku[32];
    start(state);
    KEEP(sku, api_item(a, 100, 0));
    fail_over();
    assert_true(await(tredis_int(&second, "HGET {p0}:meta epoch") == 2, RECOVERY_MS));
    /* two workers and the keeper, with a lane and a reader each; the keeper's own; and this one */
    assert_true(await(tredis_info(&second, "connected_clients") >= 8, RECOVERY_MS));
    assert_true(await(tredis_info(&stack.redis, "connected_clients") == 1, RECOVERY_MS));
}

/* The address goes on to lead to what was demoted, until that is the master again. */
static void a_demoted_master_is_not_read(void **state)
{
    char sku[32];
    start(state);
    KEEP(sku, api_item(a, 100, 0));
    redis_do(&stack.redis, "REPLICAOF 127.0.0.1 1");
    assert_true(await(sell(sku) == 503, RECOVERY_MS));
    assert_true(await(!api_ready(a), RECOVERY_MS));
    http_conn_close(&a->conn);
    assert_true(
        await((http_call(&a->conn, "GET", ITEM(sku), NULL, NULL, &a->resp), a->resp.status == 503),
              RECOVERY_MS));
    redis_do(&stack.redis, "REPLICAOF NO ONE");
    await_ready();
    assert_true(await(sell(sku) == 200, RECOVERY_MS));
    assert_true(await(all_read(sku, 2), RECOVERY_MS));
}

#define FAILOVER_TEST(test) cmocka_unit_test_teardown(test, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FAILOVER_TEST(a_failover_behind_one_address_is_noticed),
        {"and_with_a_ledger_too", and_with_a_ledger_too, NULL, end, ON_SQLITE},
        FAILOVER_TEST(an_idle_service_is_ready_when_it_is_needed),
        FAILOVER_TEST(a_demoted_master_is_not_read),
    };
    return run_each("failover", tests);
}
