/* kept_use.h -- how much of what their quotas limit clients keep in the store: what the ledger said
 * last, and what was let through since, in memory that all workers of a host share.
 *
 * Layer: keys; time is an argument, and SQL is asked by the process that calls kept_use_turn() and
 * kept_use_publish(): one, always.
 *
 * What is let through is counted in the window of that moment. A window goes when SQL has all of
 * it: nothing of it is under way any more in any worker, and SQL has all that was in Redis when
 * that was seen. While SQL is behind, the last window stays the last one and gets what comes.
 *
 * Invariant: known + since is never less than what the client has there by this host and by all
 * that SQL has of others; so kept_use_take(), which lets nothing pass a limit by that sum, lets
 * nothing pass it. What is counted twice for a moment, in SQL and in a window, errs on that side. A
 * worker that dies leaves behind what it has counted, which goes with its window.
 */
#pragma once

#include "core/access/kept.h"
#include "core/access/quota.h"

#include <stdatomic.h>

#define KEPT_WINDOWS     32
#define KEPT_TURN_MS     250 /* from one window to the next */
#define KEPT_WORKERS_MAX 256

/* Of a client. */
struct kept_slot {
    _Atomic bool told;            /* SQL has said something of it */
    _Atomic int64_t known[KEPTS]; /* what it said last */
    /* What each window has of it, with a mark that says which window that is: a word of another one
     * is as good as 0. */
    _Atomic uint64_t since[KEPTS][KEPT_WINDOWS];
};

/* Of all of them: windows count from 0 and are never counted back. */
struct kept_use {
    _Atomic uint64_t now;   /* the window that counts */
    _Atomic uint64_t first; /* the first of which SQL may lack something; now - first < windows */
    _Atomic bool known;     /* SQL was asked, and what it said is in the slots */
    _Atomic uint32_t flying[KEPT_WORKERS_MAX][KEPT_WINDOWS]; /* operations under way */
};

/* --- in a worker ------------------------------------------------------------------------------ */

/* Before its first operation: what one in its place has left under way is not any more. */
void kept_use_begin(struct kept_use *use, unsigned worker);

enum kept_verdict {
    KEPT_FREE,   /* nothing that is limited is kept by it */
    KEPT_TAKEN,  /* it is under way: kept_use_settle() */
    KEPT_FULL,   /* it would pass a limit */
    KEPT_UNKNOWN /* SQL has not been read yet */
};

/* What an operation was let through with, or why not. */
struct kept_ticket {
    enum kept_verdict verdict;
    enum kept_kind which;   /* KEPT_FULL: of the limits; */
    int64_t limit, used;    /*   how much of it is used */
    struct kept_slot *slot; /* KEPT_TAKEN: */
    uint64_t window;        /*   where it is counted */
    int64_t weight[KEPTS];  /*   as */
};

/* Lets an operation of such a weight through, or not; the ticket says which. */
void kept_use_take(struct kept_use *use, unsigned worker, struct kept_slot *slot,
                   const struct quota *quota, double share, const int64_t weight[KEPTS],
                   struct kept_ticket *ticket);

enum kept_end {
    KEPT_CAME,    /* it has come about */
    KEPT_NOTHING, /* it has not, and never will: others may have what it took */
    KEPT_DOUBT    /* it may come about yet */
};

/* Once for each ticket; those that took nothing have nothing to settle. */
void kept_use_settle(struct kept_use *use, unsigned worker, struct kept_ticket *ticket,
                     enum kept_end end);

/* --- in the one that asks SQL ----------------------------------------------------------------- */

/* Since when nothing is under way of each window; 0: not seen. A new one sees it all anew. */
struct kept_turner {
    int64_t quiet_ms[KEPT_WINDOWS];
};

/* Begins the next window, unless SQL is that far behind. */
void kept_use_turn(struct kept_use *use, struct kept_turner *turner);

/* To be called before SQL is asked, which is known to have all that was in Redis until then:
 * returns the first window of which its answer may lack something. workers: how many there are.
 * Times are of a clock that never goes back. */
uint64_t kept_use_proven(const struct kept_use *use, struct kept_turner *turner, unsigned workers,
                         int64_t now_ms, int64_t has_until_ms) MUST_CHECK;

/* What SQL says that a client has, or that it has nothing. Those of all slots first, then: */
void kept_use_tell(struct kept_slot *slot, const int64_t known[KEPTS]);
/* Windows before `first`, as kept_use_proven() said, do not count any more. */
void kept_use_publish(struct kept_use *use, uint64_t first);

/* SQL is not asked any more, as nobody has such a quota. */
void kept_use_forget(struct kept_use *use);
