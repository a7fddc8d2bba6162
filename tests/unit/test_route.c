#include "core/route.h"
#include "support/suite.h"

#include <stdio.h>

static char room[512];

static struct route_match find(const char *method, const char *target)
{
    assert_true(strlen(target) <= sizeof(room));
    return route_find(str_of(method), str_of(target), room);
}

static void assert_param(struct route_match match, const char *param)
{
    assert_int_equal(match.verdict, ROUTE_FOUND);
    assert_true(str_equal(match.param, str_of(param)));
}

TEST(finds_every_row)
{
    for (int i = 0; i < ROUTE_NONE; i++) {
        const struct route_row *row = route_row((enum route_id)i);
        assert_int_equal((int)row->id, i);
        struct route_match match = find("GET", row->pattern);
        assert_int_equal((int)match.id, i);
        assert_string_equal(route_names()[i], row->name);
        /* A stream of events has no head to ask for. */
        if (row->id != ROUTE_EVENTS)
            assert_true(!(row->methods & METHOD_GET) == !(row->methods & METHOD_HEAD));
    }
}

TEST(decodes_a_parameter_once)
{
    assert_param(find("GET", "/v1/items/a%2Fb"), "a/b");
    assert_param(find("GET", "/v1/items/a%252Fb"), "a%2Fb");
    assert_param(find("GET", "/v1/items/a+b"), "a+b");
    assert_param(find("GET", "/v1/operations/K%2F0?x=1"), "K/0");
    assert_param(find("POST", "/v1/items/%61/decrements"), "a");
    assert_param(find("POST", "/v1/items/%61/transfers"), "a");
    assert_param(find("GET", "/v1/items/a%2Fb/movements?limit=1"), "a/b");
    struct route_match match = find("GET", "/v1/items/a%00b");
    assert_int_equal(match.verdict, ROUTE_FOUND);
    assert_int_equal((int)match.param.n, 3);
    assert_int_equal(find("GET", "/v1/%69tems").id, ROUTE_ITEMS);
}

/* The target with its nth byte percent-encoded: not the slash in front, which would be no path. */
static struct route_match find_escaped(const char *target, size_t nth)
{
    char escaped[128];
    snprintf(escaped, sizeof(escaped), "%.*s%%%02x%s", (int)nth, target, (unsigned char)target[nth],
             target + nth + 1);
    return find("GET", escaped);
}

TEST(finds_the_same_with_and_without_escapes)
{
    static const char *const others[] = {"/v1/items//decrements",
                                         "/v1/items/",
                                         "/v1/items/a/b",
                                         "/v1/items/a/decrements/",
                                         "/v1/itemsa",
                                         "/v1/items/decrements",
                                         "/v1//items",
                                         "/v1/",
                                         "/problems/",
                                         "/v1/reservations/a/confirms"};
    for (size_t i = 0; i < ROUTE_NONE + sizeof(others) / sizeof(others[0]); i++) {
        const char *target =
            i < ROUTE_NONE ? route_row((enum route_id)i)->pattern : others[i - ROUTE_NONE];
        struct route_match plain = find("GET", target);
        for (size_t nth = 1; target[nth]; nth++) {
            if (target[nth] == '/')
                continue;
            struct route_match match = find_escaped(target, nth);
            assert_int_equal(match.verdict, plain.verdict);
            assert_int_equal(match.id, plain.id);
            assert_int_equal(match.allowed, plain.allowed);
            assert_true(str_equal(match.param, plain.param));
        }
    }
}

TEST(keeps_the_query_raw)
{
    struct route_match match = find("GET", "/v1/items?limit=1&prefix=a%2F");
    assert_int_equal(match.id, ROUTE_ITEMS);
    assert_true(str_equal(match.query, STR("limit=1&prefix=a%2F")));
    assert_true(str_absent(find("GET", "/v1/items").query));
    assert_int_equal((int)find("GET", "/v1/items?").query.n, 0);
    assert_int_equal(find("GET", "/?x").id, ROUTE_INDEX);
}

TEST(says_unknown)
{
    static const char *const targets[] = {"/v1",           "/v1/items/",    "/v1/items/a/",
                                          "/v1/items/a/b", "//v1/items",    "/v1/items//decrements",
                                          "/V1/items",     "/v1/items%2Fa", "/healthz/",
                                          "/problems/"};
    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
        struct route_match match = find("GET", targets[i]);
        assert_int_equal(match.verdict, ROUTE_UNKNOWN);
        assert_int_equal(match.id, ROUTE_NONE);
        assert_true(str_absent(match.param));
    }
}

TEST(says_malformed)
{
    static const char *const targets[] = {
        "",         "*",           "example.org:80", "http://",
        "http://h", "/v1/items/%", "/v1/items/%4",   "/v1/items/%zz",
        "v1/items"};
    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++)
        assert_int_equal(find("GET", targets[i]).verdict, ROUTE_MALFORMED);
}

TEST(takes_an_absolute_target)
{
    assert_int_equal(find("GET", "http://example.org/healthz").id, ROUTE_HEALTHZ);
    assert_param(find("GET", "HTTP://h:1/v1/items/a?x"), "a");
}

