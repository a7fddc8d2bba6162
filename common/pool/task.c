/* task.c -- the queue, and which worker has which task. */
#include "pool/task.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#define RETRY_MS 10 /* after the kernel had no memory for a message */

struct task {
    STAILQ_ENTRY(task) link;
    uint64_t id;
    struct pool_task call; /* call.in points to bytes */
    char bytes[];
};

struct worker {
    struct task *task; /* what it works on */
    bool ready;        /* and may be sent a task, if it has none */
};

enum phase { OPEN, CLOSED, TERMINATED };

struct pool_tasks {
    struct pool_tasks_options options;
    struct pool *pool;
    struct worker *workers;
    STAILQ_HEAD(, task) queue; /* oldest first */
    size_t pending;            /* queued and running */
    uint64_t last_id;
    enum phase phase;
    char *packet; /* POOL_MESSAGE_MAX bytes, for one request */
};

/* The one place where a task ends. err is 0 and bytes the result, or -errno and bytes its text. */
static void end_task(struct pool_tasks *tasks, struct task *task, int err, struct str bytes)
{
    assert(err <= 0 && tasks->pending > 0);
    tasks->pending--;
    if (err == 0 && task->call.on_result)
        task->call.on_result(task->call.ctx, task->id, bytes);
    if (err != 0 && task->call.on_error)
        task->call.on_error(task->call.ctx, task->id, err, bytes);
    free(task);
}

static struct task *pop(struct pool_tasks *tasks)
{
    struct task *task = STAILQ_FIRST(&tasks->queue);
    if (task)
        STAILQ_REMOVE_HEAD(&tasks->queue, link);
    return task;
}

static struct task *take_from(struct worker *w)
{
    struct task *task = w->task;
    w->task = NULL;
    return task;
}

static void handle_ready(void *ctx, int slot)
{
    struct pool_tasks *tasks = ctx;
    assert(!tasks->workers[slot].task);
    tasks->workers[slot].ready = true;
}

/* A task wrote to the worker's socket, or forked and returned twice. Nothing that this worker says
 * can be trusted any more; handle_exit follows. */
static void drop_worker(struct pool_tasks *tasks, int slot)
{
    struct worker *w = &tasks->workers[slot];
    int pid = (int)pool_slot_pid(tasks->pool, slot);
    char text[96];
    w->ready = false;
    pool_signal_slot(tasks->pool, slot, SIGKILL);
    struct task *task = take_from(w);
    if (!task)
        return;
    snprintf(text, sizeof text, "worker %d (pid %d) sent something that is no answer to its task",
             slot, pid);
    end_task(tasks, task, -EPROTO, str_of(text));
}

static void handle_message(void *ctx, int slot, const void *bytes, size_t n)
{
    struct pool_tasks *tasks = ctx;
    struct worker *w = &tasks->workers[slot];
    struct poolworker_reply reply = {0};
    memcpy(&reply, bytes, n < sizeof reply ? n : sizeof reply);
    if (tasks->phase == TERMINATED)
        return; /* its task was cancelled */
    if (n < sizeof reply || !w->task || w->task->id != reply.id || reply.err > 0) {
        drop_worker(tasks, slot);
        return;
    }
    if (reply.leaving)
        w->ready = false;
    end_task(tasks, take_from(w), reply.err,
             (struct str){(const char *)bytes + sizeof reply, n - sizeof reply});
}

static void handle_exit(void *ctx, int slot, const struct pool_exit *end)
{
    struct pool_tasks *tasks = ctx;
    struct worker *w = &tasks->workers[slot];
    w->ready = false;
    struct task *task = take_from(w);
    if (!task)
        return;
    char how[64], text[96];
    if (end->signal)
        snprintf(how, sizeof how, "was killed by signal %d", end->signal);
    else if (end->status >= 0)
        snprintf(how, sizeof how, "ended with status %d", end->status);
    else
        snprintf(how, sizeof how, "ended, and its status is lost");
    snprintf(text, sizeof text, "worker %d (pid %d) %s", slot, (int)end->pid, how);
    end_task(tasks, task, -ECHILD, str_of(text));
}

static void handle_signal(void *ctx, int signo)
{
    struct pool_tasks *tasks = ctx;
    if (tasks->options.on_signal)
        tasks->options.on_signal(tasks->options.ctx, signo);
}

int pool_tasks_new(struct pool_tasks **out, const struct pool_tasks_options *options)
{
    assert(options->workers > 0 && options->name);
    struct pool_tasks *tasks = calloc(1, sizeof *tasks);
    if (!tasks)
        return -ENOMEM;
    tasks->options = *options;
    STAILQ_INIT(&tasks->queue);
    tasks->workers = calloc(options->workers, sizeof *tasks->workers);
    tasks->packet = malloc(POOL_MESSAGE_MAX);
    struct pool_events events = {tasks, handle_ready, handle_exit, handle_message, handle_signal};
    int rc = tasks->workers && tasks->packet ? pool_new(&tasks->pool, options->workers, &events)
                                             : -ENOMEM;
    for (size_t i = 0; rc == 0 && i < options->workers; i++) {
        struct pool_slot_options slot = {
            .name = options->name,
            .index = (int)i,
            .restart = POOL_ALWAYS,
            .never_fatal = true, /* a task may call exit with any status */
            .handshake = true,
            .init = poolworker_init,
            .run = poolworker_run,
            .arg = &tasks->options,
        };
        int number = pool_add(tasks->pool, &slot);
        rc = number < 0 ? number : 0;
    }
    if (rc == 0)
        rc = pool_start(tasks->pool);
    if (rc < 0)
        pool_tasks_free(tasks);
    else
        *out = tasks;
    return rc;
}

