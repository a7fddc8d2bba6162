/* test_ledger_port.c -- the port of `stockd ledger`: what it says while the ledger process works,
 * waits or is gone, and what it does not serve.
 */
#include "support/api_keys.h"
#include "support/fixture.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define PORT "stockd-port"

static struct api port; /* a client of it */

/* The number at the end of the applier's line "listening on". */
static int port_said(void)
{
    char line[128];
    assert_int_equal(tproc_await_line(&applier, "listening on http://127.0.0.1:", line,
                                      sizeof(line), RECOVERY_MS),
                     0);
    return atoi(strrchr(line, ':') + 1);
}

static void begin(const enum base_engine *ledger)
{
    serve(.redis.aof = TREDIS_AOF_ALWAYS, .ledger = ledger, .apart = true,
          .applier_flags = {"--ledger-listen", "127.0.0.1:0"});
    api_open(&port, port_said());
}

static int end(void **state)
{
    api_close(&port);
    return serve_end(state);
}

static bool has_status(int status)
{
    return http_call(&port.conn, "GET", "/readyz", NULL, NULL, &port.resp) == 0 &&
           port.resp.status == status;
}

/* It is told why not, in a problem of this name. */
static void await_refusal(const char *name)
{
    assert_true(await(has_status(503), RECOVERY_MS));
    api_problem(&port, 503, name, NULL, "GET", "/readyz", NULL, NULL);
}

/* A process of the applier, by its name; 0: there is none just now. */
static pid_t applier_pid(const char *role)
{
    pid_t pids[TSERVICE_CHILDREN_MAX];
    const struct tservice as_service = {.proc = applier};
    return tservice_pids(&as_service, role, pids, TSERVICE_CHILDREN_MAX) == 1 ? pids[0] : 0;
}

static void it_tells_health_readiness_and_metrics(void **state)
{
    begin(*state);
    const char *item = ITEM(api_item(a, 10, 0));
    await_in_sql(item + strlen("/v1/items/"));
    api_call(&port, 200, "GET", "/healthz", NULL, NULL);
    check_like(&port, "{'status':'ok'}");
    assert_true(await(has_status(200), RECOVERY_MS));
    check_like(&port, "{'status':'ready'}");
    assert_true(await(api_metric(&port, "stockd_ledger_lag_events") == 0, RECOVERY_MS));
    assert_true(api_metric(&port, "stockd_ledger_events_total") >= 1);
    assert_true(api_metric(&port, "stockd_ledger_commits_total") >= 1);
}

static void it_serves_nothing_else(void **state)
{
    begin(*state);
    static const char *const paths[] = {"/v1/items",  "/v1/items/a",   "/v1/reservations",
                                        "/v1/events", "/openapi.json", "/",
                                        "/v1/nothing"};
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
        api_problem(&port, 404, "route-not-found", NULL, "GET", paths[i], NULL, NULL);
    api_problem(&port, 404, "route-not-found", NULL, "POST", RESERVATIONS, NULL,
                "{\"sku\":\"a\",\"quantity\":1}");
    api_problem(&port, 404, "route-not-found", NULL, "PATCH", "/v1/items/a", NULL, NULL);
    api_problem(&port, 405, "method-not-allowed", NULL, "POST", "/healthz", NULL, "{}");
    api_problem(&port, 403, "forbidden", NULL, "GET", "/readyz", "Host: shop.example\r\n", NULL);
}

static void a_redis_that_is_away_shows_and_comes_back(void **state)
{
    begin(*state);
    assert_true(await(has_status(200), RECOVERY_MS));
    tredis_kill9(&stack.redis);
    await_refusal("redis-unavailable");
    api_call(&port, 200, "GET", "/healthz", NULL, NULL);
    assert_int_equal(tredis_restart(&stack.redis), 0);
    assert_true(await(has_status(200), RECOVERY_MS));
}

