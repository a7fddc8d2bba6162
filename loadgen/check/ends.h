/* ends.h -- a reservation ends once, and not too early.
 *
 * Layer: check. Of what was confirmed, released or expired only one thing can happen to it; but one
 * that expired may be confirmed by who asked for its units to be taken again. What was ended never
 * goes on. Violations: ENDED_ONCE.
 */
#ifndef LOADGEN_CHECK_ENDS_H
#define LOADGEN_CHECK_ENDS_H

#include "check/timeline.h"
#include "check/verdict.h"

/* False, with a violation: what is said about it adds up to nothing then. */
bool ends_check(const struct timeline *story, const struct index *index, struct verdict *v);

#endif
