/* tls.h -- TLS over a socket to Redis, 1.2 or newer, the other side's name always verified.
 *
 * Layer: store. Whom a process trusts and what it shows, tls_files.h has read before. Connections
 * that live keep what they began with. Works on a socket that does not block: a step that has to
 * wait says for what, and is taken again. Who has the socket closes it, after tls_free().
 *
 * Invariant: nothing of what was read or is to be sent passes before the handshake is done. The
 * queue of OpenSSL's errors is empty before each step, and what it has afterwards becomes one
 * sentence.
 */
#pragma once

#include "store/redis/tls_files.h"

#include <stddef.h>
#include <sys/types.h>

#define TLS_WHY_LATE "the TLS handshake took too long: this may be a port without TLS"

struct tls {
    struct tls_socket socket;
    struct ssl_st *ssl;
    bool wants_write; /* the step that has to wait does so until the socket takes bytes */
    bool more;        /* of the last read: the next one has something to say at once */
    bool heard;       /* something was read since the handshake */
    char host[256];
    char why[TLS_WHY_SIZE]; /* the step failed */
};

/* For a socket that is connected to this host: a name or an address in digits. NULL: out of memory.
 */
struct tls *tls_new(int fd, const char *host);

/* Says good-bye, as far as that can be done at once. NULL is fine. */
void tls_free(struct tls *tls);

/* Each: -EAGAIN: to be called again, see wants_write; -EPROTO: it failed, and `why` says why. */
int tls_handshake(struct tls *tls) MUST_CHECK; /* 0: done */

/* How many bytes; of a read 0: the other side has closed the connection. */
ssize_t tls_read(struct tls *tls, void *bytes, size_t size) MUST_CHECK;
ssize_t tls_write(struct tls *tls, const void *bytes, size_t size) MUST_CHECK;
