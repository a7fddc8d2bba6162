/* repeat.h -- operations with a key that came while the queue of their partition was full.
 *
 * Layer: store, private to it. A repeat takes nothing, so it is answered even then. Whether an
 * operation is one is asked beside the lanes, by the reader, which a full queue does not hold up:
 * what has no record is refused as overloaded, what has one goes into the queue beyond its bound,
 * marked so that nothing but the record can answer it.
 *
 * Invariant: of one store at most REPEATS_MAX are looked up at a time, and at most REPEATS_MAX of a
 * partition wait beyond --queue-max.
 */
#pragma once

#include "store/store_op.h"

struct store;

#define REPEATS_MAX 256

struct repeats;

struct repeats *repeats_new(struct store *store);
void repeats_free(struct repeats *repeats);

/* Begins to look up the operation's key; the operation is answered, or waits in the queue of its
 * partition, once that is done. False: it has none, or too many are looked up already. */
bool repeat_look_up(struct repeats *repeats, struct store_op *op) MUST_CHECK;
