/* epochs.h -- where each epoch of a partition ended, and which of them a restore began, as SQL
 * holds it.
 *
 * Layer: ledger. Everything runs in the caller's transaction; what writes, under the lock on the
 * partition's checkpoint.
 *
 * Invariant: an entry of an epoch before the checkpoint's is in SQL if and only if it is not behind
 * its epoch's end. An end never changes. Numbers of restores are dense from 1, since they are taken
 * under the lock on the checkpoints, and one is kept if and only if its epoch is.
 */
#pragma once

#include "core/event_id.h"
#include "core/reign.h"
#include "ledger/db.h"

#define EPOCHS_ABSENT (-1) /* last_seq of an epoch of which SQL has nothing */

/* The last ones that ended before an epoch, newest first. */
struct epochs {
    int64_t before;      /* 0: nothing is known */
    struct reign opener; /* whom that one was opened for */
    struct event_ends ended;
};

/* Reads those before `epoch`. */
enum db_result epochs_read(struct db *db, unsigned partition, int64_t epoch,
                           struct epochs *epochs) MUST_CHECK;

/* One that SQL knows; last_seq EPOCHS_ABSENT: it does not, or that one has no end yet. */
struct epoch_found {
    int64_t last_seq;
    struct reign opener;
};

enum db_result epochs_find(struct db *db, unsigned partition, int64_t epoch,
                           struct epoch_found *found) MUST_CHECK;

/* Whether what a Redis had when its stream ended with `id` is a moment of the history that SQL,
 * which is at `at`, has gone through: then what that Redis lacks is what SQL has behind `id`, and
 * no more. last_seq: where SQL knows that the epoch of `id`, an earlier one, ended. restored: the
 * last epoch that a restore began, whose versions follow from no event; 0: none. */
bool epochs_hold(struct event_id at, struct event_id id, int64_t last_seq, int64_t restored);

/* The same, read. */
enum db_result epochs_look_up(struct db *db, unsigned partition, struct event_id at,
                              struct event_id id, bool *held) MUST_CHECK;

/* Whether something happened behind `id`, beyond epochs that began: whoever ends there lacks it. */
enum db_result epochs_look_behind(struct db *db, unsigned partition, struct event_id id,
                                  bool *any) MUST_CHECK;

/* The checkpoint leaves an epoch (its number 0: there was none) for a later one, opened for
 * `opener`. *epochs, known up to then, has the end from now on. */
enum db_result epochs_turn(struct db *db, unsigned partition, struct event_id end, int64_t next,
                           const struct reign *opener, struct epochs *epochs) MUST_CHECK;

/* Notes one more restore, which begins this epoch, in the caller's transaction. *number: which one.
 */
enum db_result epochs_restored(struct db *db, int64_t epoch, int64_t at_ms,
                               int64_t *number) MUST_CHECK;
