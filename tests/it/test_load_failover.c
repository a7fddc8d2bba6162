/* test_load_failover.c -- a replica that lacks the last writes takes over under load, and the load
 * generator judges what that did to the answers.
 *
 * At level ledger every acknowledged answer must still be true. At level memory what the replica
 * had not got is gone: the report names it, and finds nothing else.
 */
#include "support/fixture.h"
#include "support/load_run.h"
#include "support/sentinel.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#define INTERRUPTED 105
#define LOAD                                                                                       \
    "-p 2 -c 20 -d 300s --ttl 60s --settle 1s --timeout 20s --skus 10 --stock 100k" /* until it is \
                                                                                       ended */
#define LOST 100 /* entries of the stream, at least */

static struct tsentinel redis;
static struct tload run;

static struct tredis *primary(void)
{
    int node;
    assert_true(await((node = tsentinel_primary(&redis)) >= 0, RECOVERY_MS));
    return &redis.nodes[node];
}

static int64_t entries(const struct tredis *node)
{
    return tredis_int(node, "XLEN {p0}:events");
}

static int64_t successes(void)
{
    return metric("stockd_batch_operations_total");
}

static void await_more(int64_t more)
{
    int64_t goal = successes() + more;
    assert_true(await(successes() >= goal, RECOVERY_MS));
}

/* On a slow machine the Sentinels may have given up on a replica that stood still. */
static bool took_over(int node)
{
    return tsentinel_primary(&redis) == node ||
           (tsentinel_failover(&redis) == 0 && tsentinel_primary(&redis) == node);
}

/* The replica does not hear of what the primary does from here on to its end. */
static void fail_over_without_the_tail(void)
{
    int node;
    assert_true(await((node = tsentinel_replica(&redis)) >= 0, RECOVERY_MS));
    struct tredis *old = primary(), *next = &redis.nodes[node];
    assert_true(await(entries(next) > 0, RECOVERY_MS));
    tredis_freeze(next);
    redis_do(old, "CLIENT KILL TYPE replica");
    await_more(LOST);
    tredis_kill9(old);
    tredis_thaw(next);
    assert_true(await(took_over(node), RECOVERY_MS));
    assert_true(await(entries(next) > 0 && api_ready(a), RECOVERY_MS));
}

static void load_through_a_failover(const char *durability, const enum base_engine *engine)
{
    const struct tsentinel_opts opts = {.replicas = 1};
    assert_int_equal(tsentinel_start(&redis, &opts), 0);
    serve(.redis_url = redis.url, .workers = 2, .ledger = engine,
          .flags = {"--durability", durability, "--request-timeout", "15s"});
    await_ready();
    assert_int_equal(tload_start(&run, stack.service.port, "zipf", LOAD), 0);
    assert_true(await(successes() > 500, RECOVERY_MS));
    fail_over_without_the_tail();
    await_more(200);
    tproc_signal(&run.proc, SIGINT);
}

static void expect_right(bool loses)
{
    int status = tload_finish(&run);
    if (status != INTERRUPTED || strcmp(tload_word(&run), "right") != 0 ||
        (tload_lost(&run) > 0) != loses || tload_fact(&run, "failovers") < 1) {
        tload_print(&run);
        fail_msg("exit status %d, verdict %s, %lld lost", status, tload_word(&run),
                 (long long)tload_lost(&run));
    }
    assert_int_equal(tload_check(&run), INTERRUPTED);
}

static int end(void **state)
{
    tload_free(&run);
    int rc = serve_end(state);
    tsentinel_stop(&redis);
    return rc;
}

static void at_level_memory_what_was_lost_is_named(void **state)
{
    load_through_a_failover("memory", NULL);
    expect_right(true);
}

static void at_level_ledger_nothing_is_lost(void **state)
{
    load_through_a_failover("ledger", *state);
    expect_right(false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"at_level_memory_what_was_lost_is_named", at_level_memory_what_was_lost_is_named, NULL,
         end, NULL},
        {"at_level_ledger_nothing_is_lost (sqlite)", at_level_ledger_nothing_is_lost, NULL, end,
         ON_SQLITE},
    };
    return run_each("load_failover", tests);
}
