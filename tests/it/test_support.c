/* test_support.c -- the helpers themselves: what the other tests rely on must be true first. The
 * proxy that breaks connections: test_faultproxy.c. Needs redis-server, not the service. */
#include "support/http.h"
#include "support/proc.h"
#include "support/redis_server.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define LIMIT_MS 60000

/* True if PING is answered. */
static bool ping(redisContext *c)
{
    redisReply *reply = redisCommand(c, "PING");
    bool pong = reply && reply->type == REDIS_REPLY_STATUS && strcmp(reply->str, "PONG") == 0;
    if (reply)
        freeReplyObject(reply);
    return pong;
}

static void await_sees_a_condition_and_a_deadline(void **state)
{
    int64_t begin = test_now_ms();
    assert_true(await(test_now_ms() - begin >= 20, LIMIT_MS));
    assert_true(test_now_ms() - begin < LIMIT_MS / 2);
    begin = test_now_ms();
    assert_false(await(false, 30));
    assert_true(test_now_ms() - begin >= 30);
}

static void a_program_gives_lines_and_a_status(void **state)
{
    struct tproc p;
    char line[64];
    const char *const argv[] = {"sh", "-c", "echo one; echo two; echo three; exit 7", NULL};
    assert_int_equal(tproc_start(&p, argv, "/dev/null"), 0);
    assert_int_equal(tproc_await_line(&p, "tw", line, sizeof(line), LIMIT_MS), 0);
    assert_string_equal(line, "two");
    assert_int_equal(tproc_await_line(&p, "four", line, sizeof(line), LIMIT_MS), -EPIPE);
    assert_int_equal(tproc_wait(&p, LIMIT_MS), 0);
    assert_true(WIFEXITED(p.status));
    assert_int_equal(WEXITSTATUS(p.status), 7);
    assert_false(tproc_alive(&p));
}

static void a_stubborn_program_is_killed(void **state)
{
    struct tproc p;
    char line[64];
    const char *const argv[] = {"sh", "-c",
                                "trap '' TERM; echo ready; while :; do sleep 0.02; done", NULL};
    assert_int_equal(tproc_start(&p, argv, "/dev/null"), 0);
    assert_int_equal(tproc_await_line(&p, "ready", line, sizeof(line), LIMIT_MS), 0);
    assert_true(tproc_alive(&p));
    assert_int_equal(tproc_wait(&p, 20), -ETIMEDOUT);
    pid_t pid = p.pid;
    assert_true(tproc_pid_alive(pid));
    assert_false(tproc_stop(&p, 50));
    assert_true(WIFSIGNALED(p.status));
    assert_int_equal(WTERMSIG(p.status), SIGKILL);
    assert_false(tproc_pid_alive(pid));
}

static void a_missing_program_is_noticed(void **state)
{
    struct tproc p;
    char line[64];
    const char *const argv[] = {"/nonexistent/program", NULL};
    assert_int_equal(tproc_start(&p, argv, "/dev/null"), 0);
    assert_int_equal(tproc_await_line(&p, "", line, sizeof(line), LIMIT_MS), -EPIPE);
    assert_false(tproc_stop(&p, LIMIT_MS));
}

static void a_temporary_directory_goes_with_its_content(void **state)
{
    char dir[TEST_PATH_MAX];
    char path[TEST_PATH_MAX + 32];
    struct stat st;
    assert_int_equal(temp_dir_make(dir), 0);
    snprintf(path, sizeof(path), "%s/deep", dir);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(path, sizeof(path), "%s/deep/file", dir);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fclose(file);
    temp_dir_remove(dir);
    if (!getenv("KEEP_TEST_DIRS"))
        assert_int_equal(stat(dir, &st), -1);
}

static void redis_keeps_or_loses_its_data_as_asked(void **state)
{
    static const enum tredis_aof modes[] = {TREDIS_AOF_ALWAYS, TREDIS_AOF_NO};
    for (size_t i = 0; i < 2; i++) {
        struct tredis r;
        struct tredis_opts opts = {.aof = modes[i], .tcp = i == 0};
        assert_int_equal(tredis_start(&r, &opts), 0);
        int64_t run = tredis_info(&r, "process_id");
        assert_int_equal(tredis_int(&r, "INCRBY n 5"), 5);
        tredis_kill9(&r);
        assert_null(tredis_connect(&r));
        assert_int_equal(tredis_restart(&r), 0);
        assert_int_equal(tredis_int(&r, "INCRBY n 1"), modes[i] == TREDIS_AOF_ALWAYS ? 6 : 1);
        assert_int_not_equal(tredis_info(&r, "process_id"), run);
        tredis_stop(&r);
    }
}

