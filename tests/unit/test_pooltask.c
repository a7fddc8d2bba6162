/* test_pooltask.c -- tasks: results, errors, and workers that die in the middle of one. Every test
 * ends with the same descriptors as it began, and without a child. */
#include "clock.h"
#include "pooltask.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define BOUND_MS 10000

static int fds_before,
    traces[2]; /* tasks leave a byte in traces, so that we can count their runs */

static int count_fds(void)
{
    int count = 0;
    DIR *dir = opendir("/proc/self/fd");
    while (readdir(dir))
        count++;
    closedir(dir);
    return count;
}

static int before(void **state)
{
    fds_before = count_fds();
    assert_int_equal(pipe2(traces, O_CLOEXEC | O_NONBLOCK), 0);
    return 0;
}

static int after(void **state)
{
    close(traces[0]);
    close(traces[1]);
    assert_int_equal(count_fds(), fds_before);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
    return 0;
}

static struct pool_tasks *new_tasks(size_t workers, uint64_t max_tasks)
{
    struct pool_tasks_options options = {
        .name = "task", .workers = workers, .max_tasks = max_tasks};
    struct pool_tasks *tasks;
    assert_int_equal(pool_tasks_new(&tasks, &options), 0);
    return tasks;
}

/* --- tasks -------------------------------------------------------------------------------------
 */

static int twice(struct str in, struct buf *out)
{
    buf_puts(out, in);
    buf_puts(out, in);
    return 0;
}

static int tell_pid(struct str in, struct buf *out)
{
    buf_put_i64(out, getpid());
    return 0;
}

static int fail_with_text(struct str in, struct buf *out)
{
    buf_printf(out, "no such %.*s", STR_ARG(in));
    return -ENOENT;
}

static int fail_without_text(struct str in, struct buf *out)
{
    return -EACCES;
}

static int say_too_much(struct str in, struct buf *out)
{
    for (int i = 0; i <= POOL_TASK_BYTES; i++)
        buf_putc(out, 'x');
    return 0;
}

static int die_if_told(struct str in, struct buf *out)
{
    if (str_equal(in, STR("die"))) {
        if (write(traces[1], "x", 1) == 1)
            raise(SIGKILL);
        return -EIO;
    }
    return twice(in, out);
}

static int exit_in_the_middle(struct str in, struct buf *out)
{
    _exit(4);
}

static int hang(struct str in, struct buf *out)
{
    if (write(traces[1], "x", 1) != 1)
        return -EIO;
    for (;;)
        pause();
}

static int hang_ignoring_sigterm(struct str in, struct buf *out)
{
    signal(SIGTERM, SIG_IGN);
    return hang(in, out);
}

/* Later inputs end sooner, when there are enough workers. */
static int sleep_a_little(struct str in, struct buf *out)
{
    usleep((unsigned)(in.p[0] - '0') * 10000);
    buf_puts(out, in);
    return 0;
}

static void await_trace(void)
{
    struct pollfd p = {.fd = traces[0], .events = POLLIN};
    char byte;
    assert_int_equal(poll(&p, 1, BOUND_MS), 1);
    assert_int_equal(read(traces[0], &byte, 1), 1);
}

/* --- tests -------------------------------------------------------------------------------------
 */

static void a_task_gives_its_result(void **state)
{
    struct pool_tasks *tasks = new_tasks(2, 0);
    struct pool_result r;
    assert_int_equal(pool_apply(tasks, twice, STR("ab"), &r), 0);
    assert_string_equal(r.bytes, "abab");
    assert_int_equal(r.n, 4);
    pool_results_free(&r, 1);
    assert_int_equal(pool_apply(tasks, twice, STR(""), &r), 0);
    assert_int_equal(r.n, 0);
    pool_results_free(&r, 1);
    pool_tasks_free(tasks);
}

static void a_task_that_fails_gives_its_errno_and_text(void **state)
{
    struct pool_tasks *tasks = new_tasks(1, 0);
    struct pool_result r;
    assert_int_equal(pool_apply(tasks, fail_with_text, STR("thing"), &r), -ENOENT);
    assert_string_equal(r.bytes, "no such thing");
    pool_results_free(&r, 1);
    assert_int_equal(pool_apply(tasks, fail_without_text, STR(""), &r), -EACCES);
    assert_string_equal(r.bytes, "Permission denied");
    pool_results_free(&r, 1);
    pool_tasks_free(tasks);
}

