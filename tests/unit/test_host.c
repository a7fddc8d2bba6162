#include "http/conn/host.h"
#include "support/suite.h"

TEST(reads_names_addresses_and_ports)
{
    static const struct {
        const char *text, *name, *port;
    } rows[] = {
        {"localhost", "localhost", NULL},
        {"localhost:8080", "localhost", "8080"},
        {"a_b.example-1.com.:", "a_b.example-1.com.", ""},
        {"127.0.0.1:1", "127.0.0.1", "1"},
        {"[::1]", "::1", NULL},
        {"[fe80::1]:65535", "fe80::1", "65535"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct host host;
        assert_true(host_parse(str_of(rows[i].text), &host));
        assert_true(str_equal(host.name, str_of(rows[i].name)));
        assert_true(str_equal(host.port, str_of(rows[i].port)));
    }
}

TEST(refuses_what_is_no_host)
{
    static const char *const texts[] = {"",       ":80",     "a:b",    "a:65536",  "a:80x", "a b",
                                        "a,b",    "a@b",     "a/b",    "[::1",     "[]",    "[a]",
                                        "[::1]x", "[::1]80", "a:80:1", "\xc3\xa4", "a%41"};
    struct host host;
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        assert_false(host_parse(str_of(texts[i]), &host));
}

TEST(knows_this_machine)
{
    static const char *const ours[] = {"localhost", "LOCALHOST", "localhost.", "a.localhost",
                                       "127.0.0.1", "127.8.9.1", "::1"};
    static const char *const others[] = {"localhost.evil.example",
                                         "evillocalhost",
                                         "128.0.0.1",
                                         "127.0.0.1.evil.example",
                                         "0.0.0.0",
                                         "::",
                                         "::2",
                                         "127.1"};
    for (size_t i = 0; i < sizeof(ours) / sizeof(*ours); i++)
        assert_true(host_is_loopback(str_of(ours[i])));
    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
        assert_false(host_is_loopback(str_of(others[i])));
}

TEST(finds_names_in_a_list)
{
    assert_true(host_is_listed(STR("b.example"), STR("a, B.example ,c")));
    assert_true(host_is_listed(STR("c"), STR("a,b,c")));
    assert_false(host_is_listed(STR("example"), STR("a, b.example,c")));
    assert_false(host_is_listed(STR("a"), STR("")));
    assert_false(host_is_listed(STR("a"), (struct str){NULL, 0}));
    assert_false(host_is_listed(STR(""), STR(",")));
}

TEST(tells_foreign_origins)
{
    static const struct {
        const char *origin, *host;
        bool foreign;
    } rows[] = {
        {"http://localhost:8080", "localhost:8080", false},
        {"http://LOCALHOST:8080", "localhost:8080", false},
        {"http://shop.example", "shop.example", false},
        {"http://shop.example", "shop.example:80", false},
        {"https://shop.example", "shop.example", false},
        {"https://shop.example", "shop.example:443", false},
        {"http://[::1]:80", "[::1]", false},
        {"http://localhost:8081", "localhost:8080", true},
        {"http://localhost", "localhost:8080", true},
        {"http://127.0.0.1:8080", "localhost:8080", true},
        {"http://shop.example.evil.example", "shop.example", true},
        {"http://shop.example@evil.example", "shop.example", true},
        {"null", "localhost", true},
        {"", "localhost", true},
        {"file://", "localhost", true},
        {"http://localhost", "", true},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        assert_int_equal(origin_is_foreign(str_of(rows[i].origin), str_of(rows[i].host)),
                         rows[i].foreign);
}
