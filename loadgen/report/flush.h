/* flush.h -- from a buffer to a stream.
 *
 * Layer: report. Every format is made in a buffer and written in large pieces.
 */
#ifndef LOADGEN_REPORT_FLUSH_H
#define LOADGEN_REPORT_FLUSH_H

#include "buf.h"

#include <errno.h>
#include <stdio.h>

/* Writes what the buffer holds and empties it. 0, -ENOMEM when the buffer failed, -EIO when the
 * stream did. */
MUST_CHECK static inline int flush_buf(FILE *out, struct buf *b)
{
    bool failed = b->failed;
    size_t n = b->n;
    buf_reset(b);
    if (failed)
        return -ENOMEM;
    return n == 0 || fwrite(b->p, 1, n, out) == n ? 0 : -EIO;
}

#endif
