/* test_stop.c -- a service with a Redis of its own that is told to stop, from whichever side: its
 * Redis goes last, nothing is lost, and the log has no warning. And what a second one on its data
 * directory is told.
 */
#include "support/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct tservice own; /* with its Redis */
static struct api client;

static void own_start(void)
{
    const char *const argv[] = {getenv("STOCKD"), "serve", "--listen",   "127.0.0.1:0",
                                "--workers",      "2",     "--data-dir", bases.dir,
                                "--log-level",    "info",  NULL};
    own = (struct tservice){.proc = {.pidfd = -1, .out_fd = -1}};
    snprintf(own.err_path, sizeof(own.err_path), "%s/own.err", bases.dir);
    unlink(own.err_path);
    assert_int_equal(tproc_start(&own.proc, argv, own.err_path), 0);
    assert_int_equal(tservice_await_listening(&own), 0);
    api_open(&client, own.port);
}

static void check_ended(void)
{
    api_close(&client);
    assert_int_equal(tproc_wait(&own.proc, RECOVERY_MS), 0);
    assert_int_equal(own.proc.status, 0);
    bool quiet = tservice_log_count(&own, "level=warn", NULL) +
                     tservice_log_count(&own, "level=error", NULL) ==
                 0;
    if (!quiet)
        print_tail(own.err_path, 30);
    assert_true(quiet);
    assert_int_equal(tservice_log_count(&own, "msg=stopped", NULL), 1);
}

/* What is there is there the next time, and Redis was not cut off. */
static void check_kept(const char *sku)
{
    own_start();
    check_item(&client, sku, 10, 6, 4, 0, 2);
    tproc_signal(&own.proc, SIGTERM);
    check_ended();
    assert_int_equal(unlink(text("%s/ledger.db", bases.dir)), 0);
    assert_true(access(text("%s/redis/appendonlydir", bases.dir), F_OK) == 0);
}

/* Every process of the service at once, children first, as a process group or a container has them;
 * but for `spared`. */
static void signal_all(int signo, const char *spared)
{
    pid_t pids[TSERVICE_CHILDREN_MAX], none[TSERVICE_CHILDREN_MAX];
    int count = tservice_pids(&own, NULL, pids, TSERVICE_CHILDREN_MAX);
    int out = spared ? tservice_pids(&own, spared, none, TSERVICE_CHILDREN_MAX) : 0;
    assert_int_equal(count, 5); /* Redis, the ledger process, the keeper, two workers */
    for (int i = 0; i < count; i++)
        if (out == 0 || pids[i] != none[0])
            kill(pids[i], signo);
    tproc_signal(&own.proc, signo);
}

static char kept[32];

static void own_start_with_stock(void)
{
    own_start();
    KEEP(kept, api_item(&client, 10, 0));
    api_reserve(&client, kept, 4, 0);
}

static void the_master_alone_is_told(void **state)
{
    own_start_with_stock();
    tproc_signal(&own.proc, SIGTERM);
    check_ended();
    check_kept(kept);
}

static void everybody_is_told_sigterm(void **state)
{
    own_start_with_stock();
    signal_all(SIGTERM, NULL);
    check_ended();
    check_kept(kept);
}

/* Control-C in a terminal: Redis is in a process group of its own. */
static void everybody_is_told_sigint(void **state)
{
    own_start_with_stock();
    signal_all(SIGINT, "redis-server");
    check_ended();
    check_kept(kept);
}

/* Redis is there for those that are under way, however early it is told to go. */
static void redis_goes_last(void **state)
{
    own_start_with_stock();
    pid_t redis;
    assert_int_equal(tservice_pids(&own, "redis-server", &redis, 1), 1);
    kill(redis, SIGTERM);
    for (int i = 0; i < 20; i++)
        api_call(&client, 200, "POST", DECREMENT(api_item(&client, 1, 0)), NULL,
                 "{\"quantity\":1}");
    assert_true(tproc_pid_alive(redis));
    tproc_signal(&own.proc, SIGTERM);
    check_ended();
    assert_false(tproc_pid_alive(redis));
}

/* --- one data directory ----------------------------------------------------------------------- */

static void a_second_service_on_the_directory_is_refused(void **state)
{
    own_start_with_stock();
    check_command(1, "serve", "--listen", "127.0.0.1:0", "--data-dir", bases.dir);
    check_said(text("is in use by another stockd (process %d)", (int)own.proc.pid));
    check_item(&client, kept, 10, 6, 4, 0, 2);
    /* Commands beside it are no service. */
    check_command(0, "audit", "--redis", text("unix:%s/redis.sock", bases.dir), "--ledger",
                  text("sqlite:%s/ledger.db", bases.dir));
    tproc_signal(&own.proc, SIGTERM);
    check_ended();
}

/* Neither its lock nor its Redis holds up the next one. */
static void a_service_that_was_killed_is_followed_at_once(void **state)
{
    own_start_with_stock();
    for (int i = 0; i < 3; i++) {
        api_close(&client);
        tproc_kill9(&own.proc);
        own_start();
        check_item(&client, kept, 10, 6, 4, 0, 2);
    }
    tproc_signal(&own.proc, SIGTERM);
    check_ended();
}

/* A directory of its own for each. */
static int begin(void **state)
{
    return bases_start_files(&bases);
}

static int end(void **state)
{
    api_close(&client);
    if (own.proc.pid > 0)
        tproc_kill9(&own.proc);
    bases_stop(&bases);
    return 0;
}

#define HERE(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        HERE(the_master_alone_is_told),
        HERE(everybody_is_told_sigterm),
        HERE(everybody_is_told_sigint),
        HERE(redis_goes_last),
        HERE(a_second_service_on_the_directory_is_refused),
        HERE(a_service_that_was_killed_is_followed_at_once),
    };
    return cmocka_run_group_tests_name("stop", tests, NULL, NULL);
}
