/* test_hooks_ends.c -- senders of hooks that die, stand by, may not, or are told something else. */
#include "support/certs.h"
#include "support/hook_case.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* --- who dies --------------------------------------------------------------------------------- */

/* Between the endpoint's having it and SQL's knowing: it comes twice, and nothing is lost. */
static void who_is_killed_sends_again_what_nobody_wrote_down(void **state)
{
    hooks_begin(*state, FIRST ",'timeout_ms':60000");
    hook_server_rule(&endpoint, 0,
                     &(struct hook_rule){.has = version_of("a", 1), .times = 1, .hang = true});
    make_changes("a", 3);
    make_changes("b", 3);
    sender_start(0);
    await_taken("b", 4);
    assert_true(await(came("a", 1) == 1, RECOVERY_MS));
    pid_t first = sender_kill(0);
    await_taken("a", 4);
    assert_int_equal(came("a", 1), 2);
    check_order("a");
    assert_true(sender_worker(0) != first);
}

static void attempts_are_counted_on_through_a_death(void **state)
{
    hooks_begin(*state, FIRST ",'attempts':100");
    hook_rule(0, "", FOR_EVER, ANSWER("503 x"));
    make_changes("a", 0);
    sender_start(0);
    assert_true(await(sql_int("SELECT MAX(attempts) FROM hook_letters") >= 2, RECOVERY_MS));
    (void)sender_kill(0);
    int64_t before = sql_int("SELECT MAX(attempts) FROM hook_letters");
    assert_true(await(sql_int("SELECT MAX(attempts) FROM hook_letters") > before, RECOVERY_MS));
}

static void whoever_is_killed_however_often_nothing_is_lost_or_out_of_order(void **state)
{
    static const char *const skus[] = {"k0", "k1", "k2", "k3"};
    const int items = sizeof(skus) / sizeof(skus[0]), changes = 8, kills = 4;
    hooks_begin(*state, FIRST ",'attempts':100");
    for (int i = 0; i < items; i++) {
        hook_rule(i, text("\"sku\":\"%s\"", skus[i]), 5, ANSWER("500 x"));
        make_changes(skus[i], changes);
    }
    sender_start(0);
    for (int i = 0; i < kills; i++) {
        int seen = hook_server_count(&endpoint);
        assert_true(await(hook_server_count(&endpoint) > seen + i, RECOVERY_MS));
        (void)sender_kill(0);
        hook_rule(items, "", 3, ANSWER("503 x"));
    }
    for (int i = 0; i < items; i++) {
        await_taken(skus[i], changes + 1);
        check_order(skus[i]);
    }
    assert_true(await(letters() == 0, RECOVERY_MS));
}

static void of_two_one_sends_and_the_other_takes_over(void **state)
{
    hooks_begin(*state, FIRST);
    sender_start(0);
    await_owner();
    sender_start(1);
    make_changes("a", 3);
    await_taken("a", 4);
    assert_int_equal(hook_server_count(&endpoint), 4);
    assert_true(tproc_stop(&senders[0], RECOVERY_MS));
    make_changes("b", 3);
    await_taken("b", 4);
    assert_int_equal(hook_server_count(&endpoint), 8);
}

/* Nobody says that it is gone: the other one waits until it has been silent for too long. */
static void of_two_the_other_takes_over_from_one_that_was_killed(void **state)
{
    hooks_begin(*state, FIRST ",'timeout_ms':100");
    sender_start(0);
    await_owner();
    sender_start(1);
    tproc_kill9(&senders[0]);
    make_changes("a", 1);
    await_taken("a", 2);
}

static void a_database_that_is_away_comes_back(void **state)
{
    hooks_begin(*state, FIRST);
    sender_start(0);
    make_changes("a", 0);
    await_taken("a", 1);
    sql_run("ALTER TABLE hooks RENAME TO elsewhere");
    make_changes("b", 1);
    await_in_sql("b");
    sql_run("ALTER TABLE elsewhere RENAME TO hooks");
    await_taken("b", 2);
}

/* --- where it goes ---------------------------------------------------------------------------- */

static void no_address_of_this_machine_is_asked_unless_it_is_allowed(void **state)
{
    hooks_begin(*state, FIRST ",'attempts':2");
    make_changes("a", 0);
    sender_start_with(0, "--hooks-allow", "10.0.0.0/8");
    assert_true(await(dead_letters() == 1, RECOVERY_MS));
    check_command(0, "hooks", "dead", "--ledger", ledger_url, "shop");
    check_said("this machine");
    assert_int_equal(hook_server_count(&endpoint), 0);
    check_command(1, "hooks", "test", "--hooks-file", hooks_file, "shop");
    check_said("this machine");
    check_command(0, "hooks", "test", "--hooks-file", hooks_file, "--hooks-allow", "127.0.0.1",
                  "shop");
    check_said("has answered 204");
    assert_int_equal(hook_server_with(&endpoint, "{\"type\":\"test\",", true), 1);
}

