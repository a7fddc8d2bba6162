/* poolworker.h -- a worker of pooltask.h as seen from inside: one request, one reply, and again.
 *
 * Layer: common, for pooltask.c only. Both run in the child; arg is the struct pool_tasks_options.
 * A request and its reply are one message each: the head below, then the bytes. The parent trusts
 * nothing in a reply before it has looked, since a task can write to any descriptor.
 */
#ifndef COMMON_POOLWORKER_H
#define COMMON_POOLWORKER_H

#include "pooltask.h"

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

#endif
