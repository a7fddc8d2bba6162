/* test_audits.c -- audits that are asked for over HTTP: they find what `stockd audit` finds, one at
 * a time, in a process that serves nobody.
 */
#include "support/fixture.h"

#include <string.h>

#define AUDITS "/v1/audits"

/* The end of one that was asked for, whatever it found. */
static bool is_idle(void)
{
    get(AUDITS);
    return strcmp(api_str(a, "state"), "idle") == 0;
}

static void check_found(const char *result, int64_t drift)
{
    int64_t before_ms;
    get(AUDITS);
    before_ms =
        json_is_null(json_at(http_resp_json(&a->resp), "last")) ? 0 : api_time(a, "last.at");
    post(202, AUDITS, "{}");
    check_str(a, "state", "running");
    assert_true(api_time(a, "requested_at") > 0);
    assert_true(await(is_idle(), RECOVERY_MS));
    check_str(a, "last.result", result);
    check_int(a, "last.drift", drift);
    check_null(a, "progress");
    check_null(a, "requested_at");
    assert_true(api_time(a, "last.at") > before_ms);
}

static void what_adds_up_is_equal(void **state)
{
    serve(.workers = 2, .ledger = *state);
    const char *sku = api_item(a, 10, 0);
    api_reserve(a, sku, 2, 0);
    get(AUDITS);
    check_str(a, "state", "idle");
    check_null(a, "last");
    check_found("equal", 0);
    check_audit(0); /* by the command: it agrees */
    assert_int_equal(pid_of("stockd-audit"), 0);
}

static void what_was_changed_behind_its_back_is_drift(void **state)
{
    serve(.ledger = *state);
    const char *sku = api_item(a, 10, 0);
    await_in_sql(sku);
    sql_run(text("UPDATE items SET available = 9, on_hand = 9 WHERE sku = '%s'", sku));
    post(202, AUDITS, NULL); /* a body may be left out */
    assert_true(await(is_idle(), RECOVERY_MS));
    check_str(a, "last.result", "drift");
    assert_true(api_int(a, "last.drift") > 0);
    assert_true(await(log_has("drift", sku), RECOVERY_MS));
    assert_true(await(metric("stockd_audit_last_result") == 1, RECOVERY_MS));
}

static bool waits_for_the_ledger(void)
{
    get(AUDITS);
    return !json_is_null(json_at(http_resp_json(&a->resp), "progress")) &&
           api_int(a, "progress.reservations") > 0;
}

/* Asks for one that does not end: it waits for a ledger that nobody carries events to, and there
 * stands still until it is told to go on. Its process. */
static pid_t begin_endless(const char *sku)
{
    await_in_sql(sku);
    applier_stop();
    api_reserve(a, sku, 2, 0);
    post(202, AUDITS, "{}");
    assert_true(await(waits_for_the_ledger(), RECOVERY_MS));
    pid_t auditor = pid_of("stockd-audit");
    assert_int_equal(kill(auditor, SIGSTOP), 0);
    return auditor;
}

/* Its ledger gets all that it waits for. */
static void end_endless(const char *sku, pid_t auditor)
{
    applier_start();
    await_in_sql(sku);
    assert_int_equal(kill(auditor, SIGCONT), 0);
}

static void one_runs_at_a_time(void **state)
{
    serve(.ledger = *state, .apart = true);
    const char *sku = api_item(a, 10, 0);
    pid_t auditor = begin_endless(sku);
    get(AUDITS);
    int64_t asked_ms = api_time(a, "requested_at");
    post(202, AUDITS, "{}");
    assert_int_equal(api_time(a, "requested_at"), asked_ms);
    assert_int_equal(pid_of("stockd-audit"), auditor);
    get(AUDITS);
    check_str(a, "state", "running");
    check_like(a, "{'progress':{'reservations':1,'shares':0}}");
    /* Whoever serves goes on meanwhile. */
    api_reserve(a, sku, 1, 0);
    end_endless(sku, auditor);
    assert_true(await(is_idle(), RECOVERY_MS));
    check_found("equal", 0);
}

static void one_that_is_killed_is_over(void **state)
{
    serve(.ledger = *state, .apart = true);
    const char *sku = api_item(a, 10, 0);
    assert_int_equal(kill(begin_endless(sku), SIGKILL), 0);
    assert_true(await(is_idle(), RECOVERY_MS));
    check_null(a, "last");
    assert_true(log_has("a child ended", "audit"));
    applier_start();
    check_found("equal", 0);
}

