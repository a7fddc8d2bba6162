/* test_failover.c -- a replica takes a master's place behind one address, while connections to the
 * old one live on: the service notices by itself, writes to the new one and reads from no other. */
#include "support/api.h"
#include "support/faultproxy.h"
#include "support/ledger_base.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

#define RECOVERY_MS 180000
#define READS       24 /* over connections of their own, so that each worker gets some */

static struct tredis first, second; /* the master at the beginning, and its replica */
static struct fault_proxy proxy;    /* the address */
static struct tservice service;
static struct api api;
static struct api *a = &api;
static char ledger_dir[TEST_PATH_MAX], ledger[TEST_PATH_MAX + 32];

/* --- the rig ---------------------------------------------------------------------------------- */

static void tell(const struct tredis *redis, const char *command)
{
    redisContext *c = tredis_connect(redis);
    assert_non_null(c);
    redisReply *reply = redisCommand(c, command);
    assert_non_null(reply);
    if (reply->type == REDIS_REPLY_ERROR)
        print_error("%s: %s\n", command, reply->str);
    assert_int_equal(reply->type, REDIS_REPLY_STATUS);
    freeReplyObject(reply);
    redisFree(c);
}

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

static void ledger_make(void)
{
    struct migrate_report report;
    assert_int_equal(temp_dir_make(ledger_dir), 0);
    snprintf(ledger, sizeof(ledger), "sqlite:%s/ledger.db", ledger_dir);
    struct db *db = base_open(ledger);
    base_migrate(db, &report);
    db_close(db);
}

static void rig_start(void)
{
    static const char *const at_once[] = {"--repl-diskless-sync-delay", "0", NULL};
    const struct tredis_opts opts = {.aof = TREDIS_AOF_ALWAYS, .tcp = true, .extra = at_once};
    assert_int_equal(tredis_start(&first, &opts), 0);
    assert_int_equal(tredis_start(&second, &opts), 0);
    tell(&second, text("REPLICAOF 127.0.0.1 %d", first.port));
    assert_int_equal(fault_proxy_start(&proxy, first.url, 1), 0);
    const char *const extra[] = {"--ledger", *ledger ? ledger : "none", NULL};
    struct tservice_opts serve = {.redis_url = proxy.url, .workers = 2, .extra = extra};
    assert_int_equal(tservice_start(&service, &serve), 0);
    api_open(a, service.port);
    assert_true(await(api_ready(a), RECOVERY_MS));
    assert_true(await(tredis_info(&first, "connected_slaves") == 1 &&
                          tredis_int(&second, "EXISTS {p0}:meta") == 1,
                      RECOVERY_MS));
}

static int rig_stop(void **state)
{
    (void)state;
    api_close(a);
    bool fine = tservice_stop(&service);
    fault_proxy_stop(&proxy);
    tredis_stop(&first);
    tredis_stop(&second);
    if (*ledger_dir)
        temp_dir_remove(ledger_dir);
    *ledger_dir = *ledger = '\0';
    return fine ? 0 : -1;
}

/* As planned: the two agree, then the address leads to the other one. What is connected stays so,
 * and the old one hears nothing any more of what is written from here on. */
static void fail_over(void)
{
    tell(&first, text("FAILOVER TO 127.0.0.1 %d TIMEOUT 20000", second.port));
    assert_true(await(role_is(&second, "master") && role_is(&first, "slave"), RECOVERY_MS));
    assert_int_equal(fault_proxy_aim(&proxy, second.url), 0);
    tell(&first, "REPLICAOF 127.0.0.1 1");
}

/* --- what clients see ------------------------------------------------------------------------- */

/* Every read gives the item at this version, or none does yet. */
static bool all_read(const char *sku, int64_t version)
{
    for (int i = 0; i < READS; i++) {
        http_conn_close(&a->conn);
        int err = http_call(&a->conn, "GET", text("/v1/items/%s", sku), NULL, NULL, &a->resp);
        if (err || a->resp.status != 200 ||
            json_integer_value(json_at(http_resp_json(&a->resp), "version")) != version)
            return false;
    }
    return true;
}

