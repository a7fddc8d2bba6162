/* quota_use.h -- what is left of the clients' quotas: token buckets, and what they keep
 * (kept_use.h), in memory that all workers of a host share.
 *
 * Layer: keys. A client, which is known by its name, has a slot for as long as the service runs, so
 * its bucket outlives a worker, a reload of the keys, and each of its keys. There are slots for
 * twice as many clients as a file has keys; those that come when all are taken share one with
 * somebody, so that they may ask less and nobody may ask more.
 */
#pragma once

#include "core/access/bucket.h"
#include "core/access/key_list.h"
#include "keys/kept_use.h"

#include <stdatomic.h>

#define QUOTA_USE_SLOTS (2 * KEYS_MAX)

struct quota_use_slot {
    _Atomic uint64_t client;    /* of its name; 0: nobody's */
    _Atomic int64_t full_at_ns; /* its bucket; of the monotonic clock */
    struct kept_slot kept;
};

struct quota_use {
    struct kept_use kept;
    struct quota_use_slot slots[QUOTA_USE_SLOTS];
};

/* In shared memory, for before the first fork. NULL: out of memory. */
struct quota_use *quota_use_new(void);
void quota_use_free(struct quota_use *use); /* NULL: nothing to do */

/* The client's slot; names are the operator's, so no two are made to meet. */
struct quota_use_slot *quota_use_slot(struct quota_use *use, struct str client);

/* The same, but NULL for one that has none. */
struct quota_use_slot *quota_use_find(struct quota_use *use, struct str client);

/* As bucket_take(), whoever else does so at the same time. */
struct bucket_verdict quota_use_take(struct quota_use_slot *slot, const struct bucket_limit *limit,
                                     int64_t now_ns, int64_t tokens) MUST_CHECK;
