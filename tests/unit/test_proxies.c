/* test_proxies.c -- who asked, by what proxies say, and by what others make up. */
#include "http/conn/proxies.h"
#include "support/suite.h"

#include <stdio.h>

static struct proxies proxies;
static char why[256];

static void trust(const char *nets, enum proxies_field field)
{
    if (!proxies_parse(&proxies, nets, why, sizeof(why)))
        fail_msg("%s", why);
    proxies.field = field;
}

/* Of a request from there with these lines of the field. */
static const char *client_of(const char *from, const char *const *lines, size_t count)
{
    static char text[IP_TEXT_SIZE];
    struct headers headers = {0};
    struct ip ip;
    const char *name = proxies.field == PROXIES_FORWARDED ? "fOrwarded" : "x-Forwarded-for";
    for (size_t i = 0; i < count && lines[i]; i++)
        headers_add(&headers, str_of(name), str_of(lines[i]));
    assert_true(ip_parse(&ip, str_of(from)));
    ip = proxies_client(&proxies, &ip, &headers);
    ip_format(&ip, text);
    return text;
}

struct row {
    const char *from, *lines[3], *client;
};

static void check_rows(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *client = client_of(rows[i].from, rows[i].lines, 3);
        if (strcmp(client, rows[i].client) != 0)
            fail_msg("row %zu: %s and not %s", i, client, rows[i].client);
    }
}

TEST(the_last_address_that_is_not_trusted)
{
    static const struct row rows[] = {
        {"10.0.0.1", {"192.0.2.7"}, "192.0.2.7"},
        {"10.0.0.1", {NULL}, "10.0.0.1"},
        {"10.0.0.1", {"192.0.2.6, 192.0.2.7"}, "192.0.2.7"}, /* the first one is made up */
        {"10.0.0.1", {"192.0.2.7, 10.0.0.2"}, "192.0.2.7"},
        {"10.0.0.1", {"192.0.2.7,10.0.0.2,\t10.0.0.3 "}, "192.0.2.7"},
        {"10.0.0.1", {"10.0.0.3, 10.0.0.2"}, "10.0.0.3"}, /* all are */
        {"192.0.2.1", {"192.0.2.7"}, "192.0.2.1"},        /* nobody believes that one */
        {"10.0.0.1", {"192.0.2.6", "192.0.2.7"}, "192.0.2.7"},
        {"10.0.0.1", {"192.0.2.6, 192.0.2.7", "10.0.0.3", "10.0.0.2"}, "192.0.2.7"},
        {"10.0.0.1", {"192.0.2.7:4711"}, "192.0.2.7"},
        {"10.0.0.1", {"2001:db8::7"}, "2001:db8::7"},
        {"10.0.0.1", {"[2001:db8::7]:4711"}, "2001:db8::7"},
        {"10.0.0.1", {"::ffff:192.0.2.7"}, "192.0.2.7"},
        {"::ffff:10.0.0.1", {"192.0.2.7"}, "192.0.2.7"},
    };
    trust("10.0.0.0/8", PROXIES_X_FORWARDED_FOR);
    check_rows(rows, sizeof(rows) / sizeof(rows[0]));
}

/* Who is known last asked, and nothing before that is read. */
TEST(what_is_no_address_ends_it)
{
    static const struct row rows[] = {
        {"10.0.0.1", {"192.0.2.7, unknown"}, "10.0.0.1"},
        {"10.0.0.1", {"192.0.2.7, 10.0.0.2, garbage, 10.0.0.3"}, "10.0.0.3"},
        {"10.0.0.1", {"192.0.2.7,"}, "10.0.0.1"},
        {"10.0.0.1", {","}, "10.0.0.1"},
        {"10.0.0.1", {""}, "10.0.0.1"},
        {"10.0.0.1", {"192.0.2.7", ""}, "10.0.0.1"},
        {"10.0.0.1", {"[2001:db8::7"}, "10.0.0.1"},
        {"10.0.0.1", {"[]"}, "10.0.0.1"},
        {"10.0.0.1", {"192.0.2.7 192.0.2.8"}, "10.0.0.1"},
    };
    trust("10.0.0.0/8", PROXIES_X_FORWARDED_FOR);
    check_rows(rows, sizeof(rows) / sizeof(rows[0]));
}

