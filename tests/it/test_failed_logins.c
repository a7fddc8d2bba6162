/* test_failed_logins.c -- keys that are no good, tried again and again from one address: 4 a minute
 * are answered, so that one comes back in 15 s.
 */
#include "support/api_keys.h"
#include "support/fixture.h"

#include <stdlib.h>

#define MOST 4

static char dir[TEST_PATH_MAX], keys[TEST_PATH_MAX + 8];

/* A key of that form that nobody has. */
static const char *wrong_key(void)
{
    static uint8_t secret[API_KEY_SECRET_BYTES];
    char key[API_KEY_SIZE];
    secret[0]++;
    api_key_write(ROLE_ADMIN, secret, key);
    return text("Authorization: Bearer %s\r\n", key);
}

static const char *key_of(int whose)
{
    char key[API_KEY_SIZE];
    api_key_of(whose, key);
    return text("Authorization: Bearer %s\r\n", key);
}

static int try(const char *header)
{
    assert_int_equal(http_call(&a->conn, "GET", "/v1/items", header, NULL, &a->resp), 0);
    return a->resp.status;
}

static int retry_after_s(void)
{
    char value[32];
    return http_resp_header(&a->resp, "Retry-After", value, sizeof(value)) ? atoi(value) : 0;
}

/* Uses up what there is, so that none comes back for some seconds. */
static void use_up(void)
{
    assert_true(await(try(wrong_key()) == 429 && retry_after_s() >= 10, RECOVERY_MS));
}

static void check_refused(void)
{
    check_problem(a, 429, "rate-limited", NULL);
    assert_true(retry_after_s() >= 1 && retry_after_s() <= 15);
    check_header(a, "RateLimit", NULL); /* nobody knows whose it would be */
    check_header(a, "WWW-Authenticate", NULL);
}

static void wrong_keys_are_answered_429_after_a_while(void **state)
{
    for (int i = 0; i < MOST; i++)
        assert_int_equal(try(wrong_key()), 401);
    use_up();
    check_refused();
}

static void nothing_is_said_of_a_key_then(void **state)
{
    static const int whose[] = {API_KEY_EXPIRED, API_KEY_REVOKED, ROLE_SELLER};
    for (size_t i = 0; i < sizeof(whose) / sizeof(whose[0]); i++) {
        use_up();
        assert_int_equal(try(key_of(whose[i])), 429);
        check_refused();
    }
}

/* They share the address with whoever tries. */
static void who_was_there_before_stays(void **state)
{
    assert_true(await(try(key_of(ROLE_READER)) == 200, RECOVERY_MS));
    use_up();
    for (int i = 0; i < 20; i++)
        assert_int_equal(try(key_of(ROLE_READER)), 200);
}

static void who_brings_no_key_is_told_so(void **state)
{
    use_up();
    for (int i = 0; i < 20; i++) {
        assert_int_equal(try(NULL), 401);
        check_header(a, "WWW-Authenticate", "Bearer realm=\"stockd\"");
    }
    api_call(a, 200, "GET", "/healthz", NULL, NULL);
}

static void a_good_key_comes_through_when_there_is_room_again(void **state)
{
    use_up();
    assert_true(await(try(key_of(ROLE_STOCK)) == 200, RECOVERY_MS));
}

/* Somebody who tries is not waited for. */
static void the_connection_ends_with_a_body_unread(void **state)
{
    const char *head = text("POST /v1/reservations HTTP/1.1\r\nHost: localhost\r\n%s"
                            "Content-Length: 60000\r\nContent-Type: application/json\r\n\r\n",
                            wrong_key());
    use_up();
    http_conn_close(&a->conn);
    assert_int_equal(http_conn_open(&a->conn), 0);
    assert_int_equal(http_send(&a->conn, head, strlen(head)), 0);
    assert_int_equal(http_receive(&a->conn, false, &a->resp), 0);
    check_refused();
    check_header(a, "Connection", "close");
}

static void they_are_counted(void **state)
{
    const char *name = "\nstockd_rate_limited_total{why=\"logins\"} ";
    use_up();
    assert_int_equal(http_call(&a->conn, "GET", "/metrics", key_of(ROLE_READER), NULL, &a->resp),
                     0);
    const char *at = strstr(a->resp.body, name);
    assert_non_null(at);
    assert_true(strtod(at + strlen(name), NULL) >= 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_keys_are_answered_429_after_a_while),
        cmocka_unit_test(nothing_is_said_of_a_key_then),
        cmocka_unit_test(who_was_there_before_stays),
        cmocka_unit_test(who_brings_no_key_is_told_so),
        cmocka_unit_test(a_good_key_comes_through_when_there_is_room_again),
        cmocka_unit_test(the_connection_ends_with_a_body_unread),
        cmocka_unit_test(they_are_counted),
    };
    unsetenv("TEST_KEYS"); /* who asks is said each time */
    if (temp_dir_make(dir) < 0)
        return EXIT_FAILURE;
    snprintf(keys, sizeof(keys), "%s/keys", dir);
    int failed = api_keys_write(keys) < 0
                     ? EXIT_FAILURE
                     : run_suite("failed_logins", tests,
                                 .flags = {"--keys-file", keys, "--failed-logins", "4"});
    temp_dir_remove(dir);
    return failed;
}
