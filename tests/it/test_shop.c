/* test_shop.c -- the test server itself keeps the contract where the load generator relies on it.
 * Its faults: test_shop_faults.c. */
#include "support/fixture.h"
#include "support/shop_client.h"

#include <errno.h>
#include <string.h>

/* --- the contract ----------------------------------------------------------------------------- */

static void items_follow_the_contract(void **state)
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
    post(200, ITEM("a/adjustments"), "{\"delta\":-2,\"reason\":\"loss\"}");
    post(200, ITEM("a/decrements"), "{\"quantity\":3}");
    check_like(a, "{'remaining':4,'version':4}");
    post_problem(409, "insufficient-stock", NULL, ITEM("a/decrements"), "{\"quantity\":5}");
    check_json(a, "lines", "[{\"sku\":\"a\",\"requested\":5,\"available\":4,\"version\":4}]");
    check_item(a, "a", 4, 4, 0, 3, 4);
    get_problem(404, "item-not-found", NULL, ITEM("b"));
    api_problem(a, 422, "invalid-field", "on_hand", "PUT", ITEM("b"), NULL, "{}");
    post_problem(422, "invalid-field", "quantity", ITEM("a/decrements"), "{\"quantity\":0}");
    post_problem(400, "malformed-json", NULL, ITEM("a/decrements"), "{");
    post_problem(405, "method-not-allowed", NULL, ITEM("a"), "{}");
    get_problem(404, "route-not-found", NULL, "/v1/nothing");
}

static void a_basket_takes_all_lines_or_none(void **state)
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
    check_header(a, "Location", RESERVATION(id));
    assert_in_range(api_int(a, "ttl_ms"), 59000, 60000);
    post_problem(409, "insufficient-stock", NULL, RESERVATIONS, both);
    check_json(a, "lines",
               "[{\"sku\":\"a\",\"requested\":3,\"available\":2,\"version\":2},"
               "{\"sku\":\"b\",\"requested\":1,\"available\":0,\"version\":2}]");
    check_item(a, "a", 5, 2, 3, 0, 2);
    post_problem(404, "item-not-found", NULL, RESERVATIONS,
                 "{\"lines\":[{\"sku\":\"a\",\"quantity\":1},{\"sku\":\"z\",\"quantity\":1}]}");
    check_item(a, "a", 5, 2, 3, 0, 2);
    post_problem(422, "invalid-field", "lines[1].quantity", RESERVATIONS,
                 "{\"lines\":[{\"sku\":\"a\",\"quantity\":1},{\"sku\":\"b\",\"quantity\":1.0}]}");
}

static void a_transfer_moves_units_from_item_to_item(void **state)
{
    shop_put("a", 5);
    shop_put("b", 1);
    api_call(a, 200, "POST", TRANSFER("a"), KEY("t"),
             "{\"to\":\"b\",\"quantity\":3,\"reason\":\"mixed boxes\"}");
    check_like(a, "{'id':'t','quantity':3}");
    check_json(a, "from", "{\"sku\":\"a\",\"remaining\":2,\"version\":2}");
    check_json(a, "to", "{\"sku\":\"b\",\"remaining\":4,\"version\":2}");
    post_problem(409, "insufficient-stock", NULL, TRANSFER("a"), TO_B(3));
    check_json(a, "lines", "[{\"sku\":\"a\",\"requested\":3,\"available\":2,\"version\":2}]");
    post_problem(404, "item-not-found", NULL, TRANSFER("a"), "{\"to\":\"z\",\"quantity\":1}");
    post_problem(422, "invalid-field", "to", TRANSFER("b"), TO_B(1));
    post_problem(422, "invalid-field", "to", TRANSFER("a"), "{\"quantity\":1}");
    check_item(a, "a", 2, 2, 0, 0, 2);
    check_item(a, "b", 4, 4, 0, 0, 2);
}

static void a_hold_ends_once(void **state)
{
    shop_put("a", 9);
    const char *sold = shop_reserve("{\"sku\":\"a\",\"quantity\":4}");
    post_problem(422, "invalid-field", "lines[0].quantity", CONFIRM(sold),
                 "{\"lines\":[{\"sku\":\"a\",\"quantity\":5}]}");
    post(200, CONFIRM(sold), "{\"lines\":[{\"sku\":\"a\",\"quantity\":1}]}");
    check_json(a, "lines",
               "[{\"sku\":\"a\",\"quantity\":1,\"reserved\":4,\"remaining\":8,\"version\":3}]");
    check_like(a, "{'state':'confirmed','ttl_ms':0}");
    check_header(a, "Idempotent-Replayed", NULL);
    post(200, CONFIRM(sold), "{\"lines\":[{\"sku\":\"a\",\"quantity\":1}]}");
    check_header(a, "Idempotent-Replayed", "true");
    post_problem(409, "reservation-confirmed", NULL, CONFIRM(sold), NULL);
    post_problem(409, "reservation-confirmed", NULL, RELEASE(sold), NULL);
    check_item(a, "a", 8, 8, 0, 1, 3);

    const char *back = shop_reserve("{\"sku\":\"a\",\"quantity\":2}");
    post(200, EXTEND(back), "{\"ttl_seconds\":900}");
    check_int(a, "lines[0].version", 5);
    assert_in_range(api_int(a, "ttl_ms"), 899000, 900000);
    post(200, RELEASE(back), NULL);
    check_json(a, "lines", "[{\"sku\":\"a\",\"quantity\":2,\"remaining\":8,\"version\":6}]");
    post(200, RELEASE(back), NULL);
    check_header(a, "Idempotent-Replayed", "true");
    post_problem(409, "reservation-released", NULL, EXTEND(back), NULL);
    post_problem(404, "reservation-not-found", NULL, CONFIRM("nothing"), NULL);
    check_item(a, "a", 8, 8, 0, 1, 6);
    get(RESERVATION(back));
    check_like(a, "{'state':'released','lines':[{'version':6}]}");
}

