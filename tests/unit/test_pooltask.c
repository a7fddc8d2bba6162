/* test_pooltask.c -- tasks, results, maps, callbacks: what comes out is what was put in. */
#include "pool/task.h"
#include "support/pool_tally.h"
#include "support/suite.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- tasks ------------------------------------------------------------------------------------ */

static int echo(struct str in, struct buf *out)
{
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

static int fail_with_too_much_text(struct str in, struct buf *out)
{
    say_too_much(in, out);
    return -ENOENT;
}

/* Later inputs end sooner, when there are enough workers; 5 is an error, and 0 kills. */
static int sleep_and_fail_sometimes(struct str in, struct buf *out)
{
    usleep((unsigned)(in.p[0] - '0') * 10000);
    if (in.p[0] == '0')
        raise(SIGKILL);
    if (in.p[0] == '5')
        return fail_with_text(in, out);
    return echo(in, out);
}

/* --- results ---------------------------------------------------------------------------------- */

TEST(a_task_gives_its_result)
{
    struct pool_tasks *tasks = pool_tally_tasks(2, 0);
    struct pool_result r;
    assert_int_equal(pool_apply(tasks, pool_tally_twice, STR("ab"), &r), 0);
    assert_string_equal(r.bytes, "abab");
    assert_int_equal(r.n, 4);
    pool_results_free(&r, 1);
    assert_int_equal(pool_apply(tasks, pool_tally_twice, STR(""), &r), 0);
    assert_int_equal(r.n, 0);
    assert_string_equal(r.bytes, "");
    pool_results_free(&r, 1);
    pool_tasks_free(tasks);
}

TEST(a_task_that_fails_gives_its_errno_and_text)
{
    static const struct {
        pool_task_fn *fn;
        int err;
        const char *text;
    } rows[] = {
        {fail_with_text, -ENOENT, "no such thing"},
        {fail_without_text, -EACCES, "Permission denied"},
        {fail_with_too_much_text, -ENOENT, "No such file or directory"},
        {say_too_much, -EMSGSIZE, "the result is larger than the 65536 bytes allowed"},
    };
    struct pool_tasks *tasks = pool_tally_tasks(1, 0);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct pool_result r;
        assert_int_equal(pool_apply(tasks, rows[i].fn, STR("thing"), &r), rows[i].err);
        assert_int_equal(r.err, rows[i].err);
        assert_string_equal(r.bytes, rows[i].text);
        assert_int_equal(r.n, strlen(rows[i].text));
        pool_results_free(&r, 1);
    }
    assert_int_equal(pool_slot_restarts(pool_tasks_pool(tasks), 0), 0);
    pool_tasks_free(tasks);
}

TEST(payloads_are_bounded_both_ways)
{
    static char big[POOL_TASK_BYTES + 1];
    memset(big, 'x', sizeof big);
    struct pool_tasks *tasks = pool_tally_tasks(1, 0);
    struct pool_result r;
    struct pool_task task = {.fn = echo, .in = {big, sizeof big}};
    assert_int_equal(pool_submit(tasks, &task, NULL), -EMSGSIZE);
    assert_int_equal(pool_pending(tasks), 0);
    assert_int_equal(pool_apply(tasks, echo, task.in, &r), -EMSGSIZE);
    assert_string_equal(r.bytes, "Message too long");
    pool_results_free(&r, 1);
    struct str most = {big, POOL_TASK_BYTES};
    assert_int_equal(pool_apply(tasks, echo, most, &r), 0);
    assert_int_equal(r.n, POOL_TASK_BYTES);
    assert_memory_equal(r.bytes, big, POOL_TASK_BYTES);
    pool_results_free(&r, 1);
    pool_tasks_free(tasks);
}

static void keep_result(void *ctx, uint64_t id, struct str out)
{
    struct buf *kept = ctx;
    buf_puts(kept, out);
}

TEST(an_input_may_change_once_it_was_submitted)
{
    char bytes[] = "before";
    struct buf kept;
    buf_init(&kept, 100);
    struct tally t = {.tasks = pool_tally_tasks(1, 0)};
    struct pool_task task = {
        .fn = echo, .in = {bytes, sizeof bytes}, .on_result = keep_result, .ctx = &kept};
    assert_int_equal(pool_submit(t.tasks, &task, NULL), 0);
    memcpy(bytes, "after!", sizeof bytes);
    pool_tally_finish(&t);
    assert_int_equal(kept.n, sizeof bytes);
    assert_string_equal(kept.p, "before");
    buf_free(&kept);
    pool_tasks_free(t.tasks);
}

