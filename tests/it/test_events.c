/* test_events.c -- who follows the events gets all of them, in order: page by page, by long poll
 * and as a stream, whatever goes away on the way.
 *
 * Every test runs on SQLite and, where there is a server, on PostgreSQL.
 */
#include "support/api.h"
#include "support/ledger_load.h"
#include "support/sse.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include <cmocka.h>

#define ITEMS      LEDGER_LOAD_ITEMS
#define STOCK      LEDGER_LOAD_STOCK
#define LIMIT_MS   LEDGER_RECOVERY_MS
#define CURSOR_MAX SSE_ID_MAX
#define CROWD      50

static struct bases bases;
static struct stack stack;
static struct api *a = &stack.api;
static struct ledger_load load;

/* --- a service with a ledger ------------------------------------------------------------------ */

static void start_with(void **state, int workers, const char *more, const char *value)
{
    struct tredis_opts redis = {.aof = TREDIS_AOF_ALWAYS};
    const char *extra[] = {"--ledger", NULL, more, value, NULL};
    db_close(bases_ledger(&bases, engine_of(state)));
    extra[1] = bases.url;
    assert_int_equal(stack_start(&stack, &redis, workers, extra), 0);
}

static void start(void **state)
{
    start_with(state, 1, NULL, NULL);
}

static int64_t rows_in_sql(void)
{
    return base_int(bases.url, "SELECT COUNT(*) FROM events WHERE sku IS NOT NULL");
}

/* Each change of an item is a row: SQL has all when it has as many as there are versions. */
static void await_rows(int64_t count)
{
    assert_true(await(rows_in_sql() >= count, LIMIT_MS));
    assert_int_equal(rows_in_sql(), count);
}

static int64_t metric(const char *name)
{
    if (http_call(&a->conn, "GET", "/metrics", NULL, NULL, &a->resp) != 0)
        return -1;
    const char *at = strstr(a->resp.body, text("\n%s ", name));
    return at ? strtoll(at + strlen(name) + 2, NULL, 10) : -1;
}

/* --- what was followed ------------------------------------------------------------------------ */

struct seen {
    char cursor[CURSOR_MAX], type[16], sku[32];
    int64_t version, numbers[7]; /* three deltas, four counters */
};

struct log {
    struct seen *events;
    size_t count, room;
    char cursor[CURSOR_MAX]; /* behind all of them */
};

static const char *const number_names[] = {
    "available_delta", "held_delta", "sold_delta", "available", "held", "sold", "on_hand"};

static void log_add(struct log *log, json_t *event)
{
    if (log->count == log->room) {
        log->room = log->room ? 2 * log->room : 256;
        log->events = realloc(log->events, log->room * sizeof(*log->events));
        assert_non_null(log->events);
    }
    struct seen *s = &log->events[log->count++];
    memset(s, 0, sizeof(*s)); /* so that two can be compared as bytes */
    snprintf(s->cursor, sizeof(s->cursor), "%s",
             json_string_value(json_object_get(event, "cursor")));
    snprintf(s->type, sizeof(s->type), "%s", json_string_value(json_object_get(event, "type")));
    snprintf(s->sku, sizeof(s->sku), "%s", json_string_value(json_object_get(event, "sku")));
    s->version = json_integer_value(json_object_get(event, "version"));
    for (int i = 0; i < 7; i++)
        s->numbers[i] = json_integer_value(json_object_get(event, number_names[i]));
    snprintf(log->cursor, sizeof(log->cursor), "%s", s->cursor);
}

static void log_free(struct log *log)
{
    free(log->events);
    *log = (struct log){.events = NULL};
}

/* Asks for what is behind log->cursor and adds it. Returns the number of events. */
static size_t follow(struct log *log, unsigned limit, unsigned wait_s)
{
    json_t *page = api_call(
        a, 200, "GET", text("/v1/events?after=%s&limit=%u&wait=%u", log->cursor, limit, wait_s),
        NULL, NULL);
    json_t *events = json_object_get(page, "events"), *event;
    size_t i;
    assert_true(json_is_integer(json_at(page, "ledger.lag_events")));
    assert_true(json_array_size(events) <= limit);
    json_array_foreach(events, i, event) log_add(log, event);
    snprintf(log->cursor, sizeof(log->cursor), "%s",
             json_string_value(json_object_get(page, "next_cursor")));
    return json_array_size(events);
}