static void redis_can_be_frozen(void **state)
{
    struct tredis r;
    const char *const extra[] = {"--maxmemory", "32mb", NULL};
    struct tredis_opts opts = {.extra = extra};
    assert_int_equal(tredis_start(&r, &opts), 0);
    assert_int_equal(tredis_info(&r, "maxmemory"), 32 << 20);
    redisContext *c = tredis_connect(&r);
    assert_non_null(c);
    struct timeval limit = {.tv_usec = 100000};
    redisSetTimeout(c, limit);
    tredis_freeze(&r);
    assert_false(ping(c));
    redisFree(c);
    tredis_thaw(&r);
    c = tredis_connect(&r);
    assert_non_null(c);
    assert_true(ping(c));
    redisFree(c);
    tredis_stop(&r);
}

/* The client against answers that are known: a shell plays the server for one connection. */
static void the_client_reads_every_kind_of_answer(void **state)
{
    static const struct {
        const char *method;
        const char *answer;
        int status;
        const char *body;
        bool closing;
    } cases[] = {
        {"GET", "HTTP/1.1 200 OK\r\nContent-Length: 7\r\nX-A:  b \r\n\r\n{\"a\":1}", 200,
         "{\"a\":1}", false},
        {"GET",
         "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nx-a: b\r\nTransfer-Encoding: "
         "chunked\r\n\r\n3\r\n{\"a\r\n4\r\n\":1}\r\n0\r\n\r\n",
         200, "{\"a\":1}", false},
        {"HEAD", "HTTP/1.1 404 No\r\nX-A: b\r\nContent-Length: 99\r\n\r\n", 404, "", false},
        {"GET", "HTTP/1.1 304 Not\r\nx-A: b\r\nConnection: close\r\n\r\n", 304, "", true},
        {"GET", "HTTP/1.0 200 OK\r\nX-A: b\r\n\r\nup to the end", 200, "up to the end", true},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        int pair[2];
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
        struct http_conn c;
        http_conn_init(&c, 0);
        c.fd = pair[0];
        size_t size = strlen(cases[i].answer);
        assert_int_equal(write(pair[1], cases[i].answer, size), size);
        close(pair[1]);
        struct http_resp resp = {.status = 0};
        char value[32];
        assert_int_equal(http_receive(&c, strcmp(cases[i].method, "HEAD") == 0, &resp), 0);
        assert_int_equal(resp.status, cases[i].status);
        assert_string_equal(resp.body, cases[i].body);
        assert_string_equal(http_resp_header(&resp, "x-a", value, sizeof(value)), "b");
        assert_null(http_resp_header(&resp, "x", value, sizeof(value)));
        assert_int_equal(c.closing, cases[i].closing);
        if (*resp.body == '{')
            assert_int_equal(json_integer_value(json_object_get(http_resp_json(&resp), "a")), 1);
        else
            assert_null(http_resp_json(&resp));
        http_resp_free(&resp);
        http_conn_close(&c);
    }
}

static void the_client_tells_failures_apart(void **state)
{
    struct http_conn c;
    struct http_resp resp = {.status = 0};
    http_conn_init(&c, tproc_free_port());
    assert_int_equal(http_call(&c, "GET", "/", NULL, NULL, &resp), -ECONNREFUSED);

    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    c.fd = pair[0];
    c.timeout_ms = 50;
    assert_int_equal(http_receive(&c, false, &resp), -ETIMEDOUT);
    assert_int_equal(c.fd, -1);
    close(pair[1]);

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    c.fd = pair[0];
    assert_int_equal(write(pair[1], "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx", 39), 39);
    close(pair[1]);
    assert_int_equal(http_receive(&c, false, &resp), -ECONNRESET);
    assert_int_equal(resp.status, 0);
    http_conn_close(&c);
}

static void count_up(int index, void *arg)
{
    int *seen = arg;
    __atomic_add_fetch(&seen[index], 1, __ATOMIC_RELAXED);
}

static void a_crowd_runs_every_index_once(void **state)
{
    int seen[64] = {0};
    http_crowd(64, count_up, seen);
    for (int i = 0; i < 64; i++)
        assert_int_equal(seen[i], 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(await_sees_a_condition_and_a_deadline),
        cmocka_unit_test(a_program_gives_lines_and_a_status),
        cmocka_unit_test(a_stubborn_program_is_killed),
        cmocka_unit_test(a_missing_program_is_noticed),
        cmocka_unit_test(a_temporary_directory_goes_with_its_content),
        cmocka_unit_test(redis_keeps_or_loses_its_data_as_asked),
        cmocka_unit_test(redis_can_be_frozen),
        cmocka_unit_test(the_client_reads_every_kind_of_answer),
        cmocka_unit_test(the_client_tells_failures_apart),
        cmocka_unit_test(a_crowd_runs_every_index_once),
    };
    return cmocka_run_group_tests_name("support", tests, NULL, NULL);
}
