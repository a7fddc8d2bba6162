/* test_shop.c -- the test server itself: it keeps the contract where the load generator relies on
 * it, and each fault that can be seen from one client is there. */
#include "support/api.h"
#include "support/shop_server.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define KEY(name)    "Idempotency-Key: " name "\r\n"
#define ITEM(sku)    "/v1/items/" sku
#define CONFIRM(id)  text("/v1/reservations/%s/confirm", (id))
#define RELEASE(id)  text("/v1/reservations/%s/release", (id))
#define EXTEND(id)   text("/v1/reservations/%s/extend", (id))
#define HOLD(id)     text("/v1/reservations/%s", (id))
#define RESERVATIONS "/v1/reservations"
#define ONE_A        "{\"sku\":\"a\",\"quantity\":1}"
#define MANY_TIMES   70 /* enough for a state to be called old */

static struct tshop shop;
static struct api api = {.conn.fd = -1};
static struct api *const a = &api;

static void start(const char *fault, int every)
{
    assert_int_equal(tshop_start(&shop, fault, every), 0);
    api_open(a, shop.port);
}

static int start_honest(void **state)
{
    if (tshop_start(&shop, "none", 1) != 0)
        return -1;
    api_open(a, shop.port);
    return 0;
}

static int stop(void **state)
{
    api_close(a);
    return tshop_stop(&shop) ? 0 : -1;
}

static void put(const char *sku, int on_hand)
{
    api_call(a, 201, "PUT", text("/v1/items/%s", sku), NULL, text("{\"on_hand\":%d}", on_hand));
    check_int(a, "version", 1);
    check_int(a, "available", on_hand);
}

/* The id of a new reservation. */
static const char *reserve(const char *body)
{
    api_call(a, 201, "POST", RESERVATIONS, NULL, body);
    check_str(a, "state", "held");
    return api_str(a, "id");
}

/* --- the contract ----------------------------------------------------------------------------- */

