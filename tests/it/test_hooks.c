/* test_hooks.c -- `stockd hooks run` against an endpoint that takes events and fails: all of them
 * come, in the order of their items, whatever dies.
 */
#include "hooks/signature.h"
#include "support/fixture.h"
#include "support/hook_server.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define SECRET      "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define ANSWER(...) "HTTP/1.1 " __VA_ARGS__ "\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
#define FOR_EVER    1000000
#define FIRST       "'from':'beginning','retry_first_ms':10"
#define PROCESSES   2

static struct hook_server endpoint;
static struct tproc senders[PROCESSES];
static char dir[TEST_PATH_MAX], file[TEST_PATH_MAX + 16];

/* --- what tests do ---------------------------------------------------------------------------- */

/* A file with one hook, "shop", to the endpoint; single quotes stand for double ones. */
static void write_file(const char *members)
{
    char json[4096], beside[TEST_PATH_MAX + 32];
    snprintf(json, sizeof(json),
             "{'hooks':[{'name':'shop','url':'http://127.0.0.1:%d/x','secret':'" SECRET "',%s}]}",
             endpoint.port, members);
    for (char *at = json; *at; at++)
        *at = *at == '\'' ? '"' : *at;
    snprintf(beside, sizeof(beside), "%s.new", file);
    FILE *out = fopen(beside, "we");
    assert_non_null(out);
    assert_int_equal(fchmod(fileno(out), 0600), 0);
    fputs(json, out);
    assert_int_equal(fclose(out), 0);
    assert_int_equal(rename(beside, file), 0);
}

static void sender_start_with(int which, const char *option, const char *value)
{
    char line[128];
    const char *argv[] = {getenv("STOCKD"), "hooks", "run",  "--ledger", ledger_url,
                          "--hooks-file",   file,    option, value,      NULL};
    assert_int_equal(tproc_start(&senders[which], argv, text("%s/hooks%d.err", dir, which)), 0);
    assert_int_equal(
        tproc_await_line(&senders[which], "sending hooks", line, sizeof(line), RECOVERY_MS), 0);
}

static void sender_start(int which)
{
    sender_start_with(which, "--hooks-allow", "127.0.0.0/8");
}

static void begin(const enum base_engine *ledger, const char *members)
{
    serve(.redis.aof = TREDIS_AOF_ALWAYS, .ledger = ledger);
    assert_int_equal(temp_dir_make(dir), 0);
    snprintf(file, sizeof(file), "%s/hooks.json", dir);
    assert_int_equal(hook_server_start(&endpoint), 0);
    write_file(members);
}

static int end(void **state)
{
    bool well = true;
    for (int i = 0; i < PROCESSES; i++) {
        if (senders[i].pid > 0 && !tproc_stop(&senders[i], RECOVERY_MS)) {
            print_tail(text("%s/hooks%d.err", dir, i), 40);
            well = false;
        }
        senders[i] = (struct tproc){0};
    }
    hook_server_stop(&endpoint);
    temp_dir_remove(dir);
    return serve_end(state) < 0 || !well ? -1 : 0;
}

/* The one that works, of a command. */
static pid_t worker_of(int which)
{
    pid_t pids[TSERVICE_CHILDREN_MAX];
    const struct tservice as_service = {.proc = senders[which]};
    return tservice_pids(&as_service, "stockd-hooks", pids, TSERVICE_CHILDREN_MAX) == 1 ? pids[0]
                                                                                        : 0;
}

static void rule(int slot, const char *has, int times, const char *answer)
{
    hook_server_rule(&endpoint, slot,
                     &(struct hook_rule){.has = has, .times = times, .answer = answer});
}

static void no_rules(void)
{
    for (int i = 0; i < HOOK_RULES; i++)
        rule(i, "", 0, NULL);
}

/* An item of that name, and changes of it: versions 1 .. changes + 1. */
static void make_changes(const char *sku, int changes)
{
    api_call(a, 201, "PUT", ITEM(sku), NULL, "{\"on_hand\":100}");
    for (int i = 0; i < changes; i++)
        post(200, ADJUST(sku), "{\"delta\":1}");
}