static void a_hold_expires_by_itself(void **state)
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
    post_problem(409, "reservation-expired", NULL, CONFIRM(id), NULL);
    post_problem(409, "reservation-expired", NULL, RELEASE(id), NULL);
}

static void a_key_has_one_effect(void **state)
{
    shop_put("a", 3);
    api_call(a, 201, "POST", RESERVATIONS, KEY("k-1"), "{\"sku\":\"a\",\"quantity\":1}");
    check_header(a, "Idempotent-Replayed", NULL);
    const char *id = api_str(a, "id");
    api_call(a, 201, "POST", RESERVATIONS, KEY("\"k-1\""), "{\"quantity\":1,\"sku\":\"a\"}");
    check_header(a, "Idempotent-Replayed", "true");
    check_str(a, "id", id);
    check_header(a, "Location", RESERVATION(id));
    check_item(a, "a", 3, 2, 1, 0, 2);
    api_problem(a, 422, "idempotency-key-reused", NULL, "POST", RESERVATIONS, KEY("k-1"),
                "{\"sku\":\"a\",\"quantity\":2}");
    api_problem(a, 422, "idempotency-key-reused", NULL, "POST", ITEM("a/decrements"), KEY("k-1"),
                "{\"quantity\":1}");
    get("/v1/operations/k-1");
    check_like(a, "{'status':201,'body':{'id':'%s','lines':[{'version':2}]}}", id);
    assert_true(api_int(a, "body.ttl_ms") > 0);
    api_problem(a, 409, "insufficient-stock", NULL, "POST", RESERVATIONS, KEY("k/2"),
                "{\"sku\":\"a\",\"quantity\":3}");
    get_problem(404, "operation-not-found", NULL, "/v1/operations/k%2F2");
    api_call(a, 200, "POST", ITEM("a/decrements"), KEY("k/2"), "{\"quantity\":1}");
    check_str(a, "id", "k/2");
    get("/v1/operations/k%2F2");
    check_int(a, "body.remaining", 1);
    api_problem(a, 422, "invalid-field", "Idempotency-Key", "POST", RESERVATIONS, KEY("a b"),
                ONE_A);
}

static void a_batch_is_its_single_calls(void **state)
{
    api_call(a, 200, "POST", "/v1/batch", KEY("b"),
             "{\"operations\":[{\"op\":\"put\",\"sku\":\"a\",\"on_hand\":5},"
             "{\"op\":\"reserve\",\"idempotency_key\":\"mine\",\"sku\":\"a\",\"quantity\":2},"
             "{\"op\":\"adjust\",\"sku\":\"a\",\"delta\":1},"
             "{\"op\":\"decrement\",\"sku\":\"a\",\"quantity\":9},"
             "{\"op\":\"dance\"},{\"op\":\"confirm\"}]}");
    check_like(a, "{'results':[{'status':201},{'status':201,"
                  "'body':{'lines':[{'version':2}]}},'...']}");
    check_size(a, "results", 6);
    const char *id = api_str(a, "results[1].body.id");
    check_like(a, "{'results':[{},{},{'body':{'available':4}},{'status':409},"
                  "{'body':{'field':'op'}},{'body':{'field':'id'}},'...']}");
    get("/v1/operations/b%2F2");

    /* The same key and the same body, as a call of its own. */
    api_call(a, 201, "POST", RESERVATIONS, KEY("mine"), "{\"sku\":\"a\",\"quantity\":2}");
    check_header(a, "Idempotent-Replayed", "true");
    post(200, "/v1/batch",
         text("{\"operations\":[{\"op\":\"get\",\"id\":\"%s\"},{\"op\":\"extend\",\"id\":\"%s\"},"
              "{\"op\":\"release\",\"id\":\"%s\"},{\"op\":\"release\",\"id\":\"%s\"},"
              "{\"op\":\"get\",\"id\":\"x\"}]}",
              id, id, id, id));
    check_like(a, "{'results':[{'body':{'state':'held'}},{'body':{'lines':[{'version':4}]}},"
                  "{'body':{'state':'released'}},'...']}");
    check_json(a, "results[2].replayed", "false");
    check_json(a, "results[3].replayed", "true");
    check_int(a, "results[4].status", 404);
    check_item(a, "a", 6, 6, 0, 0, 5);
    post_problem(422, "invalid-field", "operations", "/v1/batch", "{\"operations\":[]}");
}

static void health_and_counters_are_served(void **state)
{
    get("/healthz");
    get("/readyz");
    check_int(a, "restores", 0);
    get("/metrics");
    assert_non_null(strstr(a->resp.body, "\nstockd_conflicts_total 0\n"));
}

#define HONEST(test) cmocka_unit_test_setup_teardown(test, shop_start_honest, shop_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        HONEST(items_follow_the_contract),
        HONEST(a_basket_takes_all_lines_or_none),
        HONEST(a_transfer_moves_units_from_item_to_item),
        HONEST(a_hold_ends_once),
        HONEST(a_hold_expires_by_itself),
        HONEST(a_key_has_one_effect),
        HONEST(a_batch_is_its_single_calls),
        HONEST(health_and_counters_are_served),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
