/* roster.h -- the processes of a service, for whoever asks one of them: their names, ids, and how
 * often they were started again.
 *
 * In shared memory, made before the first fork. The master alone writes, whenever its loop comes
 * round; a reader may see a process that has just ended. Invariant: an entry that is counted has
 * its name, which never changes.
 */
#pragma once

#include "buf.h"
#include "config.h"
#include "pool/pool.h"

#include <stdatomic.h>

#define ROSTER_SLOTS (CONFIG_WORKERS_MAX + 4) /* of the pool */
#define ROSTER_NAME  24

struct roster_entry {
    char name[ROSTER_NAME];
    _Atomic int pid; /* 0: it has no process just now */
    _Atomic uint64_t restarts;
};

struct roster {
    _Atomic unsigned count;
    struct roster_entry entries[1 + ROSTER_SLOTS]; /* the master, then the slots of its pool */
};

/* The master itself, first of all; then each slot when it is added, in order. index: -1 for the
 * only one of its name. */
void roster_add(struct roster *roster, const char *name, int index);

/* What the pool has now. */
void roster_look(struct roster *roster, const struct pool *pool);

/* `[{"name":"master","pid":1,"restarts":0}, ...]`. */
void roster_put(const struct roster *roster, struct buf *out);
