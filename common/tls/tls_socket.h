/* tls_socket.h -- the bytes of a socket that does not block, for OpenSSL.
 *
 * Layer: common. OpenSSL's own would raise SIGPIPE where the other side is gone, and knows no bound
 * for what it reads before it gives anything back. Whoever has the socket closes it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ssl_ctx_st;
struct ssl_st;

#define TLS_SOCKET_UNBOUND SIZE_MAX

struct tls_socket {
    int fd;
    size_t readable; /* bytes that may still be read; past them a read fails with EPROTO */
};

/* A connection of the context on that socket, whose memory must stay for as long. NULL: out of
 * memory. */
struct ssl_st *tls_socket_ssl(struct ssl_ctx_st *context, struct tls_socket *socket);

/* For a client: the name or address that the other side's certificate must have; a server that has
 * several is told the name. False: out of memory. */
bool tls_socket_expect(struct ssl_st *ssl, const char *host) MUST_CHECK;
