/* wire_tls.h -- TLS of one connection to the server under load, as a socket that does not block has
 * it.
 *
 * Layer: client, under http_conn.h. Reads and writes answer as recv() and send() do. The server is
 * always verified, by its name too. Owned by whoever has the socket, and closes it afterwards.
 *
 * Invariant: the queue of OpenSSL's errors is empty before each step and after it. Of a write that
 * failed with nothing written the server has seen nothing that it could read.
 */
#pragma once

#include "tls/tls_socket.h"

#include <stdbool.h>
#include <sys/types.h>

struct wire_tls;

/* A connection of this context on a socket that is connected, to the host of that name. NULL: out
 * of memory. */
struct wire_tls *wire_tls_new(struct ssl_ctx_st *context, const char *host, int fd);

/* Says good-bye if `politely`, as far as that can be done at once. NULL is fine. */
void wire_tls_free(struct wire_tls *tls, bool politely);

/* 0: done. -EAGAIN: again when the socket can be read, or see wire_tls_wants_write(). -EPROTO: it
 * failed, and wire_tls_why() says why. */
int wire_tls_handshake(struct wire_tls *tls) MUST_CHECK;
bool wire_tls_wants_write(const struct wire_tls *tls);

/* A sentence about the last step that failed; static, or OpenSSL's. */
const char *wire_tls_why(const struct wire_tls *tls);

/* As recv() and send(), with errno. */
ssize_t wire_tls_recv(struct wire_tls *tls, void *to, size_t n) MUST_CHECK;
ssize_t wire_tls_send(struct wire_tls *tls, const void *bytes, size_t n) MUST_CHECK;

/* Something may be read that no poll of the socket would tell of. */
bool wire_tls_has_more(const struct wire_tls *tls);
