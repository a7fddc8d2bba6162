/* lane.h -- one connection of a worker to a partition, with at most one transaction in flight.
 *
 * Layer: store, private to it.
 *
 *   IDLE -> READING (WATCH and reads; more rounds as the plan asks) -> WRITING (MULTI .. EXEC)
 *        -> IDLE
 *   EXEC nil: PROBING (which items moved?) if several were touched; those operations wait in
 *   `again` for a random time, the others go on at once.
 *   With --durability replicated or ledger: WRITING -> AWAITING (replicas, or SQL) -> IDLE.
 *   Connection lost while WRITING or AWAITING: nobody knows. FENCING once it is back, and the
 *   partition is open in the same epoch or a later one: the marker shows this attempt -> it
 *   happened, the outcomes kept are the answers. Else, in the same epoch, the marker is written
 *   under WATCH: from then on the late EXEC, which watched the old marker, can only get nil, and
 *   the operations are decided anew. In a later one their keys decide. If Redis holds another store
 *   by then, or none, nobody knows for good.
 *
 * Invariant: between a lost EXEC and the end of FENCING no operation of that batch is told yes,
 * no or 503; one whose deadline passes is told OUT_UNKNOWN.
 */
#pragma once

#include "store/commit/lane_state.h"

void queue_push(struct queue *queue, struct store_op *op);
void queue_push_front(struct queue *queue, struct store_op *op);
void queue_remove(struct queue *queue, struct store_op *op);

/* True if an operation of the same chain is in the queue: this one must stay behind it. */
bool queue_has_chain_of(const struct queue *queue, const struct store_op *op);

int lane_init(struct lane *lane, struct partition *partition, unsigned index) MUST_CHECK;

/* Begins to connect, once in its life. 0, or -errno: nothing was done. */
int lane_open(struct lane *lane) MUST_CHECK;
void lane_close(struct lane *lane);
void lane_free(struct lane *lane);

/* Begins a batch if the lane is idle and something waits. */
void lane_start(struct lane *lane);

/* Tells the operations whose deadline has passed. */
void lane_expire(struct lane *lane, int64_t now_us);

/* Queues an operation of this worker, or of another, whose times are set; or refuses it, to be told
 * at the next pump. */
void store_admit(struct store *store, struct store_op *op);

/* Queues an operation that was admitted before. */
void store_enqueue(struct store *store, struct store_op *op);

/* Answers an operation: the last the store does with it. */
void store_op_complete(struct store_op *op);

/* A full queue refuses the operation: its outcome. */
void store_overload(struct store_op *op);

/* Queues an operation whose key has a record, although the queue is full; or answers it. */
void store_admit_repeat(struct store *store, struct store_op *op);

/* True if Redis has been out of reach long enough to say so; and if nobody can take its place, so
 * that those who wait are told at once. */
bool lane_is_down(const struct lane *lane);
bool lane_is_hopeless(const struct lane *lane);

/* True if all lanes of the partition that are open are down; not while none is. */
bool store_is_down(const struct partition *p);
