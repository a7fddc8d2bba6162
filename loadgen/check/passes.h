/* passes.h -- the passes of a check, in the order of check.c: each looks at the whole history, or
 * at one item of it, and tells the verdict what it finds. What it looks for stands at the head of
 * its file.
 *
 * Layer: check.
 */
#pragma once

#include "check/entries.h"
#include "check/index.h"
#include "check/items.h"
#include "check/limits.h"
#include "check/verdict.h"

/* --- resolve.c --- */

/* Fills index->effect for all first attempts. A replayed confirm or release that none of its own
 * attempts explains is left as EFFECT_AGAIN: reservations.c decides whose answer it repeats. */
void resolve_effects(struct index *index, struct verdict *v);

/* --- losses.c --- */

/* index->effect says what took effect. 0 or -ENOMEM. */
int losses_check(const struct index *index, struct verdict *v) MUST_CHECK;

/* --- reservations.c --- */

/* order: whether the order of time is looked at too. 0 or -ENOMEM. */
int reservations_check(struct index *index, struct item *items, bool order,
                       struct verdict *v) MUST_CHECK;

/* --- keys.c --- */

/* index->effect must be complete. Counts in items what may have happened under a key that a restore
 * forgot. */
void keys_check(const struct index *index, struct item *items, struct verdict *v);

/* --- answer_checks.c --- */

/* A success that says another state than its request makes, and a refusal for want of stock, or
 * because of a limit, of what takes none. */
void answer_checks(const struct index *index, struct verdict *v);

/* Answers that contradict their request. Who read the answer saw the contradiction and left a note
 * in the history, for the history has no room for whole answers. Every note is a violation, but
 * those of the set-up: a server that can not even create an item was not tried. A note on what is
 * no operation breaks the index. */
void answer_checks_notes(struct index *index, struct verdict *v);

/* --- refusals.c --- */

/* index->effect must be complete. 0 or -ENOMEM. */
int refusals_check(const struct index *index, struct verdict *v) MUST_CHECK;

/* --- batches.c --- */

/* 0 or -ENOMEM. An operation that is marked as batched, and is behind none that it could be in a
 * batch with, counts as broken. */
int batches_check(struct index *index, struct verdict *v) MUST_CHECK;

/* --- numbers.c --- */

/* order: whether the order of time is looked at too. */
void numbers_check_item(const struct index *index, const struct entries *entries,
                        struct item *items, uint32_t item, struct limits *limits, bool order,
                        struct verdict *v);

/* --- sums.c --- */

/* Of one item, or of what it was until it was deleted: no more was sold than received. Also adds
 * that to the coverage. ops: the last operation on it. */
void sums_check_oversold(const struct index *index, const struct item *item, uint32_t number,
                         const uint32_t *ops, struct verdict *v);

/* Of one item at the end. Also adds its part to the coverage. */
void sums_check_item(const struct index *index, const struct entries *entries, struct item *items,
                     uint32_t item, struct verdict *v);

/* --- presence.c --- */

/* After numbers.c and sums.c, which say what is known of the items. 0 or -ENOMEM. */
int presence_check(const struct index *index, const struct entries *entries,
                   const struct item *items, struct verdict *v) MUST_CHECK;

/* --- coverage.c: how much there was to check, of the load without set-up and settling --- */

/* Attempts, outcomes, effects, replays; what became of the unknown ones. */
void coverage_count(const struct index *index, struct coverage *c);

/* The most requests that were in flight at one time on one item: exact. 0, or what groups_run says,
 * with why_unknown. */
int coverage_flight(const struct index *index, unsigned workers, struct verdict *v) MUST_CHECK;

/* --- baskets.c --- */

/* Comes after numbers.c. 0 or -ENOMEM. */
int baskets_check(const struct index *index, struct entries *entries, struct verdict *v) MUST_CHECK;
