/* test_shop_faults.c -- each fault of the test server that can be seen from one client is there. */
#include "support/shop_api.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MANY_TIMES 70 /* enough for a state to be called old */

static struct api *const a = &shop_client;

EACH_BETWEEN(NULL, shop_stop)

/* --- the faults, as one client sees them ------------------------------------------------------ */

TEST(oversell_gives_what_is_not_there)
{
    shop_start("oversell-negative", 2);
    shop_put("a", 0);
    api_problem(a, 409, "insufficient-stock", NULL, "POST", RESERVATIONS, NULL, ONE_A);
    (void)shop_reserve(ONE_A);
    check_int(a, "lines[0].remaining", -1);
    check_item(a, "a", 0, -1, 1, 0, 2);
}

TEST(oversell_can_hide_the_debt)
{
    shop_start("oversell-clamped", 1);
    shop_put("a", 0);
    (void)shop_reserve(ONE_A);
    check_int(a, "lines[0].remaining", 0);
    check_item(a, "a", 1, 0, 1, 0, 2);
}

TEST(a_lost_reserve_leaves_nothing)
{
    shop_start("lost-reserve", 1);
    shop_put("a", 3);
    api_call(a, 201, "POST", RESERVATIONS, KEY("k"), ONE_A);
    check_int(a, "lines[0].version", 2);
    const char *id = api_str(a, "id");
    check_item(a, "a", 3, 3, 0, 0, 1);
    api_problem(a, 404, "reservation-not-found", NULL, "GET", HOLD(id), NULL, NULL);
    api_problem(a, 404, "operation-not-found", NULL, "GET", "/v1/operations/k", NULL, NULL);
}

TEST(a_lost_decrement_leaves_nothing)
{
    shop_start("lost-decrement", 1);
    shop_put("a", 3);
    api_call(a, 200, "POST", ITEM("a/decrements"), NULL, "{\"quantity\":1}");
    check_int(a, "remaining", 2);
    check_item(a, "a", 3, 3, 0, 0, 1);
}

TEST(a_lost_confirm_leaves_the_hold)
{
    shop_start("lost-confirm", 1);
    shop_put("a", 3);
    const char *id = shop_reserve(ONE_A);
    api_call(a, 200, "POST", CONFIRM(id), NULL, NULL);
    check_str(a, "state", "confirmed");
    check_int(a, "lines[0].version", 3);
    check_item(a, "a", 3, 2, 1, 0, 2);
    api_call(a, 200, "GET", HOLD(id), NULL, NULL);
    check_str(a, "state", "held");
    check_int(a, "lines[0].version", 2);
}

TEST(versions_can_repeat_and_jump)
{
    shop_start("same-version", 1);
    shop_put("a", 3);
    (void)shop_reserve(ONE_A);
    check_item(a, "a", 3, 2, 1, 0, 1);
    assert_int_equal(shop_stop(NULL), 0);
    shop_start("version-jump", 1);
    shop_put("a", 3);
    (void)shop_reserve(ONE_A);
    check_item(a, "a", 3, 2, 1, 0, 3);
}

TEST(a_restore_keeps_everything_under_higher_versions)
{
    shop_start("restore", 4);
    shop_put("a", 9);
    (void)shop_reserve(ONE_A);
    (void)shop_reserve(ONE_A);
    check_item(a, "a", 9, 7, 2, 0, 3);
    (void)shop_reserve(ONE_A); /* the fourth operation finds the store restored */
    check_item(a, "a", 9, 6, 3, 0, (1 << 20) + 4);
    api_call(a, 200, "GET", "/readyz", NULL, NULL);
    check_int(a, "restores", 1);
}

