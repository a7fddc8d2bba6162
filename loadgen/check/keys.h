/* keys.h -- a key that was answered leads to that answer, and to nothing else, for as long as it is
 * kept: what is recorded for it, and what another request under it is told.
 *
 * Layer: check. Of KIND_LOOKUP and KIND_REUSE; look-ups after the load, and requests that are sent
 * again as they were, are for resolve.h.
 */
#ifndef LOADGEN_CHECK_KEYS_H
#define LOADGEN_CHECK_KEYS_H

#include "check/index.h"
#include "check/items.h"
#include "check/verdict.h"

/* index->effect must be complete. Counts in items what may have happened under a key that a restore
 * forgot. */
void keys_check(const struct index *index, struct item *items, struct verdict *v);

#endif
