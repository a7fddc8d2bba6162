/* about.h -- what the service tells of itself to who works with it: /v1/self, /v1/service.
 *
 * Layer: http. What only the processes know comes in a struct http_about, which is made before they
 * are forked and never changes.
 */
#pragma once

#include "buf.h"

#include <stdint.h>

struct exchange;

struct http_about {
    int64_t max_hold_ms; /* from a reservation's creation to its last deadline */
    const char *service; /* members of a JSON object: what never changes, nothing secret */
    void (*put_processes)(const void *user, struct buf *out); /* as JSON, as they are now */
    const void *user;
};

/* GET /v1/self: who asks, as the service sees it, and what it can be asked. Writes the answer. */
void about_self(struct exchange *x);

/* GET /v1/service: processes, stores and options. Writes the answer. */
void about_service(struct exchange *x);
