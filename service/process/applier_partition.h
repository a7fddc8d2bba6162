/* applier_partition.h -- one partition on its way to SQL: looks, reads, applies, trims, opens,
 * closes.
 *
 * Belongs to the ledger process, which owns the connections. Everything that is known of a
 * partition is thrown away with the connection that it was learnt on (carry_forget).
 *
 *   UNSEEN -checkpoint read-> SEEN -meta of an earlier Redis-> BEHIND -all applied-> FLOWING
 *                             SEEN -meta of this one-> FLOWING
 *   any -events that do not follow-> STUCK    until meta is open again
 *   any -stream or meta gone, or entries that SQL disowns-> LOST    until they are back
 *   any -SQL is in the epoch of a later promotion-> DEPOSED    until this one is promoted again
 *
 * What a closed partition holds is applied all the same: its history is not at fault.
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
    struct opening opening;       /* of its next epoch, under way or tried; opening.h */
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

void carry_init(struct carry *carry, unsigned partition);

/* The connection is a new one, or SQL was: nothing that was known counts. */
void carry_forget(struct carry *carry);

/* Reads the checkpoint of a partition that is UNSEEN. */
enum carry_result carry_begin(struct carrier *carrier, struct carry *carry) MUST_CHECK;

/* Looks at meta and at the end of the stream, if it is time for it. `has_past`: SQL has events of
 * some partition, so a store that is not there was lost, and must not be made. */
enum carry_result carry_look(struct carrier *carrier, struct carry *carry, bool has_past,
                             int64_t now_ms) MUST_CHECK;

/* Takes one chunk; when nothing is left after a look, opens the epoch if that is what it waits
 * for. */
enum carry_result carry_step(struct carrier *carrier, struct carry *carry) MUST_CHECK;

/* How long to gather entries behind a pass that took busy_ms and left none, in ms. What one commit
 * costs, many events share: so the busier, the longer, and the load it is for keeps most of a
 * processor that both want. */
int64_t carry_gather_ms(int64_t busy_ms);
