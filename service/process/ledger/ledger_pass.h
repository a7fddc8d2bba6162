/* ledger_pass.h -- one pass of the ledger process over all partitions, each for itself: what ails
 * the Redis of one holds up the others no more than it takes to find out.
 *
 * Belongs to the ledger process, which owns the memory and the connections.
 *
 * Invariant: a partition is only worked on over the connection that it was looked at on; what is
 * known of it is forgotten with that.
 */
#pragma once

#include "process/ledger/applier_partition.h"

struct ledger_pass {
    struct carrier carrier;
    struct carry *parts;
    unsigned count;
    /* Of the last pass: partitions whose Redis could not be worked with, and why the last of them
     * could not; was one of those loading its data? */
    unsigned away;
    char why[APPLY_WHY_SIZE];
    bool loading;
    bool known; /* some Redis was once what we need */
};

/* The result that says most about what to do next. CARRY_REDIS: no Redis could be worked with.
 * shared->state_lost becomes whether one has lost what SQL has. */
enum carry_result ledger_pass(struct ledger_pass *pass, struct store_shared *shared) MUST_CHECK;
