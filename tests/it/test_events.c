/* test_events.c -- who follows the events gets all of them, in order: page by page, by long poll
 * and as a stream.
 *
 * Every test runs on SQLite and, where there is a server, on PostgreSQL.
 */
#include "support/feed_log.h"
#include "support/fixture.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define ITEMS LEDGER_LOAD_ITEMS
#define CROWD 50

static void stream_open(struct sse *s, const char *path, const char *headers)
{
    sse_open(s, stack.service.port, "1.1", path, headers);
}

static int by_item(const void *x, const void *y)
{
    const struct feed_event *s = x, *t = y;
    int names = strcmp(s->sku, t->sku);
    return names ? names : s->version < t->version ? -1 : s->version > t->version;
}

/* --- load in the background ------------------------------------------------------------------- */

/* A basket of two, and its end. */
static void buy_basket(struct ledger_client *c, int n)
{
    char body[256], id[LEDGER_NAME_SIZE];
    snprintf(body, sizeof(body),
             "{\"lines\":[{\"sku\":\"%s\",\"quantity\":1},{\"sku\":\"%s\",\"quantity\":2}],"
             "\"ttl_seconds\":3600}",
             load.skus[n % ITEMS], load.skus[(n + 1) % ITEMS]);
    if (ledger_client_hold(c, body, id))
        (void)ledger_client_settle(c, id, n % 2 ? "confirm" : "release");
}

static void load_baskets(void)
{
    load.step = buy_basket;
    ledger_load_start(&load);
}

/* Ends it and waits until all of it is in SQL; the number of events. */
static int64_t load_stop(void)
{
    int64_t versions = 0;
    ledger_load_stop(&load);
    assert_int_equal(atomic_load(&load.wrong), 0);
    assert_int_equal(atomic_load(&load.refused), 0);
    for (int i = 0; i < ITEMS; i++) {
        get(ITEM(load.skus[i]));
        versions += api_int(a, "version");
    }
    feed_log_await_rows(versions);
    return versions;
}

/* --- what is there ---------------------------------------------------------------------------- */

/* One of each kind, but for an expiry; returns the number of events. */
static int64_t a_bit_of_everything(void)
{
    const char *x = api_item(a, 100, 0), *y = api_item(a, 100, 0);
    const char *both = text("{\"lines\":[{\"sku\":\"%s\",\"quantity\":3},{\"sku\":\"%s\","
                            "\"quantity\":4}],\"customer\":\"c-1\",\"reference\":\"order-9\"}",
                            x, y);
    post(201, RESERVATIONS, both);
    const char *id = api_str(a, "id");
    post(200, EXTEND(id), "{\"ttl_seconds\":900}");
    post(200, CONFIRM(id), "{}");
    id = api_reserve(a, x, 5, 0);
    post(200, RELEASE(id), "{}");
    post(200, ADJUST(y), "{\"delta\":7,\"reason\":\"a \\\"line\\\"\\n\",\"reference\":\"PO-7\"}");
    post(200, DECREMENT(y), "{\"quantity\":2}");
    api_call(a, 200, "PUT", ITEM(x), "If-Match: *\r\n", "{\"on_hand\":50}");
    api_call(a, 204, "DELETE", ITEM(x), "If-Match: *\r\n", NULL);
    return 14;
}

struct compared {
    struct feed_log *log;
    size_t at;
};

static int compare_row(void *context, const struct db_value *row, size_t count)
{
    struct compared *c = context;
    if (c->at == c->log->count)
        return -1;
    const struct feed_event *s = &c->log->events[c->at++];
    assert_true(str_equal(row[0].as.text, str_of(s->type)));
    assert_true(str_equal(row[1].as.text, str_of(s->sku)));
    assert_int_equal(row[2].as.number, s->version);
    for (int i = 0; i < 7; i++)
        assert_int_equal(row[3 + i].as.number, s->numbers[i]);
    return 0;
}

