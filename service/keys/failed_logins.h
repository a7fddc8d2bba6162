/* failed_logins.h -- how often somebody at an address may come with a key that is no good.
 *
 * Layer: keys. A token bucket for each address, of IPv6 for each network of 64 bits, which is what
 * one household has; in memory that all workers of a host share. The table is of one size: an
 * address that finds no room takes that of the one that has been good for longest, so who has very
 * many addresses has more tries, and nobody has fewer. Where an address lies nobody outside can
 * know, as a secret is part of it.
 */
#pragma once

#include "core/access/bucket.h"
#include "ip.h"

struct failed_logins;

/* In shared memory, for before the first fork; per_minute > 0: so many, and so many at once. NULL:
 * out of memory. */
struct failed_logins *failed_logins_new(int64_t per_minute);
void failed_logins_free(struct failed_logins *logins); /* NULL: nothing to do */

/* 0: one more may fail. Else how long until then. */
int64_t failed_logins_wait_ns(struct failed_logins *logins, const struct ip *from,
                              int64_t now_ns) MUST_CHECK;

/* One has failed. */
void failed_logins_note(struct failed_logins *logins, const struct ip *from, int64_t now_ns);
