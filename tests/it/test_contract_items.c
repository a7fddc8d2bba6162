/* test_contract_items.c -- the items of the HTTP contract: every row, rule and limit. */
#include "support/fixture.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ITEM(sku)       text("/v1/items/%s", (sku))
#define ADJUST(sku)     text("/v1/items/%s/adjustments", (sku))
#define DECREMENT(sku)  text("/v1/items/%s/decrements", (sku))
#define IF_MATCH(value) "If-Match: " value "\r\n"
#define ANY_VERSION     IF_MATCH("*")
#define ON_HAND_MAX     INT64_C(9007199254740991)

/* Nothing that any test of this group does may break the books of an item. */
static void check_conservation(const char *sku)
{
    api_call(a, 200, "GET", ITEM(sku), NULL, NULL);
    assert_int_equal(api_int(a, "on_hand"), api_int(a, "available") + api_int(a, "held"));
    assert_true(api_int(a, "available") >= 0 && api_int(a, "held") >= 0);
    assert_true(api_int(a, "sold") >= 0);
}

static void put_creates(void **state)
{
    const char *sku = new_sku();
    api_call(a, 201, "PUT", ITEM(sku), NULL, "{\"on_hand\":100,\"max_per_customer\":2}");
    check_like(a,
               "{'sku':'%s','on_hand':100,'available':100,'held':0,'sold':0,'version':1,"
               "'max_per_customer':2}",
               sku);
    assert_true(api_time(a, "updated_at") > 0);
    check_header(a, "Content-Type", "application/json");
    check_item(a, sku, 100, 100, 0, 0, 1);
    check_int(a, "max_per_customer", 2);

    sku = api_item(a, 5, 0);
    check_null(a, "max_per_customer");
    check_item(a, sku, 5, 5, 0, 0, 1);
}

static void put_needs_on_hand_to_create(void **state)
{
    const char *sku = new_sku();
    api_problem(a, 422, "invalid-field", "on_hand", "PUT", ITEM(sku), NULL, "{}");
    api_problem(a, 422, "invalid-field", "on_hand", "PUT", ITEM(sku), NULL,
                "{\"max_per_customer\":2}");
    api_problem(a, 404, "item-not-found", NULL, "GET", ITEM(sku), NULL, NULL);
}

static void put_sets_only_with_a_condition(void **state)
{
    const char *sku = api_item(a, 10, 3);
    api_problem(a, 428, "precondition-required", NULL, "PUT", ITEM(sku), NULL, "{\"on_hand\":11}");
    api_problem(a, 412, "precondition-failed", NULL, "PUT", ITEM(sku), IF_MATCH("\"2\""),
                "{\"on_hand\":11}");
    api_problem(a, 412, "precondition-failed", NULL, "PUT", ITEM(sku), "If-None-Match: *\r\n",
                "{\"on_hand\":11}");
    check_item(a, sku, 10, 10, 0, 0, 1);

    api_call(a, 200, "PUT", ITEM(sku), IF_MATCH("\"1\""), "{\"on_hand\":11}");
    check_like(a, "{'on_hand':11,'version':2}");
    check_int(a, "max_per_customer", 3); /* left out: stays */
    api_problem(a, 412, "precondition-failed", NULL, "PUT", ITEM(sku), IF_MATCH("\"1\""),
                "{\"on_hand\":12}");
    api_call(a, 200, "PUT", ITEM(sku), ANY_VERSION, "{\"max_per_customer\":null}");
    check_like(a, "{'version':3,'on_hand':11,'max_per_customer':null}");
    api_call(a, 200, "PUT", ITEM(sku), IF_MATCH("\"9\", \"3\""), "{\"on_hand\":0}");
    check_item(a, sku, 0, 0, 0, 0, 4);
}

static void put_of_nothing_is_a_transition(void **state)
{
    const char *sku = api_item(a, 10, 0);
    api_call(a, 200, "PUT", ITEM(sku), ANY_VERSION, "{}");
    check_int(a, "version", 2);
    api_call(a, 200, "PUT", ITEM(sku), ANY_VERSION, "{\"on_hand\":10}"); /* as it is */
    check_item(a, sku, 10, 10, 0, 0, 3);
}

static void put_on_a_missing_item_with_a_condition(void **state)
{
    const char *sku = new_sku();
    api_problem(a, 412, "precondition-failed", NULL, "PUT", ITEM(sku), ANY_VERSION,
                "{\"on_hand\":1}");
    api_problem(a, 412, "precondition-failed", NULL, "PUT", ITEM(sku), IF_MATCH("\"1\""),
                "{\"on_hand\":1}");
    api_problem(a, 404, "item-not-found", NULL, "GET", ITEM(sku), NULL, NULL);
    api_call(a, 201, "PUT", ITEM(sku), "If-None-Match: *\r\n", "{\"on_hand\":1}");
    check_item(a, sku, 1, 1, 0, 0, 1);
}

