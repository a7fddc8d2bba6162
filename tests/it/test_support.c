/* test_support.c -- the helpers themselves: what the other tests rely on must be true first. Needs
 * redis-server, not the service. */
#include "support/faultproxy.h"
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

/* "*1\r\n$4\r\nPING\r\n" is what hiredis sends for PING, "+PONG\r\n" the answer. */
#define PING_BYTES 14
#define PONG_BYTES 7
#define LIMIT_MS   60000

struct fixture {
    struct tredis redis;
    struct fault_proxy proxy;
};

static struct fixture fixture;

static int group_setup(void **state)
{
    *state = &fixture;
    if (tredis_start(&fixture.redis, NULL) != 0)
        return -1;
    return fault_proxy_start(&fixture.proxy, fixture.redis.url, 42);
}

static int group_teardown(void **state)
{
    fault_proxy_stop(&fixture.proxy);
    tredis_stop(&fixture.redis);
    return 0;
}

static int disarm(void **state)
{
    fault_proxy_disarm(&fixture.proxy);
    fault_proxy_refuse(&fixture.proxy, false);
    return 0;
}

/* A connection through the proxy, and its number there. */
static redisContext *proxied(int *number)
{
    struct timeval limit = {.tv_sec = LIMIT_MS / 1000};
    redisContext *c = redisConnectWithTimeout("127.0.0.1", fixture.proxy.port, limit);
    assert_non_null(c);
    assert_int_equal(c->err, 0);
    redisSetTimeout(c, limit);
    char mark[64];
    static int serial;
    snprintf(mark, sizeof(mark), "mark-%d-%d", (int)getpid(), ++serial);
    fault_proxy_watch(&fixture.proxy, mark);
    redisReply *reply = redisCommand(c, "ECHO %s", mark);
    assert_non_null(reply);
    freeReplyObject(reply);
    *number = fault_proxy_seen_on(&fixture.proxy);
    assert_true(*number > 0);
    return c;
}

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

static void the_proxy_forwards_and_counts(void **state)
{
    int number;
    redisContext *c = proxied(&number);
    struct fault_status before = fault_proxy_status(&fixture.proxy, number);
    assert_true(before.open_service && before.open_redis);
    struct fault_rule count = {.action = FAULT_COUNT, .connection = number};
    fault_proxy_arm(&fixture.proxy, &count);
    assert_true(ping(c));
    assert_true(ping(c));
    struct fault_status after = fault_proxy_status(&fixture.proxy, number);
    assert_int_equal(after.bytes[FAULT_UP] - before.bytes[FAULT_UP], 2 * PING_BYTES);
    assert_int_equal(after.bytes[FAULT_DOWN] - before.bytes[FAULT_DOWN], 2 * PONG_BYTES);
    assert_int_equal(after.counted[FAULT_UP], 2 * PING_BYTES);
    assert_int_equal(after.counted[FAULT_DOWN], 2 * PONG_BYTES);
    assert_non_null(strstr(after.tail, "+PONG"));
    redisFree(c);
    assert_true(await(!fault_proxy_status(&fixture.proxy, number).open_redis, LIMIT_MS));
    assert_false(fault_proxy_status(&fixture.proxy, 60000).known);
}

/* Every byte of INCR and of its answer: the command counts if and only if all of it got through,
 * and is answered if and only if all of the answer did. */
static void a_cut_strikes_after_exactly_so_many_bytes(void **state)
{
    static const char command[] = "*2\r\n$4\r\nINCR\r\n$1\r\nk\r\n";
    const size_t sizes[] = {sizeof(command) - 1, strlen(":1\r\n")};
    for (int direction = 0; direction < 2; direction++) {
        for (uint64_t after = 0; after <= sizes[direction]; after++) {
            int number;
            assert_int_not_equal(tredis_int(&fixture.redis, "DEL k"), INT64_MIN);
            redisContext *c = proxied(&number);
            struct fault_rule cut = {.action = after % 2 ? FAULT_CUT_RST : FAULT_CUT_FIN,
                                     .direction = (enum fault_direction)direction,
                                     .connection = number,
                                     .after = after};
            fault_proxy_arm(&fixture.proxy, &cut);
            redisReply *reply = redisCommand(c, "INCR k");
            bool answered = reply != NULL;
            if (reply)
                freeReplyObject(reply);
            redisFree(c);
            assert_int_equal(fault_proxy_struck_on(&fixture.proxy), number);
            struct fault_status s = fault_proxy_status(&fixture.proxy, number);
            assert_false(s.open_service || s.open_redis);
            assert_int_equal(s.counted[direction], after);
            /* A cut of the answers at 0 strikes at once, before the command is sent. */
            bool lands = direction == FAULT_UP ? after == sizes[0] : after > 0;
            assert_int_equal(answered, direction == FAULT_DOWN && after == sizes[1]);
            if (lands)
                assert_true(await(tredis_int(&fixture.redis, "EXISTS k") == 1, LIMIT_MS));
            else
                assert_int_equal(tredis_int(&fixture.redis, "EXISTS k"), 0);
        }
    }
}

