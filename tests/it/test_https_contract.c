/* test_https_contract.c -- what holds over HTTP holds over HTTPS: other suites run again with TLS
 * under all their clients. */
#include "support/certs.h"
#include "support/rerun.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void items_and_stock(void **state)
{
    rerun("test_contract_items", "test_contract_stock");
}

static void reservations_and_their_ends(void **state)
{
    rerun("test_contract_reservations", "test_contract_ends");
}

static void batches_and_headers(void **state)
{
    rerun("test_contract_batch", "test_contract_http");
}

static void keys_and_limits(void **state)
{
    rerun("test_contract_idempotency", "test_contract_limits");
}

static void transfers_and_framing(void **state)
{
    rerun("test_contract_transfers", "test_http_framing");
}

static void long_polls_and_streams(void **state)
{
    rerun("test_events", "test_events_ends");
}

static void clients_that_leave_and_browsers(void **state)
{
    rerun("test_http_ends", "test_http_browsers");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_and_stock),
        cmocka_unit_test(reservations_and_their_ends),
        cmocka_unit_test(batches_and_headers),
        cmocka_unit_test(keys_and_limits),
        cmocka_unit_test(transfers_and_framing),
        cmocka_unit_test(long_polls_and_streams),
        cmocka_unit_test(clients_that_leave_and_browsers),
    };
    struct certs certs = {.dir = ""};
    (void)argc;
    rerun_begin(argv[0]);
    if (certs_begin(&certs) || certs_make_ca(&certs, "ca") ||
        certs_make(&certs, "server", "ca", "IP:127.0.0.1,DNS:localhost", 30) ||
        setenv("TEST_TLS", certs.dir, 1) < 0)
        return EXIT_FAILURE;
    int failed = cmocka_run_group_tests_name("https contract", tests, NULL, NULL);
    certs_end(&certs);
    return failed;
}