static void payloads_are_bounded_both_ways(void **state)
{
    static char big[POOL_TASK_BYTES + 1];
    struct pool_tasks *tasks = new_tasks(1, 0);
    struct pool_result r;
    struct pool_task task = {.fn = twice, .in = {big, sizeof big}};
    assert_int_equal(pool_submit(tasks, &task, NULL), -EMSGSIZE);
    assert_int_equal(pool_apply(tasks, say_too_much, STR(""), &r), -EMSGSIZE);
    assert_string_equal(r.bytes, "Message too long");
    pool_results_free(&r, 1);
    struct str half = {big, POOL_TASK_BYTES / 2};
    assert_int_equal(pool_apply(tasks, twice, half, &r), 0);
    assert_int_equal(r.n, POOL_TASK_BYTES);
    pool_results_free(&r, 1);
    pool_tasks_free(tasks);
}

static void a_map_keeps_the_order_of_its_inputs(void **state)
{
    static const struct str in[] = {{"9", 1}, {"5", 1}, {"1", 1}, {"0", 1},
                                    {"3", 1}, {"0", 1}, {"2", 1}};
    enum { COUNT = sizeof in / sizeof in[0] };
    struct pool_tasks *tasks = new_tasks(3, 0);
    struct pool_result results[COUNT];
    assert_int_equal(pool_map(tasks, sleep_a_little, in, COUNT, results), 0);
    for (int i = 0; i < COUNT; i++)
        assert_string_equal(results[i].bytes, in[i].p);
    pool_results_free(results, COUNT);
    assert_int_equal(pool_map(tasks, twice, NULL, 0, NULL), 0);
    pool_tasks_free(tasks);
}

static void a_killed_worker_fails_only_its_own_task(void **state)
{
    static const struct str in[] = {{"a", 1}, {"die", 3}, {"b", 1}, {"c", 1}, {"d", 1}};
    struct pool_tasks *tasks = new_tasks(2, 0);
    struct pool_result r[5];
    assert_int_equal(pool_map(tasks, die_if_told, in, 5, r), -ECHILD);
    assert_non_null(strstr(r[1].bytes, "was killed by signal 9"));
    for (int i = 0; i < 5; i++)
        assert_int_equal(r[i].err, i == 1 ? -ECHILD : 0);
    assert_string_equal(r[4].bytes, "dd");
    pool_results_free(r, 5);

    /* The slot is forked anew, and the task is not run again. */
    for (int64_t end_ms = clock_mono_ms() + BOUND_MS; pool_alive(pool_tasks_pool(tasks)) < 2;) {
        assert_true(clock_mono_ms() < end_ms);
        assert_int_equal(pool_tasks_step(tasks, 100), 0);
    }
    assert_int_equal(pool_map(tasks, die_if_told, in, 1, r), 0);
    pool_results_free(r, 1);
    char runs[8];
    assert_int_equal(read(traces[0], runs, sizeof runs), 1);
    assert_int_equal(pool_slot_restarts(pool_tasks_pool(tasks), 0) +
                         pool_slot_restarts(pool_tasks_pool(tasks), 1),
                     1);
    pool_tasks_free(tasks);
}

static void a_worker_that_exits_in_a_task_fails_it(void **state)
{
    struct pool_tasks *tasks = new_tasks(1, 0);
    struct pool_result r;
    assert_int_equal(pool_apply(tasks, exit_in_the_middle, STR(""), &r), -ECHILD);
    assert_non_null(strstr(r.bytes, "ended with status 4"));
    pool_results_free(&r, 1);
    pool_tasks_free(tasks);
}

static void a_worker_leaves_after_its_maximum_of_tasks(void **state)
{
    enum { TASKS = 10, MAX = 3 };
    static struct str in[TASKS];
    struct pool_result r[TASKS];
    struct pool_tasks *tasks = new_tasks(1, MAX);
    int64_t start_ms = clock_mono_ms();
    assert_int_equal(pool_map(tasks, tell_pid, in, TASKS, r), 0);
    for (int i = 1; i < TASKS; i++)
        assert_int_equal(strcmp(r[i].bytes, r[i - 1].bytes) == 0, i % MAX != 0);
    assert_true(clock_mono_ms() - start_ms < BOUND_MS);
    assert_int_equal(pool_slot_restarts(pool_tasks_pool(tasks), 0), 0); /* planned, not a crash */
    pool_results_free(r, TASKS);
    pool_tasks_free(tasks);
}

struct tally {
    struct pool_tasks *tasks;
    int results, errors, last_err;
    uint64_t id_sum;
};

static void count_result(void *ctx, uint64_t id, struct str out)
{
    struct tally *t = ctx;
    t->results++;
    t->id_sum += id;
}

static void count_error(void *ctx, uint64_t id, int err, struct str text)
{
    struct tally *t = ctx;
    assert_true(text.n > 0);
    t->errors++;
    t->last_err = err;
    t->id_sum += id;
}

