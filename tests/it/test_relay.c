/* test_relay.c -- workers that commit through one of them: answers and books are those of workers
 * that commit by themselves, and one that dies, hangs or leaves takes no answer and no unit along.
 * Other suites run again with every operation handed over.
 */
#include "support/fixture.h"
#include "support/keyed_load.h"
#include "support/rerun.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define CLIENTS 24
#define CALLS   40
#define WORKERS 3

static double relayed(void)
{
    return api_metric(a, "stockd_relayed_operations_total");
}

/* --- many at one item ------------------------------------------------------------------------- */

struct rush {
    char path[96];
    _Atomic int sold, unknown, refused, unanswered;
    int calls, timeout_ms;
};

static void sell_many(int index, void *arg)
{
    struct rush *rush = arg;
    struct http_conn c;
    struct http_resp resp = {.status = 0};
    http_conn_init(&c, stack.service.port);
    c.timeout_ms = rush->timeout_ms;
    for (int n = 0; n < rush->calls; n++) {
        int err = http_call(&c, "POST", rush->path, NULL, "{\"quantity\":1}", &resp);
        _Atomic int *count = err                  ? &rush->unanswered
                             : resp.status == 200 ? &rush->sold
                             : resp.status == 504 ? &rush->unknown
                                                  : &rush->refused;
        ++*count;
        if (err)
            http_conn_close(&c);
    }
    http_resp_free(&resp);
    http_conn_close(&c);
}

static struct rush *begin_rush(const char *sku, int calls, int timeout_ms)
{
    static struct rush rush;
    rush = (struct rush){.calls = calls, .timeout_ms = timeout_ms};
    KEEP(rush.path, text("/v1/items/%s/decrements", sku));
    return &rush;
}

static bool rush_is_relayed(void)
{
    const char *sku = api_item(a, CLIENTS * CALLS, 0);
    struct rush *rush = begin_rush(sku, CALLS, HTTP_TIMEOUT_MS);
    http_crowd(CLIENTS, sell_many, rush);
    assert_int_equal(rush->sold, CLIENTS * CALLS);
    check_item(a, sku, 0, 0, 0, CLIENTS * CALLS, CLIENTS * CALLS + 1);
    return relayed() > 0;
}

static void all_workers_sell_through_one(void **state)
{
    serve(.workers = WORKERS, .flags = {"--relay", "always"});
    assert_true(await(rush_is_relayed(), RECOVERY_MS));
    /* One more than there is: the refusal finds its way back as well. */
    const char *sku = api_item(a, 0, 0);
    for (int i = 0; i < CLIENTS; i++) {
        http_conn_close(&a->conn); /* another worker, as like as not */
        api_problem(a, 409, "insufficient-stock", NULL, "POST", DECREMENT(sku), NULL,
                    "{\"quantity\":1}");
    }
}

/* Again until they have met, as few do on an idle machine. */
static void workers_that_contend_begin_to(void **state)
{
    serve(.workers = WORKERS);
    assert_true(await(rush_is_relayed(), RECOVERY_MS));
}

static void who_contends_with_nobody_commits_by_itself(void **state)
{
    serve(.workers = WORKERS);
    const char *sku = api_item(a, 100, 0);
    for (int i = 0; i < 50; i++)
        api_call(a, 200, "POST", DECREMENT(sku), NULL, "{\"quantity\":1}");
    assert_int_equal((int)relayed(), 0);
}

static void with_relay_off_nothing_is_handed_over(void **state)
{
    serve(.workers = WORKERS, .flags = {"--relay", "off"});
    assert_false(rush_is_relayed());
}

/* A reservation of all the lines and texts there can be: it does not fit, and commits by itself. */
static void the_largest_operation_is_served(void **state)
{
    char body[16384], customer[129];
    serve(.workers = WORKERS, .flags = {"--relay", "always"});
    memset(customer, 'c', 128);
    customer[128] = '\0';
    int n = snprintf(body, sizeof(body), "{\"customer\":\"%s\",\"lines\":[", customer);
    for (int i = 0; i < 100; i++) {
        const char *sku = text("item-with-a-name-of-sixty-four-bytes-which-is-the-longest-%06d", i);
        api_call(a, 201, "PUT", text("/v1/items/%s", sku), NULL, "{\"on_hand\":5}");
        n += snprintf(body + n, sizeof(body) - (size_t)n, "%s{\"sku\":\"%s\",\"quantity\":1}",
                      i ? "," : "", sku);
    }
    snprintf(body + n, sizeof(body) - (size_t)n, "]}");
    for (int i = 0; i < 6; i++) { /* confirms of it are small, and their answers large */
        char id[64];
        http_conn_close(&a->conn);
        if (i % 2 == 0)
            api_call(a, 201, "POST", RESERVATIONS, NULL, body);
        KEEP(id, api_str(a, "id"));
        http_conn_close(&a->conn);
        api_call(a, 200, "POST", i % 4 < 2 ? CONFIRM(id) : RELEASE(id), NULL, NULL);
        assert_string_equal(api_str(a, "id"), id);
    }
}

