/* test_overload.c -- what is refused while there is too much, and that a repeat never is: it takes
 * nothing, and its client must learn what became of the first. */
#include "support/api.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Until the service has seen how full Redis is, or a request has come in. */
#define NOTICE_MS 180000

static struct stack stack;
static struct api *a = &stack.api;

static int test_teardown(void **state)
{
    return stack_stop(&stack);
}

static const char *key(const char *name)
{
    return text("Idempotency-Key: %s\r\n", name);
}

static const char *hold(const char *sku, int quantity)
{
    return text("{\"sku\":\"%s\",\"quantity\":%d}", sku, quantity);
}

static void redis_does(const char *command)
{
    redisContext *c = tredis_connect(&stack.redis);
    assert_non_null(c);
    redisReply *reply = redisCommand(c, command);
    assert_non_null(reply);
    assert_int_equal(reply->type, REDIS_REPLY_STATUS);
    freeReplyObject(reply);
    redisFree(c);
}

/* --- memory ----------------------------------------------------------------------------------- */

static int hold_status(const char *sku)
{
    int err = http_call(&a->conn, "POST", "/v1/reservations", NULL, hold(sku, 1), &a->resp);
    return err ? err : a->resp.status;
}

static void a_repeat_is_answered_while_memory_is_short(void **state)
{
    assert_int_equal(stack_start(&stack, NULL, 1, NULL), 0);
    char sku[64], item[128], id[64];
    snprintf(sku, sizeof(sku), "%s", new_sku());
    snprintf(item, sizeof(item), "/v1/items/%s", sku);
    api_call(a, 201, "PUT", item, key("make"), "{\"on_hand\":1000}");
    api_call(a, 201, "POST", "/v1/reservations", key("hold"), hold(sku, 1));
    snprintf(id, sizeof(id), "%s", api_str(a, "id"));
    /* 64 MiB of ballast, so that 5 % of the memory is more than noise. */
    assert_int_equal(tredis_int(&stack.redis, "SETRANGE ballast 67108863 x"), 64 << 20);
    redis_does(
        text("CONFIG SET maxmemory %" PRId64, tredis_info(&stack.redis, "used_memory") / 95 * 100));
    assert_true(await(hold_status(sku) == 503, NOTICE_MS));

    api_problem(a, 503, "overloaded", NULL, "POST", "/v1/reservations", key("new"), hold(sku, 1));
    api_problem(a, 503, "overloaded", NULL, "PUT", text("/v1/items/%s", new_sku()), key("other"),
                "{\"on_hand\":1}");
    api_call(a, 201, "POST", "/v1/reservations", key("hold"), hold(sku, 1));
    check_header(a, "Idempotent-Replayed", "true");
    check_str(a, "id", id);
    api_call(a, 201, "PUT", item, key("make"), "{\"on_hand\":1000}");
    check_header(a, "Idempotent-Replayed", "true");
    api_problem(a, 422, "idempotency-key-reused", NULL, "POST", "/v1/reservations", key("hold"),
                hold(sku, 2));
    api_call(a, 200, "POST", "/v1/batch", NULL,
             text("{\"operations\":[{\"op\":\"reserve\",\"sku\":\"%s\",\"quantity\":1,"
                  "\"idempotency_key\":\"in-batch\"},"
                  "{\"op\":\"get\",\"id\":\"%s\"}]}",
                  sku, id));
    check_int(a, "results[0].status", 503);
    check_int(a, "results[1].status", 200);
    api_problem(a, 404, "operation-not-found", NULL, "GET", "/v1/operations/new", NULL, NULL);
}

/* --- the queue -------------------------------------------------------------------------------- */

static int64_t metric(const char *name)
{
    api_call(a, 200, "GET", "/metrics", NULL, NULL);
    char line[128];
    snprintf(line, sizeof(line), "\n%s ", name);
    const char *at = strstr(a->resp.body, line);
    assert_non_null(at);
    return strtoll(at + strlen(line), NULL, 10);
}

static int64_t queue_depth(void)
{
    return metric("stockd_queue_depth");
}

static void send_hold(struct http_conn *c, const char *headers, const char *body)
{
    http_conn_init(c, stack.service.port);
    assert_int_equal(http_send_call(c, "POST", "/v1/reservations", headers, body, strlen(body)), 0);
}

/* One transaction is on its way and stays there, behind it the queue is full. */
static void fill_queue(struct http_conn *conns, int count, const char *body)
{
    const char *begun = "stockd_operation_queue_seconds_count";
    int64_t before = metric(begun);
    redis_does("CLIENT PAUSE 600000 WRITE");
    for (int i = 0; i < count; i++) {
        send_hold(&conns[i], NULL, body);
        assert_true(await(i == 0 ? metric(begun) > before : queue_depth() == i, NOTICE_MS));
    }
}

