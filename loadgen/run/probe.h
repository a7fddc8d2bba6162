/* probe.h -- what the service says of itself: how often it was restored, and its own counters.
 *
 * Layer: loadgen, on caller.h. A server need not have such pages, or count at all: then it was
 * never restored and there is no sample, and nothing is wrong.
 *
 * GET /readyz is asked before the set-up and at the end of the settling: the difference is how
 * often a restore happened during the run, and so how many jumps of the versions the checker may
 * believe.
 */
#pragma once

#include "client/target.h"
#include "history/format.h"
#include "run/setup.h"

#define RESTORES_UNKNOWN (-1) /* nobody said */

/* Waits for the service to be ready, as long as the set-up would. 0, with RESTORES_UNKNOWN when it
 * did not become ready or there is nobody; -EINTR; -ENOMEM and the like. */
int probe_restores(const struct target *target, step_progress_fn *progress, void *ctx,
                   int64_t *restores) MUST_CHECK;

/* What the body of a 200 says: 0 when it says nothing of restores. */
int64_t probe_restores_said(struct str body) MUST_CHECK;

/* Between the two: 0 unless both are known. */
uint32_t probe_restores_between(int64_t before, int64_t after) MUST_CHECK;

/* Asks /metrics once, for a fraction of a second at most. True: sample holds the counters, and in
 * at_ns the moment of the answer by the clock of load_now_ns. */
bool probe_metrics(const struct target *target, struct history_sample *sample) MUST_CHECK;
