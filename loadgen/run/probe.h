/* probe.h -- what the service says of itself: how often it was restored, how often its Redis may
 * have failed over, what its answers wait for, and its own counters.
 *
 * Layer: loadgen, on caller.h. A server need not have such pages, or count at all: then it was
 * never restored, nothing ever failed over and there is no sample, and nothing is wrong.
 *
 * GET /readyz is asked before the set-up and at the end of the settling: the difference is how
 * often a restore happened during the run, and so how many jumps of the versions the checker may
 * believe; and how often a Redis may have taken over, with versions that go backwards.
 */
#pragma once

#include "client/target.h"
#include "history/format.h"
#include "run/setup.h"

#define PROBE_UNKNOWN (-1) /* nobody said */

struct probe_ready {
    int64_t restores, failovers; /* in the store's life; PROBE_UNKNOWN: both */
    bool waits;                  /* a success waits until replicas or a ledger have its effect */
};

/* Waits for the service to be ready, as long as the set-up would. 0, with PROBE_UNKNOWN when it
 * did not become ready or there is nobody; -EINTR; -ENOMEM and the like. */
int probe_ready(const struct target *target, step_progress_fn *progress, void *ctx,
                struct probe_ready *ready) MUST_CHECK;

/* What the body of a 200 says: zeros where it says nothing. */
struct probe_ready probe_ready_said(struct str body) MUST_CHECK;

/* Between the two counts: 0 unless both are known. */
uint32_t probe_between(int64_t before, int64_t after) MUST_CHECK;

#define PROBE_ASKED_MAX 16

/* Asks /metrics `asked` times, over as many connections at once, for limit_ns at most: behind a
 * balancer these are answered by several services. How many told their counters; a sample of each
 * is in `sample`, and in at_ns the moment of its last answer by the clock of load_now_ns. */
unsigned probe_metrics(const struct target *target, unsigned asked, uint64_t limit_ns,
                       struct history_sample sample[PROBE_ASKED_MAX]) MUST_CHECK;

/* What such an answer says, without the moment. False: it lacks a counter, or does not say which
 * service counts there. */
bool probe_counters_said(struct str body, struct history_sample *sample) MUST_CHECK;
