#include "client/wire_tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>

struct wire_tls {
    struct tls_socket socket;
    SSL *ssl;
    bool wants_write;
    const char *why;
};

static void begin_step(struct wire_tls *tls)
{
    ERR_clear_error();
    errno = 0;
    tls->wants_write = false;
}

struct wire_tls *wire_tls_new(SSL_CTX *context, const char *host, int fd)
{
    struct wire_tls *tls = calloc(1, sizeof(*tls));
    if (!tls)
        return NULL;
    begin_step(tls);
    tls->socket = (struct tls_socket){fd, TLS_SOCKET_UNBOUND};
    tls->ssl = tls_socket_ssl(context, &tls->socket);
    if (tls->ssl && tls_socket_expect(tls->ssl, host)) {
        SSL_set_connect_state(tls->ssl);
        return tls;
    }
    wire_tls_free(tls, false);
    return NULL;
}

void wire_tls_free(struct wire_tls *tls, bool politely)
{
    if (!tls)
        return;
    begin_step(tls);
    if (politely && SSL_is_init_finished(tls->ssl) && !tls->why)
        (void)SSL_shutdown(tls->ssl);
    SSL_free(tls->ssl);
    free(tls);
    ERR_clear_error();
}

/* What a step came to that was no success: sets errno, 0 at the end of the stream. A server that is
 * killed says no good-bye, and where an answer ends HTTP says. */
static void set_step_error(struct wire_tls *tls, int returned)
{
    unsigned long error = ERR_peek_error();
    const char *text = ERR_reason_error_string(error);
    int failed = SSL_get_error(tls->ssl, returned);
    tls->wants_write = failed == SSL_ERROR_WANT_WRITE;
    bool ended = failed == SSL_ERROR_ZERO_RETURN ||
                 ERR_GET_REASON(error) == SSL_R_UNEXPECTED_EOF_WHILE_READING;
    if (failed == SSL_ERROR_WANT_READ || failed == SSL_ERROR_WANT_WRITE) {
        errno = EAGAIN;
    } else if (ended || (failed == SSL_ERROR_SYSCALL && error == 0 && errno == 0)) {
        tls->why = "the connection was closed";
        errno = 0;
    } else {
        tls->why = text ? text : "the connection broke";
        errno = failed == SSL_ERROR_SYSCALL && errno != 0 ? errno : EPROTO;
    }
    ERR_clear_error();
}

int wire_tls_handshake(struct wire_tls *tls)
{
    begin_step(tls);
    int returned = SSL_do_handshake(tls->ssl);
    if (returned == 1)
        return 0;
    set_step_error(tls, returned);
    if (errno == EAGAIN)
        return -EAGAIN;
    long verdict = SSL_get_verify_result(tls->ssl);
    if (verdict != X509_V_OK)
        tls->why = X509_verify_cert_error_string(verdict);
    return -EPROTO;
}

bool wire_tls_wants_write(const struct wire_tls *tls)
{
    return tls->wants_write;
}

const char *wire_tls_why(const struct wire_tls *tls)
{
    return tls->why;
}

ssize_t wire_tls_recv(struct wire_tls *tls, void *to, size_t n)
{
    size_t got = 0;
    begin_step(tls);
    int returned = SSL_read_ex(tls->ssl, to, n, &got);
    if (returned == 1)
        return (ssize_t)got;
    set_step_error(tls, returned);
    return errno == 0 ? 0 : -1;
}

ssize_t wire_tls_send(struct wire_tls *tls, const void *bytes, size_t n)
{
    size_t sent = 0;
    begin_step(tls);
    int returned = SSL_write_ex(tls->ssl, bytes, n, &sent);
    if (returned == 1)
        return (ssize_t)sent;
    set_step_error(tls, returned);
    if (errno == 0)
        errno = EPIPE;
    return -1;
}

bool wire_tls_has_more(const struct wire_tls *tls)
{
    return SSL_has_pending(tls->ssl) == 1;
}
