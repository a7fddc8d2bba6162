#include "store/redis/resp.h"

#include "digits.h"

#include <stdarg.h>

#define HEAD_MAX 24

/* "<mark><number>\r\n" */
static void put_resp_head(struct buf *out, char mark, size_t number)
{
    char *to = buf_reserve(out, HEAD_MAX);
    if (!to)
        return;
    to[0] = mark;
    size_t n = 1 + digits_put(to + 1, number);
    to[n++] = '\r';
    to[n++] = '\n';
    buf_commit(out, n);
}

void resp_begin(struct buf *out, size_t args)
{
    put_resp_head(out, '*', args);
}

void resp_arg(struct buf *out, struct str arg)
{
    put_resp_head(out, '$', arg.n);
    buf_put(out, arg.p, arg.n);
    buf_put(out, "\r\n", 2);
}

void resp_int(struct buf *out, int64_t arg)
{
    char text[DIGITS_MAX];
    resp_arg(out, (struct str){text, digits_put_signed(text, arg)});
}

void resp_key(struct buf *out, unsigned partition, struct str kind, struct str name)
{
    char tag[HEAD_MAX] = "{p";
    size_t n = 2 + digits_put(tag + 2, partition);
    tag[n++] = '}';
    tag[n++] = ':';
    bool named = !str_absent(name);
    put_resp_head(out, '$', n + kind.n + (named ? 1 + name.n : 0));
    buf_put(out, tag, n);
    buf_put(out, kind.p, kind.n);
    if (named) {
        buf_putc(out, ':');
        buf_put(out, name.p, name.n);
    }
    buf_put(out, "\r\n", 2);
}

void resp_words(struct buf *out, size_t args, ...)
{
    va_list words;
    resp_begin(out, args);
    va_start(words, args);
    for (size_t i = 0; i < args; i++)
        resp_arg(out, str_of(va_arg(words, const char *)));
    va_end(words);
}
