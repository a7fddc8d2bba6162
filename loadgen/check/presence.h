/* presence.h -- refusals about an item as a whole: that it is not there, is there, or is in use.
 *
 * Layer: check. None of them quotes a version, but each claims what an item was at some moment
 * between its request and its answer. The items' versions say what it was when: each state lasts
 * from its transition to the next, and may be seen by whoever was not over before something began
 * that comes earlier, and did not begin after something was over that comes later. Each claim is
 * given the first state that it may have seen and that bears it out, no earlier than those of the
 * claims that were over before it began. There is an order for all of them and the rest of the
 * item's operations exactly if each finds one, but for what is not known:
 *
 *   which of several deletes made a version   the first begin and the last end of them count
 *   which item of a basket was not there      one of them is enough, whichever it was
 *
 * Items of which versions are missing, or were given anew by a restore, are left alone. Who was
 * told that an item is not there that nobody ever deleted is told so in any case.
 */
#ifndef LOADGEN_CHECK_PRESENCE_H
#define LOADGEN_CHECK_PRESENCE_H

#include "check/entries.h"
#include "check/items.h"
#include "check/verdict.h"

/* After numbers.h and sums.h, which say what is known of the items. 0 or -ENOMEM. */
int presence_check(const struct index *index, const struct entries *entries,
                   const struct item *items, struct verdict *v) __attribute__((warn_unused_result));

#endif
