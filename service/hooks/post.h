/* post.h -- what is sent of an event: its id and its body.
 *
 * Layer: hooks, pure. The body is that of Standard Webhooks around the event as GET /v1/events has
 * it, without a cursor:
 *
 *   {"type":"confirm","timestamp":"2026-11-21T01:31:37.123Z","data":{"type":"confirm","at":...}}
 *
 * Invariant: an event has the same id however often it is sent, and no two events have one.
 */
#pragma once

#include "buf.h"
#include "ledger/query/tail.h"

#define POST_ID_SIZE 88 /* four numbers, and the NUL */

/* "evt_<partition>_<epoch>_<seq>_<n>", as `stockd hooks` shows it and takes it. */
void post_id(unsigned partition, const struct tail_position *at, char out[POST_ID_SIZE]);

/* The other way. False: it is none. */
bool post_read_id(struct str text, unsigned *partition, struct tail_position *at) MUST_CHECK;

void post_body(struct buf *out, const struct movement *movement);

/* That of a test, which is about no event: type "test". */
void post_test_body(struct buf *out, struct str hook, int64_t now_ms);
