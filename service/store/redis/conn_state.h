/* conn_state.h -- what a connection to Redis has in hand, and its steps that more than one of the
 * files it is made of need.
 *
 * Layer: store, private to conn*.c but for the callbacks, the run id and the reason of a failure,
 * which belong to who has the connection; conn.h has the states and the invariant.
 */
#pragma once

#include "buf.h"
#include "store/redis/lookup.h"
#include "store/redis/tls.h"
#include "store/topology/topology.h"

#include <hiredis/hiredis.h>
#include <uv.h>

#define CONN_ROLE_MS 1000 /* from one look at the role to the next */
#define CONN_ID_SIZE 48   /* of a process, or of its promotion, with the NUL */

enum conn_state {
    CONN_DOWN,
    CONN_RESOLVING,
    CONN_CONNECTING,
    CONN_SECURING,
    CONN_GREETING,
    CONN_READY,
    CONN_BUSY
};

struct conn;
typedef void conn_reply_fn(struct conn *conn, redisReply **replies, size_t count);

struct conn {
    uv_loop_t *loop;
    struct topology *topology;
    struct topology_watch watch;
    unsigned partition;
    struct endpoint at; /* that it is connected to, or was last */
    bool elsewhere;     /* the partition is not there any more: to be dropped */
    bool once;          /* conn_init_once() made it */
    size_t once_replies;
    enum conn_state state;
    redisContext *context;
    struct tls *tls;       /* NULL: without */
    struct lookup *lookup; /* under way, be it that the time for it is over; at most one */
    uv_poll_t *poll;       /* its own allocation: closing outlives the connection */
    uv_timer_t timer; /* back-off while DOWN, the role while READY, else the deadline of what is
                         under way */
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
    char run_id[CONN_ID_SIZE]; /* of the process */
    char replid[CONN_ID_SIZE]; /* of its promotion, which each new one changes */
    int version;               /* of Redis: 70015 for 7.0.15 */
    uint64_t role_due_ms;      /* of the loop: when the next exchange asks for the role */
    bool role_behind;          /* the exchange under way does: its last reply is that */
    bool role_first; /* it was asked while READY: the next reply is that, whatever follows */
    size_t aside;    /* replies of conn_send_aside() that are to come, before all others */
    char error[160]; /* why it is down */
    bool closing;
};

/* Whatever the timer is for in the state that the connection is in. */
void conn_set_timer(struct conn *conn, uint64_t ms);

/* Waits for these events on the socket from now on. */
void conn_watch(struct conn *conn, int events);

/* Enters the state, sends what was written, and waits for the replies. -ENOMEM: nothing was done.
 */
int conn_request(struct conn *conn, enum conn_state state, size_t replies, int64_t timeout_ms,
                 conn_reply_fn *on_replies) MUST_CHECK;

/* What is wrong with the socket, as the kernel has it (libuv calls any error that of a bad
 * descriptor), else what `status`, 0 or -errno, says; NULL: nothing. Good until the next call. */
const char *conn_socket_why(const struct conn *conn, int status);

/* The socket of a connection that is CONNECTING has become writable, or failed; one that is
 * SECURING may take its next step: conn_open.c. */
void conn_connected(struct conn *conn, int status);
void conn_secure(struct conn *conn);
