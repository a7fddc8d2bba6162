/* test_hardening.c -- what the programs are built with, give up at start, and let others touch. */
#include "support/api.h"

#include <ctype.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define RECOVERY_MS 180000
#define SAID_MAX    16384

static char dir[TEST_PATH_MAX];
static struct tproc service; /* with a Redis of its own, in dir/data */
static int port;

/* --- processes -------------------------------------------------------------------------------- */

static const char *in_dir(const char *name)
{
    return text("%s/%s", dir, name);
}

static void serve_start(void)
{
    char line[128];
    const char *const argv[] = {getenv("STOCKD"), "serve",        "--listen",
                                "127.0.0.1:0",    "--workers",    "2",
                                "--data-dir",     in_dir("data"), NULL};
    assert_int_equal(tproc_start(&service, argv, in_dir("err")), 0);
    assert_int_equal(
        tproc_await_line(&service, "listening on http://", line, sizeof(line), RECOVERY_MS), 0);
    port = (int)strtol(strrchr(line, ':') + 1, NULL, 10);
}

/* `serve` on that directory ends with status 1 and says these words. */
static void check_refused(const char *data_dir, const char *words)
{
    static char log[SAID_MAX];
    struct tproc p;
    const char *const argv[] = {getenv("STOCKD"), "serve",  "--listen", "127.0.0.1:0",
                                "--data-dir",     data_dir, NULL};
    remove(in_dir("err"));
    assert_int_equal(tproc_start(&p, argv, in_dir("err")), 0);
    assert_int_equal(tproc_wait(&p, RECOVERY_MS), 0);
    assert_true(WIFEXITED(p.status));
    assert_int_equal(WEXITSTATUS(p.status), EXIT_FAILURE);
    FILE *file = fopen(in_dir("err"), "re");
    assert_non_null(file);
    log[fread(log, 1, sizeof(log) - 1, file)] = '\0';
    fclose(file);
    if (!strstr(log, words))
        fail_msg("no \"%s\" in: %s", words, log);
}

/* The value behind a name in /proc/<pid>/status, or -1. */
static long status_of(pid_t pid, const char *name)
{
    char line[256];
    long value = -1;
    FILE *file = fopen(text("/proc/%d/status", (int)pid), "re");
    while (file && fgets(line, sizeof(line), file))
        if (strncmp(line, name, strlen(name)) == 0)
            value = strtol(line + strlen(name), NULL, 10);
    if (file)
        fclose(file);
    return value;
}

/* --- tests ------------------------------------------------------------------------------------ */

static void no_process_gets_more_rights(void **state)
{
    pid_t pids[TSERVICE_CHILDREN_MAX];
    serve_start();
    struct tservice tree = {.proc = service};
    int count = tservice_pids(&tree, NULL, pids, TSERVICE_CHILDREN_MAX);
    assert_int_equal(count, 5); /* redis-server, ledger, keeper, two workers */
    assert_int_equal(status_of(service.pid, "NoNewPrivs:"), 1);
    for (int i = 0; i < count; i++)
        assert_int_equal(status_of(pids[i], "NoNewPrivs:"), 1);
    const char *const argv[] = {getenv("STOCKLOAD"),
                                "run",
                                text("http://127.0.0.1:%d", port),
                                "-p",
                                "1",
                                "-d",
                                "60s",
                                "--no-tui",
                                "--history",
                                in_dir("load.history"),
                                NULL};
    struct tproc load;
    assert_int_equal(tproc_start(&load, argv, in_dir("load.err")), 0);
    tree.proc = load;
    assert_true(await(tservice_pids(&tree, NULL, pids, 1) == 1, RECOVERY_MS));
    assert_int_equal(status_of(load.pid, "NoNewPrivs:"), 1);
    assert_int_equal(status_of(pids[0], "NoNewPrivs:"), 1);
    tproc_kill9(&load);
}

static void check_private(const char *name)
{
    struct stat st;
    assert_int_equal(stat(in_dir(name), &st), 0);
    if (st.st_mode & 077)
        fail_msg("%s has mode %04o", name, st.st_mode & 07777);
}

static void what_is_made_is_for_its_user_alone(void **state)
{
    static const char *const made[] = {"data",
                                       "data/lock",
                                       "data/redis.sock",
                                       "data/redis",
                                       "data/redis/redis.log",
                                       "data/redis/appendonlydir",
                                       "data/ledger.db",
                                       "data/ledger.db-wal",
                                       "data/ledger.db-shm"};
    umask(022);
    serve_start();
    for (size_t i = 0; i < sizeof(made) / sizeof(made[0]); i++)
        check_private(made[i]);
    /* A ledger that an earlier version left open to all. */
    assert_true(tproc_stop(&service, RECOVERY_MS));
    assert_int_equal(chmod(in_dir("data/ledger.db"), 0644), 0);
    serve_start();
    check_private("data/ledger.db");
    check_private("data/ledger.db-wal");
}

