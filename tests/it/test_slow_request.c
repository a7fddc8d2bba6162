/* test_slow_request.c -- --slow-request: what took long is in the log, with where its time went;
 * what lasts by itself is not, and what was quick neither. */
#include "clock.h"
#include "support/api_keys.h"
#include "support/fixture.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define SLOW_MS      200
#define SLOW         "200ms"
#define NEVER        "600s" /* a quick one, whatever the machine */
#define SLOW_COUNTED "stockd_slow_requests_total"
#define TRACE        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

#define TRACED "traceparent: " TRACE "\r\n"

static char dir[TEST_PATH_MAX], keys[TEST_PATH_MAX + 8];
static char line[8192]; /* of a slow request */

/* --- lines ------------------------------------------------------------------------------------ */

/* One about a request with our trace; what the fixture asks has none, and may be slow as well. */
static bool find_line(void)
{
    bool found = false;
    FILE *log = fopen(stack.service.err_path, "re");
    while (log && !found && fgets(line, sizeof(line), log))
        found = strstr(line, "msg=\"slow request\"") && strstr(line, "traceparent=" TRACE);
    if (log)
        fclose(log);
    return found;
}

static int64_t number(const char *name)
{
    const char *at = strstr(line, text(" %s=", name));
    if (!at)
        fail_msg("no %s: %s", name, line);
    return strtoll(at + strlen(name) + 2, NULL, 10);
}

static void check_says(const char *word)
{
    if (!strstr(line, word))
        fail_msg("no %s: %s", word, line);
}

static void check_adds_up(void)
{
    static const char *const parts[] = {"body_ms", "queue_ms",      "redis_ms",
                                        "sql_ms",  "durability_ms", "write_ms"};
    int64_t sum = 0, total = number("total_ms"), cut = sizeof(parts) / sizeof(parts[0]);
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        sum += number(parts[i]);
    assert_in_range(sum, total > cut ? total - cut : 0, total);
}

/* Does it until a line tells of it: only one a second is written, and others may be slow, too. */
static void check_line_of(void (*be_slow)(void))
{
    int64_t until_ms = clock_mono_ms() + RECOVERY_MS;
    do {
        be_slow();
        usleep(100 * 1000);
    } while (!find_line() && clock_mono_ms() < until_ms);
    assert_true(find_line());
    assert_true(number("total_ms") >= SLOW_MS);
    check_adds_up();
}

/* --- requests that are slow ------------------------------------------------------------------- */

static void take_a_while(void)
{
    usleep((SLOW_MS + 50) * 1000);
}

/* The last byte of its body comes some time later. */
static void send_slowly(const char *headers)
{
    struct http_conn c;
    http_conn_init(&c, stack.service.port);
    const char *request = text("PUT /v1/items/%s HTTP/1.1\r\nHost: localhost\r\n%s"
                               "Content-Type: application/json\r\nContent-Length: 13\r\n\r\n"
                               "{\"on_hand\":7",
                               new_sku(), headers);
    assert_int_equal(http_conn_open(&c), 0);
    assert_int_equal(http_send(&c, request, strlen(request)), 0);
    take_a_while();
    assert_int_equal(http_send(&c, "}", 1), 0);
    assert_int_equal(http_receive(&c, false, &a->resp), 0);
    http_conn_close(&c);
    assert_int_equal(a->resp.status, 201);
}

static void with_a_trace(void)
{
    send_slowly(TRACED);
}

static void with_a_key(void)
{
    char key[API_KEY_SIZE];
    api_key_of(ROLE_STOCK, key);
    send_slowly(text(TRACED "Authorization: Bearer %s\r\n", key));
}

static void begin_sale(struct http_conn *c, const char *sku)
{
    http_conn_init(c, stack.service.port);
    assert_int_equal(http_send_call(c, "POST", DECREMENT(sku), TRACED, "{\"quantity\":1}", 14), 0);
}

static void end_sale(struct http_conn *c)
{
    assert_int_equal(http_receive(c, false, &a->resp), 0);
    http_conn_close(c);
    assert_int_equal(a->resp.status, 200);
}

static void while_redis_pauses(void)
{
    struct http_conn c;
    const char *sku = api_item(a, 5, 0);
    redis_do(&stack.redis, "CLIENT PAUSE 600000 WRITE");
    begin_sale(&c, sku);
    take_a_while();
    redis_do(&stack.redis, "CLIENT UNPAUSE");
    end_sale(&c);
}

