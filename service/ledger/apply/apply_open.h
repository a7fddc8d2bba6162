/* apply_open.h -- the next epoch of a partition, written to SQL before Redis has it.
 *
 * Layer: ledger. On the struct apply of a partition whose meta its caller has closed in Redis, so
 * that nothing can be written there behind `tail`. One transaction under the lock on the checkpoint
 * says where the last epoch ended, and that the next one is open for apply->opener; entries behind
 * that end are nobody's from then on, wherever they are. The caller then brings Redis to it.
 *
 * Invariant: a number is given once, whatever becomes of the opening it was given to: one that was
 * interrupted leaves an epoch without entries, and the next takes a new number.
 */
#pragma once

#include "ledger/apply/apply.h"

struct apply_opening {
    struct event_id tail; /* the last id that the stream of this Redis ever had */
    int64_t seen; /* SQL's epoch as the caller knows it: another one is somebody's opening */
    bool ranked;  /* orders of promotions count: there is more than one Redis to write to */
    bool rolls;   /* what the stream lacks can be brought to Redis behind this */
    /* What was found, and done. */
    struct event_id end; /* where SQL was */
    bool lacks;          /* the stream ends before that, at a moment of the same history */
};

enum opening_result {
    OPENING_DONE,      /* committed: apply->at is the first entry of the new epoch */
    OPENING_ELSEWHERE, /* SQL moved, or the stream has what it has not: look again */
    OPENING_OLDER,     /* SQL is in the epoch of a later promotion */
    OPENING_LACKS,     /* what the stream lacks can not be brought there */
    OPENING_FOREIGN,   /* the stream's end is no moment of SQL's history */
    OPENING_DB,        /* see apply->why */
};

/* Of OPENING_OLDER, LACKS and FOREIGN apply->why has what to say of it. */
enum opening_result apply_open(struct apply *apply, struct apply_opening *opening) MUST_CHECK;
