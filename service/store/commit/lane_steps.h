/* lane_steps.h -- the steps of a lane that the files lane*.c hand to each other. Private to them;
 * lane.h has the states.
 *
 *   lane.c           beginning, reading, the connection
 *   lane_write.c     deciding, writing, the answer of EXEC
 *   lane_conflict.c  EXEC said nil
 *   lane_fence.c     EXEC was never answered
 *   lane_breach.c    what must not be was seen
 *   lane_share.c     whether workers had better share one lane
 *   lane_level.c     the answer waits until it is as safe as was promised
 */
#pragma once

#include "store/commit/lane_state.h"

#define LANE_WHY_RESTORED                                                                          \
    "Redis was lost before it said whether the transaction was applied: ask again with the same "  \
    "Idempotency-Key, or look"

#define LANE_WHY_ELSEWHERE "the partition is not written to at this Redis"

/* Answers operation i of the batch and forgets it. A code that says "nothing was changed" is
 * OUT_UNKNOWN for one in doubt. */
void lane_tell(struct lane *lane, unsigned i, enum outcome_code code, const char *why);

/* The same for all that are left. */
void lane_tell_all(struct lane *lane, enum outcome_code code, const char *why);
void lane_out_of_memory(struct lane *lane);

/* Puts what is left of the batch in front of `again`, to be begun after delay_us. */
void lane_postpone(struct lane *lane, int64_t delay_us);

/* Begins an attempt with the operations in the batch. */
void lane_begin_attempt(struct lane *lane);

/* Takes into the batch what came since it was read, as far as it needs nothing else. False: out of
 * memory. */
bool lane_join(struct lane *lane) MUST_CHECK;

/* One round of reads; lane_decide() goes on when nothing is missing. */
void lane_read_round(struct lane *lane);
void lane_decide(struct lane *lane);

/* Redis answered with an error, and nothing was applied. */
void lane_refused(struct lane *lane, struct str error);

/* No batch may run on this partition, from any host, until a person has looked at it. */
void lane_close_partition(struct lane *lane, const char *why, struct str detail);

/* On a new connection. False: there is nothing to close. */
bool lane_go_on_closing(struct lane *lane);

/* True for an operation whose outcome is a success that changes something. NULL: false. */
bool lane_promises(const struct store_op *op);

/* The outcomes are the answers. Waits for the level of --durability, then lane_finish(). */
void lane_await_durability(struct lane *lane);

/* While AWAITING: asks how far the ledger is; and what is awaited, for people. */
void lane_look_at_ledger(struct lane *lane);
const char *lane_awaited(const struct lane *lane);

/* Answers operation i with the outcome that the plan gave it. */
void lane_answer(struct lane *lane, unsigned i);

/* Answers all operations of the batch with the outcomes that its plan gave them. */
void lane_finish(struct lane *lane);

/* The lane is free. It begins again at the next pump, once the answers of this batch are on their
 * way: what their clients ask next, and what came meanwhile, then goes into one batch. */
void lane_become_idle(struct lane *lane);

/* If this lane holds the turn, or ought to make one: others may begin. */
void lane_pass_turn(struct lane *lane);

/* EXEC said nil. */
void lane_conflict(struct lane *lane);

/* A batch went through: do workers meet in it that would contend as lanes of their own? */
void lane_meet_workers(struct lane *lane);

/* One lane for all workers of this service from now on, where they contend with small batches. */
void lane_ask_for_one(struct lane *lane);

/* The store is not there any more. Whether the effect is in what the ledger gives back, or gave
 * back already, nobody here can tell: everybody is told so. */
void lane_abandon(struct lane *lane);

/* The connection is back after an EXEC that nobody answered. */
void lane_fence(struct lane *lane);

/* The same after a pause that grows: Redis answered, and refused. Another connection would hear the
 * same, but for that of a demoted master, which is dropped. */
void lane_fence_later(struct lane *lane, struct str error);
