#include "core/rid.h"
#include "digits.h"

#include <assert.h>

static const char digits[] = "0123456789abcdefghijklmnopqrstuv";

#define RID_DIGITS ((RID_BYTES * 8 + 4) / 5)
static_assert(1 + 5 + 1 + RID_DIGITS < RID_TEXT_SIZE, "an id's text must fit");

/* Deadlines of up to the year 2248 leave the top bit of a bucket to tell parts from whole ones. */
#define IS_PART      INT64_C(0x800000)
#define SERIAL_BITS  (8 * RID_SERIAL_BYTES)
#define BUCKETS_MASK (IS_PART - 1)
static_assert(RID_PARTS_FIRST == IS_PART << SERIAL_BITS, "a part has the top bit of its bucket");

int64_t rid_bucket_of(int64_t deadline_ms)
{
    assert(deadline_ms >= 0);
    return deadline_ms >> RID_BUCKET_SHIFT & BUCKETS_MASK;
}

int64_t rid_part_of(int64_t deadline_ms, uint32_t serial)
{
    assert(serial >> SERIAL_BITS == 0);
    return (rid_bucket_of(deadline_ms) | IS_PART) << SERIAL_BITS | serial;
}

static int64_t take_bytes(const uint8_t *p, unsigned count)
{
    int64_t number = 0;
    for (unsigned i = 0; i < count; i++)
        number = number << 8 | p[i];
    return number;
}

int64_t rid_bucket(const struct rid *id)
{
    int64_t bucket = take_bytes(id->b, RID_BUCKET_BYTES);
    return bucket & IS_PART ? take_bytes(id->b, RID_BUCKET_BYTES + RID_SERIAL_BYTES) : bucket;
}

void rid_set_bucket(struct rid *id, int64_t bucket)
{
    unsigned count = RID_BUCKET_BYTES + (bucket >= RID_PARTS_FIRST ? RID_SERIAL_BYTES : 0);
    assert(bucket >= 0 && bucket >> (8 * count) == 0);
    assert(count > RID_BUCKET_BYTES || bucket < IS_PART);
    for (unsigned i = count; i-- > 0; bucket >>= 8)
        id->b[i] = (uint8_t)bucket;
}

size_t rid_format(const struct rid *id, char out[RID_TEXT_SIZE])
{
    size_t n = 0;
    out[n++] = 'r';
    n += digits_put(out + n, id->partition);
    out[n++] = '-';
    for (size_t i = 0; i < RID_BYTES; i += 5) { /* eight digits, or what is left */
        uint64_t bits = 0;
        size_t bytes = RID_BYTES - i < 5 ? RID_BYTES - i : 5;
        for (size_t b = 0; b < 5; b++)
            bits = bits << 8 | (b < bytes ? id->b[i + b] : 0);
        for (size_t d = 0; d < (8 * bytes + 4) / 5; d++)
            out[n++] = digits[bits >> (35 - 5 * d) & 31];
    }
    out[n] = '\0';
    return n;
}

static int digit_value(char c)
{
    if (digits_is(c))
        return c - '0';
    if (c >= 'a' && c <= 'v')
        return c - 'a' + 10;
    return -1;
}

bool rid_parse(struct str text, struct rid *id)
{
    size_t at = 1;
    uint32_t partition = 0;
    if (text.n >= RID_TEXT_SIZE || text.n < 3 + RID_DIGITS || text.p[0] != 'r')
        return false;
    while (at < text.n && digits_is(text.p[at]) && partition <= UINT16_MAX)
        partition = partition * 10 + (uint32_t)(text.p[at++] - '0');
    if (partition > UINT16_MAX || at == 1 || at >= text.n || text.p[at] != '-')
        return false;
    if (text.n - ++at != RID_DIGITS)
        return false;
    id->partition = (uint16_t)partition;
    uint32_t bits = 0;
    unsigned have = 0;
    size_t n = 0;
    for (; at < text.n; at++) {
        int value = digit_value(text.p[at]);
        if (value < 0)
            return false;
        bits = bits << 5 | (uint32_t)value;
        have += 5;
        if (have >= 8 && n < RID_BYTES) {
            have -= 8;
            id->b[n++] = (uint8_t)(bits >> have);
        }
    }
    /* One id, one text: leading zeros and stray low bits would give it a second one. */
    char again[RID_TEXT_SIZE];
    return rid_format(id, again) == text.n && memcmp(again, text.p, text.n) == 0;
}
