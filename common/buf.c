/* buf.c -- growth and number text of buf.h. */
#include "buf.h"
#include "digits.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>

#define FIRST_BYTES 256

void buf_init(struct buf *b, size_t max_bytes)
{
    assert(max_bytes > 0);
    *b = (struct buf){.max = max_bytes};
}

void buf_free(struct buf *b)
{
    free(b->p);
    *b = (struct buf){.max = b->max};
}

void buf_trim(struct buf *b)
{
    char *p = b->n > 0 ? realloc(b->p, b->n) : NULL;
    if (b->n > 0 && !p)
        return; /* the larger one is as good */
    if (b->n == 0)
        free(b->p);
    b->p = p;
    b->cap = b->n;
}

char *buf_grow(struct buf *b, size_t n)
{
    assert(b->n <= b->cap && b->cap <= b->max);
    if (b->failed)
        return NULL;
    if (n > b->max - b->n) {
        b->failed = true;
        return NULL;
    }

    /* Doubling keeps the cost of growth constant per byte; the last step lands on the maximum. */
    size_t want = b->n + n;
    size_t cap = b->cap ? b->cap : FIRST_BYTES;
    while (cap < want)
        cap = cap > b->max / 2 ? b->max : cap * 2;
    if (cap > b->max)
        cap = b->max;

    char *p = realloc(b->p, cap);
    if (!p) {
        b->failed = b->exhausted = true;
        return NULL;
    }
    b->p = p;
    b->cap = cap;
    return p + b->n;
}

void buf_printf(struct buf *b, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    /* One byte more than needed: vsnprintf insists on its NUL, which is not committed. */
    char *to = n >= 0 ? buf_reserve(b, (size_t)n + 1) : NULL;
    if (to) {
        vsnprintf(to, (size_t)n + 1, format, again);
        b->n += (size_t)n;
    }
    va_end(again);
    b->failed |= n < 0;
}

void buf_put_i64(struct buf *b, int64_t value)
{
    char digits[DIGITS_MAX];
    buf_put(b, digits, digits_put_signed(digits, value));
}

int buf_flush(struct buf *b, FILE *out)
{
    bool failed = b->failed;
    size_t n = b->n;
    buf_reset(b);
    if (failed)
        return -ENOMEM;
    return n == 0 || fwrite(b->p, 1, n, out) == n ? 0 : -EIO;
}