static void from_the_beginning_it_is_the_table_of_events(void **state)
{
    serve(.redis.aof = TREDIS_AOF_ALWAYS, .ledger = *state);
    int64_t count = a_bit_of_everything() + 3;
    api_reserve(a, api_item(a, 1, 0), 1, 1); /* expires */
    feed_log_await_rows(count);
    for (unsigned limit = 1; limit <= 1000; limit = limit * 3 + 1) {
        struct feed_log log = {.events = NULL};
        while (feed_log_page(&log, limit, 0) > 0)
            continue;
        struct compared c = {.log = &log};
        base_rows(bases.url,
                  "SELECT type, sku, version, available_delta, held_delta, sold_delta, available, "
                  "held, sold, available + held FROM events WHERE sku IS NOT NULL "
                  "ORDER BY partition_no, epoch, seq, n",
                  compare_row, &c);
        assert_int_equal(c.at, count);
        assert_int_equal(log.count, count);
        feed_log_free(&log);
    }
}

static void an_event_tells_all_that_the_contract_says(void **state)
{
    serve(.redis.aof = TREDIS_AOF_ALWAYS, .ledger = *state);
    feed_log_await_rows(a_bit_of_everything());
    get("/v1/events?limit=5");
    check_like(a, "{'events':[{'type':'create','reservation':null,'customer':null,"
                  "'expires_at':null},'...']}");
    for (int i = 2; i <= 3; i++) { /* both lines of the basket */
        check_str(a, text("events[%d].type", i), "reserve");
        check_str(a, text("events[%d].customer", i), "c-1");
        check_str(a, text("events[%d].reference", i), "order-9");
        assert_int_equal(strncmp(api_str(a, text("events[%d].reservation", i)), "r0-", 3), 0);
        assert_true(api_time(a, text("events[%d].expires_at", i)) >
                    api_time(a, text("events[%d].at", i)));
    }
    check_str(a, "next_cursor", api_str(a, "events[4].cursor"));
    assert_true(api_time(a, "ledger.as_of") >= api_time(a, "events[4].at"));
    assert_true(api_int(a, "ledger.lag_ms") >= 0);
    struct feed_log log = {.events = NULL};
    feed_log_pages_to(&log, 14);
    get(text("/v1/events?after=%s", log.events[9].cursor));
    check_like(a, "{'events':[{'type':'adjust','reference':'PO-7'},'...']}");
    check_str(a, "events[0].reason", "a \"line\"\n");
    feed_log_free(&log);
}

static void a_stream_from_the_beginning_is_the_same(void **state)
{
    static const char *const versions[] = {"1.1", "1.0"};
    serve(.redis.aof = TREDIS_AOF_ALWAYS, .ledger = *state);
    feed_log_await_rows(a_bit_of_everything());
    struct feed_log pages = {.events = NULL};
    feed_log_pages_to(&pages, 14);
    for (int i = 0; i < 3; i++) {
        struct feed_log log = {.events = NULL};
        struct sse s;
        sse_open(&s, stack.service.port, versions[i % 2], "/v1/events",
                 i == 2 ? "Connection: close\r\n" : NULL);
        feed_log_stream_to(&s, &log, pages.count);
        assert_memory_equal(log.events, pages.events, pages.count * sizeof(*log.events));
        assert_non_null(strcasestr(s.in, "Content-Type: text/event-stream\r\n"));
        assert_non_null(strcasestr(s.in, "Cache-Control: no-store\r\n"));
        assert_int_equal(s.chunked, i == 0 || (i == 2 && s.chunked));
        sse_close(&s);
        feed_log_free(&log);
    }
    feed_log_free(&pages);
}

