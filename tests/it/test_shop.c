/* test_shop.c -- the test server keeps the contract where the load generator relies on it. */
#include "support/shop_api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct api *const a = &shop_client;

EACH_BETWEEN(shop_start_honest, shop_stop)

TEST(items_follow_the_contract)
{
    shop_put("a", 5);
    check_null(a, "max_per_customer");
    check_header(a, "ETag", "\"1\"");
    assert_true(api_time(a, "updated_at") > 0);
    api_problem(a, 428, "precondition-required", NULL, "PUT", ITEM("a"), NULL, "{\"on_hand\":9}");
    api_problem(a, 412, "precondition-failed", NULL, "PUT", ITEM("a"), "If-None-Match: *\r\n",
                "{\"on_hand\":9}");
    api_problem(a, 412, "precondition-failed", NULL, "PUT", ITEM("a"), "If-Match: \"7\"\r\n",
                "{\"on_hand\":9}");
    api_call(a, 200, "PUT", ITEM("a"), "If-Match: \"1\"\r\n", "{\"on_hand\":9}");
    check_item(a, "a", 9, 9, 0, 0, 2);
    api_call(a, 200, "POST", ITEM("a/adjustments"), NULL, "{\"delta\":-2,\"reason\":\"loss\"}");
    api_call(a, 200, "POST", ITEM("a/decrements"), NULL, "{\"quantity\":3}");
    check_int(a, "remaining", 4);
    check_int(a, "version", 4);
    api_problem(a, 409, "insufficient-stock", NULL, "POST", ITEM("a/decrements"), NULL,
                "{\"quantity\":5}");
    check_json(a, "lines", "[{\"sku\":\"a\",\"requested\":5,\"available\":4,\"version\":4}]");
    check_item(a, "a", 4, 4, 0, 3, 4);
    api_problem(a, 404, "item-not-found", NULL, "GET", ITEM("b"), NULL, NULL);
    api_problem(a, 422, "invalid-field", "on_hand", "PUT", ITEM("b"), NULL, "{}");
    api_problem(a, 422, "invalid-field", "quantity", "POST", ITEM("a/decrements"), NULL,
                "{\"quantity\":0}");
    api_problem(a, 400, "malformed-json", NULL, "POST", ITEM("a/decrements"), NULL, "{");
    api_problem(a, 405, "method-not-allowed", NULL, "POST", ITEM("a"), NULL, "{}");
    api_problem(a, 404, "route-not-found", NULL, "GET", "/v1/nothing", NULL, NULL);
}

TEST(a_basket_takes_all_lines_or_none)
{
    shop_put("a", 5);
    shop_put("b", 1);
    const char *both = "{\"lines\":[{\"sku\":\"a\",\"quantity\":2},{\"sku\":\"b\",\"quantity\":1},"
                       "{\"sku\":\"a\",\"quantity\":1}],\"ttl_seconds\":60,\"customer\":\"c-1\"}";
    const char *id = shop_reserve(both);
    check_json(a, "lines",
               "[{\"sku\":\"a\",\"quantity\":3,\"remaining\":2,\"version\":2},"
               "{\"sku\":\"b\",\"quantity\":1,\"remaining\":0,\"version\":2}]");
    check_str(a, "customer", "c-1");
    check_header(a, "Location", HOLD(id));
    assert_in_range(api_int(a, "ttl_ms"), 59000, 60000);
    api_problem(a, 409, "insufficient-stock", NULL, "POST", RESERVATIONS, NULL, both);
    check_json(a, "lines",
               "[{\"sku\":\"a\",\"requested\":3,\"available\":2,\"version\":2},"
               "{\"sku\":\"b\",\"requested\":1,\"available\":0,\"version\":2}]");
    check_item(a, "a", 5, 2, 3, 0, 2);
    api_problem(a, 404, "item-not-found", NULL, "POST", RESERVATIONS, NULL,
                "{\"lines\":[{\"sku\":\"a\",\"quantity\":1},{\"sku\":\"z\",\"quantity\":1}]}");
    check_item(a, "a", 5, 2, 3, 0, 2);
    api_problem(a, 422, "invalid-field", "lines[1].quantity", "POST", RESERVATIONS, NULL,
                "{\"lines\":[{\"sku\":\"a\",\"quantity\":1},{\"sku\":\"b\",\"quantity\":1.0}]}");
}

