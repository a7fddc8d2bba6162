/* tls_client.h -- TLS under the clients of the tests, where TEST_TLS in the environment asks for
 * it.
 *
 * Layer: tests. TEST_TLS is a folder with server.pem and server.key, which services are started
 * with (service.h), and ca.pem, which clients trust (http.h, sse.h). Nothing here calls a cmocka
 * assertion; one client is for one thread at a time.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

struct tls_client;

const char *tls_client_folder(void); /* NULL: without TLS */

/* Connections from now on show NAME.pem of that folder, with its key; NULL: nothing. */
void tls_client_show(const char *name);

/* The handshake, on a socket that is connected and does not block from now on; the server must be
 * what it says. NULL: it failed, errno says why. */
struct tls_client *tls_client_new(int fd, int timeout_ms);
void tls_client_free(struct tls_client *c); /* NULL is fine; the socket stays open */

/* As recv() and send() with MSG_DONTWAIT. */
ssize_t tls_client_recv(struct tls_client *c, void *to, size_t n);
ssize_t tls_client_send(struct tls_client *c, const void *bytes, size_t n);

/* The server has neither ended it, nor broken it. */
bool tls_client_is_open(struct tls_client *c);

struct ssl_st *tls_client_ssl(struct tls_client *c);