static void follow_to(struct log *log, int64_t count)
{
    int64_t until = test_now_ms() + LIMIT_MS;
    while ((int64_t)log->count < count && test_now_ms() < until)
        follow(log, 100, 1);
    assert_int_equal(log->count, count);
    assert_int_equal(follow(log, 100, 0), 0);
}

static int by_item(const void *x, const void *y)
{
    const struct seen *s = x, *t = y;
    int names = strcmp(s->sku, t->sku);
    return names ? names : s->version < t->version ? -1 : s->version > t->version;
}

/* Every event once; those of an item came in the order of its versions, none left out. */
static void check_whole(struct log *log)
{
    assert_int_equal(log->count, rows_in_sql());
    char sku[ITEMS * 2][32] = {""};
    int64_t version[ITEMS * 2] = {0};
    for (size_t i = 0; i < log->count; i++) {
        size_t k = 0;
        while (k < ITEMS * 2 && sku[k][0] && strcmp(sku[k], log->events[i].sku) != 0)
            k++;
        assert_true(k < ITEMS * 2);
        snprintf(sku[k], sizeof(sku[k]), "%s", log->events[i].sku);
        assert_int_equal(log->events[i].version, ++version[k]);
    }
    for (size_t k = 0; k < ITEMS * 2 && sku[k][0]; k++)
        assert_int_equal(
            base_int(bases.url, text("SELECT version FROM items WHERE sku = '%s'", sku[k])),
            version[k]);
}

/* --- a stream of server-sent events ----------------------------------------------------------- */

static void stream_open(struct sse *s, const char *path, const char *headers)
{
    sse_open(s, stack.service.port, "1.1", path, headers);
}

/* Adds events until there are so many. */
static void sse_follow(struct sse *s, struct log *log, size_t count)
{
    char type[16];
    while (log->count < count) {
        json_t *json = sse_next(s, type, LIMIT_MS);
        assert_non_null(json);
        if (strcmp(type, "lag") != 0) {
            log_add(log, json);
            assert_string_equal(type, log->events[log->count - 1].type);
            assert_string_equal(s->id, log->cursor);
        }
        json_decref(json);
    }
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
    ledger_load_init(&load, &stack, &bases, 1);
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
        api_call(a, 200, "GET", text("/v1/items/%s", load.skus[i]), NULL, NULL);
        versions += api_int(a, "version");
    }
    await_rows(versions);
    return versions;
}

static int test_teardown(void **state)
{
    ledger_load_free(&load);
    return stack_stop(&stack);
}

/* --- what is there ---------------------------------------------------------------------------- */

/* One of each kind, but for an expiry; returns the number of events. */
static int64_t a_bit_of_everything(void)
{
    const char *x = api_item(a, 100, 0), *y = api_item(a, 100, 0);
    const char *both = text("{\"lines\":[{\"sku\":\"%s\",\"quantity\":3},{\"sku\":\"%s\","
                            "\"quantity\":4}],\"customer\":\"c-1\",\"reference\":\"order-9\"}",
                            x, y);
    api_call(a, 201, "POST", "/v1/reservations", NULL, both);
    const char *id = api_str(a, "id");
    api_call(a, 200, "POST", text("/v1/reservations/%s/extend", id), NULL, "{\"ttl_seconds\":900}");
    api_call(a, 200, "POST", text("/v1/reservations/%s/confirm", id), NULL, "{}");
    id = api_reserve(a, x, 5, 0);
    api_call(a, 200, "POST", text("/v1/reservations/%s/release", id), NULL, "{}");
    api_call(a, 200, "POST", text("/v1/items/%s/adjustments", y), NULL,
             "{\"delta\":7,\"reason\":\"a \\\"line\\\"\\n\",\"reference\":\"PO-7\"}");
    api_call(a, 200, "POST", text("/v1/items/%s/decrements", y), NULL, "{\"quantity\":2}");
    api_call(a, 200, "PUT", text("/v1/items/%s", x), "If-Match: *\r\n", "{\"on_hand\":50}");
    api_call(a, 204, "DELETE", text("/v1/items/%s", x), "If-Match: *\r\n", NULL);
    return 14;
}

struct compared {
    struct log *log;
    size_t at;
};