static void a_migrated_file_is_for_its_user_alone(void **state)
{
    struct tproc p;
    const char *const argv[] = {getenv("STOCKD"), "migrate", "--ledger",
                                text("sqlite:%s", in_dir("other.db")), NULL};
    umask(0);
    assert_int_equal(tproc_start(&p, argv, in_dir("err")), 0);
    assert_int_equal(tproc_wait(&p, RECOVERY_MS), 0);
    assert_int_equal(WEXITSTATUS(p.status), 0);
    check_private("other.db");
    umask(022);
}

static void a_directory_that_others_may_write_is_refused(void **state)
{
    const char *data = in_dir("data");
    assert_int_equal(mkdir(data, 0700), 0);
    assert_int_equal(chmod(data, 0770), 0);
    check_refused(data, "has mode 0770, so its group may write in it; right is 0700");
    assert_int_equal(chmod(data, 0702), 0);
    check_refused(data, "has mode 0702, so everybody may write in it; right is 0700");
    assert_int_equal(chmod(data, 01777), 0);
    check_refused(data, "has mode 1777, so everybody may write in it");
    assert_int_equal(access(in_dir("data/lock"), F_OK), -1); /* nothing was made there */
    assert_int_equal(chmod(data, 0700), 0);
    assert_int_equal(mkdir(in_dir("data/redis"), 0700), 0);
    assert_int_equal(chmod(in_dir("data/redis"), 0777), 0);
    check_refused(data, "data/redis has mode 0777");
    assert_int_equal(chmod(in_dir("data/redis"), 0700), 0);
    assert_int_equal(chmod(data, 0755), 0); /* to be read by others is no harm */
    serve_start();
}

static void a_directory_of_somebody_else_is_refused(void **state)
{
    if (geteuid() != 0)
        skip(); /* nobody else's can be made */
    assert_int_equal(mkdir(in_dir("data"), 0700), 0);
    assert_int_equal(chown(in_dir("data"), 65534, (gid_t)-1), 0);
    check_refused(in_dir("data"), "belongs to user 65534, and stockd runs as user 0");
}

static void a_file_is_no_directory(void **state)
{
    int fd = open(in_dir("data"), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    close(fd);
    check_refused(in_dir("data"), "data is no directory");
}

/* --- what they are built with ----------------------------------------------------------------- */

/* How many lines of a command's output have the first words, and how many of them the others too.
 */
static void count_lines(const char *command, const char *words, const char *and, int *all,
                        int *both)
{
    char line[8192];
    FILE *out = popen(command, "r"); /* NOLINT(cert-env33-c): our own words */
    assert_non_null(out);
    *all = *both = 0;
    while (fgets(line, sizeof(line), out)) {
        if (!strstr(line, words))
            continue;
        ++*all;
        *both += strstr(line, and) != NULL;
    }
    assert_int_equal(pclose(out), 0);
}

static void check_built(const char *program)
{
    int all, both;
    /* Of our sources; what a sanitizer links along is C++. */
    const char *producers = text("readelf --debug-dump=info %s 2>/dev/null", program);
    count_lines(producers, "GNU C17", "-fstack-clash-protection", &all, &both);
    assert_true(all > 20);
    assert_int_equal(both, all);
    count_lines(producers, "GNU C17", "-fstack-protector-strong", &all, &both);
    assert_int_equal(both, all);
#if defined(__x86_64__) || defined(__i386__)
    count_lines(producers, "GNU C17", "-fcf-protection", &all, &both);
    assert_int_equal(both, all);
    count_lines(text("readelf --notes --wide %s", program), "x86 feature", "SHSTK", &all, &both);
    assert_true(both > 0);
#endif
    count_lines(text("readelf --dynamic --wide %s", program), "FLAGS_1", "NOW PIE", &all, &both);
    assert_int_equal(both, 1);
    count_lines(text("readelf --program-headers --wide %s", program), "GNU_STACK", "RW ", &all,
                &both);
    assert_int_equal(both, 1);
    count_lines(text("readelf --program-headers --wide %s", program), "GNU_RELRO", " R ", &all,
                &both);
    assert_int_equal(both, 1);
}

static void programs_are_built_hardened(void **state)
{
    check_built(getenv("STOCKD"));
    check_built(getenv("STOCKLOAD"));
}

/* --- */

static int test_setup(void **state)
{
    service = (struct tproc){.pidfd = -1, .out_fd = -1};
    return temp_dir_make(dir);
}

static int test_teardown(void **state)
{
    bool stopped = service.pid == 0 || tproc_stop(&service, RECOVERY_MS);
    temp_dir_remove(dir);
    return stopped ? 0 : -1;
}

#define T(name) cmocka_unit_test_setup_teardown(name, test_setup, test_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(no_process_gets_more_rights),
        T(what_is_made_is_for_its_user_alone),
        T(a_migrated_file_is_for_its_user_alone),
        T(a_directory_that_others_may_write_is_refused),
        T(a_directory_of_somebody_else_is_refused),
        T(a_file_is_no_directory),
        cmocka_unit_test(programs_are_built_hardened),
    };
    return cmocka_run_group_tests_name("hardening", tests, NULL, NULL);
}
