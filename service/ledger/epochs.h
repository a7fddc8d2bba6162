/* epochs.h -- where each epoch of a partition ended, as SQL holds it.
 *
 * Layer: ledger. Everything runs in the caller's transaction; what writes, under the lock on the
 * partition's checkpoint.
 *
 * Invariant: an entry of an epoch before the checkpoint's is in SQL if and only if it is not behind
 * its epoch's end. An end never changes.
 */
#ifndef LEDGER_EPOCHS_H
#define LEDGER_EPOCHS_H

#include "ledger/db.h"

#define EPOCHS_TOLD   8    /* a request is answered or told 504 long before so many have passed */
#define EPOCHS_ABSENT (-1) /* last_seq of an epoch of which SQL has nothing */

struct epoch_end {
    int64_t epoch, last_seq;
};

/* The last ones that ended before an epoch, newest first. */
struct epochs {
    int64_t before; /* 0: nothing is known */
    size_t count;
    struct epoch_end ends[EPOCHS_TOLD];
};

/* Reads those before `epoch`. */
enum db_result epochs_read(struct db *db, unsigned partition, int64_t epoch, struct epochs *epochs)
    __attribute__((warn_unused_result));

/* Where one that is over ended. */
enum db_result epochs_find(struct db *db, unsigned partition, int64_t epoch, int64_t *last_seq)
    __attribute__((warn_unused_result));

/* The checkpoint leaves an epoch (its number 0: there was none) for a later one, which the Redis
 * with this run id opened. *epochs, known up to then, has the end from now on. */
enum db_result epochs_turn(struct db *db, unsigned partition, struct epoch_end end, int64_t next,
                           struct str run_id, struct epochs *epochs)
    __attribute__((warn_unused_result));

#endif
