#include "ledger/text.h"

/* First bytes and what may be the second; each further one is 80..bf. Overlong forms, surrogates
 * and what is beyond U+10FFFF have no row. */
static const struct {
    unsigned char first, last, second_low, second_high;
    size_t n;
} forms[] = {
    {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
    {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4},
    {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
};

/* Bytes of the character at p beyond ASCII, 0: it is none. */
static size_t character_bytes(const unsigned char *p, size_t left)
{
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        if (*p < forms[i].first || *p > forms[i].last)
            continue;
        if (left < forms[i].n || p[1] < forms[i].second_low || p[1] > forms[i].second_high)
            return 0;
        for (size_t k = 2; k < forms[i].n; k++)
            if ((p[k] & 0xc0) != 0x80)
                return 0;
        return forms[i].n;
    }
    return 0;
}

bool text_storable(struct str text)
{
    const unsigned char *p = (const unsigned char *)text.p;
    for (size_t i = 0; i < text.n;) {
        size_t n = p[i] < 0x80 ? p[i] != 0 : character_bytes(p + i, text.n - i);
        if (n == 0)
            return false;
        i += n;
    }
    return true;
}

struct str text_hex(struct arena *arena, struct str bytes)
{
    static const char digits[] = "0123456789abcdef";
    if (str_absent(bytes))
        return bytes;
    char *out = arena_alloc(arena, 2 * bytes.n);
    if (!out)
        return (struct str){NULL, 0};
    for (size_t i = 0; i < bytes.n; i++) {
        unsigned char b = (unsigned char)bytes.p[i];
        out[2 * i] = digits[b >> 4];
        out[2 * i + 1] = digits[b & 15];
    }
    return (struct str){out, 2 * bytes.n};
}