TEST(says_what_is_allowed)
{
    char text[ROUTE_ALLOW_SIZE];
    struct route_match match = find("PATCH", "/v1/items/a");
    assert_int_equal(match.verdict, ROUTE_METHOD_NOT_ALLOWED);
    assert_int_equal(match.id, ROUTE_ITEM);
    route_allow(match.allowed, text);
    assert_string_equal(text, "GET, HEAD, PUT, DELETE");
    match = find("get", "/v1/batch"); /* methods are case-sensitive */
    route_allow(match.allowed, text);
    assert_int_equal(match.verdict, ROUTE_METHOD_NOT_ALLOWED);
    assert_string_equal(text, "POST");
    assert_int_equal(find("HEAD", "/metrics").verdict, ROUTE_FOUND);
    match = find("DELETE", "/v1/reservations");
    route_allow(match.allowed, text);
    assert_string_equal(text, "GET, HEAD, POST");
    assert_int_equal(find("GET", "/v1/reservations?state=held").verdict, ROUTE_FOUND);
    assert_int_equal(find("POST", "/v1/items/a/movements").verdict, ROUTE_METHOD_NOT_ALLOWED);
    assert_int_equal(find("POST", "/").verdict, ROUTE_METHOD_NOT_ALLOWED);
}

TEST(parses_a_query)
{
    struct query_param params[3];
    assert_int_equal(query_parse(STR("a=1&b=x%26+y&c"), room, params, 3), 3);
    assert_true(str_equal(params[0].name, STR("a")));
    assert_true(str_equal(params[1].value, STR("x& y")));
    assert_true(str_equal(params[2].name, STR("c")));
    assert_int_equal((int)params[2].value.n, 0);
    assert_int_equal(query_parse(STR("a=1=2&&"), room, params, 3), 1);
    assert_true(str_equal(params[0].value, STR("1=2")));
    assert_int_equal(query_parse(STR(""), room, params, 3), 0);
    assert_int_equal(query_parse((struct str){NULL, 0}, room, params, 3), 0);
}

TEST(refuses_a_query)
{
    struct query_param params[3];
    assert_int_equal(query_parse(STR("a=1&a=2"), room, params, 3), -1);
    assert_int_equal(query_parse(STR("a=1&%61=2"), room, params, 3), -1);
    assert_int_equal(query_parse(STR("a=%"), room, params, 3), -1);
    assert_int_equal(query_parse(STR("%g0=1"), room, params, 3), -1);
    assert_int_equal(query_parse(STR("a&b&c&d"), room, params, 3), -1);
}

/* --- who may ---------------------------------------------------------------------------------- */

#define READS  (METHOD_GET | METHOD_HEAD)
#define WRITES (METHOD_POST | METHOD_PUT | METHOD_DELETE)

TEST(every_method_of_a_route_says_which_role_it_takes_and_no_other)
{
    for (int i = 0; i < ROUTE_NONE; i++) {
        const struct route_row *row = route_row((enum route_id)i);
        if ((row->reads != ROLE_UNSET) != ((row->methods & READS) != 0) ||
            (row->writes != ROLE_UNSET) != ((row->methods & WRITES) != 0))
            fail_msg("%s does not say who may ask for it", row->pattern);
        if (row->writes != ROLE_UNSET)
            assert_true(row->writes >= ROLE_READER); /* nobody without a key changes anything */
    }
}

TEST(what_there_is_not_takes_a_key_where_what_there_is_does)
{
    assert_int_equal(route_least(ROUTE_NONE, METHOD_GET), ROLE_READER);
    assert_int_equal(route_least(ROUTE_NONE, METHOD_OTHER), ROLE_READER);
    assert_int_equal(route_least(ROUTE_ITEM, METHOD_OTHER), ROLE_READER);
    assert_int_equal(route_least(ROUTE_ITEM, METHOD_POST), ROLE_READER);
    assert_int_equal(route_least(ROUTE_CONFIRM, METHOD_GET), ROLE_READER);
    assert_int_equal(route_least(ROUTE_HEALTHZ, METHOD_POST), ROLE_ANYBODY);
}

TEST(roles_may_what_the_interface_says)
{
    static const struct {
        enum route_id id;
        enum route_method method;
        enum role least;
    } said[] = {
        {ROUTE_ITEM, METHOD_HEAD, ROLE_READER},
        {ROUTE_ITEM, METHOD_PUT, ROLE_STOCK},
        {ROUTE_ITEM, METHOD_DELETE, ROLE_STOCK},
        {ROUTE_ADJUSTMENTS, METHOD_POST, ROLE_STOCK},
        {ROUTE_TRANSFERS, METHOD_POST, ROLE_STOCK},
        {ROUTE_DECREMENTS, METHOD_POST, ROLE_SELLER},
        {ROUTE_RESERVATIONS, METHOD_GET, ROLE_READER},
        {ROUTE_RESERVATIONS, METHOD_POST, ROLE_SELLER},
        {ROUTE_RELEASE, METHOD_POST, ROLE_SELLER},
        {ROUTE_BATCH, METHOD_POST, ROLE_READER},
        {ROUTE_METRICS, METHOD_GET, ROLE_READER},
        {ROUTE_READYZ, METHOD_GET, ROLE_ANYBODY},
    };
    for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++)
        assert_int_equal(route_least(said[i].id, said[i].method), said[i].least);
}
