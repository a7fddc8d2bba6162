/* test_rights.c -- what the processes of a service have given up when it serves: system calls,
 * capabilities, core dumps, root, and secrets where others may look. What each kind may still do:
 * unit/test_confine.c. */
#include "support/fixture.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define SECRET  "s3cret-of-this-test"
#define NOBODY  "nobody"
#define LOW_MIN 600 /* ports that nobody has, below 1024 */

static char dir[TEST_PATH_MAX];
static struct tproc own; /* a service with a Redis of its own, in dir/data */
static int port;

static const char *in_dir(const char *name)
{
    return text("%s/%s", dir, name);
}

#define own_start(listen, ...)                                                                     \
    own_start_with((const char *const[]){getenv("STOCKD"), "serve", "--listen", listen,            \
                                         "--workers", "1", "--data-dir", in_dir("data"),           \
                                         ##__VA_ARGS__, NULL})
static void own_start_with(const char *const *argv)
{
    char line[128];
    assert_int_equal(tproc_start(&own, argv, in_dir("err")), 0);
    assert_int_equal(
        tproc_await_line(&own, "listening on http://", line, sizeof(line), RECOVERY_MS), 0);
    port = (int)strtol(strrchr(line, ':') + 1, NULL, 10);
}

/* All of a file of /proc, with blanks for NULs. */
static const char *proc_file(pid_t pid, const char *name)
{
    static char all[65536];
    int fd = open(text("/proc/%d/%s", (int)pid, name), O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, all, sizeof(all) - 1), more;
    while (n > 0 && (more = read(fd, all + n, sizeof(all) - 1 - (size_t)n)) > 0)
        n += more;
    assert_true(n >= 0);
    for (ssize_t i = 0; i < n; i++)
        if (all[i] == '\0')
            all[i] = ' ';
    all[n] = '\0';
    if (fd >= 0)
        close(fd);
    return all;
}

static void check_status(pid_t pid, const char *name, const char *value)
{
    const char *at = strstr(proc_file(pid, "status"), text("\n%s:\t", name));
    assert_non_null(at);
    at += strlen(name) + 3;
    if (strncmp(at, value, strlen(value)) != 0 || at[strlen(value)] != '\n')
        fail_msg("%s of %d is %.40s", name, (int)pid, at);
}

/* The service's processes, its own first. */
static int all_of(struct tproc *proc, pid_t pids[TSERVICE_CHILDREN_MAX])
{
    struct tservice tree = {.proc = *proc};
    pids[0] = proc->pid;
    return 1 + tservice_pids(&tree, NULL, pids + 1, TSERVICE_CHILDREN_MAX - 1);
}

/* --- every process ---------------------------------------------------------------------------- */

static void every_process_is_confined_to_its_calls(void **state)
{
    pid_t pids[TSERVICE_CHILDREN_MAX];
    if (tservice_is_slow())
        skip(); /* sanitizers trace and fork */
    own_start("127.0.0.1:0");
    int count = all_of(&own, pids);
    assert_int_equal(count, 5); /* with redis-server, ledger, keeper, worker */
    for (int i = 0; i < count; i++) {
        check_status(pids[i], "Seccomp", "2");
        check_status(pids[i], "NoNewPrivs", "1");
        /* That of the parent, and one of its kind. */
        bool kind = strstr(proc_file(pids[i], "comm"), "stockd-") != NULL;
        check_status(pids[i], "Seccomp_filters", kind ? "2" : "1");
    }
}

static void it_can_be_left_off(void **state)
{
    pid_t pids[TSERVICE_CHILDREN_MAX];
    own_start("127.0.0.1:0", "--no-seccomp");
    int count = all_of(&own, pids);
    for (int i = 0; i < count; i++)
        check_status(pids[i], "Seccomp", "0");
}

static const char *core_limit(pid_t pid)
{
    const char *at = strstr(proc_file(pid, "limits"), "Max core file size");
    assert_non_null(at);
    at += strlen("Max core file size");
    return at + strspn(at, " ");
}

static void nobody_leaves_a_core_unless_asked(void **state)
{
    pid_t pids[TSERVICE_CHILDREN_MAX];
    own_start("127.0.0.1:0");
    int count = all_of(&own, pids);
    for (int i = 0; i < count; i++)
        assert_true(strtol(core_limit(pids[i]), NULL, 10) <= 1 && core_limit(pids[i])[0] != 'u');
    char before[16];
    assert_true(tproc_stop(&own, RECOVERY_MS));
    KEEP(before, core_limit(getpid()));
    own_start("127.0.0.1:0", "--core-dumps");
    assert_memory_equal(core_limit(own.pid), before, strcspn(before, " "));
}

/* In an address that is a word, or a part of one, and by itself in the environment. */
static void a_secret_is_not_among_its_words_nor_in_its_environment(void **state)
{
    pid_t pids[TSERVICE_CHILDREN_MAX];
    serve(.redis.tcp = true);
    redis_do(&stack.redis, "ACL SETUSER app on >%s ~* &* +@all", SECRET);
    int redis = stack.redis.port;
    for (int way = 0; way < 3; way++) {
        if (way == 0)
            own_start("127.0.0.1:0", "--redis", text("redis://app:" SECRET "@127.0.0.1:%d", redis));
        if (way == 1)
            own_start("127.0.0.1:0", text("--redis=redis://app:" SECRET "@127.0.0.1:%d", redis));
        if (way == 2) {
            assert_int_equal(setenv("STOCKD_REDIS_PASSWORD", SECRET, 1), 0);
            own_start("127.0.0.1:0", "--redis", text("redis://app@127.0.0.1:%d", redis));
        }
        int count = all_of(&own, pids);
        assert_int_equal(count, 3);
        for (int i = 0; i < count; i++) {
            assert_null(strstr(proc_file(pids[i], "environ"), SECRET));
            assert_null(strstr(proc_file(pids[i], "cmdline"), SECRET));
            assert_non_null(strstr(proc_file(pids[i], "cmdline"), "***"));
        }
        assert_true(tproc_stop(&own, RECOVERY_MS));
    }
}

/* --- --user ----------------------------------------------------------------------------------- */

static void open_dir_to_nobody(void)
{
    assert_int_equal(chmod(dir, 0755), 0);
}

/* A port below 1024 that is free just now. */
static const char *low_port(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    for (int p = LOW_MIN; p < 1024; p++) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        at.sin_port = htons((uint16_t)p);
        int rc = bind(fd, (struct sockaddr *)&at, sizeof(at));
        close(fd);
        if (rc == 0)
            return text("127.0.0.1:%d", p);
    }
    fail_msg("no port below 1024 is free");
    return NULL;
}

static void started_as_root_it_binds_and_becomes_another(void **state)
{
    pid_t pids[TSERVICE_CHILDREN_MAX];
    struct stat st;
    struct api client;
    const struct passwd *nobody = getpwnam(NOBODY);
    if (geteuid() != 0 || !nobody)
        skip();
    open_dir_to_nobody();
    own_start(low_port(), "--user", NOBODY);
    assert_true(port > 0 && port < 1024);
    int count = all_of(&own, pids);
    const char *ids =
        text("%u\t%u\t%u\t%u", nobody->pw_uid, nobody->pw_uid, nobody->pw_uid, nobody->pw_uid);
    assert_int_equal(count, 5);
    for (int i = 0; i < count; i++) {
        check_status(pids[i], "Uid", ids);
        check_status(pids[i], "CapEff", "0000000000000000");
        check_status(pids[i], "CapPrm", "0000000000000000");
        check_status(pids[i], "CapBnd", "0000000000000000");
    }
    assert_int_equal(stat(in_dir("data"), &st), 0); /* made for that user */
    assert_int_equal(st.st_uid, nobody->pw_uid);
    assert_int_equal(st.st_mode & 07777, 0700);
    api_open(&client, port);
    api_call(&client, 201, "PUT", ITEM("apple"), NULL, "{\"on_hand\":1}");
    assert_true(api_metric(&client, "stockd_process_open_fds{process=\"worker\",slot=\"0\"}") > 3);
    api_close(&client);
    /* A worker in the place of one that died has its port still. */
    pid_t worker = pids[count - 1];
    kill(worker, SIGKILL);
    api_open(&client, port);
    assert_true(await(api_ready(&client), RECOVERY_MS));
    api_close(&client);
}

static void check_refused(const char *user, const char *words)
{
    assert_int_equal(command_run("serve", "--listen", "127.0.0.1:0", "--data-dir", in_dir("data"),
                                 "--user", user),
                     1);
    check_said(words);
}

static void who_cannot_be_become_is_said(void **state)
{
    check_refused("nobody-of-that-name", "there is no such user");
    check_refused("root", "that is root, who has every right");
}

static void a_directory_of_root_is_refused_to_another(void **state)
{
    if (geteuid() != 0)
        skip();
    open_dir_to_nobody();
    assert_int_equal(mkdir(in_dir("data"), 0755), 0);
    check_refused(NOBODY, "belongs to user 0, and stockd runs as user");
}

/* --- */

static int begin(void **state)
{
    own = (struct tproc){.pidfd = -1, .out_fd = -1};
    return temp_dir_make(dir);
}

static int end(void **state)
{
    bool stopped = own.pid == 0 || tproc_stop(&own, RECOVERY_MS);
    int rc = serve_end(state);
    unsetenv("STOCKD_REDIS_PASSWORD");
    temp_dir_remove(dir);
    return stopped ? rc : -1;
}

#define T(test)                                                                                    \
    {                                                                                              \
#test, test, begin, end, NULL                                                              \
    }

int main(void)
{
    static const struct CMUnitTest tests[] = {
        T(every_process_is_confined_to_its_calls),
        T(it_can_be_left_off),
        T(nobody_leaves_a_core_unless_asked),
        T(a_secret_is_not_among_its_words_nor_in_its_environment),
        T(started_as_root_it_binds_and_becomes_another),
        T(who_cannot_be_become_is_said),
        T(a_directory_of_root_is_refused_to_another),
    };
    return run_each("rights", tests);
}
