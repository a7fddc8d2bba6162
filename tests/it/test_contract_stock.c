/* test_contract_stock.c -- units that come and go without a reservation, adjustments and
 * decrements, and what a customer may have of them. */
#include "support/fixture.h"

#include <inttypes.h>
#include <string.h>

#define IF_MATCH(value) "If-Match: " value "\r\n"
#define ANY_VERSION     IF_MATCH("*")
#define ON_HAND_MAX     INT64_C(9007199254740991)

/* Nothing that any test of this group does may break the books of an item. */
static void check_conservation(const char *sku)
{
    get(ITEM(sku));
    assert_int_equal(api_int(a, "on_hand"), api_int(a, "available") + api_int(a, "held"));
    assert_true(api_int(a, "available") >= 0 && api_int(a, "held") >= 0);
    assert_true(api_int(a, "sold") >= 0);
}

static void adjustments_add_and_take(void **state)
{
    const char *sku = api_item(a, 10, 0);
    post(200, ADJUST(sku), "{\"delta\":50,\"reason\":\"restock\",\"reference\":\"PO-7\"}");
    check_like(a, "{'sku':'%s','on_hand':60,'available':60,'version':2}", sku);
    post(200, ADJUST(sku), "{\"delta\":-60}");
    check_item(a, sku, 0, 0, 0, 0, 3);

    post_problem(409, "insufficient-stock", NULL, ADJUST(sku), "{\"delta\":-1}");
    check_like(a, "{'lines':[{'sku':'%s','requested':1,'available':0,'version':3}]}", sku);

    /* Held units cannot be taken. */
    post(200, ADJUST(sku), "{\"delta\":10}");
    api_reserve(a, sku, 7, 0);
    post_problem(409, "insufficient-stock", NULL, ADJUST(sku), "{\"delta\":-4}");
    check_like(a, "{'lines':[{'available':3,'version':5}]}");
    check_item(a, sku, 10, 3, 7, 0, 5);
    post(200, ADJUST(sku), "{\"delta\":-3}");
    check_item(a, sku, 7, 0, 7, 0, 6);
    post_problem(404, "item-not-found", NULL, ADJUST(new_sku()), "{\"delta\":1}");
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
        post_problem(422, "invalid-field", "delta", ADJUST(sku), text("{\"delta\":%s}", bad[i]));
    post_problem(422, "invalid-field", "delta", ADJUST(sku), "{}");
    post_problem(422, "invalid-field", "reason", ADJUST(sku), "{\"delta\":1,\"reason\":7}");
    post_problem(422, "invalid-field", "reference", ADJUST(sku),
                 "{\"delta\":1,\"reference\":null}");
    post_problem(422, "invalid-field", "quantity", ADJUST(sku), "{\"delta\":1,\"quantity\":1}");
    char longest[130];
    memset(longest, 'r', 129);
    longest[129] = '\0';
    post_problem(422, "invalid-field", "reference", ADJUST(sku),
                 text("{\"delta\":1,\"reference\":\"%s\"}", longest));
    check_item(a, sku, 10, 10, 0, 0, 1);
    longest[128] = '\0';
    post(200, ADJUST(sku), text("{\"delta\":1,\"reference\":\"%s\"}", longest));

    /* within +-2^53, and on_hand never beyond 2^53 - 1 */
    post_problem(409, "insufficient-stock", NULL, ADJUST(sku), "{\"delta\":-9007199254740992}");
    check_int(a, "lines[0].requested", INT64_C(9007199254740992));
    post_problem(422, "invalid-field", "delta", ADJUST(sku), "{\"delta\":9007199254740992}");
    post_problem(422, "invalid-field", "delta", ADJUST(sku),
                 text("{\"delta\":%" PRId64 "}", ON_HAND_MAX - 11 + 1));
    check_item(a, sku, 11, 11, 0, 0, 2);
    post(200, ADJUST(sku), text("{\"delta\":%" PRId64 "}", ON_HAND_MAX - 11));
    check_item(a, sku, ON_HAND_MAX, ON_HAND_MAX, 0, 0, 3);
    post(200, ADJUST(sku), text("{\"delta\":%" PRId64 "}", -ON_HAND_MAX));
    check_item(a, sku, 0, 0, 0, 0, 4);
}