static void held_bytes_are_delivered_late(void **state)
{
    int number;
    assert_int_not_equal(tredis_int(&fixture.redis, "DEL late"), INT64_MIN);
    redisContext *c = proxied(&number);
    struct fault_rule hold = {.action = FAULT_HOLD,
                              .anchor = FAULT_AT_PATTERN,
                              .pattern = "$4\r\nEXEC",
                              .connection = number};
    fault_proxy_arm(&fixture.proxy, &hold);
    redisAppendCommand(c, "MULTI");
    redisAppendCommand(c, "INCR late");
    redisAppendCommand(c, "EXEC");
    void *reply = NULL;
    assert_int_equal(redisGetReply(c, &reply), REDIS_OK); /* MULTI */
    freeReplyObject(reply);
    assert_int_equal(redisGetReply(c, &reply), REDIS_OK); /* QUEUED */
    freeReplyObject(reply);
    struct timeval limit = {.tv_usec = 100000};
    redisSetTimeout(c, limit);
    assert_int_equal(redisGetReply(c, &reply), REDIS_ERR); /* nothing for EXEC */
    redisFree(c);

    assert_true(await(!fault_proxy_status(&fixture.proxy, number).open_service, LIMIT_MS));
    struct fault_status s = fault_proxy_status(&fixture.proxy, number);
    assert_true(s.open_redis);
    assert_int_equal(s.held[FAULT_UP], strlen("$4\r\nEXEC\r\n"));
    assert_int_equal(tredis_int(&fixture.redis, "EXISTS late"), 0);

    fault_proxy_release(&fixture.proxy, number);
    assert_true(await(tredis_int(&fixture.redis, "EXISTS late") == 1, LIMIT_MS));
    assert_true(await(!fault_proxy_status(&fixture.proxy, number).open_redis, LIMIT_MS));
    s = fault_proxy_status(&fixture.proxy, number);
    assert_non_null(strstr(s.tail, "*1\r\n:1\r\n"));
}

static void held_answers_arrive_on_release(void **state)
{
    int number;
    redisContext *c = proxied(&number);
    struct fault_rule hold = {
        .action = FAULT_HOLD, .direction = FAULT_DOWN, .after = 3, .connection = number};
    fault_proxy_arm(&fixture.proxy, &hold);
    redisAppendCommand(c, "PING");
    int sent = 0;
    while (!sent)
        assert_int_equal(redisBufferWrite(c, &sent), REDIS_OK);
    assert_true(await(fault_proxy_status(&fixture.proxy, number).held[FAULT_DOWN] == PONG_BYTES - 3,
                      LIMIT_MS));
    assert_int_equal(fault_proxy_status(&fixture.proxy, number).counted[FAULT_DOWN], 3);
    fault_proxy_release(&fixture.proxy, number);
    void *reply = NULL;
    assert_int_equal(redisGetReply(c, &reply), REDIS_OK);
    assert_string_equal(((redisReply *)reply)->str, "PONG");
    freeReplyObject(reply);
    assert_true(ping(c));
    redisFree(c);
}

static void held_bytes_can_be_dropped(void **state)
{
    int number;
    assert_int_not_equal(tredis_int(&fixture.redis, "DEL dropped"), INT64_MIN);
    redisContext *c = proxied(&number);
    struct fault_rule hold = {.action = FAULT_HOLD, .connection = number};
    fault_proxy_arm(&fixture.proxy, &hold);
    redisAppendCommand(c, "INCR dropped");
    int sent = 0;
    while (!sent)
        assert_int_equal(redisBufferWrite(c, &sent), REDIS_OK);
    assert_true(await(fault_proxy_status(&fixture.proxy, number).held[FAULT_UP] > 0, LIMIT_MS));
    fault_proxy_drop(&fixture.proxy, number);
    assert_false(ping(c));
    redisFree(c);
    assert_int_equal(tredis_int(&fixture.redis, "EXISTS dropped"), 0);
}

static void a_black_hole_swallows(void **state)
{
    int number;
    redisContext *c = proxied(&number);
    struct timeval limit = {.tv_usec = 100000};
    redisSetTimeout(c, limit);
    struct fault_rule hole = {
        .action = FAULT_BLACK_HOLE, .direction = FAULT_UP, .connection = number};
    fault_proxy_arm(&fixture.proxy, &hole);
    assert_false(ping(c));
    struct fault_status s = fault_proxy_status(&fixture.proxy, number);
    assert_true(s.open_service && s.open_redis);
    assert_int_equal(s.counted[FAULT_UP], 0);
    redisFree(c);
    fault_proxy_drop(&fixture.proxy, number);
    assert_false(fault_proxy_status(&fixture.proxy, number).open_redis);
}

