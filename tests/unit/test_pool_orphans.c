/* test_pool_orphans.c -- a parent that is killed takes its processes with it, whatever they do. */
#include "pool/task.h"
#include "support/leftover.h"
#include "support/suite.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define ORPHANS_MAX 8

/* What a parent tells of its processes before it is killed. */
struct family {
    size_t count;
    pid_t pids[ORPHANS_MAX];
};

static int report_fds[2]; /* from a parent to the test */
static int word_fds[2];   /* between a parent and its processes */

static void report(const struct family *family)
{
    REQUIRE(write(report_fds[1], family, sizeof *family) == (ssize_t)sizeof *family);
    while (pause() < 0)
        ;
}

static int next_word(void)
{
    int value;
    REQUIRE(read(word_fds[0], &value, sizeof value) == (ssize_t)sizeof value);
    return value;
}

static void tell(int value)
{
    REQUIRE(write(word_fds[1], &value, sizeof value) == (ssize_t)sizeof value);
}

/* Runs `parent` in a process, kills it, and waits for each of its processes to end. */
static void assert_nobody_outlives(void (*parent)(void))
{
    struct family family;
    int pidfds[ORPHANS_MAX];
    assert_int_equal(pipe2(report_fds, O_CLOEXEC), 0);
    assert_int_equal(pipe2(word_fds, O_CLOEXEC), 0);
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0); /* so that we can wait for them */
    pid_t pid = fork();
    if (pid == 0) {
        parent();
        _exit(1);
    }
    close(report_fds[1]); /* a parent that fails ends the read */
    close(word_fds[0]);
    close(word_fds[1]);
    assert_int_equal(read(report_fds[0], &family, sizeof family), sizeof family);
    assert_in_range(family.count, 1, ORPHANS_MAX);
    for (size_t i = 0; i < family.count; i++) {
        pidfds[i] = pidfd_open(family.pids[i], 0);
        assert_true(pidfds[i] >= 0);
    }
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    for (size_t i = 0; i < family.count; i++) {
        assert_int_equal(leftover_await_end(pidfds[i]), 0);
        assert_int_equal(waitpid(family.pids[i], NULL, 0), family.pids[i]);
        close(pidfds[i]);
    }
    prctl(PR_SET_CHILD_SUBREAPER, 0);
    close(report_fds[0]);
}

/* --- children of a pool ----------------------------------------------------------------------- */

static int serve(struct pool_child *child, void *arg)
{
    char message[8];
    if (pool_ready(child) != 0)
        return 1;
    return pool_child_receive(child, message, sizeof message, -1) < 0;
}

static int spin(struct pool_child *child, void *arg)
{
    volatile int turns = 0;
    if (pool_ready(child) != 0)
        return 1;
    while (turns >= 0)
        turns = (turns + 1) % 1000;
    return 1;
}

/* In a system call that has nothing to do with the parent. */
static int block(struct pool_child *child, void *arg)
{
    int ends[2];
    char byte;
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    if (pipe(ends) != 0 || pool_ready(child) != 0)
        return 1;
    return read(ends[0], &byte, 1) == 1;
}

static int exec_sleep(struct pool_child *child, void *arg)
{
    execl("/bin/sleep", "sleep", "60", (char *)NULL);
    return 127;
}

static int initialize_for_ever(struct pool_child *child, void *arg)
{
    tell(0);
    while (pause() < 0)
        ;
    return 1;
}

static void be_a_parent_of_children(void)
{
    static const struct pool_slot_options options[] = {
        {.name = "idle", .run = serve, .handshake = true},
        {.name = "busy", .run = spin, .handshake = true},
        {.name = "blocked", .run = block, .handshake = true},
        {.name = "stopped", .run = serve, .handshake = true},
        {.name = "exec", .run = exec_sleep, .death_signal = SIGTERM},
        {.name = "init", .init = initialize_for_ever, .run = serve, .handshake = true},
    };
    enum { COUNT = sizeof options / sizeof options[0], STOPPED = 3, INIT = 5 };
    struct family family = {.count = COUNT};
    struct pool *pool;
    siginfo_t info;
    REQUIRE(pool_new(&pool, COUNT, NULL) == 0);
    for (int i = 0; i < COUNT; i++)
        REQUIRE(pool_add(pool, &options[i]) == i);
    for (int i = 0; i < INIT; i++)
        REQUIRE(pool_start_slot(pool, i) == 0);
    REQUIRE(pool_wait_ready(pool, LEFTOVER_BOUND_MS) == 0);
    REQUIRE(pool_start_slot(pool, INIT) == 0);
    REQUIRE(next_word() == 0);
    pool_signal_slot(pool, STOPPED, SIGSTOP);
    REQUIRE(waitid(P_PID, (id_t)pool_slot_pid(pool, STOPPED), &info, WSTOPPED) == 0);
    for (int i = 0; i < COUNT; i++)
        family.pids[i] = pool_slot_pid(pool, i);
    report(&family);
}

