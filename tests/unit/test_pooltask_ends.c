/* test_pooltask_ends.c -- workers that die, leave or talk rubbish in the middle of a task, and
 * every way to end a pool. Each task ends once, with an error that says why. */
#include "pool/task.h"
#include "pool/worker.h"
#include "support/pool_tally.h"
#include "support/suite.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- workers that die ------------------------------------------------------------------------- */

static int die_if_told(struct str in, struct buf *out)
{
    if (!str_equal(in, STR("die")))
        return pool_tally_twice(in, out);
    if (pool_tally_leave_trace() == 0)
        raise(SIGKILL);
    return -EIO;
}

TEST(a_killed_worker_fails_only_its_own_task)
{
    static const struct str in[] = {{"a", 1}, {"die", 3}, {"b", 1}, {"c", 1}, {"d", 1}};
    struct pool_tasks *tasks = pool_tally_tasks(2, 0);
    struct pool *pool = pool_tasks_pool(tasks);
    struct pool_result r[5];
    char named[2][64];
    assert_int_equal(pool_wait_ready(pool, LEFTOVER_BOUND_MS), 0);
    for (int i = 0; i < 2; i++)
        snprintf(named[i], sizeof named[i], "worker %d (pid %d) was killed by signal 9", i,
                 (int)pool_slot_pid(pool, i));
    assert_int_equal(pool_map(tasks, die_if_told, in, 5, r), -ECHILD);
    assert_true(strcmp(r[1].bytes, named[0]) == 0 || strcmp(r[1].bytes, named[1]) == 0);
    for (int i = 0; i < 5; i++)
        assert_int_equal(r[i].err, i == 1 ? -ECHILD : 0);
    assert_string_equal(r[4].bytes, "dd");
    pool_results_free(r, 5);

    /* The slot is forked anew, and the task is not run again. */
    for (int64_t end_ms = clock_mono_ms() + LEFTOVER_BOUND_MS; pool_alive(pool) < 2;) {
        assert_true(clock_mono_ms() < end_ms);
        assert_int_equal(pool_tasks_step(tasks, 100), 0);
    }
    assert_int_equal(pool_map(tasks, die_if_told, in, 1, r), 0);
    pool_results_free(r, 1);
    assert_int_equal(pool_tally_count_traces(), 1);
    assert_int_equal(pool_slot_restarts(pool, 0) + pool_slot_restarts(pool, 1), 1);
    pool_tasks_free(tasks);
}

TEST(a_worker_that_is_killed_from_outside_fails_its_task)
{
    struct tally t = {.tasks = pool_tally_tasks(1, 0)};
    pool_tally_submit(&t, pool_tally_refuse_to_stop, STR(""), 1);
    pool_tally_submit(&t, pool_tally_twice, STR("x"), 3);
    assert_int_equal(pool_wait_ready(pool_tasks_pool(t.tasks), LEFTOVER_BOUND_MS), 0);
    assert_int_equal(pool_tasks_step(t.tasks, 0), 0);
    pool_tally_await_trace();
    kill(pool_slot_pid(pool_tasks_pool(t.tasks), 0), SIGKILL);
    pool_tally_finish(&t);
    assert_int_equal(t.errors, 1);
    assert_int_equal(t.last_err, -ECHILD);
    assert_int_equal(t.results, 3); /* by the worker that came after */
    assert_int_equal(pool_tally_count_traces(), 0);
    pool_tasks_free(t.tasks);
}

TEST(a_worker_that_dies_idle_loses_no_task)
{
    struct tally t = {.tasks = pool_tally_tasks(1, 0)};
    struct pool *pool = pool_tasks_pool(t.tasks);
    assert_int_equal(pool_wait_ready(pool, LEFTOVER_BOUND_MS), 0);
    int pidfd = pidfd_open(pool_slot_pid(pool, 0), 0);
    pool_signal_slot(pool, 0, SIGKILL);
    assert_int_equal(leftover_await_end(pidfd), 0);
    close(pidfd);
    pool_tally_submit(&t, pool_tally_twice, STR("x"), 3); /* the pool does not know of it yet */
    pool_tally_finish(&t);
    assert_int_equal(t.results, 3);
    assert_int_equal(pool_slot_restarts(pool, 0), 1);
    pool_tasks_free(t.tasks);
}

