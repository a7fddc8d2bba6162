/* tls_raw.c -- see tls_raw.h. */
#include "support/tls_raw.h"
#include "support/http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

int tls_raw_connect(int port)
{
    struct http_conn c;
    char folder[512];
    snprintf(folder, sizeof(folder), "%s", getenv("TEST_TLS"));
    unsetenv("TEST_TLS");
    http_conn_init(&c, port);
    int rc = http_conn_open(&c);
    setenv("TEST_TLS", folder, 1);
    assert_int_equal(rc, 0);
    return c.fd;
}

size_t tls_raw_hello(char bytes[TLS_HELLO_MAX])
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL *ssl = SSL_new(context);
    SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_connect_state(ssl);
    assert_int_equal(SSL_do_handshake(ssl), -1);
    int n = BIO_read(SSL_get_wbio(ssl), bytes, TLS_HELLO_MAX);
    assert_in_range(n, 100, TLS_HELLO_MAX - 1);
    SSL_free(ssl);
    SSL_CTX_free(context);
    return (size_t)n;
}

struct tls_raw tls_raw_begin(int port, int version, SSL_SESSION *session)
{
    struct tls_raw client = {.fd = tls_raw_connect(port),
                             .context = SSL_CTX_new(TLS_client_method())};
    SSL_CTX_set_security_level(client.context, 0);
    SSL_CTX_set_min_proto_version(client.context, version);
    SSL_CTX_set_max_proto_version(client.context, version);
    client.ssl = SSL_new(client.context);
    if (session)
        SSL_set_session(client.ssl, session);
    SSL_set_fd(client.ssl, client.fd);
    return client;
}

void tls_raw_end(struct tls_raw *client)
{
    SSL_free(client->ssl);
    SSL_CTX_free(client->context);
    close(client->fd);
}
