/* conn.h -- one connection to Redis on the loop: a request of many commands out, its replies in.
 *
 * Layer: store. hiredis makes the socket and parses replies; we drive both by hand, because its
 * asynchronous API costs 10 to 25 % more a batch and has no time-outs before 1.0. After any error
 * the hiredis context is freed: going on with one shifts replies.
 *
 *   DOWN -> RESOLVING (only a host name) -> CONNECTING -> SECURING (only with TLS)
 *        -> GREETING (AUTH, SELECT, MULTI, EXEC, INFO) -> READY <-> BUSY (one exchange)
 *   any  -> DOWN on error, end of file or time-out, and again after a back-off with jitter
 *
 * A master may become a replica while its connections live, and others take its address; it may
 * even be promoted again, with less than it had. So the role and the replication id, which every
 * promotion changes, are asked again once a second, behind an exchange or, while there is none, by
 * themselves; a connection that has outlived its promotion goes DOWN (rule FRESH, docs/model). So
 * does one whose partition is elsewhere now, as the topology says, which is asked each time it
 * connects and told of each connection that fails.
 *
 * Invariant: one exchange at a time; its callback is called once with every reply, or `lost` is
 * called once and nothing is known of what Redis made of it.
 */
#pragma once

#include "store/redis/conn_state.h"

/* Prepares the connection to where the partition is written to; conn_open() begins to connect. The
 * topology must outlive it. */
void conn_init(struct conn *conn, uv_loop_t *loop, struct topology *topology, unsigned partition);
void conn_open(struct conn *conn);

/* The same for one that goes by no partition: to ask whoever is at an address. There is no
 * greeting, no look at the role and no second try: conn_once() connects, sends what is in `out` and
 * hands the replies over, or on_lost is called; conn_drop() ends it. Only while DOWN. */
void conn_init_once(struct conn *conn, uv_loop_t *loop, struct topology *topology);
int conn_once(struct conn *conn, const struct endpoint *at, const struct buf *out, size_t replies,
              conn_reply_fn *on_replies) MUST_CHECK;

/* Closes for good; no callback is called any more. Memory goes when the loop has run. */
void conn_close(struct conn *conn);

/* The buffer of the next exchange, empty; only while READY. */
struct buf *conn_begin(struct conn *conn);

/* Sends what was written into conn_begin()'s buffer and waits for `replies` replies. A buffer that
 * failed (out of memory) is not sent: returns -ENOMEM. */
int conn_exchange(struct conn *conn, size_t replies, int64_t timeout_ms,
                  conn_reply_fn *on_replies) MUST_CHECK;

/* Sends what nothing waits for, only while READY; its replies are dropped. Few bytes: Redis has
 * read all that was sent before, so they find room, or the connection is dropped from the loop. */
void conn_send_aside(struct conn *conn, const struct buf *out, size_t replies);

/* The next exchange asks whether this is still the master, by the same promotion; if not, none of
 * its replies are handed over. */
void conn_doubt(struct conn *conn);

/* Drops the connection as if it had failed, for the reason given; on_lost is called. */
void conn_drop(struct conn *conn, const char *why);
