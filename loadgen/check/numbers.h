/* numbers.h -- the versions and numbers of every item, from its creation to its end.
 *
 * Layer: check. Walks each item's entries in the order of versions (replay_versions.h), looks at
 * each refusal and at the limits of customers (limits.h), adds up the effects, and holds the order
 * against time (realtime_order.h). Violations: VERSIONS for a version that nobody made or two did,
 * ANSWERS for a number that does not follow, SUMS for one below zero, LINEARIZABLE for an order
 * that time contradicts, ENDED_ONCE when that is an expiry's. What a restore undid (restored.h) is
 * walked along like everything else, but adds up to nothing.
 */
#ifndef LOADGEN_CHECK_NUMBERS_H
#define LOADGEN_CHECK_NUMBERS_H

#include "check/entries.h"
#include "check/items.h"
#include "check/limits.h"
#include "check/verdict.h"

/* order: whether the order of time is looked at too. */
void numbers_check_item(const struct index *index, const struct entries *entries,
                        struct item *items, uint32_t item, struct limits *limits, bool order,
                        struct verdict *v);

#endif
