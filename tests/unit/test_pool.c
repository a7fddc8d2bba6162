/* test_pool.c -- processes that start, fail, refuse to stop and lose their parent. Every test ends
 * with the same descriptors as it began, and without a child. */
#include "clock.h"
#include "pool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define BOUND_MS 10000 /* nothing here takes this long unless it hangs */
#define LOG_MAX  64

/* What the callbacks saw, in order. */
static struct {
    struct pool_exit exits[LOG_MAX];
    int exit_slots[LOG_MAX];
    int exit_count, ready_count, message_count, last_signal;
    char message[POOL_MESSAGE_MAX];
    size_t message_n;
} seen;

static void note_ready(void *ctx, int slot)
{
    seen.ready_count++;
}

static void note_exit(void *ctx, int slot, const struct pool_exit *end)
{
    assert_true(seen.exit_count < LOG_MAX);
    seen.exit_slots[seen.exit_count] = slot;
    seen.exits[seen.exit_count++] = *end;
}

static void note_message(void *ctx, int slot, const void *bytes, size_t n)
{
    seen.message_count++;
    seen.message_n = n;
    memcpy(seen.message, bytes, n);
}

static void note_signal(void *ctx, int signo)
{
    seen.last_signal = signo;
}

static const struct pool_events events = {NULL, note_ready, note_exit, note_message, note_signal};

static int count_fds(void)
{
    int count = 0;
    DIR *dir = opendir("/proc/self/fd");
    while (readdir(dir))
        count++;
    closedir(dir);
    return count;
}

static int fds_before;

static int before(void **state)
{
    memset(&seen, 0, sizeof seen);
    fds_before = count_fds();
    return 0;
}

static int after(void **state)
{
    assert_int_equal(count_fds(), fds_before);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no child, zombie or alive */
    assert_int_equal(errno, ECHILD);
    return 0;
}

static struct pool *new_pool(size_t slots)
{
    struct pool *pool;
    assert_int_equal(pool_new(&pool, slots, &events), 0);
    return pool;
}

static int add(struct pool *pool, int (*run)(struct pool_child *, void *), bool handshake,
               enum pool_restart restart)
{
    struct pool_slot_options options = {
        .name = "test", .index = -1, .run = run, .handshake = handshake, .restart = restart};
    int slot = pool_add(pool, &options);
    assert_true(slot >= 0);
    return slot;
}

#define STEP_UNTIL(pool, condition)                                                                \
    for (int64_t end_ms = clock_mono_ms() + BOUND_MS; !(condition);) {                             \
        if (clock_mono_ms() > end_ms)                                                              \
            fail_msg("never came: %s", #condition);                                                \
        assert_int_equal(pool_step(pool, 100), 0);                                                 \
    }

/* --- children ----------------------------------------------------------------------------------
 */

static int serve_until_told(struct pool_child *child, void *arg)
{
    char message[64];
    if (pool_ready(child) != 0)
        return 1;
    while (pool_child_receive(child, message, sizeof message, -1) >= 0)
        ;
    return 9; /* never reached: the death signal is faster, or SIGTERM was */
}

static int echo(struct pool_child *child, void *arg)
{
    static char message[POOL_MESSAGE_MAX];
    if (pool_ready(child) != 0)
        return 1;
    ssize_t n;
    while ((n = pool_child_receive(child, message, sizeof message, -1)) >= 0)
        if (pool_child_send(child, message, (size_t)n) != 0)
            return 1;
    return 1;
}

static int exit_with(struct pool_child *child, void *arg)
{
    return arg ? *(const int *)arg : 1;
}

static int exit_fatally(struct pool_child *child, void *arg)
{
    return POOL_EXIT_FATAL;
}

static int leave_as_planned(struct pool_child *child, void *arg)
{
    return POOL_EXIT_AGAIN;
}

static int exit_badly(struct pool_child *child, void *arg)
{
    return 5;
}

static int ignore_sigterm(struct pool_child *child, void *arg)
{
    signal(SIGTERM, SIG_IGN);
    if (pool_ready(child) != 0)
        return 1;
    for (;;)
        pause();
}

static int exec_sleep(struct pool_child *child, void *arg)
{
    execl("/bin/sleep", "sleep", "60", (char *)NULL);
    return 127;
}

/* --- tests -------------------------------------------------------------------------------------
 */

static void a_pool_is_ready_when_every_child_said_so(void **state)
{
    struct pool *pool = new_pool(4);
    for (int i = 0; i < 4; i++)
        assert_int_equal(add(pool, serve_until_told, true, POOL_ALWAYS), i);
    assert_int_equal(pool_start(pool), 0);
    assert_int_equal(pool_wait_ready(pool, BOUND_MS), 0);
    assert_int_equal(seen.ready_count, 4);
    assert_int_equal(pool_alive(pool), 4);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pool_slot_state(pool, i), POOL_READY);
        assert_int_equal(kill(pool_slot_pid(pool, i), 0), 0);
    }
    assert_int_equal(pool_start_slot(pool, 0), -EBUSY);
    pool_stop(pool, BOUND_MS);
    assert_int_equal(pool_alive(pool), 0);
    assert_int_equal(seen.exit_count, 4);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(seen.exits[i].signal, SIGTERM);
        assert_true(seen.exits[i].stopped);
        assert_int_equal(seen.exits[i].restart_in_ms, -1);
    }
    pool_free(pool);
}

