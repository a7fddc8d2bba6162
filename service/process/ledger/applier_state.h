/* applier_state.h -- what is in hand of a partition on its way to SQL: applier_partition.h has its
 * states and what they mean, opening.c the opening of its next epoch.
 *
 * Layer: process. All of it belongs to the ledger process.
 */
#pragma once

#include "ledger/apply/apply.h"
#include "store/admin/feed.h"

enum carry_state {
    CARRY_UNSEEN,
    CARRY_SEEN,
    CARRY_BEHIND,
    CARRY_FLOWING,
    CARRY_STUCK,
    CARRY_DEPOSED,
    CARRY_LOST
};

enum carry_result {
    CARRY_IDLE,   /* nothing was there */
    CARRY_SHORT,  /* a few entries were taken, and those were all */
    CARRY_FULL,   /* entries were taken, and there may be more */
    CARRY_REDIS,  /* Redis is in trouble: connect anew */
    CARRY_SQL,    /* SQL is in trouble: wait */
    CARRY_REFUSED /* the store is not for this service */
};

/* How far the next epoch's opening is; it outlives connections. */
struct opening {
    struct admin_claim claim;
    int64_t begun_ms;             /* monotonic: when it was first seen to be needed; 0: it is not */
    int64_t take_ms, patience_ms; /* when somebody else's claim is passed over */
};

struct carry {
    unsigned partition;
    uint64_t connection; /* on which it was seen; 0: none */
    enum carry_state state;
    struct event_id at;           /* the checkpoint, as last seen */
    struct event_ends ended;      /* the epochs before it */
    struct reign opener;          /* whom the checkpoint's epoch was opened for, as SQL has it */
    int64_t run_epoch;            /* the epoch that a Redis process opened, as last seen; 0: none */
    char run_here[REIGN_ID_SIZE]; /* which one: after a reconnect it may be another */
    struct event_id tail;         /* the end of the stream at the last look */
    int64_t look_ms;              /* when to look next */
    bool told;                    /* Redis has been told about `at` */
    unsigned chunk;               /* entries to ask for */
    struct opening opening;       /* of its next epoch, under way or tried; opening.c */
};

/* What a pass over the partitions works with; the ledger process's. */
struct carrier {
    struct admin *admin;
    struct apply *apply;
    struct feed feed;
    int64_t look_ms; /* from one look at a partition to the next */
    int64_t operation_retention_ms;
    char why[APPLY_WHY_SIZE]; /* of CARRY_REDIS, CARRY_SQL and CARRY_REFUSED */
};
