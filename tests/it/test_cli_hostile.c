/* test_cli_hostile.c -- `stockd items` and its like at servers that are none, or in trouble: what
 * they say ends in one clear line and in the status that says what is known. */
#include "support/api.h"
#include "support/canned_server.h"
#include "support/command.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define JSON    "application/json"
#define PROBLEM "application/problem+json"
#define ITEM                                                                                       \
    "{\"sku\":\"a\",\"on_hand\":5,\"available\":5,\"held\":0,\"sold\":0,\"version\":2,"            \
    "\"max_per_customer\":null,\"updated_at\":\"2026-11-22T00:00:00.000Z\"}"
#define SAYS(name) "{\"type\":\"/problems/" name "\",\"title\":\"t\",\"detail\":\"d\"}"

static struct canned_server server;
static char url[64];

#define at_server(...) start((const struct canned_answer[]){__VA_ARGS__, {0}})
static void start(const struct canned_answer *answers)
{
    assert_int_equal(canned_start(&server, answers), 0);
    snprintf(url, sizeof(url), "http://127.0.0.1:%d", server.port);
}

static int stop(void **state)
{
    canned_stop(&server);
    return 0;
}

/* Two lines at the most: that it is tried again is said on a terminal only. */
static void check_one_line(void)
{
    size_t n = strlen(command_said);
    assert_true(n > 0 && command_said[n - 1] == '\n');
    if (strchr(command_said, '\n') != command_said + n - 1)
        fail_msg("more than a line: %s", command_said);
}

#define fails(status, words, ...)                                                                  \
    do {                                                                                           \
        check_command((status), __VA_ARGS__, "--url", url);                                        \
        check_said(words);                                                                         \
        check_one_line();                                                                          \
    } while (0)

/* The same, with little time: an attempt that had none left says just that. */
#define fails_soon(status, words, ...)                                                             \
    do {                                                                                           \
        check_command((status), __VA_ARGS__, "--timeout", "1s", "--url", url);                     \
        if (!strstr(command_said, "no answer in time"))                                            \
            check_said(words);                                                                     \
        check_one_line();                                                                          \
    } while (0)

#define GET_ITEM    "items", "get", "a"
#define LIST        "items", "list", "--json"
#define ADJUST      "items", "adjust", "a", "+1"
#define SHORT_TIME  "--timeout", "1s"
#define KEY_IS_TOLD "repeat the command with --key cli-"

/* --- servers that are none -------------------------------------------------------------------- */

static void nobody_listens(void **state)
{
    at_server({.rude = true});
    snprintf(url, sizeof(url), "http://127.0.0.1:%d", tproc_free_port());
    fails(2, "Connection refused", GET_ITEM);
    fails(2, "Connection refused", ADJUST);
    assert_null(strstr(command_said, "--key"));
    fails(1, "Connection refused", "health");
}

static void closes_at_once(void **state)
{
    at_server({.rude = true});
    fails_soon(2, "", GET_ITEM);
    fails(2, KEY_IS_TOLD, ADJUST, SHORT_TIME);
    fails(1, "", "health");
}

static void says_nothing(void **state)
{
    at_server({.hang = true});
    fails(2, "no answer in time", GET_ITEM, SHORT_TIME);
    fails(2, KEY_IS_TOLD, ADJUST, SHORT_TIME);
    fails(1, "no answer in time", "health", "--timeout", "100ms");
}

static void stops_half_way(void **state)
{
    at_server({.text = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "
                       "1000\r\n\r\n{\"sku\"",
               .hang = true});
    fails(2, "no answer in time", GET_ITEM, SHORT_TIME);
    fails(2, KEY_IS_TOLD, ADJUST, SHORT_TIME);
}

static void ends_half_way(void **state)
{
    at_server({.text = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "
                       "1000\r\n\r\n{\"sku\""});
    fails_soon(2, "the answer was cut off", GET_ITEM);
    fails(2, KEY_IS_TOLD, ADJUST, SHORT_TIME);
}

static void speaks_no_http(void **state)
{
    at_server({.text = "220 mail.example ESMTP\r\n"}, {.text = "-ERR unknown command\r\n"},
              {.text = "\x16\x03\x01\x02"});
    fails_soon(2, "does not speak HTTP", GET_ITEM);
}

