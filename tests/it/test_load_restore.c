/* test_load_restore.c -- Redis is lost under load and built again from SQL, and the load generator
 * judges what that did to the answers.
 *
 * At level ledger every acknowledged answer must still be true. Below it what SQL had not got yet
 * is gone, and the report has to say so.
 */
#include "support/fixture.h"
#include "support/load_run.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#define INTERRUPTED 105
#define LOAD        "-p 2 -c 20 -d 120s --ttl 60s --settle 1s --timeout 10s" /* until it is ended */

static void await_events(int64_t more)
{
    static const char count[] = "SELECT COUNT(*) FROM events";
    int64_t goal = sql_int(count) + more;
    assert_true(await(sql_int(count) >= goal, RECOVERY_MS));
}

/* The load goes on until what was to happen under it has, however slow the machine is: of a kind of
 * request that was never answered, no verdict says that it is served rightly. That of a used key is
 * the rarest, and alone in being told 422. */
static void await_events_and_end(struct tload *run, int64_t more)
{
    await_events(more);
    assert_true(await(has_answered(422), RECOVERY_MS));
    tproc_signal(&run->proc, SIGINT);
}

static void lose_redis(void)
{
    (void)redis_int("FLUSHALL");
    assert_true(await(!api_ready(a), RECOVERY_MS));
}

static void restore(void)
{
    check_command(0, "restore", "--redis", stack.redis.url, "--ledger", ledger_url);
    await_ready();
}

static void expect(struct tload *run, int want, const char *word)
{
    int status = tload_finish(run);
    if (status != want || strcmp(tload_word(run), word) != 0) {
        tload_print(run);
        fail_msg("exit status %d instead of %d, verdict %s instead of %s", status, want,
                 tload_word(run), word);
    }
    assert_true(tload_coverage(run, "successes") >= 100);
}

static void at_level_ledger_every_answer_stays_true(void **state)
{
    struct tload run;
    serve(.redis.aof = TREDIS_AOF_EVERYSEC, .workers = 2, .ledger = *state,
          .flags = {"--durability", "ledger", "--request-timeout", "5s"});
    assert_int_equal(tload_start(&run, stack.service.port, "mixed", LOAD), 0);
    await_events(500);
    lose_redis();
    restore();
    await_events_and_end(&run, 200);
    expect(&run, INTERRUPTED, "right");
    assert_int_equal(tload_check(&run), INTERRUPTED);
    tload_free(&run);
}

/* The applier is held while answers go on, and Redis is lost before it may go on as well. */
static void below_it_the_report_names_what_was_lost(void **state)
{
    struct tload run;
    serve(.redis.aof = TREDIS_AOF_EVERYSEC, .workers = 2, .ledger = *state,
          .flags = {"--durability", "everysec", "--request-timeout", "5s"});
    assert_int_equal(tload_start(&run, stack.service.port, "mixed", LOAD), 0);
    await_events(500);
    pid_t pid = pid_of(TSERVICE_LEDGER);
    assert_true(pid > 0);
    kill(pid, SIGSTOP);
    bool waited = await(redis_int("XLEN {p0}:events") > 200, RECOVERY_MS);
    lose_redis();
    kill(pid, SIGCONT);
    assert_true(waited);
    restore();
    await_events_and_end(&run, 200);
    expect(&run, 1, "violation");
    assert_true(tload_violations(&run, "lasting") > 0);
    assert_true(tload_has_witness(&run));
    tload_free(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(at_level_ledger_every_answer_stays_true),
        ON_BOTH(below_it_the_report_names_what_was_lost),
    };
    return run_each("load_restore", tests);
}
