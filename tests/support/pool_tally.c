#include "support/pool_tally.h"
#include "support/suite.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int traces[2];

int pool_tally_before(void **state)
{
    if (leftover_before(state) != 0)
        return -1;
    return pipe2(traces, O_CLOEXEC | O_NONBLOCK);
}

int pool_tally_after(void **state)
{
    close(traces[0]);
    close(traces[1]);
    return leftover_after(state);
}

struct pool_tasks *pool_tally_tasks(size_t workers, uint64_t max_tasks)
{
    struct pool_tasks_options options = {
        .name = "task", .workers = workers, .max_tasks = max_tasks};
    struct pool_tasks *tasks;
    assert_int_equal(pool_tasks_new(&tasks, &options), 0);
    return tasks;
}

void pool_tally_result(void *ctx, uint64_t id, struct str out)
{
    struct tally *t = ctx;
    t->results++;
    t->id_sum += id;
}

void pool_tally_error(void *ctx, uint64_t id, int err, struct str text)
{
    struct tally *t = ctx;
    assert_true(err < 0 && text.n > 0);
    t->errors++;
    t->last_err = err;
    t->id_sum += id;
    snprintf(t->last_text, sizeof t->last_text, "%.*s", STR_ARG(text));
}

void pool_tally_submit(struct tally *t, pool_task_fn *fn, struct str in, int times)
{
    struct pool_task task = {fn, in, pool_tally_result, pool_tally_error, t};
    for (int i = 0; i < times; i++)
        assert_int_equal(pool_submit(t->tasks, &task, NULL), 0);
}

void pool_tally_finish(struct tally *t)
{
    int64_t end_ms = clock_mono_ms() + LEFTOVER_BOUND_MS;
    while (pool_pending(t->tasks) > 0) {
        assert_true(clock_mono_ms() < end_ms);
        assert_int_equal(pool_tasks_step(t->tasks, 100), 0);
    }
}

int pool_tally_leave_trace(void)
{
    return write(traces[1], "x", 1) == 1 ? 0 : -EIO;
}

void pool_tally_await_trace(void)
{
    struct pollfd p = {.fd = traces[0], .events = POLLIN};
    char byte;
    assert_int_equal(poll(&p, 1, LEFTOVER_BOUND_MS), 1);
    assert_int_equal(read(traces[0], &byte, 1), 1);
}

int pool_tally_count_traces(void)
{
    char bytes[64];
    ssize_t n = read(traces[0], bytes, sizeof bytes);
    return n > 0 ? (int)n : 0;
}

int pool_tally_twice(struct str in, struct buf *out)
{
    buf_puts(out, in);
    buf_puts(out, in);
    return 0;
}

int pool_tally_hang(struct str in, struct buf *out)
{
    if (pool_tally_leave_trace() != 0)
        return -EIO;
    while (pause() < 0)
        ;
    return -EINTR;
}

int pool_tally_refuse_to_stop(struct str in, struct buf *out)
{
    signal(SIGTERM, SIG_IGN);
    return pool_tally_hang(in, out);
}

int pool_tally_get_killed(struct str in, struct buf *out)
{
    raise(SIGKILL);
    return -EIO;
}

int pool_tally_socket(int from)
{
    for (int fd = from; fd < 1024; fd++) {
        int type;
        socklen_t size = sizeof type;
        if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_SEQPACKET)
            return fd;
    }
    return -1;
}
