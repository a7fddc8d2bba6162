/* coverage.h -- how much there was to check, so that a pass is not empty.
 *
 * Layer: check. Counts what the clients did during the load, without set-up and settling.
 */
#ifndef LOADGEN_CHECK_COVERAGE_H
#define LOADGEN_CHECK_COVERAGE_H

#include "check/index.h"
#include "check/verdict.h"

/* Attempts, outcomes, effects, replays; what became of the unknown ones. */
void coverage_count(const struct index *index, struct coverage *c);

/* The most requests that were in flight at one time on one item: exact. 0, or what groups_run says,
 * with why_unknown. */
int coverage_flight(const struct index *index, unsigned workers, struct verdict *v) MUST_CHECK;

#endif