static void malformed_conditions_are_refused(void **state)
{
    const char *sku = api_item(a, 10, 0);
    static const char *const bad[] = {IF_MATCH("1"), IF_MATCH("\"1"), IF_MATCH("1\""),
                                      IF_MATCH("\"1\" \"2\""), IF_MATCH("\"1\",,x")};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        api_problem(a, 400, "malformed-header", NULL, "PUT", ITEM(sku), bad[i], "{\"on_hand\":1}");
    api_problem(a, 400, "malformed-header", NULL, "DELETE", ITEM(sku), IF_MATCH("1"), NULL);
    check_item(a, sku, 10, 10, 0, 0, 1);
}

static void put_keeps_what_is_held(void **state)
{
    const char *sku = api_item(a, 10, 0);
    api_reserve(a, sku, 6, 0);
    api_problem(a, 409, "below-held", NULL, "PUT", ITEM(sku), ANY_VERSION, "{\"on_hand\":5}");
    api_problem(a, 409, "below-held", NULL, "PUT", ITEM(sku), ANY_VERSION, "{\"on_hand\":0}");
    check_item(a, sku, 10, 4, 6, 0, 2);
    api_call(a, 200, "PUT", ITEM(sku), ANY_VERSION, "{\"on_hand\":6}");
    check_item(a, sku, 6, 0, 6, 0, 3);
    api_call(a, 200, "PUT", ITEM(sku), IF_MATCH("\"3\""), "{\"on_hand\":100}");
    check_item(a, sku, 100, 94, 6, 0, 4);
}

static void put_checks_its_fields(void **state)
{
    static const char *const on_hand_bad[] = {"-1",
                                              "9007199254740992",
                                              "1.0",
                                              "1.5",
                                              "1e3",
                                              "\"5\"",
                                              "null",
                                              "true",
                                              "[]",
                                              "{}",
                                              "-0.0",
                                              "9223372036854775807",
                                              "9223372036854775808",
                                              "-9223372036854775809",
                                              "123456789012345678901234567890"};
    static const char *const max_bad[] = {"0",     "-1",    "1000000001",           "1.0",
                                          "\"2\"", "false", "99999999999999999999", "[1]"};
    const char *sku = new_sku();
    for (size_t i = 0; i < sizeof(on_hand_bad) / sizeof(*on_hand_bad); i++)
        api_problem(a, 422, "invalid-field", "on_hand", "PUT", ITEM(sku), NULL,
                    text("{\"on_hand\":%s}", on_hand_bad[i]));
    for (size_t i = 0; i < sizeof(max_bad) / sizeof(*max_bad); i++)
        api_problem(a, 422, "invalid-field", "max_per_customer", "PUT", ITEM(sku), NULL,
                    text("{\"on_hand\":1,\"max_per_customer\":%s}", max_bad[i]));
    api_problem(a, 422, "invalid-field", "colour", "PUT", ITEM(sku), NULL,
                "{\"on_hand\":1,\"colour\":\"red\"}");
    api_problem(a, 422, "invalid-field", "version", "PUT", ITEM(sku), NULL,
                "{\"on_hand\":1,\"version\":1}");
    api_problem(a, 404, "item-not-found", NULL, "GET", ITEM(sku), NULL, NULL);
}

static void put_takes_the_limits(void **state)
{
    static const int64_t on_hands[] = {0, 1, ON_HAND_MAX};
    for (size_t i = 0; i < 3; i++) {
        const char *sku = api_item(a, on_hands[i], 0);
        check_item(a, sku, on_hands[i], on_hands[i], 0, 0, 1);
    }
    api_item(a, 1, 1);
    check_int(a, "max_per_customer", 1);
    api_item(a, 1, 1000000000);
    check_int(a, "max_per_customer", 1000000000);
}

