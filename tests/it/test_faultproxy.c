/* test_faultproxy.c -- the proxy that breaks connections to Redis does so at the byte, the
 * direction and the moment that it was told. Needs redis-server, not the service. */
#include "support/faultproxy.h"
#include "support/redis_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/* "*1\r\n$4\r\nPING\r\n" is what hiredis sends for PING, "+PONG\r\n" the answer. */
#define PING_BYTES 14
#define PONG_BYTES 7
#define LIMIT_MS   60000

static struct tredis redis;
static struct fault_proxy proxy;

static int group_setup(void **state)
{
    if (tredis_start(&redis, NULL) != 0)
        return -1;
    return fault_proxy_start(&proxy, redis.url, 42);
}

static int group_teardown(void **state)
{
    fault_proxy_stop(&proxy);
    tredis_stop(&redis);
    return 0;
}

static int disarm(void **state)
{
    fault_proxy_disarm(&proxy);
    fault_proxy_refuse(&proxy, false);
    return 0;
}

/* A connection through the proxy, and its number there. */
static redisContext *proxied(int *number)
{
    struct timeval limit = {.tv_sec = LIMIT_MS / 1000};
    redisContext *c = redisConnectWithTimeout("127.0.0.1", proxy.port, limit);
    assert_non_null(c);
    assert_int_equal(c->err, 0);
    redisSetTimeout(c, limit);
    char mark[64];
    static int serial;
    snprintf(mark, sizeof(mark), "mark-%d-%d", (int)getpid(), ++serial);
    fault_proxy_watch(&proxy, mark);
    redisReply *reply = redisCommand(c, "ECHO %s", mark);
    assert_non_null(reply);
    freeReplyObject(reply);
    *number = fault_proxy_seen_on(&proxy);
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

static void the_proxy_forwards_and_counts(void **state)
{
    int number;
    redisContext *c = proxied(&number);
    struct fault_status before = fault_proxy_status(&proxy, number);
    assert_true(before.open_service && before.open_redis);
    struct fault_rule count = {.action = FAULT_COUNT, .connection = number};
    fault_proxy_arm(&proxy, &count);
    assert_true(ping(c));
    assert_true(ping(c));
    struct fault_status after = fault_proxy_status(&proxy, number);
    assert_int_equal(after.bytes[FAULT_UP] - before.bytes[FAULT_UP], 2 * PING_BYTES);
    assert_int_equal(after.bytes[FAULT_DOWN] - before.bytes[FAULT_DOWN], 2 * PONG_BYTES);
    assert_int_equal(after.counted[FAULT_UP], 2 * PING_BYTES);
    assert_int_equal(after.counted[FAULT_DOWN], 2 * PONG_BYTES);
    assert_non_null(strstr(after.tail, "+PONG"));
    redisFree(c);
    assert_true(await(!fault_proxy_status(&proxy, number).open_redis, LIMIT_MS));
    assert_false(fault_proxy_status(&proxy, 60000).known);
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
            assert_int_not_equal(tredis_int(&redis, "DEL k"), INT64_MIN);
            redisContext *c = proxied(&number);
            struct fault_rule cut = {.action = after % 2 ? FAULT_CUT_RST : FAULT_CUT_FIN,
                                     .direction = (enum fault_direction)direction,
                                     .connection = number,
                                     .after = after};
            fault_proxy_arm(&proxy, &cut);
            redisReply *reply = redisCommand(c, "INCR k");
            bool answered = reply != NULL;
            if (reply)
                freeReplyObject(reply);
            redisFree(c);
            assert_int_equal(fault_proxy_struck_on(&proxy), number);
            struct fault_status s = fault_proxy_status(&proxy, number);
            assert_false(s.open_service || s.open_redis);
            assert_int_equal(s.counted[direction], after);
            /* A cut of the answers at 0 strikes at once, before the command is sent. */
            bool lands = direction == FAULT_UP ? after == sizes[0] : after > 0;
            assert_int_equal(answered, direction == FAULT_DOWN && after == sizes[1]);
            if (lands)
                assert_true(await(tredis_int(&redis, "EXISTS k") == 1, LIMIT_MS));
            else
                assert_int_equal(tredis_int(&redis, "EXISTS k"), 0);
        }
    }
}

static void held_bytes_are_delivered_late(void **state)
{
    int number;
    assert_int_not_equal(tredis_int(&redis, "DEL late"), INT64_MIN);
    redisContext *c = proxied(&number);
    struct fault_rule hold = {.action = FAULT_HOLD,
                              .anchor = FAULT_AT_PATTERN,
                              .pattern = "$4\r\nEXEC",
                              .connection = number};
    fault_proxy_arm(&proxy, &hold);
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

    assert_true(await(!fault_proxy_status(&proxy, number).open_service, LIMIT_MS));
    struct fault_status s = fault_proxy_status(&proxy, number);
    assert_true(s.open_redis);
    assert_int_equal(s.held[FAULT_UP], strlen("$4\r\nEXEC\r\n"));
    assert_int_equal(tredis_int(&redis, "EXISTS late"), 0);

    fault_proxy_release(&proxy, number);
    assert_true(await(tredis_int(&redis, "EXISTS late") == 1, LIMIT_MS));
    assert_true(await(!fault_proxy_status(&proxy, number).open_redis, LIMIT_MS));
    s = fault_proxy_status(&proxy, number);
    assert_non_null(strstr(s.tail, "*1\r\n:1\r\n"));
}

