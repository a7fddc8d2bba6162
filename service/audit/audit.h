/* audit.h -- does Redis hold what the ledger says it must?
 *
 * Layer: audit; reads store and ledger, writes neither. Items, reservations, the indexes of
 * deadlines, customers' shares, and the ledger's own sums, each as of its own version: Redis and
 * SQL are read at different times while the service works, so what differs is only called drift
 * once SQL has got past the end that the stream had after Redis was read.
 *
 * Ownership: admin and db are the caller's, open, and nobody else's while a call runs. Whoever
 * called audit_init calls audit_free. Memory is bounded by a page, whatever there is to compare.
 *
 *   audit_init -> audit_meet -> audit_run -> audit_free
 *
 * audit_meet finds out what there is to compare: metas, the ledger's id, where both stand. A caller
 * that knows (a restore, whose store is not open yet) sets `partitions` and leaves it out.
 */
#pragma once

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
    void (*on_met)(void *user);      /* audit_stores(): audit_meet has found what to compare */
    void *user;
    /* The result. */
    int64_t items, reservations, shares; /* compared; a reservation that moved may count twice */
    int64_t drift;
    struct audit_position *positions; /* of each partition, after audit_meet */
    char ledger_id[META_VALUE_SIZE];
    char why[AUDIT_WHY_SIZE]; /* of AUDIT_UNSURE */
    const char *side; /* who it was that could not be read: "Redis", "the ledger"; or NULL */
};

void audit_init(struct audit *audit, struct admin *admin, struct db *db);
void audit_free(struct audit *audit);

/* AUDIT_EQUAL: there is something to compare. AUDIT_DRIFT: so much is clear already, but go on.
 * AUDIT_UNSURE: not these two; audit_run would be meaningless. */
enum audit_result audit_meet(struct audit *audit) MUST_CHECK;

/* Compares. Drift that was found counts even if the rest could not be told. */
enum audit_result audit_run(struct audit *audit) MUST_CHECK;

/* All of it for who has addresses: opens the ledger into audit->db, which the caller closes, and
 * Redis, meets, compares, and keeps the result in Redis for the metrics. A Redis without a store
 * gets no trace of it. *unkept: NULL, or why it could not be kept. */
enum audit_result audit_stores(struct audit *audit, const char *ledger_url,
                               const char **unkept) MUST_CHECK;

/* "item", "reservation", ...; "equal", "drift", "unsure". */
const char *audit_kind_name(enum audit_kind kind);
const char *audit_result_name(enum audit_result result);
