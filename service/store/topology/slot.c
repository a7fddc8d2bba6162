#include "store/topology/slot.h"
#include "digits.h"

static struct str tag_of(struct str key)
{
    const char *open = key.n > 0 ? memchr(key.p, '{', key.n) : NULL;
    size_t behind = open ? key.n - (size_t)(open + 1 - key.p) : 0;
    const char *close = behind > 0 ? memchr(open + 1, '}', behind) : NULL;
    return close && close > open + 1 ? (struct str){open + 1, (size_t)(close - open - 1)} : key;
}

static unsigned crc16(struct str s)
{
    unsigned crc = 0;
    for (size_t i = 0; i < s.n; i++) {
        crc ^= (unsigned)(unsigned char)s.p[i] << 8;
        for (int bit = 0; bit < 8; bit++)
            crc = (crc << 1 ^ (crc & 0x8000 ? 0x1021 : 0)) & 0xffff;
    }
    return crc;
}

unsigned slot_of(struct str key)
{
    return crc16(tag_of(key)) % SLOTS;
}

unsigned slot_of_partition(unsigned partition)
{
    char tag[1 + DIGITS_MAX] = "p";
    return slot_of((struct str){tag, 1 + digits_put(tag + 1, partition)});
}
