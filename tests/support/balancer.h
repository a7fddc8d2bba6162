/* balancer.h -- one port of loopback before several services, wherever those are: each new
 * connection goes to the next of them.
 *
 * Layer: tests. A process of its own, and one more for each connection; all end with the test.
 */
#pragma once

#include <sys/types.h>

#define BALANCER_TARGETS_MAX 8

struct balancer_target {
    const char *host; /* an address of IPv4 */
    int port;
};

struct balancer {
    pid_t pid;
    int port;
};

/* Connections whose first bytes are `apart` go to the first one all of them; NULL: none do. 0 or
 * -errno. Start it from the main thread, before there are others. */
int balancer_start(struct balancer *b, const struct balancer_target *targets, int count,
                   const char *apart) MUST_CHECK;
void balancer_stop(struct balancer *b);