/* A service is as good an endpoint as any: what it answers is not the question. */
static void a_certificate_is_verified_and_its_name(void **state)
{
    struct certs certs;
    char path[4][CERTS_PATH_MAX];
    hooks_begin(*state, FIRST);
    assert_int_equal(certs_begin(&certs), 0);
    assert_int_equal(certs_make_ca(&certs, "ca"), 0);
    assert_int_equal(certs_make_ca(&certs, "other"), 0);
    assert_int_equal(certs_make(&certs, "here", "ca", "IP:127.0.0.1", 9), 0);
    certs_path(&certs, "here", "pem", path[0]);
    certs_path(&certs, "here", "key", path[1]);
    certs_path(&certs, "ca", "pem", path[2]);
    certs_path(&certs, "other", "pem", path[3]);
    const struct fixture words = {.ledger = *state,
                                  .flags = {"--tls-cert", path[0], "--tls-key", path[1]}};
    assert_int_equal(serve_try(&words), 0);
    hooks_file_write_to(text("https://127.0.0.1:%d/x", stack.service.port), FIRST);
    const struct {
        const char *ca, *said;
    } rows[] = {{path[2], "has answered 404: the endpoint refuses it"},
                {path[3], "the certificate is not to be trusted"},
                {NULL, "the certificate is not to be trusted"}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        check_command(1, "hooks", "test", "--hooks-file", hooks_file, "--hooks-allow", "127.0.0.1",
                      "shop", rows[i].ca ? "--hooks-ca" : NULL, rows[i].ca);
        check_said(rows[i].said);
    }
    hooks_file_write_to(text("https://localhost:%d/x", stack.service.port), FIRST);
    check_command(1, "hooks", "test", "--hooks-file", hooks_file, "--hooks-allow", "127.0.0.1,::1",
                  "shop", "--hooks-ca", path[2]);
    check_said("the certificate is not to be trusted");
    certs_end(&certs);
}

static void the_file_is_read_again_on_sighup_if_it_is_good(void **state)
{
    hooks_begin(*state, "'types':['delete']");
    sender_start(0);
    await_owner();
    hooks_file_write("'types':['nothing']");
    tproc_signal(&senders[0], SIGHUP);
    assert_true(await(system(text("grep -q 'changes nothing' %s/hooks0.err", hooks_dir)) == 0,
                      RECOVERY_MS));
    hooks_file_write("'types':['create']");
    tproc_signal(&senders[0], SIGHUP);
    assert_true(
        await(system(text("test $(grep -c 'hooks read' %s/hooks0.err) = 2", hooks_dir)) == 0,
              RECOVERY_MS));
    make_changes("a", 1);
    assert_true(await(taken("a", 1) == 1, RECOVERY_MS));
    assert_int_equal(hook_server_count(&endpoint), 1);
}

static void a_port_tells_how_it_is(void **state)
{
    struct api port;
    char line[128];
    hooks_begin(*state, FIRST);
    make_changes("a", 1);
    sender_start_with(0, "--hooks-listen", "127.0.0.1:0");
    assert_int_equal(tproc_await_line(&senders[0], "listening on http://127.0.0.1:", line,
                                      sizeof(line), RECOVERY_MS),
                     0);
    api_open(&port, atoi(strrchr(line, ':') + 1));
    assert_true(await(http_call(&port.conn, "GET", "/readyz", NULL, NULL, &port.resp) == 0 &&
                          port.resp.status == 200,
                      RECOVERY_MS));
    assert_true(await(api_metric(&port, "stockd_hooks_active") == 1, RECOVERY_MS));
    assert_true(await(api_metric(&port, "stockd_hooks_failed_total") >= 1, RECOVERY_MS));
    assert_true(await(api_metric(&port, "stockd_hooks_waiting") == 2, RECOVERY_MS));
    api_close(&port);
}

static void what_is_wrong_is_told_at_once(void **state)
{
    hooks_begin(*state, FIRST);
    check_command(64, "hooks", "run", "--ledger", ledger_url);
    check_said("--hooks-file is needed");
    check_command(64, "hooks", "run", "--ledger", "none", "--redis", "redis://127.0.0.1",
                  "--hooks-file", hooks_file);
    check_said("--ledger is needed");
    check_command(64, "hooks", "run", "--ledger", ledger_url, "--hooks-file", hooks_file,
                  "--hooks-allow", "shop");
    check_said("--hooks-allow: \"shop\" is no network");
    check_command(64, "hooks", "replay", "--ledger", ledger_url, "shop");
    check_said("give either IDs");
    check_command(64, "hooks", "replay", "--ledger", ledger_url, "shop", "x");
    check_said("\"x\" is none");
    check_command(1, "hooks", "on", "--ledger", ledger_url, "shop");
    check_said("there is no such hook");
    assert_int_equal(chmod(hooks_file, 0644), 0);
    check_command(64, "hooks", "run", "--ledger", ledger_url, "--hooks-file", hooks_file);
    check_said("right is 0600");
}

int main(void)
{
    /* clang-format off */
    const struct CMUnitTest tests[] = {
        HOOK_TEST(who_is_killed_sends_again_what_nobody_wrote_down),
        HOOK_ONCE(attempts_are_counted_on_through_a_death),
        HOOK_ONCE(whoever_is_killed_however_often_nothing_is_lost_or_out_of_order),
        HOOK_TEST(of_two_one_sends_and_the_other_takes_over),
        HOOK_ONCE(of_two_the_other_takes_over_from_one_that_was_killed),
        HOOK_TEST(a_database_that_is_away_comes_back),
        HOOK_ONCE(no_address_of_this_machine_is_asked_unless_it_is_allowed),
        HOOK_ONCE(a_certificate_is_verified_and_its_name),
        HOOK_ONCE(the_file_is_read_again_on_sighup_if_it_is_good),
        HOOK_ONCE(a_port_tells_how_it_is),
        HOOK_ONCE(what_is_wrong_is_told_at_once),
    };
    /* clang-format on */
    return run_each("hooks_ends", tests);
}
