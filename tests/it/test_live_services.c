/* test_live_services.c -- GET /v1/live: numbers of all services on a store, whatever lies in Redis.
 */
#include "support/fixture.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LIVE       "/v1/live"
#define HUGE_BYTES (40 << 20)

static struct tservice beside; /* the other service on the store */
static struct api other;       /* and its client */

/* --- one look --------------------------------------------------------------------------------- */

/* The newest sample, which lies in the client's answer; NULL: there is none. */
static json_t *sample_of(struct api *api)
{
    if (http_call(&api->conn, "GET", LIVE, NULL, NULL, &api->resp) != 0 || api->resp.status != 200)
        return NULL;
    return http_resp_json(&api->resp);
}

static double number(json_t *sample, const char *path)
{
    json_t *value = sample ? json_at(sample, path) : NULL;
    return json_is_number(value) ? json_number_value(value) : -1;
}

static bool services_are(struct api *api, int count)
{
    return number(sample_of(api), "services") == count;
}

#define await_services(api, count) assert_true(await(services_are((api), (count)), RECOVERY_MS))

/* The item among the hottest; NULL: it is not there. */
static json_t *hot_item(json_t *sample, const char *sku)
{
    json_t *item, *hottest = sample ? json_at(sample, "hottest") : NULL;
    size_t i;
    json_array_foreach(hottest, i, item) if (strcmp(json_string_value(json_object_get(item, "sku")),
                                                    sku) == 0) return item;
    return NULL;
}

/* What a sample must show of what is done again and again, each in one of them. */
static const char *const rates[] = {
    "requests",     "sold",    "held",           "confirmed",
    "released",     "expired", "limit_exceeded", "insufficient_stock",
    "other_refused"};
#define RATES (sizeof(rates) / sizeof(rates[0]))

static bool seen[RATES];

static bool all_seen(void)
{
    json_t *sample = sample_of(a);
    bool all = number(sample, "commits") > 0 && number(sample, "latency_ms.p99") > 0 &&
               number(sample, "latency_ms.p99") >= number(sample, "latency_ms.p50") &&
               number(sample, "batch_size") > 0;
    for (size_t i = 0; i < RATES; i++) {
        seen[i] |= number(sample, text("rates.%s", rates[i])) > 0;
        all = all && seen[i];
    }
    return all;
}

static void do_all(const char *sku, const char *limited)
{
    api_reserve(a, sku, 1, 1);
    post(200, CONFIRM(api_reserve(a, sku, 1, 0)), "{}");
    post(200, RELEASE(api_reserve(a, sku, 1, 0)), "{}");
    post(200, DECREMENT(sku), "{\"quantity\":1}");
    post(409, DECREMENT(sku), "{\"quantity\":2000000}");
    post(409, DECREMENT(limited), "{\"quantity\":4,\"customer\":\"c\"}");
    post(404, DECREMENT("never-there"), "{\"quantity\":1}");
    post(200, "/v1/batch",
         text("{\"operations\":[{\"op\":\"decrement\",\"sku\":\"%s\",\"quantity\":1}]}", sku));
}

static void what_is_done_is_seen(void **state)
{
    const char *sku = api_item(a, 1000000, 0), *limited = api_item(a, 100000, 3);
    await_services(a, 2);
    check_like(a, "{'partitions':{'count':3,'open':3,'not_open':[]},'ledger_lag_ms':null,"
                  "'ledger_lag_events':null,'audit':{'result':null,'drift':0,'at':null}}");
    assert_true(await((do_all(sku, limited), all_seen()), RECOVERY_MS));
    assert_null(hot_item(sample_of(a), "never-there"));
    assert_true(metric("stockd_operations_total{op=\"decrement\",outcome=\"limit_exceeded\"}") > 0);
    assert_true(metric("stockd_operations_total{op=\"confirm\",outcome=\"done\"}") > 0);
}

/* A sale of one item, and whether it is there with its counters as they are now. */
static bool is_hot_as_sold(const char *sku)
{
    post(200, DECREMENT(sku), "{\"quantity\":1}");
    get(ITEM(sku));
    int64_t sold = api_int(a, "sold");
    json_t *item = hot_item(sample_of(a), sku);
    return item && json_integer_value(json_object_get(item, "sold")) >= sold - 50 &&
           json_integer_value(json_object_get(item, "available")) +
                   json_integer_value(json_object_get(item, "sold")) ==
               1000000 &&
           json_number_value(json_object_get(item, "rate")) > 0;
}