/* The backlog is told while nothing is applied. */
static void a_database_that_is_away_shows_and_the_lag_grows(void **state)
{
    begin(*state);
    assert_true(await(has_status(200), RECOVERY_MS));
    sql_run("ALTER TABLE checkpoints RENAME TO elsewhere");
    for (int i = 0; i < 3; i++)
        (void)api_item(a, 1, 0);
    await_refusal("ledger-unavailable");
    assert_true(await(api_metric(&port, "stockd_ledger_lag_events") == 3, RECOVERY_MS));
    assert_true(await(api_metric(&port, "stockd_ledger_lag_seconds") > 1, RECOVERY_MS));
    sql_run("ALTER TABLE elsewhere RENAME TO checkpoints");
    assert_true(await(has_status(200), RECOVERY_MS));
    assert_true(await(api_metric(&port, "stockd_ledger_lag_events") == 0, RECOVERY_MS));
}

static void a_lost_store_shows(void **state)
{
    begin(*state);
    (void)api_item(a, 1, 0);
    assert_true(await(has_status(200), RECOVERY_MS));
    assert_true(await(sql_int("SELECT COUNT(*) FROM items") == 1, RECOVERY_MS));
    redis_do(&stack.redis, "FLUSHALL");
    await_refusal("state-lost");
}

/* Neither of the two processes needs the other. */
static void both_processes_are_replaced_when_they_die(void **state)
{
    begin(*state);
    assert_true(await(has_status(200), RECOVERY_MS));
    pid_t ledger = applier_pid(TSERVICE_LEDGER), http = applier_pid(PORT);
    assert_true(ledger > 0 && http > 0);
    kill(ledger, SIGKILL);
    kill(http, SIGKILL);
    assert_true(await(applier_pid(TSERVICE_LEDGER) > 0 && applier_pid(TSERVICE_LEDGER) != ledger,
                      RECOVERY_MS));
    assert_true(await(has_status(200), RECOVERY_MS));
    assert_true(api_metric(&port, "stockd_process_restarts_total") >= 2);
}

/* --- keys ------------------------------------------------------------------------------------- */

static char keys[TEST_PATH_MAX + 8];

static int metrics_as(int whose)
{
    char key[API_KEY_SIZE], line[API_KEY_SIZE + 64];
    api_key_of(whose, key);
    snprintf(line, sizeof(line), "Authorization: Bearer %s\r\n", key);
    assert_int_equal(
        http_call(&port.conn, "GET", "/metrics", whose ? line : NULL, NULL, &port.resp), 0);
    return port.resp.status;
}

static void revoke_key(int whose)
{
    char id[API_KEY_ID_CHARS + 1];
    api_key_put_id((uint64_t)whose, id);
    check_command(0, "keys", "revoke", "--keys-file", keys, id);
}

static void begin_with_keys(const enum base_engine *ledger, char dir[TEST_PATH_MAX])
{
    assert_int_equal(temp_dir_make(dir), 0);
    snprintf(keys, sizeof(keys), "%s/keys", dir);
    assert_int_equal(api_keys_write(keys), 0);
    serve(.redis.aof = TREDIS_AOF_ALWAYS, .ledger = ledger, .apart = true,
          .applier_flags = {"--ledger-listen", "127.0.0.1:0", "--keys-file", keys});
    api_open(&port, port_said());
}

static void with_keys_it_takes_them_until_they_are_revoked(void **state)
{
    char dir[TEST_PATH_MAX];
    begin_with_keys(*state, dir);
    api_call(&port, 200, "GET", "/healthz", NULL, NULL);
    assert_true(await(has_status(200), RECOVERY_MS));
    assert_int_equal(metrics_as(0), 401);
    assert_int_equal(metrics_as(API_KEY_EXPIRED), 401);
    assert_int_equal(metrics_as(API_KEY_REVOKED), 401);
    assert_int_equal(metrics_as(ROLE_READER), 200);
    assert_int_equal(metrics_as(ROLE_ADMIN), 200);
    api_problem(&port, 401, "unauthenticated", NULL, "GET", "/v1/items", NULL, NULL);
    api_call(&port, 200, "GET", "/healthz", "Host: shop.example\r\n", NULL);
    revoke_key(ROLE_READER);
    assert_true(await(metrics_as(ROLE_READER) == 401, RECOVERY_MS));
    assert_int_equal(metrics_as(ROLE_ADMIN), 200);
    applier_stop();
    /* Their use was written down. */
    assert_int_equal(system(text("grep -q '^%012d [0-9]' %s.used", ROLE_ADMIN, keys)), 0);
    temp_dir_remove(dir);
}