static void never_ends(void **state)
{
    at_server({.text = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n",
               .fill = "{\"sku\":[[[[[[[[[[[[[[[[[[[[["});
    fails_soon(2, "longer than 4 MiB", GET_ITEM);
    fails(1, "longer than 4 MiB", "health", "--timeout", "1m");
}

static void announces_terabytes(void **state)
{
    at_server({.text = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "
                       "99999999999999\r\n\r\n",
               .fill = "                                "});
    fails_soon(2, "longer than 4 MiB", GET_ITEM);
}

static void has_a_head_without_end(void **state)
{
    at_server({.text = "HTTP/1.1 200 OK\r\n", .fill = "X-More: and more\r\n"});
    fails_soon(2, "longer than 64 KiB", GET_ITEM);
}

static void is_another_web_server(void **state)
{
    at_server({.text = CANNED(200, "text/html", "<html>welcome</html>")});
    fails(2, "its answer is text/html", GET_ITEM);
    fails(2, KEY_IS_TOLD, ADJUST);
    fails(2, "not as stockd does", LIST);
    assert_int_equal(canned_count(&server), 3);
}

static void has_pages_for_errors(void **state)
{
    at_server({.text = CANNED(404, "text/html\x1b[2J", "<html>nothing</html>")});
    fails(1, "answered 404, and not as stockd does", GET_ITEM);
    assert_null(strchr(command_said, '\x1b'));
    fails(1, "answered 404, and not as stockd does", "health", "--timeout", "1m");
}

static void points_elsewhere(void **state)
{
    at_server({.text = "HTTP/1.1 301 x\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n"
                       "Connection: close\r\n\r\n"});
    fails(2, "answered 301", GET_ITEM);
    fails(2, "answered 301", ADJUST);
    assert_null(strstr(command_said, "--key"));
    fails(1, "answered 301", "health", "--timeout", "1m");
    assert_int_equal(canned_count(&server), 3);
}

static void answers_json_of_another_kind(void **state)
{
    static const char *const bodies[] = {
        "[]", "null", "{\"sku\":", "{\"name\":1}", "{}garbage", "", "{\"sku\":1,\"sku\":2}"};
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        at_server({.text = CANNED(200, JSON, bodies[i])});
        fails(2, "not as stockd does", GET_ITEM);
        stop(NULL);
    }
    at_server({.text = CANNED(200, JSON, "{\"sku\":[],\"held\":\"x\",\"version\":1.5}")});
    check_command(0, GET_ITEM, "--url", url);
    check_said("?"); /* what is not of its type is not shown as if it were */
}

static void pages_lead_nowhere(void **state)
{
    static const char *const bodies[] = {
        "{\"items\":5,\"next_cursor\":null}",
        "{\"items\":[]}",
        "{\"items\":[],\"next_cursor\":5}",
        "{\"items\":[],\"next_cursor\":\"a\"}", /* and so on for ever */
        "{\"items\":[],\"next_cursor\":\""
        "0123456789012345678901234567890123456789012345678901"
        "234567890123456789012345678901234567890123456789012345678901234567890123456789012345678"
        "901234567890123456789012345678901234567890123456789012345678901234567890123456789012345"
        "678901234567890123456789012345678901234567890123456789012345678901234567890123456789012"
        "345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
        "012345678901234567890123456789012345678901234567890123456789012345678901234567890123456"
        "789012345678901234567890123456789012345678901234567890123456789012345678901234567890\"}",
    };
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        at_server({.text = CANNED(200, JSON, bodies[i])});
        check_command(2, "items", "list", "--url", url);
        check_said("is it a stockd?");
        stop(NULL);
    }
    at_server({.text = CANNED(200, JSON, "{\"items\":[1,2],\"next_cursor\":null}")});
    check_command(2, "items", "list", "--limit", "1", "--url", url);
    check_said("is it a stockd?");
}

/* --- a service in trouble --------------------------------------------------------------------- */

/* The value of the header in each request, one after the other; how many are the same. */
static int same_keys(void)
{
    static const char name[] = "Idempotency-Key: ";
    const char *first = strstr(canned_asked(&server), name), *at = first;
    int count = 0;
    for (; at; at = strstr(at + 1, name), count++)
        if (strncmp(at, first, strcspn(first, "\r")) != 0)
            fail_msg("another key: %s", canned_asked(&server));
    return count;
}

