/* test_address.c -- what the URL of a Redis says, and what is said of one that is none. */
#include "address.h"
#include "support/suite.h"

#include <string.h>

static char err[256];

static struct address parsed(const char *url)
{
    struct address a;
    if (!address_parse(url, &a, err, sizeof(err)))
        fail_msg("%s: %s", url, err);
    return a;
}

static void check_seed(const struct address *a, unsigned i, const char *text)
{
    char seed[ENDPOINT_TEXT];
    assert_true(i < a->seed_count);
    assert_string_equal(endpoint_text(&a->seeds[i], seed), text);
}

TEST(the_address_of_one_redis_is_taken_apart)
{
    struct address a = parsed("redis://h:1234/5");
    check_seed(&a, 0, "h:1234");
    assert_true(a.kind == ADDRESS_ONE && !a.tls && a.seed_count == 1);
    assert_true(a.db == 5 && !a.seeds[0].is_unix && !a.password[0]);
    a = parsed("redis://u%40:p%3ax@[::1]:7");
    assert_string_equal(a.user, "u@");
    assert_string_equal(a.password, "p:x");
    assert_string_equal(a.seeds[0].host, "::1");
    check_seed(&a, 0, "[::1]:7");
    a = parsed("redis://:p@h");
    check_seed(&a, 0, "h:6379");
    assert_false(a.user[0]);
    a = parsed("unix:/a/b.sock");
    assert_true(a.seeds[0].is_unix && a.seed_count == 1);
    check_seed(&a, 0, "/a/b.sock");
}

TEST(sentinels_come_with_the_name_of_a_primary)
{
    struct address a = parsed("redis+sentinel://u:p@s1:1,s2,[2001:db8::7]:3/shop/2");
    assert_true(a.kind == ADDRESS_SENTINEL && !a.tls && a.seed_count == 3 && a.db == 2);
    check_seed(&a, 0, "s1:1");
    check_seed(&a, 1, "s2:26379");
    check_seed(&a, 2, "[2001:db8::7]:3");
    assert_string_equal(a.name, "shop");
    assert_string_equal(a.user, "u");
    assert_string_equal(a.password, "p");
    a = parsed("redis+sentinel://s/my%2fshop/");
    assert_string_equal(a.name, "my/shop");
    assert_int_equal(a.db, 0);
}

TEST(a_cluster_is_any_of_its_nodes)
{
    struct address a = parsed("redis+cluster://:p@n1:7001,n2");
    assert_true(a.kind == ADDRESS_CLUSTER && !a.tls && a.seed_count == 2);
    check_seed(&a, 0, "n1:7001");
    check_seed(&a, 1, "n2:6379");
    assert_string_equal(a.password, "p");
    assert_int_equal(parsed("redis+cluster://n1/").seed_count, 1);
}

TEST(each_form_has_one_over_tls)
{
    assert_true(parsed("rediss://h").tls);
    assert_int_equal(parsed("rediss://h").kind, ADDRESS_ONE);
    assert_true(parsed("rediss+sentinel://h/n").tls);
    assert_int_equal(parsed("rediss+sentinel://h/n").kind, ADDRESS_SENTINEL);
    assert_true(parsed("rediss+cluster://h").tls);
    assert_int_equal(parsed("rediss+cluster://h").kind, ADDRESS_CLUSTER);
}

TEST(no_more_seeds_are_taken_than_have_room)
{
    char url[512] = "redis+cluster://h0";
    struct address a;
    for (int i = 1; i < ADDRESS_SEEDS_MAX; i++)
        strcat(url, ",h");
    assert_int_equal(parsed(url).seed_count, ADDRESS_SEEDS_MAX);
    strcat(url, ",h");
    assert_false(address_parse(url, &a, err, sizeof(err)));
    assert_non_null(strstr(err, "more than 16 hosts"));
}

TEST(what_is_shown_of_an_address_has_no_secret)
{
    static const struct {
        const char *url, *shown;
    } rows[] = {{"redis://u:hush@h:1/5", "h:1"},
                {"unix:/a/b.sock", "/a/b.sock"},
                {"redis+sentinel://u:hush@a,b:2/shop/1", "a:26379,b:2/shop"},
                {"rediss+cluster://u:hush@[::1],b", "[::1]:6379,b:6379"}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct address a = parsed(rows[i].url);
        char text[64], cut[5];
        address_text(&a, text, sizeof(text));
        assert_string_equal(text, rows[i].shown);
        address_text(&a, cut, sizeof(cut));
        assert_memory_equal(cut, text, strlen(cut));
    }
}

TEST(two_endpoints_are_the_same_if_all_of_them_is)
{
    struct endpoint a = {.host = "h", .port = 1}, b = a;
    assert_true(endpoint_same(&a, &b));
    b.port = 2;
    assert_false(endpoint_same(&a, &b));
    b = (struct endpoint){.host = "i", .port = 1};
    assert_false(endpoint_same(&a, &b));
    b = (struct endpoint){.is_unix = true, .host = "h", .port = 1};
    assert_false(endpoint_same(&a, &b));
}

TEST(wrong_addresses_are_refused_with_what_is_right)
{
#define ONE      "redis://[user:pass@]host:port"
#define SENTINEL "redis+sentinel://[user:pass@]host:port,host:port/NAME"
#define CLUSTER  "redis+cluster://[user:pass@]host:port,host:port"
    static const struct {
        const char *url, *what, *right;
    } rows[] = {
        {"", "unknown scheme", ONE},
        {"h:1", "unknown scheme", ONE},
        {"http://h", "redis+sentinel, redis+cluster", ONE},
        {"redis://", "no host", ONE},
        {"redis://:1", "no host", ONE},
        {"redis://h:99999", "a port that is none", ONE},
        {"redis://h:x", "a port that is none", ONE},
        {"redis://h/x", "the database must be a number", ONE},
        {"redis://u@h", "must be user:pass", ONE},
        {"redis://a:1,b:2", "several hosts are for redis+sentinel://", ONE},
        {"unix:", "1 to 107 bytes", ONE},
        {"redis://[::1", "no host", ONE},
        {"redis+sentinel://s1", "the name", SENTINEL},
        {"redis+sentinel://s1/", "the name", SENTINEL},
        {"redis+sentinel://s1//1", "the name", SENTINEL},
        {"redis+sentinel:///shop", "place 1 of the hosts", SENTINEL},
        {"redis+sentinel://s1,/shop", "place 2 of the hosts", SENTINEL},
        {"redis+sentinel://s1,s2:x,s3/shop", "place 2 of the hosts", SENTINEL},
        {"redis+sentinel://s1/shop/x", "the database must be a number", SENTINEL},
        {"redis+sentinel://s1/shop/1/2", "the database must be a number", SENTINEL},
        {"redis+cluster://", "place 1 of the hosts", CLUSTER},
        {"redis+cluster://n1/0", "a cluster has no databases", CLUSTER},
        {"redis+cluster://n1,n2/3", "a cluster has no databases", CLUSTER},
        {"redis+cluster://u@n1", "must be user:pass", CLUSTER},
        {"rediss://h:x", "a port that is none", "rediss://[user:pass@]host:port"},
    };
    struct address a;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (address_parse(rows[i].url, &a, err, sizeof(err)))
            fail_msg("%s was taken", rows[i].url);
        if (!strstr(err, rows[i].what) || !strstr(err, rows[i].right))
            fail_msg("%s: %s", rows[i].url, err);
    }
}