void pool_tasks_free(struct pool_tasks *tasks)
{
    if (!tasks)
        return;
    for (size_t i = 0; tasks->workers && i < tasks->options.workers; i++)
        free(tasks->workers[i].task);
    for (struct task *task; (task = pop(tasks)) != NULL;)
        free(task);
    pool_free(tasks->pool);
    free(tasks->workers);
    free(tasks->packet);
    free(tasks);
}

int pool_submit(struct pool_tasks *tasks, const struct pool_task *call, uint64_t *id)
{
    assert(call->fn);
    if (tasks->phase != OPEN)
        return -EPIPE;
    if (call->in.n > POOL_TASK_BYTES)
        return -EMSGSIZE;
    struct task *task = malloc(sizeof *task + call->in.n);
    if (!task)
        return -ENOMEM;
    *task = (struct task){.id = ++tasks->last_id, .call = *call};
    if (call->in.n > 0)
        memcpy(task->bytes, call->in.p, call->in.n);
    task->call.in.p = task->bytes;
    STAILQ_INSERT_TAIL(&tasks->queue, task, link);
    tasks->pending++;
    if (id)
        *id = task->id;
    return 0;
}

static int send_task(struct pool_tasks *tasks, int slot, const struct task *task)
{
    struct poolworker_request request = {task->id, task->call.fn};
    memcpy(tasks->packet, &request, sizeof request);
    memcpy(tasks->packet + sizeof request, task->call.in.p, task->call.in.n);
    return pool_send(tasks->pool, slot, tasks->packet, sizeof request + task->call.in.n);
}

/* Gives queued tasks to idle workers. A task that could not be sent stays queued: no worker has
 * seen it. Only one the kernel calls too large ends here. False when it is to be tried again soon,
 * though nothing may happen until then. */
static bool dispatch(struct pool_tasks *tasks)
{
    bool sent = true;
    for (size_t i = 0; !STAILQ_EMPTY(&tasks->queue) && i < tasks->options.workers; i++) {
        struct worker *w = &tasks->workers[i];
        if (!w->ready || w->task)
            continue;
        int rc = send_task(tasks, (int)i, STAILQ_FIRST(&tasks->queue));
        if (rc == 0)
            w->task = pop(tasks);
        else if (rc == -EMSGSIZE)
            end_task(tasks, pop(tasks), rc, STR("the kernel's socket buffer is too small"));
        else if (rc == -EPIPE)
            w->ready = false; /* it died idle; handle_exit follows */
        else
            sent = false;
    }
    return sent;
}

/* Ends everything accepted. Callbacks can not add more: the phase is no longer OPEN. */
static void cancel_all(struct pool_tasks *tasks, int err, struct str text)
{
    assert(tasks->phase == TERMINATED);
    for (size_t i = 0; i < tasks->options.workers; i++) {
        struct task *task = take_from(&tasks->workers[i]);
        if (task)
            end_task(tasks, task, err, text);
    }
    for (struct task *task; (task = pop(tasks)) != NULL;)
        end_task(tasks, task, err, text);
}

static void stop_workers(struct pool_tasks *tasks, int64_t grace_ms)
{
    for (size_t i = 0; i < tasks->options.workers; i++)
        pool_stop_slot(tasks->pool, (int)i, grace_ms);
}

/* There are tasks, and no worker runs or will. */
static bool stranded(const struct pool_tasks *tasks)
{
    for (size_t i = 0; i < tasks->options.workers; i++) {
        enum pool_state state = pool_slot_state(tasks->pool, (int)i);
        if (state != POOL_FAILED && state != POOL_ENDED)
            return false;
    }
    return tasks->pending > 0;
}

int pool_tasks_step(struct pool_tasks *tasks, int64_t timeout_ms)
{
    size_t before = tasks->pending;
    if (!dispatch(tasks) && (timeout_ms < 0 || timeout_ms > RETRY_MS))
        timeout_ms = RETRY_MS;
    /* A task that ended in dispatch may be the one the caller waits for: do not sleep then. */
    if (tasks->pending != before || stranded(tasks))
        timeout_ms = 0;
    int rc = pool_step(tasks->pool, timeout_ms);
    if (rc == 0 && stranded(tasks))
        rc = -ECANCELED;
    if (rc == 0) {
        dispatch(tasks); /* what it could not send, the next step does */
    } else if (tasks->phase != TERMINATED) {
        const char *why = pool_error(tasks->pool);
        tasks->phase = TERMINATED;
        stop_workers(tasks, 0);
        cancel_all(tasks, rc, str_of(*why ? why : "no worker is left"));
    }
    return rc;
}

void pool_close(struct pool_tasks *tasks)
{
    if (tasks->phase == OPEN)
        tasks->phase = CLOSED;
}

void pool_terminate(struct pool_tasks *tasks, int64_t grace_ms)
{
    bool again = tasks->phase == TERMINATED; /* by a callback that cancel_all calls, for one */
    tasks->phase = TERMINATED;
    stop_workers(tasks, grace_ms);
    if (!again)
        cancel_all(tasks, -ECANCELED, STR("the pool was terminated"));
}

int pool_join(struct pool_tasks *tasks, int64_t grace_ms)
{
    if (tasks->phase == OPEN)
        return -EBUSY;
    int rc = 0;
    while (tasks->pending > 0)
        rc = pool_tasks_step(tasks, -1);
    pool_stop(tasks->pool, grace_ms);
    return rc;
}

size_t pool_pending(const struct pool_tasks *tasks)
{
    return tasks->pending;
}

struct pool *pool_tasks_pool(struct pool_tasks *tasks)
{
    return tasks->pool;
}
