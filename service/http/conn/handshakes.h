/* handshakes.h -- connections of a server from when they are accepted until what stands before HTTP
 * is behind them, when the library gets them: a header of the PROXY protocol, where a trusted proxy
 * connects, and then the handshake of TLS, where there is TLS.
 *
 * Layer: http, private to the server. The library would see nothing of that but reads that give
 * nothing, and could not be told that one waits for a write. So it runs here, on the loop; who
 * is in the middle of one is bounded in number and time, and costs no connection of
 * --connections-max:
 *
 *   accepted -> OPEN --(done)--> HANDED to the library --(it says so)--> a struct client_conn
 *                 '--(failed, too late, or the oldest of too many)--> closed
 *
 * What was sent behind the handshake is still in the socket when it is handed on (https_files.c).
 *
 * Ownership: a descriptor is this module's while it is OPEN, and then the library's. What the
 * library was handed and did not take, it has closed.
 *
 * Invariant: OPEN ones are in the order of their beginning, as all have the same time.
 */
#pragma once

#include "http/conn/https_conn.h"
#include "http/conn/proxy_header.h"

#include <microhttpd.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <uv.h>

struct handshakes;

struct handshake {
    TAILQ_ENTRY(handshake) link;
    struct handshakes *all;
    struct https_conn *conn;     /* NULL: without TLS */
    struct proxy_header *header; /* until it was read; NULL: there is none */
    int fd;
    struct sockaddr_storage from; /* by the header, if that says it */
    socklen_t from_size;
    int64_t since_ms; /* loop time */
    bool handed;
    bool polled; /* the handle is not closed yet */
    uv_poll_t poll;
};

TAILQ_HEAD(handshake_list, handshake);

struct handshakes {
    uv_loop_t *loop;
    struct MHD_Daemon *daemon;
    bool tls;
    bool *woken; /* the server's: set for whoever was handed on */
    struct handshake_list open, handed;
    unsigned count, max; /* of those that are open */
    int64_t time_ms;
    unsigned handles; /* not closed yet */
    void (*on_closed)(void *user);
    void *user;
    bool draining;
    int64_t drain_ms; /* loop time: since then */
};

/* on_closed: handshakes_close() has come to its end. */
void handshakes_init(struct handshakes *all, uv_loop_t *loop, bool tls, unsigned max,
                     int64_t time_ms);

/* Takes a descriptor over that was accepted; proxied: it must begin with a header. */
void handshakes_begin(struct handshakes *all, int fd, const struct sockaddr *from, socklen_t size,
                      bool proxied);

/* The TLS of a descriptor that the library has taken, now the caller's; NULL: there is none. */
struct https_conn *handshakes_take(struct handshakes *all, int fd);

/* To be called after the library has run: what it has not taken by then, it does not have. */
void handshakes_forget(struct handshakes *all);

/* Closes those whose time is over; returns the ms until the next one, -1: there is none. */
int64_t handshakes_expire(struct handshakes *all);

/* From now on they have a moment. */
void handshakes_drain(struct handshakes *all);

/* Closes all. True: no handle is left. Else on_closed is called when that is so. */
bool handshakes_close(struct handshakes *all, void (*on_closed)(void *user), void *user);
