/* keeper.h -- the keeper process: expires due holds, drops what is old and, without a ledger, opens
 * epochs. */
#ifndef PROCESS_KEEPER_H
#define PROCESS_KEEPER_H

#include "pool/child.h"

/* The child's life; returns its exit status: POOL_EXIT_FATAL if Redis is not set up for this
 * service. arg is a struct keeper_args. */
struct shared_state;

struct keeper_args {
    struct shared_state *shared;
    unsigned stats_slot;
    int64_t patience_ms; /* how long to wait for Redis at start before saying ready all the same */
};

int keeper_run(struct pool_child *child, void *arg);

#endif