static struct tservice beside; /* another service on the store */
static struct api other;       /* and its client */

/* A service says so. */
static bool state_is(struct api *at, const char *state)
{
    api_call(at, 200, "GET", AUDITS, NULL, NULL);
    return strcmp(api_str(at, "state"), state) == 0;
}

/* Of what another service does it hears once a second. */
static bool has_heard_of_progress(void)
{
    return state_is(&other, "running") && api_int(&other, "progress.reservations") == 1;
}

/* Whoever of them is asked. */
static void of_several_services_one_audits_at_a_time(void **state)
{
    serve(.ledger = *state, .apart = true);
    serve_beside(&beside, .ledger = *state, .apart = true);
    api_open(&other, beside.port);
    const char *sku = api_item(a, 10, 0);
    pid_t auditor = begin_endless(sku), found[2];
    get(AUDITS);
    int64_t asked_ms = api_time(a, "requested_at");
    assert_true(await(has_heard_of_progress(), RECOVERY_MS));
    assert_int_equal(api_time(&other, "requested_at"), asked_ms);
    api_call(&other, 202, "POST", AUDITS, NULL, "{}");
    assert_int_equal(api_time(&other, "requested_at"), asked_ms);
    assert_int_equal(tservice_pids(&beside, "stockd-audit", found, 2), 0);
    end_endless(sku, auditor);
    assert_true(await(state_is(&other, "idle") &&
                          json_is_object(json_at(http_resp_json(&other.resp), "last")),
                      RECOVERY_MS));
    check_str(&other, "last.result", "equal");
    assert_true(is_idle());
    /* One that dies with its service is not taken for one that runs. */
    auditor = begin_endless(sku);
    assert_true(await(state_is(&other, "running"), RECOVERY_MS));
    tservice_kill9(&stack.service);
    assert_true(await(state_is(&other, "idle"), RECOVERY_MS));
    http_conn_close(&other.conn);
    assert_true(tservice_stop(&beside));
}

/* A reload is none of its business, and a stop does not wait for it. */
static void it_ends_with_the_service(void **state)
{
    serve(.ledger = *state, .apart = true);
    const char *sku = api_item(a, 10, 0);
    pid_t auditor = begin_endless(sku);
    assert_int_equal(kill(stack.service.proc.pid, SIGHUP), 0);
    assert_true(await(log_has("configuration read again", NULL), RECOVERY_MS));
    assert_int_equal(pid_of("stockd-audit"), auditor);
    stop_serving();
    assert_int_equal(kill(auditor, 0), -1);
}

static void what_it_cannot_tell_is_unknown(void **state)
{
    serve(.ledger = *state);
    (void)api_item(a, 10, 0);
    sql_run("UPDATE ledger_meta SET ledger_id = '00000000000000000000000000000000'");
    post(202, AUDITS, "{}");
    assert_true(await(is_idle(), RECOVERY_MS));
    check_str(a, "last.result", "unknown");
}

static void what_cannot_be_asked_is_told(void **state)
{
    serve(.ledger = *state);
    post_problem(422, "invalid-field", "depth", AUDITS, "{\"depth\":1}");
    post_problem(400, "malformed-json", NULL, AUDITS, "[]");
    post_problem(400, "malformed-json", NULL, AUDITS, "{");
    api_problem(a, 405, "method-not-allowed", NULL, "DELETE", AUDITS, NULL, NULL);
    check_header(a, "Allow", "GET, HEAD, POST");
    get(AUDITS);
    check_str(a, "state", "idle");
}

static void without_a_ledger_there_is_nothing_to_compare_with(void **state)
{
    serve(.workers = 1);
    get_problem(404, "ledger-missing", NULL, AUDITS);
    post_problem(404, "ledger-missing", NULL, AUDITS, "{}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(what_adds_up_is_equal),
        SQLITE_TEST(what_was_changed_behind_its_back_is_drift),
        ON_BOTH(one_runs_at_a_time),
        SQLITE_TEST(one_that_is_killed_is_over),
        SQLITE_TEST(of_several_services_one_audits_at_a_time),
        SQLITE_TEST(it_ends_with_the_service),
        SQLITE_TEST(what_it_cannot_tell_is_unknown),
        SQLITE_TEST(what_cannot_be_asked_is_told),
        PLAIN_TEST(without_a_ledger_there_is_nothing_to_compare_with),
    };
    return run_each("audits", tests);
}
