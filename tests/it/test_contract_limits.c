/* test_contract_limits.c -- no counter passes 2^53-1: what would take one there is 422, and the
 * partition stays open for everybody else, since the ledger takes all that Redis has taken. */
#include "core/item.h"
#include "core/limits.h"
#include "support/fixture.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- counters near their limit, in Redis and in SQL ------------------------------------------- */

/* Below 0: stays as it is. */
static void plant(const char *sku, int64_t sold, int64_t version)
{
    struct item item;
    char bytes[ITEM_TEXT_SIZE];
    await_in_sql(sku);
    redisReply *reply = redis_ask(&stack.redis, "GET {p0}:item:%s", stored_item(sku));
    assert_int_equal(reply->type, REDIS_REPLY_STRING);
    assert_true(item_decode((struct str){reply->str, (size_t)reply->len}, &item));
    freeReplyObject(reply);
    item.sold = sold < 0 ? item.sold : sold;
    item.version = version < 0 ? item.version : version;
    item_encode(&item, bytes);
    redis_do(&stack.redis, "SET {p0}:item:%s %s", stored_item(sku), bytes);
    sql_run(text("UPDATE items SET sold = %" PRId64 ", version = %" PRId64 " WHERE sku = '%s'",
                 item.sold, item.version, stored_item(sku)));
}

#define REFUSED(field, path, body) post_problem(422, "invalid-field", field, path, body)
#define OF_ITEM(sku, what)         text("/v1/items/%s/%s", (sku), (what))
#define OF_HOLD(id, what)          text("/v1/reservations/%s/%s", (id), (what))

/* --- sold ------------------------------------------------------------------------------------- */

static void a_sale_stops_before_sold_passes_its_limit(void **state)
{
    const char *sku = api_item(a, 100, 0);
    plant(sku, UNITS_MAX - 2, -1);
    REFUSED("quantity", OF_ITEM(sku, "decrements"), "{\"quantity\":3}");
    post(200, OF_ITEM(sku, "decrements"), "{\"quantity\":2}");
    REFUSED("quantity", OF_ITEM(sku, "decrements"), "{\"quantity\":1}");
    check_item(a, sku, 98, 98, 0, UNITS_MAX, 2);
    await_in_sql(sku);
}

static void a_confirm_stops_before_sold_passes_its_limit(void **state)
{
    const char *sku = api_item(a, 100, 0), *other = api_item(a, 100, 0);
    char id[64];
    post(201, RESERVATIONS,
         text("{\"lines\":[{\"sku\":\"%s\",\"quantity\":5},{\"sku\":\"%s\",\"quantity\":3}]}",
              other, sku));
    KEEP(id, api_str(a, "id"));
    plant(sku, UNITS_MAX - 2, -1);
    REFUSED("lines", OF_HOLD(id, "confirm"), "{}");
    assert_true(api_state_is(a, id, "held"));
    REFUSED("lines[1].quantity", OF_HOLD(id, "confirm"),
            text("{\"lines\":[{\"sku\":\"%s\",\"quantity\":1},{\"sku\":\"%s\",\"quantity\":3}]}",
                 other, sku));
    check_item(a, other, 100, 95, 5, 0, 2);
    post(200, OF_HOLD(id, "confirm"),
         text("{\"lines\":[{\"sku\":\"%s\",\"quantity\":1},{\"sku\":\"%s\",\"quantity\":2}]}",
              other, sku));
    check_item(a, sku, 98, 98, 0, UNITS_MAX, 3);
    check_item(a, other, 99, 99, 0, 1, 3);
    await_in_sql(sku);
}

static void a_rereserve_stops_before_sold_passes_its_limit(void **state)
{
    const char *sku = api_item(a, 100, 0);
    char id[64];
    plant(sku, UNITS_MAX - 2, -1); /* first: an expiry in the middle of it would be lost */
    KEEP(id, api_reserve(a, sku, 3, 1));
    assert_true(await(api_state_is(a, id, "expired"), 1000 + EXPIRY_TIMEOUT_MS));
    REFUSED("lines", OF_HOLD(id, "confirm"), "{\"if_expired\":\"rereserve\"}");
    assert_true(api_state_is(a, id, "expired"));
    post(200, OF_HOLD(id, "confirm"),
         text("{\"if_expired\":\"rereserve\",\"lines\":[{\"sku\":\"%s\",\"quantity\":2}]}", sku));
    check_item(a, sku, 98, 98, 0, UNITS_MAX, 4);
    await_in_sql(sku);
}

static void what_sells_nothing_goes_on_at_the_limit(void **state)
{
    const char *sku = api_item(a, 100, 0);
    plant(sku, UNITS_MAX, -1);
    const char *id = api_reserve(a, sku, 10, 0);
    post(200, OF_HOLD(id, "extend"), "{\"ttl_seconds\":60}");
    post(200, OF_HOLD(id, "release"), "{}");
    post(200, OF_ITEM(sku, "adjustments"), "{\"delta\":-50}");
    api_call(a, 200, "PUT", ITEM(sku), "If-Match: *\r\n", "{\"on_hand\":7}");
    check_item(a, sku, 7, 7, 0, UNITS_MAX, 6);
    await_in_sql(sku);
    api_call(a, 204, "DELETE", ITEM(sku), NULL, NULL);
    api_call(a, 201, "PUT", ITEM(sku), NULL, "{\"on_hand\":7}");
    post(200, OF_ITEM(sku, "decrements"), "{\"quantity\":1}");
    check_item(a, sku, 6, 6, 0, 1, 9);
    await_in_sql(sku);
}

