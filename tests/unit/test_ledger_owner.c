/* test_ledger_owner.c -- owners as columns, and the names that shares have. */
#include "ledger/owner.h"
#include "support/suite.h"

static struct arena arena;

static int begin(void **state)
{
    arena_init(&arena, 4096, 1 << 20);
    return 0;
}

static int end(void **state)
{
    arena_free(&arena);
    return 0;
}

static const struct {
    struct str owner, tenant, client;
} rows[] = {
    {{NULL, 0}, STR(""), STR("")},
    {STR("default/shop"), STR(""), STR("shop")},
    {STR("acme/shop"), STR("acme"), STR("shop")},
    {STR("a/A.b_c@d:e-f"), STR("a"), STR("A.b_c@d:e-f")},
};

TEST(columns_say_what_the_owner_said)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct str owner;
        const struct db_value tenant = owner_tenant_value(rows[i].owner);
        const struct db_value client = owner_client_value(rows[i].owner);
        assert_true(tenant.type == DB_TEXT && str_equal(tenant.as.text, rows[i].tenant));
        assert_true(client.type == DB_TEXT && str_equal(client.as.text, rows[i].client));
        assert_true(owner_of_values(&arena, &tenant, &client, &owner));
        assert_true(str_equal(owner, rows[i].owner));
    }
}

TEST(the_default_tenant_has_one_column)
{
    assert_true(str_equal(owner_tenant_column((struct str){NULL, 0}), STR("")));
    assert_true(str_equal(owner_tenant_column(STR(TENANT_DEFAULT)), STR("")));
    assert_true(str_equal(owner_tenant_column(STR("acme")), STR("acme")));
    assert_true(str_equal(owner_tenant_name(STR("")), STR(TENANT_DEFAULT)));
    assert_true(str_equal(owner_tenant_name(STR("acme")), STR("acme")));
}

/* A row that somebody wrote by hand, with a tenant and no client, is not the default tenant's. */
TEST(a_tenant_without_a_client_is_not_the_default_one)
{
    const struct db_value tenant = db_text(STR("acme")), client = db_text(STR(""));
    struct str owner;
    assert_true(owner_of_values(&arena, &tenant, &client, &owner));
    assert_false(owner_shares_tenant(owner, (struct str){NULL, 0}));
    assert_false(owner_valid(owner));
}

TEST(a_share_is_named_within_its_tenant)
{
    const struct db_value none = {DB_NULL, {0}}, ann = db_text(STR("ann"));
    const struct db_value here = db_text(STR("")), acme = db_text(STR("acme"));
    struct str share;
    assert_true(owner_share(&arena, &acme, &none, &share));
    assert_true(str_absent(share));
    assert_true(owner_share(&arena, &here, &ann, &share));
    assert_true(str_equal(share, STR("ann")));
    assert_true(owner_share(&arena, &acme, &ann, &share));
    assert_true(str_equal(share, STR("acme\xff"
                                     "ann")));
}

ALL_BETWEEN(begin, end)