static void hot_items_have_their_counters(void **state)
{
    char first[80], second[80];
    KEEP(first, stack_item_in(&stack, 3, 0, 1000000));
    KEEP(second, stack_item_in(&stack, 3, 2, 1000000));
    assert_true(await(is_hot_as_sold(first) && is_hot_as_sold(second), RECOVERY_MS));
    /* One that is deleted is not shown any more, though it was asked for just now. */
    get(ITEM(second));
    api_call(a, 204, "DELETE", ITEM(second),
             text("If-Match: \"%d\"\r\n", (int)api_int(a, "version")), NULL);
    assert_true(await(!hot_item(sample_of(a), second), RECOVERY_MS));
}

static bool partition_is_shut(unsigned partition)
{
    json_t *shut = json_at(sample_of(a), "partitions.not_open[0].partition");
    return shut && json_integer_value(shut) == partition;
}

static void a_partition_that_is_closed_is_named(void **state)
{
    redis_do(&stack.redis, "HSET {p1}:meta state %s", "closed: to look at it");
    assert_true(await(partition_is_shut(1), RECOVERY_MS));
    check_like(a, "{'partitions':{'count':3,'open':2}}");
    assert_non_null(strstr(json_string_value(json_at(sample_of(a), "partitions.not_open[0].why")),
                           "to look at it"));
    redis_do(&stack.redis, "HSET {p1}:meta state open");
    assert_true(await(number(sample_of(a), "partitions.open") == 3, RECOVERY_MS));
}

/* --- several services ------------------------------------------------------------------------- */

/* A sale at the one shows in what the other says, with the item. */
static bool is_seen_at(struct api *at, const char *sku)
{
    post(200, DECREMENT(sku), "{\"quantity\":1}");
    json_t *sample = sample_of(at);
    return number(sample, "rates.sold") > 0 && hot_item(sample, sku);
}

static void numbers_are_of_all_services(void **state)
{
    char own[32], others[32];
    const char *sku = api_item(a, 1000000, 0);
    await_services(a, 2);
    await_services(&other, 2);
    KEEP(own, json_string_value(json_at(sample_of(a), "service")));
    KEEP(others, json_string_value(json_at(sample_of(&other), "service")));
    assert_string_not_equal(own, others);
    assert_true(await(is_seen_at(&other, sku), RECOVERY_MS));
    assert_int_equal(redis_int("HLEN {p0}:live"), 2);
}

/* One that is killed counts no more after a while; one that ends takes its field along. */
static void who_dies_or_ends_is_missed(void **state)
{
    pid_t keeper;
    assert_int_equal(tservice_pids(&beside, TSERVICE_KEEPER, &keeper, 1), 1);
    tproc_signal(&beside.proc, SIGSTOP); /* it would start another */
    kill(keeper, SIGKILL);
    await_services(a, 1);
    tproc_signal(&beside.proc, SIGCONT);
    await_services(a, 2);
    assert_true(tservice_stop(&beside));
    assert_int_equal(redis_int("HLEN {p0}:live"), 1);
    await_services(a, 1);
}

/* Samples go on to be taken, of a store that cannot be written. */
static void a_redis_that_stands_still_or_dies_is_told(void **state)
{
    const char *sku = api_item(a, 1000000, 0);
    tproc_signal(&stack.redis.proc, SIGSTOP);
    assert_true(await(number(sample_of(a), "partitions.open") == 0, RECOVERY_MS));
    tproc_signal(&stack.redis.proc, SIGCONT);
    assert_true(await(number(sample_of(a), "partitions.open") == 3, RECOVERY_MS));
    tredis_kill9(&stack.redis);
    assert_true(await(partition_is_shut(0), RECOVERY_MS));
    assert_int_equal(tredis_restart(&stack.redis), 0);
    await_services(a, 2);
    assert_true(await(number(sample_of(a), "partitions.open") == 3, RECOVERY_MS));
    assert_true(await(hold_status(sku) == 201, RECOVERY_MS));
}

/* 0 for a hash, more for a string. */
#define EXCESS_OF_TYPE "EVAL return(#redis.call('TYPE','{p0}:live').ok-4) 0"

#define TOO_MANY                                                                                   \
    "for i = 1, 5000 do redis.call('HSET', '{p0}:live', string.format('%016d', i), 'x') end "      \
    "return 1"

