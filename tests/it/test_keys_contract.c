/* test_keys_contract.c -- the contract once more, on services with --keys-file, with the key of an
 * admin: it is the same as without keys.
 */
#include "support/fixture.h"
#include "support/rerun.h"

#include <stdlib.h>

static void an_admin_has_the_whole_contract(void **state)
{
    rerun("test_contract_items", "test_contract_stock");
    rerun("test_contract_reservations", "test_contract_ends");
    rerun("test_contract_batch", "test_contract_idempotency");
    rerun("test_contract_limits", "test_contract_transfers");
    rerun("test_contract_http", "test_openapi_answers");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_admin_has_the_whole_contract),
    };
    (void)argc;
    rerun_begin(argv[0]);
    if (setenv("TEST_KEYS", "1", 1) < 0)
        return EXIT_FAILURE;
    return cmocka_run_group_tests_name("keys_contract", tests, NULL, NULL);
}