TEST(a_result_counts_though_its_worker_died_right_after)
{
    int from = dup(0);
    close(from);
    struct tally t = {.tasks = pool_tally_tasks(1, 0)};
    struct pool *pool = pool_tasks_pool(t.tasks);
    assert_int_equal(pool_wait_ready(pool, LEFTOVER_BOUND_MS), 0);
    int pidfd = pidfd_open(pool_slot_pid(pool, 0), 0);
    struct pollfd answer = {.fd = pool_tally_socket(from), .events = POLLIN};
    pool_tally_submit(&t, pool_tally_twice, STR("x"), 1);
    assert_int_equal(pool_tasks_step(t.tasks, 0), 0);
    if (t.results == 0)
        assert_int_equal(poll(&answer, 1, LEFTOVER_BOUND_MS), 1);
    pool_signal_slot(pool, 0, SIGKILL);
    assert_int_equal(leftover_await_end(pidfd), 0);
    close(pidfd);
    pool_tally_finish(&t);
    assert_int_equal(t.results, 1);
    assert_int_equal(t.errors, 0);
    pool_tasks_free(t.tasks);
}

/* --- workers that leave, and tasks that talk -------------------------------------------------- */

static int exit_with(struct str in, struct buf *out)
{
    exit(in.p[0] - '0');
    return -EIO;
}

/* Any status, those that mean something to a pool included. */
TEST(a_worker_that_exits_in_a_task_fails_it_and_is_forked_again)
{
    for (char status = '0'; status <= '4'; status++) {
        struct pool_tasks *tasks = pool_tally_tasks(1, 0);
        struct pool_result r;
        char text[40];
        snprintf(text, sizeof text, "ended with status %c", status);
        assert_int_equal(pool_apply(tasks, exit_with, (struct str){&status, 1}, &r), -ECHILD);
        assert_non_null(strstr(r.bytes, text));
        pool_results_free(&r, 1);
        assert_int_equal(pool_apply(tasks, pool_tally_twice, STR("x"), &r), 0);
        pool_results_free(&r, 1);
        pool_tasks_free(tasks);
    }
}

