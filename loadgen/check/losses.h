/* losses.h -- what was acknowledged and then undone by a restore of the service.
 *
 * Layer: check. One violation of LASTING for each item and restore: how many transitions are gone,
 * up to which version the ledger had the item, and the first that it did not have. Which
 * reservations are not there any more is found where they are read (reservation_rules.h).
 */
#ifndef LOADGEN_CHECK_LOSSES_H
#define LOADGEN_CHECK_LOSSES_H

#include "check/index.h"
#include "check/verdict.h"

/* index->effect says what took effect. 0 or -ENOMEM. */
int losses_check(const struct index *index, struct verdict *v) __attribute__((warn_unused_result));

#endif