static void a_full_table_takes_no_more_slots(void **state)
{
    struct pool *pool = new_pool(1);
    add(pool, echo, true, POOL_NEVER);
    struct pool_slot_options options = {.name = "more", .run = echo};
    assert_int_equal(pool_add(pool, &options), -ENOSPC);
    pool_free(pool);
}

static void free_leaves_nothing_behind_without_a_stop(void **state)
{
    struct pool *pool = new_pool(2);
    add(pool, ignore_sigterm, true, POOL_ALWAYS);
    add(pool, exec_sleep, false, POOL_ALWAYS);
    assert_int_equal(pool_start(pool), 0);
    pool_free(pool); /* the fixture looks for children and descriptors */
}

static void a_child_that_is_never_ready_times_out(void **state)
{
    struct pool *pool = new_pool(1);
    add(pool, exec_sleep, true, POOL_NEVER); /* asks for a handshake, and execs */
    assert_int_equal(pool_start(pool), 0);
    assert_int_equal(pool_wait_ready(pool, 50), -ETIMEDOUT);
    pool_free(pool);
}

static void a_child_that_ends_before_it_is_ready_ends_the_wait(void **state)
{
    struct pool *pool = new_pool(1);
    add(pool, exit_badly, true, POOL_NEVER);
    assert_int_equal(pool_start(pool), 0);
    assert_int_equal(pool_wait_ready(pool, BOUND_MS), -ECHILD);
    assert_int_equal(seen.exits[0].status, 5);
    assert_int_equal(seen.exits[0].signal, 0);
    assert_int_equal(pool_slot_state(pool, 0), POOL_ENDED);
    pool_free(pool);
}

static void an_execd_child_counts_as_ready_at_once(void **state)
{
    struct pool *pool = new_pool(1);
    add(pool, exec_sleep, false, POOL_NEVER);
    assert_int_equal(pool_start(pool), 0);
    assert_int_equal(pool_wait_ready(pool, 0), 0);
    pool_stop(pool, BOUND_MS);
    assert_int_equal(seen.exits[0].signal, SIGTERM);
    pool_free(pool);
}

static void messages_of_any_allowed_size_go_both_ways(void **state)
{
    static char text[POOL_MESSAGE_MAX + 1];
    static const size_t sizes[] = {0, 1, 4096, POOL_MESSAGE_MAX};
    memset(text, 'x', sizeof text);
    struct pool *pool = new_pool(1);
    int slot = add(pool, echo, true, POOL_NEVER);
    assert_int_equal(pool_send(pool, slot, text, 1), -EPIPE);
    assert_int_equal(pool_start(pool), 0);
    assert_int_equal(pool_wait_ready(pool, BOUND_MS), 0);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        seen.message_count = 0;
        assert_int_equal(pool_send(pool, slot, text, sizes[i]), 0);
        STEP_UNTIL(pool, seen.message_count == 1);
        assert_int_equal(seen.message_n, sizes[i]);
        assert_memory_equal(seen.message, text, sizes[i]);
    }
    assert_int_equal(pool_send(pool, slot, text, sizeof text), -EMSGSIZE);
    pool_free(pool);
}

