#include "core/pack.h"

#include <assert.h>

void pack_number(struct buf *out, int64_t value)
{
    uint8_t bytes[10];
    size_t n = 0;
    assert(value >= 0);
    uint64_t rest = (uint64_t)value;
    for (; rest >= 0x80; rest >>= 7)
        bytes[n++] = (uint8_t)(rest | 0x80);
    bytes[n++] = (uint8_t)rest;
    buf_put(out, bytes, n);
}

void pack_bytes(struct buf *out, const void *bytes, size_t n)
{
    buf_put(out, bytes, n);
}

void pack_text(struct buf *out, struct str text)
{
    assert(!str_absent(text));
    pack_number(out, (int64_t)text.n);
    buf_put(out, text.p, text.n);
}

struct unpack unpack_begin(struct str bytes)
{
    const uint8_t *p = (const uint8_t *)bytes.p;
    return (struct unpack){p, p ? p + bytes.n : p, false};
}

int64_t unpack_number(struct unpack *in)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 63 && !in->bad && in->p < in->end; shift += 7) {
        uint8_t byte = *in->p++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return (int64_t)value;
    }
    in->bad = true;
    return 0;
}

int64_t unpack_bounded(struct unpack *in, int64_t most)
{
    int64_t value = unpack_number(in);
    if (value <= most)
        return value;
    in->bad = true;
    return 0;
}

void unpack_bytes(struct unpack *in, void *bytes, size_t n)
{
    if (in->bad || (size_t)(in->end - in->p) < n) {
        in->bad = true;
        memset(bytes, 0, n);
        return;
    }
    memcpy(bytes, in->p, n);
    in->p += n;
}

struct str unpack_text(struct unpack *in, size_t most_bytes)
{
    size_t n = (size_t)unpack_bounded(in, (int64_t)most_bytes);
    if (in->bad || (size_t)(in->end - in->p) < n) {
        in->bad = true;
        return (struct str){"", 0};
    }
    struct str text = {(const char *)in->p, n};
    in->p += n;
    return text;
}

bool unpack_done(const struct unpack *in)
{
    return !in->bad && in->p == in->end;
}
