/* rid.h -- the id of a reservation.
 *
 * Layer: core. An id is 14 bytes and a partition. The first 3 bytes are the bucket: the deadline
 * at creation, in units of 2^20 ms, so that records which end together lie together in Redis and
 * old ones are found without an index. The other 11 are random: an id is never made twice and
 * cannot be guessed.
 *
 * As text: "r<partition>-<23 characters of base32hex, lower case>".
 */
#pragma once

#include "str.h"

#include <stdbool.h>
#include <stdint.h>

#define RID_BYTES        14
#define RID_BUCKET_BYTES 3
#define RID_BUCKET_SHIFT 20 /* 2^20 ms, about 17 minutes */
#define RID_TEXT_SIZE    32 /* with the NUL */

struct rid {
    uint16_t partition;
    uint8_t b[RID_BYTES];
};

/* The bucket of a deadline, and the bucket that an id carries. */
uint32_t rid_bucket_of(int64_t deadline_ms);
uint32_t rid_bucket(const struct rid *id);
void rid_set_bucket(struct rid *id, uint32_t bucket);

/* Writes the text form with its NUL; returns its length. */
size_t rid_format(const struct rid *id, char out[RID_TEXT_SIZE]);

/* False if the text is no id; only the one text that rid_format writes is taken. */
bool rid_parse(struct str text, struct rid *id) MUST_CHECK;

static inline bool rid_equal(const struct rid *a, const struct rid *b)
{
    return a->partition == b->partition && memcmp(a->b, b->b, RID_BYTES) == 0;
}
