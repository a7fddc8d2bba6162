/* test_weburl.c -- the address of a service, taken apart or refused. */
#include "support/suite.h"
#include "value_parsers.h"

#include <string.h>

TEST(urls_are_taken_apart)
{
    static const struct {
        const char *text, *host, *prefix, *normal;
        unsigned port;
        bool tls;
    } rows[] = {
        {"http://h", "h", "", "http://h", 80, false},
        {"HTTP://h:8080/", "h", "", "HTTP://h:8080", 8080, false},
        {"http://[::1]:9/a/b//", "::1", "/a/b", "http://[::1]:9/a/b", 9, false},
        {"http://[::1]", "::1", "", "http://[::1]", 80, false},
        {"http://10.0.0.1:65535/x:y", "10.0.0.1", "/x:y", "http://10.0.0.1:65535/x:y", 65535,
         false},
        {"https://h/", "h", "", "https://h", 443, true},
        {"HTTPS://[::1]:8443/a", "::1", "/a", "HTTPS://[::1]:8443/a", 8443, true},
    };
    char why[WEBURL_ERR_SIZE];
    struct weburl url;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (!weburl_parse(rows[i].text, &url, why, sizeof(why)))
            fail_msg("%s %s", rows[i].text, why);
        assert_string_equal(url.host, rows[i].host);
        assert_string_equal(url.prefix, rows[i].prefix);
        assert_string_equal(url.text, rows[i].normal);
        assert_int_equal(url.port, rows[i].port);
        assert_int_equal(url.tls, rows[i].tls);
    }
}

TEST(urls_that_can_not_be_loaded_are_refused)
{
    static const char *const wrong[][2] = {
        {"https://", "names no host"},    {"h:80", "is no http URL"},
        {"http://", "names no host"},     {"http://:80", "names no host"},
        {"http:///x", "names no host"},   {"http://h:0", "has a port"},
        {"http://h:65536", "has a port"}, {"http://h:", "has a port"},
        {"http://h:8a", "has a port"},    {"http://[::1", "has a [ without"},
        {"http://[::1]x", "has a port"},  {"http://u:p@h", "must not hold a password"},
        {"http://h/a?b", "has a query"},  {"http://h/a b", "holds a blank"},
        {"http://h/\n", "holds a blank"}, {"http://[]", "names no host"},
    };
    char why[WEBURL_ERR_SIZE], longest[300];
    struct weburl url;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        if (weburl_parse(wrong[i][0], &url, why, sizeof(why)))
            fail_msg("%s was taken", wrong[i][0]);
        if (!strstr(why, wrong[i][1]) || !strstr(why, "give http://host[:port][/prefix]"))
            fail_msg("%s: %s", wrong[i][0], why);
    }
    memset(longest, 'a', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    memcpy(longest, "http://", 7);
    assert_false(weburl_parse(longest, &url, why, sizeof(why)));
    longest[255] = '\0';
    assert_true(weburl_parse(longest, &url, why, sizeof(why)));
}