static void items_follow_the_contract(void **state)
{
    put("a", 5);
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
    check_like(a, "{'remaining':4,'version':4}");
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

static void a_basket_takes_all_lines_or_none(void **state)
{
    put("a", 5);
    put("b", 1);
    const char *both = "{\"lines\":[{\"sku\":\"a\",\"quantity\":2},{\"sku\":\"b\",\"quantity\":1},"
                       "{\"sku\":\"a\",\"quantity\":1}],\"ttl_seconds\":60,\"customer\":\"c-1\"}";
    const char *id = reserve(both);
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

static void a_hold_ends_once(void **state)
{
    put("a", 9);
    const char *sold = reserve("{\"sku\":\"a\",\"quantity\":4}");
    api_problem(a, 422, "invalid-field", "lines[0].quantity", "POST", CONFIRM(sold), NULL,
                "{\"lines\":[{\"sku\":\"a\",\"quantity\":5}]}");
    api_call(a, 200, "POST", CONFIRM(sold), NULL, "{\"lines\":[{\"sku\":\"a\",\"quantity\":1}]}");
    check_json(a, "lines",
               "[{\"sku\":\"a\",\"quantity\":1,\"reserved\":4,\"remaining\":8,\"version\":3}]");
    check_like(a, "{'state':'confirmed','ttl_ms':0}");
    check_header(a, "Idempotent-Replayed", NULL);
    api_call(a, 200, "POST", CONFIRM(sold), NULL, "{\"lines\":[{\"sku\":\"a\",\"quantity\":1}]}");
    check_header(a, "Idempotent-Replayed", "true");
    api_problem(a, 409, "reservation-confirmed", NULL, "POST", CONFIRM(sold), NULL, NULL);
    api_problem(a, 409, "reservation-confirmed", NULL, "POST", RELEASE(sold), NULL, NULL);
    check_item(a, "a", 8, 8, 0, 1, 3);

    const char *back = reserve("{\"sku\":\"a\",\"quantity\":2}");
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
    check_like(a, "{'state':'released','lines':[{'version':6}]}");
}

static void a_hold_expires_by_itself(void **state)
{
    put("a", 3);
    put("b", 3);
    const char *id = reserve("{\"lines\":[{\"sku\":\"a\",\"quantity\":1},{\"sku\":\"b\","
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

static void a_key_has_one_effect(void **state)
{
    put("a", 3);
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
    check_like(a, "{'status':201,'body':{'id':'%s','lines':[{'version':2}]}}", id);
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
    check_like(a, "{'results':[{'body':{'state':'held'}},{'body':{'lines':[{'version':4}]}},"
                  "{'body':{'state':'released'}},'...']}");
    check_json(a, "results[2].replayed", "false");
    check_json(a, "results[3].replayed", "true");
    check_int(a, "results[4].status", 404);
    check_item(a, "a", 6, 6, 0, 0, 5);
    api_problem(a, 422, "invalid-field", "operations", "POST", "/v1/batch", NULL,
                "{\"operations\":[]}");
}

static void health_and_counters_are_served(void **state)
{
    api_call(a, 200, "GET", "/healthz", NULL, NULL);
    api_call(a, 200, "GET", "/readyz", NULL, NULL);
    check_int(a, "restores", 0);
    api_call(a, 200, "GET", "/metrics", NULL, NULL);
    assert_non_null(strstr(a->resp.body, "\nstockd_conflicts_total 0\n"));
}

/* --- the faults, as one client sees them ------------------------------------------------------ */

static void oversell_gives_what_is_not_there(void **state)
{
    start("oversell-negative", 2);
    put("a", 0);
    api_problem(a, 409, "insufficient-stock", NULL, "POST", RESERVATIONS, NULL, ONE_A);
    (void)reserve(ONE_A);
    check_int(a, "lines[0].remaining", -1);
    check_item(a, "a", 0, -1, 1, 0, 2);
}

static void oversell_can_hide_the_debt(void **state)
{
    start("oversell-clamped", 1);
    put("a", 0);
    (void)reserve(ONE_A);
    check_int(a, "lines[0].remaining", 0);
    check_item(a, "a", 1, 0, 1, 0, 2);
}

static void a_lost_reserve_leaves_nothing(void **state)
{
    start("lost-reserve", 1);
    put("a", 3);
    api_call(a, 201, "POST", RESERVATIONS, KEY("k"), ONE_A);
    check_int(a, "lines[0].version", 2);
    const char *id = api_str(a, "id");
    check_item(a, "a", 3, 3, 0, 0, 1);
    api_problem(a, 404, "reservation-not-found", NULL, "GET", HOLD(id), NULL, NULL);
    api_problem(a, 404, "operation-not-found", NULL, "GET", "/v1/operations/k", NULL, NULL);
}

static void a_lost_decrement_leaves_nothing(void **state)
{
    start("lost-decrement", 1);
    put("a", 3);
    api_call(a, 200, "POST", ITEM("a/decrements"), NULL, "{\"quantity\":1}");
    check_int(a, "remaining", 2);
    check_item(a, "a", 3, 3, 0, 0, 1);
}

static void a_lost_confirm_leaves_the_hold(void **state)
{
    start("lost-confirm", 1);
    put("a", 3);
    const char *id = reserve(ONE_A);
    api_call(a, 200, "POST", CONFIRM(id), NULL, NULL);
    check_like(a, "{'state':'confirmed','lines':[{'version':3}]}");
    check_item(a, "a", 3, 2, 1, 0, 2);
    api_call(a, 200, "GET", HOLD(id), NULL, NULL);
    check_like(a, "{'state':'held','lines':[{'version':2}]}");
}

static void versions_can_repeat_and_jump(void **state)
{
    start("same-version", 1);
    put("a", 3);
    (void)reserve(ONE_A);
    check_item(a, "a", 3, 2, 1, 0, 1);
    assert_int_equal(stop(NULL), 0);
    start("version-jump", 1);
    put("a", 3);
    (void)reserve(ONE_A);
    check_item(a, "a", 3, 2, 1, 0, 3);
}

static void a_restore_keeps_everything_under_higher_versions(void **state)
{
    start("restore", 4);
    put("a", 9);
    (void)reserve(ONE_A);
    (void)reserve(ONE_A);
    check_item(a, "a", 9, 7, 2, 0, 3);
    (void)reserve(ONE_A); /* the fourth operation finds the store restored */
    check_item(a, "a", 9, 6, 3, 0, (1 << 20) + 4);
    api_call(a, 200, "GET", "/readyz", NULL, NULL);
    check_int(a, "restores", 1);
}

static void a_restore_may_lose_the_last_operations(void **state)
{
    char lost[64];
    start("restore-loses", 60);
    put("a", 100);
    for (int i = 2; i < 59; i++)
        (void)reserve(ONE_A);
    (void)snprintf(lost, sizeof(lost), "%s", reserve(ONE_A));
    api_call(a, 200, "GET", HOLD(lost), NULL, NULL);
    (void)reserve(ONE_A); /* as if there had only been the first ten */
    check_item(a, "a", 100, 90, 10, 0, (1 << 20) + 11);
    api_problem(a, 404, "reservation-not-found", NULL, "GET", HOLD(lost), NULL, NULL);
    api_call(a, 200, "GET", "/readyz", NULL, NULL);
    check_int(a, "restores", 1);
}

static void a_restore_may_be_kept_quiet(void **state)
{
    start("restore-unsaid", 2);
    put("a", 9);
    (void)reserve(ONE_A);
    check_item(a, "a", 9, 8, 1, 0, (1 << 20) + 2);
    api_call(a, 200, "GET", "/readyz", NULL, NULL);
    check_int(a, "restores", 0);
}

static void a_stale_read_is_many_transitions_old(void **state)
{
    start("stale-read", 2);
    put("a", 1000);
    for (int i = 0; i < MANY_TIMES; i++)
        (void)reserve(ONE_A);
    check_item(a, "a", 1000, 1000 - MANY_TIMES, MANY_TIMES, 0, 1 + MANY_TIMES);
    api_call(a, 200, "GET", ITEM("a"), NULL, NULL);
    assert_true(api_int(a, "version") <= 1 + MANY_TIMES - 32);
    assert_int_equal(api_int(a, "available"), 1001 - api_int(a, "version"));
}

static void a_stale_refusal_quotes_the_past(void **state)
{
    start("stale-refusal", 1);
    put("a", 0);
    for (int i = 0; i < 40; i++)
        api_call(a, 200, "POST", ITEM("a/adjustments"), NULL, "{\"delta\":1}");
    api_problem(a, 409, "insufficient-stock", NULL, "POST", RESERVATIONS, NULL, ONE_A);
    check_json(a, "lines", "[{\"sku\":\"a\",\"requested\":1,\"available\":0,\"version\":1}]");
    check_item(a, "a", 40, 40, 0, 0, 41);
}

static void a_partial_basket_answers_for_all(void **state)
{
    start("basket-partial", 1);
    put("a", 3);
    put("b", 3);
    (void)reserve("{\"lines\":[{\"sku\":\"a\",\"quantity\":1},{\"sku\":\"b\",\"quantity\":1}]}");
    check_int(a, "lines[1].version", 2);
    check_item(a, "a", 3, 2, 1, 0, 2);
    check_item(a, "b", 3, 3, 0, 0, 1);
}

static void a_release_can_give_back_too_much(void **state)
{
    start("double-release", 1);
    put("a", 3);
    api_call(a, 200, "POST", RELEASE(reserve(ONE_A)), NULL, NULL);
    check_item(a, "a", 4, 4, 0, 0, 3);
    assert_int_equal(stop(NULL), 0);
    start("release-twice", 1);
    put("a", 3);
    const char *id = reserve(ONE_A);
    api_call(a, 200, "POST", RELEASE(id), NULL, NULL);
    check_item(a, "a", 3, 3, 0, 0, 3);
    api_call(a, 200, "POST", RELEASE(id), NULL, NULL);
    check_header(a, "Idempotent-Replayed", NULL);
    check_item(a, "a", 3, 4, -1, 0, 4);
}

static void refusals_can_have_an_effect(void **state)
{
    start("fail-with-effect", 1);
    put("a", 2);
    (void)reserve(ONE_A);
    api_problem(a, 409, "insufficient-stock", NULL, "POST", RESERVATIONS, NULL, ONE_A);
    check_json(a, "lines", "[{\"sku\":\"a\",\"requested\":1,\"available\":0,\"version\":3}]");
    check_item(a, "a", 2, 0, 2, 0, 3);
    assert_int_equal(stop(NULL), 0);
    start("phantom-503", 2);
    put("a", 2);
    api_problem(a, 503, "redis-unavailable", NULL, "POST", RESERVATIONS, NULL, ONE_A);
    check_item(a, "a", 2, 1, 1, 0, 2);
}

static void keys_can_be_forgotten(void **state)
{
    start("double-apply", 1);
    put("a", 3);
    api_call(a, 201, "POST", RESERVATIONS, KEY("k"), ONE_A);
    api_call(a, 201, "POST", RESERVATIONS, KEY("k"), ONE_A);
    check_header(a, "Idempotent-Replayed", NULL);
    check_item(a, "a", 3, 1, 2, 0, 3);
    assert_int_equal(stop(NULL), 0);
    start("forgotten-key", 1);
    put("a", 3);
    api_call(a, 201, "POST", RESERVATIONS, KEY("k"), ONE_A);
    api_problem(a, 404, "operation-not-found", NULL, "GET", "/v1/operations/k", NULL, NULL);
    check_item(a, "a", 3, 2, 1, 0, 2);
}

static void a_hold_can_expire_early(void **state)
{
    start("early-expiry", 1);
    put("a", 3);
    const char *id = reserve("{\"sku\":\"a\",\"quantity\":1,\"ttl_seconds\":10}");
    int64_t expires_ms = api_time(a, "expires_at");
    assert_true(await(api_state_is(a, id, "expired"), EXPIRY_TIMEOUT_MS));
    check_item(a, "a", 3, 3, 0, 0, 3);
    assert_true(api_time(a, "updated_at") < expires_ms - 5000);
}

static void an_item_can_vanish(void **state)
{
    start("lost-item", 2);
    put("a", 3);
    (void)reserve(ONE_A);
    api_problem(a, 404, "item-not-found", NULL, "GET", ITEM("a"), NULL, NULL);
    api_problem(a, 404, "item-not-found", NULL, "POST", RESERVATIONS, NULL, ONE_A);
}

/* Only the second answer lies, and what was done is right. */
static void what_was_done_can_be_told_otherwise(void **state)
{
    static const struct {
        const char *fault, *told;
    } rows[] = {{"says-quantity", "\"quantity\":9"}, {"says-state", "\"state\":\"hold\""}};
    for (size_t i = 0; i < 2; i++) {
        start(rows[i].fault, 2);
        put("a", 3);
        api_call(a, 201, "POST", RESERVATIONS, NULL, ONE_A);
        assert_null(strstr(a->resp.body, rows[i].told));
        api_call(a, 201, "POST", RESERVATIONS, NULL, ONE_A);
        assert_non_null(strstr(a->resp.body, rows[i].told));
        check_item(a, "a", 3, 1, 2, 0, 3);
        assert_int_equal(stop(NULL), 0);
    }
}

/* --- the faults of the connection ------------------------------------------------------------- */

/* Sends a reservation of the item `a` and gives what http_call says. */
static int try_reserve(struct http_resp *resp)
{
    struct http_conn conn;
    http_conn_init(&conn, shop.port);
    conn.timeout_ms = 300;
    int err = http_call(&conn, "POST", RESERVATIONS, NULL, ONE_A, resp);
    http_conn_close(&conn);
    return err;
}

static void it_can_do_and_not_answer(void **state)
{
    struct http_resp resp = {0};
    start("hang-some", 3);
    put("a", 3);
    assert_int_equal(try_reserve(&resp), 0);
    assert_int_equal(try_reserve(&resp), -ETIMEDOUT);
    check_item(a, "a", 3, 1, 2, 0, 3);
    assert_int_equal(stop(NULL), 0);
    start("reset-some", 2);
    put("a", 3);
    assert_int_equal(try_reserve(&resp), -ECONNRESET);
    check_item(a, "a", 3, 2, 1, 0, 2);
    http_resp_free(&resp);
}

static void it_can_hang_for_good(void **state)
{
    struct http_resp resp = {0};
    start("hang", 2);
    put("a", 3);
    assert_int_equal(try_reserve(&resp), -ETIMEDOUT);
    assert_int_equal(try_reserve(&resp), -ETIMEDOUT);
    http_resp_free(&resp);
}

static void it_can_be_slow_and_garbled(void **state)
{
    start("slow", 2);
    put("a", 3);
    (void)reserve(ONE_A);
    assert_in_range(a->resp.took_ms, 900, 2500);
    check_item(a, "a", 3, 2, 1, 0, 2);
    assert_true(a->resp.took_ms < 900);
    assert_int_equal(stop(NULL), 0);
    start("garbled", 2);
    put("a", 3);
    assert_null(api_call(a, 201, "POST", RESERVATIONS, NULL, ONE_A));
    check_item(a, "a", 3, 2, 1, 0, 2);
}

static void it_can_fail_every_request(void **state)
{
    start("error-500", 1);
    api_problem(a, 500, "internal-error", NULL, "PUT", ITEM("a"), NULL, "{\"on_hand\":1}");
    api_call(a, 200, "GET", "/healthz", NULL, NULL);
    assert_int_equal(stop(NULL), 0);
    start("error-500-load", 1);
    put("a", 3);
    api_problem(a, 500, "internal-error", NULL, "POST", RESERVATIONS, NULL, ONE_A);
    check_item(a, "a", 3, 3, 0, 0, 1);
}

static void it_can_die(void **state)
{
    struct http_resp resp = {0};
    start("die", 2);
    put("a", 3);
    assert_int_equal(try_reserve(&resp), -ECONNRESET);
    assert_int_equal(tproc_wait(&shop.proc, 5000), 0);
    api_close(a);
    assert_true(tshop_bury(&shop));
    http_resp_free(&resp);
}

#define HONEST(test) cmocka_unit_test_setup_teardown(test, start_honest, stop)
#define FAULTY(test) cmocka_unit_test_teardown(test, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        HONEST(items_follow_the_contract),
        HONEST(a_basket_takes_all_lines_or_none),
        HONEST(a_hold_ends_once),
        HONEST(a_hold_expires_by_itself),
        HONEST(a_key_has_one_effect),
        HONEST(a_batch_is_its_single_calls),
        HONEST(health_and_counters_are_served),
        FAULTY(oversell_gives_what_is_not_there),
        FAULTY(oversell_can_hide_the_debt),
        FAULTY(a_lost_reserve_leaves_nothing),
        FAULTY(a_lost_decrement_leaves_nothing),
        FAULTY(a_lost_confirm_leaves_the_hold),
        FAULTY(versions_can_repeat_and_jump),
        FAULTY(a_restore_keeps_everything_under_higher_versions),
        FAULTY(a_restore_may_lose_the_last_operations),
        FAULTY(a_restore_may_be_kept_quiet),
        FAULTY(a_stale_read_is_many_transitions_old),
        FAULTY(a_stale_refusal_quotes_the_past),
        FAULTY(a_partial_basket_answers_for_all),
        FAULTY(a_release_can_give_back_too_much),
        FAULTY(refusals_can_have_an_effect),
        FAULTY(keys_can_be_forgotten),
        FAULTY(a_hold_can_expire_early),
        FAULTY(an_item_can_vanish),
        FAULTY(what_was_done_can_be_told_otherwise),
        FAULTY(it_can_do_and_not_answer),
        FAULTY(it_can_hang_for_good),
        FAULTY(it_can_be_slow_and_garbled),
        FAULTY(it_can_fail_every_request),
        FAULTY(it_can_die),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
