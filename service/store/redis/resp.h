/* resp.h -- Redis commands as bytes.
 *
 * Layer: store, pure. Writes RESP2 arrays of bulk strings
 * (https://redis.io/docs/latest/develop/reference/protocol-spec/) into one reused buffer: five
 * times cheaper than formatting a command each with hiredis. Arguments carry lengths, so a value
 * may hold any byte. The caller writes exactly as many arguments as it announced.
 */
#pragma once

#include "buf.h"
#include "str.h"

/* Begins a command of `args` arguments, its name included. */
void resp_begin(struct buf *out, size_t args);
void resp_arg(struct buf *out, struct str arg);
void resp_int(struct buf *out, int64_t arg);

/* A key of ours: `{p<partition>}:<kind>` or, with a name, `{p<partition>}:<kind>:<name>`. */
void resp_key(struct buf *out, unsigned partition, struct str kind, struct str name);

/* A whole command of literal words: resp_words(out, 2, "INFO", "server"). */
void resp_words(struct buf *out, size_t args, ...);