static int compare_row(void *context, const struct db_value *row, size_t count)
{
    struct compared *c = context;
    if (c->at == c->log->count)
        return -1;
    const struct seen *s = &c->log->events[c->at++];
    assert_true(str_equal(row[0].as.text, str_of(s->type)));
    assert_true(str_equal(row[1].as.text, str_of(s->sku)));
    assert_int_equal(row[2].as.number, s->version);
    for (int i = 0; i < 7; i++)
        assert_int_equal(row[3 + i].as.number, s->numbers[i]);
    return 0;
}

static void from_the_beginning_it_is_the_table_of_events(void **state)
{
    start(state);
    int64_t count = a_bit_of_everything() + 3;
    api_reserve(a, api_item(a, 1, 0), 1, 1); /* expires */
    await_rows(count);
    for (unsigned limit = 1; limit <= 1000; limit = limit * 3 + 1) {
        struct log log = {.events = NULL};
        while (follow(&log, limit, 0) > 0)
            continue;
        struct compared c = {.log = &log};
        base_rows(bases.url,
                  "SELECT type, sku, version, available_delta, held_delta, sold_delta, available, "
                  "held, sold, available + held FROM events WHERE sku IS NOT NULL "
                  "ORDER BY partition_no, epoch, seq, n",
                  compare_row, &c);
        assert_int_equal(c.at, count);
        assert_int_equal(log.count, count);
        log_free(&log);
    }
}

static void an_event_tells_all_that_the_contract_says(void **state)
{
    start(state);
    await_rows(a_bit_of_everything());
    api_call(a, 200, "GET", "/v1/events?limit=5", NULL, NULL);
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
    struct log log = {.events = NULL};
    follow_to(&log, 14);
    api_call(a, 200, "GET", text("/v1/events?after=%s", log.events[9].cursor), NULL, NULL);
    check_like(a, "{'events':[{'type':'adjust','reference':'PO-7'},'...']}");
    check_str(a, "events[0].reason", "a \"line\"\n");
    log_free(&log);
}

static void a_stream_from_the_beginning_is_the_same(void **state)
{
    static const char *const versions[] = {"1.1", "1.0"};
    start(state);
    await_rows(a_bit_of_everything());
    struct log pages = {.events = NULL};
    follow_to(&pages, 14);
    for (int i = 0; i < 3; i++) {
        struct log log = {.events = NULL};
        struct sse s;
        sse_open(&s, stack.service.port, versions[i % 2], "/v1/events",
                 i == 2 ? "Connection: close\r\n" : NULL);
        sse_follow(&s, &log, pages.count);
        assert_memory_equal(log.events, pages.events, pages.count * sizeof(*log.events));
        assert_non_null(strcasestr(s.in, "Content-Type: text/event-stream\r\n"));
        assert_non_null(strcasestr(s.in, "Cache-Control: no-store\r\n"));
        assert_int_equal(s.chunked, i == 0 || (i == 2 && s.chunked));
        sse_close(&s);
        log_free(&log);
    }
    log_free(&pages);
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
    start(state);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        api_problem(a, 422, "invalid-field", wrong[i][1], "GET", text("/v1/events?%s", wrong[i][0]),
                    NULL, NULL);
    api_problem(a, 422, "invalid-field", "Last-Event-ID", "GET", "/v1/events",
                "Accept: text/event-stream\r\nLast-Event-ID: x\r\n", NULL);
    api_problem(a, 422, "invalid-field", "Last-Event-ID", "GET", "/v1/events",
                "Accept: text/event-stream\r\nLast-Event-ID: 9-9-9\r\n", NULL);
    api_problem(a, 405, "method-not-allowed", NULL, "POST", "/v1/events", NULL, "{}");
    check_header(a, "Allow", "GET");
}

static void without_a_ledger_there_is_no_feed(void **state)
{
    const char *const extra[] = {"--ledger", "none", NULL};
    assert_int_equal(stack_start(&stack, NULL, 1, extra), 0);
    api_problem(a, 404, "ledger-missing", NULL, "GET", "/v1/events", NULL, NULL);
    api_problem(a, 404, "ledger-missing", NULL, "GET", "/v1/events",
                "Accept: text/event-stream\r\n", NULL);
}

/* --- under load ------------------------------------------------------------------------------- */