static void submit(struct tally *t, pool_task_fn *fn, struct str in, int times)
{
    struct pool_task task = {fn, in, count_result, count_error, t};
    for (int i = 0; i < times; i++)
        assert_int_equal(pool_submit(t->tasks, &task, NULL), 0);
}

static void thousands_of_queued_tasks_end_once_each(void **state)
{
    enum { TASKS = 10000 };
    struct tally t = {.tasks = new_tasks(2, 0)};
    submit(&t, twice, STR("x"), TASKS / 2);
    submit(&t, fail_with_text, STR("x"), TASKS / 2);
    assert_int_equal(pool_pending(t.tasks), TASKS);
    pool_close(t.tasks);
    assert_int_equal(pool_join(t.tasks, BOUND_MS), 0);
    assert_int_equal(t.results, TASKS / 2);
    assert_int_equal(t.errors, TASKS / 2);
    assert_int_equal(t.last_err, -ENOENT);
    assert_int_equal(t.id_sum, (uint64_t)TASKS * (TASKS + 1) / 2);
    pool_tasks_free(t.tasks);
}

static void submit_another(void *ctx, uint64_t id, struct str out)
{
    struct tally *t = ctx;
    struct pool_task task = {twice, out, t->results == 9 ? count_result : submit_another,
                             count_error, t};
    t->results++;
    struct str half = {out.p, out.n / 2}; /* or it would double each time */
    task.in = half;
    assert_int_equal(pool_submit(t->tasks, &task, NULL), 0);
}

static void a_callback_may_submit_the_next_task(void **state)
{
    struct tally t = {.tasks = new_tasks(1, 0)};
    struct pool_task task = {twice, STR("abc"), submit_another, count_error, &t};
    assert_int_equal(pool_submit(t.tasks, &task, NULL), 0);
    while (pool_pending(t.tasks) > 0)
        assert_int_equal(pool_tasks_step(t.tasks, BOUND_MS), 0);
    assert_int_equal(t.results, 11);
    assert_int_equal(t.errors, 0);
    pool_tasks_free(t.tasks);
}

static void close_refuses_new_tasks_and_join_finishes_the_old(void **state)
{
    struct tally t = {.tasks = new_tasks(2, 0)};
    struct pool_task task = {.fn = twice};
    submit(&t, sleep_a_little, STR("1"), 6);
    assert_int_equal(pool_join(t.tasks, 0), -EBUSY);
    pool_close(t.tasks);
    assert_int_equal(pool_submit(t.tasks, &task, NULL), -EPIPE);
    assert_int_equal(pool_join(t.tasks, BOUND_MS), 0);
    assert_int_equal(t.results, 6);
    assert_int_equal(pool_alive(pool_tasks_pool(t.tasks)), 0);
    pool_tasks_free(t.tasks);
}

static void terminate_ends_running_and_queued_tasks(void **state)
{
    struct tally t = {.tasks = new_tasks(2, 0)};
    submit(&t, hang, STR(""), 1);
    submit(&t, hang_ignoring_sigterm, STR(""), 1);
    submit(&t, twice, STR(""), 100);
    assert_int_equal(pool_wait_ready(pool_tasks_pool(t.tasks), BOUND_MS), 0);
    assert_int_equal(pool_tasks_step(t.tasks, 0), 0);
    await_trace();
    await_trace(); /* both workers are in the middle of their task */
    pool_terminate(t.tasks, 100);
    assert_int_equal(t.errors, 102);
    assert_int_equal(t.last_err, -ECANCELED);
    assert_int_equal(pool_pending(t.tasks), 0);
    assert_int_equal(pool_join(t.tasks, 100), 0);
    assert_int_equal(pool_alive(pool_tasks_pool(t.tasks)), 0);
    pool_tasks_free(t.tasks);
}

static void terminate_from(void *ctx, uint64_t id, struct str out)
{
    struct tally *t = ctx;
    t->results++;
    pool_terminate(t->tasks, 0);
}

static void a_callback_may_terminate_the_pool(void **state)
{
    struct tally t = {.tasks = new_tasks(2, 0)};
    struct pool_task task = {twice, STR("x"), terminate_from, count_error, &t};
    assert_int_equal(pool_submit(t.tasks, &task, NULL), 0);
    submit(&t, hang, STR(""), 10);
    while (pool_pending(t.tasks) > 0)
        assert_int_equal(pool_tasks_step(t.tasks, BOUND_MS), 0);
    assert_int_equal(t.results, 1);
    assert_int_equal(t.errors, 10);
    assert_int_equal(pool_join(t.tasks, 0), 0);
    pool_tasks_free(t.tasks);
}

static int fail_init(void *arg)
{
    return 6;
}

