/* tls_client.c -- see tls_client.h. */
#include "support/tls_client.h"
#include "support/proc.h"
#include "tls/tls_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

struct tls_client {
    struct tls_socket socket;
    SSL *ssl;
};

const char *tls_client_folder(void)
{
    const char *folder = getenv("TEST_TLS");
    return folder && *folder ? folder : NULL;
}

static const char *shown; /* NULL: nothing */

void tls_client_show(const char *name)
{
    shown = name;
}

static bool show(SSL_CTX *context)
{
    char cert[512], key[512];
    if (!shown)
        return true;
    snprintf(cert, sizeof(cert), "%s/%s.pem", tls_client_folder(), shown);
    snprintf(key, sizeof(key), "%s/%s.key", tls_client_folder(), shown);
    return SSL_CTX_use_certificate_chain_file(context, cert) == 1 &&
           SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) == 1;
}

static SSL *new_ssl(struct tls_socket *socket)
{
    char path[512];
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    if (!context)
        return NULL;
    snprintf(path, sizeof(path), "%s/ca.pem", tls_client_folder());
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    bool good = SSL_CTX_load_verify_file(context, path) == 1 && show(context);
    SSL *ssl = good ? tls_socket_ssl(context, socket) : NULL;
    SSL_CTX_free(context);
    if (ssl)
        SSL_set_connect_state(ssl);
    return ssl;
}

/* Sets errno. True: the same step again may do. */
static bool settle(struct tls_client *c, int returned)
{
    int failed = SSL_get_error(c->ssl, returned);
    bool again = failed == SSL_ERROR_WANT_READ || failed == SSL_ERROR_WANT_WRITE;
    if (again)
        errno = EAGAIN;
    else if (failed != SSL_ERROR_SYSCALL || errno == 0)
        errno = failed == SSL_ERROR_ZERO_RETURN || failed == SSL_ERROR_SYSCALL ? 0 : EPROTO;
    return again;
}

static void begin_step(void)
{
    ERR_clear_error();
    errno = 0;
}

static bool shake_hands(struct tls_client *c, int timeout_ms)
{
    int64_t deadline = test_now_ms() + timeout_ms;
    for (;;) {
        begin_step();
        int returned = SSL_do_handshake(c->ssl);
        if (returned == 1)
            return true;
        if (!settle(c, returned) || test_now_ms() > deadline)
            return false;
        struct pollfd p = {.fd = c->socket.fd, .events = SSL_want_write(c->ssl) ? POLLOUT : POLLIN};
        poll(&p, 1, 100);
    }
}

struct tls_client *tls_client_new(int fd, int timeout_ms)
{
    struct tls_client *c = calloc(1, sizeof(*c));
    if (!c)
        return NULL;
    c->socket = (struct tls_socket){fd, TLS_SOCKET_UNBOUND};
    c->ssl = new_ssl(&c->socket);
    bool good = c->ssl && fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) == 0 &&
                shake_hands(c, timeout_ms);
    if (good)
        return c;
    int err = errno ? errno : ECONNRESET;
    tls_client_free(c);
    errno = err;
    return NULL;
}

void tls_client_free(struct tls_client *c)
{
    if (!c)
        return;
    begin_step();
    if (c->ssl && SSL_is_init_finished(c->ssl))
        (void)SSL_shutdown(c->ssl);
    SSL_free(c->ssl);
    free(c);
    ERR_clear_error();
}

ssize_t tls_client_recv(struct tls_client *c, void *to, size_t n)
{
    size_t got = 0;
    begin_step();
    int returned = SSL_read_ex(c->ssl, to, n, &got);
    if (returned == 1)
        return (ssize_t)got;
    (void)settle(c, returned);
    return errno == 0 ? 0 : -1;
}

ssize_t tls_client_send(struct tls_client *c, const void *bytes, size_t n)
{
    size_t sent = 0;
    begin_step();
    int returned = SSL_write_ex(c->ssl, bytes, n, &sent);
    if (returned == 1)
        return (ssize_t)sent;
    (void)settle(c, returned);
    errno = errno == 0 || errno == EPROTO ? ECONNRESET : errno;
    return -1;
}

bool tls_client_is_open(struct tls_client *c)
{
    char byte;
    size_t got = 0;
    begin_step();
    int returned = SSL_peek_ex(c->ssl, &byte, 1, &got);
    return returned == 1 || settle(c, returned);
}

SSL *tls_client_ssl(struct tls_client *c)
{
    return c->ssl;
}