static void a_loop_under_load_misses_nothing(void **state)
{
    start_with(state, 2, NULL, NULL);
    load_baskets();
    struct log log = {.events = NULL};
    while (log.count < 4000)
        follow(&log, log.count % 3 ? 100 : 7, 1);
    follow_to(&log, load_stop());
    check_whole(&log);
    log_free(&log);
}

static void a_stream_resumes_where_it_was(void **state)
{
    start_with(state, 2, NULL, NULL);
    load_baskets();
    struct log log = {.events = NULL};
    struct sse s;
    for (size_t goal = 300; goal <= 3000; goal += 900) {
        /* `after` is what the page once asked for; the header is newer. */
        const char *header = log.count ? text("Last-Event-ID: %s\r\n", log.cursor) : NULL;
        stream_open(&s, "/v1/events?after=0", header);
        sse_follow(&s, &log, goal);
        sse_close(&s);
    }
    int64_t count = load_stop();
    stream_open(&s, "/v1/events", text("Last-Event-ID: %s\r\n", log.cursor));
    sse_follow(&s, &log, (size_t)count);
    sse_close(&s);
    check_whole(&log);
    log_free(&log);
}

static void partitions_are_followed_together(void **state)
{
    start_with(state, 2, "--partitions", "4");
    struct log log = {.events = NULL};
    struct sse s;
    stream_open(&s, "/v1/events?after=latest", NULL);
    sse_await_start(&s);
    int64_t count = 0;
    for (int i = 0; i < ITEMS * 2; i++) {
        const char *sku = api_item(a, 10, 0);
        for (int k = 0; k < 9; k++)
            api_call(a, 200, "POST", text("/v1/items/%s/decrements", sku), NULL,
                     "{\"quantity\":1}");
        count += 10;
    }
    await_rows(count);
    assert_true(base_int(bases.url, "SELECT COUNT(DISTINCT partition_no) FROM items") > 1);
    struct log pages = {.events = NULL};
    while (follow(&pages, 3, 0) > 0)
        continue;
    check_whole(&pages);
    sse_follow(&s, &log, (size_t)count);
    check_whole(&log);
    qsort(log.events, log.count, sizeof(*log.events), by_item);
    qsort(pages.events, pages.count, sizeof(*pages.events), by_item);
    for (size_t i = 0; i < log.count; i++)
        assert_int_equal(by_item(&log.events[i], &pages.events[i]), 0);
    sse_close(&s);
    api_problem(a, 422, "invalid-field", "after", "GET", "/v1/events?after=0", NULL, NULL);
    api_problem(a, 422, "invalid-field", "after", "GET", "/v1/events?after=0.0.0.0.0", NULL, NULL);
    api_call(a, 200, "GET", "/v1/events?after=0.0.0.0", NULL, NULL);
    log_free(&log);
    log_free(&pages);
}

/* --- waiting ---------------------------------------------------------------------------------- */

static const char *the_end(void)
{
    api_call(a, 200, "GET", "/v1/events?after=latest", NULL, NULL);
    check_size(a, "events", 0);
    return api_str(a, "next_cursor");
}

static void a_poll_waits_for_something_or_its_time(void **state)
{
    start(state);
    const char *sku = api_item(a, 10, 0);
    await_rows(1);
    const char *end = the_end();
    api_call(a, 200, "GET", text("/v1/events?after=%s&wait=1", end), NULL, NULL);
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
        http_call(&c, "POST", "/v1/reservations", NULL, body, &resp);
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
    start(state);
    snprintf(crowd.sku, sizeof(crowd.sku), "%s", api_item(a, 10, 0));
    await_rows(1);
    snprintf(crowd.path, sizeof(crowd.path), "/v1/events?after=%s&wait=30", the_end());
    atomic_store(&crowd.right, 0);
    http_crowd(CROWD + 1, wait_or_reserve, NULL);
    assert_int_equal(atomic_load(&crowd.right), CROWD);
    assert_true(tservice_log_clean(&stack.service));
}

/* --- who and what goes away ------------------------------------------------------------------- */

static void sigterm_ends_polls_and_streams(void **state)
{
    struct http_conn polls[20];
    struct sse streams[5];
    start(state);
    api_item(a, 10, 0);
    await_rows(1);
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
        assert_true(await((sse_receive(&streams[i], 50), streams[i].closed), LIMIT_MS));
        sse_close(&streams[i]);
    }
    assert_int_equal(tproc_wait(&stack.service.proc, 10000), 0); /* the drain time */
    assert_int_equal(stack.service.proc.status, 0);
}

