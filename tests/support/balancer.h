/* balancer.h -- one port before several services: each new connection goes to the next of them.
 *
 * Layer: tests. A process of its own, and one more for each connection; all end with the test.
 */
#pragma once

#include <sys/types.h>

#define BALANCER_PORTS_MAX 8

struct balancer {
    pid_t pid;
    int port;
};

/* Connections whose first bytes are `apart` go to the first port all of them; NULL: none do. 0 or
 * -errno. Start it from the main thread, before there are others. */
int balancer_start(struct balancer *b, const int *ports, int count, const char *apart) MUST_CHECK;
void balancer_stop(struct balancer *b);
