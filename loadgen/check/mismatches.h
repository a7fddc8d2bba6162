/* mismatches.h -- answers that contradict their request.
 *
 * Layer: check. Who read the answer saw the contradiction and left a note in the history, for the
 * history has no room for whole answers. Every note is a violation of ANSWERS, but those of the
 * set-up: a server that can not even create an item was not tried.
 */
#ifndef LOADGEN_CHECK_MISMATCHES_H
#define LOADGEN_CHECK_MISMATCHES_H

#include "check/index.h"
#include "check/verdict.h"

/* A note on what is no operation breaks the index. */
void notes_check(struct index *index, struct verdict *v);

#endif