static const char *version_of(const char *sku, int version)
{
    return text("\"sku\":\"%s\",\"version\":%d,", sku, version);
}

#define taken(sku, version) (hook_server_with(&endpoint, version_of((sku), (version)), true))
#define came(sku, version)  (hook_server_with(&endpoint, version_of((sku), (version)), false))

static void await_taken(const char *sku, int versions)
{
    for (int v = 1; v <= versions; v++)
        if (!await(taken(sku, v) > 0, RECOVERY_MS)) {
            print_tail(text("%s/hooks0.err", dir), 40);
            fail_msg("version %d of %s did not come", v, sku);
        }
}

/* What was taken of an item came in the order of its versions; what came twice is passed over. */
static void check_order(const char *sku)
{
    int last = 0;
    for (int i = 0; i < hook_server_count(&endpoint); i++) {
        const struct hook_request *seen = hook_server_get(&endpoint, i);
        const char *at = strstr(seen->body, text("\"sku\":\"%s\",\"version\":", sku));
        if (!at || !seen->taken)
            continue;
        int version = atoi(strstr(at, "version\":") + strlen("version\":"));
        assert_true(version <= last + 1);
        last = version > last ? version : last;
    }
}

#define dead_letters() sql_int("SELECT COUNT(*) FROM hook_letters WHERE state = 'dead'")
#define letters()      sql_int("SELECT COUNT(*) FROM hook_letters")

/* --- what comes ------------------------------------------------------------------------------- */

static void every_event_comes_signed_and_once(void **state)
{
    struct hook_secret secret;
    const char *why;
    assert_true(secret_parse(&secret, STR(SECRET), &why));
    begin(*state, FIRST);
    make_changes("a", 3);
    make_changes("b", 3);
    sender_start(0);
    await_taken("a", 4);
    await_taken("b", 4);
    make_changes("c", 1);
    await_taken("c", 2);
    check_order("a");
    check_order("b");
    assert_int_equal(hook_server_count(&endpoint), 10);
    for (int i = 0; i < 10; i++) {
        const struct hook_request *seen = hook_server_get(&endpoint, i);
        struct buf right;
        buf_init(&right, 256);
        assert_true(signature_put(&right, &secret, 1, str_of(seen->id), atoll(seen->timestamp),
                                  str_of(seen->body)));
        buf_putc(&right, '\0');
        assert_string_equal(seen->signature, right.p);
        buf_free(&right);
        for (int j = 0; j < i; j++)
            assert_string_not_equal(seen->id, hook_server_get(&endpoint, j)->id);
    }
}

static void only_what_is_asked_for_comes_and_from_now_on(void **state)
{
    begin(*state, "'types':['adjust'],'skus':['a']");
    make_changes("a0", 1);
    await_in_sql("a0");
    sender_start(0);
    assert_true(await(sql_int("SELECT COUNT(*) FROM hooks WHERE owner <> ''") == 1, RECOVERY_MS));
    make_changes("b", 2);
    make_changes("a1", 2);
    assert_true(await(taken("a1", 3) == 1, RECOVERY_MS));
    assert_int_equal(hook_server_count(&endpoint), 2);
}

/* --- what fails ------------------------------------------------------------------------------- */

static void an_item_that_is_refused_does_not_stop_others(void **state)
{
    begin(*state, FIRST ",'attempts':100");
    rule(0, "\"sku\":\"a\"", FOR_EVER, ANSWER("500 x"));
    make_changes("a", 3);
    make_changes("b", 3);
    sender_start(0);
    await_taken("b", 4);
    /* The position has passed them: they have letters. */
    assert_true(await(letters() == 4, RECOVERY_MS));
    assert_true(await(came("a", 1) >= 3, RECOVERY_MS));
    assert_int_equal(came("a", 2), 0);
    no_rules();
    await_taken("a", 4);
    check_order("a");
    assert_true(await(letters() == 0, RECOVERY_MS));
}

