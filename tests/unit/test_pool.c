/* test_pool.c -- processes that start, fail, leave, and refuse to stop. Every test ends with the
 * same descriptors as it began, and without a child. */
#include "support/pool_seen.h"
#include "support/suite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- children ----------------------------------------------------------------------------------
 */

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

static int exec_sleep(struct pool_child *child, void *arg)
{
    execl("/bin/sleep", "sleep", "60", (char *)NULL);
    return 127;
}

/* --- tests -------------------------------------------------------------------------------------
 */

TEST(a_pool_is_ready_when_every_child_said_so)
{
    struct pool *pool = pool_seen_new(4);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pool_seen_add(pool, pool_seen_serve, true, POOL_ALWAYS), i);
    assert_int_equal(pool_start(pool), 0);
    assert_int_equal(pool_wait_ready(pool, LEFTOVER_BOUND_MS), 0);
    assert_int_equal(seen.ready_count, 4);
    assert_int_equal(pool_alive(pool), 4);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pool_slot_state(pool, i), POOL_READY);
        assert_int_equal(kill(pool_slot_pid(pool, i), 0), 0);
    }
    assert_int_equal(pool_start_slot(pool, 0), -EBUSY);
    pool_stop(pool, LEFTOVER_BOUND_MS);
    assert_int_equal(pool_alive(pool), 0);
    assert_int_equal(seen.exit_count, 4);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(seen.exits[i].signal, SIGTERM);
        assert_true(seen.exits[i].stopped);
        assert_int_equal(seen.exits[i].restart_in_ms, -1);
    }
    pool_free(pool);
}

TEST(a_full_table_takes_no_more_slots)
{
    struct pool *pool = pool_seen_new(1);
    pool_seen_add(pool, pool_seen_serve, true, POOL_NEVER);
    struct pool_slot_options options = {.name = "more", .run = pool_seen_serve};
    assert_int_equal(pool_add(pool, &options), -ENOSPC);
    pool_free(pool);
}

TEST(free_leaves_nothing_behind_without_a_stop)
{
    struct pool *pool = pool_seen_new(2);
    pool_seen_add(pool, pool_seen_refuse_to_stop, true, POOL_ALWAYS);
    pool_seen_add(pool, exec_sleep, false, POOL_ALWAYS);
    assert_int_equal(pool_start(pool), 0);
    pool_free(pool); /* the fixture looks for children and descriptors */
}

TEST(a_child_that_is_never_ready_times_out)
{
    struct pool *pool = pool_seen_new(1);
    pool_seen_add(pool, exec_sleep, true, POOL_NEVER); /* asks for a handshake, and execs */
    assert_int_equal(pool_start(pool), 0);
    assert_int_equal(pool_wait_ready(pool, 50), -ETIMEDOUT);
    pool_free(pool);
}

TEST(a_child_that_ends_before_it_is_ready_ends_the_wait)
{
    struct pool *pool = pool_seen_new(1);
    pool_seen_add(pool, pool_seen_exit_5, true, POOL_NEVER);
    assert_int_equal(pool_start(pool), 0);
    assert_int_equal(pool_wait_ready(pool, LEFTOVER_BOUND_MS), -ECHILD);
    assert_int_equal(seen.exits[0].status, 5);
    assert_int_equal(seen.exits[0].signal, 0);
    assert_int_equal(pool_slot_state(pool, 0), POOL_ENDED);
    pool_free(pool);
}

TEST(an_execd_child_counts_as_ready_at_once)
{
    struct pool *pool = pool_seen_new(1);
    pool_seen_add(pool, exec_sleep, false, POOL_NEVER);
    assert_int_equal(pool_start(pool), 0);
    assert_int_equal(pool_wait_ready(pool, 0), 0);
    pool_stop(pool, LEFTOVER_BOUND_MS);
    assert_int_equal(seen.exits[0].signal, SIGTERM);
    pool_free(pool);
}

