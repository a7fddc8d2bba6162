#include "tls/tls_socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <unistd.h>

/* Of this process; a child has its own copy. */
static BIO_METHOD *socket_bytes;

static bool may_be_tried_again(int err)
{
    return err == EAGAIN || err == EWOULDBLOCK || err == EINTR;
}

/* Not by send() and recv(), which the HTTP server has replaced (http/conn/intake.h). */
static int put_bytes(BIO *bio, const char *bytes, int size)
{
    const struct tls_socket *socket = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    ssize_t n = sendto(socket->fd, bytes, (size_t)size, MSG_NOSIGNAL, NULL, 0);
    if (n < 0 && may_be_tried_again(errno))
        BIO_set_retry_write(bio);
    return (int)n;
}

static int get_bytes(BIO *bio, char *bytes, int size)
{
    struct tls_socket *socket = BIO_get_data(bio);
    size_t most = (size_t)size < socket->readable ? (size_t)size : socket->readable;
    BIO_clear_retry_flags(bio);
    if (most == 0) {
        errno = EPROTO;
        return -1;
    }
    ssize_t n = read(socket->fd, bytes, most);
    if (n < 0 && may_be_tried_again(errno))
        BIO_set_retry_read(bio);
    if (n > 0 && socket->readable != TLS_SOCKET_UNBOUND)
        socket->readable -= (size_t)n;
    return (int)n;
}

static long control(BIO *bio, int command, long number, void *pointer)
{
    return command == BIO_CTRL_FLUSH;
}

static bool make_socket_bytes(void)
{
    if (socket_bytes)
        return true;
    BIO_METHOD *made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket");
    if (!made)
        return false;
    BIO_meth_set_write(made, put_bytes);
    BIO_meth_set_read(made, get_bytes);
    BIO_meth_set_ctrl(made, control);
    socket_bytes = made;
    return true;
}

SSL *tls_socket_ssl(SSL_CTX *context, struct tls_socket *socket)
{
    SSL *ssl = make_socket_bytes() ? SSL_new(context) : NULL;
    BIO *bio = ssl ? BIO_new(socket_bytes) : NULL;
    if (!bio) {
        SSL_free(ssl);
        return NULL;
    }
    BIO_set_data(bio, socket);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl, bio, bio);
    return ssl;
}

bool tls_socket_expect(SSL *ssl, const char *host)
{
    unsigned char digits[sizeof(struct in6_addr)];
    bool is_address =
        inet_pton(AF_INET, host, digits) == 1 || inet_pton(AF_INET6, host, digits) == 1;
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (is_address)
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1;
    return SSL_set1_host(ssl, host) == 1 && SSL_set_tlsext_host_name(ssl, host) == 1;
}