static void skus_have_limits(void **state)
{
    static const char every[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ.abcdefghijklmnopqrstuvwxyz_0:123456-9";
    char longest[66];
    memset(longest, 'x', 65);
    longest[65] = '\0';
    assert_int_equal(strlen(every), 64);

    api_problem(a, 422, "invalid-field", "sku", "PUT", ITEM(longest), NULL, "{\"on_hand\":1}");
    api_problem(a, 422, "invalid-field", "sku", "GET", ITEM(longest), NULL, NULL);
    longest[64] = '\0';
    api_call(a, 201, "PUT", ITEM(longest), NULL, "{\"on_hand\":1}");
    check_item(a, longest, 1, 1, 0, 0, 1);
    api_call(a, 201, "PUT", ITEM(every), NULL, "{\"on_hand\":1}");
    check_item(a, every, 1, 1, 0, 0, 1);

    static const char *const bad[] = {"a%2Fb", "a%20b", "%C3%A4", "a%0Ab", "a,b", "a%25b", "a%00"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        api_problem(a, 422, "invalid-field", "sku", "PUT", ITEM(bad[i]), NULL, "{\"on_hand\":1}");
        api_problem(a, 422, "invalid-field", "sku", "GET", ITEM(bad[i]), NULL, NULL);
        api_problem(a, 422, "invalid-field", "sku", "DELETE", ITEM(bad[i]), NULL, NULL);
        api_problem(a, 422, "invalid-field", "sku", "POST", ADJUST(bad[i]), NULL, "{\"delta\":1}");
        api_problem(a, 422, "invalid-field", "sku", "POST", DECREMENT(bad[i]), NULL,
                    "{\"quantity\":1}");
    }
}

static void paths_are_percent_decoded(void **state)
{
    const char *sku = api_item(a, 3, 0); /* "item-..." */
    api_call(a, 200, "GET", text("/v1/items/%%69tem%%2d%s", sku + 5), NULL, NULL);
    check_str(a, "sku", sku);
    api_call(a, 200, "POST", text("/v1/items/%%69tem%%2D%s/decrements", sku + 5), NULL,
             "{\"quantity\":1}");
    check_str(a, "sku", sku);
    check_item(a, sku, 2, 2, 0, 1, 2);
}

static void get_has_an_etag(void **state)
{
    const char *sku = api_item(a, 10, 0);
    api_call(a, 200, "GET", ITEM(sku), "If-None-Match: \"2\"\r\n", NULL);
    check_header(a, "ETag", "\"1\"");
    api_call(a, 304, "GET", ITEM(sku), "If-None-Match: \"1\"\r\n", NULL);
    check_header(a, "ETag", "\"1\"");
    assert_int_equal(a->resp.body_bytes, 0);
    api_call(a, 304, "GET", ITEM(sku), "if-none-match: *\r\n", NULL);
    api_call(a, 304, "GET", ITEM(sku), "If-None-Match: \"7\", \"1\"\r\n", NULL);
    api_call(a, 200, "PUT", ITEM(sku), ANY_VERSION, "{\"on_hand\":4}");
    api_call(a, 200, "GET", ITEM(sku), "If-None-Match: \"1\"\r\n", NULL);
    check_header(a, "ETag", "\"2\"");
    api_problem(a, 404, "item-not-found", NULL, "GET", ITEM(new_sku()), "If-None-Match: *\r\n",
                NULL);
}

static void updated_at_moves_with_the_item(void **state)
{
    const char *sku = api_item(a, 10, 0);
    int64_t created = api_time(a, "updated_at");
    assert_true(
        await((api_call(a, 200, "POST", DECREMENT(sku), NULL, "{\"quantity\":1}"),
               api_call(a, 200, "GET", ITEM(sku), NULL, NULL), api_time(a, "updated_at") > created),
              500));
    int64_t later = api_time(a, "updated_at");
    api_call(a, 200, "GET", ITEM(sku), NULL, NULL);
    assert_int_equal(api_time(a, "updated_at"), later);
}

static void list_walks_sorted_pages(void **state)
{
    enum { COUNT = 7 };
    const char *const names[COUNT] = {"walk.b", "walk.A", "walk.a",  "walk.10",
                                      "walk.9", "walk._", "walk.a.b"};
    const char *const sorted[COUNT] = {"walk.10", "walk.9",   "walk.A", "walk._",
                                       "walk.a",  "walk.a.b", "walk.b"};
    for (size_t i = 0; i < COUNT; i++)
        api_call(a, 201, "PUT", ITEM(names[i]), NULL, "{\"on_hand\":5}");

    api_call(a, 200, "GET", "/v1/items?prefix=walk.", NULL, NULL);
    check_size(a, "items", COUNT);
    check_null(a, "next_cursor");
    for (size_t i = 0; i < COUNT; i++) {
        check_str(a, text("items[%zu].sku", i), sorted[i]);
        check_int(a, text("items[%zu].on_hand", i), 5);
        check_int(a, text("items[%zu].version", i), 1);
    }

    size_t seen = 0;
    const char *cursor = "";
    do {
        api_call(a, 200, "GET", text("/v1/items?prefix=walk.&limit=3%s", cursor), NULL, NULL);
        json_t *items = json_at(http_resp_json(&a->resp), "items");
        assert_true(json_array_size(items) <= 3);
        for (size_t i = 0; i < json_array_size(items); i++, seen++)
            check_str(a, text("items[%zu].sku", i), sorted[seen]);
        cursor = json_is_null(json_at(http_resp_json(&a->resp), "next_cursor"))
                     ? NULL
                     : text("&cursor=%s", api_str(a, "next_cursor"));
    } while (cursor && seen <= COUNT);
    assert_int_equal(seen, COUNT);

    api_call(a, 200, "GET", "/v1/items?prefix=walk.a", NULL, NULL);
    check_size(a, "items", 2);
    api_call(a, 200, "GET", "/v1/items?prefix=walk%2Ea", NULL, NULL);
    check_size(a, "items", 2);
    api_call(a, 200, "GET", "/v1/items?prefix=no.such.prefix", NULL, NULL);
    check_like(a, "{'next_cursor':null,'items':[]}");

    api_call(a, 204, "DELETE", ITEM("walk.a"), NULL, NULL);
    api_call(a, 200, "GET", "/v1/items?prefix=walk.a", NULL, NULL);
    check_like(a, "{'items':[{'sku':'walk.a.b'}]}");
}

/* 560 items: the default page of 50, the largest of 500, and a walk that meets each item once. */
static void list_pages_have_limits(void **state)
{
    enum { COUNT = 560 };
    char *body = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&body, &size);
    fprintf(out, "{\"operations\":[");
    for (int i = 0; i < COUNT; i++)
        fprintf(out, "%s{\"op\":\"put\",\"sku\":\"page.%03d\",\"on_hand\":1}", i ? "," : "", i);
    fprintf(out, "]}");
    fclose(out);
    api_call(a, 200, "POST", "/v1/batch", NULL, body);
    free(body);

    api_call(a, 200, "GET", "/v1/items?prefix=page.", NULL, NULL);
    check_size(a, "items", 50);
    assert_true(json_is_string(json_at(http_resp_json(&a->resp), "next_cursor")));
    api_call(a, 200, "GET", "/v1/items?prefix=page.&limit=1", NULL, NULL);
    check_size(a, "items", 1);
    api_call(a, 200, "GET", "/v1/items?prefix=page.&limit=500", NULL, NULL);
    check_size(a, "items", 500);
    check_str(a, "items[499].sku", "page.499");
    api_call(a, 200, "GET",
             text("/v1/items?limit=500&prefix=page.&cursor=%s", api_str(a, "next_cursor")), NULL,
             NULL);
    check_like(a, "{'items':[{'sku':'page.500'},'...'],'next_cursor':null}");
    check_size(a, "items", COUNT - 500);
}