TEST(a_failing_child_comes_back_later_each_time)
{
    struct pool *pool = pool_seen_new(1);
    pool_seen_add(pool, exit_with, false, POOL_ALWAYS);
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

TEST(a_child_that_leaves_as_planned_comes_back_at_once)
{
    struct pool *pool = pool_seen_new(1);
    pool_seen_add(pool, leave_as_planned, false, POOL_ALWAYS);
    assert_int_equal(pool_start(pool), 0);
    STEP_UNTIL(pool, seen.exit_count == 20);
    assert_int_equal(seen.exits[0].restart_in_ms, 0);
    assert_int_equal(pool_slot_restarts(pool, 0), 0);
    pool_free(pool);
}

TEST(a_fatal_exit_is_reported_and_never_restarted)
{
    struct pool *pool = pool_seen_new(2);
    pool_seen_add(pool, exit_fatally, false, POOL_ALWAYS);
    pool_seen_add(pool, pool_seen_serve, true, POOL_ALWAYS);
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

TEST(a_child_that_ignores_sigterm_is_killed_after_the_grace)
{
    struct pool *pool = pool_seen_new(2);
    pool_seen_add(pool, pool_seen_refuse_to_stop, true, POOL_ALWAYS);
    pool_seen_add(pool, pool_seen_serve, true, POOL_ALWAYS);
    assert_int_equal(pool_start(pool), 0);
    assert_int_equal(pool_wait_ready(pool, LEFTOVER_BOUND_MS), 0);
    int64_t start_ms = clock_mono_ms();
    pool_stop(pool, 200);
    assert_in_range(clock_mono_ms() - start_ms, 200, LEFTOVER_BOUND_MS);
    assert_int_equal(seen.exit_slots[0], 1);
    assert_int_equal(seen.exits[0].signal, SIGTERM);
    assert_int_equal(seen.exits[1].signal, SIGKILL);
    pool_free(pool);
}

TEST(slots_are_stopped_in_the_order_the_caller_wants)
{
    struct pool *pool = pool_seen_new(3);
    for (int i = 0; i < 3; i++)
        pool_seen_add(pool, pool_seen_serve, true, POOL_ALWAYS);
    assert_int_equal(pool_start(pool), 0);
    assert_int_equal(pool_wait_ready(pool, LEFTOVER_BOUND_MS), 0);
    for (int i = 2; i >= 0; i--) {
        pool_stop_slot(pool, i, LEFTOVER_BOUND_MS);
        pool_wait_stopped(pool);
        assert_int_equal(pool_slot_state(pool, i), POOL_ENDED);
        assert_int_equal(pool_alive(pool), i);
    }
    assert_int_equal(pool_start_slot(pool, 1), 0); /* and may come back */
    STEP_UNTIL(pool, pool_slot_state(pool, 1) == POOL_READY);
    pool_free(pool);
}

TEST(a_stopped_process_is_killed_after_the_grace)
{
    struct pool *pool = pool_seen_one(pool_seen_serve, POOL_ALWAYS, true);
    pool_signal_slot(pool, 0, SIGSTOP);
    siginfo_t info; /* until then SIGTERM would overtake */
    assert_int_equal(waitid(P_PID, (id_t)pool_slot_pid(pool, 0), &info, WSTOPPED), 0);
    pool_stop(pool, 50);
    assert_int_equal(seen.exits[0].signal, SIGKILL);
    assert_true(seen.exits[0].stopped);
    pool_free(pool);
}

TEST(a_process_that_is_killed_is_alive_again_soon)
{
    struct pool *pool = pool_seen_one(pool_seen_serve, POOL_ALWAYS, false);
    assert_true(pool_slot_alive(pool, 0)); /* before it is ready, too */
    assert_int_equal(pool_wait_ready(pool, LEFTOVER_BOUND_MS), 0);
    pid_t first = pool_slot_pid(pool, 0);
    pool_signal_slot(pool, 0, SIGKILL);
    STEP_UNTIL(pool, seen.exit_count == 1);
    assert_int_equal(seen.exits[0].signal, SIGKILL);
    assert_int_equal(seen.exits[0].pid, first);
    assert_int_equal(seen.exits[0].restart_in_ms, POOL_BACKOFF_FIRST_MS);
    assert_false(pool_slot_alive(pool, 0));
    assert_int_equal(pool_slot_pid(pool, 0), 0);
    pool_signal_slot(pool, 0, SIGKILL); /* to nobody */
    STEP_UNTIL(pool, pool_slot_state(pool, 0) == POOL_READY);
    assert_true(pool_slot_alive(pool, 0));
    assert_true(pool_slot_pid(pool, 0) != first);
    assert_int_equal(pool_slot_restarts(pool, 0), 1);
    pool_free(pool);
    assert_int_equal(seen.exit_count, 1);
}

TEST(a_status_that_is_never_fatal_is_one_like_any_other)
{
    struct pool *pool = pool_seen_new(1);
    struct pool_slot_options options = {
        .name = "test", .run = exit_fatally, .restart = POOL_ALWAYS, .never_fatal = true};
    assert_int_equal(pool_add(pool, &options), 0);
    assert_int_equal(pool_start(pool), 0);
    STEP_UNTIL(pool, seen.exit_count == 2);
    assert_int_equal(seen.exits[0].status, POOL_EXIT_FATAL);
    assert_false(seen.exits[0].fatal);
    assert_int_equal(seen.exits[0].restart_in_ms, POOL_BACKOFF_FIRST_MS);
    pool_free(pool);
}

TEST(a_second_stop_with_less_grace_hurries)
{
    struct pool *pool = pool_seen_new(1);
    pool_seen_add(pool, pool_seen_refuse_to_stop, true, POOL_ALWAYS);
    assert_int_equal(pool_start(pool), 0);
    assert_int_equal(pool_wait_ready(pool, LEFTOVER_BOUND_MS), 0);
    int64_t start_ms = clock_mono_ms();
    pool_stop_slot(pool, 0, 60000);
    pool_stop(pool, 0);
    assert_true(clock_mono_ms() - start_ms < LEFTOVER_BOUND_MS);
    pool_free(pool);
}

TEST(a_watched_signal_reaches_the_callback_and_ends_the_wait)
{
    sigset_t now;
    struct pool *pool = pool_seen_new(1);
    assert_int_equal(pool_watch_signals(pool, (const int[]){SIGUSR2, 0}), 0);
    pool_seen_add(pool, exec_sleep, true, POOL_NEVER);
    assert_int_equal(pool_start(pool), 0);
    kill(getpid(), SIGUSR2);
    assert_int_equal(pool_wait_ready(pool, LEFTOVER_BOUND_MS), -EINTR);
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
    return rc == 0 ? pool_seen_serve(child, arg) : 1;
}

TEST(a_child_has_one_socket_and_fresh_signals)
{
    int sockets_of_ours = 0; /* what a test runner may have left open */
    for (int fd = 0; fd < 1024; fd++) {
        struct stat info;
        sockets_of_ours += fstat(fd, &info) == 0 && S_ISSOCK(info.st_mode);
    }
    struct pool *pool = pool_seen_new(5);
    signal(SIGPIPE, SIG_IGN);
    assert_int_equal(pool_watch_signals(pool, (const int[]){SIGTERM, SIGHUP, 0}), 0);
    for (int i = 0; i < 5; i++)
        pool_seen_add(pool, report_self, true, POOL_NEVER);
    assert_int_equal(pool_start(pool), 0);
    assert_int_equal(pool_wait_ready(pool, LEFTOVER_BOUND_MS), 0);
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

TEST(a_kept_descriptor_survives_exec)
{
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    struct pool *pool = pool_seen_new(1);
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
        pool_stop_slot(*pool, (int)i, LEFTOVER_BOUND_MS);
}

TEST(a_callback_may_stop_the_others)
{
    struct pool *pool;
    struct pool_events own = {.ctx = &pool, .on_exit = stop_from_a_callback};
    assert_int_equal(pool_new(&pool, 3, &own), 0);
    pool_seen_add(pool, pool_seen_serve, true, POOL_ALWAYS);
    pool_seen_add(pool, pool_seen_exit_5, false, POOL_NEVER);
    pool_seen_add(pool, pool_seen_serve, true, POOL_ALWAYS);
    assert_int_equal(pool_start(pool), 0);
    STEP_UNTIL(pool, seen.exit_count == 3);
    assert_int_equal(pool_alive(pool), 0);
    pool_free(pool);
}

EACH_BETWEEN(pool_seen_before, leftover_after)
