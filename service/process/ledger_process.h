/* ledger_process.h -- the process that carries the events of every partition from Redis to SQL, and
 * opens the store's epochs, since only SQL can tell whether what Redis holds is the present.
 *
 * For each partition: entries behind the checkpoint that SQL holds are read, applied in one SQL
 * transaction a chunk, and only then trimmed. While SQL is away the backlog waits in Redis. After a
 * restart of Redis what is there is applied first, then the next epoch is opened; a stream that
 * ends before the checkpoint, or a store that is gone, is lost state. What does not follow closes
 * its partition, and the others go on.
 *
 * Invariant: only what SQL has committed is trimmed, and never the last of it: the entry at the
 * checkpoint stays. Any number of these processes may run on one store.
 */
#ifndef PROCESS_LEDGER_PROCESS_H
#define PROCESS_LEDGER_PROCESS_H

#include "pool/child.h"

#include <stdint.h>

struct shared_state;

struct ledger_args {
    struct shared_state *shared;
    unsigned stats_slot;
    int64_t patience_ms; /* how long to wait for Redis and SQL at start before saying ready */
};

/* The child's life; returns its exit status: POOL_EXIT_FATAL if the database or the store is not
 * for this service. arg is a struct ledger_args. */
int ledger_process_run(struct pool_child *child, void *arg);

#endif
