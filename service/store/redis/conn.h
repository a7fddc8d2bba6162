/* conn.h -- one connection to Redis on the loop: a request of many commands out, its replies in.
 *
 * Layer: store. hiredis makes the socket and parses replies; we drive both by hand, because its
 * asynchronous API costs 10 to 25 % more a batch and has no time-outs before 1.0. After any error
 * the hiredis context is freed: going on with one shifts replies.
 *
 *   DOWN -> RESOLVING (only a host name) -> CONNECTING
 *        -> GREETING (AUTH, SELECT, MULTI, EXEC, ROLE, INFO) -> READY <-> BUSY (one exchange)
 *   any  -> DOWN on error, end of file or time-out, and again after a back-off with jitter
 *
 * A master may become a replica while its connections live, and others take its address. So ROLE
 * is asked again once a second, behind an exchange or, while there is none, by itself; a connection
 * to what is no master any more goes DOWN.
 *
 * Invariant: one exchange at a time; its callback is called once with every reply, or `lost` is
 * called once and nothing is known of what Redis made of it.
 */
#ifndef STORE_REDIS_CONN_H
#define STORE_REDIS_CONN_H

#include "address.h"
#include "buf.h"
#include "store/redis/lookup.h"

#include <hiredis/hiredis.h>
#include <uv.h>

#define CONN_RUN_ID_SIZE 48

enum conn_state {
    CONN_DOWN,
    CONN_RESOLVING,
    CONN_CONNECTING,
    CONN_GREETING,
    CONN_READY,
    CONN_BUSY
};

struct conn;
typedef void conn_reply_fn(struct conn *conn, redisReply **replies, size_t count);

struct conn {
    uv_loop_t *loop;
    const struct address *address;
    enum conn_state state;
    redisContext *context;
    struct lookup *lookup; /* under way, be it that the time for it is over; at most one */
    uv_poll_t *poll;       /* its own allocation: closing outlives the connection */
    uv_timer_t
        timer; /* back-off while DOWN, ROLE while READY, else the deadline of what is under way */
    int poll_events;
    unsigned failures; /* in a row */
    struct buf out;
    size_t out_sent;
    redisReply **replies;
    size_t expected, received, replies_cap;
    conn_reply_fn *on_replies;
    void (*on_ready)(struct conn *conn);
    /* The connection is gone; `busy` tells whether an exchange was under way. */
    void (*on_lost)(struct conn *conn, bool busy);
    void *user;
    char run_id[CONN_RUN_ID_SIZE];
    int version;          /* of Redis: 70015 for 7.0.15 */
    uint64_t role_due_ms; /* of the loop: when the next exchange asks for ROLE */
    bool role_behind;     /* the exchange under way does: its last reply is that */
    bool role_first;      /* it was asked while READY: the next reply is that, whatever follows */
    size_t aside;         /* replies of conn_send_aside() that are to come, before all others */
    char error[160];      /* why it is down */
    bool closing;
};

/* Prepares the connection; conn_open() begins to connect. `address` must outlive it. */
void conn_init(struct conn *conn, uv_loop_t *loop, const struct address *address);
void conn_open(struct conn *conn);

/* Closes for good; no callback is called any more. Memory goes when the loop has run. */
void conn_close(struct conn *conn);

/* The buffer of the next exchange, empty; only while READY. */
struct buf *conn_begin(struct conn *conn);

/* Sends what was written into conn_begin()'s buffer and waits for `replies` replies. A buffer that
 * failed (out of memory) is not sent: returns -ENOMEM. */
int conn_exchange(struct conn *conn, size_t replies, int64_t timeout_ms, conn_reply_fn *on_replies)
    __attribute__((warn_unused_result));

/* Sends what nothing waits for, only while READY; its replies are dropped. Few bytes: Redis has
 * read all that was sent before, so they find room, or the connection is dropped from the loop. */
void conn_send_aside(struct conn *conn, const struct buf *out, size_t replies);

/* The next exchange asks whether this is still the master. */
void conn_doubt(struct conn *conn);

/* Drops the connection as if it had failed, for the reason given; on_lost is called. */
void conn_drop(struct conn *conn, const char *why);

#endif
