/* test_live_services.c -- GET /v1/live: numbers of all services on a store, once and as a stream,
 * whatever lies in Redis, and whoever stops reading.
 */
#include "support/api_keys.h"
#include "support/fixture.h"
#include "support/sse.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
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

/* --- streams ---------------------------------------------------------------------------------- */

static void stream_open(struct sse *s, const char *headers)
{
    sse_open(s, stack.service.port, "1.1", LIVE, headers);
}

/* When the next sample of a stream is of. */
static int64_t next_at(struct sse *s)
{
    char type[SSE_TYPE_MAX] = "";
    json_t *json = sse_next(s, type, RECOVERY_MS);
    if (!json)
        fail_msg("no sample came");
    assert_string_equal(type, "sample");
    assert_int_equal(json_integer_value(json_object_get(json, "services")), 1);
    int64_t at = time_parse_ms(json_string_value(json_object_get(json, "at")));
    json_decref(json);
    return at;
}

static void a_stream_has_one_sample_after_the_other(void **state)
{
    struct sse s, old;
    serve(.workers = 1);
    await_services(a, 1);
    stream_open(&s, NULL);
    sse_open(&old, stack.service.port, "1.0", LIVE, NULL);
    int64_t before = 0, old_before = 0;
    for (int i = 0; i < 5; i++) {
        int64_t at = next_at(&s), old_at = next_at(&old);
        assert_true(at > before && old_at > old_before);
        before = at;
        old_before = old_at;
    }
    assert_non_null(strstr(s.in, "Content-Type: text/event-stream"));
    assert_non_null(strstr(s.in, "Cache-Control: no-store"));
    sse_close(&s);
    sse_close(&old);
    api_call(a, 200, "HEAD", LIVE, "Accept: text/event-stream\r\n", NULL);
    check_header(a, "Content-Type", "application/json");
    api_problem(a, 405, "method-not-allowed", NULL, "POST", LIVE, NULL, "{}");
}

/* Those who go, by a reset or without a word, leave nothing behind; others go on. */
static void clients_may_leave_at_any_time(void **state)
{
    struct sse s[40], stays;
    serve(.workers = 1);
    await_services(a, 1);
    stream_open(&stays, NULL);
    for (int i = 0; i < 40; i++) {
        stream_open(&s[i], NULL);
        if (i % 2 == 0)
            (void)next_at(&s[i]);
    }
    for (int i = 0; i < 40; i++) {
        const struct linger reset = {.l_onoff = 1};
        if (i % 3 == 0)
            setsockopt(s[i].fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
        sse_close(&s[i]);
    }
    assert_true(await(metric("stockd_http_connections_open") == 2, RECOVERY_MS));
    assert_true(await(metric("stockd_http_memory_bytes") < 100000, RECOVERY_MS));
    (void)next_at(&stays);
    (void)next_at(&stays);
    sse_close(&stays);
}

/* Who does not read is cut off, and nobody else waits for that. */
static void who_does_not_read_is_cut_off(void **state)
{
    struct sse slow[5], quick;
    serve(.workers = 1, .flags = {"--write-timeout", "1s"});
    await_services(a, 1);
    for (int i = 0; i < 5; i++) {
        int small = 1;
        struct http_conn c;
        http_conn_init(&c, stack.service.port);
        assert_int_equal(http_conn_open(&c), 0);
        setsockopt(c.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
        slow[i] = (struct sse){.fd = c.fd, .tls = c.tls};
        const char *request = "GET " LIVE " HTTP/1.1\r\nHost: localhost\r\n"
                              "Accept: text/event-stream\r\n\r\n";
        assert_int_equal(http_send(&c, request, strlen(request)), 0);
    }
    stream_open(&quick, NULL);
    (void)next_at(&quick);
    (void)next_at(&quick);
    sse_close(&quick);
    for (int i = 0; i < 5; i++)
        sse_close(&slow[i]);
    assert_true(await(metric("stockd_http_connections_open") == 1, RECOVERY_MS));
}

static void sigterm_ends_streams(void **state)
{
    struct sse s[5];
    serve(.workers = 1, .flags = {"--drain", "5m"});
    await_services(a, 1);
    for (int i = 0; i < 5; i++) {
        stream_open(&s[i], NULL);
        (void)next_at(&s[i]);
    }
    tproc_signal(&stack.service.proc, SIGTERM);
    for (int i = 0; i < 5; i++) {
        assert_true(await((sse_receive(&s[i], 50), s[i].closed), RECOVERY_MS));
        sse_close(&s[i]);
    }
    assert_int_equal(tproc_wait(&stack.service.proc, RECOVERY_MS), 0);
    assert_int_equal(stack.service.proc.status, 0);
}

static void streams_have_a_limit_and_give_their_place_back(void **state)
{
    enum { LIMIT = 1000 };
    static struct sse s[LIMIT];
    serve(.workers = 1);
    await_services(a, 1);
    for (int i = 0; i < LIMIT; i++)
        stream_open(&s[i], NULL);
    for (int i = 0; i < LIMIT; i++)
        (void)next_at(&s[i]);
    api_problem(a, 503, "overloaded", NULL, "GET", LIVE, "Accept: text/event-stream\r\n", NULL);
    get(LIVE);
    sse_close(&s[0]);
    struct sse late;
    assert_true(await((stream_open(&late, NULL), sse_receive(&late, RECOVERY_MS),
                       strstr(late.in, " 200 ") || (sse_close(&late), false)),
                      RECOVERY_MS));
    sse_close(&late);
    for (int i = 1; i < LIMIT; i++)
        sse_close(&s[i]);
}

/* A keeper that stands still: streams live on, and whoever asks is told that there is nothing. */
static void a_keeper_that_stands_still_is_seen(void **state)
{
    struct sse s;
    serve(.workers = 1);
    await_services(a, 1);
    stream_open(&s, NULL);
    (void)next_at(&s);
    pid_t keeper = pid_of(TSERVICE_KEEPER);
    kill(keeper, SIGSTOP);
    assert_true(await((sse_receive(&s, 50), s.text && strstr(s.text, "\n:\n\n")), RECOVERY_MS));
    assert_true(await(sample_of(a) == NULL, RECOVERY_MS));
    check_problem(a, 503, "live-unavailable", NULL);
    check_header(a, "Retry-After", "1");
    kill(keeper, SIGCONT);
    (void)next_at(&s);
    assert_true(await(sample_of(a) != NULL, RECOVERY_MS));
    kill(pid_of(TSERVICE_KEEPER), SIGKILL);
    (void)next_at(&s);
    (void)next_at(&s);
    sse_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLAIN_TEST(what_is_done_is_seen),
        PLAIN_TEST(hot_items_have_their_counters),
        PLAIN_TEST(a_partition_that_is_closed_is_named),
        PLAIN_TEST(numbers_are_of_all_services),
        PLAIN_TEST(rubbish_in_redis_is_dropped),
        PLAIN_TEST(nothing_is_written_to_a_store_that_is_lost),
        PLAIN_TEST(redis_may_refuse_it),
        PLAIN_TEST(a_stream_has_one_sample_after_the_other),
        PLAIN_TEST(clients_may_leave_at_any_time),
        PLAIN_TEST(who_does_not_read_is_cut_off),
        PLAIN_TEST(sigterm_ends_streams),
        PLAIN_TEST(streams_have_a_limit_and_give_their_place_back),
        PLAIN_TEST(a_keeper_that_stands_still_is_seen),
    };
    return run_each("live: services", tests);
}
