/* test_load_restore.c -- Redis is lost under load and built again from SQL, and the load generator
 * judges what that did to the answers.
 *
 * At level ledger every acknowledged answer must still be true. Below it what SQL had not got yet
 * is gone, and the report has to say so.
 */
#include "support/api.h"
#include "support/ledger_base.h"
#include "support/load_run.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

#define RECOVERY_MS 180000
#define INTERRUPTED 105
#define LOAD        "-p 2 -c 20 -d 120s --ttl 60s --settle 1s --timeout 10s" /* until it is ended */

static struct bases bases;
static struct stack stack;
static struct api *a = &stack.api;

static void start(void **state, const char *durability)
{
    struct tredis_opts redis = {.aof = TREDIS_AOF_EVERYSEC};
    db_close(bases_ledger(&bases, engine_of(state)));
    const char *const extra[] = {
        "--ledger", bases.url, "--durability", durability, "--request-timeout", "5s", NULL};
    assert_int_equal(stack_start(&stack, &redis, 2, extra), 0);
    assert_true(await(api_ready(a), RECOVERY_MS));
}

static void await_events(int64_t more)
{
    static const char count[] = "SELECT COUNT(*) FROM events";
    int64_t goal = base_int(bases.url, count) + more;
    assert_true(await(base_int(bases.url, count) >= goal, RECOVERY_MS));
}

/* The load goes on until what was to happen under it has, however slow the machine is. */
static void await_events_and_end(struct tload *load, int64_t more)
{
    await_events(more);
    tproc_signal(&load->proc, SIGINT);
}

static void lose_redis(void)
{
    (void)tredis_int(&stack.redis, "FLUSHALL");
    assert_true(await(!api_ready(a), RECOVERY_MS));
}

static void restore(void)
{
    char path[TEST_PATH_MAX + 16];
    const char *const argv[] = {getenv("STOCKD"), "restore", "--redis", stack.redis.url,
                                "--ledger",       bases.url, NULL};
    struct tproc p;
    snprintf(path, sizeof(path), "%s/restore.err", bases.dir);
    assert_int_equal(tproc_start(&p, argv, path), 0);
    assert_int_equal(tproc_wait(&p, RECOVERY_MS), 0);
    if (!WIFEXITED(p.status) || WEXITSTATUS(p.status) != 0)
        print_tail(path, 20);
    assert_true(WIFEXITED(p.status));
    assert_int_equal(WEXITSTATUS(p.status), 0);
    assert_true(await(api_ready(a), RECOVERY_MS));
}

static void expect(struct tload *load, int want, const char *word)
{
    int status = tload_finish(load);
    if (status != want || strcmp(tload_word(load), word) != 0) {
        tload_print(load);
        fail_msg("exit status %d instead of %d, verdict %s instead of %s", status, want,
                 tload_word(load), word);
    }
    assert_true(tload_coverage(load, "successes") >= 100);
}

static void at_level_ledger_every_answer_stays_true(void **state)
{
    struct tload load;
    start(state, "ledger");
    assert_int_equal(tload_start(&load, stack.service.port, "mixed", LOAD), 0);
    await_events(500);
    lose_redis();
    restore();
    await_events_and_end(&load, 200);
    expect(&load, INTERRUPTED, "right");
    assert_int_equal(tload_check(&load), INTERRUPTED);
    tload_free(&load);
}

/* The applier is held while answers go on, and Redis is lost before it may go on as well. */
static void below_it_the_report_names_what_was_lost(void **state)
{
    struct tload load;
    pid_t pids[TSERVICE_CHILDREN_MAX];
    start(state, "everysec");
    assert_int_equal(tload_start(&load, stack.service.port, "mixed", LOAD), 0);
    await_events(500);
    assert_int_equal(tservice_pids(&stack.service, TSERVICE_LEDGER, pids, TSERVICE_CHILDREN_MAX),
                     1);
    kill(pids[0], SIGSTOP);
    bool waited = await(tredis_int(&stack.redis, "XLEN {p0}:events") > 200, RECOVERY_MS);
    lose_redis();
    kill(pids[0], SIGCONT);
    assert_true(waited);
    restore();
    await_events_and_end(&load, 200);
    expect(&load, 1, "violation");
    assert_true(tload_violations(&load, "lasting") > 0);
    assert_true(tload_has_witness(&load));
    tload_free(&load);
}

static int test_teardown(void **state)
{
    (void)state;
    return stack_stop(&stack);
}

static int group_teardown(void **state)
{
    (void)state;
    bases_stop(&bases);
    return 0;
}

#define ON_BOTH(test) ON_ENGINES(test, NULL, test_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(at_level_ledger_every_answer_stays_true),
        ON_BOTH(below_it_the_report_names_what_was_lost),
    };
    bases_start_or_skip(&bases);
    return cmocka_run_group_tests_name("load_restore", tests, NULL, group_teardown);
}
