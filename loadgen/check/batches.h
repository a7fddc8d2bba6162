/* batches.h -- were the operations of one batch applied in the given order?
 *
 * Layer: check. The operations of a batch stand in the file directly behind each other, in its
 * order, all but the first with FLAG_BATCHED. One answer tells of them all, so on each item, and
 * for each reservation, what it says of a later one is of no lower version than what it says of an
 * earlier one: a LINEARIZABLE violation otherwise.
 *
 * Looked at is only what the answer itself shows to have been decided for this batch: not what was
 * looked up after the load, repeats an earlier answer, or was sent again while nobody knew what
 * became of the first attempt.
 */
#ifndef LOADGEN_CHECK_BATCHES_H
#define LOADGEN_CHECK_BATCHES_H

#include "check/index.h"
#include "check/verdict.h"

/* 0 or -ENOMEM. An operation that is marked as batched, and is behind none that it could be in a
 * batch with, counts as broken. */
int batches_check(struct index *index, struct verdict *v) __attribute__((warn_unused_result));

#endif
