/* soak.c -- mixed load, and all that may go wrong around it, for as long as is wanted: `make soak
 * SECONDS=600`. At the end the answers were right, store and ledger are equal, no process died that
 * was not killed, and nothing has grown: connections, descriptors, queues, memory.
 *
 * Nothing is asserted about time but that everything comes back within a long limit. SEED in the
 * environment repeats the order of the faults. */
#include "soak/faults.h"
#include "support/load_run.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

#define WARM_S       5
#define LIMIT_MS     120000
#define LOAD_END_MS  600000 /* for the checker of a long run */
#define RSS_SLACK_KB (48 << 10)
#define FDS_SLACK    16
#define SAY_EVERY_MS 10000

enum role { WORKER, KEEPER, LEDGER, MASTER, ROLES };
static const char *const roles[] = {TSERVICE_WORKER, TSERVICE_KEEPER, TSERVICE_LEDGER};
static const char *const role_names[] = {"worker", "keeper", "ledger", "master"};

/* The most of any process of a role. */
struct level {
    int64_t rss_kb[ROLES];
    int fds[ROLES];
};

static struct soak soak;
static struct tload load;

/* --- levels ----------------------------------------------------------------------------------- */

static int64_t rss_kb(pid_t pid)
{
    char line[128], path[64];
    long long kb = 0;
    snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    FILE *file = fopen(path, "re");
    while (file && fgets(line, sizeof(line), file) && sscanf(line, "VmRSS: %lld kB", &kb) != 1)
        continue;
    if (file)
        fclose(file);
    return kb;
}

static int open_fds(pid_t pid)
{
    char path[64];
    int count = 0;
    snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
    DIR *dir = opendir(path);
    while (dir && readdir(dir))
        count++;
    if (dir)
        closedir(dir);
    return count;
}

static struct level measure(void)
{
    struct level level = {.rss_kb = {0}};
    for (enum role role = 0; role < ROLES; role++) {
        pid_t pids[TSERVICE_CHILDREN_MAX] = {soak.stack.service.proc.pid};
        int n = role == MASTER
                    ? 1
                    : tservice_pids(&soak.stack.service, roles[role], pids, TSERVICE_CHILDREN_MAX);
        for (int i = 0; i < n; i++) {
            int64_t kb = rss_kb(pids[i]);
            int fds = open_fds(pids[i]);
            level.rss_kb[role] = kb > level.rss_kb[role] ? kb : level.rss_kb[role];
            level.fds[role] = fds > level.fds[role] ? fds : level.fds[role];
        }
    }
    return level;
}

static void say_level(const char *when)
{
    struct level now = measure();
    printf("%s:", when);
    for (enum role role = 0; role < ROLES; role++)
        printf(" %s %" PRId64 " KiB, %d descriptors;", role_names[role], now.rss_kb[role],
               now.fds[role]);
    printf(" %" PRId64 " connections, %" PRId64 " in queues\n",
           soak_metric(&soak, "stockd_http_connections_open"),
           soak_metric(&soak, "stockd_queue_depth"));
    fflush(stdout);
}

static bool fell_back(const struct level *warm)
{
    struct level now = measure();
    int64_t slack_kb = tservice_is_slow() ? INT32_MAX : RSS_SLACK_KB; /* a sanitizer keeps all */
    for (enum role role = 0; role < ROLES; role++)
        if (now.rss_kb[role] == 0 || now.rss_kb[role] > 2 * warm->rss_kb[role] + slack_kb ||
            now.fds[role] > warm->fds[role] + FDS_SLACK)
            return false;
    return soak_metric(&soak, "stockd_http_connections_open") == 1;
}

/* --- the run ---------------------------------------------------------------------------------- */

static int seconds(void)
{
    const char *given = getenv("SOAK_SECONDS");
    int n = given ? atoi(given) : 60;
    return n > 0 ? n : 60;
}

static void start_load(int for_s, const char *more)
{
    assert_int_equal(tload_start(&load, soak.stack.service.port, "mixed",
                                 text("-p 2 -c 40 -R 400 -d %ds --timeout 20s --settle 12s "
                                      "--grace 10s --seed %" PRIu64 " %s",
                                      for_s, soak.seed % 1000000 + 1, more)),
                     0);
}

/* Unknown is what a client may be left with when everything around it is killed. */
static void finish_load(void)
{
    bool over = await(!tproc_alive(&load.proc), LOAD_END_MS);
    int status = over ? tload_finish(&load) : TLOAD_TIMED_OUT;
    printf("stockload: %s, exit status %d\n", tload_word(&load), status);
    if (status != 0 && status != 2)
        tload_print(&load);
    assert_true(status == 0 || status == 2);
    tload_free(&load);
}

static void break_things(int for_s)
{
    int64_t end = test_now_ms() + (int64_t)for_s * 1000, said = test_now_ms();
    while (test_now_ms() < end) {
        soak_fault(&soak);
        if (test_now_ms() - said < SAY_EVERY_MS)
            continue;
        said = test_now_ms();
        say_level(text("%lld s left", (long long)(end - said) / 1000));
    }
    soak_mend(&soak);
}

static int audit(void)
{
    char output[4096];
    FILE *file = popen(text("%s audit --redis '%s' --ledger '%s' 2>&1", getenv("STOCKD"),
                            soak.stack.redis.url, soak.bases.url),
                       "re");
    assert_non_null(file);
    size_t n = fread(output, 1, sizeof(output) - 1, file);
    output[n] = '\0';
    int status = pclose(file);
    if (status != 0)
        printf("%s", output);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void what_is_loaded_and_broken_comes_back(void **state)
{
    start_load(WARM_S, "");
    finish_load();
    assert_true(await(soak_metric(&soak, "stockd_http_connections_open") == 1, LIMIT_MS));
    struct level warm = measure();
    say_level("warm");

    start_load(seconds(), "--dup 0.03 --abort 0.01");
    break_things(seconds());
    finish_load();
    soak_say(&soak);

    assert_true(await(soak_is_ready(&soak), LIMIT_MS));
    assert_true(await(soak_metric(&soak, "stockd_queue_depth") == 0, LIMIT_MS));
    assert_true(await(soak_metric(&soak, "stockd_ledger_lag_events") == 0, LIMIT_MS));
    bool back = await(fell_back(&warm), LIMIT_MS);
    say_level("at the end");
    assert_true(back);
    assert_true(await(soak_metric(&soak, "stockd_process_restarts_total") >= soak.kills, LIMIT_MS));
    assert_int_equal(soak_metric(&soak, "stockd_process_restarts_total"), soak.kills);
    assert_int_equal(audit(), 0);
}

static int start(void **state)
{
    signal(SIGPIPE, SIG_IGN); /* a Redis that hung up on us as well */
    return soak_start(&soak);
}

static int stop(void **state)
{
    tload_free(&load);
    return soak_stop(&soak);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_loaded_and_broken_comes_back),
    };
    return cmocka_run_group_tests_name("soak", tests, start, stop);
}