static int sell(const char *sku)
{
    http_conn_close(&a->conn);
    int err = http_call(&a->conn, "POST", text("/v1/items/%s/decrements", sku), NULL,
                        "{\"quantity\":1}", &a->resp);
    return err ? err : a->resp.status;
}

static void go_through_a_failover(void)
{
    char sku[32], hold[64];
    rig_start();
    snprintf(sku, sizeof(sku), "%s", api_item(a, 100, 0));
    snprintf(hold, sizeof(hold), "%s", api_reserve(a, sku, 4, 1));
    assert_true(await(api_state_is(a, hold, "expired"), RECOVERY_MS));
    fail_over();
    assert_true(await(sell(sku) == 200, RECOVERY_MS));
    check_int(a, "remaining", 99);
    assert_true(await(all_read(sku, 4), RECOVERY_MS));
    assert_int_equal(tredis_int(&second, "HGET {p0}:meta epoch"), 2);
    snprintf(hold, sizeof(hold), "%s", api_reserve(a, sku, 4, 1));
    assert_true(await(api_state_is(a, hold, "expired"), RECOVERY_MS));
    check_item(a, sku, 99, 99, 0, 1, 6);
}

static void a_failover_behind_one_address_is_noticed(void **state)
{
    (void)state;
    go_through_a_failover();
}

static void and_with_a_ledger_too(void **state)
{
    (void)state;
    ledger_make();
    go_through_a_failover();
    const char *command = text("%s audit --redis '%s' --ledger '%s' >/dev/null", getenv("STOCKD"),
                               second.url, ledger);
    int status = system(command);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* Nobody asks anything: the connections look by themselves. */
static void an_idle_service_is_ready_when_it_is_needed(void **state)
{
    char sku[32];
    (void)state;
    rig_start();
    snprintf(sku, sizeof(sku), "%s", api_item(a, 100, 0));
    fail_over();
    assert_true(await(tredis_int(&second, "HGET {p0}:meta epoch") == 2, RECOVERY_MS));
    /* two workers and the keeper, with a lane and a reader each; the keeper's own; and this one */
    assert_true(await(tredis_info(&second, "connected_clients") >= 8, RECOVERY_MS));
    assert_true(await(tredis_info(&first, "connected_clients") == 1, RECOVERY_MS));
}

/* The address goes on to lead to what was demoted, until that is the master again. */
static void a_demoted_master_is_not_read(void **state)
{
    char sku[32];
    (void)state;
    rig_start();
    snprintf(sku, sizeof(sku), "%s", api_item(a, 100, 0));
    tell(&first, "REPLICAOF 127.0.0.1 1");
    assert_true(await(sell(sku) == 503, RECOVERY_MS));
    assert_true(await(!api_ready(a), RECOVERY_MS));
    http_conn_close(&a->conn);
    assert_true(await((http_call(&a->conn, "GET", text("/v1/items/%s", sku), NULL, NULL, &a->resp),
                       a->resp.status == 503),
                      RECOVERY_MS));
    tell(&first, "REPLICAOF NO ONE");
    assert_true(await(api_ready(a), RECOVERY_MS));
    assert_true(await(sell(sku) == 200, RECOVERY_MS));
    assert_true(await(all_read(sku, 2), RECOVERY_MS));
}

int main(void)
{
#define FAILOVER_TEST(name) cmocka_unit_test_teardown(name, rig_stop)
    const struct CMUnitTest tests[] = {
        FAILOVER_TEST(a_failover_behind_one_address_is_noticed),
        FAILOVER_TEST(and_with_a_ledger_too),
        FAILOVER_TEST(an_idle_service_is_ready_when_it_is_needed),
        FAILOVER_TEST(a_demoted_master_is_not_read),
    };
    return cmocka_run_group_tests_name("failover", tests, NULL, NULL);
}
