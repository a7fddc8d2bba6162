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

/* How often a line of the log has these words. */
static int log_count(const char *path, const char *words)
{
    char *line = NULL;
    size_t size = 0;
    int found = 0;
    FILE *log = fopen(path, "re");
    assert_non_null(log);
    while (getline(&line, &size, log) >= 0)
        found += strstr(line, words) != NULL;
    free(line);
    fclose(log);
    return found;
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

static void start_while_loading(void **state, const char *level)
{
    redis_start();
    tredis_shutdown(&stack.redis);
    assert_int_equal(tredis_restart_slowly(&stack.redis, DELAY_US), 0);
    serve_unready(.workers = 2, .ledger = *state, .flags = {"--durability", level});
    assert_true(await(says_loading(a), RECOVERY_MS));
    assert_true(
        await(log_count(stack.service.err_path, "redis is loading its data") > 1, RECOVERY_MS));
    tredis_load_fast(&stack.redis);
    await_ready();
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
    assert_int_equal(log_count(stack.service.err_path, "a child ended"), 0);
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

static void own_start(struct tproc *p, struct api *own, const char *dir)
{
    char line[128], log[TEST_PATH_MAX + 16];
    snprintf(log, sizeof(log), "%s/err", dir);
    const char *const argv[] = {getenv("STOCKD"), "serve",  "--listen",   "127.0.0.1:0",
                                "--workers",      "1",      "--data-dir", dir,
                                "--durability",   "always", NULL};
    assert_int_equal(tproc_start(p, argv, log), 0);
    assert_int_equal(tproc_await_line(p, "listening on http://", line, sizeof(line), RECOVERY_MS),
                     0);
    api_open(own, (int)strtol(strrchr(line, ':') + 1, NULL, 10));
}

static void the_embedded_redis_is_waited_for(void **state)
{
    char dir[TEST_PATH_MAX];
    struct tproc p;
    struct api own;
    assert_int_equal(temp_dir_make(dir), 0);
    own_start(&p, &own, dir);
    assert_true(await(api_ready(&own), RECOVERY_MS));
    api_call(&own, 201, "PUT", "/v1/items/apple", NULL, "{\"on_hand\":10}");
    api_close(&own);
    assert_true(tproc_stop(&p, RECOVERY_MS));
    slow_down(dir);
    own_start(&p, &own, dir);
    assert_true(await(says_loading(&own), RECOVERY_MS));
    struct tredis redis = {.port = 0};
    snprintf(redis.socket, sizeof(redis.socket), "%s/redis.sock", dir);
    tredis_load_fast(&redis);
    assert_true(await(api_ready(&own), RECOVERY_MS));
    api_call(&own, 200, "POST", "/v1/items/apple/decrements", NULL, "{\"quantity\":1}");
    api_close(&own);
    assert_true(tproc_stop(&p, RECOVERY_MS));
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