static void list_checks_its_parameters(void **state)
{
    static const char *const bad[] = {"0",  "501", "-1", "1.0", "abc", "", "99999999999999999999",
                                      "+5", "5x"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        api_problem(a, 422, "invalid-field", "limit", "GET", text("/v1/items?limit=%s", bad[i]),
                    NULL, NULL);
    api_problem(a, 422, "invalid-field", "colour", "GET", "/v1/items?colour=red", NULL, NULL);
    api_problem(a, 422, "invalid-field", "Limit", "GET", "/v1/items?limit=5&Limit=6", NULL, NULL);
}

static void adjustments_add_and_take(void **state)
{
    const char *sku = api_item(a, 10, 0);
    api_call(a, 200, "POST", ADJUST(sku), NULL,
             "{\"delta\":50,\"reason\":\"restock\",\"reference\":\"PO-7\"}");
    check_like(a, "{'sku':'%s','on_hand':60,'available':60,'version':2}", sku);
    api_call(a, 200, "POST", ADJUST(sku), NULL, "{\"delta\":-60}");
    check_item(a, sku, 0, 0, 0, 0, 3);

    api_problem(a, 409, "insufficient-stock", NULL, "POST", ADJUST(sku), NULL, "{\"delta\":-1}");
    check_like(a, "{'lines':[{'sku':'%s','requested':1,'available':0,'version':3}]}", sku);

    /* Held units cannot be taken. */
    api_call(a, 200, "POST", ADJUST(sku), NULL, "{\"delta\":10}");
    api_reserve(a, sku, 7, 0);
    api_problem(a, 409, "insufficient-stock", NULL, "POST", ADJUST(sku), NULL, "{\"delta\":-4}");
    check_like(a, "{'lines':[{'available':3,'version':5}]}");
    check_item(a, sku, 10, 3, 7, 0, 5);
    api_call(a, 200, "POST", ADJUST(sku), NULL, "{\"delta\":-3}");
    check_item(a, sku, 7, 0, 7, 0, 6);
    api_problem(a, 404, "item-not-found", NULL, "POST", ADJUST(new_sku()), NULL, "{\"delta\":1}");
}

static void adjustments_have_limits(void **state)
{
    static const char *const bad[] = {"0",
                                      "9007199254740993",
                                      "-9007199254740993",
                                      "1.0",
                                      "\"1\"",
                                      "null",
                                      "true",
                                      "9223372036854775808",
                                      "-0",
                                      "-99999999999999999999"};
    const char *sku = api_item(a, 10, 0);
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        api_problem(a, 422, "invalid-field", "delta", "POST", ADJUST(sku), NULL,
                    text("{\"delta\":%s}", bad[i]));
    api_problem(a, 422, "invalid-field", "delta", "POST", ADJUST(sku), NULL, "{}");
    api_problem(a, 422, "invalid-field", "reason", "POST", ADJUST(sku), NULL,
                "{\"delta\":1,\"reason\":7}");
    api_problem(a, 422, "invalid-field", "reference", "POST", ADJUST(sku), NULL,
                "{\"delta\":1,\"reference\":null}");
    api_problem(a, 422, "invalid-field", "quantity", "POST", ADJUST(sku), NULL,
                "{\"delta\":1,\"quantity\":1}");
    char longest[130];
    memset(longest, 'r', 129);
    longest[129] = '\0';
    api_problem(a, 422, "invalid-field", "reference", "POST", ADJUST(sku), NULL,
                text("{\"delta\":1,\"reference\":\"%s\"}", longest));
    check_item(a, sku, 10, 10, 0, 0, 1);
    longest[128] = '\0';
    api_call(a, 200, "POST", ADJUST(sku), NULL,
             text("{\"delta\":1,\"reference\":\"%s\"}", longest));

    /* within +-2^53, and on_hand never beyond 2^53 - 1 */
    api_problem(a, 409, "insufficient-stock", NULL, "POST", ADJUST(sku), NULL,
                "{\"delta\":-9007199254740992}");
    check_int(a, "lines[0].requested", INT64_C(9007199254740992));
    api_problem(a, 422, "invalid-field", "delta", "POST", ADJUST(sku), NULL,
                "{\"delta\":9007199254740992}");
    api_problem(a, 422, "invalid-field", "delta", "POST", ADJUST(sku), NULL,
                text("{\"delta\":%" PRId64 "}", ON_HAND_MAX - 11 + 1));
    check_item(a, sku, 11, 11, 0, 0, 2);
    api_call(a, 200, "POST", ADJUST(sku), NULL, text("{\"delta\":%" PRId64 "}", ON_HAND_MAX - 11));
    check_item(a, sku, ON_HAND_MAX, ON_HAND_MAX, 0, 0, 3);
    api_call(a, 200, "POST", ADJUST(sku), NULL, text("{\"delta\":%" PRId64 "}", -ON_HAND_MAX));
    check_item(a, sku, 0, 0, 0, 0, 4);
}

static void decrements_sell(void **state)
{
    const char *sku = api_item(a, 10, 0);
    api_call(a, 200, "POST", DECREMENT(sku), NULL, "{\"quantity\":3}");
    check_like(a, "{'sku':'%s','quantity':3,'remaining':7,'version':2}", sku);
    assert_true(strlen(api_str(a, "id")) > 0);
    check_item(a, sku, 7, 7, 0, 3, 2);
    api_call(a, 200, "POST", DECREMENT(sku), NULL, "{\"quantity\":7,\"customer\":\"c-1\"}");
    check_int(a, "remaining", 0);
    check_item(a, sku, 0, 0, 0, 10, 3);

    api_problem(a, 409, "insufficient-stock", NULL, "POST", DECREMENT(sku), NULL,
                "{\"quantity\":1}");
    check_like(a, "{'lines':[{'sku':'%s','requested':1,'available':0,'version':3}]}", sku);
    check_absent(a, "earliest_release_at");
    check_item(a, sku, 0, 0, 0, 10, 3);
    api_problem(a, 404, "item-not-found", NULL, "POST", DECREMENT(new_sku()), NULL,
                "{\"quantity\":1}");
}

static void a_decrement_is_an_operation_and_no_reservation(void **state)
{
    const char *sku = api_item(a, 10, 0);
    api_call(a, 200, "POST", DECREMENT(sku), "Idempotency-Key: sell-1\r\n", "{\"quantity\":1}");
    check_str(a, "id", "sell-1");
    api_call(a, 200, "GET", "/v1/operations/sell-1", NULL, NULL);
    check_like(a, "{'id':'sell-1','body':{'id':'sell-1'}}");
    api_problem(a, 404, "reservation-not-found", NULL, "GET", "/v1/reservations/sell-1", NULL,
                NULL);
    api_call(a, 200, "POST", DECREMENT(sku), NULL, "{\"quantity\":1}");
    const char *one = api_str(a, "id");
    api_problem(a, 404, "reservation-not-found", NULL, "GET", text("/v1/reservations/%s", one),
                NULL, NULL);
    api_call(a, 200, "POST", DECREMENT(sku), NULL, "{\"quantity\":1}");
    assert_string_not_equal(api_str(a, "id"), one);
}

static void decrements_have_limits(void **state)
{
    static const char *const bad[] = {"0",    "-1",    "1000000001", "1.0", "0.5",
                                      "null", "\"1\"", "true",       "[]",  "18446744073709551617"};
    const char *sku = api_item(a, INT64_C(3000000000), 0);
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        api_problem(a, 422, "invalid-field", "quantity", "POST", DECREMENT(sku), NULL,
                    text("{\"quantity\":%s}", bad[i]));
    api_problem(a, 422, "invalid-field", "quantity", "POST", DECREMENT(sku), NULL, "{}");
    api_problem(a, 422, "invalid-field", "customer", "POST", DECREMENT(sku), NULL,
                "{\"quantity\":1,\"customer\":null}");
    api_problem(a, 422, "invalid-field", "sku", "POST", DECREMENT(sku), NULL,
                "{\"quantity\":1,\"sku\":\"x\"}");
    check_item(a, sku, INT64_C(3000000000), INT64_C(3000000000), 0, 0, 1);
    api_call(a, 200, "POST", DECREMENT(sku), NULL, "{\"quantity\":1000000000}");
    check_item(a, sku, INT64_C(2000000000), INT64_C(2000000000), 0, INT64_C(1000000000), 2);
}

static void delete_removes_and_versions_go_on(void **state)
{
    const char *sku = api_item(a, 10, 0);
    api_call(a, 200, "POST", DECREMENT(sku), NULL, "{\"quantity\":4}"); /* version 2 */
    api_call(a, 204, "DELETE", ITEM(sku), NULL, NULL);                  /* 3 */
    assert_int_equal(a->resp.body_bytes, 0);
    api_problem(a, 404, "item-not-found", NULL, "GET", ITEM(sku), NULL, NULL);
    api_problem(a, 404, "item-not-found", NULL, "DELETE", ITEM(sku), NULL, NULL);
    api_problem(a, 404, "item-not-found", NULL, "POST", DECREMENT(sku), NULL, "{\"quantity\":1}");
    api_problem(a, 404, "item-not-found", NULL, "POST", ADJUST(sku), NULL, "{\"delta\":1}");
    api_problem(a, 412, "precondition-failed", NULL, "PUT", ITEM(sku), IF_MATCH("\"3\""),
                "{\"on_hand\":1}");
    api_problem(a, 422, "invalid-field", "on_hand", "PUT", ITEM(sku), NULL, "{}");
    api_call(a, 201, "PUT", ITEM(sku), "If-None-Match: *\r\n", "{\"on_hand\":8}");
    check_like(a, "{'version':4,'on_hand':8,'available':8}");
    api_call(a, 204, "DELETE", ITEM(sku), NULL, NULL);
    api_call(a, 201, "PUT", ITEM(sku), NULL, "{\"on_hand\":8}");
    check_int(a, "version", 6);
}

static void delete_waits_for_holds(void **state)
{
    const char *sku = api_item(a, 10, 0);
    const char *id = api_reserve(a, sku, 1, 0);
    api_problem(a, 409, "item-in-use", NULL, "DELETE", ITEM(sku), NULL, NULL);
    check_item(a, sku, 10, 9, 1, 0, 2);
    api_call(a, 200, "POST", text("/v1/reservations/%s/release", id), NULL, NULL);
    api_call(a, 204, "DELETE", ITEM(sku), NULL, NULL);
    api_problem(a, 404, "item-not-found", NULL, "DELETE", ITEM(new_sku()), NULL, NULL);
}

static void delete_honours_if_match(void **state)
{
    const char *sku = api_item(a, 10, 0);
    api_problem(a, 412, "precondition-failed", NULL, "DELETE", ITEM(sku), IF_MATCH("\"2\""), NULL);
    check_item(a, sku, 10, 10, 0, 0, 1);
    api_call(a, 204, "DELETE", ITEM(sku), IF_MATCH("\"1\""), NULL);
    sku = api_item(a, 10, 0);
    api_call(a, 204, "DELETE", ITEM(sku), ANY_VERSION, NULL);
}

/* Reserves for a customer; the status. */
static int buy(const char *sku, const char *customer, int quantity)
{
    const char *body =
        text("{\"sku\":\"%s\",\"quantity\":%d,\"customer\":\"%s\"}", sku, quantity, customer);
    assert_int_equal(http_call(&a->conn, "POST", "/v1/reservations", NULL, body, &a->resp), 0);
    return a->resp.status;
}

static void limited_items_need_a_customer(void **state)
{
    const char *sku = api_item(a, 10, 2);
    api_problem(a, 422, "invalid-field", "customer", "POST", "/v1/reservations", NULL,
                text("{\"sku\":\"%s\",\"quantity\":1}", sku));
    api_problem(a, 422, "invalid-field", "customer", "POST", DECREMENT(sku), NULL,
                "{\"quantity\":1}");
    check_item(a, sku, 10, 10, 0, 0, 1);
    api_call(a, 200, "POST", DECREMENT(sku), NULL, "{\"quantity\":1,\"customer\":\"c\"}");
}

static void limits_count_held_and_sold_units(void **state)
{
    const char *sku = api_item(a, 100, 3);
    assert_int_equal(buy(sku, "ann", 2), 201);
    const char *id = api_str(a, "id");
    assert_int_equal(buy(sku, "ann", 2), 409);
    check_problem(a, 409, "limit-exceeded", NULL);
    check_like(a, "{'lines':[{'sku':'%s','limit':3,'used':2,'version':2}]}", sku);
    assert_int_equal(buy(sku, "bob", 3), 201); /* each customer for himself */
    assert_int_equal(buy(sku, "ann", 1), 201);
    assert_int_equal(buy(sku, "ann", 1), 409);

    /* Sold units go on counting, a decrement's too. */
    api_call(a, 200, "POST", text("/v1/reservations/%s/confirm", id), NULL, "{}");
    assert_int_equal(buy(sku, "ann", 1), 409);
    check_int(a, "lines[0].used", 3);
    api_call(a, 200, "POST", DECREMENT(sku), NULL, "{\"quantity\":3,\"customer\":\"eve\"}");
    api_problem(a, 409, "limit-exceeded", NULL, "POST", DECREMENT(sku), NULL,
                "{\"quantity\":1,\"customer\":\"eve\"}");
    check_like(a, "{'lines':[{'limit':3,'used':3}]}");
    assert_int_equal(buy(sku, "dan", 4), 409);
    check_int(a, "lines[0].used", 0);
    check_conservation(sku);
}

static void limits_get_units_back(void **state)
{
    const char *sku = api_item(a, 100, 4);
    assert_int_equal(buy(sku, "ann", 4), 201);
    const char *id = api_str(a, "id");
    api_call(a, 200, "POST", text("/v1/reservations/%s/release", id), NULL, NULL);
    assert_int_equal(buy(sku, "ann", 4), 201); /* a release gives back */
    id = api_str(a, "id");
    api_call(a, 200, "POST", text("/v1/reservations/%s/confirm", id), NULL,
             text("{\"lines\":[{\"sku\":\"%s\",\"quantity\":1}]}", sku));
    assert_int_equal(buy(sku, "ann", 4), 409);
    check_int(a, "lines[0].used", 1); /* so does the part that is not confirmed */
    api_call(a, 201, "POST", "/v1/reservations", NULL,
             text("{\"sku\":\"%s\",\"quantity\":3,\"customer\":\"ann\",\"ttl_seconds\":1}", sku));
    assert_int_equal(buy(sku, "ann", 1), 409);
    assert_true(await(buy(sku, "ann", 3) == 201, 1000 + EXPIRY_TIMEOUT_MS)); /* and an expiry */
    check_conservation(sku);
}

static void limits_can_be_changed(void **state)
{
    const char *sku = api_item(a, 100, 5);
    assert_int_equal(buy(sku, "ann", 5), 201);
    const char *id = api_str(a, "id");
    api_call(a, 200, "PUT", ITEM(sku), ANY_VERSION, "{\"max_per_customer\":2}");
    check_int(a, "held", 5); /* lowering it leaves holds alone */
    assert_int_equal(buy(sku, "ann", 1), 409);
    check_like(a, "{'lines':[{'limit':2,'used':5}]}");
    api_call(a, 200, "POST", text("/v1/reservations/%s/confirm", id), NULL, "{}");
    assert_int_equal(buy(sku, "bob", 3), 409);
    api_call(a, 200, "PUT", ITEM(sku), ANY_VERSION, "{\"max_per_customer\":6}");
    assert_int_equal(buy(sku, "ann", 1), 201);
    api_call(a, 200, "PUT", ITEM(sku), ANY_VERSION, "{\"max_per_customer\":null}");
    assert_int_equal(buy(sku, "ann", 50), 201);
    api_reserve(a, sku, 1, 0); /* no customer needed any more */
}

static void limits_start_anew_with_the_item(void **state)
{
    const char *sku = api_item(a, 10, 2);
    api_call(a, 200, "POST", DECREMENT(sku), NULL, "{\"quantity\":2,\"customer\":\"ann\"}");
    api_call(a, 204, "DELETE", ITEM(sku), NULL, NULL);
    api_call(a, 201, "PUT", ITEM(sku), NULL, "{\"on_hand\":10,\"max_per_customer\":2}");
    api_call(a, 200, "POST", DECREMENT(sku), NULL, "{\"quantity\":2,\"customer\":\"ann\"}");
    api_problem(a, 409, "limit-exceeded", NULL, "POST", DECREMENT(sku), NULL,
                "{\"quantity\":1,\"customer\":\"ann\"}");
}

/* 404, then limit, then stock. */
static void refusals_have_a_precedence(void **state)
{
    const char *sku = api_item(a, 1, 2);
    const char *gone = new_sku();
    assert_int_equal(buy(sku, "ann", 3), 409);
    check_problem(a, 409, "limit-exceeded", NULL);
    assert_int_equal(buy(sku, "ann", 2), 409);
    check_problem(a, 409, "insufficient-stock", NULL);
    api_problem(a, 404, "item-not-found", NULL, "POST", "/v1/reservations", NULL,
                text("{\"customer\":\"ann\",\"lines\":[{\"sku\":\"%s\",\"quantity\":3},"
                     "{\"sku\":\"%s\",\"quantity\":1}]}",
                     sku, gone));
    /* A basket: one line over the limit, one out of stock. */
    const char *empty = api_item(a, 0, 0);
    api_problem(a, 409, "limit-exceeded", NULL, "POST", "/v1/reservations", NULL,
                text("{\"customer\":\"ann\",\"lines\":[{\"sku\":\"%s\",\"quantity\":1},"
                     "{\"sku\":\"%s\",\"quantity\":3}]}",
                     empty, sku));
    check_like(a, "{'lines':[{'sku':'%s'}]}", sku);
    /* Lines of one sku count together. */
    api_problem(a, 409, "limit-exceeded", NULL, "POST", "/v1/reservations", NULL,
                text("{\"customer\":\"ann\",\"lines\":[{\"sku\":\"%s\",\"quantity\":1},"
                     "{\"sku\":\"%s\",\"quantity\":2}]}",
                     sku, sku));
    check_item(a, sku, 1, 1, 0, 0, 1);
    check_item(a, empty, 0, 0, 0, 0, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(put_creates),
        cmocka_unit_test(put_needs_on_hand_to_create),
        cmocka_unit_test(put_sets_only_with_a_condition),
        cmocka_unit_test(put_of_nothing_is_a_transition),
        cmocka_unit_test(put_on_a_missing_item_with_a_condition),
        cmocka_unit_test(malformed_conditions_are_refused),
        cmocka_unit_test(put_keeps_what_is_held),
        cmocka_unit_test(put_checks_its_fields),
        cmocka_unit_test(put_takes_the_limits),
        cmocka_unit_test(skus_have_limits),
        cmocka_unit_test(paths_are_percent_decoded),
        cmocka_unit_test(get_has_an_etag),
        cmocka_unit_test(updated_at_moves_with_the_item),
        cmocka_unit_test(list_walks_sorted_pages),
        cmocka_unit_test(list_pages_have_limits),
        cmocka_unit_test(list_checks_its_parameters),
        cmocka_unit_test(adjustments_add_and_take),
        cmocka_unit_test(adjustments_have_limits),
        cmocka_unit_test(decrements_sell),
        cmocka_unit_test(a_decrement_is_an_operation_and_no_reservation),
        cmocka_unit_test(decrements_have_limits),
        cmocka_unit_test(delete_removes_and_versions_go_on),
        cmocka_unit_test(delete_waits_for_holds),
        cmocka_unit_test(delete_honours_if_match),
        cmocka_unit_test(limited_items_need_a_customer),
        cmocka_unit_test(limits_count_held_and_sold_units),
        cmocka_unit_test(limits_get_units_back),
        cmocka_unit_test(limits_can_be_changed),
        cmocka_unit_test(limits_start_anew_with_the_item),
        cmocka_unit_test(refusals_have_a_precedence),
    };
    return run_suite("contract: items", tests);
}
