/* test_contract_transfers.c -- units that change the item: the answer, every refusal, the key, the
 * batch; and what SQL, the movements and the feed say of it, on each engine. */
#include "core/limits.h"
#include "support/fixture.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#define KEY(name) "Idempotency-Key: " name "\r\n"

static const char *units_to(const char *to, int64_t quantity)
{
    return text("{\"to\":\"%s\",\"quantity\":%" PRId64 "}", to, quantity);
}

static void move(const char *from, const char *to, int64_t quantity)
{
    post(200, TRANSFER(from), units_to(to, quantity));
}

static bool moved(const char *from, const char *to, int64_t quantity)
{
    http_call(&a->conn, "POST", TRANSFER(from), NULL, units_to(to, quantity), &a->resp);
    return a->resp.status == 200;
}

static void refused(int status, const char *name, const char *field, const char *from,
                    const char *body)
{
    post_problem(status, name, field, TRANSFER(from), body);
}

/* --- what it does ----------------------------------------------------------------------------- */

static void available_units_change_the_item_in_one_step(void **state)
{
    const char *x = api_item(a, 10, 0), *y = api_item(a, 3, 0);
    api_call(a, 200, "POST", TRANSFER(x), KEY("move-1"),
             text("{\"to\":\"%s\",\"quantity\":4,\"reason\":\"back to shelf\"}", y));
    check_header(a, "Content-Type", "application/json");
    check_like(a,
               "{'id':'move-1','quantity':4,'from':{'sku':'%s','remaining':6,'version':2},"
               "'to':{'sku':'%s','remaining':7,'version':2}}",
               x, y);
    assert_int_equal(json_object_size(http_resp_json(&a->resp)), 4);
    check_item(a, x, 6, 6, 0, 0, 2);
    check_item(a, y, 7, 7, 0, 0, 2);
    move(y, x, 7);
    assert_int_equal(strncmp(api_str(a, "id"), "op-", 3), 0);
    check_int(a, "from.remaining", 0);
    check_item(a, x, 13, 13, 0, 0, 3);
    check_item(a, y, 0, 0, 0, 0, 3);
}

static void held_and_sold_units_stay(void **state)
{
    const char *x = api_item(a, 10, 0), *y = api_item(a, 0, 0);
    const char *id = api_reserve(a, x, 6, 0);
    post(200, DECREMENT(x), "{\"quantity\":1}");
    refused(409, "insufficient-stock", NULL, x, units_to(y, 4));
    check_like(a, "{'lines':[{'sku':'%s','requested':4,'available':3,'version':3}]}", x);
    assert_true(api_time(a, "earliest_release_at") > 0);
    check_item(a, x, 9, 3, 6, 1, 3);
    check_item(a, y, 0, 0, 0, 0, 1);
    move(x, y, 3);
    check_item(a, x, 6, 0, 6, 1, 4);
    check_item(a, y, 3, 3, 0, 0, 2);
    post(200, CONFIRM(id), "{}");
    check_item(a, x, 0, 0, 0, 7, 5);
}

/* A hold that is due is given back first, by whoever comes first. */
static void due_units_can_be_moved(void **state)
{
    const char *x = api_item(a, 5, 0), *y = api_item(a, 0, 0);
    const char *id = api_reserve(a, x, 5, 1);
    assert_true(await(moved(x, y, 5), 1000 + EXPIRY_TIMEOUT_MS));
    assert_true(api_state_is(a, id, "expired"));
    check_item(a, x, 0, 0, 0, 0, 4);
    check_item(a, y, 5, 5, 0, 0, 2);
}

static void customers_have_what_they_had(void **state)
{
    const char *x = api_item(a, 10, 2), *y = api_item(a, 10, 1);
    const char *two = "{\"quantity\":2,\"customer\":\"eva\"}";
    char sale[96];
    snprintf(sale, sizeof(sale), "/v1/items/%s/decrements", x);
    post(200, sale, two);
    move(x, y, 5); /* past either limit, and no customer is named */
    move(y, x, 9);
    post_problem(409, "limit-exceeded", NULL, sale, two);
    check_int(a, "lines[0].used", 2);
    post(200, DECREMENT(y), "{\"quantity\":1,\"customer\":\"eva\"}");
}

/* --- what it refuses -------------------------------------------------------------------------- */

