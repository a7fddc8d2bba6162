/* reservation_rules.h -- what was said about one reservation, held against what happened to it.
 *
 * Layer: check. The rules for a single timeline that ended once (reservations.c).
 */
#pragma once

#include "check/index.h"
#include "check/timeline.h"
#include "check/verdict.h"

/* Confirms and releases that were answered with the replay of another one's answer: there must be
 * that other one, and its numbers. False: one that nothing explains is now taken as an effect, and
 * the timeline is to be gathered again. */
bool rules_explain_repeats(const struct timeline *t, struct index *index, struct verdict *v);

/* Every get and every refusal fits a state the reservation was in. */
void rules_check_words(const struct timeline *t, const struct index *index, struct verdict *v);

/* No answer was out of date, or ahead of its time. */
void rules_check_order(const struct timeline *t, const struct index *index, struct verdict *v);
