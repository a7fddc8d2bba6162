/* test_ip.c -- addresses as text, as sockets have them, and in networks. */
#include "ip.h"
#include "support/suite.h"

#include <arpa/inet.h>

static struct ip ip_of(const char *text)
{
    struct ip ip;
    if (!ip_parse(&ip, str_of(text)))
        fail_msg("%s is no address", text);
    return ip;
}

TEST(an_address_is_read_and_written_in_one_form)
{
    static const char *const rows[][2] = {
        {"192.0.2.7", "192.0.2.7"},
        {"::ffff:192.0.2.7", "192.0.2.7"},
        {"0.0.0.0", "0.0.0.0"},
        {"255.255.255.255", "255.255.255.255"},
        {"::", "::"},
        {"::1", "::1"},
        {"2001:DB8:0:0::7", "2001:db8::7"},
        {"::192.0.2.7", "::192.0.2.7"},
        {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[IP_TEXT_SIZE];
        struct ip ip = ip_of(rows[i][0]);
        ip_format(&ip, text);
        assert_string_equal(text, rows[i][1]);
    }
}

TEST(what_is_no_address_is_none)
{
    static const char *const wrong[] = {
        "",
        "192.0.2",
        "192.0.2.256",
        "192.0.2.7:80",
        "[::1]",
        "::1%eth0",
        " 192.0.2.7",
        "192.0.2.7 ",
        "localhost",
        "unknown",
        "_hidden",
        "1:2:3:4:5:6:7",
        "::1::",
        "0x7f.1",
        "192.0.02.7",
        "192.0.2.7/32",
        "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.2555555555555555555",
    };
    struct ip ip;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        if (ip_parse(&ip, str_of(wrong[i])))
            fail_msg("%s is an address", wrong[i]);
    assert_false(ip_parse(&ip, STR("192.0.2.7\0")));
    assert_false(ip_parse(&ip, (struct str){NULL, 0}));
}

TEST(sockets_of_both_families_and_back)
{
    static const char *const texts[] = {"192.0.2.7", "2001:db8::7"};
    for (int i = 0; i < 2; i++) {
        struct sockaddr_storage socket;
        struct ip ip = ip_of(texts[i]), back;
        socklen_t size = ip_to_socket(&ip, 8080, &socket);
        assert_int_equal(socket.ss_family, i ? AF_INET6 : AF_INET);
        assert_int_equal(size, i ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in));
        assert_int_equal(ntohs(((struct sockaddr_in *)(void *)&socket)->sin_port), 8080);
        assert_true(ip_of_socket(&back, (struct sockaddr *)&socket));
        assert_true(ip_equal(&ip, &back));
    }
    struct ip ip;
    assert_false(ip_of_socket(&ip, &(struct sockaddr){.sa_family = AF_UNIX}));
}

TEST(knows_this_machine)
{
    static const char *const ours[] = {"127.0.0.1", "127.255.0.9", "::1", "::ffff:127.0.0.1"};
    static const char *const others[] = {"126.0.0.1", "128.0.0.1", "::", "::2", "7f00::1"};
    for (size_t i = 0; i < sizeof(ours) / sizeof(*ours); i++) {
        struct ip ip = ip_of(ours[i]);
        assert_true(ip_is_loopback(&ip));
    }
    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
        struct ip ip = ip_of(others[i]);
        assert_false(ip_is_loopback(&ip));
    }
}

TEST(a_network_has_what_begins_as_it_does)
{
    static const struct {
        const char *net, *ip;
        bool has;
    } rows[] = {
        {"10.0.0.0/8", "10.255.0.1", true},
        {"10.0.0.0/8", "11.0.0.1", false},
        {"192.0.2.7", "192.0.2.7", true},
        {"192.0.2.7", "192.0.2.6", false},
        {"192.0.2.4/30", "192.0.2.7", true},
        {"192.0.2.4/30", "192.0.2.8", false},
        {"0.0.0.0/0", "203.0.113.9", true},
        {"0.0.0.0/0", "2001:db8::7", false},
        {"::/0", "203.0.113.9", true},
        {"::/0", "2001:db8::7", true},
        {"2001:db8::/32", "2001:db8:7::", true},
        {"2001:db8::/32", "2001:db9::", false},
        {"::1/128", "::1", true},
        {"::1", "::2", false},
        {"::ffff:10.0.0.0/104", "10.1.2.3", true},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct ip_net net;
        struct ip ip = ip_of(rows[i].ip);
        assert_true(ip_net_parse(&net, str_of(rows[i].net)));
        if (ip_net_has(&net, &ip) != rows[i].has)
            fail_msg("%s in %s: %d", rows[i].ip, rows[i].net, !rows[i].has);
    }
}

TEST(what_is_no_network_is_none)
{
    static const char *const wrong[] = {
        "",     "10.0.0.0/", "10.0.0.0/33",  "10.0.0.1/8",  "::/129",        "2001:db8::1/64",
        "10/8", "/8",        "10.0.0.0/8/8", "10.0.0.0/-1", "10.0.0.0/0008", "10.0.0.0/8 "};
    struct ip_net net;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        if (ip_net_parse(&net, str_of(wrong[i])))
            fail_msg("%s is a network", wrong[i]);
}
