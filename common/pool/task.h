/* task.h -- tasks for a pool of equal workers, as Python's multiprocessing.Pool without its
 * known faults.
 *
 * Layer: common, on pool.h. The parent owns the queue, each worker holds at most one task, so the
 * parent knows which task died with a worker: that one ends with -ECHILD and never runs again by
 * itself. A task is a function of the parent's own program (workers are forks, so its address
 * holds there too) with bytes in and bytes out. A worker that says what is no answer to its task is
 * killed, and the task ends with -EPROTO. The caller owns the pool: new .. free.
 *
 * Invariant: each accepted task ends exactly once, in on_result or on_error, in a pool_tasks_step,
 * pool_apply, pool_map, pool_terminate or pool_join; none is forgotten. Callbacks may submit, close
 * and terminate, not step, join or free.
 */
#pragma once

#include "pool/pool.h"
#include "pool/worker.h"

/* A task and who hears of its end; NULL for nobody. What the callbacks get lives only during the
 * call; text says in words what err (-errno) says. */
struct pool_task {
    pool_task_fn *fn;
    struct str in; /* copied */
    void (*on_result)(void *ctx, uint64_t id, struct str out);
    void (*on_error)(void *ctx, uint64_t id, int err, struct str text);
    void *ctx;
};

/* The end of a task as a value. bytes is from malloc and ends in a NUL not counted in n. */
struct pool_result {
    int err; /* 0, or -errno and bytes is its text */
    char *bytes;
    size_t n;
};

struct pool_tasks;

/* Forks the workers. They may still be busy with their initializer when this returns. */
int pool_tasks_new(struct pool_tasks **tasks, const struct pool_tasks_options *options) MUST_CHECK;

/* Kills what still runs. Tasks that have not ended are dropped without a callback. NULL is fine. */
void pool_tasks_free(struct pool_tasks *tasks);

/* Queues a task and gives its number (id may be NULL). -EPIPE once closed, -EMSGSIZE, -ENOMEM. */
int pool_submit(struct pool_tasks *tasks, const struct pool_task *task, uint64_t *id) MUST_CHECK;

/* Runs one task and waits for its end. Returns result->err. */
int pool_apply(struct pool_tasks *tasks, pool_task_fn *fn, struct str in,
               struct pool_result *result);

/* Runs fn on each input, waits for all; results[i] belongs to in[i] whatever the order they ended
 * in. Returns the error of the first input, in order, that has one, or 0. */
int pool_map(struct pool_tasks *tasks, pool_task_fn *fn, const struct str *in, size_t count,
             struct pool_result *results);

/* Frees what pool_apply and pool_map put into results, not the array. */
void pool_results_free(struct pool_result *results, size_t count);

/* Waits at most timeout_ms (< 0: for ever) for one turn of events. -ECANCELED when the pool has
 * failed: every task was ended with that error. */
int pool_tasks_step(struct pool_tasks *tasks, int64_t timeout_ms) MUST_CHECK;

/* No more tasks; those accepted run to their end. */
void pool_close(struct pool_tasks *tasks);

/* No more tasks; those accepted end now with -ECANCELED, workers get SIGTERM, then SIGKILL. Again,
 * with less grace, hurries. */
void pool_terminate(struct pool_tasks *tasks, int64_t grace_ms);

/* After close or terminate: steps until every task has ended and every worker is gone. -EBUSY when
 * the pool is still open, -ECANCELED when it failed over the last tasks. Again does nothing. */
int pool_join(struct pool_tasks *tasks, int64_t grace_ms) MUST_CHECK;

/* Tasks accepted and not ended. */
size_t pool_pending(const struct pool_tasks *tasks);

/* Below: for pids, states, restarts, watching signals. The slots are the workers, from 0 on. */
struct pool *pool_tasks_pool(struct pool_tasks *tasks);
