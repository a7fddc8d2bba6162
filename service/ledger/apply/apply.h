/* apply.h -- stream entries into the ledger, each exactly once.
 *
 * Layer: ledger. One struct apply serves one partition on one connection; its owner calls
 * apply_free, and closes the connection itself. A chunk of entries is one transaction: the lock on
 * the partition's checkpoint, the rows of the events, the last states of the items, reservations
 * and operations that they touch, and the new checkpoint.
 *
 * Invariant: the rows of entry <epoch>-<seq> are in the database if and only if the checkpoint is
 * in that epoch and at that id or past it, or past that epoch, whose end (epochs.h) is not before
 * the entry. Any number of appliers may work on the same partition: whoever gets the lock second
 * finds the entries there, or finds that its Redis is not the present. But for the ends of epochs,
 * which never change, nothing in memory is trusted across calls.
 */
#pragma once

#include "ledger/apply/projection.h"
#include "ledger/db.h"
#include "ledger/epochs.h"

#define APPLY_WHY_SIZE (DB_WHY_SIZE + 64)

/* The last entry that the database holds. epoch 0: none, and 1-0 is next. */
struct checkpoint {
    struct event_id id;
    int64_t events; /* applied since the ledger began */
    int64_t at_ms;  /* Redis time of the last entry that has one; 0: none */
};

enum apply_result {
    APPLY_DONE,      /* committed, up to the last entry */
    APPLY_THERE,     /* nothing to do: the database holds all of them */
    APPLY_GAP,       /* an entry is missing before the one that came; `good` */
    APPLY_FORMAT,    /* an entry is not of a format that we know; `good` */
    APPLY_FORK,      /* the events do not follow from what the database holds */
    APPLY_DISOWNED,  /* an entry is behind the end of its epoch, or of another Redis' epoch of the
                      * same number: it never will be there */
    APPLY_ELSEWHERE, /* the database is not where the chunk's new epoch was taken to follow */
    APPLY_NO_MEMORY, /* smaller chunks may help */
    APPLY_DB,        /* see `db` */
};

struct apply {
    struct db *db;
    unsigned partition;
    struct projection projection;
    /* What the owner knows of the entries' Redis: who it is, and which epoch was opened for that
     * (0: not known); the entry that the next chunk's first one follows in its stream. */
    struct reign opener;
    int64_t run_epoch;
    struct event_id after;    /* epoch 0: not known */
    struct checkpoint at;     /* after APPLY_DONE, THERE, DISOWNED and ELSEWHERE */
    struct epochs epochs;     /* before at.id.epoch */
    size_t good;              /* so many entries of the chunk may be applied without the rest */
    enum db_result db_result; /* for APPLY_DB. DB_UNKNOWN: the same chunk again is right */
    char why[APPLY_WHY_SIZE]; /* for all but APPLY_DONE, THERE and ELSEWHERE */
};

void apply_init(struct apply *apply, struct db *db, unsigned partition);
void apply_free(struct apply *apply);

/* Reads where the database is, and where its epochs ended, without a lock. */
enum apply_result apply_checkpoint(struct apply *apply) MUST_CHECK;

/* Entries in the order of the stream. Those that are there already are skipped; unless the answer
 * is APPLY_DONE (or unknown, see db_result), nothing was written. */
enum apply_result apply_chunk(struct apply *apply, const struct event_entry *entries,
                              size_t count) MUST_CHECK;

/* For a restore, inside a transaction that the caller begins and ends. Until then the checkpoint is
 * nobody else's; on PostgreSQL and SQLite alike others wait, for a while. */
enum apply_result apply_lock(struct apply *apply) MUST_CHECK;

/* Moves the locked checkpoint to <epoch>-0, an epoch without a stream so far, and writes its first
 * event: what an earlier epoch still has waiting is disowned. */
enum apply_result apply_seal(struct apply *apply, int64_t epoch) MUST_CHECK;
