/* roll.h -- a promoted replica brought forward to what SQL holds.
 *
 * Layer: restore. A replica may lack the end of the stream that its primary had. If the moment at
 * which its stream ends is one that SQL has gone through (epochs_look_up), it lacks exactly what
 * the events behind that moment did, and SQL knows those: what they touched is written again, as
 * SQL has it now. That is items and what lists them, reservations with their buckets and deadlines,
 * the results of clients' keys, what customers hold and bought, `applied` and `ended`. Versions are
 * SQL's own: the history is the same one, so nothing is added to them as a restore does.
 *
 * What is not written: markers of lanes, so that an operation whose marker only the dead primary
 * had is to be found by its key, or by nothing; and the stream. It still ends at `from`, and the
 * next entry in it is the first one of the epoch that the caller opens: an entry at SQL's
 * checkpoint is not in it before that. Readers of the history read SQL.
 *
 *   the caller closes meta with a state of its own -> SQL has the end of the last epoch, and the
 * next one -> roll_forward -> the caller opens meta
 *
 * Invariant: all rows are of one moment of SQL, behind the end of the epoch, so that none can
 * follow them; and not a key is written unless meta has the caller's state in the same transaction.
 * Values are absolute: interrupted at any page, by whomever, it is begun anew from the same `from`.
 */
#pragma once

#include "core/event_id.h"
#include "ledger/db.h"
#include "store/admin/admin.h"

#define ROLL_WHY_SIZE (DB_WHY_SIZE + 64)

enum roll_result {
    ROLL_DONE,
    ROLL_TAKEN,   /* meta does not have our state any more: somebody else is at work */
    ROLL_STOPPED, /* on_progress said so */
    ROLL_REDIS,   /* Redis can not be reached, or refused: its connection is closed */
    ROLL_SQL,     /* SQL can not be reached, or there is no memory: try again */
    ROLL_WRONG,   /* SQL contradicts itself or what Redis holds: only a restore can help */
};

/* How far it is. */
struct roll_report {
    int64_t done, total;     /* rows of the history; each is read twice, and counts twice */
    char why[ROLL_WHY_SIZE]; /* of any result but ROLL_DONE */
};

struct roll_job {
    unsigned partition;
    struct event_id from; /* the end of the stream */
    struct event_id to;   /* SQL's checkpoint, or the end of the epoch before the one it is in */
    const char *state;    /* what meta says */
    int64_t operation_retention_ms;
    bool (*on_progress)(void *user, const struct roll_report *report); /* false: stop. Or NULL */
    void *user;
};

/* Runs in a read transaction of its own on `db`, over the connection of `admin`. */
enum roll_result roll_forward(struct admin *admin, struct db *db, const struct roll_job *job,
                              struct roll_report *report) MUST_CHECK;
