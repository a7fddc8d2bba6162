/* quota.h -- what a client may use of the service at most, as its line in the file of keys says it.
 *
 * Layer: core, pure. `none`, or limits with commas between them, each once, in any order:
 *
 *   rps=50,burst=100    requests a second, and so many at once
 *   holds=100           reservations that are held
 *   units=5000          units that those hold
 *   metadata=1000000    bytes of metadata of reservations, as long as they are kept
 *   operations=100000   idempotency keys, as long as they are kept
 *
 * Without `burst` it is what `rps` gives in a second. The last four are of what is kept: it is
 * counted in the SQL ledger, so there must be one.
 *
 * Invariant: what quota_write() has written is read as the same quota.
 */
#pragma once

#include "buf.h"
#include "core/access/bucket.h"

enum quota_limit {
    QUOTA_RPS,
    QUOTA_BURST,
    QUOTA_HOLDS, /* of what is kept, from here on, in the order of enum kept_kind */
    QUOTA_UNITS,
    QUOTA_METADATA,
    QUOTA_OPERATIONS,
    QUOTA_LIMITS
};

#define QUOTA_NONE      "none"
#define QUOTA_TEXT_SIZE 160 /* of the longest, with a NUL */

struct quota {
    int64_t limits[QUOTA_LIMITS]; /* 0: there is none */
};

/* False, with what would be right in *why: a static text. */
bool quota_parse(struct quota *quota, struct str text, const char **why) MUST_CHECK;

/* Appends the text. */
void quota_write(const struct quota *quota, struct buf *out);

/* Whether it limits what is kept. */
bool quota_keeps(const struct quota *quota);

/* "rps" */
const char *quota_limit_name(enum quota_limit limit);

/* The bucket of a host that has this share, above 0 and at most 1, of what the client may ask.
 * Without `rps` it is one without a limit. */
struct bucket_limit quota_rate(const struct quota *quota, double share);