static void an_initializer_that_fails_ends_every_task(void **state)
{
    struct pool_tasks_options options = {.name = "task", .workers = 3, .init = fail_init};
    struct tally t = {0};
    assert_int_equal(pool_tasks_new(&t.tasks, &options), 0);
    submit(&t, twice, STR("x"), 50);
    while (pool_pending(t.tasks) > 0)
        (void)!pool_tasks_step(t.tasks, BOUND_MS);
    assert_int_equal(t.errors, 50);
    assert_int_equal(t.last_err, -ECANCELED);
    assert_non_null(strstr(pool_error(pool_tasks_pool(t.tasks)), "failed with status 6"));
    struct pool_result r;
    assert_int_equal(pool_apply(t.tasks, twice, STR("x"), &r), -EPIPE);
    pool_results_free(&r, 1);
    assert_int_equal(pool_join(t.tasks, 0), 0);
    pool_tasks_free(t.tasks);
}

static int fatal_task(struct str in, struct buf *out)
{
    _exit(POOL_EXIT_FATAL);
}

static void without_any_worker_left_tasks_end_instead_of_waiting(void **state)
{
    struct tally t = {.tasks = new_tasks(1, 0)};
    submit(&t, fatal_task, STR(""), 1);
    submit(&t, twice, STR("x"), 5);
    while (pool_pending(t.tasks) > 0)
        (void)!pool_tasks_step(t.tasks, BOUND_MS);
    assert_int_equal(t.errors, 6);
    pool_tasks_free(t.tasks);
}

static void freeing_a_busy_pool_leaves_nothing(void **state)
{
    struct tally t = {.tasks = new_tasks(2, 0)};
    submit(&t, hang, STR(""), 1);
    submit(&t, twice, STR("x"), 5);
    assert_int_equal(pool_wait_ready(pool_tasks_pool(t.tasks), BOUND_MS), 0);
    assert_int_equal(pool_tasks_step(t.tasks, 0), 0);
    await_trace();
    pool_tasks_free(t.tasks);
}

/* A parent with one worker in a task and one without; tells both pids once the task runs. */
static _Noreturn void be_a_parent(int report_fd)
{
    struct pool_tasks_options options = {.name = "task", .workers = 2};
    struct pool_task task = {.fn = hang};
    struct pool_tasks *tasks;
    if (pool_tasks_new(&tasks, &options) != 0 || pool_submit(tasks, &task, NULL) != 0 ||
        pool_wait_ready(pool_tasks_pool(tasks), BOUND_MS) != 0 || pool_tasks_step(tasks, 0) != 0)
        _exit(1);
    pid_t pids[2] = {pool_slot_pid(pool_tasks_pool(tasks), 0),
                     pool_slot_pid(pool_tasks_pool(tasks), 1)};
    if (write(report_fd, pids, sizeof pids) != (ssize_t)sizeof pids)
        _exit(1);
    for (;;)
        pause();
}

static void no_worker_outlives_a_parent_that_is_killed(void **state)
{
    int ends[2];
    pid_t workers[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    pid_t parent = fork();
    if (parent == 0)
        be_a_parent(ends[1]);
    assert_int_equal(read(ends[0], workers, sizeof workers), sizeof workers);
    await_trace(); /* one is busy now */
    int pidfds[2] = {pidfd_open(workers[0], 0), pidfd_open(workers[1], 0)};
    kill(parent, SIGKILL);
    assert_int_equal(waitpid(parent, NULL, 0), parent);
    for (int i = 0; i < 2; i++) {
        struct pollfd gone = {.fd = pidfds[i], .events = POLLIN};
        assert_int_equal(poll(&gone, 1, BOUND_MS), 1);
        assert_int_equal(waitpid(workers[i], NULL, 0), workers[i]);
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
        TEST(a_task_gives_its_result),
        TEST(a_task_that_fails_gives_its_errno_and_text),
        TEST(payloads_are_bounded_both_ways),
        TEST(a_map_keeps_the_order_of_its_inputs),
        TEST(a_killed_worker_fails_only_its_own_task),
        TEST(a_worker_that_exits_in_a_task_fails_it),
        TEST(a_worker_leaves_after_its_maximum_of_tasks),
        TEST(thousands_of_queued_tasks_end_once_each),
        TEST(a_callback_may_submit_the_next_task),
        TEST(close_refuses_new_tasks_and_join_finishes_the_old),
        TEST(terminate_ends_running_and_queued_tasks),
        TEST(a_callback_may_terminate_the_pool),
        TEST(an_initializer_that_fails_ends_every_task),
        TEST(without_any_worker_left_tasks_end_instead_of_waiting),
        TEST(freeing_a_busy_pool_leaves_nothing),
        TEST(no_worker_outlives_a_parent_that_is_killed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