TEST(no_child_outlives_a_parent_that_is_killed)
{
    assert_nobody_outlives(be_a_parent_of_children);
}

/* --- workers ---------------------------------------------------------------------------------- */

static int hang(struct str in, struct buf *out)
{
    tell(1);
    while (pause() < 0)
        ;
    return -EINTR;
}

static int hang_with_a_signal_ignored(struct str in, struct buf *out)
{
    signal(SIGTERM, SIG_IGN);
    return hang(in, out);
}

/* One worker without a task, one in a task, one in a task that cannot be told to end. */
static void be_a_parent_of_workers(void)
{
    struct pool_tasks_options options = {.name = "task", .workers = 3};
    struct pool_task first = {.fn = hang}, second = {.fn = hang_with_a_signal_ignored};
    struct family family = {.count = 3};
    struct pool_tasks *tasks;
    REQUIRE(pool_tasks_new(&tasks, &options) == 0);
    REQUIRE(pool_wait_ready(pool_tasks_pool(tasks), LEFTOVER_BOUND_MS) == 0);
    REQUIRE(pool_submit(tasks, &first, NULL) == 0 && pool_submit(tasks, &second, NULL) == 0);
    REQUIRE(pool_tasks_step(tasks, 0) == 0);
    REQUIRE(next_word() == 1 && next_word() == 1);
    for (int i = 0; i < 3; i++)
        family.pids[i] = pool_slot_pid(pool_tasks_pool(tasks), i);
    report(&family);
}

TEST(no_worker_outlives_a_parent_that_is_killed)
{
    assert_nobody_outlives(be_a_parent_of_workers);
}

static int hang_quietly(struct str in, struct buf *out)
{
    while (pause() < 0)
        ;
    return -EINTR;
}

/* A task with a pool of its own; tells the pid of that pool's worker, which has a task too. */
static int have_a_pool(struct str in, struct buf *out)
{
    struct pool_tasks_options options = {.name = "inner", .workers = 1};
    struct pool_task task = {.fn = hang_quietly};
    struct pool_tasks *tasks;
    REQUIRE(pool_tasks_new(&tasks, &options) == 0 && pool_submit(tasks, &task, NULL) == 0);
    REQUIRE(pool_wait_ready(pool_tasks_pool(tasks), LEFTOVER_BOUND_MS) == 0);
    REQUIRE(pool_tasks_step(tasks, 0) == 0);
    tell((int)pool_slot_pid(pool_tasks_pool(tasks), 0));
    return pool_tasks_step(tasks, -1);
}

static void be_a_grandparent(void)
{
    struct pool_tasks_options options = {.name = "outer", .workers = 1};
    struct pool_task task = {.fn = have_a_pool};
    struct family family = {.count = 2};
    struct pool_tasks *tasks;
    REQUIRE(pool_tasks_new(&tasks, &options) == 0 && pool_submit(tasks, &task, NULL) == 0);
    REQUIRE(pool_wait_ready(pool_tasks_pool(tasks), LEFTOVER_BOUND_MS) == 0);
    REQUIRE(pool_tasks_step(tasks, 0) == 0);
    family.pids[0] = pool_slot_pid(pool_tasks_pool(tasks), 0);
    family.pids[1] = next_word();
    report(&family);
}

TEST(no_pool_within_a_worker_outlives_a_parent_that_is_killed)
{
    assert_nobody_outlives(be_a_grandparent);
}

/* --- the race between fork and the wish for a death signal ------------------------------------ */

static void have_lost_the_parent(void)
{
    struct pool_slot_options options = {.name = "late"};
    poolchild_die_with_parent(&options, getppid() + 1);
    _exit(7); /* still here */
}

static void have_a_parent(void)
{
    struct pool_slot_options options = {.name = "early"};
    poolchild_die_with_parent(&options, getppid());
    _exit(7);
}

TEST(a_child_whose_parent_was_gone_already_leaves)
{
    assert_int_equal(leftover_in_a_process(have_lost_the_parent), 1);
    assert_int_equal(leftover_in_a_process(have_a_parent), 7);
}

EACH_BETWEEN(leftover_before, leftover_after)
