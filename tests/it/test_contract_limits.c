/* test_contract_limits.c -- no counter passes 2^53-1: what would take one there is 422, and the
 * partition stays open for everybody else, since the ledger takes all that Redis has taken. */
#include "core/item.h"
#include "core/limits.h"
#include "support/api.h"
#include "support/ledger_base.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CAUGHT_UP_MS 180000

static struct stack stack;
static struct bases bases;
static struct api *a = &stack.api;

static int group_setup(void **state)
{
    const char *extra[] = {"--ledger", NULL, NULL};
    bases_start_or_skip(&bases);
    db_close(bases_ledger(&bases, BASE_SQLITE));
    extra[1] = bases.url;
    return stack_start(&stack, NULL, 1, extra);
}

static int group_teardown(void **state)
{
    int rc = stack_stop(&stack);
    bases_stop(&bases);
    return rc;
}

/* --- counters near their limit, in Redis and in SQL ------------------------------------------- */

static int64_t in_sql(const char *column, const char *sku)
{
    char sql[160];
    snprintf(sql, sizeof(sql), "SELECT %s FROM items WHERE sku = '%s'", column, sku);
    return base_int(bases.url, sql);
}

/* Everything that happened to the item is in SQL. */
static void catch_up(const char *sku)
{
    api_call(a, 200, "GET", text("/v1/items/%s", sku), NULL, NULL);
    int64_t version = api_int(a, "version");
    assert_true(await(in_sql("version", sku) == version, CAUGHT_UP_MS));
}

/* Below 0: stays as it is. */
static void plant(const char *sku, int64_t sold, int64_t version)
{
    struct item item;
    char bytes[ITEM_TEXT_SIZE];
    catch_up(sku);
    redisReply *reply = redis_ask(&stack.redis, "GET {p0}:item:%s", sku);
    assert_int_equal(reply->type, REDIS_REPLY_STRING);
    assert_true(item_decode((struct str){reply->str, (size_t)reply->len}, &item));
    freeReplyObject(reply);
    item.sold = sold < 0 ? item.sold : sold;
    item.version = version < 0 ? item.version : version;
    item_encode(&item, bytes);
    freeReplyObject(redis_ask(&stack.redis, "SET {p0}:item:%s %s", sku, bytes));
    assert_int_equal(base_script(bases.url, text("UPDATE items SET sold = %" PRId64
                                                 ", version = %" PRId64 " WHERE sku = '%s'",
                                                 item.sold, item.version, sku)),
                     DB_OK);
}

#define POST(status, path, body) api_call(a, (status), "POST", (path), NULL, (body))
#define REFUSED(field, path, body)                                                                 \
    api_problem(a, 422, "invalid-field", field, "POST", path, NULL, body)
#define OF_ITEM(sku, what) text("/v1/items/%s/%s", (sku), (what))
#define OF_HOLD(id, what)  text("/v1/reservations/%s/%s", (id), (what))

/* --- sold ------------------------------------------------------------------------------------- */

static void a_sale_stops_before_sold_passes_its_limit(void **state)
{
    const char *sku = api_item(a, 100, 0);
    plant(sku, UNITS_MAX - 2, -1);
    REFUSED("quantity", OF_ITEM(sku, "decrements"), "{\"quantity\":3}");
    POST(200, OF_ITEM(sku, "decrements"), "{\"quantity\":2}");
    REFUSED("quantity", OF_ITEM(sku, "decrements"), "{\"quantity\":1}");
    check_item(a, sku, 98, 98, 0, UNITS_MAX, 2);
    catch_up(sku);
}

static void a_confirm_stops_before_sold_passes_its_limit(void **state)
{
    const char *sku = api_item(a, 100, 0), *other = api_item(a, 100, 0);
    char id[64];
    POST(201, "/v1/reservations",
         text("{\"lines\":[{\"sku\":\"%s\",\"quantity\":5},{\"sku\":\"%s\",\"quantity\":3}]}",
              other, sku));
    snprintf(id, sizeof(id), "%s", api_str(a, "id"));
    plant(sku, UNITS_MAX - 2, -1);
    REFUSED("lines", OF_HOLD(id, "confirm"), "{}");
    assert_true(api_state_is(a, id, "held"));
    REFUSED("lines[1].quantity", OF_HOLD(id, "confirm"),
            text("{\"lines\":[{\"sku\":\"%s\",\"quantity\":1},{\"sku\":\"%s\",\"quantity\":3}]}",
                 other, sku));
    check_item(a, other, 100, 95, 5, 0, 2);
    POST(200, OF_HOLD(id, "confirm"),
         text("{\"lines\":[{\"sku\":\"%s\",\"quantity\":1},{\"sku\":\"%s\",\"quantity\":2}]}",
              other, sku));
    check_item(a, sku, 98, 98, 0, UNITS_MAX, 3);
    check_item(a, other, 99, 99, 0, 1, 3);
    catch_up(sku);
}

static void a_rereserve_stops_before_sold_passes_its_limit(void **state)
{
    const char *sku = api_item(a, 100, 0);
    char id[64];
    plant(sku, UNITS_MAX - 2, -1); /* first: an expiry in the middle of it would be lost */
    snprintf(id, sizeof(id), "%s", api_reserve(a, sku, 3, 1));
    assert_true(await(api_state_is(a, id, "expired"), 1000 + EXPIRY_TIMEOUT_MS));
    REFUSED("lines", OF_HOLD(id, "confirm"), "{\"if_expired\":\"rereserve\"}");
    assert_true(api_state_is(a, id, "expired"));
    POST(200, OF_HOLD(id, "confirm"),
         text("{\"if_expired\":\"rereserve\",\"lines\":[{\"sku\":\"%s\",\"quantity\":2}]}", sku));
    check_item(a, sku, 98, 98, 0, UNITS_MAX, 4);
    catch_up(sku);
}

