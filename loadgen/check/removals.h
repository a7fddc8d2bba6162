/* removals.h -- which version of its item each delete made, though no answer says so.
 *
 * Layer: check. Nothing but a creation can follow a delete. So what made the version before that of
 * a creation, the first one of the item left aside, was a delete; and so was what came last, when
 * the item is gone at the end. These are the places of an item:
 *
 *   create 1 .. 6   place 7   create 8 .. 9   place 10, gone
 *
 * Each delete that took effect belongs into one place, and each place to one delete. A delete fits
 * if it was not over before something began that comes earlier, and did not begin after something
 * was over that comes later. Both bounds rise from place to place, so the places that a delete fits
 * are next to each other; so when each in turn, the one over first before the others, takes the
 * first free place that it fits, all get one if that is possible (earliest deadline first), and two
 * of which one was over before the other began stay in the order of time.
 *
 * Deletes of which nobody knows whether they happened get no place; they count as transitions that
 * may have happened. Owned by check_history.
 */
#pragma once

#include "check/entries.h"
#include "check/items.h"
#include "check/removal_table.h"
#include "check/restored.h"
#include "check/verdict.h"

/* entries: of all that quotes a version. restored: the index's own, where a delete may be turned to
 * the other side of a restore so that each finds its place. Violations: VERSIONS for a delete that
 * was answered and fits no place, LASTING if it may have been lost in a restore. 0 or -ENOMEM;
 * removals_free in any case. */
int removals_make(struct removals *removals, const struct index *index,
                  const struct entries *entries, struct restored *restored, struct item *items,
                  struct verdict *v) MUST_CHECK;
