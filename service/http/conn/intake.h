/* intake.h -- the bytes of a connection on their way to libmicrohttpd, and the end of those that it
 * must not see.
 *
 * Layer: http, private to the server. The library reads sockets by itself and offers no hook, and
 * what its callbacks show has been cut at NULs, glued together and decoded. So this module defines
 * recv(), which the library's calls then reach before the C library's: every byte of a connection
 * is judged (framing.h) before it is handed on. Descriptors that are no connection of the server,
 * such as those of libpq in its threads, pass straight through. With TLS the same is done to
 * send(), sendmsg() and shutdown(), so whatever the library and the server write to a connection
 * goes through https_conn.h, and a good-bye precedes its end.
 *
 *   OPEN --(a byte that must not be)--> STOPPED --(all before it is answered)--> LINGERING
 *     '------------(the request in hand is refused: intake_reject())--------------^
 *
 * LINGERING: the refusal is sent, our side of the connection is closed, and what still comes is
 * read and dropped for a while. Without that the kernel would answer it with a reset, which may
 * overtake the refusal on its way to the client (RFC 9112 section 9.6).
 *
 * Invariant: the library sees nothing but whole, well-framed requests and the beginning of one, and
 * a connection gets at most one refusal from here, as its last answer.
 */
#pragma once

#include "http/conn/framing.h"
#include "http/conn/https_conn.h"
#include "http/problem.h"
#include "http/rate.h"

#include <stdbool.h>
#include <stddef.h>

struct intake;

/* What the owner of a connection is told, from within recv(). */
struct intake_events {
    void (*on_bytes)(struct intake *intake);     /* some of a request came */
    void (*on_lingering)(struct intake *intake); /* it is refused, and to be cut off soon */
};

enum intake_state { INTAKE_OPEN, INTAKE_STOPPED, INTAKE_LINGERING };

struct intake {
    int fd;
    struct https_conn *tls; /* NULL: without */
    const struct intake_events *events;
    enum intake_state state;
    struct framing framing;
    unsigned long begun;    /* heads that the library came to us with */
    unsigned long answered; /* whole requests that are over */
    size_t dropped_bytes;
};

/* From now on reads of the descriptor are judged. tls: its own from now on, with the handshake
 * done; or NULL. False: they cannot be. */
bool intake_open(struct intake *intake, int fd, struct https_conn *tls,
                 const struct intake_events *events) MUST_CHECK;
void intake_close(struct intake *intake);

/* The library begins with a request. False: its head was never seen here, so that nothing is known
 * of its framing, and nothing may be done with it. */
bool intake_begin(struct intake *intake) MUST_CHECK;

/* A request's answer is sent, to its end. */
void intake_answered(struct intake *intake);

/* The answer to the request in hand is the connection's last: nothing behind it counts. */
void intake_last(struct intake *intake);

/* Answers the request in hand past the library, before its body is here, and lingers. The library
 * goes on waiting for the body; what it still has of it is to be thrown away. rate: what its client
 * has left; NULL: nobody knows whose it is. */
void intake_reject(struct intake *intake, unsigned route, const struct refusal *why,
                   const struct rate *rate);

bool intake_lingers(const struct intake *intake);

/* What it sent is read, and behind that it has ended its side. */
bool intake_has_left(const struct intake *intake);