static void a_child_that_does_not_read_makes_send_say_again(void **state)
{
    static char text[POOL_MESSAGE_MAX];
    struct pool *pool = new_pool(1);
    int slot = add(pool, ignore_sigterm, true, POOL_NEVER);
    assert_int_equal(pool_start(pool), 0);
    int rc = 0;
    for (int i = 0; rc == 0 && i < 1000; i++)
        rc = pool_send(pool, slot, text, sizeof text);
    assert_int_equal(rc, -EAGAIN);
    pool_free(pool);
}

static int say_and_exit(struct pool_child *child, void *arg)
{
    for (int i = 0; i < 100; i++)
        if (pool_child_send(child, "word", 4) != 0)
            return 1;
    return 0;
}

static void the_last_words_of_a_child_come_before_its_end(void **state)
{
    struct pool *pool = new_pool(1);
    add(pool, say_and_exit, false, POOL_NEVER);
    assert_int_equal(pool_start(pool), 0);
    STEP_UNTIL(pool, seen.exit_count == 1);
    assert_int_equal(seen.message_count, 100);
    pool_free(pool);
}

static void a_failing_child_comes_back_later_each_time(void **state)
{
    struct pool *pool = new_pool(1);
    add(pool, exit_with, false, POOL_ALWAYS);
    int64_t start_ms = clock_mono_ms();
    assert_int_equal(pool_start(pool), 0);
    STEP_UNTIL(pool, seen.exit_count == 4);
    assert_true(clock_mono_ms() - start_ms >= 100 + 200 + 400);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(seen.exits[i].restart_in_ms, 100 << i);
        assert_int_equal(seen.exits[i].status, 1);
    }
    assert_int_equal(pool_slot_restarts(pool, 0), 4);
    assert_int_equal(pool_slot_state(pool, 0), POOL_WAITING);
    pool_stop(pool, 0);
    assert_int_equal(pool_slot_state(pool, 0), POOL_ENDED);
    pool_free(pool);
}

static void a_child_that_leaves_as_planned_comes_back_at_once(void **state)
{
    struct pool *pool = new_pool(1);
    add(pool, leave_as_planned, false, POOL_ALWAYS);
    assert_int_equal(pool_start(pool), 0);
    STEP_UNTIL(pool, seen.exit_count == 20);
    assert_int_equal(seen.exits[0].restart_in_ms, 0);
    assert_int_equal(pool_slot_restarts(pool, 0), 0);
    pool_free(pool);
}

static void a_fatal_exit_is_reported_and_never_restarted(void **state)
{
    struct pool *pool = new_pool(2);
    add(pool, exit_fatally, false, POOL_ALWAYS);
    add(pool, serve_until_told, true, POOL_ALWAYS);
    assert_int_equal(pool_start(pool), 0);
    STEP_UNTIL(pool, seen.exit_count == 1);
    assert_true(seen.exits[0].fatal);
    assert_int_equal(seen.exits[0].restart_in_ms, -1);
    for (int64_t end_ms = clock_mono_ms() + 3 * POOL_BACKOFF_FIRST_MS; clock_mono_ms() < end_ms;)
        assert_int_equal(pool_step(pool, 50), 0);
    assert_int_equal(seen.exit_count, 1);
    assert_int_equal(pool_slot_state(pool, 0), POOL_FAILED);
    assert_int_equal(pool_start_slot(pool, 0), -EBUSY);
    assert_true(pool_slot_alive(pool, 1));
    pool_free(pool);
}

static int fail_init(struct pool_child *child, void *arg)
{
    return 7;
}

static int crash_init(struct pool_child *child, void *arg)
{
    raise(SIGKILL);
    return 0;
}

