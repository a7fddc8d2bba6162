/* fingerprint.h -- what makes two requests under one idempotency key "the same".
 *
 * Layer: http. SHA-256 over method, path and body; the body as a JSON value, so that the order of
 * its fields and its blanks are free.
 */
#ifndef HTTP_FINGERPRINT_H
#define HTTP_FINGERPRINT_H

#include "arena.h"
#include "core/op.h"
#include "core/route.h"

#include <jansson.h>

/* body NULL: none. False: out of memory. */
bool fingerprint(uint8_t out[FINGERPRINT_BYTES], struct arena *arena, const char *method,
                 enum route_id route, struct str param, const json_t *body)
    __attribute__((warn_unused_result));

#endif
