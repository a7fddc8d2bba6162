/* overdue.h -- a reservation that is still held long after its time.
 *
 * Layer: check. A server writes an expiry within about a second (api.md); one that has not written
 * it after HISTORY_OVERDUE_NS keeps units from everybody. Whether there is evidence is up to the
 * settling, which looks at held reservations that long.
 */
#ifndef LOADGEN_CHECK_OVERDUE_H
#define LOADGEN_CHECK_OVERDUE_H

#include "check/story.h"
#include "check/verdict.h"

/* Of a gathered story. A violation of ENDED_ONCE. */
void overdue_check(const struct story *story, const struct index *index, struct verdict *v);

#endif
