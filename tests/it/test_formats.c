/* test_formats.c -- a store of the format before (meta.h): served as it is, so that services of
 * before may share it, and of this build's format from the next epoch on. */
#include "core/record.h"
#include "core/rid.h"
#include "store/admin/admin.h"
#include "support/fixture.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define HOUR_MS INT64_C(3600000)

static int64_t bucket_of(const char *id)
{
    struct rid rid;
    assert_true(rid_parse(str_of(id), &rid));
    return rid_bucket(&rid);
}

static bool is_part(const char *id)
{
    assert_int_equal(redis_int(text("HEXISTS {p0}:resv:%" PRId64 " x", bucket_of(id))), 0);
    assert_int_equal(redis_int(text("EXISTS {p0}:resv:%" PRId64, bucket_of(id))), 1);
    return bucket_of(id) >= RID_PARTS_FIRST;
}

static void audit_is_equal(void)
{
    check_command(0, "audit", "--redis", stack.redis.url, "--ledger", ledger_url);
}

static void a_store_of_the_format_before_is_served_in_it(void **state)
{
    char sku[64], before[64], then[64], after[64];
    serve(.redis.aof = TREDIS_AOF_ALWAYS, .ledger = *state, .workers = 2);
    assert_int_equal(redis_int("HGET {p0}:meta format"), 2);
    KEEP(sku, api_item(a, 100, 0));
    KEEP(before, api_reserve(a, sku, 1, 0));
    assert_true(is_part(before));

    redis_do(&stack.redis, "HSET {p0}:meta format 1");
    KEEP(then, api_reserve(a, sku, 2, 0));
    assert_false(is_part(then));
    post(200, CONFIRM(before), "{}"); /* what is there is found, of either format */
    audit_is_equal();

    tredis_kill9(&stack.redis);
    assert_int_equal(tredis_restart(&stack.redis), 0);
    assert_true(await(api_ready(a), RECOVERY_MS));
    assert_int_equal(redis_int("HGET {p0}:meta format"), 2);
    KEEP(after, api_reserve(a, sku, 4, 0));
    assert_true(is_part(after));
    post(200, CONFIRM(then), "{}");
    post(200, RELEASE(after), "{}");
    check_item(a, sku, 97, 97, 0, 3, 7);
    audit_is_equal();
}

/* Nothing of a format to come is guessed at. */
static void a_format_to_come_is_refused(void **state)
{
    (void)state;
    serve();
    const char *sku = api_item(a, 100, 0);
    redis_do(&stack.redis, "HSET {p0}:meta format 3");
    post_problem(503, "partition-closed", NULL, DECREMENT(sku), "{\"quantity\":1}");
    redis_do(&stack.redis, "HSET {p0}:meta format 2");
    post(200, DECREMENT(sku), "{\"quantity\":1}");
}

/* Redis packs the hash: none has so many records that it would stop to. */
static void records_lie_in_small_hashes(void **state)
{
    (void)state;
    serve(.workers = 2);
    const char *sku = api_item(a, 100000, 0);
    for (int i = 0; i < 300; i++) {
        const char *id = api_reserve(a, sku, 1, 0);
        int64_t records = redis_int(text("HLEN {p0}:resv:%" PRId64, bucket_of(id)));
        assert_true(records >= 1 && records <= 64);
    }
    assert_in_range(redis_int("ZCARD {p0}:buckets"), 300 / 64 + 1, 300);
}

/* --- old records ------------------------------------------------------------------------------ */

static void put_record(int64_t bucket, int64_t ended_ms)
{
    static uint8_t serial;
    struct buf bytes;
    struct reservation_line line = {.sku = STR("x"), .quantity = 1, .version = 1};
    struct reservation r = {.state = ended_ms ? RESERVATION_RELEASED : RESERVATION_HELD,
                            .created_ms = 1000,
                            .expires_ms = 2000,
                            .ended_ms = ended_ms,
                            .line_count = 1,
                            .lines = &line};
    rid_set_bucket(&r.id, bucket);
    r.id.b[RID_BYTES - 1] = ++serial;
    buf_init(&bytes, 4096);
    record_encode(&bytes, &r);
    redis_do(&stack.redis, "HSET {p0}:resv:%" PRId64 " %b %b", bucket, r.id.b, (size_t)RID_BYTES,
             bytes.p, bytes.n);
    redis_do(&stack.redis, "ZADD {p0}:buckets %" PRId64 " %" PRId64, bucket, bucket);
    buf_free(&bytes);
}

/* What has ended goes, and its bucket with the last of it, whether that is a part or a whole. */
static void old_records_go_from_parts_and_whole_buckets(void **state)
{
    (void)state;
    static struct store_shared shared;
    struct store_config config = {
        .redis_url = NULL, .partitions = 1, .reservation_retention_ms = 1000};
    const char *why;
    char err[256];
    serve();
    stop_serving();
    config.redis_url = stack.redis.url;
    struct admin *admin = admin_new(&config, &shared, err, sizeof(err));
    assert_non_null(admin);
    assert_int_equal(admin_open(admin, &why), ADMIN_OK);
    int64_t now_ms = admin_now_ms(admin, 0), old_ms = now_ms - 3 * HOUR_MS;
    for (uint32_t serial = 0; serial < 3; serial++)
        put_record(rid_part_of(old_ms, serial), old_ms);
    put_record(rid_part_of(old_ms, 1), 0); /* extended far */
    put_record(rid_part_of(now_ms, 0), old_ms);
    put_record(rid_bucket_of(old_ms), old_ms);
    put_record(rid_part_of(old_ms, 0xffffff), now_ms - 1000); /* still young */
    assert_int_equal(redis_int("ZCARD {p0}:buckets"), 6);
    assert_int_equal(admin_trim_records(admin, 0, now_ms), 4);
    assert_int_equal(redis_int("ZCARD {p0}:buckets"), 3);
    assert_int_equal(redis_int(text("HLEN {p0}:resv:%" PRId64, rid_part_of(old_ms, 1))), 1);
    assert_int_equal(admin_trim_records(admin, 0, now_ms), 0);
    assert_int_equal(admin_trim_records(admin, 0, now_ms + 2 * HOUR_MS), 2);
    assert_int_equal(redis_int("ZCARD {p0}:buckets"), 1);
    admin_free(admin);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(a_store_of_the_format_before_is_served_in_it),
        PLAIN_TEST(a_format_to_come_is_refused),
        PLAIN_TEST(records_lie_in_small_hashes),
        PLAIN_TEST(old_records_go_from_parts_and_whole_buckets),
    };
    return run_each("formats", tests);
}