static void assert_init_fails_the_pool(int (*init)(struct pool_child *, void *), const char *error)
{
    struct pool *pool = new_pool(2);
    add(pool, serve_until_told, true, POOL_ALWAYS);
    struct pool_slot_options options = {.name = "bad",
                                        .init = init,
                                        .run = serve_until_told,
                                        .restart = POOL_ALWAYS,
                                        .handshake = true};
    assert_int_equal(pool_add(pool, &options), 1);
    assert_int_equal(pool_start(pool), 0);
    assert_int_equal(pool_wait_ready(pool, BOUND_MS), -ECANCELED);
    assert_string_equal(pool_error(pool), error);
    assert_int_equal(pool_step(pool, BOUND_MS), -ECANCELED);
    assert_int_equal(pool_slot_state(pool, 1), POOL_FAILED);
    assert_int_equal(seen.exit_count, 1); /* tried once */
    pool_stop(pool, BOUND_MS);
    assert_int_equal(pool_alive(pool), 0);
    pool_free(pool);
}

static void an_initializer_that_fails_fails_the_pool_at_once(void **state)
{
    assert_init_fails_the_pool(fail_init, "the initializer of bad (slot 1) failed with status 7");
}

static void an_initializer_that_crashes_fails_the_pool_too(void **state)
{
    assert_init_fails_the_pool(crash_init,
                               "the initializer of bad (slot 1) was killed by signal 9");
}

static void a_child_that_ignores_sigterm_is_killed_after_the_grace(void **state)
{
    struct pool *pool = new_pool(2);
    add(pool, ignore_sigterm, true, POOL_ALWAYS);
    add(pool, serve_until_told, true, POOL_ALWAYS);
    assert_int_equal(pool_start(pool), 0);
    assert_int_equal(pool_wait_ready(pool, BOUND_MS), 0);
    int64_t start_ms = clock_mono_ms();
    pool_stop(pool, 200);
    assert_in_range(clock_mono_ms() - start_ms, 200, BOUND_MS);
    assert_int_equal(seen.exit_slots[0], 1);
    assert_int_equal(seen.exits[0].signal, SIGTERM);
    assert_int_equal(seen.exits[1].signal, SIGKILL);
    pool_free(pool);
}

static void slots_are_stopped_in_the_order_the_caller_wants(void **state)
{
    struct pool *pool = new_pool(3);
    for (int i = 0; i < 3; i++)
        add(pool, serve_until_told, true, POOL_ALWAYS);
    assert_int_equal(pool_start(pool), 0);
    assert_int_equal(pool_wait_ready(pool, BOUND_MS), 0);
    for (int i = 2; i >= 0; i--) {
        pool_stop_slot(pool, i, BOUND_MS);
        pool_wait_stopped(pool);
        assert_int_equal(pool_slot_state(pool, i), POOL_ENDED);
        assert_int_equal(pool_alive(pool), i);
    }
    assert_int_equal(pool_start_slot(pool, 1), 0); /* and may come back */
    assert_int_equal(pool_wait_ready(pool, 0), -ETIMEDOUT);
    pool_free(pool);
}

static void a_second_stop_with_less_grace_hurries(void **state)
{
    struct pool *pool = new_pool(1);
    add(pool, ignore_sigterm, true, POOL_ALWAYS);
    assert_int_equal(pool_start(pool), 0);
    assert_int_equal(pool_wait_ready(pool, BOUND_MS), 0);
    int64_t start_ms = clock_mono_ms();
    pool_stop_slot(pool, 0, 60000);
    pool_stop(pool, 0);
    assert_true(clock_mono_ms() - start_ms < BOUND_MS);
    pool_free(pool);
}

static void a_watched_signal_reaches_the_callback_and_ends_the_wait(void **state)
{
    sigset_t set, now;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    struct pool *pool = new_pool(1);
    assert_int_equal(pool_watch_signals(pool, &set), 0);
    add(pool, exec_sleep, true, POOL_NEVER);
    assert_int_equal(pool_start(pool), 0);
    kill(getpid(), SIGUSR2);
    assert_int_equal(pool_wait_ready(pool, BOUND_MS), -EINTR);
    assert_int_equal(seen.last_signal, SIGUSR2);
    pool_free(pool);
    sigprocmask(SIG_SETMASK, NULL, &now);
    assert_false(sigismember(&now, SIGUSR2));
}