static void what_sells_nothing_goes_on_at_the_limit(void **state)
{
    const char *sku = api_item(a, 100, 0);
    plant(sku, UNITS_MAX, -1);
    const char *id = api_reserve(a, sku, 10, 0);
    POST(200, OF_HOLD(id, "extend"), "{\"ttl_seconds\":60}");
    POST(200, OF_HOLD(id, "release"), "{}");
    POST(200, OF_ITEM(sku, "adjustments"), "{\"delta\":-50}");
    api_call(a, 200, "PUT", text("/v1/items/%s", sku), "If-Match: *\r\n", "{\"on_hand\":7}");
    check_item(a, sku, 7, 7, 0, UNITS_MAX, 6);
    catch_up(sku);
    api_call(a, 204, "DELETE", text("/v1/items/%s", sku), NULL, NULL);
    api_call(a, 201, "PUT", text("/v1/items/%s", sku), NULL, "{\"on_hand\":7}");
    POST(200, OF_ITEM(sku, "decrements"), "{\"quantity\":1}");
    check_item(a, sku, 6, 6, 0, 1, 9);
    catch_up(sku);
}

/* --- the other counters ----------------------------------------------------------------------- */

static void on_hand_stops_at_its_limit(void **state)
{
    const char *sku = api_item(a, UNITS_MAX - 5, 0);
    api_reserve(a, sku, 10, 0);
    REFUSED("delta", OF_ITEM(sku, "adjustments"), "{\"delta\":6}");
    POST(200, OF_ITEM(sku, "adjustments"), "{\"delta\":5}");
    check_item(a, sku, UNITS_MAX, UNITS_MAX - 10, 10, 0, 3);
    api_problem(a, 422, "invalid-field", "on_hand", "PUT", text("/v1/items/%s", sku),
                "If-Match: *\r\n", text("{\"on_hand\":%" PRId64 "}", UNITS_MAX + 1));
    catch_up(sku);
}

static void a_customer_s_units_stop_at_their_limit(void **state)
{
    const char *sku = api_item(a, 100, 0);
    const char *three = "{\"quantity\":3,\"customer\":\"eva\"}";
    char body[128];
    snprintf(body, sizeof(body), "{\"sku\":\"%s\",\"quantity\":3,\"customer\":\"eva\"}", sku);
    POST(201, "/v1/reservations", body);
    const char *id = api_str(a, "id");
    freeReplyObject(redis_ask(&stack.redis, "HSET {p0}:cust:%s eva %" PRId64, sku, UNITS_MAX - 2));
    REFUSED("quantity", OF_ITEM(sku, "decrements"), three);
    REFUSED("quantity", "/v1/reservations", body);
    POST(200, OF_HOLD(id, "release"), "{}");
    POST(201, "/v1/reservations", body);
    REFUSED("quantity", OF_ITEM(sku, "decrements"), three);
    POST(200, OF_ITEM(sku, "decrements"), "{\"quantity\":3,\"customer\":\"ada\"}");
    catch_up(sku);
}

static void versions_are_kept_for_the_ends_of_holds(void **state)
{
    const char *sku = api_item(a, 100, 0);
    char item[128];
    snprintf(item, sizeof(item), "/v1/items/%s", sku);
    char released[64], confirmed[64], expiring[64];
    int64_t last = UNITS_MAX - VERSIONS_SPARE;
    snprintf(released, sizeof(released), "%s", api_reserve(a, sku, 1, 0));
    snprintf(confirmed, sizeof(confirmed), "%s", api_reserve(a, sku, 1, 0));
    plant(sku, -1, last - 1);
    snprintf(expiring, sizeof(expiring), "%s", api_reserve(a, sku, 1, 1));
    REFUSED("sku", "/v1/reservations", text("{\"sku\":\"%s\",\"quantity\":1}", sku));
    REFUSED("sku", OF_ITEM(sku, "decrements"), "{\"quantity\":1}");
    REFUSED("sku", OF_ITEM(sku, "adjustments"), "{\"delta\":1}");
    const char *other = api_item(a, 5, 0);
    REFUSED("sku", OF_ITEM(sku, "transfers"), text("{\"to\":\"%s\",\"quantity\":1}", other));
    REFUSED("to", OF_ITEM(other, "transfers"), text("{\"to\":\"%s\",\"quantity\":1}", sku));
    REFUSED("sku", OF_HOLD(released, "extend"), "{\"ttl_seconds\":60}");
    api_problem(a, 422, "invalid-field", "sku", "PUT", item, "If-Match: *\r\n", "{\"on_hand\":50}");
    POST(200, OF_HOLD(released, "release"), "{}");
    POST(200, OF_HOLD(confirmed, "confirm"), "{}");
    assert_true(await(api_state_is(a, expiring, "expired"), 1000 + EXPIRY_TIMEOUT_MS));
    api_problem(a, 422, "invalid-field", "sku", "DELETE", item, NULL, NULL);
    check_item(a, sku, 99, 99, 0, 1, last + 3);
    catch_up(sku);
}

static void nothing_of_this_closes_the_partition(void **state)
{
    const char *sku = api_item(a, 10, 0);
    POST(200, OF_ITEM(sku, "decrements"), "{\"quantity\":1}");
    catch_up(sku);
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
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
