/* client_conn.h -- the connections of a server's clients, and how long each may take.
 *
 * Layer: http, private to the server. The library's own timeout, which is left off, counts silence
 * only: a client that sends a byte now and then would stay for ever. So each connection is on the
 * list of what it does, with a deadline for that.
 *
 * Ownership: libmicrohttpd says when a connection begins and ends; client_conn_open .. _close. What
 * is told to go is shut down, and ends when the library has seen that.
 *
 * Invariant: each list is in the order of its entries' deadlines, as all on it have the same time.
 */
#pragma once

#include "http/conn/intake.h"
#include "ip.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <uv.h>

struct client_conns;
struct exchange;

/* Where a connection stands, for its deadline; NONE while the store or the ledger is busy, or when
 * it was told to go. */
enum conn_list {
    CONN_NONE,
    CONN_IDLE,      /* between two requests */
    CONN_READING,   /* from the first byte of a request to its last */
    CONN_WRITING,   /* an answer is on its way to the client */
    CONN_LINGERING, /* refused; the client is to see that before it is cut off */
    CONN_LISTS
};

struct client_conn {
    struct client_conns *all;
    TAILQ_ENTRY(client_conn) link;
    struct intake intake;
    enum conn_list list;
    struct exchange *exchange; /* begun and not completed */
    int64_t since_ms;          /* in this list; loop time */
    bool shed;                 /* told to go, to make room */
    struct ip from;            /* who is at its other end, or behind a PROXY header */
};

struct conn_queue { /* in the order of since_ms */
    TAILQ_HEAD(, client_conn) conns;
    struct client_conn *fresh; /* the first that was not looked at since it came here; NULL: none */
};

struct client_conns {
    uv_loop_t *loop; /* for its time */
    struct conn_queue queues[CONN_LISTS];
    unsigned count, max; /* count: as the library has them */
    unsigned shed;       /* idle ones that were told to go and have not gone yet */
    uint64_t accepted;
    int64_t idle_ms, read_ms, write_ms;
    bool draining;
    int64_t drain_ms; /* loop time: since then */
};

/* A connection that has come from there: counted in any case, and idle. When there is no room,
 * another one or this one is told to go. tls: its own from now on, or NULL. NULL: it cannot be
 * served, and is to end at once. */
struct client_conn *client_conn_open(struct client_conns *all, int fd, const struct ip *from,
                                     struct https_conn *tls) MUST_CHECK;

/* It is gone. client may be NULL, as client_conn_open() gave it. */
void client_conn_close(struct client_conns *all, struct client_conn *client);

/* The one place where a connection changes its list. */
void client_conn_move(struct client_conn *client, enum conn_list list);

/* From now on who asks nothing is soon told to go. */
void client_conns_drain(struct client_conns *all);

/* Shuts down the connections whose deadline has passed; returns the ms until the next one, -1 if
 * there is none. */
int64_t client_conns_expire(struct client_conns *all);
