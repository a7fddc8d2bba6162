/* reservations.h -- a reservation leaves "held" once, in time, and is found as it was left.
 *
 * Layer: check. For each reservation: the transitions that took effect, and everything that was
 * said about it, must be one timeline (PROPERTY_ENDED_ONCE, LASTING, ANSWERS), in an order that
 * agrees with the order of time (LINEARIZABLE). Expiries come to light here: a get that shows one
 * becomes its evidence in index->effect. They are no operations of any client, so they have only a
 * bound: not before the time of the last reserve or extend is up, less what clocks may be off.
 */
#ifndef LOADGEN_CHECK_RESERVATIONS_H
#define LOADGEN_CHECK_RESERVATIONS_H

#include "check/index.h"
#include "check/items.h"
#include "check/verdict.h"

/* order: whether the order of time is looked at too. 0 or -ENOMEM. */
int reservations_check(struct index *index, struct item *items, bool order, struct verdict *v)
    __attribute__((warn_unused_result));

#endif
