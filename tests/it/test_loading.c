/* test_loading.c -- a Redis that is still reading its data is waited for, however long it takes:
 * the service says how far it is, and then serves. */
#include "support/fixture.h"

#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILL_KEYS  200000
#define DELAY_US   300 /* a minute for all, an answer each 0.3 s */
#define DELAY_TEXT "300"
#define LOADING    "Redis is loading its data: "

/* --- the rig ---------------------------------------------------------------------------------- */

/* A Redis with so much in its AOF that loading it can be watched. */
static void fill(const struct tredis *redis)
{
    redisContext *c = tredis_connect(redis);
    void *reply;
    assert_non_null(c);
    for (int i = 0; i < FILL_KEYS; i++)
        assert_int_equal(redisAppendCommand(c, "SET fill:%d x", i), REDIS_OK);
    for (int i = 0; i < FILL_KEYS; i++) {
        assert_int_equal(redisGetReply(c, &reply), REDIS_OK);
        freeReplyObject(reply);
    }
    redisFree(c);
}

static void redis_start(void)
{
    struct tredis_opts opts = {.aof = TREDIS_AOF_ALWAYS};
    assert_int_equal(tredis_start(&stack.redis, &opts), 0);
    fill(&stack.redis);
}

/* Not ready, and says how far Redis is. */
static bool says_loading(struct api *api)
{
    double loaded, total;
    if (http_call(&api->conn, "GET", "/readyz", NULL, NULL, &api->resp) != 0 ||
        api->resp.status != 503)
        return false;
    const char *detail = json_string_value(json_object_get(http_resp_json(&api->resp), "detail"));
    return detail &&
           sscanf(detail, "Redis is loading its data: %lf of %lf MB, about", &loaded, &total) ==
               2 &&
           total > 1 && loaded < total;
}

/* --- with a Redis of one's own ---------------------------------------------------------------- */

/* A database for the ledger, migrated. */
static const char *new_ledger(const enum base_engine *engine)
{
    db_close(bases_ledger(&bases, *engine));
    return bases.url;
}

static void start_while_loading(void **state, const char *level)
{
    redis_start();
    tredis_shutdown(&stack.redis);
    assert_int_equal(tredis_restart_slowly(&stack.redis, DELAY_US), 0);
    const char *const flags[] = {"--durability",
                                 level,
                                 "--startup-timeout",
                                 "15s",
                                 "--ledger",
                                 *state ? new_ledger(*state) : "none",
                                 NULL};
    const struct tservice_opts opts = {.redis_url = stack.redis.url, .workers = 2, .extra = flags};
    assert_int_equal(tservice_launch(&stack.service, &opts), 0);
    /* A line a second, and longer than the time that there is: it begins anew with each byte. */
    assert_true(await(tservice_log_count(&stack.service, LOADING, NULL) > 16, RECOVERY_MS));
    tredis_load_fast(&stack.redis);
    assert_int_equal(tservice_await_listening(&stack.service), 0);
    api_open(a, stack.service.port);
    const char *sku = api_item(a, 10, 0);
    api_reserve(a, sku, 4, 0);
    check_item(a, sku, 10, 6, 4, 0, 2);
}

static void a_service_waits_for_a_redis_that_loads(void **state)
{
    start_while_loading(state, "always");
}

static void with_a_ledger_as_well(void **state)
{
    start_while_loading(state, "everysec");
}

/* It says aof_enabled:0 meanwhile: a running service does not end for it. */
static void a_running_service_waits_as_well(void **state)
{
    redis_start();
    serve(.workers = 2, .ledger = *state, .flags = {"--durability", "always"});
    await_ready();
    char sku[32], hold[64];
    KEEP(sku, api_item(a, 10, 0));
    KEEP(hold, api_reserve(a, sku, 4, 1));
    tredis_kill9(&stack.redis);
    assert_int_equal(tredis_restart_slowly(&stack.redis, DELAY_US), 0);
    assert_true(await(says_loading(a), RECOVERY_MS));
    tredis_load_fast(&stack.redis);
    await_ready();
    assert_true(await(api_state_is(a, hold, "expired"), RECOVERY_MS));
    check_item(a, sku, 10, 10, 0, 0, 3);
    assert_int_equal(tservice_log_count(&stack.service, "a child ended", NULL), 0);
}

/* --- with the embedded one -------------------------------------------------------------------- */

/* Behind what the AOF has: slow from here on, many keys, fast again. */
static void slow_down(const char *dir)
{
    glob_t found;
    assert_int_equal(glob(text("%s/redis/appendonlydir/*.incr.aof", dir), 0, NULL, &found), 0);
    assert_int_equal(found.gl_pathc, 1);
    FILE *aof = fopen(found.gl_pathv[0], "ae");
    assert_non_null(aof);
    globfree(&found);
    static const char config[] = "*4\r\n$6\r\nCONFIG\r\n$3\r\nSET\r\n$14\r\nkey-load-delay\r\n";
    fprintf(aof, "%s$3\r\n" DELAY_TEXT "\r\n", config);
    for (int i = 0; i < FILL_KEYS; i++)
        fprintf(aof, "*3\r\n$3\r\nSET\r\n$10\r\nfill%06d\r\n$1\r\nx\r\n", i);
    fprintf(aof, "%s$1\r\n0\r\n", config);
    assert_int_equal(fclose(aof), 0);
}

static void own_launch(struct tservice *own, const char *dir)
{
    const char *const argv[] = {getenv("STOCKD"), "serve",  "--listen",   "127.0.0.1:0",
                                "--workers",      "1",      "--data-dir", dir,
                                "--durability",   "always", NULL};
    *own = (struct tservice){.proc = {.pidfd = -1, .out_fd = -1}};
    snprintf(own->err_path, sizeof(own->err_path), "%s/err", dir);
    assert_int_equal(tproc_start(&own->proc, argv, own->err_path), 0);
}

static void the_embedded_redis_is_waited_for(void **state)
{
    char dir[TEST_PATH_MAX];
    struct tservice own;
    struct api client;
    assert_int_equal(temp_dir_make(dir), 0);
    own_launch(&own, dir);
    assert_int_equal(tservice_await_listening(&own), 0);
    api_open(&client, own.port);
    api_call(&client, 201, "PUT", "/v1/items/apple", NULL, "{\"on_hand\":10}");
    api_close(&client);
    assert_true(tproc_stop(&own.proc, RECOVERY_MS));
    slow_down(dir);
    own_launch(&own, dir);
    assert_true(await(tservice_log_count(&own, LOADING, NULL) > 1, RECOVERY_MS));
    struct tredis redis = {.port = 0};
    snprintf(redis.socket, sizeof(redis.socket), "%s/redis.sock", dir);
    tredis_load_fast(&redis);
    assert_int_equal(tservice_await_listening(&own), 0);
    api_open(&client, own.port);
    api_call(&client, 200, "POST", "/v1/items/apple/decrements", NULL, "{\"quantity\":1}");
    api_close(&client);
    assert_true(tproc_stop(&own.proc, RECOVERY_MS));
    temp_dir_remove(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLAIN_TEST(a_service_waits_for_a_redis_that_loads),
        SQLITE_TEST(with_a_ledger_as_well),
        SQLITE_TEST(a_running_service_waits_as_well),
        PLAIN_TEST(the_embedded_redis_is_waited_for),
    };
    return run_each("loading", tests);
}
