/* api_key.h -- an API key as it is written: sk_<id>_<secret><checksum>.
 *
 * Layer: core, pure. All in small hexadecimal digits: 6 bytes that name the key and are no secret,
 * 32 random ones, and a CRC-32 of all that stands before it. So a program that looks for leaked
 * keys knows one from what only looks like it, and one that was mistyped is told from a wrong one
 * without a look at the list. The checksum guards against nobody.
 */
#pragma once

#include "str.h"

#include <stdbool.h>
#include <stdint.h>

#define API_KEY_ID_BYTES     6
#define API_KEY_ID_CHARS     12
#define API_KEY_SECRET_BYTES 32
#define API_KEY_CHARS        88 /* "sk_", id, "_", secret, checksum */
#define API_KEY_SIZE         89 /* with the NUL */

/* Writes the key; id < 2^48. */
void api_key_write(uint64_t id, const uint8_t secret[API_KEY_SECRET_BYTES], char out[API_KEY_SIZE]);

/* Whether the text has the form of a key, checksum and all; then *id is its id. */
bool api_key_read(struct str text, uint64_t *id) MUST_CHECK;

/* The id of what looks like a key up to there: for whoever compares the rest with one that is known
 * to be good. */
bool api_key_peek(struct str text, uint64_t *id) MUST_CHECK;

/* An id as 12 digits, with a NUL, and back. False: it is none. */
void api_key_put_id(uint64_t id, char out[API_KEY_ID_CHARS + 1]);
bool api_key_read_id(struct str text, uint64_t *id) MUST_CHECK;