/* Redis holds back what writes and answers what reads: the queue stands still. */
static void a_repeat_is_answered_while_the_queue_is_full(void **state)
{
    enum { WAITING = 3, REPEAT = WAITING, REUSED, CONNS };
    static const char *const extra[] = {
        "--lanes", "1", "--batch-max", "1", "--queue-max", "2", "--request-timeout", "60s", NULL};
    struct http_conn conns[CONNS];
    struct http_resp resp = {.status = 0};
    assert_int_equal(stack_start(&stack, NULL, 1, extra), 0);
    const char *sku = api_item(a, 100, 0);
    api_call(a, 201, "POST", "/v1/reservations", key("first"), hold(sku, 1));
    const char *id = api_str(a, "id");
    fill_queue(conns, WAITING, hold(sku, 1));
    api_problem(a, 503, "overloaded", NULL, "POST", "/v1/reservations", NULL, hold(sku, 1));
    api_problem(a, 503, "overloaded", NULL, "POST", "/v1/reservations", key("new"), hold(sku, 1));
    send_hold(&conns[REPEAT], key("first"), hold(sku, 1));
    send_hold(&conns[REUSED], key("first"), hold(sku, 2));
    assert_true(await(queue_depth() == 4, NOTICE_MS));
    redis_does("CLIENT UNPAUSE");

    for (int i = 0; i < CONNS; i++) {
        char value[16];
        assert_int_equal(http_receive(&conns[i], false, &resp), 0);
        assert_int_equal(resp.status, i == REUSED ? 422 : 201);
        if (i == REPEAT) {
            assert_non_null(http_resp_header(&resp, "Idempotent-Replayed", value, sizeof(value)));
            assert_string_equal(json_string_value(json_at(http_resp_json(&resp), "id")), id);
        }
        http_conn_close(&conns[i]);
    }
    http_resp_free(&resp);
    check_item(a, sku, 100, 96, 4, 0, 5);
    assert_int_equal(queue_depth(), 0);
}

/* What is beyond the bound of the queue is bounded as well, and what has no record has no room. */
static void a_full_queue_takes_only_so_many_repeats(void **state)
{
    enum { WAITING = 3, REPEATS = 260, BEYOND = 256 };
    static const char *const extra[] = {
        "--lanes", "1", "--batch-max", "1", "--queue-max", "2", "--request-timeout", "60s", NULL};
    static struct http_conn conns[REPEATS], waiting[WAITING];
    struct http_resp resp = {.status = 0};
    int replayed = 0, refused = 0;
    assert_int_equal(stack_start(&stack, NULL, 1, extra), 0);
    const char *sku = api_item(a, 100, 0), *body = hold(sku, 1), *headers = key("first");
    api_call(a, 201, "POST", "/v1/reservations", headers, body);
    fill_queue(waiting, WAITING, body);
    for (int i = 0; i < REPEATS; i++) {
        send_hold(&conns[i], headers, body);
        if (i < BEYOND && (i % 32 == 31))
            assert_true(await(queue_depth() == 3 + i, NOTICE_MS));
    }
    assert_true(await(queue_depth() == 2 + BEYOND, NOTICE_MS));
    for (int i = BEYOND; i < REPEATS; i++)
        assert_int_equal(http_receive(&conns[i], false, &resp), 0);
    assert_int_equal(resp.status, 503);
    redis_does("CLIENT UNPAUSE");
    for (int i = 0; i < BEYOND; i++) {
        assert_int_equal(http_receive(&conns[i], false, &resp), 0);
        replayed += resp.status == 201;
        refused += resp.status == 503;
    }
    assert_int_equal(replayed, BEYOND);
    assert_int_equal(refused, 0);
    for (int i = 0; i < REPEATS; i++)
        http_conn_close(&conns[i]);
    for (int i = 0; i < WAITING; i++) {
        assert_int_equal(http_receive(&waiting[i], false, &resp), 0);
        assert_int_equal(resp.status, 201);
        http_conn_close(&waiting[i]);
    }
    http_resp_free(&resp);
    check_item(a, sku, 100, 96, 4, 0, 5);
}

/* Whether the key is recorded there nobody can tell, but it belongs to what lies here: without a
 * record here it is one more that finds no room, not what the other partition has to wait for. */
static void a_full_queue_beside_a_closed_partition_is_full(void **state)
{
    enum { WAITING = 3 };
    static const char *const extra[] = {"--partitions",      "2",   "--lanes",     "1",
                                        "--batch-max",       "1",   "--queue-max", "2",
                                        "--request-timeout", "60s", NULL};
    struct http_conn conns[WAITING], repeat;
    struct http_resp resp = {.status = 0};
    char value[16];
    assert_int_equal(stack_start(&stack, NULL, 1, extra), 0);
    const char *sku = stack_item_in(&stack, 2, 0, 100);
    const char *body = hold(sku, 1), *first = key("first"), *new = key("new");
    api_call(a, 201, "POST", "/v1/reservations", first, body);
    for (int lost = 0; lost < 2; lost++) {
        redis_do(&stack.redis, "HSET {p1}:meta state %s", lost ? "lost: by a test" : "closed: so");
        api_problem(a, 503, lost ? "state-lost" : "partition-closed", NULL, "GET",
                    "/v1/operations/new", NULL, NULL);
        fill_queue(conns, WAITING, body);
        api_problem(a, 503, "overloaded", NULL, "POST", "/v1/reservations", new, body);
        send_hold(&repeat, first, body);
        assert_true(await(queue_depth() == 3, NOTICE_MS));
        redis_does("CLIENT UNPAUSE");
        assert_int_equal(http_receive(&repeat, false, &resp), 0);
        assert_int_equal(resp.status, 201);
        assert_non_null(http_resp_header(&resp, "Idempotent-Replayed", value, sizeof(value)));
        http_conn_close(&repeat);
        for (int i = 0; i < WAITING; i++) {
            assert_int_equal(http_receive(&conns[i], false, &resp), 0);
            assert_int_equal(resp.status, 201);
            http_conn_close(&conns[i]);
        }
    }
    http_resp_free(&resp);
    check_item(a, sku, 100, 93, 7, 0, 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_repeat_is_answered_while_memory_is_short, test_teardown),
        cmocka_unit_test_teardown(a_repeat_is_answered_while_the_queue_is_full, test_teardown),
        cmocka_unit_test_teardown(a_full_queue_takes_only_so_many_repeats, test_teardown),
        cmocka_unit_test_teardown(a_full_queue_beside_a_closed_partition_is_full, test_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
