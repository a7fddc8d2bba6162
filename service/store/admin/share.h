/* share.h -- what services that share a store tell one another: a field each, in a hash of
 * partition 0 that is gone some time after the last of them.
 *
 * Layer: store, on the connection of a struct admin. Nothing that is sold depends on it: what is
 * wrong with the hash is mended by dropping it, since everybody writes a field anew in a moment.
 *
 * Invariant: nothing is written to a Redis that does not hold our store, open.
 */
#pragma once

#include "store/admin/admin.h"

#define SHARE_FIELDS_MAX 64
#define SHARE_NAME_CHARS 16
#define SHARE_KEEP_MS    10000 /* without anybody who writes */

enum share_result {
    SHARE_OK,
    SHARE_AWAY,   /* the partition is not open, or its Redis is not reached */
    SHARE_FAILED, /* see admin_why(); the connection is closed */
    SHARE_SPOILT, /* there are things in it that nobody of us wrote: to be begun anew */
};

/* Puts our field, and hands out those of all, ours among them, good during that call. A name has
 * SHARE_NAME_CHARS hexadecimal digits, a value at most value_max bytes. `anew`: drops first what is
 * there. */
enum share_result admin_share(struct admin *admin, struct str name, struct str value, bool anew,
                              size_t value_max,
                              void (*each)(void *user, struct str name, struct str value),
                              void *user) MUST_CHECK;

/* Drops one field, if the partition is open. */
void admin_share_end(struct admin *admin, struct str name);