static void whatever_an_endpoint_does_all_comes_in_the_end(void **state)
{
    static const struct hook_rule rules[] = {
        {.has = "\"sku\":\"r0\"", .times = 2, .reset = true},
        {.has = "\"sku\":\"r1\"", .times = 1, .hang = true},
        {.has = "\"sku\":\"r2\"", .times = 2, .answer = "HTTP/1.1 200 OK\r\nX: "},
        {.has = "\"sku\":\"r3\"",
         .times = 2,
         .answer = "HTTP/1.1 200 OK\r\n",
         .fill = "X: yyyyyyy\r\n"},
        {.has = "\"sku\":\"r4\"", .times = 2, .answer = "rubbish\r\n\r\n"},
        {.has = "\"sku\":\"r5\"",
         .times = 2,
         .answer = "HTTP/1.1 302 x\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"},
        {.has = "\"sku\":\"r6\"",
         .times = 2,
         .answer = "HTTP/1.1 100 Continue\r\n\r\n",
         .reset = true},
    };
    const int count = sizeof(rules) / sizeof(rules[0]);
    begin(*state, FIRST ",'attempts':100,'timeout_ms':1000");
    for (int i = 0; i < count; i++) {
        hook_server_rule(&endpoint, i, &rules[i]);
        api_call(a, 201, "PUT", text("/v1/items/r%d", i), NULL, "{\"on_hand\":1}");
        post(200, text("/v1/items/r%d/adjustments", i), "{\"delta\":1}");
    }
    sender_start(0);
    for (int i = 0; i < count; i++) {
        char sku[16];
        snprintf(sku, sizeof(sku), "r%d", i);
        await_taken(sku, 2);
        assert_true(came(sku, 1) > taken(sku, 1));
        check_order(sku);
    }
}

/* Whose head says 2xx has taken it, however long its body is, or is not. */
static void what_was_said_by_the_status_stands(void **state)
{
    static const struct hook_rule rules[] = {
        {.has = "\"sku\":\"s0\"",
         .times = 1,
         .answer = "HTTP/1.1 200 x\r\nContent-Length: 99\r\n\r\nx"},
        {.has = "\"sku\":\"s1\"",
         .times = 1,
         .answer = "HTTP/1.1 200 x\r\n\r\n",
         .fill = "yyyyyyyy"},
        {.has = "\"sku\":\"s2\"",
         .times = 1,
         .answer = "HTTP/1.1 200 x\r\nContent-Length: 9\r\n\r\n",
         .hang = true},
    };
    begin(*state, FIRST ",'timeout_ms':1000");
    for (int i = 0; i < 3; i++) {
        hook_server_rule(&endpoint, i, &rules[i]);
        make_changes(text("s%d", i), 1);
    }
    sender_start(0);
    for (int i = 0; i < 3; i++) {
        assert_true(await(taken(text("s%d", i), 2) == 1, RECOVERY_MS));
        assert_int_equal(came(text("s%d", i), 1), 1);
    }
}

static void what_is_given_up_is_listed_replayed_and_dropped(void **state)
{
    begin(*state, FIRST ",'attempts':2");
    rule(0, "\"version\":1,", FOR_EVER, ANSWER("500 x"));
    make_changes("a", 2);
    make_changes("b", 0);
    sender_start(0);
    assert_true(await(dead_letters() == 2, RECOVERY_MS));
    assert_true(await(taken("a", 3) == 1, RECOVERY_MS));
    assert_int_equal(came("a", 1), 2);
    check_command(0, "hooks", "list", "--ledger", ledger_url);
    check_said("shop");
    check_command(0, "hooks", "dead", "--ledger", ledger_url, "shop");
    check_said("the endpoint is in trouble");
    char id[96];
    const char *found = strstr(command_said, "evt_");
    assert_non_null(found);
    snprintf(id, sizeof(id), "%.*s", (int)strcspn(found, " \n"), found);
    check_command(1, "hooks", "replay", "--ledger", ledger_url, "shop", "evt_0_9_9_9");
    check_said("has given up no event evt_0_9_9_9; nothing was changed");
    no_rules();
    check_command(0, "hooks", "replay", "--ledger", ledger_url, "shop", id);
    check_said("1 to be sent again");
    assert_true(await(taken("a", 1) + taken("b", 1) == 1, RECOVERY_MS));
    assert_true(await(letters() == 1, RECOVERY_MS));
    check_command(0, "hooks", "drop", "--ledger", ledger_url, "shop", "--all");
    check_said("1 dropped");
    assert_int_equal(letters(), 0);
}

