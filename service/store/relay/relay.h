/* relay.h -- one committer a partition for all workers of a service, while they contend for it.
 *
 * Layer: store, private to it. Workers that lose transactions to each other, or meet those of other
 * services, hand their operations on that partition to one of them: many processes are one lane,
 * whose batches are as large as if all had come to it. Where nobody contends, everybody commits by
 * itself.
 *
 * What was handed over and not taken yet is taken back when the other is slow or gone. What was
 * taken is answered by whoever took it; if that worker ends first, nobody knows (OUT_UNKNOWN).
 *
 * Operations of a chain keep their order only among themselves in one place, so they stay here.
 *
 * Invariant: an operation is in one of this worker's queues and batches, or handed over.
 */
#pragma once

#include "store/relay/relay_shared.h"

struct relay;
struct store;

/* For a worker's store, whose config has relay and worker set. NULL: out of memory. */
struct relay *relay_new(struct store *store) MUST_CHECK;

/* Takes nothing any more; relay_free() when the loop has run. */
void relay_close(struct relay *relay);
void relay_free(struct relay *relay);

/* All but relay_new() may be called with NULL: a store that is not one of several. */

/* Takes what others handed over and hands over what waits here; before lanes are started. */
void relay_pump(struct relay *relay);

/* The loop is about to wait. False: something came just now, and it is to be pumped again. */
bool relay_sleep(struct relay *relay) MUST_CHECK;

/* Wakes the workers that were answered since the last time. */
void relay_wake_answered(struct relay *relay);

/* Others write to the partition too. */
void relay_met_others(struct relay *relay, unsigned partition, int64_t now_us);

/* Looks after what was handed over and is late, or was with a worker that has ended. */
void relay_expire(struct relay *relay, int64_t now_us);

/* From now on nothing is taken; what was, is answered. */
void relay_drain(struct relay *relay);

/* Asserts the invariant. */
void relay_check(const struct relay *relay);

/* True if nothing of this worker is with another. */
bool relay_idle(const struct relay *relay);
