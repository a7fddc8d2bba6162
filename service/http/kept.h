/* kept.h -- what the client of a request may still keep in the store, and how it is told.
 *
 * Layer: http, private to the server. An operation is let through before Redis is asked for
 * anything, and counts from then on (kept_use.h). One that is not is refused at once; with a key
 * Redis is asked whether it repeats one, as repeats keep nothing that is not there.
 *
 * Invariant: what was let through is settled once, when it is decided.
 */
#pragma once

#include "core/op.h"
#include "http/problem.h"
#include "keys/quota_use.h"

/* Of a worker. */
struct kept_host {
    struct quota_use *quotas; /* NULL: there are no keys */
    unsigned worker;
    double share; /* of each quota, that this host gives */
};

/* Of a request. */
struct kept {
    struct quota_use_slot *slot; /* NULL: nobody limits it */
    struct quota quota;
    struct kept_ticket ticket; /* of its operation; those of a batch have their own */
};

/* Begins a request of a client with this quota. */
void kept_begin(struct kept *kept, struct quota_use_slot *slot, const struct quota *quota);

/* Before the operation is handed to the store. False, with why: it was decided, OUT_QUOTA_USED. */
bool kept_admit(const struct kept *kept, const struct kept_host *host, struct op *op,
                struct kept_ticket *ticket, struct refusal *why) MUST_CHECK;

/* The operation was decided. True, with why: it is refused after all, as it repeats nothing. */
bool kept_decided(const struct kept_host *host, const struct op *op, struct kept_ticket *ticket,
                  struct refusal *why) MUST_CHECK;
