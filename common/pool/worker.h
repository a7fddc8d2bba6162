/* worker.h -- what a worker of task.h is asked to be, and how it looks from inside: one
 * request, one reply, and again.
 *
 * Layer: common. poolworker_init and _run are for task.c only: they run in the child, and their
 * arg is the struct pool_tasks_options. A request and its reply are one message each: the head
 * below, then the bytes. The parent trusts nothing in a reply before it has looked, since a task
 * can write to any descriptor.
 */
#pragma once

#include "buf.h"
#include "pool/child.h"
#include "str.h"

#include <stddef.h>
#include <stdint.h>

#define POOL_TASK_BYTES (64 * 1024) /* at most, in and out */

/* Runs in a worker, which ignores SIGINT: the parent decides what Ctrl-C means. 0 and the result in
 * out, or -errno and, if it likes, a text in out. */
typedef int pool_task_fn(struct str in, struct buf *out);

struct pool_tasks_options {
    const char *name; /* of the workers; must outlive the pool */
    size_t workers;
    uint64_t max_tasks;     /* a worker leaves after so many and is forked anew; 0 for no limit */
    int (*init)(void *arg); /* in each new worker; other than 0 fails the pool, and pool_error says
                             * what it means as an -errno. NULL for none */
    void *arg;
    void (*on_signal)(void *ctx, int signo); /* of signals watched on pool_tasks_pool; or NULL */
    void *ctx;
};

struct poolworker_request {
    uint64_t id;
    pool_task_fn *fn;
};

struct poolworker_reply {
    uint64_t id;
    int32_t err;
    uint32_t leaving; /* the worker takes no more */
};

int poolworker_init(struct pool_child *child, void *arg);
int poolworker_run(struct pool_child *child, void *arg);