static void decrements_sell(void **state)
{
    const char *sku = api_item(a, 10, 0);
    post(200, DECREMENT(sku), "{\"quantity\":3}");
    check_like(a, "{'sku':'%s','quantity':3,'remaining':7,'version':2}", sku);
    assert_true(strlen(api_str(a, "id")) > 0);
    check_item(a, sku, 7, 7, 0, 3, 2);
    post(200, DECREMENT(sku), "{\"quantity\":7,\"customer\":\"c-1\"}");
    check_int(a, "remaining", 0);
    check_item(a, sku, 0, 0, 0, 10, 3);

    post_problem(409, "insufficient-stock", NULL, DECREMENT(sku), "{\"quantity\":1}");
    check_like(a, "{'lines':[{'sku':'%s','requested':1,'available':0,'version':3}]}", sku);
    check_absent(a, "earliest_release_at");
    check_item(a, sku, 0, 0, 0, 10, 3);
    post_problem(404, "item-not-found", NULL, DECREMENT(new_sku()), "{\"quantity\":1}");
}

static void a_decrement_is_an_operation_and_no_reservation(void **state)
{
    const char *sku = api_item(a, 10, 0);
    api_call(a, 200, "POST", DECREMENT(sku), "Idempotency-Key: sell-1\r\n", "{\"quantity\":1}");
    check_str(a, "id", "sell-1");
    get("/v1/operations/sell-1");
    check_like(a, "{'id':'sell-1','body':{'id':'sell-1'}}");
    get_problem(404, "reservation-not-found", NULL, "/v1/reservations/sell-1");
    post(200, DECREMENT(sku), "{\"quantity\":1}");
    const char *one = api_str(a, "id");
    get_problem(404, "reservation-not-found", NULL, RESERVATION(one));
    post(200, DECREMENT(sku), "{\"quantity\":1}");
    assert_string_not_equal(api_str(a, "id"), one);
}

static void decrements_have_limits(void **state)
{
    static const char *const bad[] = {"0",    "-1",    "1000000001", "1.0", "0.5",
                                      "null", "\"1\"", "true",       "[]",  "18446744073709551617"};
    const char *sku = api_item(a, INT64_C(3000000000), 0);
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        post_problem(422, "invalid-field", "quantity", DECREMENT(sku),
                     text("{\"quantity\":%s}", bad[i]));
    post_problem(422, "invalid-field", "quantity", DECREMENT(sku), "{}");
    post_problem(422, "invalid-field", "customer", DECREMENT(sku),
                 "{\"quantity\":1,\"customer\":null}");
    post_problem(422, "invalid-field", "sku", DECREMENT(sku), "{\"quantity\":1,\"sku\":\"x\"}");
    check_item(a, sku, INT64_C(3000000000), INT64_C(3000000000), 0, 0, 1);
    post(200, DECREMENT(sku), "{\"quantity\":1000000000}");
    check_item(a, sku, INT64_C(2000000000), INT64_C(2000000000), 0, INT64_C(1000000000), 2);
}

/* Reserves for a customer; the status. */
static int buy(const char *sku, const char *customer, int quantity)
{
    const char *body =
        text("{\"sku\":\"%s\",\"quantity\":%d,\"customer\":\"%s\"}", sku, quantity, customer);
    assert_int_equal(http_call(&a->conn, "POST", RESERVATIONS, NULL, body, &a->resp), 0);
    return a->resp.status;
}

