/* audit_state.h -- an audit in hand: what was asked of it, and what it has found.
 *
 * Layer: audit; the words that audit.h and audit_walk.h share.
 */
#ifndef AUDIT_AUDIT_STATE_H
#define AUDIT_AUDIT_STATE_H

#include "ledger/db.h"
#include "store/admin/feed.h"
#include "store/admin/scan.h"
#include "store/meta.h"

#define AUDIT_WHY_SIZE           (DB_WHY_SIZE + 128)
#define AUDIT_WAIT_MS            30000
#define AUDIT_RETENTION_MS       (INT64_C(24) * 3600 * 1000)
#define AUDIT_DRIFT_NAMED_IN_SQL 100 /* rows named of each sum that does not add up */

/* The values are exit codes, and what the metric says. */
enum audit_result {
    AUDIT_EQUAL = 0,
    AUDIT_DRIFT = 1,
    AUDIT_UNSURE = 2, /* it could not be told: `why` */
};

enum audit_kind {
    AUDIT_STORE, /* a partition as a whole */
    AUDIT_ITEM,
    AUDIT_RESERVATION,
    AUDIT_SHARE,  /* a customer's of an item */
    AUDIT_INDEX,  /* of deadlines, of names */
    AUDIT_LEDGER, /* what does not add up within SQL */
    AUDIT_KINDS
};

/* One thing that is not as it must be. Good while on_drift runs. */
struct audit_drift {
    enum audit_kind kind;
    unsigned partition;
    const char *name; /* of the item, reservation ...; printable */
    const char *text; /* "Redis has available 5 at version 9, the ledger 6"; printable */
};

/* Where a partition stood when the audit began. */
struct audit_position {
    int64_t epoch;
    char state[META_VALUE_SIZE];    /* "open", "closed: why", "lost: why" */
    struct event_id ledger, stream; /* the last entry that each has */
};

struct audit {
    /* The caller's; audit_init sets defaults. */
    struct admin *admin;
    struct db *db;
    unsigned partitions;
    int64_t wait_ms;                  /* for the ledger to get as far as Redis */
    int64_t reservation_retention_ms; /* finished ones that are younger must be in Redis */
    void (*on_drift)(void *user, const struct audit_drift *drift); /* may be NULL, as the next */
    void (*on_progress)(void *user); /* after every page, and while waiting */
    void *user;
    /* The result. */
    int64_t items, reservations, shares; /* compared; a reservation that moved may count twice */
    int64_t drift;
    struct audit_position *positions; /* of each partition, after audit_meet */
    char ledger_id[META_VALUE_SIZE];
    char why[AUDIT_WHY_SIZE]; /* of AUDIT_UNSURE */
    const char *side; /* who it was that could not be read: "Redis", "the ledger"; or NULL */
};

#endif
