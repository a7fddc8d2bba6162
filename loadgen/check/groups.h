/* groups.h -- a step of the check that falls into groups: done here, or in worker processes.
 *
 * Layer: check, on common/pool. A group is a row of numbers, mostly of items, and what is found of
 * it depends on nothing that is found of another one. It goes out as a task and comes back as
 * bytes; the caller takes the results in the order of the groups, whoever found them when. Workers
 * are forked for the step: they see all that the caller has, and what they change stays theirs, but
 * for memory from shared_alloc. Groups and what is made of them are to depend on the history alone:
 * then the outcome is the same, byte for byte, for any number of workers.
 *
 * Invariant: either every result is taken, or the step fails. A group whose worker died is not
 * tried again: what killed that one, as want of memory does, would strike again.
 */
#pragma once

#include "buf.h"
#include "check/verdict.h"
#include "pool/worker.h"
#include "str.h"

#include <stddef.h>
#include <stdint.h>

#define GROUPS_MAX       64
#define GROUPS_FOUND_MAX POOL_TASK_BYTES

struct group {
    uint32_t first, end; /* first .. end - 1 */
};

struct groups {
    size_t count;
    struct group all[GROUPS_MAX];
};

/* Cuts numbers 0 .. n - 1 into at most `most` groups of about the same weight: number i weighs
 * start[i + 1] - start[i]. */
void groups_cut(struct groups *groups, const size_t *start, uint32_t n, size_t most);

struct groups_work {
    void *ctx;
    /* Perhaps in a worker. At most GROUPS_FOUND_MAX bytes; 0 or -errno. */
    int (*find)(void *ctx, struct group group, struct buf *out);
    void (*take)(void *ctx, struct group group, struct str found);
};

/* The step as a whole, in as many processes; 0 and 1 mean this one. So it is as well where none can
 * be forked. -ECHILD when a worker died, with how in why; another -errno when a find failed. */
int groups_run(const struct groups *groups, const struct groups_work *work, unsigned workers,
               char why[WITNESS_TEXT_SIZE]) MUST_CHECK;
