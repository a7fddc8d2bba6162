/* signature.h -- secrets of hooks, and what is signed with them.
 *
 * Layer: hooks, pure. As Standard Webhooks has it (standardwebhooks.com): a secret is `whsec_` and
 * base64 of 24 to 64 bytes; a signature is `v1,` and base64 of the HMAC-SHA256 over
 * `<id>.<timestamp>.<body>`. While a secret is changed for another there are two signatures, with a
 * blank between them, and the receiver takes whichever it knows.
 */
#pragma once

#include "buf.h"

#define SECRET_MIN_BYTES 24
#define SECRET_MAX_BYTES 64
#define SECRETS_MAX      2 /* of a hook */

struct hook_secret {
    uint8_t bytes[SECRET_MAX_BYTES];
    size_t n;
};

/* False: *why says what is wrong, a static text that repeats nothing of it. */
bool secret_parse(struct hook_secret *secret, struct str text, const char **why) MUST_CHECK;

/* Appends what the header field webhook-signature says. timestamp_s: seconds since the epoch, as in
 * webhook-timestamp. False: out of memory. */
bool signature_put(struct buf *out, const struct hook_secret *secrets, size_t count, struct str id,
                   int64_t timestamp_s, struct str body) MUST_CHECK;
