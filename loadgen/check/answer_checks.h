/* answer_checks.h -- what is wrong with an answer whatever else happened.
 *
 * Layer: check. Violations of ANSWERS.
 */
#ifndef LOADGEN_CHECK_ANSWER_CHECKS_H
#define LOADGEN_CHECK_ANSWER_CHECKS_H

#include "check/index.h"
#include "check/verdict.h"

/* A success that says another state than its request makes, and a refusal for want of stock, or
 * because of a limit, of what takes none. */
void answer_checks(const struct index *index, struct verdict *v);

/* Answers that contradict their request. Who read the answer saw the contradiction and left a note
 * in the history, for the history has no room for whole answers. Every note is a violation, but
 * those of the set-up: a server that can not even create an item was not tried. A note on what is
 * no operation breaks the index. */
void answer_checks_notes(struct index *index, struct verdict *v);

#endif
