/* pooltask.c -- a queue in the parent, a loop in each worker. */
#include "pooltask.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct task {
    struct task *next;
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
    struct task *head;  /* queued, oldest first */
    struct task **tail; /* where the next one goes */
    size_t pending;     /* queued and running */
    uint64_t last_id;
    enum phase phase;
    char *packet; /* POOL_MESSAGE_MAX bytes, for one request */
};

/* The heads of the two messages; bytes follow. */
struct request {
    uint64_t id;
    pool_task_fn *fn;
};

struct reply {
    uint64_t id;
    int32_t err;
    uint32_t leaving; /* the worker takes no more */
};

static_assert(sizeof(struct request) + POOL_TASK_BYTES <= POOL_MESSAGE_MAX, "a request must fit");
static_assert(sizeof(struct reply) + POOL_TASK_BYTES <= POOL_MESSAGE_MAX, "a reply must fit");

/* --- in the worker -----------------------------------------------------------------------------
 */

static int worker_init(struct pool_child *child, void *arg)
{
    const struct pool_tasks *tasks = arg;
    return tasks->options.init ? tasks->options.init(tasks->options.arg) : 0;
}

/* Runs one request and appends its reply to packet, which it empties first. */
static void run_task(const struct request *request, struct str in, bool leaving, struct buf *out,
                     struct buf *packet)
{
    struct reply reply = {.id = request->id, .leaving = leaving};
    buf_reset(out);
    reply.err = request->fn(in, out);
    assert(reply.err <= 0);
    if (out->failed) {
        buf_reset(out);
        reply.err = -EMSGSIZE;
    }
    if (reply.err != 0 && out->n == 0)
        buf_puts(out, str_of(strerror(-reply.err)));
    buf_reset(packet);
    buf_put(packet, &reply, sizeof reply);
    buf_puts(packet, buf_str(out));
}

static int worker_run(struct pool_child *child, void *arg)
{
    const struct pool_tasks *tasks = arg;
    char *message = malloc(POOL_MESSAGE_MAX);
    struct buf out, packet;
    buf_init(&out, POOL_TASK_BYTES);
    buf_init(&packet, POOL_MESSAGE_MAX);
    int status = message && pool_ready(child) == 0 ? 0 : 1;

    for (uint64_t done = 1; status == 0; done++) {
        ssize_t n = pool_child_receive(child, message, POOL_MESSAGE_MAX, -1);
        if (n < (ssize_t)sizeof(struct request)) {
            status = 1; /* the parent is gone, and so will we be */
            break;
        }
        struct request request;
        memcpy(&request, message, sizeof request);
        struct str in = {message + sizeof request, (size_t)n - sizeof request};
        bool leaving = tasks->options.max_tasks > 0 && done >= tasks->options.max_tasks;
        run_task(&request, in, leaving, &out, &packet);
        if (packet.failed || pool_child_send(child, packet.p, packet.n) != 0)
            status = 1;
        else if (leaving)
            status = POOL_EXIT_AGAIN;
    }
    free(message);
    buf_free(&out);
    buf_free(&packet);
    return status;
}

/* --- in the parent -----------------------------------------------------------------------------
 */

/* The one place where a task ends. err is 0 and bytes the result, or -errno and bytes its text. */
static void finish(struct pool_tasks *tasks, struct task *task, int err, struct str bytes)
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
    struct task *task = tasks->head;
    if (!task)
        return NULL;
    tasks->head = task->next;
    if (!tasks->head)
        tasks->tail = &tasks->head;
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

