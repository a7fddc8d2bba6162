#include "core/rid.h"
#include "digits.h"

#include <assert.h>

static const char digits[] = "0123456789abcdefghijklmnopqrstuv";

#define RID_DIGITS ((RID_BYTES * 8 + 4) / 5)
static_assert(1 + 5 + 1 + RID_DIGITS < RID_TEXT_SIZE, "an id's text must fit");

uint32_t rid_bucket_of(int64_t deadline_ms)
{
    assert(deadline_ms >= 0);
    return (uint32_t)(deadline_ms >> RID_BUCKET_SHIFT) & 0xffffff;
}

uint32_t rid_bucket(const struct rid *id)
{
    return (uint32_t)id->b[0] << 16 | (uint32_t)id->b[1] << 8 | id->b[2];
}

void rid_set_bucket(struct rid *id, uint32_t bucket)
{
    assert(bucket <= 0xffffff);
    id->b[0] = (uint8_t)(bucket >> 16);
    id->b[1] = (uint8_t)(bucket >> 8);
    id->b[2] = (uint8_t)bucket;
}

size_t rid_format(const struct rid *id, char out[RID_TEXT_SIZE])
{
    size_t n = 0;
    out[n++] = 'r';
    n += digits_put(out + n, id->partition);
    out[n++] = '-';
    uint32_t bits = 0;
    unsigned have = 0;
    for (size_t i = 0; i < RID_BYTES; i++) {
        bits = bits << 8 | id->b[i];
        for (have += 8; have >= 5; have -= 5)
            out[n++] = digits[bits >> (have - 5) & 31];
    }
    if (have > 0)
        out[n++] = digits[bits << (5 - have) & 31];
    out[n] = '\0';
    return n;
}

static int digit_value(char c)
{
    if (c >= '0' && c <= '9')
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
    while (at < text.n && text.p[at] >= '0' && text.p[at] <= '9' && partition <= UINT16_MAX)
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