static int shrink(int fd)
{
    int bytes = 1; /* the kernel makes it some thousands */
    return setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
}

static int shrink_and_say_much(struct str in, struct buf *out)
{
    if (shrink(pool_tally_socket(3)) != 0)
        return -errno;
    for (int i = 0; i < POOL_TASK_BYTES; i++)
        buf_putc(out, 'x');
    return 0;
}

/* As where net.core.wmem_max is very low. */
TEST(a_kernel_that_takes_no_large_messages_fails_only_the_large)
{
    static char big[POOL_TASK_BYTES];
    int from = dup(0); /* above whatever the test runner has left open, most likely */
    close(from);
    struct pool_tasks *tasks = pool_tally_tasks(1, 0);
    struct pool_result r;
    assert_int_equal(pool_apply(tasks, shrink_and_say_much, STR(""), &r), -EMSGSIZE);
    assert_string_equal(r.bytes, "the kernel's socket buffer is too small for the result");
    pool_results_free(&r, 1);
    assert_int_equal(shrink(pool_tally_socket(from)), 0);
    assert_int_equal(pool_apply(tasks, echo, (struct str){big, sizeof big}, &r), -EMSGSIZE);
    assert_string_equal(r.bytes, "the kernel's socket buffer is too small");
    pool_results_free(&r, 1);
    assert_int_equal(pool_apply(tasks, echo, STR("small"), &r), 0);
    assert_string_equal(r.bytes, "small");
    pool_results_free(&r, 1);
    assert_int_equal(pool_slot_restarts(pool_tasks_pool(tasks), 0), 0);
    pool_tasks_free(tasks);
}

/* The kernel may refuse a message for reasons that pass, and then nothing else may ever happen. */
TEST(a_task_that_cannot_be_handed_over_is_tried_again)
{
    struct tally t = {.tasks = pool_tally_tasks(1, 0)};
    struct pool *pool = pool_tasks_pool(t.tasks);
    siginfo_t info;
    char byte = 0;
    assert_int_equal(pool_wait_ready(pool, LEFTOVER_BOUND_MS), 0);
    pool_signal_slot(pool, 0, SIGSTOP);
    assert_int_equal(waitid(P_PID, (id_t)pool_slot_pid(pool, 0), &info, WSTOPPED), 0);
    while (pool_send(pool, 0, &byte, 1) == 0)
        ; /* it has room for nothing more */
    pool_tally_submit(&t, pool_tally_twice, STR("x"), 1);
    alarm(LEFTOVER_BOUND_MS / 1000); /* ends this program when the step waits for ever */
    assert_int_equal(pool_tasks_step(t.tasks, -1), 0);
    assert_int_equal(pool_tasks_step(t.tasks, -1), 0);
    alarm(0);
    assert_int_equal(pool_pending(t.tasks), 1);
    pool_signal_slot(pool, 0, SIGKILL);
    pool_tally_finish(&t); /* by the next worker: none had seen it */
    assert_int_equal(t.results, 1);
    pool_tasks_free(t.tasks);
}

/* --- many ------------------------------------------------------------------------------------- */

TEST(a_map_keeps_the_order_of_its_inputs)
{
    static const struct str in[] = {{"9", 1}, {"5", 1}, {"1", 1}, {"0", 1},
                                    {"3", 1}, {"5", 1}, {"2", 1}};
    static const int err[] = {0, -ENOENT, 0, -ECHILD, 0, -ENOENT, 0};
    enum { COUNT = sizeof in / sizeof in[0] };
    struct pool_tasks *tasks = pool_tally_tasks(3, 0);
    struct pool_result r[COUNT];
    assert_int_equal(pool_map(tasks, sleep_and_fail_sometimes, in, COUNT, r), -ENOENT);
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(r[i].err, err[i]);
        if (err[i] == 0)
            assert_string_equal(r[i].bytes, in[i].p);
    }
    assert_string_equal(r[1].bytes, "no such 5");
    pool_results_free(r, COUNT);
    /* The error is the first one in the order of the inputs: here that of the killed worker. */
    assert_int_equal(pool_map(tasks, sleep_and_fail_sometimes, in + 2, 4, r), -ECHILD);
    pool_results_free(r, 4);
    pool_tasks_free(tasks);
}