TEST(a_restore_may_lose_the_last_operations)
{
    char lost[64];
    shop_start("restore-loses", 60);
    shop_put("a", 100);
    for (int i = 2; i < 59; i++)
        (void)shop_reserve(ONE_A);
    (void)snprintf(lost, sizeof(lost), "%s", shop_reserve(ONE_A));
    api_call(a, 200, "GET", HOLD(lost), NULL, NULL);
    (void)shop_reserve(ONE_A); /* as if there had only been the first ten */
    check_item(a, "a", 100, 90, 10, 0, (1 << 20) + 11);
    api_problem(a, 404, "reservation-not-found", NULL, "GET", HOLD(lost), NULL, NULL);
    api_call(a, 200, "GET", "/readyz", NULL, NULL);
    check_int(a, "restores", 1);
}

TEST(a_restore_may_be_kept_quiet)
{
    shop_start("restore-unsaid", 2);
    shop_put("a", 9);
    (void)shop_reserve(ONE_A);
    check_item(a, "a", 9, 8, 1, 0, (1 << 20) + 2);
    api_call(a, 200, "GET", "/readyz", NULL, NULL);
    check_int(a, "restores", 0);
}

TEST(a_stale_read_is_many_transitions_old)
{
    shop_start("stale-read", 2);
    shop_put("a", 1000);
    for (int i = 0; i < MANY_TIMES; i++)
        (void)shop_reserve(ONE_A);
    check_item(a, "a", 1000, 1000 - MANY_TIMES, MANY_TIMES, 0, 1 + MANY_TIMES);
    api_call(a, 200, "GET", ITEM("a"), NULL, NULL);
    assert_true(api_int(a, "version") <= 1 + MANY_TIMES - 32);
    assert_int_equal(api_int(a, "available"), 1001 - api_int(a, "version"));
}

TEST(a_stale_refusal_quotes_the_past)
{
    shop_start("stale-refusal", 1);
    shop_put("a", 0);
    for (int i = 0; i < 40; i++)
        api_call(a, 200, "POST", ITEM("a/adjustments"), NULL, "{\"delta\":1}");
    api_problem(a, 409, "insufficient-stock", NULL, "POST", RESERVATIONS, NULL, ONE_A);
    check_json(a, "lines", "[{\"sku\":\"a\",\"requested\":1,\"available\":0,\"version\":1}]");
    check_item(a, "a", 40, 40, 0, 0, 41);
}

TEST(a_partial_basket_answers_for_all)
{
    shop_start("basket-partial", 1);
    shop_put("a", 3);
    shop_put("b", 3);
    (void)shop_reserve(
        "{\"lines\":[{\"sku\":\"a\",\"quantity\":1},{\"sku\":\"b\",\"quantity\":1}]}");
    check_int(a, "lines[1].version", 2);
    check_item(a, "a", 3, 2, 1, 0, 2);
    check_item(a, "b", 3, 3, 0, 0, 1);
}

TEST(a_transfer_can_go_wrong)
{
    static const struct {
        const char *fault;
        int status, a_left, b_left, b_version;
    } rows[] = {{"transfer-loses", 200, 2, 1, 2},
                {"transfer-doubles", 200, 2, 7, 2},
                {"transfer-still", 200, 2, 4, 1},
                {"refuses-transfer", 409, 5, 1, 1}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        shop_start(rows[i].fault, 1);
        shop_put("a", 5);
        shop_put("b", 1);
        api_call(a, rows[i].status, "POST", ITEM("a/transfers"), NULL, TO_B(3));
        check_item(a, "a", rows[i].a_left, rows[i].a_left, 0, 0, rows[i].status == 200 ? 2 : 1);
        check_item(a, "b", rows[i].b_left, rows[i].b_left, 0, 0, rows[i].b_version);
        assert_int_equal(shop_stop(NULL), 0);
    }
    shop_start("transfer-overdraws", 1);
    shop_put("a", 1);
    shop_put("b", 1);
    api_call(a, 200, "POST", ITEM("a/transfers"), NULL, TO_B(3));
    check_item(a, "a", -2, -2, 0, 0, 2);
}