/* One report a child makes about itself. */
struct report {
    int sockets, pidfds, signalfds, blocked, changed_handlers;
};

static int report_self(struct pool_child *child, void *arg)
{
    struct report r = {0};
    for (int fd = 0; fd < 1024; fd++) {
        char path[64], target[64] = "";
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        if (readlink(path, target, sizeof target - 1) < 0)
            continue;
        r.sockets += strncmp(target, "socket:", 7) == 0;
        r.pidfds += strstr(target, "pidfd") != NULL;
        r.signalfds += strstr(target, "signalfd") != NULL;
    }
    sigset_t mask;
    sigprocmask(SIG_SETMASK, NULL, &mask);
    for (int signo = 1; signo < 32; signo++) {
        struct sigaction action;
        r.blocked += sigismember(&mask, signo) == 1;
        if (sigaction(signo, NULL, &action) == 0)
            r.changed_handlers += action.sa_handler != SIG_DFL;
    }
    int rc = pool_child_send(child, &r, sizeof r);
    return rc == 0 ? serve_until_told(child, arg) : 1;
}

static void a_child_has_one_socket_and_fresh_signals(void **state)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    int sockets_of_ours = 0; /* what a test runner may have left open */
    for (int fd = 0; fd < 1024; fd++) {
        struct stat info;
        sockets_of_ours += fstat(fd, &info) == 0 && S_ISSOCK(info.st_mode);
    }
    struct pool *pool = new_pool(5);
    signal(SIGPIPE, SIG_IGN);
    assert_int_equal(pool_watch_signals(pool, &set), 0);
    for (int i = 0; i < 5; i++)
        add(pool, report_self, true, POOL_NEVER);
    assert_int_equal(pool_start(pool), 0);
    assert_int_equal(pool_wait_ready(pool, BOUND_MS), 0);
    signal(SIGPIPE, SIG_DFL);
    assert_int_equal(seen.message_count, 5);
    struct report last; /* by the one forked last, or not: it holds for each */
    memcpy(&last, seen.message, sizeof last);
    assert_int_equal(last.sockets, 1 + sockets_of_ours);
    assert_int_equal(last.pidfds, 0);
    assert_int_equal(last.signalfds, 0);
    assert_int_equal(last.blocked, 0);
    assert_int_equal(last.changed_handlers, 0);
    pool_free(pool);
}

static int exec_writer(struct pool_child *child, void *arg)
{
    char command[64];
    snprintf(command, sizeof command, "echo kept >/proc/self/fd/%d", *(const int *)arg);
    execl("/bin/sh", "sh", "-c", command, (char *)NULL);
    return 127;
}

static void a_kept_descriptor_survives_exec(void **state)
{
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    struct pool *pool = new_pool(1);
    struct pool_slot_options options = {
        .name = "sh", .run = exec_writer, .arg = &ends[1], .keep_fds = &ends[1], .keep_count = 1};
    assert_int_equal(pool_add(pool, &options), 0);
    assert_int_equal(pool_start(pool), 0);
    STEP_UNTIL(pool, seen.exit_count == 1);
    assert_int_equal(seen.exits[0].status, 0);
    char text[8] = "";
    assert_int_equal(read(ends[0], text, sizeof text), 5);
    assert_string_equal(text, "kept\n");
    pool_free(pool);
    close(ends[0]);
    close(ends[1]);
}

static void stop_from_a_callback(void *ctx, int slot, const struct pool_exit *end)
{
    struct pool **pool = ctx;
    seen.exit_count++;
    for (size_t i = 0; i < pool_slots(*pool); i++)
        pool_stop_slot(*pool, (int)i, BOUND_MS);
}

static void a_callback_may_stop_the_others(void **state)
{
    struct pool *pool;
    struct pool_events own = {.ctx = &pool, .on_exit = stop_from_a_callback};
    assert_int_equal(pool_new(&pool, 3, &own), 0);
    add(pool, serve_until_told, true, POOL_ALWAYS);
    add(pool, exit_badly, false, POOL_NEVER);
    add(pool, serve_until_told, true, POOL_ALWAYS);
    assert_int_equal(pool_start(pool), 0);
    STEP_UNTIL(pool, seen.exit_count == 3);
    assert_int_equal(pool_alive(pool), 0);
    pool_free(pool);
}