static void what_is_wrong_is_named(void **state)
{
    static const char *const wrong[][2] = {
        {"after=x", "after"},
        {"after=0.0", "after"},
        {"after=9-9-9", "after"},
        {"limit=0", "limit"},
        {"limit=1001", "limit"},
        {"limit=ten", "limit"},
        {"wait=31", "wait"},
        {"wait=-1", "wait"},
        {"wait=1.5", "wait"},
        {"since=1", "since"},
        {"after=9-9-9&wait=5", "after"},
    };
    serve(.redis.aof = TREDIS_AOF_ALWAYS, .ledger = *state);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        get_problem(422, "invalid-field", wrong[i][1], text("/v1/events?%s", wrong[i][0]));
    api_problem(a, 422, "invalid-field", "Last-Event-ID", "GET", "/v1/events",
                "Accept: text/event-stream\r\nLast-Event-ID: x\r\n", NULL);
    api_problem(a, 422, "invalid-field", "Last-Event-ID", "GET", "/v1/events",
                "Accept: text/event-stream\r\nLast-Event-ID: 9-9-9\r\n", NULL);
    post_problem(405, "method-not-allowed", NULL, "/v1/events", "{}");
    check_header(a, "Allow", "GET");
}

static void without_a_ledger_there_is_no_feed(void **state)
{
    serve();
    get_problem(404, "ledger-missing", NULL, "/v1/events");
    api_problem(a, 404, "ledger-missing", NULL, "GET", "/v1/events",
                "Accept: text/event-stream\r\n", NULL);
}

/* --- under load ------------------------------------------------------------------------------- */

static void a_loop_under_load_misses_nothing(void **state)
{
    serve(.redis.aof = TREDIS_AOF_ALWAYS, .ledger = *state, .workers = 2);
    load_baskets();
    struct feed_log log = {.events = NULL};
    while (log.count < 4000)
        feed_log_page(&log, log.count % 3 ? 100 : 7, 1);
    feed_log_pages_to(&log, load_stop());
    feed_log_check_whole(&log);
    feed_log_free(&log);
}

static void a_stream_resumes_where_it_was(void **state)
{
    serve(.redis.aof = TREDIS_AOF_ALWAYS, .ledger = *state, .workers = 2);
    load_baskets();
    struct feed_log log = {.events = NULL};
    struct sse s;
    for (size_t goal = 300; goal <= 3000; goal += 900) {
        /* `after` is what the page once asked for; the header is newer. */
        const char *header = log.count ? text("Last-Event-ID: %s\r\n", log.cursor) : NULL;
        stream_open(&s, "/v1/events?after=0", header);
        feed_log_stream_to(&s, &log, goal);
        sse_close(&s);
    }
    int64_t count = load_stop();
    stream_open(&s, "/v1/events", text("Last-Event-ID: %s\r\n", log.cursor));
    feed_log_stream_to(&s, &log, (size_t)count);
    sse_close(&s);
    feed_log_check_whole(&log);
    feed_log_free(&log);
}

static void partitions_are_followed_together(void **state)
{
    serve(.redis.aof = TREDIS_AOF_ALWAYS, .ledger = *state, .workers = 2, .partitions = 4);
    struct feed_log log = {.events = NULL};
    struct sse s;
    stream_open(&s, "/v1/events?after=latest", NULL);
    sse_await_start(&s);
    int64_t count = 0;
    for (int i = 0; i < ITEMS * 2; i++) {
        const char *sku = api_item(a, 10, 0);
        for (int k = 0; k < 9; k++)
            post(200, DECREMENT(sku), "{\"quantity\":1}");
        count += 10;
    }
    feed_log_await_rows(count);
    assert_true(sql_int("SELECT COUNT(DISTINCT partition_no) FROM items") > 1);
    struct feed_log pages = {.events = NULL};
    while (feed_log_page(&pages, 3, 0) > 0)
        continue;
    feed_log_check_whole(&pages);
    feed_log_stream_to(&s, &log, (size_t)count);
    feed_log_check_whole(&log);
    qsort(log.events, log.count, sizeof(*log.events), by_item);
    qsort(pages.events, pages.count, sizeof(*pages.events), by_item);
    for (size_t i = 0; i < log.count; i++)
        assert_int_equal(by_item(&log.events[i], &pages.events[i]), 0);
    sse_close(&s);
    get_problem(422, "invalid-field", "after", "/v1/events?after=0");
    get_problem(422, "invalid-field", "after", "/v1/events?after=0.0.0.0.0");
    get("/v1/events?after=0.0.0.0");
    feed_log_free(&log);
    feed_log_free(&pages);
}

