/* json_body.h -- the JSON object in a request's body.
 *
 * Layer: http. Numbers that fit no 64-bit integer make jansson give up; the contract wants them to
 * be an invalid field of their own (and, in a batch, of their own operation). So they are listed
 * with their paths, replaced by 0 in the text, and the text is parsed once more. What is nested
 * deeper than BODY_DEPTH_MAX is refused before it is parsed: all that walks over it recurses.
 */
#pragma once

#include "arena.h"
#include "http/problem.h"

#include <jansson.h>

struct json_oversized {
    const char *path;
    struct json_oversized *next;
};

struct json_body {
    json_t *root; /* an object; json_body_free drops it */
    /* The first such number of each element of a top-level array, and of all else together. */
    struct json_oversized *oversized;
};

/* Parses n bytes, which it may change. False: refused, and there is nothing to free. */
bool json_body_parse(struct json_body *body, struct arena *arena, char *text, size_t n,
                     struct refusal *why) MUST_CHECK;

void json_body_free(struct json_body *body);