TEST(an_empty_map_ends_at_once)
{
    struct pool_tasks *tasks = pool_tally_tasks(1, 0);
    assert_int_equal(pool_map(tasks, echo, NULL, 0, NULL), 0);
    pool_close(tasks);
    assert_int_equal(pool_map(tasks, echo, NULL, 0, NULL), 0);
    pool_tasks_free(tasks);
}

TEST(a_map_after_close_gives_an_error_for_each_input)
{
    static const struct str in[] = {{"a", 1}, {"b", 1}};
    struct pool_result r[2];
    struct pool_tasks *tasks = pool_tally_tasks(1, 0);
    pool_close(tasks);
    assert_int_equal(pool_map(tasks, echo, in, 2, r), -EPIPE);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(r[i].err, -EPIPE);
        assert_string_equal(r[i].bytes, "Broken pipe");
    }
    pool_results_free(r, 2);
    pool_tasks_free(tasks);
}

TEST(a_worker_leaves_after_its_maximum_of_tasks)
{
    enum { TASKS = 10, MAX = 3 };
    static struct str in[TASKS];
    struct pool_result r[TASKS];
    struct pool_tasks *tasks = pool_tally_tasks(1, MAX);
    assert_int_equal(pool_map(tasks, tell_pid, in, TASKS, r), 0);
    for (int i = 1; i < TASKS; i++)
        assert_int_equal(strcmp(r[i].bytes, r[i - 1].bytes) == 0, i % MAX != 0);
    assert_int_equal(pool_slot_restarts(pool_tasks_pool(tasks), 0), 0); /* planned, not a crash */
    pool_results_free(r, TASKS);
    pool_tasks_free(tasks);
}

TEST(thousands_of_queued_tasks_end_once_each)
{
    enum { TASKS = 10000 };
    struct tally t = {.tasks = pool_tally_tasks(2, 0)};
    pool_tally_submit(&t, pool_tally_twice, STR("x"), TASKS / 2);
    pool_tally_submit(&t, fail_with_text, STR("x"), TASKS / 2);
    assert_int_equal(pool_pending(t.tasks), TASKS);
    pool_close(t.tasks);
    assert_int_equal(pool_join(t.tasks, LEFTOVER_BOUND_MS), 0);
    assert_int_equal(t.results, TASKS / 2);
    assert_int_equal(t.errors, TASKS / 2);
    assert_int_equal(t.last_err, -ENOENT);
    assert_int_equal(t.id_sum, (uint64_t)TASKS * (TASKS + 1) / 2);
    pool_tasks_free(t.tasks);
}

/* Of every size, by workers that leave all the time. */
TEST(thousands_of_bytes_come_back_as_they_went)
{
    enum { TASKS = 10000, LARGE_EVERY = 20 };
    static char bytes[POOL_TASK_BYTES + 1000];
    static struct str in[TASKS];
    static struct pool_result r[TASKS];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)(i * 7 + i / 251);
    for (size_t i = 0; i < TASKS; i++)
        in[i] =
            (struct str){bytes + i % 1000, i % LARGE_EVERY ? i % 100 : POOL_TASK_BYTES - i / 20};
    struct pool_tasks *tasks = pool_tally_tasks(3, 100);
    assert_int_equal(pool_map(tasks, echo, in, TASKS, r), 0);
    for (int i = 0; i < TASKS; i++) {
        assert_int_equal(r[i].n, in[i].n);
        assert_int_equal(memcmp(r[i].bytes, in[i].p, in[i].n), 0);
    }
    pool_results_free(r, TASKS);
    pool_tasks_free(tasks);
}

/* --- callbacks -------------------------------------------------------------------------------- */

static void submit_another(void *ctx, uint64_t id, struct str out)
{
    struct tally *t = ctx;
    struct str half = {out.p, out.n / 2}; /* or it would double each time */
    struct pool_task task = {pool_tally_twice, half,
                             t->results == 9 ? pool_tally_result : submit_another, pool_tally_error,
                             t};
    t->results++;
    assert_int_equal(pool_submit(t->tasks, &task, NULL), 0);
}

TEST(a_callback_may_submit_the_next_task)
{
    struct tally t = {.tasks = pool_tally_tasks(1, 0)};
    struct pool_task task = {pool_tally_twice, STR("abc"), submit_another, pool_tally_error, &t};
    assert_int_equal(pool_submit(t.tasks, &task, NULL), 0);
    pool_tally_finish(&t);
    assert_int_equal(t.results, 11);
    assert_int_equal(t.errors, 0);
    pool_tasks_free(t.tasks);
}

