/* test_url_password.c -- a password that is kept apart from its address: whoever reads the address
 * gets back every byte.
 */
#include "address.h"
#include "support/suite.h"
#include "url_password.h"

#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>

static char err[256];

/* The address with the password, or what is wrong. The caller frees it. */
static char *with(const char *url, const char *password)
{
    char *made = strdup(url);
    assert_non_null(made);
    if (!url_add_password(&made, password, err, sizeof(err))) {
        assert_string_equal(made, url);
        free(made);
        made = strdup(err);
    }
    return made;
}

static void check(const char *url, const char *password, const char *due)
{
    char *made = with(url, password);
    assert_string_equal(made, due);
    free(made);
}

TEST(it_stands_behind_the_user_and_before_the_host)
{
    check("redis://app@h:1/2", "s@cret", "redis://app:s%40cret@h:1/2");
    check("redis://h:1", "p", "redis://:p@h:1");
    check("redis://@h", "p", "redis://:p@h");
    check("redis://app@[::1]:7", "p", "redis://app:p@[::1]:7");
    check("postgresql://u@h/db?options=a@b", "p", "postgresql://u:p@h/db?options=a@b");
}

TEST(where_it_belongs_to_nothing_it_is_refused)
{
    check("unix:/a.sock", "hush",
          "there is no address with a host that it belongs to; give user@host");
    check("redis://u:x@h", "hush", "the address has a password already; keep one");
    char *none = NULL;
    assert_false(url_add_password(&none, "hush", err, sizeof(err)));
    assert_null(none);
    assert_null(strstr(err, "hush"));
}

/* All bytes but NUL, as both who read addresses see them. */
TEST(every_byte_comes_back)
{
    char password[256], *redis, *ledger, *why = NULL;
    for (int i = 1; i < 256; i++)
        password[i - 1] = (char)i;
    password[255] = '\0';
    struct address address;
    redis = with("redis://app@h:1", password);
    assert_true(address_parse(redis, &address, err, sizeof(err)));
    assert_string_equal(address.password, password);
    assert_string_equal(address.user, "app");
    assert_string_equal(address.seeds[0].host, "h");
    ledger = with("postgresql://app@h:1/db", password);
    PQconninfoOption *options = PQconninfoParse(ledger, &why);
    assert_non_null(options);
    for (PQconninfoOption *o = options; o->keyword; o++)
        if (strcmp(o->keyword, "password") == 0)
            assert_string_equal(o->val, password);
    PQconninfoFree(options);
    free(redis);
    free(ledger);
}

TEST(a_password_that_cannot_be_told_from_the_rest_is_known)
{
    static const char *const ambiguous[] = {
        "postgresql://u:a@b@h/db", "postgresql://u:a/b@h/db", "postgresql://u:a?b@h/db",
        "postgresql://u:a#b@h/db", "redis://u:a/b@h",
    };
    static const char *const clear[] = {
        "postgresql://u:ab%40@h/db",
        "postgresql://u@h:5432/db?options=a@b",
        "sqlite:/a@b:c@d",
        "postgresql://u@h/db?password=a@b",
        "postgresql:///db",
        "redis://h:1/2",
        "unix:/a:b@c/d",
    };
    for (size_t i = 0; i < sizeof(ambiguous) / sizeof(ambiguous[0]); i++)
        if (!url_password_is_ambiguous(ambiguous[i]))
            fail_msg("%s is clear", ambiguous[i]);
    for (size_t i = 0; i < sizeof(clear) / sizeof(clear[0]); i++)
        if (url_password_is_ambiguous(clear[i]))
            fail_msg("%s is not clear", clear[i]);
}