/* The process that comes then has the keys that are in force, not those of the start. */
static void a_revoked_key_stays_revoked_when_the_port_dies(void **state)
{
    char dir[TEST_PATH_MAX];
    begin_with_keys(*state, dir);
    assert_int_equal(metrics_as(ROLE_READER), 200);
    revoke_key(ROLE_READER);
    assert_true(await(metrics_as(ROLE_READER) == 401, RECOVERY_MS));
    pid_t http = applier_pid(PORT);
    assert_true(http > 0);
    kill(http, SIGKILL);
    assert_true(await(applier_pid(PORT) > 0 && applier_pid(PORT) != http, RECOVERY_MS));
    assert_true(await(has_status(200), RECOVERY_MS));
    assert_int_equal(metrics_as(ROLE_READER), 401);
    assert_int_equal(metrics_as(ROLE_SELLER), 200);
    temp_dir_remove(dir);
}

/* What is there costs nothing, what is not does, as with a service. */
static void a_client_with_a_quota_has_it_here_too(void **state)
{
    char dir[TEST_PATH_MAX], key[API_KEY_SIZE], id[API_KEY_ID_CHARS + 1];
    begin_with_keys(*state, dir);
    assert_true(await(has_status(200), RECOVERY_MS));
    api_key_of(ROLE_READER, key);
    api_key_put_id(ROLE_READER, id);
    const char *line = text("Authorization: Bearer %s\r\n", key);
    check_command(0, "keys", "quota", "--keys-file", keys, "--quota", "rps=1,burst=9", id);
    assert_true(await(http_call(&port.conn, "GET", "/v1/items", line, NULL, &port.resp) == 0 &&
                          port.resp.status == 429,
                      RECOVERY_MS));
    check_header(&port, "RateLimit-Policy", "\"requests\";q=9;w=9");
    assert_int_equal(metrics_as(ROLE_READER), 200);
    temp_dir_remove(dir);
}

static void keys_that_cannot_be_read_are_no_start(void **state)
{
    begin(*state);
    check_command(64, "ledger", "--redis", stack.redis.url, "--ledger", ledger_url,
                  "--ledger-listen", "127.0.0.1:0", "--keys-file", "/none");
    check_said("--keys-file /none: No such file");
}

static void an_address_that_is_not_loopback_needs_insecure(void **state)
{
    begin(*state);
    check_command(64, "ledger", "--redis", stack.redis.url, "--ledger", ledger_url,
                  "--ledger-listen", "0.0.0.0:0");
    check_said("--ledger-listen 0.0.0.0:0 is not a loopback address");
    check_command(64, "ledger", "--redis", stack.redis.url, "--ledger", ledger_url,
                  "--ledger-listen", "9090");
    check_said("--ledger-listen 9090: must be ADDR:PORT");
}

#define HERE(test)                                                                                 \
    {                                                                                              \
#test, test, NULL, end, ON_SQLITE                                                          \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        HERE(it_tells_health_readiness_and_metrics),
        HERE(it_serves_nothing_else),
        HERE(a_redis_that_is_away_shows_and_comes_back),
        HERE(a_database_that_is_away_shows_and_the_lag_grows),
        HERE(a_lost_store_shows),
        HERE(both_processes_are_replaced_when_they_die),
        HERE(with_keys_it_takes_them_until_they_are_revoked),
        HERE(a_revoked_key_stays_revoked_when_the_port_dies),
        HERE(a_client_with_a_quota_has_it_here_too),
        HERE(keys_that_cannot_be_read_are_no_start),
        HERE(an_address_that_is_not_loopback_needs_insecure),
    };
    return run_each("the port of stockd ledger", tests);
}