/* --- a parent that dies ------------------------------------------------------------------------
 */

enum { ORPHANS = 3 };

static int spin(struct pool_child *child, void *arg)
{
    if (pool_ready(child) != 0)
        return 1;
    for (;;)
        ;
}

/* A parent with an idle, a busy and an exec'd child; tells their pids and waits for its end. */
static _Noreturn void be_a_parent(int report_fd)
{
    struct pool *pool;
    if (pool_new(&pool, ORPHANS, NULL) != 0)
        _exit(1);
    struct pool_slot_options options[ORPHANS] = {
        {.name = "idle", .run = serve_until_told, .handshake = true},
        {.name = "busy", .run = spin, .handshake = true},
        {.name = "exec", .run = exec_sleep, .death_signal = SIGTERM},
    };
    pid_t pids[ORPHANS];
    for (int i = 0; i < ORPHANS; i++)
        if (pool_add(pool, &options[i]) != i)
            _exit(1);
    if (pool_start(pool) != 0 || pool_wait_ready(pool, BOUND_MS) != 0)
        _exit(1);
    for (int i = 0; i < ORPHANS; i++)
        pids[i] = pool_slot_pid(pool, i);
    if (write(report_fd, pids, sizeof pids) != (ssize_t)sizeof pids)
        _exit(1);
    for (;;)
        pause();
}

static void no_child_outlives_a_parent_that_is_killed(void **state)
{
    int ends[2];
    pid_t orphans[ORPHANS];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0); /* so that we can wait for them */
    pid_t parent = fork();
    if (parent == 0)
        be_a_parent(ends[1]);
    assert_int_equal(read(ends[0], orphans, sizeof orphans), sizeof orphans);

    int pidfds[ORPHANS];
    for (int i = 0; i < ORPHANS; i++) {
        pidfds[i] = pidfd_open(orphans[i], 0);
        assert_true(pidfds[i] >= 0);
    }
    kill(parent, SIGKILL);
    assert_int_equal(waitpid(parent, NULL, 0), parent);
    for (int i = 0; i < ORPHANS; i++) {
        struct pollfd gone = {.fd = pidfds[i], .events = POLLIN};
        assert_int_equal(poll(&gone, 1, BOUND_MS), 1);
        assert_int_equal(waitpid(orphans[i], NULL, 0), orphans[i]);
        close(pidfds[i]);
    }
    prctl(PR_SET_CHILD_SUBREAPER, 0);
    close(ends[0]);
    close(ends[1]);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, before, after)
    const struct CMUnitTest tests[] = {
        TEST(a_pool_is_ready_when_every_child_said_so),
        TEST(a_full_table_takes_no_more_slots),
        TEST(free_leaves_nothing_behind_without_a_stop),
        TEST(a_child_that_is_never_ready_times_out),
        TEST(a_child_that_ends_before_it_is_ready_ends_the_wait),
        TEST(an_execd_child_counts_as_ready_at_once),
        TEST(messages_of_any_allowed_size_go_both_ways),
        TEST(a_child_that_does_not_read_makes_send_say_again),
        TEST(the_last_words_of_a_child_come_before_its_end),
        TEST(a_failing_child_comes_back_later_each_time),
        TEST(a_child_that_leaves_as_planned_comes_back_at_once),
        TEST(a_fatal_exit_is_reported_and_never_restarted),
        TEST(an_initializer_that_fails_fails_the_pool_at_once),
        TEST(an_initializer_that_crashes_fails_the_pool_too),
        TEST(a_child_that_ignores_sigterm_is_killed_after_the_grace),
        TEST(slots_are_stopped_in_the_order_the_caller_wants),
        TEST(a_second_stop_with_less_grace_hurries),
        TEST(a_watched_signal_reaches_the_callback_and_ends_the_wait),
        TEST(a_child_has_one_socket_and_fresh_signals),
        TEST(a_kept_descriptor_survives_exec),
        TEST(a_callback_may_stop_the_others),
        TEST(no_child_outlives_a_parent_that_is_killed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
