/* rid.h -- the id of a reservation.
 *
 * Layer: core. An id is 14 bytes and a partition. It begins with its bucket, the hash in Redis that
 * its record lies in: 3 bytes of the deadline at creation, in units of 2^20 ms, so that records
 * which end together lie together and old ones are found without an index. In a store of format 2
 * the top bit of these is set and 3 bytes follow, the part of the bucket: hashes stay so small that
 * Redis packs them (core/parts.h). The other 11 or 8 bytes are random: an id is never made twice
 * and cannot be guessed.
 *
 * As text: "r<partition>-<23 characters of base32hex, lower case>".
 */
#pragma once

#include "str.h"

#include <stdbool.h>
#include <stdint.h>

#define RID_BYTES        14
#define RID_BUCKET_SHIFT 20 /* 2^20 ms, about 17 minutes */
#define RID_TEXT_SIZE    32 /* with the NUL */

struct rid {
    uint16_t partition;
    uint8_t b[RID_BYTES];
};

/* Numbers of buckets are in the order of deadlines, whole buckets before parts. */
#define RID_BUCKET_BYTES 3
#define RID_SERIAL_BYTES 3 /* the number of a part within its bucket: any 24 bits */
#define RID_PARTS_FIRST  (INT64_C(1) << 47)

/* The bucket of a deadline; a part of it; and what an id carries. */
int64_t rid_bucket_of(int64_t deadline_ms);
int64_t rid_part_of(int64_t deadline_ms, uint32_t serial);
int64_t rid_bucket(const struct rid *id);
void rid_set_bucket(struct rid *id, int64_t bucket);

/* Writes the text form with its NUL; returns its length. */
size_t rid_format(const struct rid *id, char out[RID_TEXT_SIZE]);

/* False if the text is no id; only the one text that rid_format writes is taken. */
bool rid_parse(struct str text, struct rid *id) MUST_CHECK;

static inline bool rid_equal(const struct rid *a, const struct rid *b)
{
    return a->partition == b->partition && memcmp(a->b, b->b, RID_BYTES) == 0;
}
