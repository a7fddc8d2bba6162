/* test_hook_guard.c -- which addresses a hook may be sent to. */
#include "hooks/guard.h"
#include "support/suite.h"

static const char *refuses(const char *allowed, const char *address)
{
    struct guard guard;
    struct ip ip;
    char why[256];
    if (!guard_parse(&guard, allowed, why, sizeof(why)))
        fail_msg("%s: %s", allowed, why);
    if (!ip_parse(&ip, str_of(address)))
        fail_msg("%s is no address", address);
    return guard_refuses(&guard, &ip);
}

TEST(addresses_of_the_internet_may_be_asked)
{
    static const char *const rows[] = {
        "1.1.1.1",         "8.8.8.8",         "9.255.255.255",   "11.0.0.0",
        "100.63.255.255",  "100.128.0.0",     "126.255.255.255", "128.0.0.0",
        "169.253.255.255", "169.255.0.0",     "172.15.255.255",  "172.32.0.0",
        "192.167.255.255", "192.169.0.0",     "198.17.255.255",  "198.20.0.0",
        "223.255.255.255", "2606:4700::1111", "2a00::1",         "2001:4860:4860::8888",
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (refuses(NULL, rows[i]))
            fail_msg("%s is refused", rows[i]);
}

TEST(no_others_may_in_whatever_form)
{
    static const char *const rows[] = {
        "0.0.0.0",
        "0.255.255.255",
        "10.0.0.0",
        "10.255.255.255",
        "100.64.0.0",
        "100.127.255.255",
        "127.0.0.1",
        "127.255.255.255",
        "169.254.169.254",
        "172.16.0.0",
        "172.31.255.255",
        "192.0.0.1",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.0.0",
        "192.168.255.255",
        "198.18.0.0",
        "198.19.255.255",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:10.1.2.3",
        "64:ff9b::7f00:1",
        "64:ff9b:1::1",
        "100::1",
        "2001::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "2002:a00:1::1",
        "fc00::1",
        "fdff::1",
        "fe80::1",
        "febf::1",
        "fec0::1",
        "ff02::1",
        "3fff::1",
        "5f00::1",
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (!refuses(NULL, rows[i]))
            fail_msg("%s is not refused", rows[i]);
}

TEST(what_is_allowed_is_and_nothing_else)
{
    assert_null(refuses("10.1.0.0/16, ::1", "10.1.2.3"));
    assert_null(refuses("10.1.0.0/16, ::1", "::ffff:10.1.2.3"));
    assert_null(refuses("10.1.0.0/16, ::1", "::1"));
    assert_non_null(refuses("10.1.0.0/16, ::1", "10.2.2.3"));
    assert_non_null(refuses("10.1.0.0/16, ::1", "127.0.0.1"));
}

TEST(what_is_no_network_is_told)
{
    struct guard guard;
    char why[256];
    assert_false(guard_parse(&guard, "10.0.0.0/8,shop", why, sizeof(why)));
    assert_non_null(strstr(why, "\"shop\" is no network"));
    assert_false(guard_parse(&guard, "10.0.0.1/8", why, sizeof(why)));
}
