/* https_conn.h -- TLS of one client's connection: its steps, as a socket that does not block has
 * them.
 *
 * Layer: http, private to the server. Reads and writes answer as recv() and sendmsg() do, so that
 * intake.c can have either under it:
 *
 * - a read gives as many bytes as there is room for, or else the socket has been read to where it
 *   would block: who is told of the socket's edges only misses nothing that lies in OpenSSL.
 * - a write takes all, or as much as the socket did. A record that the socket did not take whole
 *   counts as not written; whoever writes again begins with the same bytes.
 *
 * The end of the stream without a good-bye is an end like any other: where a request ends, it says
 * itself (framing.h).
 *
 * Invariant: the queue of OpenSSL's errors is empty before each step and after it. After a step
 * that failed nothing is read or written any more.
 */
#pragma once

#include "tls/tls_socket.h"

#include <stdbool.h>
#include <sys/types.h>
#include <sys/uio.h>

struct https_conn {
    struct tls_socket socket;
    struct ssl_st *ssl;
    size_t unsent;     /* bytes of a record that the socket did not take whole */
    bool wants_write;  /* the handshake waits until the socket takes bytes */
    bool is_plain;     /* what came is HTTP without TLS */
    bool over, failed; /* nothing more can be read; nor written */
    const char *why;   /* the handshake failed; a static text */
    char *peer;        /* after the handshake: https_peer.h; NULL: nobody is known */
};

/* NULL: out of memory. Whoever has the socket closes it. */
struct https_conn *https_conn_new(int fd);
void https_conn_free(struct https_conn *conn); /* writes nothing; NULL is fine */

/* 0: done. -EAGAIN: again when the socket can be read, or see wants_write. -EPROTO: it failed. */
int https_conn_handshake(struct https_conn *conn) MUST_CHECK;

/* As recv() and sendmsg(), with errno. */
ssize_t https_conn_read(struct https_conn *conn, void *to, size_t n) MUST_CHECK;
ssize_t https_conn_write(struct https_conn *conn, const struct iovec *parts,
                         size_t count) MUST_CHECK;

/* Says good-bye, as far as that can be done at once. */
void https_conn_end(struct https_conn *conn);

/* All that the client sent has been read, and its end. */
bool https_conn_has_ended(const struct https_conn *conn);