/* Whatever is put there: the services go on, and see each other again. */
static void rubbish_in_redis_is_dropped(void **state)
{
    const char *sku = api_item(a, 1000000, 0);
    redis_do(&stack.redis, "HSET {p0}:live not-a-name x");
    assert_true(await(redis_int("HEXISTS {p0}:live not-a-name") == 0, RECOVERY_MS));

    char *huge = calloc(1, HUGE_BYTES);
    redis_do(&stack.redis, "HSET {p0}:live 00000000000000ac %b", huge, (size_t)HUGE_BYTES);
    free(huge);
    assert_true(await(redis_int("HEXISTS {p0}:live 00000000000000ac") == 0, RECOVERY_MS));

    redis_do(&stack.redis, "EVAL %s 0", TOO_MANY);
    assert_true(await(redis_int("HLEN {p0}:live") <= 2, RECOVERY_MS));

    redis_do(&stack.redis, "DEL {p0}:live");
    redis_do(&stack.redis, "SET {p0}:live a-string");
    assert_true(await(redis_int(EXCESS_OF_TYPE) == 0, RECOVERY_MS));

    /* Of two that have the form of ours nobody is ever heard again. */
    await_services(a, 2);
    redis_do(&stack.redis, "HSET {p0}:live 00000000000000aa rubbish");
    redis_do(&stack.redis, "HSET {p0}:live 00000000000000ab %b", "\0\xff\0", (size_t)3);
    assert_true(await(redis_int("HLEN {p0}:live") == 2, RECOVERY_MS));
    await_services(a, 2);
    post(200, DECREMENT(sku), "{\"quantity\":1}");
}

/* A Redis that holds nothing any more is not written to. */
static void nothing_is_written_to_a_store_that_is_lost(void **state)
{
    const char *sku = api_item(a, 10, 0);
    assert_true(await(redis_int("EXISTS {p0}:live") == 1, RECOVERY_MS));
    (void)redis_int("FLUSHALL");
    assert_true(await(problem_is(sku, "state-lost"), RECOVERY_MS));
    double before = 0, at = 0;
    for (int samples = 0; samples < 2;) {
        json_t *sample = sample_of(a);
        at = sample ? (double)time_parse_ms(json_string_value(json_at(sample, "at"))) : at;
        samples += at > before;
        before = at;
        assert_int_equal(redis_int("DBSIZE"), 0);
        usleep(50000);
    }
    assert_true(partition_is_shut(0));
}

#define SAYS_WHY "do not see each other"

static bool one_says_why(void)
{
    return tservice_log_count(&stack.service, SAYS_WHY, NULL) > 0 ||
           tservice_log_count(&beside, SAYS_WHY, NULL) > 0;
}

/* A user without HSCAN: each service is alone, says so once in a long time, and sells. */
static void redis_may_refuse_it(void **state)
{
    const char *sku = api_item(a, 1000000, 0);
    await_services(a, 2);
    redis_do(&stack.redis, "ACL SETUSER default -hscan");
    await_services(a, 1);
    for (int i = 0; i < 100; i++)
        post(200, DECREMENT(sku), "{\"quantity\":1}");
    assert_true(await(one_says_why(), RECOVERY_MS));
    assert_true(tservice_log_count(&beside, SAYS_WHY, NULL) <= 1);
    redis_do(&stack.redis, "ACL SETUSER default +hscan");
}

static void begun(void)
{
    serve_beside(&beside, .workers = 1, .partitions = 3);
    api_open(&other, beside.port);
}

static void over(void)
{
    api_close(&other);
    tservice_stop(&beside);
}

/* The last two leave one service, and then no store. */
int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_done_is_seen),
        cmocka_unit_test(hot_items_have_their_counters),
        cmocka_unit_test(a_partition_that_is_closed_is_named),
        cmocka_unit_test(numbers_are_of_all_services),
        cmocka_unit_test(rubbish_in_redis_is_dropped),
        cmocka_unit_test(a_redis_that_stands_still_or_dies_is_told),
        cmocka_unit_test(redis_may_refuse_it),
        cmocka_unit_test(who_dies_or_ends_is_missed),
        cmocka_unit_test(nothing_is_written_to_a_store_that_is_lost),
    };
    return run_suite("live: services", tests, .redis.aof = TREDIS_AOF_ALWAYS, .workers = 2,
                     .partitions = 3, .begun = begun, .over = over);
}
