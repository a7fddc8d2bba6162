/* test_notify.c -- what a service manager is told, on a socket of ours, by sd_notify(3). */
#include "support/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int manager = -1; /* the socket */
static char heard[64 * 1024];

/* name: a path, or a name in the abstract namespace behind `@`. */
static void manager_start(const char *name)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    size_t n = strlen(name);
    assert_true(n < sizeof(at.sun_path));
    memcpy(at.sun_path, name, n);
    if (name[0] == '@')
        at.sun_path[0] = '\0';
    manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(manager, (const struct sockaddr *)&at,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)),
                     0);
    setenv("NOTIFY_SOCKET", name, 1);
    heard[0] = '\0';
}

/* Adds what came, a line of "--" behind each message, and says whether `words` are in it all. */
static bool hears(const char *words)
{
    size_t n = strlen(heard);
    ssize_t got;
    while (n + 1024 < sizeof(heard) && (got = recv(manager, heard + n, 1000, 0)) > 0) {
        n += (size_t)got;
        memcpy(heard + n, "\n--\n", 5);
        n += 4;
    }
    return strstr(heard, words) != NULL;
}

static void forget(void)
{
    (void)hears("");
    heard[0] = '\0';
}

/* For half a second. */
static bool is_silent(void)
{
    forget();
    return !await(hears("WATCHDOG=1"), 500);
}

static int manager_stop(void **state)
{
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
    close(manager);
    return serve_end(state);
}

static const char *path_of_manager(void)
{
    return text("%s/manager", bases.dir);
}

static void launch(void)
{
    static const char *const flags[] = {"--startup-timeout", "0s", NULL};
    const struct tservice_opts opts = {.redis_url = stack.redis.url, .extra = flags};
    assert_int_equal(tservice_launch(&stack.service, &opts), 0);
}

static void redis_start(void)
{
    const struct tredis_opts opts = {.aof = TREDIS_AOF_ALWAYS};
    assert_int_equal(tredis_start(&stack.redis, &opts), 0);
}

static void await_listening(void)
{
    assert_int_equal(tservice_await_listening(&stack.service), 0);
    api_open(a, stack.service.port);
}

static void it_is_ready_when_it_listens_and_not_before(void **state)
{
    redis_start();
    tredis_kill9(&stack.redis);
    manager_start(path_of_manager());
    launch();
    assert_true(await(hears("STATUS=Waiting for Redis: "), RECOVERY_MS));
    assert_true(await(hears("EXTEND_TIMEOUT_USEC="), RECOVERY_MS));
    assert_false(hears("READY=1"));
    assert_int_equal(tredis_restart(&stack.redis), 0);
    await_listening();
    assert_true(await(hears("READY=1\nSTATUS=Listening on http://127.0.0.1:"), RECOVERY_MS));
    assert_false(hears("WATCHDOG=1")); /* nobody has asked for it */
    forget();
    stop_serving();
    assert_true(hears("STOPPING=1\n"));
    unlink(path_of_manager());
}

static void a_name_without_a_file_will_do(void **state)
{
    redis_start();
    manager_start(text("@stockd-test-%d", (int)getpid()));
    launch();
    await_listening();
    assert_true(await(hears("READY=1"), RECOVERY_MS));
}

static void it_says_that_it_reads_its_configuration_again(void **state)
{
    redis_start();
    manager_start(path_of_manager());
    launch();
    await_listening();
    assert_true(await(hears("READY=1"), RECOVERY_MS));
    forget();
    tproc_signal(&stack.service.proc, SIGHUP);
    assert_true(await(hears("READY=1"), RECOVERY_MS));
    const char *begun = strstr(heard, "RELOADING=1\nMONOTONIC_USEC=");
    assert_non_null(begun);
    assert_true(begun < strstr(heard, "READY=1"));
    assert_true(strtoll(begun + strlen("RELOADING=1\nMONOTONIC_USEC="), NULL, 10) > 0);
    unlink(path_of_manager());
}

