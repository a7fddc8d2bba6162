/* test_memory.c -- what a live reservation costs in Redis. */
#include "support/api.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define RESERVATIONS 20000
#define A_BATCH      1000

static struct stack stack;
static struct api *a;

static int group_setup(void **state)
{
    a = &stack.api;
    return stack_start(&stack, NULL, 1, NULL);
}

static int group_teardown(void **state)
{
    return stack_stop(&stack);
}

static void reserve_many(const char *sku)
{
    static char body[A_BATCH * 80];
    size_t n = (size_t)snprintf(body, sizeof(body), "{\"operations\":[");
    for (int i = 0; i < A_BATCH; i++)
        n += (size_t)snprintf(body + n, sizeof(body) - n,
                              "%s{\"op\":\"reserve\",\"sku\":\"%s\",\"quantity\":1}", i ? "," : "",
                              sku);
    assert_true(n + 3 < sizeof(body));
    snprintf(body + n, sizeof(body) - n, "]}");
    for (int made = 0; made < RESERVATIONS; made += A_BATCH) {
        json_t *results =
            json_object_get(api_call(a, 200, "POST", "/v1/batch", NULL, body), "results");
        assert_int_equal(json_array_size(results), A_BATCH);
        for (size_t i = 0; i < A_BATCH; i++)
            assert_int_equal(
                json_integer_value(json_object_get(json_array_get(results, i), "status")), 201);
    }
}

/* The sum of MEMORY USAGE over the keys of a pattern; fails if there are none. */
static int64_t bytes_of(const char *pattern)
{
    redisContext *c = tredis_connect(&stack.redis);
    assert_non_null(c);
    redisReply *keys = redisCommand(c, "KEYS %s", pattern);
    assert_true(keys && keys->type == REDIS_REPLY_ARRAY && keys->elements > 0);
    int64_t sum = 0;
    for (size_t i = 0; i < keys->elements; i++) {
        redisReply *usage = redisCommand(c, "MEMORY USAGE %b SAMPLES 0", keys->element[i]->str,
                                         (size_t)keys->element[i]->len);
        assert_true(usage && usage->type == REDIS_REPLY_INTEGER);
        sum += usage->integer;
        freeReplyObject(usage);
    }
    freeReplyObject(keys);
    redisFree(c);
    return sum;
}

static void a_live_reservation_costs_200_bytes_and_its_event_100(void **state)
{
    const char *sku = api_item(a, 1000000, 0);
    int64_t stream_before = bytes_of("{p0}:events");
    reserve_many(sku);
    check_item(a, sku, 1000000, 1000000 - RESERVATIONS, RESERVATIONS, 0, 1 + RESERVATIONS);
    assert_int_equal(tredis_int(&stack.redis, text("ZCARD {p0}:holds:%s", sku)), RESERVATIONS);
    int64_t records = bytes_of("{p0}:resv:*");
    int64_t holds = bytes_of(text("{p0}:holds:%s", sku));
    int64_t due = bytes_of("{p0}:due");
    int64_t stream = bytes_of("{p0}:events") - stream_before;
    int64_t used = tredis_info(&stack.redis, "used_memory_dataset");
    print_message("bytes a reservation: record %.1f, holds %.1f, due %.2f, together %.1f; event "
                  "%.1f; whole dataset %.1f\n",
                  (double)records / RESERVATIONS, (double)holds / RESERVATIONS,
                  (double)due / RESERVATIONS, (double)(records + holds + due) / RESERVATIONS,
                  (double)stream / RESERVATIONS, (double)used / RESERVATIONS);
    assert_true(records + holds + due <= 200 * RESERVATIONS);
    assert_true(stream <= 100 * RESERVATIONS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_live_reservation_costs_200_bytes_and_its_event_100),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