static void submit_instead(void *ctx, uint64_t id, int err, struct str text)
{
    struct tally *t = ctx;
    pool_tally_error(ctx, id, err, text);
    pool_tally_submit(t, pool_tally_twice, STR("x"), 1);
}

/* That it is not run again by itself does not hinder anybody who knows better. */
TEST(an_error_callback_may_submit_again)
{
    struct tally t = {.tasks = pool_tally_tasks(1, 0)};
    struct pool_task task = {pool_tally_get_killed, STR(""), NULL, submit_instead, &t};
    assert_int_equal(pool_submit(t.tasks, &task, NULL), 0);
    pool_tally_finish(&t);
    assert_int_equal(t.errors, 1);
    assert_int_equal(t.last_err, -ECHILD);
    assert_int_equal(t.results, 1);
    pool_tasks_free(t.tasks);
}

TEST(a_task_without_callbacks_ends_as_well)
{
    struct tally t = {.tasks = pool_tally_tasks(1, 0)};
    struct pool_task good = {.fn = pool_tally_twice}, bad = {.fn = fail_with_text};
    uint64_t id[2];
    assert_int_equal(pool_submit(t.tasks, &good, &id[0]), 0);
    assert_int_equal(pool_submit(t.tasks, &bad, &id[1]), 0);
    assert_true(id[0] != id[1]);
    pool_tally_finish(&t);
    pool_tasks_free(t.tasks);
}

static void terminate_from(void *ctx, uint64_t id, struct str out)
{
    struct tally *t = ctx;
    t->results++;
    pool_terminate(t->tasks, 0);
}

TEST(a_callback_may_terminate_the_pool)
{
    struct tally t = {.tasks = pool_tally_tasks(2, 0)};
    struct pool_task task = {pool_tally_twice, STR("x"), terminate_from, pool_tally_error, &t};
    assert_int_equal(pool_submit(t.tasks, &task, NULL), 0);
    pool_tally_submit(&t, pool_tally_hang, STR(""), 10);
    pool_tally_finish(&t);
    assert_int_equal(t.results, 1);
    assert_int_equal(t.errors, 10);
    assert_int_equal(pool_join(t.tasks, 0), 0);
    pool_tasks_free(t.tasks);
}

static void terminate_on_error(void *ctx, uint64_t id, int err, struct str text)
{
    struct tally *t = ctx;
    struct pool_task more = {.fn = echo};
    t->errors++;
    t->last_err = err;
    t->id_sum += id;
    pool_terminate(t->tasks, 0);
    assert_int_equal(pool_submit(t->tasks, &more, NULL), -EPIPE);
}

/* Each cancelled task terminates the pool once more: that must not go deeper with each. */
TEST(a_hundred_thousand_callbacks_may_terminate_the_pool)
{
    enum { TASKS = 100000 };
    struct tally t = {.tasks = pool_tally_tasks(1, 0)};
    struct pool_task task = {pool_tally_hang, STR(""), NULL, terminate_on_error, &t};
    for (int i = 0; i < TASKS; i++)
        assert_int_equal(pool_submit(t.tasks, &task, NULL), 0);
    pool_terminate(t.tasks, 0);
    assert_int_equal(t.errors, TASKS);
    assert_int_equal(t.last_err, -ECANCELED);
    assert_int_equal(t.id_sum, (uint64_t)TASKS * (TASKS + 1) / 2);
    assert_int_equal(pool_join(t.tasks, 0), 0);
    pool_tasks_free(t.tasks);
}

static void note_signal(void *ctx, int signo)
{
    *(int *)ctx = signo;
}

TEST(a_watched_signal_is_heard_while_tasks_run)
{
    int heard = 0;
    struct pool_tasks_options options = {
        .name = "task", .workers = 1, .on_signal = note_signal, .ctx = &heard};
    struct tally t = {0};
    static const int signals[] = {SIGUSR2, 0};
    assert_int_equal(pool_tasks_new(&t.tasks, &options), 0);
    assert_int_equal(pool_watch_signals(pool_tasks_pool(t.tasks), signals), 0);
    pool_tally_submit(&t, pool_tally_twice, STR("x"), 5);
    kill(getpid(), SIGUSR2);
    pool_tally_finish(&t);
    assert_int_equal(heard, SIGUSR2);
    assert_int_equal(t.results, 5);
    pool_tasks_free(t.tasks);
}

EACH_BETWEEN(pool_tally_before, pool_tally_after)
