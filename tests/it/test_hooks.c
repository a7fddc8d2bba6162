/* test_hooks.c -- `stockd hooks run` against an endpoint that takes events, fails, hangs and lies:
 * all of them come, in the order of their items. */
#include "support/hook_case.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* --- what comes ------------------------------------------------------------------------------- */

static void every_event_comes_signed_and_once(void **state)
{
    struct hook_secret secret;
    const char *why;
    assert_true(secret_parse(&secret, STR(HOOK_SECRET), &why));
    hooks_begin(*state, FIRST);
    make_changes("a", 3);
    make_changes("b", 3);
    sender_start(0);
    await_taken("a", 4);
    await_taken("b", 4);
    make_changes("c", 1);
    await_taken("c", 2);
    check_order("a");
    check_order("b");
    assert_int_equal(hook_server_count(&endpoint), 10);
    for (int i = 0; i < 10; i++) {
        const struct hook_request *seen = hook_server_get(&endpoint, i);
        struct buf right;
        buf_init(&right, 256);
        assert_true(signature_put(&right, &secret, 1, str_of(seen->id), atoll(seen->timestamp),
                                  str_of(seen->body)));
        buf_putc(&right, '\0');
        assert_string_equal(seen->signature, right.p);
        buf_free(&right);
        for (int j = 0; j < i; j++)
            assert_string_not_equal(seen->id, hook_server_get(&endpoint, j)->id);
    }
}

static void only_what_is_asked_for_comes_and_from_now_on(void **state)
{
    hooks_begin(*state, "'types':['adjust'],'skus':['a']");
    make_changes("a0", 1);
    await_in_sql("a0");
    sender_start(0);
    await_owner();
    make_changes("b", 2);
    make_changes("a1", 2);
    assert_true(await(taken("a1", 3) == 1, RECOVERY_MS));
    assert_int_equal(hook_server_count(&endpoint), 2);
}

/* --- what fails ------------------------------------------------------------------------------- */

static void an_item_that_is_refused_does_not_stop_others(void **state)
{
    hooks_begin(*state, FIRST ",'attempts':100");
    hook_rule(0, "\"sku\":\"a\"", FOR_EVER, ANSWER("500 x"));
    make_changes("a", 3);
    make_changes("b", 3);
    sender_start(0);
    await_taken("b", 4);
    /* The position has passed them: they have letters. */
    assert_true(await(letters() == 4, RECOVERY_MS));
    assert_true(await(came("a", 1) >= 3, RECOVERY_MS));
    assert_int_equal(came("a", 2), 0);
    no_rules();
    await_taken("a", 4);
    check_order("a");
    assert_true(await(letters() == 0, RECOVERY_MS));
}

static void whatever_an_endpoint_does_all_comes_in_the_end(void **state)
{
    static const struct hook_rule rules[] = {
        {.has = "\"sku\":\"r0\"", .times = 2, .reset = true},
        {.has = "\"sku\":\"r1\"", .times = 1, .hang = true},
        {.has = "\"sku\":\"r2\"", .times = 2, .answer = "HTTP/1.1 200 OK\r\nX: "},
        {.has = "\"sku\":\"r3\"",
         .times = 2,
         .answer = "HTTP/1.1 200 OK\r\n",
         .fill = "X: yyyyyyy\r\n"},
        {.has = "\"sku\":\"r4\"", .times = 2, .answer = "rubbish\r\n\r\n"},
        {.has = "\"sku\":\"r5\"",
         .times = 2,
         .answer = "HTTP/1.1 302 x\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"},
        {.has = "\"sku\":\"r6\"",
         .times = 2,
         .answer = "HTTP/1.1 100 Continue\r\n\r\n",
         .reset = true},
    };
    const int count = sizeof(rules) / sizeof(rules[0]);
    hooks_begin(*state, FIRST ",'attempts':100,'timeout_ms':1000");
    for (int i = 0; i < count; i++) {
        hook_server_rule(&endpoint, i, &rules[i]);
        api_call(a, 201, "PUT", text("/v1/items/r%d", i), NULL, "{\"on_hand\":1}");
        post(200, text("/v1/items/r%d/adjustments", i), "{\"delta\":1}");
    }
    sender_start(0);
    for (int i = 0; i < count; i++) {
        char sku[16];
        snprintf(sku, sizeof(sku), "r%d", i);
        await_taken(sku, 2);
        assert_true(came(sku, 1) > taken(sku, 1));
        check_order(sku);
    }
}