static void clients_may_leave_in_the_middle(void **state)
{
    struct http_conn polls[20];
    struct sse streams[20];
    start(state);
    const char *sku = api_item(a, 100, 0);
    await_rows(1);
    const char *path = text("/v1/events?after=%s&wait=30", the_end());
    for (int i = 0; i < 20; i++) {
        http_conn_init(&polls[i], stack.service.port);
        assert_int_equal(http_send_call(&polls[i], "GET", path, NULL, NULL, 0), 0);
        stream_open(&streams[i], "/v1/events", NULL);
    }
    assert_true(await(metric("stockd_http_connections_open") == 41, LIMIT_MS));
    for (int i = 0; i < 20; i++) {
        http_conn_close(&polls[i]);
        sse_close(&streams[i]);
    }
    /* What is sent to them shows that nobody is there. */
    assert_true(
        await((api_reserve(a, sku, 1, 0), metric("stockd_http_connections_open") == 1), LIMIT_MS));
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
        api_call(a, 200, "POST", "/v1/batch", NULL, body);
    free(body);
}

#define SLOW      12
#define THOUSANDS 15

/* Five megabytes for each of them: more than all kernel buffers between take. */
static void who_does_not_read_costs_a_page(void **state)
{
    struct sse slow[SLOW], quick;
    struct log log = {.events = NULL};
    start(state);
    const char *sku = api_item(a, STOCK, 0);
    sell_many(sku, THOUSANDS);
    await_rows(THOUSANDS * 1000 + 1);
    stream_open(&quick, "/v1/events", NULL); /* so that the worker has had all that it needs */
    sse_follow(&quick, &log, 1000);
    int64_t before = worker_rss_bytes();
    for (int i = 0; i < SLOW; i++) {
        int small = 4096;
        stream_open(&slow[i], "/v1/events", NULL);
        setsockopt(slow[i].fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
    }
    sse_close(&quick);
    log_free(&log);
    while (follow(&log, 1000, 0) > 0)
        continue;
    assert_int_equal(log.count, THOUSANDS * 1000 + 1);
    stream_open(&quick, text("/v1/events?after=%s", log.cursor), NULL);
    api_reserve(a, sku, 1, 0);
    sse_follow(&quick, &log, log.count + 1); /* nobody waits for them */
    if (!tservice_is_slow())                 /* a sanitizer keeps what was freed */
        assert_true(worker_rss_bytes() - before < 16 << 20);
    for (int i = 0; i < SLOW; i++)
        sse_close(&slow[i]);
    sse_close(&quick);
    log_free(&log);
}

static bool poll_is_refused(const char *path)
{
    return http_call(&a->conn, "GET", path, NULL, NULL, &a->resp) == 0 && a->resp.status == 503;
}

static void streams_outlast_a_database_that_is_away(void **state)
{
    struct sse s, late;
    struct log log = {.events = NULL}, late_log = {.events = NULL};
    bool reads = engine_of(state) == BASE_SQLITE; /* a locked file is read as before */
    start(state);
    const char *sku = api_item(a, 10, 0);
    await_rows(1);
    stream_open(&s, "/v1/events", NULL);
    sse_follow(&s, &log, 1);
    const char *path = text("/v1/events?after=%s&wait=20", log.cursor);
    struct db *other = ledger_outage_begin(&bases);
    if (!reads) {
        assert_true(await(poll_is_refused("/v1/events"), LIMIT_MS));
        check_problem(a, 503, "ledger-unavailable", NULL);
        assert_true(poll_is_refused(path));
        check_problem(a, 503, "ledger-unavailable", NULL);
    }
    /* A browser would not come back after a refusal. */
    stream_open(&late, "/v1/events?after=latest", NULL);
    sse_await_start(&late);
    api_reserve(a, sku, 1, 0); /* Redis goes on */
    ledger_outage_end(&bases, other);
    sse_follow(&s, &log, 2);
    assert_string_equal(log.events[1].type, "reserve");
    assert_true(await(metric("stockd_ledger_lag_events") == 0, LIMIT_MS));
    /* Where `latest` was is only known now; what comes later is there in any case. */
    int64_t until = test_now_ms() + LIMIT_MS;
    do {
        api_call(a, 200, "POST", text("/v1/items/%s/adjustments", sku), NULL, "{\"delta\":1}");
        char type[16];
        json_t *json = sse_next(&late, type, 500);
        if (json && strcmp(type, "lag") != 0)
            log_add(&late_log, json);
        json_decref(json);
    } while (late_log.count == 0 && test_now_ms() < until);
    assert_int_equal(late_log.count, 1);
    sse_close(&s);
    sse_close(&late);
    log_free(&log);
    log_free(&late_log);
}

/* A question that is never answered delays no other answer, and not the end of the service. */
static void a_database_that_hangs_is_not_waited_for(void **state)
{
    struct sse s;
    struct log log = {.events = NULL};
    start_with(state, 1, "--request-timeout", "1s");
    const char *sku = api_item(a, 10, 0);
    await_rows(1);
    stream_open(&s, "/v1/events", NULL);
    sse_follow(&s, &log, 1);
    struct db *other = base_open(bases.url);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(db_begin(other), DB_OK);
        assert_int_equal(db_script(other, STR("LOCK TABLE checkpoints IN ACCESS EXCLUSIVE MODE")),
                         DB_OK);
        api_problem(a, 503, "ledger-unavailable", NULL, "GET", "/v1/events", NULL, NULL);
        api_problem(a, 503, "ledger-unavailable", NULL, "GET",
                    text("/v1/events?after=%s&wait=20", log.cursor), NULL, NULL);
        api_reserve(a, sku, 1, 0);
        if (round == 1)
            break;
        db_rollback(other);
        sse_follow(&s, &log, 2);
    }
    tproc_signal(&stack.service.proc, SIGTERM);
    assert_true(await((sse_receive(&s, 50), s.closed), LIMIT_MS));
    bool ended = tproc_wait(&stack.service.proc, LIMIT_MS) == 0;
    db_close(other);
    assert_true(ended);
    assert_int_equal(stack.service.proc.status, 0);
    sse_close(&s);
    log_free(&log);
}

