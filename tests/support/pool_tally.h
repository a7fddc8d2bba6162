/* pool_tally.h -- tasks for tests, and a count of how they ended.
 *
 * Tasks that say so leave a byte in a pipe, so that a test sees them run and can count how often:
 * pool_tally_before and pool_tally_after, a cmocka setup and teardown, open and close it.
 */
#pragma once

#include "clock.h"
#include "pool/task.h"
#include "support/leftover.h"

struct tally {
    struct pool_tasks *tasks;
    int results, errors, last_err;
    uint64_t id_sum;
    char last_text[128];
};

int pool_tally_before(void **state);
int pool_tally_after(void **state);

/* A pool of workers without an initializer. Fails the test when there is none. */
struct pool_tasks *pool_tally_tasks(size_t workers, uint64_t max_tasks);

/* Submits the task so many times; its ends are counted in t. */
void pool_tally_submit(struct tally *t, pool_task_fn *fn, struct str in, int times);

/* The callbacks of it: ctx is the struct tally. */
void pool_tally_result(void *ctx, uint64_t id, struct str out);
void pool_tally_error(void *ctx, uint64_t id, int err, struct str text);

/* Steps until no task is pending. Fails the test when a step fails. */
void pool_tally_finish(struct tally *t);

/* Leaves a byte, in a task. 0 or -EIO. */
int pool_tally_leave_trace(void);

/* Waits for a byte; counts those that are there. */
void pool_tally_await_trace(void);
int pool_tally_count_traces(void);

/* Tasks: the input twice; one that leaves a trace and never ends; the same without heed of
 * SIGTERM; one that is killed, without a trace. */
int pool_tally_twice(struct str in, struct buf *out);
int pool_tally_hang(struct str in, struct buf *out);
int pool_tally_refuse_to_stop(struct str in, struct buf *out);
int pool_tally_get_killed(struct str in, struct buf *out);

/* The first SOCK_SEQPACKET socket of this process from fd `from` on, or -1. */
int pool_tally_socket(int from);