static void held_answers_arrive_on_release(void **state)
{
    int number;
    redisContext *c = proxied(&number);
    struct fault_rule hold = {
        .action = FAULT_HOLD, .direction = FAULT_DOWN, .after = 3, .connection = number};
    fault_proxy_arm(&proxy, &hold);
    redisAppendCommand(c, "PING");
    int sent = 0;
    while (!sent)
        assert_int_equal(redisBufferWrite(c, &sent), REDIS_OK);
    assert_true(
        await(fault_proxy_status(&proxy, number).held[FAULT_DOWN] == PONG_BYTES - 3, LIMIT_MS));
    assert_int_equal(fault_proxy_status(&proxy, number).counted[FAULT_DOWN], 3);
    fault_proxy_release(&proxy, number);
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
    assert_int_not_equal(tredis_int(&redis, "DEL dropped"), INT64_MIN);
    redisContext *c = proxied(&number);
    struct fault_rule hold = {.action = FAULT_HOLD, .connection = number};
    fault_proxy_arm(&proxy, &hold);
    redisAppendCommand(c, "INCR dropped");
    int sent = 0;
    while (!sent)
        assert_int_equal(redisBufferWrite(c, &sent), REDIS_OK);
    assert_true(await(fault_proxy_status(&proxy, number).held[FAULT_UP] > 0, LIMIT_MS));
    fault_proxy_drop(&proxy, number);
    assert_false(ping(c));
    redisFree(c);
    assert_int_equal(tredis_int(&redis, "EXISTS dropped"), 0);
}

static void a_black_hole_swallows(void **state)
{
    int number;
    redisContext *c = proxied(&number);
    struct timeval limit = {.tv_usec = 100000};
    redisSetTimeout(c, limit);
    struct fault_rule hole = {
        .action = FAULT_BLACK_HOLE, .direction = FAULT_UP, .connection = number};
    fault_proxy_arm(&proxy, &hole);
    assert_false(ping(c));
    struct fault_status s = fault_proxy_status(&proxy, number);
    assert_true(s.open_service && s.open_redis);
    assert_int_equal(s.counted[FAULT_UP], 0);
    redisFree(c);
    fault_proxy_drop(&proxy, number);
    assert_false(fault_proxy_status(&proxy, number).open_redis);
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
            fault_proxy_arm(&proxy, &rule);
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
    fault_proxy_arm(&proxy, &cut);
    redisReply *reply = redisCommand(c, "ECHO %s", "needle needle");
    assert_non_null(reply);
    freeReplyObject(reply);
    assert_int_equal(fault_proxy_struck_on(&proxy), 0);
    static const char half[] = "*2\r\n$4\r\nECHO\r\n$6\r\nnee";
    uint64_t before = fault_proxy_status(&proxy, number).bytes[FAULT_UP];
    assert_int_equal(send(c->fd, half, strlen(half), 0), strlen(half));
    assert_true(await(fault_proxy_status(&proxy, number).bytes[FAULT_UP] == before + strlen(half),
                      LIMIT_MS));
    assert_int_equal(send(c->fd, "dle\r\n", 5, 0), 5);
    assert_false(ping(c));
    redisFree(c);
    assert_int_equal(fault_proxy_struck_on(&proxy), number);
    assert_int_equal(fault_proxy_status(&proxy, number).counted[FAULT_UP], 2);

    c = proxied(&number);
    struct fault_rule chunk = {
        .action = FAULT_COUNT, .anchor = FAULT_AT_CHUNK, .pattern = "EXEC", .connection = number};
    fault_proxy_arm(&proxy, &chunk);
    assert_true(ping(c));
    assert_int_equal(fault_proxy_anchored_on(&proxy), 0);
    reply = redisCommand(c, "ECHO %s", "EXEC");
    assert_non_null(reply);
    freeReplyObject(reply);
    assert_int_equal(fault_proxy_anchored_on(&proxy), number);
    assert_int_equal(fault_proxy_status(&proxy, number).counted[FAULT_UP],
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
    fault_proxy_arm(&proxy, &cut);
    assert_false(ping(a));
    assert_true(ping(b));
    redisFree(a);

    fault_proxy_refuse(&proxy, true);
    assert_true(ping(b));
    struct timeval limit = {.tv_sec = LIMIT_MS / 1000};
    a = redisConnectWithTimeout("127.0.0.1", proxy.port, limit);
    assert_non_null(a);
    assert_true(a->err || !ping(a));
    redisFree(a);
    fault_proxy_refuse(&proxy, false);

    fault_proxy_cut_all(&proxy);
    assert_false(ping(b));
    redisFree(b);
    a = proxied(&one);
    redisFree(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(the_proxy_forwards_and_counts, disarm),
        cmocka_unit_test_teardown(a_cut_strikes_after_exactly_so_many_bytes, disarm),
        cmocka_unit_test_teardown(held_bytes_are_delivered_late, disarm),
        cmocka_unit_test_teardown(held_answers_arrive_on_release, disarm),
        cmocka_unit_test_teardown(held_bytes_can_be_dropped, disarm),
        cmocka_unit_test_teardown(a_black_hole_swallows, disarm),
        cmocka_unit_test_teardown(drips_and_shreds_arrive_whole, disarm),
        cmocka_unit_test_teardown(patterns_are_found_across_reads, disarm),
        cmocka_unit_test_teardown(other_connections_are_untouched, disarm),
    };
    return cmocka_run_group_tests_name("fault proxy", tests, group_setup, group_teardown);
}