/* --- waiting ---------------------------------------------------------------------------------- */

static const char *the_end(void)
{
    get("/v1/events?after=latest");
    check_size(a, "events", 0);
    return api_str(a, "next_cursor");
}

static void a_poll_waits_for_something_or_its_time(void **state)
{
    serve(.redis.aof = TREDIS_AOF_ALWAYS, .ledger = *state);
    const char *sku = api_item(a, 10, 0);
    feed_log_await_rows(1);
    const char *end = the_end();
    get(text("/v1/events?after=%s&wait=1", end));
    check_like(a, "{'next_cursor':'%s','events':[]}", end);
    assert_true(a->resp.took_ms >= 900);

    struct http_conn other;
    struct http_resp resp = {.status = 0};
    http_conn_init(&other, stack.service.port);
    const char *path = text("/v1/events?after=%s&wait=30", end);
    assert_int_equal(http_send_call(&other, "GET", path, NULL, NULL, 0), 0);
    api_reserve(a, sku, 1, 0);
    assert_int_equal(http_receive(&other, false, &resp), 0);
    assert_int_equal(resp.status, 200);
    assert_string_equal(json_string_value(json_at(http_resp_json(&resp), "events[0].type")),
                        "reserve");
    http_resp_free(&resp);
    http_conn_close(&other);
}

static struct {
    char path[128], sku[32];
    atomic_int right;
} crowd;

static void wait_or_reserve(int index, void *arg)
{
    struct http_conn c;
    struct http_resp resp = {.status = 0};
    char body[128];
    http_conn_init(&c, stack.service.port);
    snprintf(body, sizeof(body), "{\"sku\":\"%s\",\"quantity\":1}", crowd.sku);
    if (index == CROWD)
        http_call(&c, "POST", RESERVATIONS, NULL, body, &resp);
    else
        http_call(&c, "GET", crowd.path, NULL, NULL, &resp);
    json_t *events = json_object_get(http_resp_json(&resp), "events");
    if (index < CROWD && resp.status == 200 && json_array_size(events) == 1)
        atomic_fetch_add(&crowd.right, 1);
    http_resp_free(&resp);
    http_conn_close(&c);
}

static void all_who_wait_are_answered_by_one_event(void **state)
{
    serve(.redis.aof = TREDIS_AOF_ALWAYS, .ledger = *state);
    KEEP(crowd.sku, api_item(a, 10, 0));
    feed_log_await_rows(1);
    snprintf(crowd.path, sizeof(crowd.path), "/v1/events?after=%s&wait=30", the_end());
    atomic_store(&crowd.right, 0);
    http_crowd(CROWD + 1, wait_or_reserve, NULL);
    assert_int_equal(atomic_load(&crowd.right), CROWD);
    assert_true(tservice_log_clean(&stack.service));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(from_the_beginning_it_is_the_table_of_events),
        ON_BOTH(an_event_tells_all_that_the_contract_says),
        ON_BOTH(a_stream_from_the_beginning_is_the_same),
        ON_BOTH(what_is_wrong_is_named),
        PLAIN_TEST(without_a_ledger_there_is_no_feed),
        ON_BOTH(a_loop_under_load_misses_nothing),
        ON_BOTH(a_stream_resumes_where_it_was),
        ON_BOTH(partitions_are_followed_together),
        ON_BOTH(a_poll_waits_for_something_or_its_time),
        ON_BOTH(all_who_wait_are_answered_by_one_event),
    };
    return run_each("events", tests);
}
