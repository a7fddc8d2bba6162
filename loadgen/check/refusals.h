/* refusals.h -- refusals that are judged by what others were told.
 *
 * Layer: check. Refusals for want of stock are looked at with the item's numbers (numbers.h), those
 * about a reservation with its timeline (reservation_rules.h), those about an item as a whole with
 * its states (presence.h); what is left is:
 *
 *   items apart        no basket of items that could be taken together before or later, be it in
 *                      several baskets that share items
 *   held for too long  no extension that ends as early, counted from its reserve, as another that
 *                      was granted
 *
 * And answers that nobody can judge: that something between server and client may have made them.
 */
#ifndef LOADGEN_CHECK_REFUSALS_H
#define LOADGEN_CHECK_REFUSALS_H

#include "check/index.h"
#include "check/verdict.h"

/* index->effect must be complete. 0 or -ENOMEM. */
int refusals_check(const struct index *index, struct verdict *v)
    __attribute__((warn_unused_result));

#endif
