/* restores.h -- how often the service was restored in its life, as GET /readyz tells it.
 *
 * Layer: loadgen, on caller.h. Asked before the set-up and at the end of the settling: the
 * difference is how often it happened during the run, and so how many jumps of the versions the
 * checker may believe. A server that has no such page, or does not count, was never restored.
 */
#ifndef LOADGEN_RUN_RESTORES_H
#define LOADGEN_RUN_RESTORES_H

#include "client/target.h"
#include "run/setup.h"

#define RESTORES_UNKNOWN (-1) /* nobody said */

/* Waits for the service to be ready, as long as the set-up would. 0, with RESTORES_UNKNOWN when it
 * did not become ready or there is nobody; -EINTR; -ENOMEM and the like. */
int restores_ask(const struct target *target, step_progress_fn *progress, void *ctx,
                 int64_t *restores) __attribute__((warn_unused_result));

/* What the body of a 200 says: 0 when it says nothing of restores. */
int64_t restores_read(struct str body) __attribute__((warn_unused_result));

/* Between the two: 0 unless both are known. */
uint32_t restores_between(int64_t before, int64_t after) __attribute__((warn_unused_result));

#endif