/* Whose head says 2xx has taken it, however long its body is, or is not. */
static void what_was_said_by_the_status_stands(void **state)
{
    static const struct hook_rule rules[] = {
        {.has = "\"sku\":\"s0\"",
         .times = 1,
         .answer = "HTTP/1.1 200 x\r\nContent-Length: 99\r\n\r\nx"},
        {.has = "\"sku\":\"s1\"",
         .times = 1,
         .answer = "HTTP/1.1 200 x\r\n\r\n",
         .fill = "yyyyyyyy"},
        {.has = "\"sku\":\"s2\"",
         .times = 1,
         .answer = "HTTP/1.1 200 x\r\nContent-Length: 9\r\n\r\n",
         .hang = true},
    };
    hooks_begin(*state, FIRST ",'timeout_ms':1000");
    for (int i = 0; i < 3; i++) {
        hook_server_rule(&endpoint, i, &rules[i]);
        make_changes(text("s%d", i), 1);
    }
    sender_start(0);
    for (int i = 0; i < 3; i++) {
        assert_true(await(taken(text("s%d", i), 2) == 1, RECOVERY_MS));
        assert_int_equal(came(text("s%d", i), 1), 1);
    }
}

/* libcurl calls a line that is too long a want of memory: that is the endpoint's doing, not ours.
 */
static void an_answer_of_one_endless_line_costs_an_attempt(void **state)
{
    static const struct hook_rule rule = {
        .has = "", .times = FOR_EVER, .answer = "HTTP/1.1 200 OK\r\nX: ", .fill = "yyyyyyyy"};
    hooks_begin(*state, FIRST ",'attempts':2");
    hook_server_rule(&endpoint, 0, &rule);
    make_changes("a", 0);
    sender_start(0);
    assert_true(await(dead_letters() == 1, RECOVERY_MS));
    assert_int_equal(came("a", 1), 2);
    no_rules();
}

static void what_is_given_up_is_listed_replayed_and_dropped(void **state)
{
    hooks_begin(*state, FIRST ",'attempts':2");
    hook_rule(0, "\"version\":1,", FOR_EVER, ANSWER("500 x"));
    make_changes("a", 2);
    make_changes("b", 0);
    sender_start(0);
    assert_true(await(dead_letters() == 2, RECOVERY_MS));
    assert_true(await(taken("a", 3) == 1, RECOVERY_MS));
    assert_int_equal(came("a", 1), 2);
    check_command(0, "hooks", "list", "--ledger", ledger_url);
    check_said("shop");
    check_command(0, "hooks", "dead", "--ledger", ledger_url, "shop");
    check_said("the endpoint is in trouble");
    char id[96];
    const char *found = strstr(command_said, "evt_");
    assert_non_null(found);
    snprintf(id, sizeof(id), "%.*s", (int)strcspn(found, " \n"), found);
    check_command(1, "hooks", "replay", "--ledger", ledger_url, "shop", "evt_0_9_9_9");
    check_said("has given up no event evt_0_9_9_9; nothing was changed");
    no_rules();
    check_command(0, "hooks", "replay", "--ledger", ledger_url, "shop", id);
    check_said("1 to be sent again");
    assert_true(await(taken("a", 1) + taken("b", 1) == 1, RECOVERY_MS));
    assert_true(await(letters() == 1, RECOVERY_MS));
    check_command(0, "hooks", "drop", "--ledger", ledger_url, "shop", "--all");
    check_said("1 dropped");
    assert_int_equal(letters(), 0);
}

static void an_endpoint_that_is_gone_is_switched_off_until_it_is_switched_on(void **state)
{
    hooks_begin(*state, FIRST);
    hook_rule(0, "", 1, ANSWER("410 x"));
    make_changes("a", 1);
    sender_start(0);
    assert_true(await(sql_int("SELECT COUNT(*) FROM hooks WHERE off_ms > 0") == 1, RECOVERY_MS));
    make_changes("b", 1);
    check_command(0, "hooks", "list", "--ledger", ledger_url);
    check_said("the endpoint answered 410");
    assert_int_equal(hook_server_count(&endpoint), 1);
    check_command(0, "hooks", "on", "--ledger", ledger_url, "shop");
    await_taken("a", 2);
    await_taken("b", 2);
    assert_int_equal(letters(), 0);
}

/* It is no failure: with one attempt the event would be dead. */
static void an_endpoint_that_asks_for_patience_gets_it(void **state)
{
    hooks_begin(*state, FIRST ",'attempts':1");
    hook_rule(0, "", 2,
              "HTTP/1.1 429 x\r\nRetry-After: 1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    make_changes("a", 1);
    sender_start(0);
    await_taken("a", 2);
    check_order("a");
    assert_int_equal(letters(), 0);
}

int main(void)
{
    /* clang-format off */
    const struct CMUnitTest tests[] = {
        HOOK_TEST(every_event_comes_signed_and_once),
        HOOK_ONCE(only_what_is_asked_for_comes_and_from_now_on),
        HOOK_TEST(an_item_that_is_refused_does_not_stop_others),
        HOOK_ONCE(whatever_an_endpoint_does_all_comes_in_the_end),
        HOOK_ONCE(what_was_said_by_the_status_stands),
        HOOK_ONCE(an_answer_of_one_endless_line_costs_an_attempt),
        HOOK_TEST(what_is_given_up_is_listed_replayed_and_dropped),
        HOOK_TEST(an_endpoint_that_is_gone_is_switched_off_until_it_is_switched_on),
        HOOK_ONCE(an_endpoint_that_asks_for_patience_gets_it),
    };
    /* clang-format on */
    return run_each("hooks", tests);
}
