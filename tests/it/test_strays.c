/* test_strays.c -- nothing lies outside of the indexes that a service goes by: not after a restore,
 * and if somebody puts it there the audit names it. */
#include "core/rid.h"
#include "support/fixture.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#define tamper(...) redis_do(&stack.redis, __VA_ARGS__)

/* --- the audit -------------------------------------------------------------------------------- */

static void audit_is(int wanted)
{
    check_command(wanted, "audit", "--redis", stack.redis.url, "--ledger", ledger_url,
                  "--reservation-retention", "1s");
}

/* Drift of which these words are said, once. */
static void drift_says(const char *words)
{
    audit_is(1);
    const char *at = strstr(command_said, words);
    if (!at || strstr(at + 1, words))
        print_error("not once \"%s\" in: %s\n", words, command_said);
    assert_non_null(at);
    assert_null(strstr(at + 1, words));
}

/* --- a store that was lost and came back ------------------------------------------------------ */

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* A hold whose deadline is in the middle of a span of 17 minutes; its id, and its bucket. */
static int64_t hold_in(int64_t span, const char *sku, char id[64])
{
    int64_t deadline_ms = (span << RID_BUCKET_SHIFT) + (1 << (RID_BUCKET_SHIFT - 1));
    int64_t ttl_ms = deadline_ms - now_ms();
    snprintf(id, 64, "%s", api_reserve(a, sku, 1, ttl_ms / 1000));
    struct rid rid;
    assert_true(rid_parse(str_of(id), &rid));
    assert_int_equal(rid_bucket(&rid) >> 8 * RID_SERIAL_BYTES,
                     rid_part_of(deadline_ms, 0) >> 8 * RID_SERIAL_BYTES);
    return rid_bucket(&rid);
}

static bool is_gone(const char *id)
{
    char path[128];
    snprintf(path, sizeof(path), "/v1/reservations/%s", id);
    return http_call(&a->conn, "GET", path, NULL, NULL, &a->resp) == 0 && a->resp.status == 404;
}

/* /readyz knows what the last look found, half a second ago. */
static bool is_back(const char *sku)
{
    char path[128];
    snprintf(path, sizeof(path), "/v1/items/%s", sku);
    return http_call(&a->conn, "GET", path, NULL, NULL, &a->resp) == 0 && a->resp.status == 200 &&
           api_ready(a);
}

static bool is_listed(int64_t bucket)
{
    redisReply *reply = redis_ask(&stack.redis, "ZSCORE {p0}:buckets %" PRId64, bucket);
    bool listed = reply->type == REDIS_REPLY_STRING;
    freeReplyObject(reply);
    return listed;
}

/* What a connection that lives on remembers of the store before is not true of this one. */
static void a_bucket_is_listed_again_after_a_restore(void **state)
{
    char id[64], sku[64];
    serve(.ledger = ON_SQLITE, .flags = {"--lanes", "1", "--auto-restore", "--operation-retention",
                                         "1s", "--reservation-retention", "1s"});
    KEEP(sku, api_item(a, 100, 0));
    int64_t span = rid_bucket_of(now_ms()) + 2, bucket = hold_in(span, sku, id);
    assert_true(is_listed(bucket));
    post(200, RELEASE(id), "{}");
    assert_true(await(is_gone(id), RECOVERY_MS)); /* old enough not to come back */
    audit_is(0);                                  /* the ledger has all of it */
    tamper("FLUSHALL");
    assert_true(await(redis_int("EXISTS {p0}:meta") == 1 && is_back(sku), RECOVERY_MS));
    assert_false(is_listed(bucket));
    assert_int_equal(hold_in(span, sku, id), bucket);
    assert_true(is_listed(bucket));
    audit_is(0);
    check_said("1 reservation");
}

/* --- what somebody else put there ------------------------------------------------------------- */

static void the_audit_finds_buckets_that_are_not_listed(void **state)
{
    serve(.ledger = ON_SQLITE, .flags = {"--lanes", "1"});
    const char *sku = api_item(a, 100, 0);
    struct rid rid;
    char id[64];
    KEEP(id, api_reserve(a, sku, 1, 0));
    assert_true(rid_parse(str_of(id), &rid));
    int64_t bucket = rid_bucket(&rid);
    audit_is(0);
    tamper("ZREM {p0}:buckets %" PRId64, bucket);
    drift_says(
        text("drift: index resv:%" PRId64 ": the set buckets does not list the bucket", bucket));
    check_said("1 reservation");
    tamper("ZADD {p0}:buckets %" PRId64 " %" PRId64, bucket, bucket);
    audit_is(0);

    /* A record that nobody knows, in a bucket that nobody lists. */
    redisReply *record =
        redis_ask(&stack.redis, "HGET {p0}:resv:%" PRId64 " %b", bucket, rid.b, (size_t)RID_BYTES);
    assert_int_equal(record->type, REDIS_REPLY_STRING);
    memset(rid.b, 7, RID_BYTES);
    tamper("HSET {p0}:resv:%" PRId64 " %b %b", rid_bucket(&rid), rid.b, (size_t)RID_BYTES,
           record->str, (size_t)record->len);
    freeReplyObject(record);
    drift_says("the set buckets does not list the bucket");
    drift_says("drift: reservation r0-");
    tamper("DEL {p0}:resv:%" PRId64, rid_bucket(&rid));
    tamper("HSET {p0}:resv:what is this");
    drift_says("drift: index resv:what: the set buckets does not list the bucket");
    tamper("DEL {p0}:resv:what");
    audit_is(0);
}

static void the_audit_finds_index_entries_without_an_item(void **state)
{
    serve(.ledger = ON_SQLITE, .flags = {"--lanes", "1"});
    const char *sku = api_item(a, 100, 0);
    char item[64];
    snprintf(item, sizeof(item), "{p0}:item:%s", sku);
    audit_is(0);
    tamper("ZADD {p0}:due 1900000000000 ghost");
    drift_says("drift: index ghost: the set due says");
    tamper("ZREM {p0}:due ghost");
    tamper("ZADD {p0}:due 1900000000000 %s", "a b");
    drift_says("this can be no item's name");
    tamper("DEL {p0}:due");
    tamper("ZADD {p0}:holds:ghost 1900000000000 abcdefghijklmn");
    drift_says("drift: index ghost: the item has held 0, its index has deadlines");
    tamper("DEL {p0}:holds:ghost");
    tamper("HSET {p0}:cust:ghost eva 3");
    audit_is(1);
    check_said("drift: customer ");
    tamper("DEL {p0}:cust:ghost");
    tamper("COPY %s {p0}:item:ghost", item); /* and no set lists it */
    drift_says("drift: item ghost: is in Redis at version");
    check_said("drift: index ghost: the set skus does not list the item");
    tamper("DEL {p0}:item:ghost");
    audit_is(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLAIN_TEST(a_bucket_is_listed_again_after_a_restore),
        PLAIN_TEST(the_audit_finds_buckets_that_are_not_listed),
        PLAIN_TEST(the_audit_finds_index_entries_without_an_item),
    };
    return run_each("strays", tests);
}