static void a_missing_item_is_named(void **state)
{
    const char *x = api_item(a, 5, 0), *gone = api_item(a, 5, 0);
    api_call(a, 204, "DELETE", ITEM(gone), NULL, NULL);
    refused(404, "item-not-found", NULL, x, units_to("nowhere", 1));
    check_str(a, "sku", "nowhere");
    refused(404, "item-not-found", NULL, "nowhere", units_to(x, 1));
    check_str(a, "sku", "nowhere");
    refused(404, "item-not-found", NULL, "nobody", units_to("nowhere", 1));
    check_str(a, "sku", "nobody");
    refused(404, "item-not-found", NULL, x, units_to(gone, 99)); /* before its stock is looked at */
    check_str(a, "sku", gone);
    check_item(a, x, 5, 5, 0, 0, 1);
    api_call(a, 201, "PUT", ITEM(gone), NULL, "{\"on_hand\":0}");
    move(x, gone, 5);
    check_item(a, gone, 5, 5, 0, 0, 4);
}

static void every_field_has_its_limits(void **state)
{
    const char *x = api_item(a, 5, 0), *y = api_item(a, 5, 0);
    const struct {
        const char *field, *body;
    } rows[] = {
        {"to", "{\"quantity\":1}"},
        {"to", text("{\"to\":\"%s\",\"quantity\":1}", x)},
        {"to", "{\"to\":\"a b\",\"quantity\":1}"},
        {"to", "{\"to\":null,\"quantity\":1}"},
        {"to", "{\"to\":[\"b\"],\"quantity\":1}"},
        {"quantity", text("{\"to\":\"%s\"}", y)},
        {"quantity", text("{\"to\":\"%s\",\"quantity\":0}", y)},
        {"quantity", text("{\"to\":\"%s\",\"quantity\":1.0}", y)},
        {"quantity", text("{\"to\":\"%s\",\"quantity\":1000000001}", y)},
        {"reason", text("{\"to\":\"%s\",\"quantity\":1,\"reason\":5}", y)},
        {"reason", text("{\"to\":\"%s\",\"quantity\":1,\"reason\":\"%0129d\"}", y, 0)},
        {"customer", text("{\"to\":\"%s\",\"quantity\":1,\"customer\":\"c\"}", y)},
        {"sku", text("{\"to\":\"%s\",\"quantity\":1,\"sku\":\"%s\"}", y, x)},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        refused(422, "invalid-field", rows[i].field, x, rows[i].body);
    refused(422, "invalid-field", "sku", "a%20b", units_to(y, 1));
    refused(422, "invalid-field", "to", "%61", "{\"to\":\"a\",\"quantity\":1}");
    refused(400, "malformed-json", NULL, x, "");
    refused(400, "malformed-json", NULL, x, "{\"to\":");
    check_item(a, x, 5, 5, 0, 0, 1);
    check_item(a, y, 5, 5, 0, 0, 1);
}

static void on_hand_of_the_other_item_stops_at_its_limit(void **state)
{
    const char *x = api_item(a, 50, 0), *y = api_item(a, UNITS_MAX - 15, 0);
    api_reserve(a, y, 10, 0);
    move(x, y, 10);
    refused(422, "invalid-field", "quantity", x, units_to(y, 6));
    check_item(a, x, 40, 40, 0, 0, 2);
    move(x, y, 5);
    check_item(a, y, UNITS_MAX, UNITS_MAX - 10, 10, 0, 4);
}

/* --- keys and batches ------------------------------------------------------------------------- */

static void a_key_moves_once(void **state)
{
    const char *x = api_item(a, 10, 0), *y = api_item(a, 0, 0);
    const char *body = units_to(y, 2);
    refused(409, "insufficient-stock", NULL, x, units_to(y, 11)); /* not recorded */
    api_call(a, 200, "POST", TRANSFER(x), KEY("once-1"), body);
    check_header(a, "Idempotent-Replayed", NULL);
    json_t *first = json_incref(http_resp_json(&a->resp));
    move(y, x, 1);
    json_t *again = api_call(a, 200, "POST", TRANSFER(x), KEY("once-1"), body);
    check_header(a, "Idempotent-Replayed", "true");
    assert_true(json_equal(first, again));
    json_t *found = get("/v1/operations/once-1");
    check_int(a, "status", 200);
    assert_true(json_equal(first, json_object_get(found, "body")));
    json_decref(first);
    api_problem(a, 422, "idempotency-key-reused", NULL, "POST", TRANSFER(x), KEY("once-1"),
                units_to(y, 3));
    api_problem(a, 422, "idempotency-key-reused", NULL, "POST", TRANSFER(y), KEY("once-1"),
                units_to(x, 2));
    api_problem(a, 422, "idempotency-key-reused", NULL, "POST", DECREMENT(x), KEY("once-1"),
                "{\"quantity\":2}");
    check_item(a, x, 9, 9, 0, 0, 3);
    check_item(a, y, 1, 1, 0, 0, 3);
}

static void it_is_an_operation_of_a_batch(void **state)
{
    const char *x = api_item(a, 10, 0), *y = new_sku();
    const char *body =
        text("{\"operations\":[{\"op\":\"transfer\",\"sku\":\"%s\",\"to\":\"%s\",\"quantity\":1},"
             "{\"op\":\"put\",\"sku\":\"%s\",\"on_hand\":0},"
             "{\"op\":\"transfer\",\"sku\":\"%s\",\"to\":\"%s\",\"quantity\":4,\"reason\":\"r\","
             "\"idempotency_key\":\"t-%s\"},"
             "{\"op\":\"decrement\",\"sku\":\"%s\",\"quantity\":4},"
             "{\"op\":\"transfer\",\"sku\":\"%s\",\"to\":\"%s\",\"quantity\":1},"
             "{\"op\":\"transfer\",\"sku\":\"%s\",\"quantity\":1}]}",
             x, y, y, x, y, y, y, y, x, x);
    post(200, "/v1/batch", body);
    check_like(a,
               "{'results':[{'status':404,'body':{'sku':'%s'}},{},{'status':200,"
               "'body':{'to':{'sku':'%s','remaining':4},'from':{'version':2}}},"
               "{'body':{'remaining':0}},{'status':409},{'status':422,'body':{'field':'to'}}]}",
               y, y);
    /* The same request alone meets the key of the one in the batch. */
    api_call(a, 200, "POST", TRANSFER(x), text("Idempotency-Key: t-%s\r\n", y),
             text("{\"reason\":\"r\",\"quantity\":4,\"to\":\"%s\"}", y));
    check_header(a, "Idempotent-Replayed", "true");
    check_item(a, x, 6, 6, 0, 0, 2);
    check_item(a, y, 0, 0, 0, 4, 3);
}

/* --- in SQL ----------------------------------------------------------------------------------- */

static void check_movement(const char *sku, int64_t delta, int64_t available, int64_t version)
{
    get(text("/v1/items/%s/movements?limit=1", sku));
    check_like(a, "{'movements':[{'type':'transfer','reason':'recount','held_delta':0,"
                  "'sold_delta':0,'reservation':null}]}");
    check_int(a, "movements[0].available_delta", delta);
    check_int(a, "movements[0].available", available);
    check_int(a, "movements[0].version", version);
}

static void movements_and_the_feed_show_both_items(void **state)
{
    const char *x = api_item(a, 10, 0), *y = api_item(a, 1, 0);
    await_in_sql(x);
    await_in_sql(y);
    char cursor[64];
    get("/v1/events?limit=500");
    KEEP(cursor, api_str(a, "next_cursor"));
    post(200, TRANSFER(x), text("{\"to\":\"%s\",\"quantity\":3,\"reason\":\"recount\"}", y));
    await_in_sql(x);
    check_movement(x, -3, 7, 2);
    check_movement(y, 3, 4, 2);
    get(text("/v1/events?after=%s", cursor));
    check_like(a,
               "{'events':[{'type':'transfer','sku':'%s','available_delta':-3},"
               "{'type':'transfer','sku':'%s','available_delta':3}]}",
               x, y);
}

/* All that the tests before did. */
static void store_and_ledger_are_equal(void **state)
{
    const char *x = api_item(a, 10, 0);
    await_in_sql(x);
    assert_true(sql_int("SELECT COUNT(*) FROM events WHERE type = 'transfer'") > 20);
    assert_int_equal(sql_int("SELECT COUNT(*) FROM unbalanced_items"), 0);
    assert_int_equal(sql_int("SELECT COUNT(*) FROM unbalanced_transfers"), 0);
    check_audit(0);
    assert_true(api_ready(a));
}

/* Units that only one of the two items knows of. */
static void a_transfer_that_does_not_add_up_is_found(void **state)
{
    sql_run("UPDATE events SET available_delta = available_delta + 1 WHERE "
            "type = 'transfer' AND available_delta > 0 AND n = (SELECT MAX(n) "
            "FROM events WHERE type = 'transfer' AND available_delta > 0)");
    assert_true(sql_int("SELECT COUNT(*) FROM unbalanced_transfers") > 0);
    check_audit(1);
    check_said("is in a transfer of 2 items that adds 1 units");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(available_units_change_the_item_in_one_step),
        cmocka_unit_test(held_and_sold_units_stay),
        cmocka_unit_test(due_units_can_be_moved),
        cmocka_unit_test(customers_have_what_they_had),
        cmocka_unit_test(a_missing_item_is_named),
        cmocka_unit_test(every_field_has_its_limits),
        cmocka_unit_test(on_hand_of_the_other_item_stops_at_its_limit),
        cmocka_unit_test(a_key_moves_once),
        cmocka_unit_test(it_is_an_operation_of_a_batch),
        cmocka_unit_test(movements_and_the_feed_show_both_items),
        cmocka_unit_test(store_and_ledger_are_equal),
        cmocka_unit_test(a_transfer_that_does_not_add_up_is_found),
    };
    return run_on_both("contract: transfers", tests, .workers = 2);
}
