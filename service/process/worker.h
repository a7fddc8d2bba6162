/* worker.h -- a worker process: HTTP in, Redis out, one event loop, nothing shared but counters. */
#ifndef PROCESS_WORKER_H
#define PROCESS_WORKER_H

#include "config.h"
#include "pool/child.h"
#include "stats.h"

/* What every child of the master gets. Made before the first fork, never changed afterwards. */
struct shared_state {
    const struct config *config;
    struct store_config store_config;
    struct store_shared *store_shared;
    struct stats *stats;
    int *listen_fds; /* one a worker; the child closes the others' */
    unsigned workers;
};

struct worker_args {
    struct shared_state *shared;
    unsigned index;
};

/* The child's life; returns its exit status. arg is a struct worker_args. */
int worker_run(struct pool_child *child, void *arg);

#endif
