/* test_tenant.c -- tenants, owners, and inner names: none is that of two, and none can be spelled
 * by a client. */
#include "core/tenant.h"
#include "support/suite.h"

static struct arena arena;

static int setup(void **state)
{
    arena_init(&arena, 4096, 1 << 16);
    return 0;
}

static int teardown(void **state)
{
    arena_free(&arena);
    return 0;
}

EACH_BETWEEN(setup, teardown)

static const char *const marked = " /\xff";

TEST(a_tenant_is_a_short_word_in_small_letters)
{
    static const char longest[] = "a2345678901234567890123456789012";
    assert_int_equal(sizeof(longest) - 1, TENANT_MAX_BYTES);
    assert_true(tenant_valid(STR("default")) && tenant_valid(STR("0")));
    assert_true(tenant_valid(STR("shop-1_eu")) && tenant_valid(str_of(longest)));
    static const char *const wrong[] = {
        "", "-a", "_a", "A", "acMe", "a b", "a/b", "a.b", "a:b", "\xc3\xa4", "a\n",
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_false(tenant_valid(str_of(wrong[i])));
    assert_false(tenant_valid(STR("a2345678901234567890123456789012x")));
    assert_false(tenant_valid(STR("a\0b")));
    assert_false(tenant_valid((struct str){NULL, 0}));
}

TEST(no_tenant_has_a_mark_in_it)
{
    for (const char *mark = marked; *mark; mark++) {
        const char text[] = {'a', *mark, 'b', '\0'};
        assert_false(tenant_valid(str_of(text)));
    }
}

TEST(an_owner_is_a_tenant_and_a_client)
{
    const struct str none = {NULL, 0};
    assert_true(owner_valid(STR("acme/Shop.1@eu:x_-")) && owner_valid(none));
    assert_true(str_equal(owner_tenant(STR("acme/shop")), STR("acme")));
    assert_true(str_equal(owner_client(STR("acme/shop")), STR("shop")));
    assert_true(str_equal(owner_tenant(none), STR("default")));
    assert_true(str_absent(owner_client(none)));
    static const char *const wrong[] = {"",      "acme",      "/",     "acme/",
                                        "/shop", "Acme/shop", "a/b/c", "a/b c"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_false(owner_valid(str_of(wrong[i])));
}

TEST(who_is_nobody_in_particular_is_of_the_default_tenant)
{
    const struct str none = {NULL, 0};
    assert_true(owner_shares_tenant(none, none));
    assert_true(owner_shares_tenant(none, STR("default/shop")));
    assert_true(owner_shares_tenant(STR("acme/shop"), STR("acme/web")));
    assert_false(owner_shares_tenant(STR("acme/shop"), none));
    assert_false(owner_shares_tenant(STR("acme/shop"), STR("acme2/shop")));
    assert_false(owner_shares_tenant(STR("acme/shop"), STR("acm/eshop")));
}

TEST(inner_names_go_in_and_out)
{
    for (const char *mark = marked; *mark; mark++) {
        struct str inner = tenant_inner(&arena, STR("acme"), *mark, STR("a-1"));
        assert_int_equal(inner.n, strlen("acme?a-1"));
        assert_int_equal(inner.p[inner.n], '\0');
        assert_true(str_equal(tenant_of(inner, *mark), STR("acme")));
        assert_true(str_equal(tenant_outer(inner, *mark), STR("a-1")));
        assert_true(str_absent(tenant_inner(&arena, STR("acme"), *mark, (struct str){NULL, 0})));
    }
}

TEST(names_of_the_default_tenant_are_stored_as_they_are)
{
    const struct str name = STR("a-1");
    struct str inner = tenant_inner(&arena, STR("default"), TENANT_MARK_KEY, name);
    assert_ptr_equal(inner.p, name.p);
    assert_ptr_equal(tenant_outer(inner, TENANT_MARK_KEY).p, name.p);
    assert_true(tenant_is_default(tenant_of(inner, TENANT_MARK_KEY)));
    inner = tenant_inner(&arena, (struct str){NULL, 0}, TENANT_MARK_KEY, name);
    assert_ptr_equal(inner.p, name.p);
}

TEST(only_the_first_mark_parts_a_name)
{
    assert_true(str_equal(tenant_outer(STR("acme/a/b"), '/'), STR("a/b")));
    assert_true(str_equal(tenant_outer(STR("acme/"), '/'), STR("")));
}

TEST(no_memory_is_told_from_no_name)
{
    struct arena small;
    char name[TEXT_MAX_BYTES];
    memset(name, 'n', sizeof(name));
    arena_init(&small, 64, 64);
    assert_true(str_absent(
        tenant_inner(&small, STR("acme"), TENANT_MARK_SHARE, (struct str){name, sizeof(name)})));
    arena_free(&small);
}
