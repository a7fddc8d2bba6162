/* record.h -- a reservation, and the result of an operation, as bytes in Redis.
 *
 * Layer: core, pure. Both begin with a format number; a reader refuses one that it does not know.
 * The layouts are documented in docs/architecture.md.
 */
#pragma once

#include "arena.h"
#include "buf.h"
#include "core/op.h"

#define RECORD_FINGERPRINT_BYTES 16 /* of the 32: enough to tell two requests apart */

/* Appends the record of r, without its id. */
void record_encode(struct buf *out, const struct reservation *r);

/* Decodes what record_encode wrote into *r. Lines are made in the arena; texts point into
 * `bytes`. False: no memory, or no such record. */
bool record_decode(struct arena *arena, const struct rid *id, struct str bytes,
                   struct reservation *r) MUST_CHECK;

/* Appends the result of an operation that succeeded: what a replay answers. */
void record_encode_result(struct buf *out, const struct op *op, const struct outcome *outcome);

/* What was recorded for a reserve at this time, made of its event in the arena. Absent: no memory.
 */
struct str record_result_of(struct arena *arena, struct buf *scratch, const struct event *reserve,
                            const uint8_t fingerprint[RECORD_FINGERPRINT_BYTES],
                            int64_t at_ms) MUST_CHECK;

/* Where a result has its fingerprint. */
#define RECORD_FINGERPRINT_AT 1

/* The other way. `fingerprint` and `kind` say what the result was recorded for; *out is as first
 * answered, but for `replayed` and `now_ms`. */
bool record_decode_result(struct arena *arena, struct str bytes,
                          uint8_t fingerprint[RECORD_FINGERPRINT_BYTES], enum op_kind *kind,
                          struct outcome *out) MUST_CHECK;
