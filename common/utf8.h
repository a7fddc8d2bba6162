/* utf8.h -- where a character of UTF-8 ends.
 *
 * Layer: common. RFC 3629: no overlong forms, no surrogates, nothing beyond U+10FFFF.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Bytes of the character at p, of which n >= 1 bytes are there; 0: it is none. NUL is one. */
static inline size_t utf8_length(const char *p, size_t n)
{
    const unsigned char *c = (const unsigned char *)p;
    if (c[0] < 0x80)
        return 1;
    size_t length = c[0] >= 0xf0 ? 4 : c[0] >= 0xe0 ? 3 : 2;
    if (c[0] < 0xc2 || c[0] > 0xf4 || n < length)
        return 0;
    unsigned char low = c[0] == 0xe0 ? 0xa0 : c[0] == 0xf0 ? 0x90 : 0x80;
    unsigned char high = c[0] == 0xed ? 0x9f : c[0] == 0xf4 ? 0x8f : 0xbf;
    if (c[1] < low || c[1] > high)
        return 0;
    for (size_t i = 2; i < length; i++)
        if ((c[i] & 0xc0) != 0x80)
            return 0;
    return length;
}

/* The same, and which character it is. */
static inline size_t utf8_decode(const char *p, size_t n, uint32_t *character)
{
    size_t length = utf8_length(p, n);
    unsigned char first = (unsigned char)p[0];
    *character = length > 1 ? first & (0x7fu >> length) : first;
    for (size_t i = 1; i < length; i++)
        *character = *character << 6 | ((unsigned char)p[i] & 0x3f);
    return length;
}
