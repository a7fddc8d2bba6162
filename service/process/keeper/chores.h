/* chores.h -- what the keeper does now and then: looks at memory, replicas and the ledger's
 * backlog, drops what is old.
 *
 * Partition by partition: a Redis that is away is left out, and one that is lost on the way holds
 * up no other.
 */
#pragma once

#include "process/process.h"
#include "store/admin/admin.h"

/* The keeper's, zeroed at first. */
struct chores {
    const struct shared_state *shared;
    struct admin *admin;
    int64_t look_ms, trim_ms; /* monotonic: when to do it again */
};

/* What it is time for. 0, or -1: some of it could not be done. */
int chores_do(struct chores *chores) MUST_CHECK;
