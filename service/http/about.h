/* about.h -- what the service tells of itself to who works with it: /v1/self.
 *
 * Layer: http. What only the processes know comes in a struct http_about, which is made before they
 * are forked and never changes.
 */
#pragma once

#include <stdint.h>

struct exchange;

struct http_about {
    int64_t max_hold_ms; /* from a reservation's creation to its last deadline */
};

/* GET /v1/self: who asks, as the service sees it, and what it can be asked. Writes the answer. */
void about_self(struct exchange *x);
