/* caller.h -- many calls over a few connections, one after the other, until all are answered.
 *
 * Layer: loadgen, on client/http_conn.h. For what happens around the load: creating items, looking
 * results up, reading back. Blocks in a loop of its own; holds nothing between two runs. It never
 * sends anything twice: who wants a retry offers the request again.
 */
#pragma once

#include "client/response.h"
#include "client/target.h"

#include <stdbool.h>
#include <stdint.h>

/* How a call ended. */
struct call_end {
    const struct response *response; /* NULL: no answer. Its bytes hold during the call */
    int err;                         /* then: -ETIMEDOUT, -ECONNREFUSED, -ECONNRESET, ... */
    uint64_t begin_ns, end_ns;       /* CLOCK_MONOTONIC; begin 0: not a byte was sent */
};

struct caller_work {
    void *ctx;
    /* Writes the next request to out and names it; false when there is none at the moment. */
    bool (*next)(void *ctx, struct buf *out, uint64_t *token);
    void (*done)(void *ctx, uint64_t token, const struct call_end *end);
    /* Asked every few milliseconds: true ends the run at once. NULL: never. */
    bool (*stop)(void *ctx);
};

/* Runs until next has nothing and nothing is in flight. 0; -EINTR when stopped: what was in flight
 * is given up without a done; -ENOMEM, -EMFILE ... when it could not even begin. */
int caller_run(const struct target *target, unsigned connections, uint64_t timeout_ns,
               const struct caller_work *work) MUST_CHECK;