static void an_endpoint_that_is_gone_is_switched_off_until_it_is_switched_on(void **state)
{
    begin(*state, FIRST);
    rule(0, "", 1, ANSWER("410 x"));
    make_changes("a", 1);
    sender_start(0);
    assert_true(await(sql_int("SELECT COUNT(*) FROM hooks WHERE off_ms > 0") == 1, RECOVERY_MS));
    make_changes("b", 1);
    check_command(0, "hooks", "list", "--ledger", ledger_url);
    check_said("the endpoint answered 410");
    assert_int_equal(hook_server_count(&endpoint), 1);
    check_command(0, "hooks", "on", "--ledger", ledger_url, "shop");
    await_taken("a", 2);
    await_taken("b", 2);
    assert_int_equal(letters(), 0);
}

/* It is no failure: with one attempt the event would be dead. */
static void an_endpoint_that_asks_for_patience_gets_it(void **state)
{
    begin(*state, FIRST ",'attempts':1");
    rule(0, "", 2,
         "HTTP/1.1 429 x\r\nRetry-After: 1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    make_changes("a", 1);
    sender_start(0);
    await_taken("a", 2);
    check_order("a");
    assert_int_equal(letters(), 0);
}

/* --- who dies --------------------------------------------------------------------------------- */

/* Between the endpoint's having it and SQL's knowing: it comes twice, and nothing is lost. */
static void who_is_killed_sends_again_what_nobody_wrote_down(void **state)
{
    begin(*state, FIRST ",'timeout_ms':60000");
    hook_server_rule(&endpoint, 0,
                     &(struct hook_rule){.has = version_of("a", 1), .times = 1, .hang = true});
    make_changes("a", 3);
    make_changes("b", 3);
    sender_start(0);
    await_taken("b", 4);
    assert_true(await(came("a", 1) == 1, RECOVERY_MS));
    pid_t first = worker_of(0);
    assert_true(first > 0);
    kill(first, SIGKILL);
    await_taken("a", 4);
    assert_int_equal(came("a", 1), 2);
    check_order("a");
    assert_true(worker_of(0) != first);
}

static void attempts_are_counted_on_through_a_death(void **state)
{
    begin(*state, FIRST ",'attempts':100");
    rule(0, "", FOR_EVER, ANSWER("503 x"));
    make_changes("a", 0);
    sender_start(0);
    assert_true(await(sql_int("SELECT MAX(attempts) FROM hook_letters") >= 2, RECOVERY_MS));
    kill(worker_of(0), SIGKILL);
    int64_t before = sql_int("SELECT MAX(attempts) FROM hook_letters");
    assert_true(await(sql_int("SELECT MAX(attempts) FROM hook_letters") > before, RECOVERY_MS));
}

static void of_two_one_sends_and_the_other_takes_over(void **state)
{
    begin(*state, FIRST);
    sender_start(0);
    assert_true(await(sql_int("SELECT COUNT(*) FROM hooks WHERE owner <> ''") == 1, RECOVERY_MS));
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
    begin(*state, FIRST ",'timeout_ms':100");
    sender_start(0);
    assert_true(await(sql_int("SELECT COUNT(*) FROM hooks WHERE owner <> ''") == 1, RECOVERY_MS));
    sender_start(1);
    tproc_kill9(&senders[0]);
    make_changes("a", 1);
    await_taken("a", 2);
}

static void a_database_that_is_away_comes_back(void **state)
{
    begin(*state, FIRST);
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
    begin(*state, FIRST ",'attempts':2");
    make_changes("a", 0);
    sender_start_with(0, "--hooks-allow", "10.0.0.0/8");
    assert_true(await(dead_letters() == 1, RECOVERY_MS));
    check_command(0, "hooks", "dead", "--ledger", ledger_url, "shop");
    check_said("this machine");
    assert_int_equal(hook_server_count(&endpoint), 0);
    check_command(1, "hooks", "test", "--hooks-file", file, "shop");
    check_said("this machine");
    check_command(0, "hooks", "test", "--hooks-file", file, "--hooks-allow", "127.0.0.1", "shop");
    check_said("has answered 204");
    assert_int_equal(hook_server_with(&endpoint, "{\"type\":\"test\",", true), 1);
}

static void the_file_is_read_again_on_sighup_if_it_is_good(void **state)
{
    begin(*state, "'types':['delete']");
    sender_start(0);
    assert_true(await(sql_int("SELECT COUNT(*) FROM hooks WHERE owner <> ''") == 1, RECOVERY_MS));
    write_file("'types':['nothing']");
    tproc_signal(&senders[0], SIGHUP);
    assert_true(
        await(system(text("grep -q 'changes nothing' %s/hooks0.err", dir)) == 0, RECOVERY_MS));
    write_file("'types':['create']");
    tproc_signal(&senders[0], SIGHUP);
    assert_true(await(system(text("test $(grep -c 'hooks read' %s/hooks0.err) = 2", dir)) == 0,
                      RECOVERY_MS));
    make_changes("a", 1);
    assert_true(await(taken("a", 1) == 1, RECOVERY_MS));
    assert_int_equal(hook_server_count(&endpoint), 1);
}

static void a_port_tells_how_it_is(void **state)
{
    struct api port;
    char line[128];
    begin(*state, FIRST);
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
    begin(*state, FIRST);
    check_command(64, "hooks", "run", "--ledger", ledger_url);
    check_said("--hooks-file is needed");
    check_command(64, "hooks", "run", "--ledger", "none", "--redis", "redis://127.0.0.1",
                  "--hooks-file", file);
    check_said("--ledger is needed");
    check_command(64, "hooks", "run", "--ledger", ledger_url, "--hooks-file", file, "--hooks-allow",
                  "shop");
    check_said("--hooks-allow: \"shop\" is no network");
    check_command(64, "hooks", "replay", "--ledger", ledger_url, "shop");
    check_said("give either IDs");
    check_command(64, "hooks", "replay", "--ledger", ledger_url, "shop", "x");
    check_said("\"x\" is none");
    check_command(1, "hooks", "on", "--ledger", ledger_url, "shop");
    check_said("there is no such hook");
    assert_int_equal(chmod(file, 0644), 0);
    check_command(64, "hooks", "run", "--ledger", ledger_url, "--hooks-file", file);
    check_said("right is 0600");
}

#define HOOK_TEST(test) ON_ENGINES(test, NULL, end)
#define HOOK_ONCE(test)                                                                            \
    {                                                                                              \
#test, test, NULL, end, ON_SQLITE                                                          \
    }

int main(void)
{
    /* clang-format off */
    const struct CMUnitTest tests[] = {
        HOOK_TEST(every_event_comes_signed_and_once),
        HOOK_ONCE(only_what_is_asked_for_comes_and_from_now_on),
        HOOK_TEST(an_item_that_is_refused_does_not_stop_others),
        HOOK_ONCE(whatever_an_endpoint_does_all_comes_in_the_end),
        HOOK_ONCE(what_was_said_by_the_status_stands),
        HOOK_TEST(what_is_given_up_is_listed_replayed_and_dropped),
        HOOK_TEST(an_endpoint_that_is_gone_is_switched_off_until_it_is_switched_on),
        HOOK_ONCE(an_endpoint_that_asks_for_patience_gets_it),
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
    return run_each("hooks", tests);
}
