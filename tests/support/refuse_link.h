/* refuse_link.h -- one connection through the proxy of refuseproxy.h: each command is carried to
 * Redis and its answer back, or refused as the armed rule says.
 *
 * Layer: tests, private to refuseproxy.c, whose test's side arms rules and reads counters, and
 * whose process runs a link in a thread for each connection.
 */
#pragma once

#include "support/refuseproxy.h"

#include <pthread.h>

/* What the test and the proxy's process both see. */
struct refuse_shared {
    pthread_mutex_t lock;
    bool armed;
    struct refuse_rule rule;
    int counted, refused;
    char last[REFUSE_NAME_SIZE];
};

/* Runs until one of the two sides leaves, in a thread of its own; closes both sockets then. */
void refuse_link_start(struct refuse_shared *shared, int service, int redis);
