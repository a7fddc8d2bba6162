/* test_live_services.c -- GET /v1/live: numbers of all services on a store, whatever lies in Redis.
 */
#include "support/fixture.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LIVE "/v1/live"

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

static bool rate_seen(const char *rate)
{
    return number(sample_of(a), rate) > 0;
}

/* Each is done until a sample shows it: one of them has it. */
static void what_is_done_is_seen(void **state)
{
    serve(.workers = 2);
    const char *sku = api_item(a, 100000, 3), *other = api_item(a, 1000000, 0);
    await_services(a, 1);
    check_like(a, "{'partitions':{'count':1,'open':1,'not_open':[]},'ledger_lag_ms':null,"
                  "'ledger_lag_events':null,'audit':{'result':null,'drift':0,'at':null}}");
    assert_true(await((api_reserve(a, other, 1, 0), rate_seen("rates.held")), RECOVERY_MS));
    assert_true(
        await((post(200, CONFIRM(api_reserve(a, other, 1, 0)), "{}"), rate_seen("rates.confirmed")),
              RECOVERY_MS));
    assert_true(number(sample_of(a), "rates.sold") >= 0);
    assert_true(
        await((post(200, RELEASE(api_reserve(a, other, 1, 0)), "{}"), rate_seen("rates.released")),
              RECOVERY_MS));
    assert_true(await((post(200, DECREMENT(other), "{\"quantity\":1}"), rate_seen("rates.sold")),
                      RECOVERY_MS));
    assert_true(await((post(409, DECREMENT(other), "{\"quantity\":2000000}"),
                       rate_seen("rates.insufficient_stock")),
                      RECOVERY_MS));
    assert_true(await((post(409, DECREMENT(sku), "{\"quantity\":4,\"customer\":\"c\"}"),
                       rate_seen("rates.limit_exceeded")),
                      RECOVERY_MS));
    assert_true(await(
        (post(404, DECREMENT("never-there"), "{\"quantity\":1}"), rate_seen("rates.other_refused")),
        RECOVERY_MS));
    assert_true(
        await((post(200, "/v1/batch",
                    text("{\"operations\":[{\"op\":\"decrement\",\"sku\":\"%s\","
                         "\"quantity\":1}]}",
                         other)),
               rate_seen("rates.sold") && rate_seen("commits") && rate_seen("latency_ms.p99") &&
                   rate_seen("batch_size") && rate_seen("rates.requests")),
              RECOVERY_MS));
    assert_true(await((api_reserve(a, other, 1, 1), rate_seen("rates.expired")), RECOVERY_MS));
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
    serve(.workers = 2, .partitions = 3);
    char first[80], second[80];
    KEEP(first, stack_item_in(&stack, 3, 0, 1000000));
    KEEP(second, stack_item_in(&stack, 3, 2, 1000000));
    assert_true(await(is_hot_as_sold(first), RECOVERY_MS));
    assert_true(await(is_hot_as_sold(second), RECOVERY_MS));
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
    serve(.partitions = 3);
    await_services(a, 1);
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
static bool is_seen_at(struct api *other, const char *sku)
{
    post(200, DECREMENT(sku), "{\"quantity\":1}");
    json_t *sample = sample_of(other);
    return number(sample, "rates.sold") > 0 && hot_item(sample, sku);
}

static void numbers_are_of_all_services(void **state)
{
    struct tservice beside = {.port = 0};
    struct api other;
    char own[32], others[32];
    serve(.workers = 2);
    serve_beside(&beside, .workers = 1);
    api_open(&other, beside.port);
    const char *sku = api_item(a, 1000000, 0);
    await_services(a, 2);
    await_services(&other, 2);
    KEEP(own, json_string_value(json_at(sample_of(a), "service")));
    KEEP(others, json_string_value(json_at(sample_of(&other), "service")));
    assert_string_not_equal(own, others);
    assert_true(await(is_seen_at(&other, sku), RECOVERY_MS));
    assert_int_equal(redis_int("HLEN {p0}:live"), 2);

    /* One that is killed counts no more after a while, and its field goes. */
    pid_t keeper;
    assert_int_equal(tservice_pids(&beside, TSERVICE_KEEPER, &keeper, 1), 1);
    tproc_signal(&beside.proc, SIGSTOP);
    kill(keeper, SIGKILL);
    await_services(a, 1);
    assert_true(await(redis_int("HLEN {p0}:live") == 1, RECOVERY_MS));
    tproc_signal(&beside.proc, SIGCONT);
    await_services(a, 2); /* its keeper is started again */

    /* One that ends takes its field along. */
    api_close(&other);
    assert_true(tservice_stop(&beside));
    assert_int_equal(redis_int("HLEN {p0}:live"), 1);
    await_services(a, 1);
    stop_serving();
    assert_int_equal(redis_int("EXISTS {p0}:live"), 0);
}

static bool log_says_why(void)
{
    return tservice_log_count(&stack.service, "do not see each other", NULL) > 0;
}

/* Samples go on to be taken, of a store that cannot be written. */
static void a_redis_that_stands_still_or_dies_is_told(void **state)
{
    struct tservice beside = {.port = 0};
    serve(.redis.aof = TREDIS_AOF_ALWAYS, .workers = 1);
    serve_beside(&beside, .workers = 1);
    const char *sku = api_item(a, 1000000, 0);
    await_services(a, 2);
    tproc_signal(&stack.redis.proc, SIGSTOP);
    assert_true(await(number(sample_of(a), "partitions.open") == 0, RECOVERY_MS));
    await_services(a, 1); /* nobody says anything any more */
    tproc_signal(&stack.redis.proc, SIGCONT);
    await_services(a, 2);
    tredis_kill9(&stack.redis);
    assert_true(await(partition_is_shut(0), RECOVERY_MS));
    assert_int_equal(tredis_restart(&stack.redis), 0);
    await_services(a, 2);
    assert_true(await(number(sample_of(a), "partitions.open") == 1, RECOVERY_MS));
    assert_true(await(hold_status(sku) == 201, RECOVERY_MS));
    assert_true(tservice_stop(&beside));
}

/* Whatever is put there: the services go on, and see each other again. */
static void rubbish_in_redis_is_dropped(void **state)
{
    struct tservice beside = {.port = 0};
    serve(.workers = 1);
    serve_beside(&beside, .workers = 1);
    const char *sku = api_item(a, 1000000, 0);
    await_services(a, 2);

    redis_do(&stack.redis, "HSET {p0}:live 00000000000000aa rubbish");
    redis_do(&stack.redis, "HSET {p0}:live 00000000000000ab %b", "\0\xff\0", (size_t)3);
    assert_true(await(redis_int("HLEN {p0}:live") == 2, RECOVERY_MS)); /* they do not change */

    redis_do(&stack.redis, "HSET {p0}:live not-a-name x");
    assert_true(await(redis_int("HEXISTS {p0}:live not-a-name") == 0, RECOVERY_MS));

    char *huge = malloc(40 << 20);
    memset(huge, 'x', 40 << 20);
    redis_do(&stack.redis, "HSET {p0}:live 00000000000000ac %b", huge, (size_t)(40 << 20));
    free(huge);
    assert_true(await(redis_int("HEXISTS {p0}:live 00000000000000ac") == 0, RECOVERY_MS));

    for (int i = 0; i < 5000; i++)
        redis_do(&stack.redis, "HSET {p0}:live %016d x", i);
    assert_true(await(redis_int("HLEN {p0}:live") == 2, RECOVERY_MS));
    await_services(a, 2);

    redis_do(&stack.redis, "DEL {p0}:live");
    redis_do(&stack.redis, "SET {p0}:live a-string");
    assert_true(await(log_says_why(), RECOVERY_MS));
    assert_true(await(redis_int("HLEN {p0}:live") == 2, RECOVERY_MS));
    await_services(a, 2);
    post(200, DECREMENT(sku), "{\"quantity\":1}");
    assert_true(tservice_stop(&beside));
}

/* A Redis that holds nothing any more is not written to. */
static void nothing_is_written_to_a_store_that_is_lost(void **state)
{
    serve(.workers = 1);
    const char *sku = api_item(a, 10, 0);
    await_services(a, 1);
    assert_true(await(redis_int("EXISTS {p0}:live") == 1, RECOVERY_MS));
    (void)redis_int("FLUSHALL");
    assert_true(await(problem_is(sku, "state-lost"), RECOVERY_MS));
    double before = 0, at = 0;
    for (int samples = 0; samples < 3;) {
        json_t *sample = sample_of(a);
        at = sample ? (double)time_parse_ms(json_string_value(json_at(sample, "at"))) : at;
        samples += at > before;
        before = at;
        assert_int_equal(redis_int("DBSIZE"), 0);
        usleep(50000);
    }
    assert_true(partition_is_shut(0));
}

/* A user without HSCAN: each service is alone, says so once, and sells. */
static void redis_may_refuse_it(void **state)
{
    serve(.workers = 1);
    const char *sku = api_item(a, 1000000, 0);
    await_services(a, 1);
    redis_do(&stack.redis, "ACL SETUSER default -hscan");
    assert_true(await(log_says_why(), RECOVERY_MS));
    for (int i = 0; i < 100; i++)
        post(200, DECREMENT(sku), "{\"quantity\":1}");
    assert_true(await(rate_seen("services"), RECOVERY_MS));
    assert_int_equal(tservice_log_count(&stack.service, "do not see each other", NULL), 1);
    redis_do(&stack.redis, "ACL SETUSER default +hscan");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLAIN_TEST(what_is_done_is_seen),
        PLAIN_TEST(hot_items_have_their_counters),
        PLAIN_TEST(a_partition_that_is_closed_is_named),
        PLAIN_TEST(numbers_are_of_all_services),
        PLAIN_TEST(a_redis_that_stands_still_or_dies_is_told),
        PLAIN_TEST(rubbish_in_redis_is_dropped),
        PLAIN_TEST(nothing_is_written_to_a_store_that_is_lost),
        PLAIN_TEST(redis_may_refuse_it),
    };
    return run_each("live: services", tests);
}