TEST(a_release_can_give_back_too_much)
{
    shop_start("double-release", 1);
    shop_put("a", 3);
    api_call(a, 200, "POST", RELEASE(shop_reserve(ONE_A)), NULL, NULL);
    check_item(a, "a", 4, 4, 0, 0, 3);
    assert_int_equal(shop_stop(NULL), 0);
    shop_start("release-twice", 1);
    shop_put("a", 3);
    const char *id = shop_reserve(ONE_A);
    api_call(a, 200, "POST", RELEASE(id), NULL, NULL);
    check_item(a, "a", 3, 3, 0, 0, 3);
    api_call(a, 200, "POST", RELEASE(id), NULL, NULL);
    check_header(a, "Idempotent-Replayed", NULL);
    check_item(a, "a", 3, 4, -1, 0, 4);
}

TEST(refusals_can_have_an_effect)
{
    shop_start("fail-with-effect", 1);
    shop_put("a", 2);
    (void)shop_reserve(ONE_A);
    api_problem(a, 409, "insufficient-stock", NULL, "POST", RESERVATIONS, NULL, ONE_A);
    check_json(a, "lines", "[{\"sku\":\"a\",\"requested\":1,\"available\":0,\"version\":3}]");
    check_item(a, "a", 2, 0, 2, 0, 3);
    assert_int_equal(shop_stop(NULL), 0);
    shop_start("phantom-503", 2);
    shop_put("a", 2);
    api_problem(a, 503, "redis-unavailable", NULL, "POST", RESERVATIONS, NULL, ONE_A);
    check_item(a, "a", 2, 1, 1, 0, 2);
}

TEST(keys_can_be_forgotten)
{
    shop_start("double-apply", 1);
    shop_put("a", 3);
    api_call(a, 201, "POST", RESERVATIONS, KEY("k"), ONE_A);
    api_call(a, 201, "POST", RESERVATIONS, KEY("k"), ONE_A);
    check_header(a, "Idempotent-Replayed", NULL);
    check_item(a, "a", 3, 1, 2, 0, 3);
    assert_int_equal(shop_stop(NULL), 0);
    shop_start("forgotten-key", 1);
    shop_put("a", 3);
    api_call(a, 201, "POST", RESERVATIONS, KEY("k"), ONE_A);
    api_problem(a, 404, "operation-not-found", NULL, "GET", "/v1/operations/k", NULL, NULL);
    check_item(a, "a", 3, 2, 1, 0, 2);
}

TEST(a_hold_can_expire_early)
{
    shop_start("early-expiry", 1);
    shop_put("a", 3);
    const char *id = shop_reserve("{\"sku\":\"a\",\"quantity\":1,\"ttl_seconds\":10}");
    int64_t expires_ms = api_time(a, "expires_at");
    assert_true(await(api_state_is(a, id, "expired"), EXPIRY_TIMEOUT_MS));
    check_item(a, "a", 3, 3, 0, 0, 3);
    assert_true(api_time(a, "updated_at") < expires_ms - 5000);
}

TEST(an_item_can_vanish)
{
    shop_start("lost-item", 2);
    shop_put("a", 3);
    (void)shop_reserve(ONE_A);
    api_problem(a, 404, "item-not-found", NULL, "GET", ITEM("a"), NULL, NULL);
    api_problem(a, 404, "item-not-found", NULL, "POST", RESERVATIONS, NULL, ONE_A);
}

/* Only the second answer lies, and what was done is right. */
TEST(what_was_done_can_be_told_otherwise)
{
    static const struct {
        const char *fault, *told;
    } rows[] = {{"says-quantity", "\"quantity\":9"}, {"says-state", "\"state\":\"hold\""}};
    for (size_t i = 0; i < 2; i++) {
        shop_start(rows[i].fault, 2);
        shop_put("a", 3);
        api_call(a, 201, "POST", RESERVATIONS, NULL, ONE_A);
        assert_null(strstr(a->resp.body, rows[i].told));
        api_call(a, 201, "POST", RESERVATIONS, NULL, ONE_A);
        assert_non_null(strstr(a->resp.body, rows[i].told));
        check_item(a, "a", 3, 1, 2, 0, 3);
        assert_int_equal(shop_stop(NULL), 0);
    }
}

