/* test_memory.c -- what a live reservation costs in Redis. */
#include "support/fixture.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOLDS   20000
#define A_BATCH 1000

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
    for (int made = 0; made < HOLDS; made += A_BATCH) {
        json_t *results = json_object_get(post(200, "/v1/batch", body), "results");
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

/* Redis grows a hash table step by step, one step a look-up, and keeps the old table until it is
 * done. Looks up something that is not there in every key of the pattern until that is over. */
static void finish_growing(const char *pattern, const char *command)
{
    redisContext *c = tredis_connect(&stack.redis);
    assert_non_null(c);
    redisReply *keys = redisCommand(c, "KEYS %s", pattern), *reply;
    assert_true(keys && keys->type == REDIS_REPLY_ARRAY && keys->elements > 0);
    for (size_t i = 0; i < keys->elements; i++)
        for (int done = 0; done < 2 * HOLDS; done += A_BATCH) {
            for (int n = 0; n < A_BATCH; n++)
                redisAppendCommand(c, "%s %b none", command, keys->element[i]->str,
                                   (size_t)keys->element[i]->len);
            for (int n = 0; n < A_BATCH; n++) {
                assert_int_equal(redisGetReply(c, (void **)&reply), REDIS_OK);
                freeReplyObject(reply);
            }
        }
    freeReplyObject(keys);
    redisFree(c);
}

/* While a table grows there is an old one beside it, of half its size: at most 8 bytes more for
 * the one table that a reservation is in. */
#define GROWING 8

static int64_t measure(const char *when, const char *sku)
{
    int64_t records = bytes_of("{p0}:resv:*");
    int64_t holds = bytes_of(text("{p0}:holds:%s", sku));
    int64_t due = bytes_of("{p0}:due") + bytes_of("{p0}:buckets");
    print_message(
        "%s: record %.1f, holds %.1f, due and buckets %.3f, together %.1f bytes a reservation\n",
        when, (double)records / HOLDS, (double)holds / HOLDS, (double)due / HOLDS,
        (double)(records + holds + due) / HOLDS);
    return records + holds + due;
}

static void a_live_reservation_costs_165_bytes_and_its_event_30(void **state)
{
    const char *sku = api_item(a, 1000000, 0);
    int64_t stream_before = bytes_of("{p0}:events");
    reserve_many(sku);
    check_item(a, sku, 1000000, 1000000 - HOLDS, HOLDS, 0, 1 + HOLDS);
    assert_int_equal(redis_int(text("ZCARD {p0}:holds:%s", sku)), HOLDS);
    assert_true(measure("growing", sku) <= (165 + GROWING) * HOLDS);
    finish_growing(text("{p0}:holds:%s", sku), "ZSCORE");
    assert_true(measure("grown", sku) <= 165 * HOLDS);
    int64_t stream = bytes_of("{p0}:events") - stream_before;
    print_message("event: %.1f bytes a reservation\n", (double)stream / HOLDS);
    assert_true(stream <= 30 * HOLDS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_live_reservation_costs_165_bytes_and_its_event_30),
    };
    return run_suite("memory", tests);
}