static void a_request_that_may_be_lost_goes_on_with_its_key(void **state)
{
    at_server(
        {.rude = true}, {.text = CANNED(504, PROBLEM, SAYS("outcome-unknown"))},
        {.text = CANNED(500, "text/html", "oops")}, {.text = CANNED(502, "text/html", "<html>")},
        {.text = CANNED(503, PROBLEM, SAYS("overloaded"))}, {.text = CANNED(200, JSON, ITEM)});
    check_command(0, ADJUST, "--url", url, "--timeout", "10m");
    assert_int_equal(canned_count(&server), 6);
    assert_int_equal(same_keys(), 6);
}

static void a_refusal_after_a_lost_answer_tells_nothing(void **state)
{
    at_server({.rude = true}, {.text = CANNED(409, PROBLEM, SAYS("insufficient-stock"))});
    fails(2, KEY_IS_TOLD, ADJUST, "--timeout", "10m");
    check_said("409 insufficient-stock");
    assert_int_equal(canned_count(&server), 2);
}

static void a_refusal_is_final(void **state)
{
    at_server({.text = CANNED(503, PROBLEM, SAYS("overloaded"))},
              {.text = CANNED(409, PROBLEM, SAYS("insufficient-stock"))});
    fails(1, "409 insufficient-stock: d", ADJUST, "--timeout", "10m");
    assert_int_equal(canned_count(&server), 2);
}

static void a_long_retry_after_is_not_waited_for(void **state)
{
    at_server({.text = "HTTP/1.1 503 x\r\nRetry-After: 99999\r\nContent-Length: 0\r\n"
                       "Connection: close\r\n\r\n"});
    fails(1, "answered 503", GET_ITEM);
    fails(1, "answered 503", ADJUST);
    assert_int_equal(canned_count(&server), 2);
}

static void an_interrupt_tells_the_key(void **state)
{
    struct command c;
    at_server({.hang = true});
    const char *const arguments[] = {ADJUST, "--url",     url,  "--key",
                                     "mine", "--timeout", "1h", NULL};
    command_start(&c, arguments);
    assert_true(await(canned_count(&server) == 1 && strstr(canned_asked(&server), "mine"), 180000));
    tproc_signal(&c.proc, SIGINT);
    assert_int_equal(command_end(&c), 2);
    check_said("--key mine, and it takes effect once");
}

static void what_is_sent_is_what_the_interface_asks_for(void **state)
{
    at_server({.text = CANNED(200, JSON, "{\"id\":\"r\",\"state\":\"released\",\"lines\":[]}")});
    check_command(0, "reservations", "release", "r/1", "--url", url);
    const char *asked = canned_asked(&server);
    assert_non_null(strstr(asked, "POST /v1/reservations/r%2F1/release HTTP/1.1\r\n"));
    assert_non_null(strstr(asked, "Idempotency-Key: cli-"));
    assert_non_null(strstr(asked, "Content-Length: 0\r\n"));
    assert_null(strstr(asked, "Content-Type"));
    assert_null(strstr(asked, "Authorization"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(nobody_listens, stop),
        cmocka_unit_test_teardown(closes_at_once, stop),
        cmocka_unit_test_teardown(says_nothing, stop),
        cmocka_unit_test_teardown(stops_half_way, stop),
        cmocka_unit_test_teardown(ends_half_way, stop),
        cmocka_unit_test_teardown(speaks_no_http, stop),
        cmocka_unit_test_teardown(never_ends, stop),
        cmocka_unit_test_teardown(announces_terabytes, stop),
        cmocka_unit_test_teardown(has_a_head_without_end, stop),
        cmocka_unit_test_teardown(is_another_web_server, stop),
        cmocka_unit_test_teardown(has_pages_for_errors, stop),
        cmocka_unit_test_teardown(points_elsewhere, stop),
        cmocka_unit_test_teardown(answers_json_of_another_kind, stop),
        cmocka_unit_test_teardown(pages_lead_nowhere, stop),
        cmocka_unit_test_teardown(a_request_that_may_be_lost_goes_on_with_its_key, stop),
        cmocka_unit_test_teardown(a_refusal_after_a_lost_answer_tells_nothing, stop),
        cmocka_unit_test_teardown(a_refusal_is_final, stop),
        cmocka_unit_test_teardown(a_long_retry_after_is_not_waited_for, stop),
        cmocka_unit_test_teardown(an_interrupt_tells_the_key, stop),
        cmocka_unit_test_teardown(what_is_sent_is_what_the_interface_asks_for, stop),
    };
    return cmocka_run_group_tests_name("cli_hostile", tests, NULL, NULL);
}
