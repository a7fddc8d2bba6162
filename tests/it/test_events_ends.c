/* test_events_ends.c -- who follows the events gets all of them whatever goes away on the way: the
 * service, other clients, Redis, the database.
 *
 * Every test runs on SQLite and, where there is a server, on PostgreSQL.
 */
#include "support/feed_log.h"
#include "support/fixture.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define STOCK LEDGER_LOAD_STOCK

static void stream_open(struct sse *s, const char *path, const char *headers)
{
    sse_open(s, stack.service.port, "1.1", path, headers);
}

/* --- waiting ---------------------------------------------------------------------------------- */

static const char *the_end(void)
{
    get("/v1/events?after=latest");
    check_size(a, "events", 0);
    return api_str(a, "next_cursor");
}

/* --- who and what goes away ------------------------------------------------------------------- */

static void sigterm_ends_polls_and_streams(void **state)
{
    struct http_conn polls[20];
    struct sse streams[5];
    /* The drain is longer than this waits: they are ended, not cut. */
    serve(.redis.aof = TREDIS_AOF_ALWAYS, .ledger = *state, .flags = {"--drain", "5m"});
    api_item(a, 10, 0);
    feed_log_await_rows(1);
    const char *path = text("/v1/events?after=%s&wait=30", the_end());
    for (int i = 0; i < 20; i++) {
        http_conn_init(&polls[i], stack.service.port);
        assert_int_equal(http_send_call(&polls[i], "GET", path, NULL, NULL, 0), 0);
    }
    for (int i = 0; i < 5; i++) {
        stream_open(&streams[i], "/v1/events?after=latest", NULL);
        sse_await_start(&streams[i]);
    }
    tproc_signal(&stack.service.proc, SIGTERM);
    for (int i = 0; i < 20; i++) {
        struct http_resp resp = {.status = 0};
        assert_int_equal(http_receive(&polls[i], false, &resp), 0);
        assert_int_equal(resp.status, 200);
        assert_int_equal(json_array_size(json_object_get(http_resp_json(&resp), "events")), 0);
        http_resp_free(&resp);
        http_conn_close(&polls[i]);
    }
    for (int i = 0; i < 5; i++) {
        assert_true(await((sse_receive(&streams[i], 50), streams[i].closed), RECOVERY_MS));
        sse_close(&streams[i]);
    }
    assert_int_equal(tproc_wait(&stack.service.proc, RECOVERY_MS), 0);
    assert_int_equal(stack.service.proc.status, 0);
}

static void clients_may_leave_in_the_middle(void **state)
{
    struct http_conn polls[20];
    struct sse streams[20];
    serve(.redis.aof = TREDIS_AOF_ALWAYS, .ledger = *state);
    const char *sku = api_item(a, STOCK, 0);
    feed_log_await_rows(1);
    const char *path = text("/v1/events?after=%s&wait=30", the_end());
    for (int i = 0; i < 20; i++) {
        http_conn_init(&polls[i], stack.service.port);
        assert_int_equal(http_send_call(&polls[i], "GET", path, NULL, NULL, 0), 0);
        stream_open(&streams[i], "/v1/events", NULL);
    }
    assert_true(await(metric("stockd_http_connections_open") == 41, RECOVERY_MS));
    for (int i = 0; i < 20; i++) {
        http_conn_close(&polls[i]);
        sse_close(&streams[i]);
    }
    /* What is sent to them shows that nobody is there. */
    assert_true(await((api_reserve(a, sku, 1, 0), metric("stockd_http_connections_open") == 1),
                      RECOVERY_MS));
}

static int64_t worker_rss_bytes(void)
{
    pid_t pid;
    char line[128];
    long long kib = 0;
    assert_int_equal(tservice_pids(&stack.service, TSERVICE_WORKER, &pid, 1), 1);
    FILE *file = fopen(text("/proc/%d/status", (int)pid), "re");
    assert_non_null(file);
    while (fgets(line, sizeof(line), file))
        if (sscanf(line, "VmRSS: %lld kB", &kib) == 1)
            break;
    fclose(file);
    return kib * 1024;
}

/* Thousands of sales at once. */
static void sell_many(const char *sku, int thousands)
{
    char *body = malloc(128000), *at = body;
    assert_non_null(body);
    at += sprintf(at, "{\"operations\":[");
    for (int i = 0; i < 1000; i++)
        at += sprintf(at, "%s{\"op\":\"decrement\",\"sku\":\"%s\",\"quantity\":1}", i ? "," : "",
                      sku);
    sprintf(at, "]}");
    for (int i = 0; i < thousands; i++)
        post(200, "/v1/batch", body);
    free(body);
}

#define SLOW      12
#define THOUSANDS 15

