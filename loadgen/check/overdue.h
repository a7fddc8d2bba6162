/* overdue.h -- a reservation after its time: changed all the same, or held for long.
 *
 * Layer: check. All times are the clients', so no clocks need agree: the time to live begins, at
 * the latest, when the answer that gave it was read, and a request is decided, at the earliest,
 * when it was sent. A confirm, release or extend that was sent later than the time allows, but for
 * what a server may take to look at its clock, had to be refused.
 *
 * A server writes an expiry within about a second; one that has not written it after
 * HISTORY_OVERDUE_NS keeps units from everybody. Whether there is evidence is up to the settling,
 * which looks at held reservations that long.
 */
#ifndef LOADGEN_CHECK_OVERDUE_H
#define LOADGEN_CHECK_OVERDUE_H

#include "check/timeline.h"
#include "check/verdict.h"

/* Of a gathered story. Violations of ENDED_ONCE. */
void overdue_check(const struct timeline *story, const struct index *index, struct verdict *v);

#endif
