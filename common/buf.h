/* buf.h -- a byte buffer that grows, and is born with a maximum.
 *
 * Layer: common. The buf owns its bytes; whoever called buf_init calls buf_free. Writers do not
 * check each write: the first one that would pass the maximum, or finds no memory, is dropped,
 * sets `failed`, and so is everything after it, until buf_reset. Check `failed` once, at the end.
 *
 *   0 .. n     written
 *   n .. cap   room already paid for
 *
 * Invariant: n <= cap <= max. The bytes are not NUL-terminated.
 */
#pragma once

#include "str.h"

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct buf {
    char *p; /* NULL until the first write */
    size_t n;
    size_t cap;
    size_t max; /* bytes; fixed for life */
    bool failed;
    bool exhausted; /* it failed for want of memory, not of room below max */
};

/* An empty buffer that never holds more than max_bytes. Allocates nothing yet. */
void buf_init(struct buf *b, size_t max_bytes);

/* Gives the memory back; the buffer is empty and usable again. */
void buf_free(struct buf *b);

/* Gives back the room behind what was written. */
void buf_trim(struct buf *b);

/* Slow path of buf_reserve: makes room or sets `failed`. */
char *buf_grow(struct buf *b, size_t n);

/* Formats as printf does. */
void buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Writes what the buffer holds to a stream and empties it. 0, -ENOMEM when the buffer failed, -EIO
 * when the stream did. */
int buf_flush(struct buf *b, FILE *out) MUST_CHECK;

/* A signed number in decimal. */
void buf_put_i64(struct buf *b, int64_t value);

/* Empties the buffer, keeps its memory, forgets a failure. */
static inline void buf_reset(struct buf *b)
{
    b->n = 0;
    b->failed = b->exhausted = false;
}

/* Room for n bytes at the end, to be written by the caller and then counted with buf_commit. NULL
 * when there is none: `failed` is set. Valid until the next call on this buffer. */
static inline char *buf_reserve(struct buf *b, size_t n)
{
    if (__builtin_expect(!b->failed && b->p && b->cap - b->n >= n, 1))
        return b->p + b->n;
    return buf_grow(b, n);
}

/* Counts n bytes that were written to the last reservation. */
static inline void buf_commit(struct buf *b, size_t n)
{
    assert(n <= b->cap - b->n);
    b->n += n;
}

static inline void buf_put(struct buf *b, const void *bytes, size_t n)
{
    if (n == 0)
        return;
    char *to = buf_reserve(b, n);
    if (to) {
        memcpy(to, bytes, n);
        b->n += n;
    }
}

static inline void buf_putc(struct buf *b, char c)
{
    char *to = buf_reserve(b, 1);
    if (to) {
        *to = c;
        b->n++;
    }
}

/* The bytes of a str; an absent one writes nothing. */
static inline void buf_puts(struct buf *b, struct str s)
{
    buf_put(b, s.p, s.n);
}

/* What was written, as a view that lives until the next call on this buffer. */
static inline struct str buf_str(const struct buf *b)
{
    return (struct str){b->p ? b->p : "", b->n};
}