TEST(the_field_of_rfc_7239_says_the_same)
{
    static const struct row rows[] = {
        {"10.0.0.1", {"for=192.0.2.7"}, "192.0.2.7"},
        {"10.0.0.1", {"proto=https; For=\"192.0.2.7:4711\" ;by=10.0.0.1"}, "192.0.2.7"},
        {"10.0.0.1", {"for=192.0.2.6, for=\"[2001:db8::7]:4711\""}, "2001:db8::7"},
        {"10.0.0.1", {"for=192.0.2.7, for=10.0.0.2;proto=http"}, "192.0.2.7"},
        {"10.0.0.1", {"for=192.0.2.7", "for=10.0.0.2"}, "192.0.2.7"},
        {"10.0.0.1", {"for=192.0.2.7, for=_hidden"}, "10.0.0.1"},
        {"10.0.0.1", {"for=192.0.2.7, proto=http"}, "10.0.0.1"},
        {"10.0.0.1", {"192.0.2.7"}, "10.0.0.1"},
        {"10.0.0.1", {"for=\""}, "10.0.0.1"},
        /* A quote that the client left open swallows nothing. */
        {"10.0.0.1", {"for=\"192.0.2.6, for=192.0.2.7"}, "192.0.2.7"},
        {"10.0.0.1", {"for=\"192.0.2.6", "for=192.0.2.7"}, "192.0.2.7"},
        {"192.0.2.1", {"for=192.0.2.7"}, "192.0.2.1"},
    };
    trust("10.0.0.0/8", PROXIES_FORWARDED);
    check_rows(rows, sizeof(rows) / sizeof(rows[0]));
}

TEST(the_other_field_is_not_looked_at)
{
    struct headers headers = {0};
    struct ip ip, from;
    trust("10.0.0.0/8", PROXIES_X_FORWARDED_FOR);
    headers_add(&headers, STR("Forwarded"), STR("for=192.0.2.7"));
    assert_true(ip_parse(&from, STR("10.0.0.1")));
    ip = proxies_client(&proxies, &from, &headers);
    assert_true(ip_equal(&ip, &from));
}

/* However many a client sends, what the proxy has added is the last of them. */
TEST(very_many_lines_push_nothing_out)
{
    const char *lines[40];
    for (int i = 0; i < 39; i++)
        lines[i] = i % 2 ? "192.0.2.6" : "10.0.0.9";
    lines[39] = "192.0.2.7";
    trust("10.0.0.0/8", PROXIES_X_FORWARDED_FOR);
    assert_string_equal(client_of("10.0.0.1", lines, 40), "192.0.2.7");
}

TEST(who_is_trusted_is_said_in_networks)
{
    static const struct {
        const char *text, *why; /* a part of it; NULL: it is good */
    } rows[] = {
        {"10.0.0.0/8", NULL},
        {"10.0.0.1, 2001:db8::/32 ,::1", NULL},
        {"", "is no network"},
        {"10.0.0.1,", "is no network"},
        {"10.0.0.1/8", "is no network"},
        {"proxy.example", "\"proxy.example\" is no network"},
        {"10.0.0.1 10.0.0.2", "is no network"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        bool good = proxies_parse(&proxies, rows[i].text, why, sizeof(why));
        assert_int_equal(good, !rows[i].why);
        if (!good)
            assert_non_null(strstr(why, rows[i].why));
    }
    char many[1024] = "::1";
    for (int i = 1; i < PROXIES_MAX; i++)
        strcat(many, ",::1");
    assert_true(proxies_parse(&proxies, many, why, sizeof(why)));
    strcat(many, ",::1");
    assert_false(proxies_parse(&proxies, many, why, sizeof(why)));
    assert_true(proxies_parse(&proxies, NULL, why, sizeof(why)));
    assert_int_equal(proxies.count, 0);
}
