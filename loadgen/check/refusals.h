/* refusals.h -- nobody is told that an item is not there once it was created.
 *
 * Layer: check. Refusals for want of stock are looked at with the item's numbers (numbers.h), those
 * about a reservation with its story (telling.h); what is left is "no such item".
 */
#ifndef LOADGEN_CHECK_REFUSALS_H
#define LOADGEN_CHECK_REFUSALS_H

#include "check/index.h"
#include "check/verdict.h"

/* index->effect must be complete. 0 or -ENOMEM. */
int refusals_check(const struct index *index, struct verdict *v)
    __attribute__((warn_unused_result));

#endif
