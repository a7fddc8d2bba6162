/* test_busy_disk.c -- Redis is killed while its disk is busy: what of the answers is left.
 *
 * The busy disk is a thread: Redis syncs its AOF in one of its own at `everysec`, and while a sync
 * is under way its writes wait in memory for up to 2 s. Here that thread is stopped by ptrace, so
 * the disk is as busy as one likes, and the rest of Redis goes on.
 */
#include "support/api.h"

#include <dirent.h>
#include <hiredis/hiredis.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include <cmocka.h>

#define RECOVERY_MS 180000
#define SALES       20
#define ROUNDS      20

static char dir[TEST_PATH_MAX];
static struct tproc service; /* with a Redis of its own */
static struct api api, *a = &api;
static pid_t redis;
static pid_t syncer; /* its thread that is stopped; 0: none */

/* --- the service ------------------------------------------------------------------------------ */

static void start(const char *level)
{
    char line[128], data[TEST_PATH_MAX + 16], log[TEST_PATH_MAX + 16];
    snprintf(data, sizeof(data), "%s/data", dir);
    snprintf(log, sizeof(log), "%s/err", dir);
    const char *argv[] = {getenv("STOCKD"),
                          "serve",
                          "--listen",
                          "127.0.0.1:0",
                          "--workers",
                          "1",
                          "--ledger",
                          "none",
                          "--data-dir",
                          data,
                          "--request-timeout",
                          "20s",
                          NULL,
                          level,
                          NULL};
    argv[12] = level ? "--durability" : NULL;
    assert_int_equal(tproc_start(&service, argv, log), 0);
    assert_int_equal(
        tproc_await_line(&service, "listening on http://", line, sizeof(line), RECOVERY_MS), 0);
    api_open(a, (int)strtol(strrchr(line, ':') + 1, NULL, 10));
    assert_true(await(api_ready(a), RECOVERY_MS));
}

static redisContext *connect_redis(void)
{
    redisContext *c = redisConnectUnix(text("%s/data/redis.sock", dir));
    assert_true(c && !c->err);
    return c;
}

/* What CONFIG GET says. */
static const char *setting(const char *name)
{
    static char value[64];
    redisContext *c = connect_redis();
    redisReply *reply = redisCommand(c, "CONFIG GET %s", name);
    assert_true(reply && reply->type == REDIS_REPLY_ARRAY && reply->elements == 2);
    snprintf(value, sizeof(value), "%s", reply->element[1]->str);
    freeReplyObject(reply);
    redisFree(c);
    return value;
}

static long info(const char *name)
{
    redisContext *c = connect_redis();
    redisReply *reply = redisCommand(c, "INFO persistence");
    assert_true(reply && reply->type == REDIS_REPLY_STRING);
    const char *at = strstr(reply->str, name);
    assert_non_null(at);
    long value = strtol(at + strlen(name) + 1, NULL, 10);
    freeReplyObject(reply);
    redisFree(c);
    return value;
}

static pid_t redis_pid(void)
{
    redisContext *c = connect_redis();
    redisReply *reply = redisCommand(c, "INFO server");
    assert_true(reply && reply->type == REDIS_REPLY_STRING);
    pid_t pid = (pid_t)strtol(strstr(reply->str, "process_id:") + strlen("process_id:"), NULL, 10);
    freeReplyObject(reply);
    redisFree(c);
    return pid;
}

/* --- the disk --------------------------------------------------------------------------------- */

/* The thread of that name, as Redis gives it. */
static pid_t thread_of(pid_t pid, const char *name)
{
    pid_t found = 0;
    DIR *tasks = opendir(text("/proc/%d/task", (int)pid));
    assert_non_null(tasks);
    for (struct dirent *entry = readdir(tasks); entry; entry = readdir(tasks)) {
        char comm[32] = "";
        FILE *file = fopen(text("/proc/%d/task/%s/comm", (int)pid, entry->d_name), "re");
        if (file && fgets(comm, sizeof(comm), file) && strncmp(comm, name, strlen(name)) == 0)
            found = (pid_t)strtol(entry->d_name, NULL, 10);
        if (file)
            fclose(file);
    }
    closedir(tasks);
    return found;
}