static void handle_message(void *ctx, int slot, const void *bytes, size_t n)
{
    struct pool_tasks *tasks = ctx;
    struct worker *w = &tasks->workers[slot];
    struct reply reply;
    assert(n >= sizeof reply);
    memcpy(&reply, bytes, sizeof reply);
    if (reply.leaving)
        w->ready = false;
    struct task *task = take_from(w);
    if (!task)
        return; /* it was cancelled meanwhile */
    assert(task->id == reply.id);
    finish(tasks, task, reply.err,
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
    char text[96];
    if (end->signal)
        snprintf(text, sizeof text, "worker %d (pid %d) was killed by signal %d", slot,
                 (int)end->pid, end->signal);
    else
        snprintf(text, sizeof text, "worker %d (pid %d) ended with status %d", slot, (int)end->pid,
                 end->status);
    finish(tasks, task, -ECHILD, str_of(text));
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
    tasks->tail = &tasks->head;
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
            .handshake = true,
            .init = worker_init,
            .run = worker_run,
            .arg = tasks,
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
    *tasks->tail = task;
    tasks->tail = &task->next;
    tasks->pending++;
    if (id)
        *id = task->id;
    return 0;
}

static int send_task(struct pool_tasks *tasks, int slot, const struct task *task)
{
    struct request request = {task->id, task->call.fn};
    memcpy(tasks->packet, &request, sizeof request);
    memcpy(tasks->packet + sizeof request, task->bytes, task->call.in.n);
    return pool_send(tasks->pool, slot, tasks->packet, sizeof request + task->call.in.n);
}

/* Gives queued tasks to idle workers. A task that could not be sent stays queued: no worker has
 * seen it. Only one the kernel calls too large ends here. */
static void dispatch(struct pool_tasks *tasks)
{
    for (size_t i = 0; tasks->head && i < tasks->options.workers; i++) {
        struct worker *w = &tasks->workers[i];
        if (!w->ready || w->task)
            continue;
        int rc = send_task(tasks, (int)i, tasks->head);
        if (rc == 0)
            w->task = pop(tasks);
        else if (rc == -EMSGSIZE)
            finish(tasks, pop(tasks), rc, STR("the kernel's socket buffer is too small"));
        else if (rc == -EPIPE)
            w->ready = false; /* it died idle; handle_exit follows */
    }
}

/* Ends everything accepted. Callbacks can not add more: the phase is no longer OPEN. */
static void cancel_all(struct pool_tasks *tasks, int err, struct str text)
{
    assert(tasks->phase == TERMINATED);
    for (size_t i = 0; i < tasks->options.workers; i++) {
        struct task *task = take_from(&tasks->workers[i]);
        if (task)
            finish(tasks, task, err, text);
    }
    for (struct task *task; (task = pop(tasks)) != NULL;)
        finish(tasks, task, err, text);
}

/* A worker that runs, or will. */
static bool any_hope(const struct pool_tasks *tasks)
{
    for (size_t i = 0; i < tasks->options.workers; i++) {
        enum pool_state state = pool_slot_state(tasks->pool, (int)i);
        if (state != POOL_FAILED && state != POOL_ENDED)
            return true;
    }
    return false;
}

int pool_tasks_step(struct pool_tasks *tasks, int64_t timeout_ms)
{
    size_t before = tasks->pending;
    dispatch(tasks);
    /* A task that ended in dispatch may be the one the caller waits for: do not sleep then. */
    int rc = pool_step(tasks->pool, tasks->pending == before ? timeout_ms : 0);
    if (rc == 0 && tasks->phase != TERMINATED && !any_hope(tasks))
        rc = -ECANCELED;
    if (rc == 0) {
        dispatch(tasks);
    } else if (tasks->phase != TERMINATED) {
        const char *why = pool_error(tasks->pool);
        tasks->phase = TERMINATED;
        for (size_t i = 0; i < tasks->options.workers; i++)
            pool_stop_slot(tasks->pool, (int)i, 0);
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
    tasks->phase = TERMINATED;
    for (size_t i = 0; i < tasks->options.workers; i++)
        pool_stop_slot(tasks->pool, (int)i, grace_ms);
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

/* --- waiting for results -----------------------------------------------------------------------
 */

struct waiter {
    struct pool_result *result;
    size_t *left;
};

static void store(struct waiter *w, int err, struct str bytes)
{
    char *copy = malloc(bytes.n + 1);
    *w->result = (struct pool_result){copy ? err : -ENOMEM, copy, copy ? bytes.n : 0};
    if (copy) {
        memcpy(copy, bytes.p, bytes.n);
        copy[bytes.n] = '\0';
    }
    --*w->left;
}

static void store_result(void *ctx, uint64_t id, struct str out)
{
    store(ctx, 0, out);
}

static void store_error(void *ctx, uint64_t id, int err, struct str text)
{
    store(ctx, err, text);
}

int pool_map(struct pool_tasks *tasks, pool_task_fn *fn, const struct str *in, size_t count,
             struct pool_result *results)
{
    struct waiter *waiters = calloc(count ? count : 1, sizeof *waiters);
    size_t left = count;
    for (size_t i = 0; i < count; i++) {
        struct waiter refused = {&results[i], &left};
        struct pool_task task = {fn, in[i], store_result, store_error,
                                 waiters ? &waiters[i] : NULL};
        int rc = waiters ? 0 : -ENOMEM;
        if (rc == 0) {
            waiters[i] = refused;
            rc = pool_submit(tasks, &task, NULL);
        }
        if (rc < 0)
            store(&refused, rc, str_of(strerror(-rc)));
    }
    int rc = 0;
    while (left > 0 && rc == 0)
        rc = pool_tasks_step(tasks, -1);
    assert(left == 0); /* a step that fails has ended every task */
    free(waiters);
    rc = 0;
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = results[i].err;
    return rc;
}

int pool_apply(struct pool_tasks *tasks, pool_task_fn *fn, struct str in,
               struct pool_result *result)
{
    return pool_map(tasks, fn, &in, 1, result);
}

void pool_results_free(struct pool_result *results, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(results[i].bytes);
}

size_t pool_pending(const struct pool_tasks *tasks)
{
    return tasks->pending;
}

struct pool *pool_tasks_pool(struct pool_tasks *tasks)
{
    return tasks->pool;
}