/* Five megabytes for each of them: more than all kernel buffers between take. */
static void who_does_not_read_costs_a_page(void **state)
{
    struct sse slow[SLOW], quick;
    struct feed_log log = {.events = NULL};
    serve(.redis.aof = TREDIS_AOF_ALWAYS, .ledger = *state);
    const char *sku = api_item(a, STOCK, 0);
    sell_many(sku, THOUSANDS);
    feed_log_await_rows(THOUSANDS * 1000 + 1);
    stream_open(&quick, "/v1/events", NULL); /* so that the worker has had all that it needs */
    feed_log_stream_to(&quick, &log, 1000);
    int64_t before = worker_rss_bytes();
    for (int i = 0; i < SLOW; i++) {
        int small = 4096;
        stream_open(&slow[i], "/v1/events", NULL);
        setsockopt(slow[i].fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
    }
    sse_close(&quick);
    feed_log_free(&log);
    while (feed_log_page(&log, 1000, 0) > 0)
        continue;
    assert_int_equal(log.count, THOUSANDS * 1000 + 1);
    stream_open(&quick, text("/v1/events?after=%s", log.cursor), NULL);
    api_reserve(a, sku, 1, 0);
    feed_log_stream_to(&quick, &log, log.count + 1); /* nobody waits for them */
    if (!tservice_is_slow())                         /* a sanitizer keeps what was freed */
        assert_true(worker_rss_bytes() - before < 16 << 20);
    for (int i = 0; i < SLOW; i++)
        sse_close(&slow[i]);
    sse_close(&quick);
    feed_log_free(&log);
}

static bool poll_is_refused(const char *path)
{
    return http_call(&a->conn, "GET", path, NULL, NULL, &a->resp) == 0 && a->resp.status == 503;
}

static void streams_outlast_a_database_that_is_away(void **state)
{
    struct sse s, late;
    struct feed_log log = {.events = NULL}, late_log = {.events = NULL};
    bool reads = engine_of(state) == BASE_SQLITE; /* a locked file is read as before */
    serve(.redis.aof = TREDIS_AOF_ALWAYS, .ledger = *state);
    const char *sku = api_item(a, 10, 0);
    feed_log_await_rows(1);
    stream_open(&s, "/v1/events", NULL);
    feed_log_stream_to(&s, &log, 1);
    const char *path = text("/v1/events?after=%s&wait=20", log.cursor);
    struct db *other = ledger_outage_begin(&bases);
    if (!reads) {
        assert_true(await(poll_is_refused("/v1/events"), RECOVERY_MS));
        check_problem(a, 503, "ledger-unavailable", NULL);
        assert_true(poll_is_refused(path));
        check_problem(a, 503, "ledger-unavailable", NULL);
    }
    /* A browser would not come back after a refusal. */
    stream_open(&late, "/v1/events?after=latest", NULL);
    sse_await_start(&late);
    api_reserve(a, sku, 1, 0); /* Redis goes on */
    ledger_outage_end(&bases, other);
    feed_log_stream_to(&s, &log, 2);
    assert_string_equal(log.events[1].type, "reserve");
    assert_true(await(metric("stockd_ledger_lag_events") == 0, RECOVERY_MS));
    /* Where `latest` was is only known now; what comes later is there in any case. */
    int64_t until = test_now_ms() + RECOVERY_MS;
    do {
        post(200, ADJUST(sku), "{\"delta\":1}");
        char type[16];
        json_t *json = sse_next(&late, type, 500);
        if (json && strcmp(type, "lag") != 0)
            feed_log_add(&late_log, json);
        json_decref(json);
    } while (late_log.count == 0 && test_now_ms() < until);
    assert_int_equal(late_log.count, 1);
    sse_close(&s);
    sse_close(&late);
    feed_log_free(&log);
    feed_log_free(&late_log);
}

/* A question that is never answered delays no other answer, and not the end of the service. */
static void a_database_that_hangs_is_not_waited_for(void **state)
{
    struct sse s;
    struct feed_log log = {.events = NULL};
    serve(.redis.aof = TREDIS_AOF_ALWAYS, .ledger = *state, .flags = {"--request-timeout", "3s"});
    const char *sku = api_item(a, 10, 0);
    feed_log_await_rows(1);
    stream_open(&s, "/v1/events", NULL);
    feed_log_stream_to(&s, &log, 1);
    struct db *other = base_open(bases.url);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(db_begin(other), DB_OK);
        assert_int_equal(db_script(other, STR("LOCK TABLE checkpoints IN ACCESS EXCLUSIVE MODE")),
                         DB_OK);
        get_problem(503, "ledger-unavailable", NULL, "/v1/events");
        get_problem(503, "ledger-unavailable", NULL,
                    text("/v1/events?after=%s&wait=20", log.cursor));
        api_reserve(a, sku, 1, 0);
        if (round == 1)
            break;
        db_rollback(other);
        feed_log_stream_to(&s, &log, 2);
    }
    tproc_signal(&stack.service.proc, SIGTERM);
    assert_true(await((sse_receive(&s, 50), s.closed), RECOVERY_MS));
    bool ended = tproc_wait(&stack.service.proc, RECOVERY_MS) == 0;
    db_close(other);
    assert_true(ended);
    assert_int_equal(stack.service.proc.status, 0);
    sse_close(&s);
    feed_log_free(&log);
}

static void a_new_epoch_is_no_event_and_no_obstacle(void **state)
{
    struct sse s;
    struct feed_log log = {.events = NULL}, pages = {.events = NULL};
    serve(.redis.aof = TREDIS_AOF_ALWAYS, .ledger = *state);
    const char *sku = api_item(a, 10, 0);
    feed_log_await_rows(1);
    stream_open(&s, "/v1/events", NULL);
    feed_log_stream_to(&s, &log, 1);
    tredis_kill9(&stack.redis);
    assert_int_equal(tredis_restart(&stack.redis), 0);
    await_ready();
    api_reserve(a, sku, 1, 0);
    feed_log_stream_to(&s, &log, 2);
    assert_memory_equal(log.cursor, "2-", 2);
    feed_log_pages_to(&pages, 2);
    assert_memory_equal(log.events, pages.events, 2 * sizeof(*log.events));
    sse_close(&s);
    feed_log_free(&log);
    feed_log_free(&pages);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(sigterm_ends_polls_and_streams),
        ON_BOTH(clients_may_leave_in_the_middle),
        ON_BOTH(who_does_not_read_costs_a_page),
        ON_BOTH(streams_outlast_a_database_that_is_away),
        POSTGRES_TEST(a_database_that_hangs_is_not_waited_for),
        ON_BOTH(a_new_epoch_is_no_event_and_no_obstacle),
    };
    return run_each("events: ends", tests);
}
