/* embedded.h -- the redis-server that stockd starts for itself when no --redis is given.
 *
 * It lives in <data-dir>/redis with a unix socket in <data-dir>, AOF on, no TCP port, and stops
 * with the service, last of all and by EMBEDDED_STOP alone; its data stays.
 *
 * Two never run on one directory. <data-dir>/service is locked by the master alone: a second one is
 * refused at once. <data-dir>/lock is held by the master and by its redis-server, so that the next
 * service waits for the Redis of one that was killed, which is still writing its last words. The
 * kernel takes both locks back with the processes: no file has to be removed by hand.
 */
#pragma once

#include "config.h"
#include "pool/child.h"

#include <signal.h>

/* Redis takes SIGINT as SIGTERM, which is kept from it: it may go to all processes of a service at
 * once, and requests that are under way need Redis. */
#define EMBEDDED_STOP SIGINT

struct embedded {
    char dir[4096]; /* absolute */
    char url[256];  /* unix:... for the store */
    char socket[128];
    const char *fsync; /* appendfsync */
    int lock_fd, service_fd;
};

/* Makes the directory, or refuses one that others may write, and takes the locks, waiting a
 * little for what a predecessor has left. 0, or -1 with err. */
int embedded_prepare(struct embedded *embedded, const struct config *config, char *err,
                     size_t err_size) MUST_CHECK;

/* The child's life: becomes redis-server. Returns only when that failed, with an exit status. */
int embedded_run(struct pool_child *child, void *embedded);
