/* framing_shapes.h -- requests that two parsers could read in two ways, and some that only look so.
 *
 * Layer: tests. One table for the judge of bytes (unit/test_framing.c) and for the service over a
 * socket (it/test_http_framing.c). `@` stands for the path of an item that a request taken by
 * mistake would change.
 */
#pragma once

#include <stddef.h>

struct framing_shape {
    const char *name;
    const char *bytes;
    size_t n;
};

/* Each must be refused: one 400 problem document, the connection closed, nothing executed. */
extern const struct framing_shape shapes_refused[];
extern const size_t shapes_refused_count;

/* Each is one whole request. */
extern const struct framing_shape shapes_taken[];
extern const size_t shapes_taken_count;

/* The bytes with `path` for each `@` that stands for one; the caller frees them. */
char *shape_bytes(const struct framing_shape *shape, const char *path, size_t *n);
