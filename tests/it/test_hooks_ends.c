/* test_hooks_ends.c -- senders of hooks that die, stand by, may not, or are told something else. */
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
    pid_t first = sender_worker(0);
    assert_true(first > 0);
    kill(first, SIGKILL);
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
    kill(sender_worker(0), SIGKILL);
    int64_t before = sql_int("SELECT MAX(attempts) FROM hook_letters");
    assert_true(await(sql_int("SELECT MAX(attempts) FROM hook_letters") > before, RECOVERY_MS));
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
        HOOK_TEST(of_two_one_sends_and_the_other_takes_over),
        HOOK_ONCE(of_two_the_other_takes_over_from_one_that_was_killed),
        HOOK_TEST(a_database_that_is_away_comes_back),
        HOOK_ONCE(no_address_of_this_machine_is_asked_unless_it_is_allowed),
        HOOK_ONCE(the_file_is_read_again_on_sighup_if_it_is_good),
        HOOK_ONCE(a_port_tells_how_it_is),
        HOOK_ONCE(what_is_wrong_is_told_at_once),
    };
    /* clang-format on */
    return run_each("hooks_ends", tests);
}
