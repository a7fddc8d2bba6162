/* test_acl_restore.c -- a restore as a Redis user who lacks a right: whichever it is, the restore
 * comes to its end or does not begin. One that failed in the middle says how to go on.
 */
#include "support/faultproxy.h"
#include "support/fixture.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define RIGHTS_MAX 64

static char acl_path[PATH_MAX];

/* --- a store to restore ----------------------------------------------------------------------- */

/* As the test's own user. */
#define command(...) redis_do(&stack.redis, __VA_ARGS__)

#define check_run(status, name, redis, ...)                                                        \
    check_command((status), (name), "--redis", (redis), "--ledger",                                \
                  ledger_url __VA_OPT__(, ) __VA_ARGS__)

static const char *meta_state(void)
{
    static char value[128];
    redisContext *c = tredis_connect(&stack.redis);
    assert_non_null(c);
    redisReply *reply = redisCommand(c, "HGET {p0}:meta state");
    assert_non_null(reply);
    KEEP(value, reply->type == REDIS_REPLY_STRING ? reply->str : "");
    freeReplyObject(reply);
    redisFree(c);
    return value;
}

/* A store with all kinds of things in it, of which SQL has all, and nobody who uses it. */
static void start(void **state)
{
    serve(.ledger = *state);
    const char *sku = api_item(a, 100, 50);
    for (int i = 0; i < 4; i++)
        api_call(a, 201, "POST", RESERVATIONS, text("Idempotency-Key: k-%d\r\n", i),
                 text("{\"sku\":\"%s\",\"quantity\":2,\"customer\":\"c-%d\"}", sku, i % 2));
    post(200, CONFIRM(api_str(a, "id")), "{}");
    assert_true(await(ledger_caught_up(&load), RECOVERY_MS));
    stop_serving();
}

static void lose(void)
{
    command("HSET {p0}:meta state %s", "lost: by this test");
}

/* --- tests ------------------------------------------------------------------------------------ */

/* The rights in the file: "+get", "+config|get", ... */
static size_t rights(char words[RIGHTS_MAX][32])
{
    char line[4096] = "";
    size_t count = 0;
    FILE *file = fopen(acl_path, "re");
    assert_true(file && fgets(line, sizeof(line), file));
    fclose(file);
    for (char *at = strtok(line, " \n"); at; at = strtok(NULL, " \n"))
        if (at[0] == '+' && count < RIGHTS_MAX)
            snprintf(words[count++], 32, "%s", at);
    assert_true(count > 30 && count < RIGHTS_MAX);
    return count;
}

static void a_restore_without_a_right_does_not_begin(void **state)
{
    char words[RIGHTS_MAX][32];
    unsigned refused = 0;
    start(state);
    size_t count = rights(words);
    for (size_t i = 0; i < count; i++) {
        lose();
        command("ACL SETUSER stockd -%s", words[i] + 1);
        int status = command_run("restore", "--redis", stack.redis.url, "--ledger", ledger_url);
        if (status != 0 && strcmp(meta_state(), "lost: by this test") != 0)
            fail_msg("without %s meta is left as \"%s\": %s", words[i], meta_state(), command_said);
        if (status == 0)
            assert_string_equal(meta_state(), "open");
        else
            refused++;
        command("ACL SETUSER stockd %s", words[i]);
    }
    assert_true(refused > 20);
    lose();
    check_run(0, "restore", stack.redis.url);
    check_run(0, "audit", stack.redis.url);
}

static void what_is_missing_is_said(void **state)
{
    start(state);
    lose();
    command("ACL SETUSER stockd -%s", "zmscore");
    for (int dry = 0; dry < 2; dry++) {
        check_run(1, "restore", stack.redis.url, dry ? "--dry-run" : NULL);
        check_said("may not run ZMSCORE");
        check_said("nothing was changed");
        check_said("docker/redis.acl");
    }
    command("ACL SETUSER stockd +%s", "zmscore");
    command("ACL SETUSER stockd resetkeys %s", "~{p0}:[^h]*");
    check_run(1, "restore", stack.redis.url);
    check_said("on {p0}:holds:");
    assert_string_equal(meta_state(), "lost: by this test");
}

/* What cannot be known before: here the connection is lost while the old keys are dropped. */
static void a_restore_that_failed_says_how_to_go_on_and_does(void **state)
{
    struct fault_proxy proxy;
    const struct fault_rule cut = {
        .action = FAULT_CUT_RST, .anchor = FAULT_AT_PATTERN, .pattern = "MATCH"};
    start(state);
    serve_again();
    await_ready();
    lose();
    assert_int_equal(fault_proxy_start(&proxy, text("redis://127.0.0.1:%d", stack.redis.port), 1),
                     0);
    fault_proxy_arm(&proxy, &cut);
    const char *through = text("redis://stockd:change-me@127.0.0.1:%d", proxy.port);
    check_run(2, "restore", through);
    fault_proxy_stop(&proxy);
    assert_int_equal(strncmp(meta_state(), "closed: restore ", 16), 0);
    check_said("Redis stays closed");
    check_said("run it again");
    api_problem(a, 503, "state-lost", NULL, "PUT", "/v1/items/b", NULL, "{\"on_hand\":1}");
    check_str(a, "detail", "a restore is at work, or one did not come to its end");
    check_run(0, "restore", stack.redis.url);
    assert_string_equal(meta_state(), "open");
    /* /readyz may not even have noticed that the store was lost. */
    assert_true(
        await(http_call(&a->conn, "PUT", "/v1/items/b", NULL, "{\"on_hand\":1}", &a->resp) == 0 &&
                  a->resp.status == 201,
              RECOVERY_MS));
    assert_true(await(ledger_caught_up(&load), RECOVERY_MS));
    check_run(0, "audit", stack.redis.url);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SQLITE_TEST(a_restore_without_a_right_does_not_begin),
        ON_BOTH(what_is_missing_is_said),
        ON_BOTH(a_restore_that_failed_says_how_to_go_on_and_does),
    };
    if (!realpath("docker/redis.acl", acl_path) || setenv("TEST_REDIS_ACL", acl_path, 1) < 0) {
        fprintf(stderr, "no docker/redis.acl: this runs in the root of the repository\n");
        return EXIT_FAILURE;
    }
    return run_each("acl restore", tests);
}