static void a_new_epoch_is_no_event_and_no_obstacle(void **state)
{
    struct sse s;
    struct log log = {.events = NULL}, pages = {.events = NULL};
    start(state);
    const char *sku = api_item(a, 10, 0);
    await_rows(1);
    stream_open(&s, "/v1/events", NULL);
    sse_follow(&s, &log, 1);
    tredis_kill9(&stack.redis);
    assert_int_equal(tredis_restart(&stack.redis), 0);
    assert_true(await(api_ready(a), LIMIT_MS));
    api_reserve(a, sku, 1, 0);
    sse_follow(&s, &log, 2);
    assert_memory_equal(log.cursor, "2-", 2);
    follow_to(&pages, 2);
    assert_memory_equal(log.events, pages.events, 2 * sizeof(*log.events));
    sse_close(&s);
    log_free(&log);
    log_free(&pages);
}

static int group_teardown(void **state)
{
    bases_stop(&bases);
    return 0;
}

#define ON_BOTH(test) ON_ENGINES(test, NULL, test_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(from_the_beginning_it_is_the_table_of_events),
        ON_BOTH(an_event_tells_all_that_the_contract_says),
        ON_BOTH(a_stream_from_the_beginning_is_the_same),
        ON_BOTH(what_is_wrong_is_named),
        {"without_a_ledger_there_is_no_feed", without_a_ledger_there_is_no_feed, NULL,
         test_teardown, &base_engines[BASE_SQLITE]},
        ON_BOTH(a_loop_under_load_misses_nothing),
        ON_BOTH(a_stream_resumes_where_it_was),
        ON_BOTH(partitions_are_followed_together),
        ON_BOTH(a_poll_waits_for_something_or_its_time),
        ON_BOTH(all_who_wait_are_answered_by_one_event),
        ON_BOTH(sigterm_ends_polls_and_streams),
        ON_BOTH(clients_may_leave_in_the_middle),
        ON_BOTH(who_does_not_read_costs_a_page),
        ON_BOTH(streams_outlast_a_database_that_is_away),
        {"a_database_that_hangs_is_not_waited_for (postgresql)",
         a_database_that_hangs_is_not_waited_for, NULL, test_teardown,
         &base_engines[BASE_POSTGRES]},
        ON_BOTH(a_new_epoch_is_no_event_and_no_obstacle),
    };
    bases_start_or_skip(&bases);
    return cmocka_run_group_tests_name("events", tests, NULL, group_teardown);
}
