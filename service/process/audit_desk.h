/* audit_desk.h -- an audit that somebody asks a service for (POST /v1/audits): who asked, how far
 * it is, what came out.
 *
 * In shared memory, made before the first fork. A worker notes that it is asked for and wakes the
 * master, who forks a process for it; that one, and nobody who serves, reads all of Redis and SQL.
 *
 * One that another service on the store has under way is known from its samples (core/live.h). It
 * is answered for as our own, and none is begun beside it, but by two who are asked within a
 * second.
 *
 * Invariant: requested_ms is not 0 from when one is asked for until its process has ended, however
 * that ends, or could not be forked: so there is one at a time. What came out is written by that
 * process alone, into the half of `last` that nobody reads.
 */
#pragma once

#include "core/live.h"
#include "http/builtin/audits.h"
#include "pool/pool.h"
#include "stats.h"

#include <stdatomic.h>

struct audit_desk {
    _Atomic int64_t requested_ms;                /* wall clock; 0: none is under way */
    _Atomic int64_t items, reservations, shares; /* compared so far */
    _Atomic unsigned newest;                     /* of: */
    struct audit_last {
        int result; /* enum audit_result */
        int64_t drift;
        int64_t at_ms; /* Redis' clock; 0: there was none yet */
    } last[2];
};

/* --- in the master ---------------------------------------------------------------------------- */

/* Forks the process if one is asked for and there is none. To be called whenever the loop comes
 * round: it notices what a worker could not tell before it died. */
void audit_desk_look(struct audit_desk *desk, struct pool *pool, int slot);

/* Its process has ended. */
void audit_desk_end(struct audit_desk *desk);

/* --- in the keeper ---------------------------------------------------------------------------- */

/* How far the one under way is. desk: NULL if there is none. */
struct live_audit audit_desk_progress(const struct audit_desk *desk);

/* --- in a worker ------------------------------------------------------------------------------ */

struct audit_asker {
    struct audit_desk *desk;
    const struct stats *stats;      /* with what the keeper saw in Redis: also of other services */
    const struct live_board *board; /* with what those have under way */
    struct pool_child *child;
};

/* Fills what the port needs; asker must outlive it. */
void audit_asker_serve(struct audit_asker *asker, struct http_audits *audits);
