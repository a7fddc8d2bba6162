/* lane_steps.h -- the steps of a lane that lane.c, lane_conflict.c and lane_fence.c hand to each
 * other. Private to the three; lane.h has the states. */
#ifndef STORE_LANE_STEPS_H
#define STORE_LANE_STEPS_H

#include "store/lane.h"

/* Answers operation i of the batch and forgets it. */
void lane_tell(struct lane *lane, unsigned i, enum outcome_code code, const char *why);

/* Puts what is left of the batch in front of `again`, to be begun after delay_us. */
void lane_postpone(struct lane *lane, int64_t delay_us);

/* True if an operation of the same chain waits in `again`: this one must stay behind it. */
bool lane_behind_again(const struct lane *lane, const struct store_op *op);

/* Begins an attempt with the operations in the batch. */
void lane_begin_attempt(struct lane *lane);

/* Answers all operations of the batch with the outcomes that its plan gave them. */
void lane_finish(struct lane *lane);

/* The lane is free. It begins again at the next pump, once the answers of this batch are on their
 * way: what their clients ask next, and what came meanwhile, then goes into one batch. */
void lane_become_idle(struct lane *lane);

/* EXEC said nil. */
void lane_conflict(struct lane *lane);

/* The connection is back after an EXEC that nobody answered. */
void lane_fence(struct lane *lane);

#endif