/* False where a process may not look into another one. */
static bool disk_gets_busy(void)
{
    int status;
    redis = redis_pid();
    pid_t thread = thread_of(redis, "bio_aof");
    assert_true(thread > 0);
    if (ptrace(PTRACE_SEIZE, thread, NULL, NULL) < 0)
        return false;
    syncer = thread;
    assert_int_equal(ptrace(PTRACE_INTERRUPT, thread, NULL, NULL), 0);
    assert_int_equal(waitpid(thread, &status, __WALL), thread);
    return true;
}

static void kill_redis(void)
{
    int status;
    assert_int_equal(kill(redis, SIGKILL), 0);
    if (syncer > 0)
        waitpid(syncer, &status, __WALL); /* we trace it: it is ours to bury */
    syncer = 0;
    assert_true(await(!tproc_pid_alive(redis), RECOVERY_MS));
}

/* --- tests ------------------------------------------------------------------------------------ */

static void sell(const char *sku, int count)
{
    for (int i = 0; i < count; i++)
        api_call(a, 200, "POST", text("/v1/items/%s/decrements", sku), NULL, "{\"quantity\":1}");
}

/* Units; -1: not even the item is there any more. */
static int64_t sold(const char *sku)
{
    const char *path = text("/v1/items/%s", sku);
    assert_true(await(api_ready(a) && http_call(&a->conn, "GET", path, NULL, NULL, &a->resp) == 0 &&
                          (a->resp.status == 200 || a->resp.status == 404),
                      RECOVERY_MS));
    return a->resp.status == 200 ? api_int(a, "sold") : -1;
}

static void by_default_nothing_answered_is_lost(void **state)
{
    start(NULL);
    assert_string_equal(setting("appendfsync"), "always");
    const char *sku = api_item(a, 1000, 0);
    if (!disk_gets_busy())
        skip();
    sell(sku, SALES);
    kill_redis();
    assert_int_equal(sold(sku), SALES);
}

/* What docs/durability.md says of it. A round counts if Redis was killed while it kept what it had
 * not written: on a machine that is slow it may have written by then. */
static void at_everysec_a_killed_redis_loses_what_it_had_not_written(void **state)
{
    bool lost = false;
    start("everysec");
    assert_string_equal(setting("appendfsync"), "everysec");
    char sku[64];
    snprintf(sku, sizeof(sku), "%s", api_item(a, 1000000, 0));
    for (int round = 0; round < ROUNDS && !lost; round++) {
        if (!disk_gets_busy())
            skip();
        int64_t before = sold(sku), answered = 0;
        do {
            sell(sku, 1);
            answered++;
        } while (info("aof_buffer_length") == 0);
        kill_redis();
        lost = sold(sku) < before + answered;
    }
    assert_true(lost);
}

static void a_level_that_needs_it_has_a_redis_that_syncs(void **state)
{
    static const struct {
        const char *level, *fsync;
    } rows[] = {{"unset", "always"},
                {"memory", "everysec"},
                {"everysec", "everysec"},
                {"always", "always"}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        start(rows[i].level);
        assert_string_equal(setting("appendfsync"), rows[i].fsync);
        api_close(a);
        assert_true(tproc_stop(&service, RECOVERY_MS));
    }
}

/* --- */

static int test_setup(void **state)
{
    service = (struct tproc){.pidfd = -1, .out_fd = -1};
    api_open(a, 1); /* nowhere yet */
    return temp_dir_make(dir);
}

static int test_teardown(void **state)
{
    if (syncer > 0)
        ptrace(PTRACE_DETACH, syncer, NULL, NULL);
    syncer = 0;
    api_close(a);
    bool stopped = service.pid == 0 || tproc_stop(&service, RECOVERY_MS);
    temp_dir_remove(dir);
    return stopped ? 0 : -1;
}

#define T(name) cmocka_unit_test_setup_teardown(name, test_setup, test_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(by_default_nothing_answered_is_lost),
        T(at_everysec_a_killed_redis_loses_what_it_had_not_written),
        T(a_level_that_needs_it_has_a_redis_that_syncs),
    };
    return cmocka_run_group_tests_name("busy disk", tests, NULL, NULL);
}
