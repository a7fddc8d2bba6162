/* test_overload.c -- what is refused while there is too much, and that a repeat never is: it takes
 * nothing, and its client must learn what became of the first. */
#include "support/fixture.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *key(const char *name)
{
    return text("Idempotency-Key: %s\r\n", name);
}

/* --- memory ----------------------------------------------------------------------------------- */

static void a_repeat_is_answered_while_memory_is_short(void **state)
{
    serve();
    char sku[64], item[128], id[64];
    KEEP(sku, new_sku());
    snprintf(item, sizeof(item), "/v1/items/%s", sku);
    api_call(a, 201, "PUT", item, key("make"), "{\"on_hand\":1000}");
    api_call(a, 201, "POST", RESERVATIONS, key("hold"), LINE(sku, 1));
    KEEP(id, api_str(a, "id"));
    /* 64 MiB of ballast, so that 5 % of the memory is more than noise. */
    assert_int_equal(redis_int("SETRANGE ballast 67108863 x"), 64 << 20);
    redis_do(&stack.redis, "CONFIG SET maxmemory %lld",
             (long long)(tredis_info(&stack.redis, "used_memory") / 95 * 100));
    assert_true(await(hold_status(sku) == 503, RECOVERY_MS));

    api_problem(a, 503, "overloaded", NULL, "POST", RESERVATIONS, key("new"), LINE(sku, 1));
    api_problem(a, 503, "overloaded", NULL, "PUT", ITEM(new_sku()), key("other"),
                "{\"on_hand\":1}");
    api_call(a, 201, "POST", RESERVATIONS, key("hold"), LINE(sku, 1));
    check_header(a, "Idempotent-Replayed", "true");
    check_str(a, "id", id);
    api_call(a, 201, "PUT", item, key("make"), "{\"on_hand\":1000}");
    check_header(a, "Idempotent-Replayed", "true");
    api_problem(a, 422, "idempotency-key-reused", NULL, "POST", RESERVATIONS, key("hold"),
                LINE(sku, 2));
    post(200, "/v1/batch",
         text("{\"operations\":[{\"op\":\"reserve\",\"sku\":\"%s\",\"quantity\":1,"
              "\"idempotency_key\":\"in-batch\"},"
              "{\"op\":\"get\",\"id\":\"%s\"}]}",
              sku, id));
    check_int(a, "results[0].status", 503);
    check_int(a, "results[1].status", 200);
    get_problem(404, "operation-not-found", NULL, "/v1/operations/new");
}

/* --- the queue -------------------------------------------------------------------------------- */

static int64_t queue_depth(void)
{
    return metric("stockd_queue_depth");
}

#define ONE_BY_ONE                                                                                 \
    "--lanes", "1", "--batch-max", "1", "--queue-max", "2", "--request-timeout", "60s"

/* One transaction is on its way and stays there, behind it the queue is full. */
static void fill_queue(struct http_conn *conns, int count, const char *sku)
{
    const char *begun = "stockd_operation_queue_seconds_count";
    int64_t before = metric(begun);
    redis_do(&stack.redis, "CLIENT PAUSE 600000 WRITE");
    for (int i = 0; i < count; i++) {
        send_hold(&conns[i], NULL, sku, 1);
        assert_true(await(i == 0 ? metric(begun) > before : queue_depth() == i, RECOVERY_MS));
    }
}

/* Redis holds back what writes and answers what reads: the queue stands still. */
static void a_repeat_is_answered_while_the_queue_is_full(void **state)
{
    enum { WAITING = 3, REPEAT = WAITING, REUSED, CONNS };
    struct http_conn conns[CONNS];
    struct http_resp resp = {.status = 0};
    serve(.flags = {ONE_BY_ONE});
    const char *sku = api_item(a, 100, 0);
    api_call(a, 201, "POST", RESERVATIONS, key("first"), LINE(sku, 1));
    const char *id = api_str(a, "id");
    fill_queue(conns, WAITING, sku);
    post_problem(503, "overloaded", NULL, RESERVATIONS, LINE(sku, 1));
    api_problem(a, 503, "overloaded", NULL, "POST", RESERVATIONS, key("new"), LINE(sku, 1));
    send_hold(&conns[REPEAT], key("first"), sku, 1);
    send_hold(&conns[REUSED], key("first"), sku, 2);
    assert_true(await(queue_depth() == 4, RECOVERY_MS));
    redis_do(&stack.redis, "CLIENT UNPAUSE");

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
    static struct http_conn conns[REPEATS], waiting[WAITING];
    struct http_resp resp = {.status = 0};
    int replayed = 0, refused = 0;
    serve(.flags = {ONE_BY_ONE});
    const char *sku = api_item(a, 100, 0), *body = LINE(sku, 1),
               *headers = "Idempotency-Key: first\r\n";
    api_call(a, 201, "POST", RESERVATIONS, headers, body);
    fill_queue(waiting, WAITING, sku);
    for (int i = 0; i < REPEATS; i++) {
        send_hold(&conns[i], headers, sku, 1);
        if (i < BEYOND && (i % 32 == 31))
            assert_true(await(queue_depth() == 3 + i, RECOVERY_MS));
    }
    assert_true(await(queue_depth() == 2 + BEYOND, RECOVERY_MS));
    for (int i = BEYOND; i < REPEATS; i++)
        assert_int_equal(http_receive(&conns[i], false, &resp), 0);
    assert_int_equal(resp.status, 503);
    redis_do(&stack.redis, "CLIENT UNPAUSE");
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
    struct http_conn conns[WAITING], repeat;
    struct http_resp resp = {.status = 0};
    char value[16];
    serve(.partitions = 2, .flags = {ONE_BY_ONE});
    const char *sku = stack_item_in(&stack, 2, 0, 100);
    const char *body = LINE(sku, 1), *first = "Idempotency-Key: first\r\n";
    const char *new = "Idempotency-Key: new\r\n";
    api_call(a, 201, "POST", RESERVATIONS, first, body);
    for (int lost = 0; lost < 2; lost++) {
        redis_do(&stack.redis, "HSET {p1}:meta state %s", lost ? "lost: by a test" : "closed: so");
        get_problem(503, lost ? "state-lost" : "partition-closed", NULL, "/v1/operations/new");
        fill_queue(conns, WAITING, sku);
        api_problem(a, 503, "overloaded", NULL, "POST", RESERVATIONS, new, body);
        send_hold(&repeat, first, sku, 1);
        assert_true(await(queue_depth() == 3, RECOVERY_MS));
        redis_do(&stack.redis, "CLIENT UNPAUSE");
        assert_int_equal(http_receive(&repeat, false, &resp), 0);
        assert_int_equal(resp.status, 201);
        assert_non_null(http_resp_header(&resp, "Idempotent-Replayed", value, sizeof(value)));
        http_conn_close(&repeat);
        for (int i = 0; i < WAITING; i++)
            assert_int_equal(answer_to(&conns[i], NULL), 201);
    }
    http_resp_free(&resp);
    check_item(a, sku, 100, 93, 7, 0, 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLAIN_TEST(a_repeat_is_answered_while_memory_is_short),
        PLAIN_TEST(a_repeat_is_answered_while_the_queue_is_full),
        PLAIN_TEST(a_full_queue_takes_only_so_many_repeats),
        PLAIN_TEST(a_full_queue_beside_a_closed_partition_is_full),
    };
    return run_each("overload", tests);
}