static void the_watchdog_is_told_while_the_master_goes_round(void **state)
{
    redis_start();
    manager_start(path_of_manager());
    setenv("WATCHDOG_USEC", "200000", 1);
    launch();
    await_listening();
    for (int i = 0; i < 3; i++) {
        forget();
        assert_true(await(hears("WATCHDOG=1"), RECOVERY_MS));
    }
    tproc_signal(&stack.service.proc, SIGSTOP);
    /* What it had sent before it stood still is heard once more. */
    assert_true(await(is_silent(), RECOVERY_MS));
    tproc_signal(&stack.service.proc, SIGCONT);
    assert_true(await(hears("WATCHDOG=1"), RECOVERY_MS));
    unlink(path_of_manager());
}

static void the_watchdog_of_another_process_is_none_of_ours(void **state)
{
    redis_start();
    manager_start(path_of_manager());
    setenv("WATCHDOG_USEC", "1000", 1);
    setenv("WATCHDOG_PID", "1", 1);
    launch();
    await_listening();
    assert_true(await(hears("READY=1"), RECOVERY_MS));
    assert_false(hears("WATCHDOG=1"));
    unlink(path_of_manager());
}

/* A manager that is gone, or an address that is none, is no reason not to serve. */
static void without_a_manager_it_serves_all_the_same(void **state)
{
    static const char *const names[] = {"/nowhere/manager", "relative", "@", ""};
    redis_start();
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        setenv("NOTIFY_SOCKET", names[i], 1);
        launch();
        await_listening();
        await_ready();
        stop_serving();
    }
}

/* The embedded Redis would say so too, on its own behalf. */
static void the_embedded_redis_does_not_inherit_the_socket(void **state)
{
    char environ[16384] = "", line[128];
    struct tservice own = {.proc = {.pidfd = -1, .out_fd = -1}};
    const char *dir = text("%s/data", bases.dir);
    const char *const argv[] = {getenv("STOCKD"), "serve",     "--listen",
                                "127.0.0.1:0",    "--workers", "1",
                                "--data-dir",     dir,         NULL};
    manager_start(path_of_manager());
    assert_int_equal(tproc_start(&own.proc, argv, text("%s/own.err", bases.dir)), 0);
    assert_int_equal(tproc_await_line(&own.proc, "listening on", line, sizeof(line), RECOVERY_MS),
                     0);
    assert_true(await(hears("READY=1"), RECOVERY_MS));
    pid_t redis;
    assert_int_equal(tservice_pids(&own, "redis-server", &redis, 1), 1);
    int fd = open(text("/proc/%d/environ", (int)redis), O_RDONLY | O_CLOEXEC);
    ssize_t n = read(fd, environ, sizeof(environ) - 1);
    close(fd);
    assert_true(n > 0);
    assert_null(memmem(environ, (size_t)n, "NOTIFY_SOCKET", strlen("NOTIFY_SOCKET")));
    assert_true(tproc_stop(&own.proc, RECOVERY_MS));
    assert_true(hears("STOPPING=1"));
    unlink(path_of_manager());
}

static void the_ledger_command_speaks_as_well(void **state)
{
    redis_start();
    db_close(bases_ledger(&bases, BASE_SQLITE));
    KEEP(ledger_url, bases.url);
    manager_start(path_of_manager());
    setenv("WATCHDOG_USEC", "200000", 1);
    applier_start();
    assert_true(await(hears("READY=1\nSTATUS=Carrying events"), RECOVERY_MS));
    assert_true(await(hears("WATCHDOG=1"), RECOVERY_MS));
    forget();
    tproc_signal(&applier, SIGHUP);
    assert_true(await(hears("RELOADING=1") && hears("READY=1"), RECOVERY_MS));
    applier_stop();
    assert_true(hears("STOPPING=1"));
    unlink(path_of_manager());
}

#define HERE(test)                                                                                 \
    {                                                                                              \
#test, test, NULL, manager_stop, NULL                                                      \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        HERE(it_is_ready_when_it_listens_and_not_before),
        HERE(a_name_without_a_file_will_do),
        HERE(it_says_that_it_reads_its_configuration_again),
        HERE(the_watchdog_is_told_while_the_master_goes_round),
        HERE(the_watchdog_of_another_process_is_none_of_ours),
        HERE(without_a_manager_it_serves_all_the_same),
        HERE(the_embedded_redis_does_not_inherit_the_socket),
        HERE(the_ledger_command_speaks_as_well),
    };
    return run_each("notify", tests);
}
