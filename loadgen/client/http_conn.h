/* http_conn.h -- one keep-alive HTTP connection on a libuv loop: bytes out, a response in. With TLS
 * under it where the target has that; CONNECTING lasts until its handshake is done.
 *
 * Layer: client. Knows nothing of load or history. One request at a time, never pipelined, never
 * sent again by itself. Buffers are kept from request to request, so nothing is allocated per
 * request. Owned by the caller: wire_init .. wire_close, and a turn of the loop before it is freed.
 *
 *   CLOSED -wire_open-> CONNECTING -> IDLE -wire_send-> BUSY -> IDLE
 *   any -wire_close, wire_reset, or an error-> CLOSING -> CLOSED
 *
 * Events come from the loop, never from inside wire_open, wire_send or wire_close. During
 * on_answer the connection is IDLE and may be used at once; the response's bytes hold until it
 * returns.
 */
#pragma once

#include "client/response.h"
#include "client/target.h"
#include "client/wire_tls.h"

#include <uv.h>

enum wire_state { WIRE_CLOSED, WIRE_CONNECTING, WIRE_IDLE, WIRE_BUSY, WIRE_CLOSING };

struct wire;

struct wire_events {
    void (*on_open)(struct wire *wire);
    void (*on_answer)(struct wire *wire, const struct response *response);
    /* It broke or was refused, or what came was not HTTP; err is -errno (-EPROTO for the latter).
     * was says in which state it happened. The connection is CLOSING. */
    void (*on_lost)(struct wire *wire, enum wire_state was, int err);
    /* It is CLOSED now, after wire_close or on_lost, and may be opened again. */
    void (*on_closed)(struct wire *wire);
};

struct wire {
    uv_loop_t *loop;
    const struct target *target;
    const struct wire_events *events;
    enum wire_state state;
    int fd;               /* -1 while CLOSED or CLOSING */
    struct wire_tls *tls; /* NULL: without, or not yet */
    uint64_t opened_ms;   /* of the loop: when CONNECTING began */
    struct buf out;       /* the request, written by the caller before wire_send */
    size_t sent;          /* bytes of it */
    char *in;
    size_t in_room, in_filled;
    struct response response;
    uv_poll_t poll;
};

/* -ENOMEM. Opens nothing yet. */
int wire_init(struct wire *c, uv_loop_t *loop, const struct target *target,
              const struct wire_events *events) MUST_CHECK;

/* CLOSED -> CONNECTING. -errno when not even that could be begun: it stays CLOSED. */
int wire_open(struct wire *c) MUST_CHECK;

/* IDLE -> BUSY: sends what is in `out`. -errno when not a byte left: it stays IDLE and should be
 * closed. */
int wire_send(struct wire *c) MUST_CHECK;

/* Whether all of `out` was handed to the kernel. */
static inline bool wire_all_sent(const struct wire *c)
{
    return c->sent == c->out.n;
}

/* Closes at once; on_closed follows. Nothing happens when it is CLOSED or CLOSING. */
void wire_close(struct wire *c);

/* The same, but the other side is told by a reset, not by an end in good order: what it still sends
 * is lost, and what it wrote before may be, too. */
void wire_reset(struct wire *c);

/* Frees the buffers of a CLOSED connection. */
void wire_free(struct wire *c);
