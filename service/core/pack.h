/* pack.h -- small numbers and texts as bytes, for what lies in Redis by the million.
 *
 * Layer: core, pure. Numbers are LEB128 varints (7 bits a byte, low bits first); a text is its
 * length and its bytes. The writer appends to a struct buf, whose `failed` tells of memory that
 * ran out; the reader never goes past its end and turns `bad` for ever at the first thing that
 * does not fit, so a caller checks once, at the end.
 */
#pragma once

#include "buf.h"
#include "str.h"

#include <stdbool.h>
#include <stdint.h>

/* value: 0..INT64_MAX. */
void pack_number(struct buf *out, int64_t value);
void pack_bytes(struct buf *out, const void *bytes, size_t n);
void pack_text(struct buf *out, struct str text); /* must not be absent */

struct unpack {
    const uint8_t *p, *end;
    bool bad;
};

struct unpack unpack_begin(struct str bytes);
int64_t unpack_number(struct unpack *in); /* 0 when bad */
/* A number that must not pass `most`. */
int64_t unpack_bounded(struct unpack *in, int64_t most);
void unpack_bytes(struct unpack *in, void *bytes, size_t n);
struct str unpack_text(struct unpack *in, size_t most_bytes); /* points into the source */

/* True when everything was read and nothing was bad. */
bool unpack_done(const struct unpack *in) MUST_CHECK;
