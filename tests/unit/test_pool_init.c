/* test_pool_init.c -- initializers that fail, crash, leave, hang, or work only once. */
#include "support/pool_seen.h"
#include "support/suite.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int answer_7(struct pool_child *child, void *arg)
{
    return 7;
}

/* As an exit status this would be 0. */
static int answer_256(struct pool_child *child, void *arg)
{
    return 256;
}

static int answer_enoent(struct pool_child *child, void *arg)
{
    return -ENOENT;
}

static int answer_no_errno(struct pool_child *child, void *arg)
{
    return INT32_MIN;
}

static int get_killed(struct pool_child *child, void *arg)
{
    raise(SIGKILL);
    return 0;
}

static int leave_with_0(struct pool_child *child, void *arg)
{
    _exit(0);
    return 1;
}

/* Even this is a failure: nothing was initialized. */
static int leave_as_planned(struct pool_child *child, void *arg)
{
    _exit(POOL_EXIT_AGAIN);
    return 1;
}

/* Writes to the socket, which is not its to write to, what begins as an answer. */
static int answer_half_then_7(struct pool_child *child, void *arg)
{
    unsigned char kind = POOL_WIRE_INIT;
    return send(child->fd, &kind, 1, MSG_NOSIGNAL) == 1 ? 7 : 8;
}

static int hang(struct pool_child *child, void *arg)
{
    while (pause() < 0)
        ;
    return 0;
}

/* One whose initializer is `init`, beside one that serves. */
static struct pool *new_pool(int (*init)(struct pool_child *, void *), void *arg)
{
    struct pool *pool = pool_seen_new(2);
    pool_seen_add(pool, pool_seen_serve, true, POOL_ALWAYS);
    struct pool_slot_options options = {.name = "bad",
                                        .init = init,
                                        .run = pool_seen_serve,
                                        .arg = arg,
                                        .restart = POOL_ALWAYS,
                                        .handshake = true};
    assert_int_equal(pool_add(pool, &options), 1);
    assert_int_equal(pool_start(pool), 0);
    return pool;
}

static void assert_failed_and_stays_down(struct pool *pool, const char *error)
{
    assert_string_equal(pool_error(pool), error);
    assert_int_equal(pool_step(pool, LEFTOVER_BOUND_MS), -ECANCELED);
    assert_int_equal(pool_slot_state(pool, 1), POOL_FAILED);
    assert_int_equal(pool_start_slot(pool, 1), -EBUSY);
    const struct pool_exit *last = &seen.exits[seen.exit_count - 1];
    assert_true(last->init_failed);
    assert_int_equal(last->restart_in_ms, -1);
    int exits = seen.exit_count;
    pool_stop(pool, LEFTOVER_BOUND_MS);
    assert_int_equal(seen.exit_count, exits + 1); /* of the one that served: the bad ended once */
    assert_int_equal(pool_alive(pool), 0);
    assert_int_equal(pool_start_slot(pool, 0), -ECANCELED);
    pool_free(pool);
}

TEST(an_initializer_that_fails_fails_the_pool_at_once)
{
    static const struct {
        int (*init)(struct pool_child *, void *);
        int err;
        const char *error;
    } rows[] = {
        {answer_7, 0, "the initializer of bad (slot 1) failed with status 7"},
        {answer_half_then_7, 0, "the initializer of bad (slot 1) failed with status 7"},
        {answer_256, 0, "the initializer of bad (slot 1) failed with status 256"},
        {answer_enoent, -ENOENT,
         "the initializer of bad (slot 1) failed: No such file or directory"},
        {answer_no_errno, 0, "the initializer of bad (slot 1) failed with status -2147483648"},
        {get_killed, 0, "the initializer of bad (slot 1) was killed by signal 9"},
        {leave_with_0, 0, "the initializer of bad (slot 1) failed with status 0"},
        {leave_as_planned, 0, "the initializer of bad (slot 1) failed with status 3"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        memset(&seen, 0, sizeof seen);
        struct pool *pool = new_pool(rows[i].init, NULL);
        assert_int_equal(pool_wait_ready(pool, LEFTOVER_BOUND_MS), -ECANCELED);
        assert_int_equal(seen.exit_count, 1);
        assert_int_equal(seen.exits[0].init_err, rows[i].err);
        assert_failed_and_stays_down(pool, rows[i].error);
    }
}

TEST(an_initializer_that_hangs_ends_the_wait_and_can_be_stopped)
{
    struct pool *pool = new_pool(hang, NULL);
    assert_int_equal(pool_wait_ready(pool, 50), -ETIMEDOUT);
    assert_int_equal(pool_slot_state(pool, 1), POOL_STARTING);
    pool_stop(pool, LEFTOVER_BOUND_MS);
    assert_int_equal(seen.exit_count, 2);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(seen.exits[i].signal, SIGTERM);
        assert_false(seen.exits[i].init_failed); /* it was told to */
    }
    assert_string_equal(pool_error(pool), "");
    pool_free(pool);
}

/* Every life leaves a byte in the pipe; only the first one works. */
static int work_once(struct pool_child *child, void *arg)
{
    const int *pipe_fds = arg;
    char lives[4];
    if (write(pipe_fds[1], "x", 1) != 1)
        return -EIO;
    ssize_t n = read(pipe_fds[0], lives, sizeof lives);
    if (n == 1 && write(pipe_fds[1], "x", 1) == 1)
        return 0;
    return -EAGAIN;
}

TEST(an_initializer_that_fails_in_a_later_life_fails_the_pool_too)
{
    int pipe_fds[2];
    assert_int_equal(pipe(pipe_fds), 0);
    struct pool *pool = new_pool(work_once, pipe_fds);
    assert_int_equal(pool_wait_ready(pool, LEFTOVER_BOUND_MS), 0);
    pool_signal_slot(pool, 1, SIGKILL);
    int rc = 0;
    for (int64_t end_ms = clock_mono_ms() + LEFTOVER_BOUND_MS; rc == 0;) {
        assert_true(clock_mono_ms() < end_ms);
        rc = pool_step(pool, 100);
    }
    assert_int_equal(rc, -ECANCELED);
    assert_int_equal(seen.exit_count, 2);
    assert_false(seen.exits[0].init_failed);
    assert_failed_and_stays_down(
        pool, "the initializer of bad (slot 1) failed: Resource temporarily unavailable");
    close(pipe_fds[0]);
    close(pipe_fds[1]);
}

EACH_BETWEEN(pool_seen_before, leftover_after)
