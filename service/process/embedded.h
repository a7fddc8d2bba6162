/* embedded.h -- the redis-server that stockd starts for itself when no --redis is given.
 *
 * It lives in <data-dir>/redis with a unix socket in <data-dir>, AOF on, no TCP port, and stops
 * with the service; its data stays. A lock on <data-dir>/lock is held by the master and by that
 * redis-server: two never run on one directory, not even when the first master was killed and its
 * Redis is still writing its last words.
 */
#pragma once

#include "config.h"
#include "pool/child.h"

struct embedded {
    char dir[4096]; /* absolute */
    char url[256];  /* unix:... for the store */
    char socket[128];
    const char *fsync; /* appendfsync */
    int lock_fd;
};

/* Makes the directory, or refuses one that others may write, and takes the lock, waiting a little
 * for a predecessor that is going down. 0, or -1 with err. */
int embedded_prepare(struct embedded *embedded, const struct config *config, char *err,
                     size_t err_size) MUST_CHECK;

/* The child's life: becomes redis-server. Returns only when that failed, with an exit status. */
int embedded_run(struct pool_child *child, void *embedded);