/* --- the other counters ----------------------------------------------------------------------- */

static void on_hand_stops_at_its_limit(void **state)
{
    const char *sku = api_item(a, UNITS_MAX - 5, 0);
    api_reserve(a, sku, 10, 0);
    REFUSED("delta", OF_ITEM(sku, "adjustments"), "{\"delta\":6}");
    post(200, OF_ITEM(sku, "adjustments"), "{\"delta\":5}");
    check_item(a, sku, UNITS_MAX, UNITS_MAX - 10, 10, 0, 3);
    api_problem(a, 422, "invalid-field", "on_hand", "PUT", ITEM(sku), "If-Match: *\r\n",
                text("{\"on_hand\":%" PRId64 "}", UNITS_MAX + 1));
    await_in_sql(sku);
}

static void a_customer_s_units_stop_at_their_limit(void **state)
{
    const char *sku = api_item(a, 100, 0);
    const char *three = "{\"quantity\":3,\"customer\":\"eva\"}";
    char body[128];
    snprintf(body, sizeof(body), "{\"sku\":\"%s\",\"quantity\":3,\"customer\":\"eva\"}", sku);
    post(201, RESERVATIONS, body);
    const char *id = api_str(a, "id");
    freeReplyObject(redis_ask(&stack.redis, "HSET {p0}:cust:%s %s %" PRId64, stored_item(sku),
                              stored_customer("eva"), UNITS_MAX - 2));
    REFUSED("quantity", OF_ITEM(sku, "decrements"), three);
    REFUSED("quantity", RESERVATIONS, body);
    post(200, OF_HOLD(id, "release"), "{}");
    post(201, RESERVATIONS, body);
    REFUSED("quantity", OF_ITEM(sku, "decrements"), three);
    post(200, OF_ITEM(sku, "decrements"), "{\"quantity\":3,\"customer\":\"ada\"}");
    await_in_sql(sku);
}

static void versions_are_kept_for_the_ends_of_holds(void **state)
{
    const char *sku = api_item(a, 100, 0);
    char item[128];
    snprintf(item, sizeof(item), "/v1/items/%s", sku);
    char released[64], confirmed[64], expiring[64];
    int64_t last = UNITS_MAX - VERSIONS_SPARE;
    KEEP(released, api_reserve(a, sku, 1, 0));
    KEEP(confirmed, api_reserve(a, sku, 1, 0));
    plant(sku, -1, last - 1);
    KEEP(expiring, api_reserve(a, sku, 1, 1));
    REFUSED("sku", RESERVATIONS, LINE(sku, 1));
    REFUSED("sku", OF_ITEM(sku, "decrements"), "{\"quantity\":1}");
    REFUSED("sku", OF_ITEM(sku, "adjustments"), "{\"delta\":1}");
    const char *other = api_item(a, 5, 0);
    REFUSED("sku", OF_ITEM(sku, "transfers"), text("{\"to\":\"%s\",\"quantity\":1}", other));
    REFUSED("to", OF_ITEM(other, "transfers"), text("{\"to\":\"%s\",\"quantity\":1}", sku));
    REFUSED("sku", OF_HOLD(released, "extend"), "{\"ttl_seconds\":60}");
    api_problem(a, 422, "invalid-field", "sku", "PUT", item, "If-Match: *\r\n", "{\"on_hand\":50}");
    post(200, OF_HOLD(released, "release"), "{}");
    post(200, OF_HOLD(confirmed, "confirm"), "{}");
    assert_true(await(api_state_is(a, expiring, "expired"), 1000 + EXPIRY_TIMEOUT_MS));
    api_problem(a, 422, "invalid-field", "sku", "DELETE", item, NULL, NULL);
    check_item(a, sku, 99, 99, 0, 1, last + 3);
    await_in_sql(sku);
}

static void nothing_of_this_closes_the_partition(void **state)
{
    const char *sku = api_item(a, 10, 0);
    post(200, OF_ITEM(sku, "decrements"), "{\"quantity\":1}");
    await_in_sql(sku);
    assert_true(api_ready(a));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sale_stops_before_sold_passes_its_limit),
        cmocka_unit_test(a_confirm_stops_before_sold_passes_its_limit),
        cmocka_unit_test(a_rereserve_stops_before_sold_passes_its_limit),
        cmocka_unit_test(what_sells_nothing_goes_on_at_the_limit),
        cmocka_unit_test(on_hand_stops_at_its_limit),
        cmocka_unit_test(a_customer_s_units_stop_at_their_limit),
        cmocka_unit_test(versions_are_kept_for_the_ends_of_holds),
        cmocka_unit_test(nothing_of_this_closes_the_partition),
    };
    return run_suite("contract: limits", tests, .ledger = ON_SQLITE);
}
