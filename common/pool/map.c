/* map.c -- the part of task.h that waits for results and keeps them. */
#include "pool/task.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

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