static void leaving_while_redis_pauses(void)
{
    const struct linger reset = {.l_onoff = 1, .l_linger = 0};
    struct http_conn c;
    const char *sku = api_item(a, 5, 0);
    redis_do(&stack.redis, "CLIENT PAUSE 600000 WRITE");
    begin_sale(&c, sku);
    take_a_while();
    setsockopt(c.fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    http_conn_close(&c);
    assert_true(await(metric("stockd_http_connections_open") == 1, RECOVERY_MS));
    redis_do(&stack.redis, "CLIENT UNPAUSE");
}

static void while_the_applier_is_away(void)
{
    struct http_conn c;
    const char *sku = api_item(a, 5, 0);
    applier_stop();
    begin_sale(&c, sku);
    take_a_while();
    applier_start();
    end_sale(&c);
}

/* --- what is told of them --------------------------------------------------------------------- */

static void a_body_that_comes_slowly_is_told_of_as_that(void **state)
{
    serve(.flags = {"--slow-request", SLOW});
    check_line_of(with_a_trace);
    assert_true(number("body_ms") >= SLOW_MS);
    check_says("method=PUT route=item status=201");
    check_says("address=127.0.0.1");
    assert_true(metric(SLOW_COUNTED) >= 1);
}

static void what_is_no_trace_is_not_repeated(void **state)
{
    serve(.flags = {"--slow-request", SLOW});
    send_slowly("traceparent: rubbish\r\n");
    check_line_of(with_a_trace);
    assert_int_equal(tservice_log_count(&stack.service, "rubbish", NULL), 0);
}

static void what_redis_takes_is_told_of_as_that(void **state)
{
    serve(.flags = {"--slow-request", SLOW});
    check_line_of(while_redis_pauses);
    check_says("route=decrements status=200");
    assert_true(number("redis_ms") + number("queue_ms") >= SLOW_MS);
}

static void a_client_that_leaves_is_told_of_without_a_status(void **state)
{
    serve(.flags = {"--slow-request", SLOW});
    check_line_of(leaving_while_redis_pauses);
    check_says("route=decrements status=0");
}

static void what_waits_for_sql_is_told_of_as_that(void **state)
{
    serve(.ledger = *state, .apart = true,
          .flags = {"--slow-request", SLOW, "--durability", "ledger"});
    check_line_of(while_the_applier_is_away);
    check_says("route=decrements status=200");
    assert_true(number("durability_ms") > 0);
}

static void whose_it_is_stands_there(void **state)
{
    const struct api_key_spec specs[] = {{ROLE_STOCK, ROLE_STOCK, "acme"}};
    char key[API_KEY_SIZE];
    assert_int_equal(api_keys_write_specs(keys, specs, 1), 0);
    serve(.flags = {"--slow-request", SLOW, "--keys-file", keys});
    check_line_of(with_a_key);
    check_says(" client=acme/test-");
    api_key_of(ROLE_STOCK, key);
    assert_int_equal(tservice_log_count(&stack.service, key, NULL), 0);
}

/* A long poll has waited for as long as others are slow; then comes one that is. */
static void what_waits_for_events_is_none(void **state)
{
    serve(.ledger = *state, .flags = {"--slow-request", SLOW});
    get("/v1/events?after=latest&wait=1");
    check_line_of(with_a_trace);
    assert_int_equal(tservice_log_count(&stack.service, "slow request", "route=events"), 0);
}

static void none_is_told_of_that_was_not_slow_or_where_nobody_asked(void **state)
{
    static const char *const no[] = {NEVER, "0"};
    for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++) {
        serve(.flags = {"--slow-request", no[i]});
        with_a_trace();
        assert_int_equal(tservice_log_count(&stack.service, "slow request", NULL), 0);
        assert_int_equal(metric(SLOW_COUNTED), 0);
    }
}

/* Each is counted; those that no line tells of are in the number of the next line. */
static void many_at_a_time_are_few_lines(void **state)
{
    enum { MANY = 20 };
    struct http_conn c[MANY];
    char sku[80];
    serve(.flags = {"--slow-request", SLOW});
    KEEP(sku, api_item(a, MANY, 0));
    redis_do(&stack.redis, "CLIENT PAUSE 600000 WRITE");
    for (int i = 0; i < MANY; i++)
        begin_sale(&c[i], sku);
    take_a_while();
    redis_do(&stack.redis, "CLIENT UNPAUSE");
    for (int i = 0; i < MANY; i++)
        end_sale(&c[i]);
    assert_true(await(metric(SLOW_COUNTED) >= MANY, RECOVERY_MS));
    assert_in_range(tservice_log_count(&stack.service, "slow request", NULL), 1,
                    metric(SLOW_COUNTED));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLAIN_TEST(a_body_that_comes_slowly_is_told_of_as_that),
        PLAIN_TEST(what_is_no_trace_is_not_repeated),
        PLAIN_TEST(what_redis_takes_is_told_of_as_that),
        PLAIN_TEST(a_client_that_leaves_is_told_of_without_a_status),
        SQLITE_TEST(what_waits_for_sql_is_told_of_as_that),
        PLAIN_TEST(whose_it_is_stands_there),
        SQLITE_TEST(what_waits_for_events_is_none),
        PLAIN_TEST(none_is_told_of_that_was_not_slow_or_where_nobody_asked),
        PLAIN_TEST(many_at_a_time_are_few_lines),
    };
    unsetenv("TEST_KEYS"); /* connections are made here */
    unsetenv("TEST_TLS");
    if (temp_dir_make(dir) < 0)
        return EXIT_FAILURE;
    snprintf(keys, sizeof(keys), "%s/keys", dir);
    int failed = run_each("slow requests", tests);
    temp_dir_remove(dir);
    return failed;
}
