/* test_tenants_contract.c -- the contract once more, with the key of a tenant: it is the same as
 * without keys, whether the tenant names the items of the store or its own.
 */
#include "support/fixture.h"
#include "support/rerun.h"

#include <stdlib.h>

static void rerun_contract(void)
{
    rerun("test_contract_items", "test_contract_stock");
    rerun("test_contract_reservations", "test_contract_ends");
    rerun("test_contract_batch", "test_contract_idempotency");
    rerun("test_contract_limits", "test_contract_transfers");
    rerun("test_contract_http", "test_openapi_answers");
}

static void a_tenant_has_the_whole_contract(void **state)
{
    assert_int_equal(setenv("STOCKD_TENANT_ITEMS", "shared", 1), 0);
    rerun_contract();
}

static void a_tenant_with_items_of_its_own_has_the_whole_contract(void **state)
{
    assert_int_equal(setenv("STOCKD_TENANT_ITEMS", "own", 1), 0);
    rerun_contract();
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tenant_has_the_whole_contract),
        cmocka_unit_test(a_tenant_with_items_of_its_own_has_the_whole_contract),
    };
    (void)argc;
    rerun_begin(argv[0]);
    if (setenv("TEST_KEYS", "1", 1) < 0 || setenv("TEST_TENANT", "acme", 1) < 0)
        return EXIT_FAILURE;
    return cmocka_run_group_tests_name("tenants_contract", tests, NULL, NULL);
}
