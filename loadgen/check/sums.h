/* sums.h -- at the end, an item holds what the operations on it add up to.
 *
 * Layer: check. The counters read after the load against the effects: the last version and what it
 * left, received - sold = on hand, available + held = on hand, and the held and sold units
 * themselves. Comes after numbers.h.
 */
#ifndef LOADGEN_CHECK_SUMS_H
#define LOADGEN_CHECK_SUMS_H

#include "check/entries.h"
#include "check/items.h"
#include "check/verdict.h"

/* Of one item, or of what it was until it was deleted: no more was sold than received. Also adds
 * that to the coverage. ops: the last operation on it. */
void sums_check_oversold(const struct index *index, const struct item *item, uint32_t number,
                         const uint32_t *ops, struct verdict *v);

/* Of one item at the end. Also adds its part to the coverage. */
void sums_check_item(const struct index *index, const struct entries *entries, struct item *items,
                     uint32_t item, struct verdict *v);

#endif
