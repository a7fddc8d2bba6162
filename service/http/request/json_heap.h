/* json_heap.h -- how much memory jansson may take for a text, told before it is parsed.
 *
 * Layer: http, pure. What a body is parsed into may be eighty times as long: 1 MiB of `{},` takes
 * 79 MiB. It must be refused before: jansson writes behind its buffers when it is told half-way
 * that there is no memory.
 *
 * Invariant: the bound is never below what jansson allocates at any time while it parses the text,
 * right or wrong, with what the allocator adds. tests/fuzz/fuzz_request.c looks for a text that it
 * is.
 */
#pragma once

#include "str.h"

/* The bound is at most so many bytes for each of the text (braces alone), and some for none. */
#define JSON_HEAP_WORST ((size_t)264)
#define JSON_HEAP_LEAST ((size_t)1024)

size_t json_heap_bound(struct str text);
