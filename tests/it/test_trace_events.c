/* test_trace_events.c -- --trace-events: what a request changes names its trace, from Redis to SQL,
 * movements and the feed; and nothing does where nobody asked for that.
 */
#include "support/fixture.h"

#include <string.h>

#define FIRST  "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
#define SECOND "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"
#define TRACED "traceparent: " FIRST "\r\n"

#define start(...)       serve(.ledger = *state, __VA_ARGS__)
#define start_traced()   start(.flags = {"--trace-events"})
#define MOVEMENTS(sku)   text("/v1/items/%s/movements", (sku))
#define IN_SQL(of, sku)  sql_int(text("SELECT COUNT(*) FROM " of " AND sku = '%s'", (sku)))
#define TRACED_ROWS(sku) IN_SQL("events WHERE traceparent = '" FIRST "'", sku)
#define ANY_TRACED(sku)  IN_SQL("events WHERE traceparent IS NOT NULL", sku)

/* --- asking ----------------------------------------------------------------------------------- */

/* The newest movement of an item; the number of all to count. Good until the next call. */
static json_t *newest_movement(const char *sku)
{
    await_in_sql(sku);
    get(MOVEMENTS(sku));
    json_t *newest = json_array_get(json_object_get(http_resp_json(&a->resp), "movements"), 0);
    assert_non_null(newest);
    return newest;
}

/* NULL: it names none. */
static void check_newest(const char *sku, const char *type, const char *trace)
{
    json_t *newest = newest_movement(sku), *told = json_object_get(newest, "traceparent");
    assert_string_equal(json_string_value(json_object_get(newest, "type")), type);
    if (!trace)
        assert_null(told);
    else
        assert_string_equal(json_string_value(told), trace);
}

static void call_traced(int status, const char *method, const char *path, const char *body)
{
    api_call(a, status, method, path, TRACED, body);
}

/* --- what names a trace ----------------------------------------------------------------------- */

static void all_that_changes_an_item_names_the_trace_of_its_request(void **state)
{
    char one[80], other[80], id[64];
    start_traced();
    KEEP(one, new_sku());
    KEEP(other, api_item(a, 1, 0));
    check_newest(other, "create", NULL);
    call_traced(201, "PUT", ITEM(one), "{\"on_hand\":20}");
    check_newest(one, "create", FIRST);
    call_traced(200, "POST", ADJUST(one), "{\"delta\":-1}");
    check_newest(one, "adjust", FIRST);
    call_traced(200, "POST", DECREMENT(one), "{\"quantity\":1}");
    check_newest(one, "decrement", FIRST);
    call_traced(200, "POST", TRANSFER(one), text("{\"to\":\"%s\",\"quantity\":1}", other));
    check_newest(one, "transfer", FIRST);
    check_newest(other, "transfer", FIRST); /* both of its items */
    call_traced(201, "POST", RESERVATIONS,
                text("{\"lines\":[{\"sku\":\"%s\",\"quantity\":1}]}", one));
    KEEP(id, api_str(a, "id"));
    check_newest(one, "reserve", FIRST);
    call_traced(200, "POST", EXTEND(id), "{\"ttl_seconds\":900}");
    check_newest(one, "extend", FIRST);
    post(200, CONFIRM(id), "{}"); /* another request, without */
    check_newest(one, "confirm", NULL);
    assert_int_equal(TRACED_ROWS(one), 6);
    assert_int_equal(ANY_TRACED(one), 6);
    assert_int_equal(IN_SQL("item_movements WHERE traceparent = '" FIRST "'", one), 6);
    check_audit(0);
}

static void the_operations_of_a_batch_have_its_trace(void **state)
{
    char one[80], other[80];
    start_traced();
    KEEP(one, api_item(a, 5, 0));
    KEEP(other, api_item(a, 5, 0));
    call_traced(200, "POST", "/v1/batch",
                text("{\"operations\":[{\"op\":\"decrement\",\"sku\":\"%s\",\"quantity\":1},"
                     "{\"op\":\"adjust\",\"sku\":\"%s\",\"delta\":1}]}",
                     one, other));
    check_newest(one, "decrement", FIRST);
    check_newest(other, "adjust", FIRST);
}

static void the_feed_names_it(void **state)
{
    start_traced();
    const char *sku = new_sku();
    call_traced(201, "PUT", ITEM(sku), "{\"on_hand\":20}");
    await_in_sql(sku);
    get("/v1/events?limit=10");
    check_like(a, "{'events':[{'type':'create','sku':'%s','traceparent':'" FIRST "'}]}", sku);
}

/* The one who asked first has done it. */
static void a_repeat_keeps_the_trace_of_before(void **state)
{
    start_traced();
    char sku[80];
    KEEP(sku, api_item(a, 5, 0));
    const char *body = "{\"quantity\":1}";
    api_call(a, 200, "POST", DECREMENT(sku), TRACED "Idempotency-Key: k-1\r\n", body);
    api_call(a, 200, "POST", DECREMENT(sku), "traceparent: " SECOND "\r\nIdempotency-Key: k-1\r\n",
             body);
    check_newest(sku, "decrement", FIRST);
    assert_int_equal(ANY_TRACED(sku), 1);
}

