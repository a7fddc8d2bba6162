/* test_failed_logins.c -- who may try how many keys that are no good. */
#include "keys/failed_logins.h"
#include "support/suite.h"

#include <stdio.h>

#define MINUTE INT64_C(60000000000)

static struct failed_logins *logins;

static int begin(void **state)
{
    logins = failed_logins_new(3);
    return logins ? 0 : -1;
}

static int end(void **state)
{
    failed_logins_free(logins);
    return 0;
}

EACH_BETWEEN(begin, end)

static int64_t wait_of(const char *text, int64_t now_ns)
{
    struct ip ip;
    assert_true(ip_parse(&ip, str_of(text)));
    return failed_logins_wait_ns(logins, &ip, now_ns);
}

static void fail_from(const char *text, int64_t now_ns)
{
    struct ip ip;
    assert_true(ip_parse(&ip, str_of(text)));
    failed_logins_note(logins, &ip, now_ns);
}

TEST(an_address_has_so_many_a_minute)
{
    for (int i = 0; i < 3; i++) {
        assert_int_equal(wait_of("192.0.2.7", MINUTE), 0);
        fail_from("192.0.2.7", MINUTE);
    }
    assert_int_equal(wait_of("192.0.2.7", MINUTE), MINUTE / 3);
    assert_int_equal(wait_of("192.0.2.8", MINUTE), 0);
    assert_int_equal(wait_of("192.0.2.7", MINUTE + MINUTE / 3), 0);
    fail_from("192.0.2.7", MINUTE + MINUTE / 3);
    assert_int_equal(wait_of("192.0.2.7", MINUTE + MINUTE / 3), MINUTE / 3);
}

TEST(a_network_of_ipv6_is_one_address)
{
    for (int i = 0; i < 3; i++)
        fail_from("2001:db8:1:2::7", MINUTE);
    assert_true(wait_of("2001:db8:1:2:3:4:5:6", MINUTE) > 0);
    assert_int_equal(wait_of("2001:db8:1:3::7", MINUTE), 0);
}

/* Whoever comes from everywhere pushes nobody over the limit who was not. */
TEST(very_many_addresses_take_nothing_from_anybody)
{
    char text[32];
    for (int i = 0; i < 100000; i++) {
        snprintf(text, sizeof(text), "10.%d.%d.%d", i >> 16, i >> 8 & 255, i & 255);
        fail_from(text, MINUTE);
    }
    for (int i = 0; i < 3; i++) {
        assert_int_equal(wait_of("192.0.2.7", MINUTE), 0);
        fail_from("192.0.2.7", MINUTE);
    }
    assert_true(wait_of("192.0.2.7", MINUTE) > 0);
}