TEST(a_transfer_moves_units_from_item_to_item)
{
    shop_put("a", 5);
    shop_put("b", 1);
    api_call(a, 200, "POST", ITEM("a/transfers"), KEY("t"),
             "{\"to\":\"b\",\"quantity\":3,\"reason\":\"mixed boxes\"}");
    check_str(a, "id", "t");
    check_int(a, "quantity", 3);
    check_json(a, "from", "{\"sku\":\"a\",\"remaining\":2,\"version\":2}");
    check_json(a, "to", "{\"sku\":\"b\",\"remaining\":4,\"version\":2}");
    api_problem(a, 409, "insufficient-stock", NULL, "POST", ITEM("a/transfers"), NULL, TO_B(3));
    check_json(a, "lines", "[{\"sku\":\"a\",\"requested\":3,\"available\":2,\"version\":2}]");
    api_problem(a, 404, "item-not-found", NULL, "POST", ITEM("a/transfers"), NULL,
                "{\"to\":\"z\",\"quantity\":1}");
    api_problem(a, 422, "invalid-field", "to", "POST", ITEM("b/transfers"), NULL, TO_B(1));
    api_problem(a, 422, "invalid-field", "to", "POST", ITEM("a/transfers"), NULL,
                "{\"quantity\":1}");
    check_item(a, "a", 2, 2, 0, 0, 2);
    check_item(a, "b", 4, 4, 0, 0, 2);
}

TEST(a_hold_ends_once)
{
    shop_put("a", 9);
    const char *sold = shop_reserve("{\"sku\":\"a\",\"quantity\":4}");
    api_problem(a, 422, "invalid-field", "lines[0].quantity", "POST", CONFIRM(sold), NULL,
                "{\"lines\":[{\"sku\":\"a\",\"quantity\":5}]}");
    api_call(a, 200, "POST", CONFIRM(sold), NULL, "{\"lines\":[{\"sku\":\"a\",\"quantity\":1}]}");
    check_json(a, "lines",
               "[{\"sku\":\"a\",\"quantity\":1,\"reserved\":4,\"remaining\":8,\"version\":3}]");
    check_str(a, "state", "confirmed");
    check_int(a, "ttl_ms", 0);
    check_header(a, "Idempotent-Replayed", NULL);
    api_call(a, 200, "POST", CONFIRM(sold), NULL, "{\"lines\":[{\"sku\":\"a\",\"quantity\":1}]}");
    check_header(a, "Idempotent-Replayed", "true");
    api_problem(a, 409, "reservation-confirmed", NULL, "POST", CONFIRM(sold), NULL, NULL);
    api_problem(a, 409, "reservation-confirmed", NULL, "POST", RELEASE(sold), NULL, NULL);
    check_item(a, "a", 8, 8, 0, 1, 3);

    const char *back = shop_reserve("{\"sku\":\"a\",\"quantity\":2}");
    api_call(a, 200, "POST", EXTEND(back), NULL, "{\"ttl_seconds\":900}");
    check_int(a, "lines[0].version", 5);
    assert_in_range(api_int(a, "ttl_ms"), 899000, 900000);
    api_call(a, 200, "POST", RELEASE(back), NULL, NULL);
    check_json(a, "lines", "[{\"sku\":\"a\",\"quantity\":2,\"remaining\":8,\"version\":6}]");
    api_call(a, 200, "POST", RELEASE(back), NULL, NULL);
    check_header(a, "Idempotent-Replayed", "true");
    api_problem(a, 409, "reservation-released", NULL, "POST", EXTEND(back), NULL, NULL);
    api_problem(a, 404, "reservation-not-found", NULL, "POST", CONFIRM("nothing"), NULL, NULL);
    check_item(a, "a", 8, 8, 0, 1, 6);
    api_call(a, 200, "GET", HOLD(back), NULL, NULL);
    check_str(a, "state", "released");
    check_int(a, "lines[0].version", 6);
}

TEST(a_hold_expires_by_itself)
{
    shop_put("a", 3);
    shop_put("b", 3);
    const char *id = shop_reserve("{\"lines\":[{\"sku\":\"a\",\"quantity\":1},{\"sku\":\"b\","
                                  "\"quantity\":2}],\"ttl_seconds\":1}");
    int64_t due_ms = api_time(a, "expires_at");
    assert_int_equal(due_ms - api_time(a, "created_at"), 1000);
    assert_true(await(api_state_is(a, id, "expired"), EXPIRY_TIMEOUT_MS));
    check_json(a, "lines",
               "[{\"sku\":\"a\",\"quantity\":1,\"remaining\":3,\"version\":3},"
               "{\"sku\":\"b\",\"quantity\":2,\"remaining\":3,\"version\":3}]");
    check_item(a, "a", 3, 3, 0, 0, 3);
    assert_true(api_time(a, "updated_at") >= due_ms);
    api_problem(a, 409, "reservation-expired", NULL, "POST", CONFIRM(id), NULL, NULL);
    api_problem(a, 409, "reservation-expired", NULL, "POST", RELEASE(id), NULL, NULL);
}

