/* test_contract_items.c -- the items of the HTTP contract, made, set, read, listed and deleted:
 * every row, rule and limit. */
#include "support/fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IF_MATCH(value) "If-Match: " value "\r\n"
#define ANY_VERSION     IF_MATCH("*")
#define ON_HAND_MAX     INT64_C(9007199254740991)

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
    get_problem(404, "item-not-found", NULL, ITEM(sku));
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
    get_problem(404, "item-not-found", NULL, ITEM(sku));
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
    get_problem(404, "item-not-found", NULL, ITEM(sku));
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
    get_problem(422, "invalid-field", "sku", ITEM(longest));
    longest[64] = '\0';
    api_call(a, 201, "PUT", ITEM(longest), NULL, "{\"on_hand\":1}");
    check_item(a, longest, 1, 1, 0, 0, 1);
    api_call(a, 201, "PUT", ITEM(every), NULL, "{\"on_hand\":1}");
    check_item(a, every, 1, 1, 0, 0, 1);

    static const char *const bad[] = {"a%2Fb", "a%20b", "%C3%A4", "a%0Ab", "a,b", "a%25b", "a%00"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        api_problem(a, 422, "invalid-field", "sku", "PUT", ITEM(bad[i]), NULL, "{\"on_hand\":1}");
        get_problem(422, "invalid-field", "sku", ITEM(bad[i]));
        api_problem(a, 422, "invalid-field", "sku", "DELETE", ITEM(bad[i]), NULL, NULL);
        post_problem(422, "invalid-field", "sku", ADJUST(bad[i]), "{\"delta\":1}");
        post_problem(422, "invalid-field", "sku", DECREMENT(bad[i]), "{\"quantity\":1}");
    }
}

static void paths_are_percent_decoded(void **state)
{
    const char *sku = api_item(a, 3, 0); /* "item-..." */
    get(text("/v1/items/%%69tem%%2d%s", sku + 5));
    check_str(a, "sku", sku);
    post(200, text("/v1/items/%%69tem%%2D%s/decrements", sku + 5), "{\"quantity\":1}");
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
    assert_true(await((post(200, DECREMENT(sku), "{\"quantity\":1}"), get(ITEM(sku)),
                       api_time(a, "updated_at") > created),
                      500));
    int64_t later = api_time(a, "updated_at");
    get(ITEM(sku));
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

    get("/v1/items?prefix=walk.");
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
        get(text("/v1/items?prefix=walk.&limit=3%s", cursor));
        json_t *items = json_at(http_resp_json(&a->resp), "items");
        assert_true(json_array_size(items) <= 3);
        for (size_t i = 0; i < json_array_size(items); i++, seen++)
            check_str(a, text("items[%zu].sku", i), sorted[seen]);
        cursor = json_is_null(json_at(http_resp_json(&a->resp), "next_cursor"))
                     ? NULL
                     : text("&cursor=%s", api_str(a, "next_cursor"));
    } while (cursor && seen <= COUNT);
    assert_int_equal(seen, COUNT);

    get("/v1/items?prefix=walk.a");
    check_size(a, "items", 2);
    get("/v1/items?prefix=walk%2Ea");
    check_size(a, "items", 2);
    get("/v1/items?prefix=no.such.prefix");
    check_like(a, "{'next_cursor':null,'items':[]}");

    api_call(a, 204, "DELETE", ITEM("walk.a"), NULL, NULL);
    get("/v1/items?prefix=walk.a");
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
    post(200, "/v1/batch", body);
    free(body);

    get("/v1/items?prefix=page.");
    check_size(a, "items", 50);
    assert_true(json_is_string(json_at(http_resp_json(&a->resp), "next_cursor")));
    get("/v1/items?prefix=page.&limit=1");
    check_size(a, "items", 1);
    get("/v1/items?prefix=page.&limit=500");
    check_size(a, "items", 500);
    check_str(a, "items[499].sku", "page.499");
    get(text("/v1/items?limit=500&prefix=page.&cursor=%s", api_str(a, "next_cursor")));
    check_like(a, "{'items':[{'sku':'page.500'},'...'],'next_cursor':null}");
    check_size(a, "items", COUNT - 500);
}

static void list_checks_its_parameters(void **state)
{
    static const char *const bad[] = {"0",  "501", "-1", "1.0", "abc", "", "99999999999999999999",
                                      "+5", "5x"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        get_problem(422, "invalid-field", "limit", text("/v1/items?limit=%s", bad[i]));
    get_problem(422, "invalid-field", "colour", "/v1/items?colour=red");
    get_problem(422, "invalid-field", "Limit", "/v1/items?limit=5&Limit=6");
}

static void delete_removes_and_versions_go_on(void **state)
{
    const char *sku = api_item(a, 10, 0);
    post(200, DECREMENT(sku), "{\"quantity\":4}");     /* version 2 */
    api_call(a, 204, "DELETE", ITEM(sku), NULL, NULL); /* 3 */
    assert_int_equal(a->resp.body_bytes, 0);
    get_problem(404, "item-not-found", NULL, ITEM(sku));
    api_problem(a, 404, "item-not-found", NULL, "DELETE", ITEM(sku), NULL, NULL);
    post_problem(404, "item-not-found", NULL, DECREMENT(sku), "{\"quantity\":1}");
    post_problem(404, "item-not-found", NULL, ADJUST(sku), "{\"delta\":1}");
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
    post(200, RELEASE(id), NULL);
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
        cmocka_unit_test(delete_removes_and_versions_go_on),
        cmocka_unit_test(delete_waits_for_holds),
        cmocka_unit_test(delete_honours_if_match),
    };
    return run_suite("contract: items", tests);
}
