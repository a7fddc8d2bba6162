#include "printable.h"
#include "utf8.h"

/* Line and paragraph separators end lines too, in JavaScript and in some editors. */
static bool prints(uint32_t c)
{
    static const struct {
        uint32_t from, to;
    } hidden[] = {{0, 0x1f},        {0x7f, 0x9f},     {0x200b, 0x200f},
                  {0x2028, 0x202e}, {0x2060, 0x206f}, {0xfeff, 0xfeff}};
    for (size_t i = 0; i < sizeof hidden / sizeof hidden[0]; i++)
        if (c >= hidden[i].from && c <= hidden[i].to)
            return false;
    return true;
}

void printable_put(struct buf *out, struct str text)
{
    while (text.n > 0) {
        uint32_t character = 0;
        size_t n = utf8_decode(text.p, text.n, &character);
        size_t taken = n ? n : 1;
        if (n && prints(character))
            buf_put(out, text.p, n);
        else
            for (size_t i = 0; i < taken; i++)
                buf_printf(out, "\\x%02x", (unsigned char)text.p[i]);
        text.p += taken;
        text.n -= taken;
    }
}

void printable_put_csv(struct buf *out, struct str text)
{
    if (!memchr(text.p ? text.p : "", '"', text.n) && !memchr(text.p ? text.p : "", ',', text.n)) {
        printable_put(out, text);
        return;
    }
    buf_putc(out, '"');
    while (text.n > 0) {
        const char *quote = memchr(text.p, '"', text.n);
        size_t n = quote ? (size_t)(quote - text.p) : text.n;
        printable_put(out, (struct str){text.p, n});
        if (quote)
            buf_puts(out, STR("\"\""));
        n += quote != NULL;
        text.p += n;
        text.n -= n;
    }
    buf_putc(out, '"');
}

struct str printable_field(const char *field, size_t size)
{
    return (struct str){field, strnlen(field, size)};
}

size_t printable_columns(struct str text)
{
    size_t columns = 0;
    for (size_t i = 0; i < text.n; i++)
        columns += ((unsigned char)text.p[i] & 0xc0) != 0x80;
    return columns;
}