/* --- who dies, hangs or leaves ---------------------------------------------------------------- */

static int workers(pid_t *pids)
{
    return tservice_pids(&stack.service, TSERVICE_WORKER, pids, TSERVICE_CHILDREN_MAX);
}

static bool all_are_back_but(pid_t gone)
{
    pid_t pids[TSERVICE_CHILDREN_MAX];
    int n = workers(pids);
    for (int i = 0; i < n; i++)
        if (pids[i] == gone)
            return false;
    return n == WORKERS;
}

static void one_ends_under_load(int signo)
{
    serve(.workers = WORKERS, .flags = {"--relay", "always"});
    keyed_load_start(api_item(a, 1000000, 0));
    for (int round = 0; round < 2 * WORKERS; round++) {
        pid_t pids[TSERVICE_CHILDREN_MAX];
        keyed_load_await(100);
        assert_int_equal(workers(pids), WORKERS);
        kill(pids[round % WORKERS], signo);
        assert_true(await(all_are_back_but(pids[round % WORKERS]), RECOVERY_MS));
    }
    keyed_load_await(100);
    keyed_load_stop_and_check(1000000);
}

static void who_is_killed_takes_nothing_along(void **state)
{
    one_ends_under_load(SIGKILL);
}

static void who_leaves_takes_nothing_along(void **state)
{
    one_ends_under_load(TSERVICE_LEAVE);
}

/* What it had taken nobody knows; all else goes on without it. */
static void who_hangs_holds_up_nobody_for_long(void **state)
{
    serve(.workers = WORKERS, .flags = {"--relay", "always", "--request-timeout", "2s"});
    for (int round = 0; round < WORKERS; round++) {
        pid_t pids[TSERVICE_CHILDREN_MAX];
        const char *sku = api_item(a, 100000, 0);
        char kept[64];
        KEEP(kept, sku);
        struct rush *rush = begin_rush(kept, 4, 6000);
        assert_int_equal(workers(pids), WORKERS);
        kill(pids[round], SIGSTOP);
        http_crowd(CLIENTS, sell_many, rush);
        kill(pids[round], SIGCONT);
        print_message("sold %d, unknown %d, refused %d, unanswered %d\n", rush->sold, rush->unknown,
                      rush->refused, rush->unanswered);
        assert_true(rush->sold > 0);
        http_conn_close(&a->conn);
        /* Those that it answers late are in; those it never read are not. */
        int most = rush->sold + rush->unknown + rush->unanswered;
        assert_true(await((api_call(a, 200, "GET", text("/v1/items/%s", kept), NULL, NULL),
                           api_int(a, "sold") >= rush->sold),
                          RECOVERY_MS));
        assert_true(api_int(a, "sold") <= most);
    }
}

/* --- other suites ----------------------------------------------------------------------------- */

static int set_always(void **state)
{
    return setenv("STOCKD_RELAY", "always", 1) | setenv("TEST_WORKERS", "3", 1);
}

static int unset_always(void **state)
{
    return unsetenv("STOCKD_RELAY") | unsetenv("TEST_WORKERS");
}

static void contracts_of_stock_and_keys_hold(void **state)
{
    rerun("test_contract_stock", "test_contract_idempotency");
}

static void contracts_of_reservations_and_limits_hold(void **state)
{
    rerun("test_contract_reservations", "test_contract_limits");
}

static void contracts_of_batches_and_transfers_hold(void **state)
{
    rerun("test_contract_batch", "test_contract_transfers");
}

static void cuts_and_late_execs_lose_nothing(void **state)
{
    rerun("test_sweep", "test_late_exec");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        PLAIN_TEST(all_workers_sell_through_one),
        PLAIN_TEST(workers_that_contend_begin_to),
        PLAIN_TEST(who_contends_with_nobody_commits_by_itself),
        PLAIN_TEST(with_relay_off_nothing_is_handed_over),
        PLAIN_TEST(the_largest_operation_is_served),
        PLAIN_TEST(who_is_killed_takes_nothing_along),
        PLAIN_TEST(who_leaves_takes_nothing_along),
        PLAIN_TEST(who_hangs_holds_up_nobody_for_long),
    };
    const struct CMUnitTest again[] = {
        cmocka_unit_test(contracts_of_stock_and_keys_hold),
        cmocka_unit_test(contracts_of_reservations_and_limits_hold),
        cmocka_unit_test(contracts_of_batches_and_transfers_hold),
        cmocka_unit_test(cuts_and_late_execs_lose_nothing),
    };
    (void)argc;
    rerun_begin(argv[0]);
    int failed = run_each("relay", tests);
    return failed + cmocka_run_group_tests(again, set_always, unset_always);
}