/* Nobody asked for it, though somebody asked for the hold. */
static void what_ends_by_itself_names_none(void **state)
{
    char sku[80];
    start_traced();
    KEEP(sku, api_item(a, 5, 0));
    call_traced(201, "POST", RESERVATIONS,
                text("{\"lines\":[{\"sku\":\"%s\",\"quantity\":1}],\"ttl_seconds\":1}", sku));
    assert_true(await(IN_SQL("events WHERE type = 'expire'", sku) == 1, RECOVERY_MS));
    check_newest(sku, "expire", NULL);
    assert_int_equal(TRACED_ROWS(sku), 1);
}

static void one_that_is_none_is_no_reason_to_refuse(void **state)
{
    static const char *const wrong[] = {"", "rubbish", FIRST "-",
                                        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
                                        "00-00000000000000000000000000000000-00f067aa0ba902b7-01"};
    char sku[80];
    start_traced();
    KEEP(sku, api_item(a, 50, 0));
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        api_call(a, 200, "POST", DECREMENT(sku), text("traceparent: %s\r\n", wrong[i]),
                 "{\"quantity\":1}");
        check_newest(sku, "decrement", NULL);
    }
    /* Of a later version, what is known of it. */
    api_call(a, 200, "POST", DECREMENT(sku),
             "traceparent: 01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more\r\n",
             "{\"quantity\":1}");
    check_newest(sku, "decrement", FIRST);
}

static void another_worker_that_commits_keeps_it(void **state)
{
    char sku[80];
    start(.workers = 3, .flags = {"--trace-events", "--relay", "always"});
    KEEP(sku, api_item(a, 50, 0));
    for (int i = 0; i < 12; i++) {
        struct http_conn c; /* of whatever worker takes it */
        http_conn_init(&c, stack.service.port);
        assert_int_equal(
            http_call(&c, "POST", DECREMENT(sku), TRACED, "{\"quantity\":1}", &a->resp), 0);
        assert_int_equal(a->resp.status, 200);
        http_conn_close(&c);
    }
    await_in_sql(sku);
    assert_int_equal(TRACED_ROWS(sku), 12);
}

/* --- where nobody asked for it ---------------------------------------------------------------- */

/* Bytes of the last entry of the stream. */
static int64_t entry_bytes(void)
{
    redisContext *c = tredis_connect(&stack.redis);
    redisReply *reply = c ? redisCommand(c, "XREVRANGE {p0}:events + - COUNT 1") : NULL;
    assert_true(reply && reply->elements == 1);
    int64_t bytes = (int64_t)reply->element[0]->element[1]->element[1]->len;
    freeReplyObject(reply);
    redisFree(c);
    return bytes;
}

static void without_the_option_nothing_is_another(void **state)
{
    char sku[80];
    start();
    KEEP(sku, api_item(a, 9, 0));
    post(200, DECREMENT(sku), "{\"quantity\":1}");
    int64_t bytes = entry_bytes();
    call_traced(200, "POST", DECREMENT(sku), "{\"quantity\":1}");
    assert_int_equal(entry_bytes(), bytes);
    check_newest(sku, "decrement", NULL);
    assert_int_equal(ANY_TRACED(sku), 0);
}

static void what_was_kept_with_it_is_told_without_it(void **state)
{
    char sku[80];
    start_traced();
    KEEP(sku, new_sku());
    call_traced(201, "PUT", ITEM(sku), "{\"on_hand\":20}");
    await_in_sql(sku);
    start();
    check_newest(sku, "create", FIRST);
    call_traced(200, "POST", DECREMENT(sku), "{\"quantity\":1}");
    check_newest(sku, "decrement", NULL);
}

static void a_restored_store_has_its_past(void **state)
{
    char sku[80];
    start_traced();
    KEEP(sku, new_sku());
    call_traced(201, "PUT", ITEM(sku), "{\"on_hand\":20}");
    await_in_sql(sku);
    redis_do(&stack.redis, "FLUSHALL");
    assert_true(await(problem_is(sku, "state-lost"), RECOVERY_MS));
    check_command(0, "restore", "--redis", stack.redis.url, "--ledger", ledger_url);
    await_ready();
    get(MOVEMENTS(sku));
    check_like(a, "{'movements':[{'type':'create','traceparent':'" FIRST "'}]}");
    call_traced(200, "POST", DECREMENT(sku), "{\"quantity\":1}");
    check_newest(sku, "decrement", FIRST);
    check_audit(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(all_that_changes_an_item_names_the_trace_of_its_request),
        SQLITE_TEST(the_operations_of_a_batch_have_its_trace),
        ON_BOTH(the_feed_names_it),
        SQLITE_TEST(a_repeat_keeps_the_trace_of_before),
        SQLITE_TEST(what_ends_by_itself_names_none),
        SQLITE_TEST(one_that_is_none_is_no_reason_to_refuse),
        SQLITE_TEST(another_worker_that_commits_keeps_it),
        SQLITE_TEST(without_the_option_nothing_is_another),
        SQLITE_TEST(what_was_kept_with_it_is_told_without_it),
        ON_BOTH(a_restored_store_has_its_past),
    };
    return run_each("traces in events", tests);
}
