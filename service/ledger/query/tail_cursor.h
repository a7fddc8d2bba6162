/* tail_cursor.h -- a position in the feed of events as text.
 *
 * Layer: ledger, pure. `<epoch>-<seq>-<n>` for each partition, in their order, joined by dots; `0`
 * for a partition of which nothing was seen: "3-1041-0", "1-7-2.0.2-19-0". Clients send it back
 * as it is.
 *
 * Invariant: what tail_cursor_put writes, tail_cursor_parse reads as the same position, and no
 * other text is read.
 */
#pragma once

#include "buf.h"
#include "ledger/query/tail.h"

void tail_cursor_put(struct buf *out, const struct tail_position *at, unsigned partitions);

/* False: it is none, or of another number of partitions. */
bool tail_cursor_parse(struct str text, struct tail_position *at, unsigned partitions) MUST_CHECK;
