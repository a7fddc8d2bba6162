/* tls_raw.h -- clients of a service with TLS that are made by hand: what they offer, and byte by
 * byte.
 *
 * Layer: tests. TEST_TLS names the folder of certificates (tls_client.h). All functions may fail
 * the running cmocka test.
 */
#pragma once

#include <openssl/ssl.h>
#include <stddef.h>

#define TLS_HELLO_MAX 4096

/* A connection to that port on which nobody shakes hands. */
int tls_raw_connect(int port);

/* What a client says first. Returns its bytes. */
size_t tls_raw_hello(char bytes[TLS_HELLO_MAX]);

/* A client before its handshake, which offers whatever OpenSSL can: SSL_connect(). */
struct tls_raw {
    int fd;
    SSL_CTX *context;
    SSL *ssl;
};

/* Of one version; session: to be resumed, or NULL. */
struct tls_raw tls_raw_begin(int port, int version, SSL_SESSION *session);
void tls_raw_end(struct tls_raw *client);
