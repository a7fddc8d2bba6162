#include "ledger/text.h"
#include "utf8.h"

bool text_storable(struct str text)
{
    for (size_t i = 0; i < text.n;) {
        size_t n = utf8_length(text.p + i, text.n - i);
        if (n == 0 || text.p[i] == '\0')
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