/* --- the faults of the connection ------------------------------------------------------------- */

#define PATIENT   HTTP_TIMEOUT_MS /* there will be an answer, or an end */
#define IMPATIENT 300             /* there will be none */

/* Sends a reservation of the item `a` and gives what http_call says. */
static int try_reserve(struct http_resp *resp, int timeout_ms)
{
    struct http_conn conn;
    http_conn_init(&conn, shop_under_test.port);
    conn.timeout_ms = timeout_ms;
    int err = http_call(&conn, "POST", RESERVATIONS, NULL, ONE_A, resp);
    http_conn_close(&conn);
    return err;
}

TEST(it_can_do_and_not_answer)
{
    struct http_resp resp = {0};
    shop_start("hang-some", 3);
    shop_put("a", 3);
    assert_int_equal(try_reserve(&resp, PATIENT), 0);
    assert_int_equal(try_reserve(&resp, IMPATIENT), -ETIMEDOUT);
    check_item(a, "a", 3, 1, 2, 0, 3);
    assert_int_equal(shop_stop(NULL), 0);
    shop_start("reset-some", 2);
    shop_put("a", 3);
    assert_int_equal(try_reserve(&resp, PATIENT), -ECONNRESET);
    check_item(a, "a", 3, 2, 1, 0, 2);
    http_resp_free(&resp);
}

TEST(it_can_hang_for_good)
{
    struct http_resp resp = {0};
    shop_start("hang", 2);
    shop_put("a", 3);
    assert_int_equal(try_reserve(&resp, IMPATIENT), -ETIMEDOUT);
    assert_int_equal(try_reserve(&resp, IMPATIENT), -ETIMEDOUT);
    http_resp_free(&resp);
}

static bool answers_at_once(void)
{
    check_item(a, "a", 3, 2, 1, 0, 2);
    return a->resp.took_ms < 900;
}

TEST(it_can_be_slow_and_garbled)
{
    shop_start("slow", 2);
    shop_put("a", 3);
    (void)shop_reserve(ONE_A);
    assert_true(a->resp.took_ms >= 900);
    /* What is slow is slow each time; the machine is not. */
    assert_true(await(answers_at_once(), HTTP_TIMEOUT_MS));
    assert_int_equal(shop_stop(NULL), 0);
    shop_start("garbled", 2);
    shop_put("a", 3);
    assert_null(api_call(a, 201, "POST", RESERVATIONS, NULL, ONE_A));
    check_item(a, "a", 3, 2, 1, 0, 2);
}

TEST(it_can_fail_every_request)
{
    shop_start("error-500", 1);
    api_problem(a, 500, "internal-error", NULL, "PUT", ITEM("a"), NULL, "{\"on_hand\":1}");
    api_call(a, 200, "GET", "/healthz", NULL, NULL);
    assert_int_equal(shop_stop(NULL), 0);
    shop_start("error-500-load", 1);
    shop_put("a", 3);
    api_problem(a, 500, "internal-error", NULL, "POST", RESERVATIONS, NULL, ONE_A);
    check_item(a, "a", 3, 3, 0, 0, 1);
}

TEST(it_can_die)
{
    struct http_resp resp = {0};
    shop_start("die", 2);
    shop_put("a", 3);
    assert_int_equal(try_reserve(&resp, PATIENT), -ECONNRESET);
    assert_int_equal(tproc_wait(&shop_under_test.proc, HTTP_TIMEOUT_MS), 0);
    api_close(a);
    assert_true(tshop_bury(&shop_under_test));
    http_resp_free(&resp);
}