static void drips_and_shreds_arrive_whole(void **state)
{
    static const enum fault_action actions[] = {FAULT_DRIP, FAULT_SHRED};
    for (size_t i = 0; i < 2; i++) {
        for (int direction = 0; direction < 2; direction++) {
            int number;
            redisContext *c = proxied(&number);
            struct fault_rule rule = {.action = actions[i],
                                      .direction = (enum fault_direction)direction,
                                      .connection = number};
            fault_proxy_arm(&fixture.proxy, &rule);
            char text[2000];
            memset(text, 'a' + direction, sizeof(text));
            redisReply *reply = redisCommand(c, "ECHO %b", text, sizeof(text));
            assert_non_null(reply);
            assert_int_equal(reply->len, sizeof(text));
            assert_memory_equal(reply->str, text, sizeof(text));
            freeReplyObject(reply);
            assert_true(ping(c));
            redisFree(c);
        }
    }
}

/* The pattern may be split over two writes, and earlier occurrences may be skipped. */
static void patterns_are_found_across_reads(void **state)
{
    int number;
    redisContext *c = proxied(&number);
    struct fault_rule cut = {.action = FAULT_CUT_FIN,
                             .anchor = FAULT_BEHIND_PATTERN,
                             .pattern = "needle",
                             .skip = 2,
                             .after = 2};
    fault_proxy_arm(&fixture.proxy, &cut);
    redisReply *reply = redisCommand(c, "ECHO %s", "needle needle");
    assert_non_null(reply);
    freeReplyObject(reply);
    assert_int_equal(fault_proxy_struck_on(&fixture.proxy), 0);
    static const char half[] = "*2\r\n$4\r\nECHO\r\n$6\r\nnee";
    uint64_t before = fault_proxy_status(&fixture.proxy, number).bytes[FAULT_UP];
    assert_int_equal(send(c->fd, half, strlen(half), 0), strlen(half));
    assert_true(
        await(fault_proxy_status(&fixture.proxy, number).bytes[FAULT_UP] == before + strlen(half),
              LIMIT_MS));
    assert_int_equal(send(c->fd, "dle\r\n", 5, 0), 5);
    assert_false(ping(c));
    redisFree(c);
    assert_int_equal(fault_proxy_struck_on(&fixture.proxy), number);
    assert_int_equal(fault_proxy_status(&fixture.proxy, number).counted[FAULT_UP], 2);

    c = proxied(&number);
    struct fault_rule chunk = {
        .action = FAULT_COUNT, .anchor = FAULT_AT_CHUNK, .pattern = "EXEC", .connection = number};
    fault_proxy_arm(&fixture.proxy, &chunk);
    assert_true(ping(c));
    assert_int_equal(fault_proxy_anchored_on(&fixture.proxy), 0);
    reply = redisCommand(c, "ECHO %s", "EXEC");
    assert_non_null(reply);
    freeReplyObject(reply);
    assert_int_equal(fault_proxy_anchored_on(&fixture.proxy), number);
    assert_int_equal(fault_proxy_status(&fixture.proxy, number).counted[FAULT_UP],
                     strlen("*2\r\n$4\r\nECHO\r\n$4\r\nEXEC\r\n"));
    redisFree(c);
}

static void other_connections_are_untouched(void **state)
{
    int one;
    int two;
    redisContext *a = proxied(&one);
    redisContext *b = proxied(&two);
    assert_int_not_equal(one, two);
    struct fault_rule cut = {.action = FAULT_CUT_RST, .connection = one};
    fault_proxy_arm(&fixture.proxy, &cut);
    assert_false(ping(a));
    assert_true(ping(b));
    redisFree(a);

    fault_proxy_refuse(&fixture.proxy, true);
    assert_true(ping(b));
    struct timeval limit = {.tv_sec = LIMIT_MS / 1000};
    a = redisConnectWithTimeout("127.0.0.1", fixture.proxy.port, limit);
    assert_non_null(a);
    assert_true(a->err || !ping(a));
    redisFree(a);
    fault_proxy_refuse(&fixture.proxy, false);

    fault_proxy_cut_all(&fixture.proxy);
    assert_false(ping(b));
    redisFree(b);
    a = proxied(&one);
    redisFree(a);
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
        cmocka_unit_test_teardown(the_proxy_forwards_and_counts, disarm),
        cmocka_unit_test_teardown(a_cut_strikes_after_exactly_so_many_bytes, disarm),
        cmocka_unit_test_teardown(held_bytes_are_delivered_late, disarm),
        cmocka_unit_test_teardown(held_answers_arrive_on_release, disarm),
        cmocka_unit_test_teardown(held_bytes_can_be_dropped, disarm),
        cmocka_unit_test_teardown(a_black_hole_swallows, disarm),
        cmocka_unit_test_teardown(drips_and_shreds_arrive_whole, disarm),
        cmocka_unit_test_teardown(patterns_are_found_across_reads, disarm),
        cmocka_unit_test_teardown(other_connections_are_untouched, disarm),
        cmocka_unit_test(the_client_reads_every_kind_of_answer),
        cmocka_unit_test(the_client_tells_failures_apart),
        cmocka_unit_test(a_crowd_runs_every_index_once),
    };
    return cmocka_run_group_tests_name("support", tests, group_setup, group_teardown);
}