TEST(a_key_has_one_effect)
{
    shop_put("a", 3);
    api_call(a, 201, "POST", RESERVATIONS, KEY("k-1"), "{\"sku\":\"a\",\"quantity\":1}");
    check_header(a, "Idempotent-Replayed", NULL);
    const char *id = api_str(a, "id");
    api_call(a, 201, "POST", RESERVATIONS, KEY("\"k-1\""), "{\"quantity\":1,\"sku\":\"a\"}");
    check_header(a, "Idempotent-Replayed", "true");
    check_str(a, "id", id);
    check_header(a, "Location", HOLD(id));
    check_item(a, "a", 3, 2, 1, 0, 2);
    api_problem(a, 422, "idempotency-key-reused", NULL, "POST", RESERVATIONS, KEY("k-1"),
                "{\"sku\":\"a\",\"quantity\":2}");
    api_problem(a, 422, "idempotency-key-reused", NULL, "POST", ITEM("a/decrements"), KEY("k-1"),
                "{\"quantity\":1}");
    api_call(a, 200, "GET", "/v1/operations/k-1", NULL, NULL);
    check_int(a, "status", 201);
    check_str(a, "body.id", id);
    check_int(a, "body.lines[0].version", 2);
    assert_true(api_int(a, "body.ttl_ms") > 0);
    api_problem(a, 409, "insufficient-stock", NULL, "POST", RESERVATIONS, KEY("k/2"),
                "{\"sku\":\"a\",\"quantity\":3}");
    api_problem(a, 404, "operation-not-found", NULL, "GET", "/v1/operations/k%2F2", NULL, NULL);
    api_call(a, 200, "POST", ITEM("a/decrements"), KEY("k/2"), "{\"quantity\":1}");
    check_str(a, "id", "k/2");
    api_call(a, 200, "GET", "/v1/operations/k%2F2", NULL, NULL);
    check_int(a, "body.remaining", 1);
    api_problem(a, 422, "invalid-field", "Idempotency-Key", "POST", RESERVATIONS, KEY("a b"),
                ONE_A);
}

TEST(a_batch_is_its_single_calls)
{
    api_call(a, 200, "POST", "/v1/batch", KEY("b"),
             "{\"operations\":[{\"op\":\"put\",\"sku\":\"a\",\"on_hand\":5},"
             "{\"op\":\"reserve\",\"idempotency_key\":\"mine\",\"sku\":\"a\",\"quantity\":2},"
             "{\"op\":\"adjust\",\"sku\":\"a\",\"delta\":1},"
             "{\"op\":\"decrement\",\"sku\":\"a\",\"quantity\":9},"
             "{\"op\":\"dance\"},{\"op\":\"confirm\"}]}");
    check_size(a, "results", 6);
    check_int(a, "results[0].status", 201);
    check_int(a, "results[1].status", 201);
    check_int(a, "results[1].body.lines[0].version", 2);
    const char *id = api_str(a, "results[1].body.id");
    check_int(a, "results[2].body.available", 4);
    check_int(a, "results[3].status", 409);
    check_str(a, "results[4].body.field", "op");
    check_str(a, "results[5].body.field", "id");
    api_call(a, 200, "GET", "/v1/operations/b%2F2", NULL, NULL);

    /* The same key and the same body, as a call of its own. */
    api_call(a, 201, "POST", RESERVATIONS, KEY("mine"), "{\"sku\":\"a\",\"quantity\":2}");
    check_header(a, "Idempotent-Replayed", "true");
    api_call(
        a, 200, "POST", "/v1/batch", NULL,
        text("{\"operations\":[{\"op\":\"get\",\"id\":\"%s\"},{\"op\":\"extend\",\"id\":\"%s\"},"
             "{\"op\":\"release\",\"id\":\"%s\"},{\"op\":\"release\",\"id\":\"%s\"},"
             "{\"op\":\"get\",\"id\":\"x\"}]}",
             id, id, id, id));
    check_str(a, "results[0].body.state", "held");
    check_int(a, "results[1].body.lines[0].version", 4);
    check_str(a, "results[2].body.state", "released");
    check_json(a, "results[2].replayed", "false");
    check_json(a, "results[3].replayed", "true");
    check_int(a, "results[4].status", 404);
    check_item(a, "a", 6, 6, 0, 0, 5);
    api_problem(a, 422, "invalid-field", "operations", "POST", "/v1/batch", NULL,
                "{\"operations\":[]}");
}

TEST(health_and_counters_are_served)
{
    api_call(a, 200, "GET", "/healthz", NULL, NULL);
    api_call(a, 200, "GET", "/readyz", NULL, NULL);
    check_int(a, "restores", 0);
    api_call(a, 200, "GET", "/metrics", NULL, NULL);
    assert_non_null(strstr(a->resp.body, "\nstockd_conflicts_total 0\n"));
}