static void limited_items_need_a_customer(void **state)
{
    const char *sku = api_item(a, 10, 2);
    post_problem(422, "invalid-field", "customer", RESERVATIONS, LINE(sku, 1));
    post_problem(422, "invalid-field", "customer", DECREMENT(sku), "{\"quantity\":1}");
    check_item(a, sku, 10, 10, 0, 0, 1);
    post(200, DECREMENT(sku), "{\"quantity\":1,\"customer\":\"c\"}");
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
    post(200, CONFIRM(id), "{}");
    assert_int_equal(buy(sku, "ann", 1), 409);
    check_int(a, "lines[0].used", 3);
    post(200, DECREMENT(sku), "{\"quantity\":3,\"customer\":\"eve\"}");
    post_problem(409, "limit-exceeded", NULL, DECREMENT(sku),
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
    post(200, RELEASE(id), NULL);
    assert_int_equal(buy(sku, "ann", 4), 201); /* a release gives back */
    id = api_str(a, "id");
    post(200, CONFIRM(id), text("{\"lines\":[{\"sku\":\"%s\",\"quantity\":1}]}", sku));
    assert_int_equal(buy(sku, "ann", 4), 409);
    check_int(a, "lines[0].used", 1); /* so does the part that is not confirmed */
    /* In one request, so that no time passes between the two. */
    post(200, "/v1/batch",
         text("{\"operations\":[{\"op\":\"reserve\",\"sku\":\"%s\",\"quantity\":3,"
              "\"customer\":\"ann\",\"ttl_seconds\":1},{\"op\":\"reserve\",\"sku\":\"%s\","
              "\"quantity\":1,\"customer\":\"ann\"}]}",
              sku, sku));
    check_like(a, "{'results':[{'status':201},{'status':409}]}");
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
    post(200, CONFIRM(id), "{}");
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
    post(200, DECREMENT(sku), "{\"quantity\":2,\"customer\":\"ann\"}");
    api_call(a, 204, "DELETE", ITEM(sku), NULL, NULL);
    api_call(a, 201, "PUT", ITEM(sku), NULL, "{\"on_hand\":10,\"max_per_customer\":2}");
    post(200, DECREMENT(sku), "{\"quantity\":2,\"customer\":\"ann\"}");
    post_problem(409, "limit-exceeded", NULL, DECREMENT(sku),
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
    post_problem(404, "item-not-found", NULL, RESERVATIONS,
                 text("{\"customer\":\"ann\",\"lines\":[{\"sku\":\"%s\",\"quantity\":3},"
                      "{\"sku\":\"%s\",\"quantity\":1}]}",
                      sku, gone));
    /* A basket: one line over the limit, one out of stock. */
    const char *empty = api_item(a, 0, 0);
    post_problem(409, "limit-exceeded", NULL, RESERVATIONS,
                 text("{\"customer\":\"ann\",\"lines\":[{\"sku\":\"%s\",\"quantity\":1},"
                      "{\"sku\":\"%s\",\"quantity\":3}]}",
                      empty, sku));
    check_like(a, "{'lines':[{'sku':'%s'}]}", sku);
    /* Lines of one sku count together. */
    post_problem(409, "limit-exceeded", NULL, RESERVATIONS,
                 text("{\"customer\":\"ann\",\"lines\":[{\"sku\":\"%s\",\"quantity\":1},"
                      "{\"sku\":\"%s\",\"quantity\":2}]}",
                      sku, sku));
    check_item(a, sku, 1, 1, 0, 0, 1);
    check_item(a, empty, 0, 0, 0, 0, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(adjustments_add_and_take),
        cmocka_unit_test(adjustments_have_limits),
        cmocka_unit_test(decrements_sell),
        cmocka_unit_test(a_decrement_is_an_operation_and_no_reservation),
        cmocka_unit_test(decrements_have_limits),
        cmocka_unit_test(limited_items_need_a_customer),
        cmocka_unit_test(limits_count_held_and_sold_units),
        cmocka_unit_test(limits_get_units_back),
        cmocka_unit_test(limits_can_be_changed),
        cmocka_unit_test(limits_start_anew_with_the_item),
        cmocka_unit_test(refusals_have_a_precedence),
    };
    return run_suite("contract: stock", tests);
}