static int send_packet(const char *head, const void *bytes, size_t n)
{
    char packet[64];
    size_t head_n = strlen(head);
    memcpy(packet, head, head_n);
    if (n > 0)
        memcpy(packet + head_n, bytes, n);
    return send(pool_tally_socket(3), packet, head_n + n, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static int send_nothing(struct str in, struct buf *out)
{
    return send_packet("", NULL, 0);
}

static int send_an_unknown_kind(struct str in, struct buf *out)
{
    return send_packet("\377", "what", 4);
}

static int send_ready_again(struct str in, struct buf *out)
{
    return send_packet("\002", NULL, 0);
}

static int send_a_reply_to_another(struct str in, struct buf *out)
{
    struct poolworker_reply reply = {.id = 12345};
    return send_packet("\003", &reply, sizeof reply);
}

/* The first task of a pool has the number 1. */
static int send_half_a_reply(struct str in, struct buf *out)
{
    struct poolworker_reply reply = {.id = 1};
    return send_packet("\003", &reply, sizeof reply / 2);
}

static int send_an_impossible_error(struct str in, struct buf *out)
{
    struct poolworker_reply reply = {.id = 1, .err = 7};
    return send_packet("\003", &reply, sizeof reply);
}

static int send_too_much(struct str in, struct buf *out)
{
    static char huge[POOL_MESSAGE_MAX + 2];
    return send(pool_tally_socket(3), huge, sizeof huge, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static int close_the_socket(struct str in, struct buf *out)
{
    return close(pool_tally_socket(3));
}

static int hang_up(struct str in, struct buf *out)
{
    return shutdown(pool_tally_socket(3), SHUT_RDWR);
}

TEST(rubbish_on_the_socket_of_a_worker_ends_only_its_task)
{
    static const struct {
        pool_task_fn *fn;
        int err;
        const char *text;
    } rows[] = {
        {send_an_unknown_kind, 0, ""},
        {send_ready_again, 0, ""},
        {send_half_a_reply, -EPROTO, "sent something that is no answer to its task"},
        {send_a_reply_to_another, -EPROTO, "sent something that is no answer to its task"},
        {send_an_impossible_error, -EPROTO, "sent something that is no answer to its task"},
        {send_nothing, -ECHILD, "ended with status 1"},
        {send_too_much, -ECHILD, "ended with status 1"},
        {close_the_socket, -ECHILD, "ended with status 1"},
        {hang_up, -ECHILD, "ended with status 1"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct pool_tasks *tasks = pool_tally_tasks(1, 0);
        struct pool_result r;
        assert_int_equal(pool_apply(tasks, rows[i].fn, STR(""), &r), rows[i].err);
        assert_non_null(strstr(r.bytes, rows[i].text));
        pool_results_free(&r, 1);
        assert_int_equal(pool_apply(tasks, pool_tally_twice, STR("x"), &r), 0);
        assert_string_equal(r.bytes, "xx");
        pool_results_free(&r, 1);
        assert_int_equal(pool_slot_restarts(pool_tasks_pool(tasks), 0), rows[i].err != 0);
        pool_tasks_free(tasks);
    }
}

static int reply_twice(struct str in, struct buf *out)
{
    struct poolworker_reply reply = {.id = 1};
    return send_packet("\003", &reply, sizeof reply);
}

TEST(a_worker_that_answers_twice_is_replaced)
{
    struct pool_tasks *tasks = pool_tally_tasks(1, 0);
    struct pool_result r;
    assert_int_equal(pool_apply(tasks, reply_twice, STR(""), &r), 0);
    pool_results_free(&r, 1);
    int64_t end_ms = clock_mono_ms() + LEFTOVER_BOUND_MS;
    while (pool_slot_restarts(pool_tasks_pool(tasks), 0) == 0) {
        assert_true(clock_mono_ms() < end_ms);
        assert_int_equal(pool_tasks_step(tasks, 100), 0);
    }
    assert_int_equal(pool_apply(tasks, pool_tally_twice, STR("x"), &r), 0);
    assert_string_equal(r.bytes, "xx");
    pool_results_free(&r, 1);
    pool_tasks_free(tasks);
}

/* --- initializers ----------------------------------------------------------------------------- */

static int fail_init(void *arg)
{
    return -ENODEV;
}

static int crash_init(void *arg)
{
    raise(SIGKILL);
    return 0;
}

static int hang_init(void *arg)
{
    while (pause() < 0)
        ;
    return 0;
}

TEST(an_initializer_that_fails_ends_every_task)
{
    static const struct {
        int (*init)(void *);
        const char *text;
    } rows[] = {{fail_init, "failed: No such device"}, {crash_init, "was killed by signal 9"}};
    for (size_t i = 0; i < 2; i++) {
        struct pool_tasks_options options = {.name = "task", .workers = 3, .init = rows[i].init};
        struct tally t = {0};
        assert_int_equal(pool_tasks_new(&t.tasks, &options), 0);
        pool_tally_submit(&t, pool_tally_twice, STR("x"), 50);
        int rc = 0;
        while (pool_pending(t.tasks) > 0)
            rc = pool_tasks_step(t.tasks, LEFTOVER_BOUND_MS);
        assert_int_equal(rc, -ECANCELED);
        assert_int_equal(t.errors, 50);
        assert_int_equal(t.last_err, -ECANCELED);
        assert_string_equal(t.last_text, pool_error(pool_tasks_pool(t.tasks)));
        assert_non_null(strstr(t.last_text, rows[i].text));
        struct pool_result r;
        assert_int_equal(pool_apply(t.tasks, pool_tally_twice, STR("x"), &r), -EPIPE);
        pool_results_free(&r, 1);
        assert_int_equal(pool_join(t.tasks, 0), 0);
        pool_tasks_free(t.tasks);
    }
}

TEST(a_pool_whose_initializer_hangs_can_be_terminated)
{
    struct pool_tasks_options options = {.name = "task", .workers = 2, .init = hang_init};
    struct tally t = {0};
    assert_int_equal(pool_tasks_new(&t.tasks, &options), 0);
    pool_tally_submit(&t, pool_tally_twice, STR("x"), 5);
    assert_int_equal(pool_tasks_step(t.tasks, 20), 0);
    assert_int_equal(t.errors, 0);
    pool_terminate(t.tasks, LEFTOVER_BOUND_MS);
    assert_int_equal(t.errors, 5);
    assert_int_equal(pool_join(t.tasks, LEFTOVER_BOUND_MS), 0);
    pool_tasks_free(t.tasks);
}

/* --- ends of a pool --------------------------------------------------------------------------- */

/* C close, T terminate, J join, B join that finds the pool open, S one step. */
static void apply_ends(struct tally *t, const char *ends)
{
    struct pool_task more = {.fn = pool_tally_twice};
    for (const char *end = ends; *end; end++) {
        switch (*end) {
        case 'C': pool_close(t->tasks); break;
        case 'T': pool_terminate(t->tasks, 0); break;
        case 'J': assert_int_equal(pool_join(t->tasks, LEFTOVER_BOUND_MS), 0); break;
        case 'B': assert_int_equal(pool_join(t->tasks, LEFTOVER_BOUND_MS), -EBUSY); break;
        case 'S': assert_int_equal(pool_tasks_step(t->tasks, 0), 0); break;
        default: fail();
        }
        if (*end != 'S' && *end != 'B')
            assert_int_equal(pool_submit(t->tasks, &more, NULL), -EPIPE);
    }
}

TEST(a_pool_ends_in_any_order)
{
    static const char *const rows[] = {
        "",     "S",         "C",     "T",    "CJ",  "TJ",   "SCJ",  "STJ", "CTJ",
        "TCJ",  "CCJ",       "TTJ",   "BCJ",  "BTJ", "CJJ",  "TJJ",  "CJT", "TJC",
        "CJTJ", "BBCCJJTTJ", "CSTSJ", "TSSJ", "CJS", "TCJS", "TJST",
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        enum { TASKS = 40 };
        struct tally t = {.tasks = pool_tally_tasks(2, 7)};
        bool joins = strchr(rows[i], 'J'), drops = strchr(rows[i], 'T');
        pool_tally_submit(&t, pool_tally_twice, STR("x"), TASKS);
        apply_ends(&t, rows[i]);
        if (joins)
            assert_int_equal(pool_alive(pool_tasks_pool(t.tasks)), 0);
        if (joins || drops) {
            assert_int_equal(pool_pending(t.tasks), 0);
            assert_int_equal(t.results + t.errors, TASKS);
            assert_int_equal(t.id_sum, TASKS * (TASKS + 1) / 2);
        }
        if (!drops)
            assert_int_equal(t.errors, 0);
        else if (t.errors > 0)
            assert_int_equal(t.last_err, -ECANCELED);
        pool_tasks_free(t.tasks); /* the teardown looks for children and descriptors */
    }
}

static int sleep_a_little(struct str in, struct buf *out)
{
    usleep(10000);
    return pool_tally_leave_trace();
}

TEST(close_refuses_new_tasks_and_join_finishes_the_old)
{
    struct tally t = {.tasks = pool_tally_tasks(2, 0)};
    struct pool_task task = {.fn = pool_tally_twice};
    pool_tally_submit(&t, sleep_a_little, STR(""), 6);
    assert_int_equal(pool_join(t.tasks, 0), -EBUSY);
    assert_int_equal(t.results, 0);
    pool_close(t.tasks);
    assert_int_equal(pool_submit(t.tasks, &task, NULL), -EPIPE);
    assert_int_equal(pool_join(t.tasks, LEFTOVER_BOUND_MS), 0);
    assert_int_equal(t.results, 6);
    assert_int_equal(pool_tally_count_traces(), 6);
    assert_int_equal(pool_alive(pool_tasks_pool(t.tasks)), 0);
    pool_tasks_free(t.tasks);
}

/* Two workers in the middle of tasks that do not heed SIGTERM, and a queue. */
static void start_stubborn(struct tally *t)
{
    *t = (struct tally){.tasks = pool_tally_tasks(2, 0)};
    pool_tally_submit(t, pool_tally_refuse_to_stop, STR(""), 2);
    pool_tally_submit(t, pool_tally_twice, STR(""), 100);
    assert_int_equal(pool_wait_ready(pool_tasks_pool(t->tasks), LEFTOVER_BOUND_MS), 0);
    assert_int_equal(pool_tasks_step(t->tasks, 0), 0);
    pool_tally_await_trace();
    pool_tally_await_trace();
}

TEST(terminate_ends_running_and_queued_tasks)
{
    struct tally t;
    start_stubborn(&t);
    int64_t start_ms = clock_mono_ms();
    pool_terminate(t.tasks, 100);
    assert_int_equal(t.errors, 102); /* at once, not after the grace */
    assert_int_equal(t.last_err, -ECANCELED);
    assert_string_equal(t.last_text, "the pool was terminated");
    assert_int_equal(pool_pending(t.tasks), 0);
    assert_int_equal(pool_alive(pool_tasks_pool(t.tasks)), 2);
    assert_int_equal(pool_join(t.tasks, LEFTOVER_BOUND_MS), 0);
    assert_true(clock_mono_ms() - start_ms >= 100); /* they had their grace */
    assert_int_equal(pool_alive(pool_tasks_pool(t.tasks)), 0);
    pool_tasks_free(t.tasks);
}

TEST(a_second_terminate_with_less_grace_hurries)
{
    struct tally t;
    start_stubborn(&t);
    pool_terminate(t.tasks, 10 * INT64_C(60000));
    pool_terminate(t.tasks, 0);
    alarm(LEFTOVER_BOUND_MS / 1000); /* ends this program when the join takes those minutes */
    assert_int_equal(pool_join(t.tasks, 10 * INT64_C(60000)), 0);
    alarm(0);
    assert_int_equal(t.errors, 102);
    pool_tasks_free(t.tasks);
}

TEST(a_stopped_worker_does_not_hold_up_the_end)
{
    struct tally t = {.tasks = pool_tally_tasks(1, 0)};
    struct pool *pool = pool_tasks_pool(t.tasks);
    siginfo_t info;
    assert_int_equal(pool_wait_ready(pool, LEFTOVER_BOUND_MS), 0);
    pool_signal_slot(pool, 0, SIGSTOP);
    assert_int_equal(waitid(P_PID, (id_t)pool_slot_pid(pool, 0), &info, WSTOPPED), 0);
    pool_tally_submit(&t, pool_tally_twice, STR("x"), 2);
    assert_int_equal(pool_tasks_step(t.tasks, 20), 0);
    pool_terminate(t.tasks, 50);
    assert_int_equal(pool_join(t.tasks, 50), 0);
    assert_int_equal(t.errors, 2);
    pool_tasks_free(t.tasks);
}

TEST(without_any_worker_left_tasks_end_instead_of_waiting)
{
    struct tally t = {.tasks = pool_tally_tasks(2, 0)};
    pool_stop(pool_tasks_pool(t.tasks), LEFTOVER_BOUND_MS);
    pool_tally_submit(&t, pool_tally_twice, STR("x"), 5);
    alarm(LEFTOVER_BOUND_MS / 1000); /* ends this program when the step waits for ever */
    assert_int_equal(pool_tasks_step(t.tasks, -1), -ECANCELED);
    alarm(0);
    assert_int_equal(t.errors, 5);
    assert_string_equal(t.last_text, "no worker is left");
    pool_tasks_free(t.tasks);
}

TEST(freeing_a_busy_pool_leaves_nothing)
{
    struct tally t;
    start_stubborn(&t);
    pool_tasks_free(t.tasks);
    assert_int_equal(t.errors, 0); /* nobody is called any more */
}

EACH_BETWEEN(pool_tally_before, pool_tally_after)
