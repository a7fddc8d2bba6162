#include "store/redis/tls_files.h"
#include "fail.h"

#include <assert.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Of this process; a child has its own copy. */
static struct tls_files files;
static SSL_CTX *context; /* NULL: nothing was loaded */
static BIO_METHOD *socket_bytes;

bool tls_has_own_ca(void)
{
    return files.ca != NULL;
}

bool tls_has_own_cert(void)
{
    return files.cert != NULL;
}

/* --- bytes of a socket ------------------------------------------------------------------------ */

/* OpenSSL's own would raise SIGPIPE where the other side is gone. */

static int fd_of(BIO *bio)
{
    return (int)(intptr_t)BIO_get_data(bio);
}

static bool may_be_tried_again(int err)
{
    return err == EAGAIN || err == EWOULDBLOCK || err == EINTR;
}

static int put_bytes(BIO *bio, const char *bytes, int size)
{
    BIO_clear_retry_flags(bio);
    ssize_t n = send(fd_of(bio), bytes, (size_t)size, MSG_NOSIGNAL);
    if (n < 0 && may_be_tried_again(errno))
        BIO_set_retry_write(bio);
    return (int)n;
}

static int get_bytes(BIO *bio, char *bytes, int size)
{
    BIO_clear_retry_flags(bio);
    ssize_t n = read(fd_of(bio), bytes, (size_t)size);
    if (n < 0 && may_be_tried_again(errno))
        BIO_set_retry_read(bio);
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
    socket_bytes = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket");
    return socket_bytes && BIO_meth_set_write(socket_bytes, put_bytes) == 1 &&
           BIO_meth_set_read(socket_bytes, get_bytes) == 1 &&
           BIO_meth_set_ctrl(socket_bytes, control) == 1;
}

SSL *tls_files_new_ssl(int fd)
{
    assert(context);
    SSL *ssl = SSL_new(context);
    BIO *bio = ssl ? BIO_new(socket_bytes) : NULL;
    if (!bio) {
        SSL_free(ssl);
        return NULL;
    }
    BIO_set_data(bio, (void *)(intptr_t)fd);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl, bio, bio);
    return ssl;
}

/* --- files ------------------------------------------------------------------------------------ */

static bool refuse(char why[TLS_WHY_SIZE], const char *option, const char *path, const char *what)
{
    return fail_with(why, TLS_WHY_SIZE, "--redis-%s %.120s: %s", option, path, what);
}

/* NULL, and why: it can not be read. */
static FILE *open_file(char why[TLS_WHY_SIZE], const char *option, const char *path)
{
    char what[96];
    FILE *file = fopen(path, "re");
    if (file)
        return file;
    snprintf(what, sizeof(what), "can not be read: %s", strerror(errno));
    (void)refuse(why, option, path, what);
    return NULL;
}

static bool can_be_read(char why[TLS_WHY_SIZE], const char *option, const char *path)
{
    FILE *file = open_file(why, option, path);
    return file && fclose(file) == 0;
}

/* Nobody is there to be asked for a password; that somebody should have been is kept. */
static int no_password(char *to, int size, int writing, void *asked)
{
    if (asked)
        *(bool *)asked = true;
    return -1;
}

static bool is_over(const X509 *cert)
{
    return X509_cmp_current_time(X509_get0_notAfter(cert)) < 0;
}

/* The certificates of a file into the store. Returns how many; *good of them are not over yet. */
static size_t take_certificates(FILE *file, X509_STORE *store, size_t *good)
{
    size_t count = 0;
    *good = 0;
    for (X509 *cert; (cert = PEM_read_X509(file, NULL, no_password, NULL)) != NULL; count++) {
        *good += !is_over(cert);
        (void)X509_STORE_add_cert(store, cert); /* what is there twice is there */
        X509_free(cert);
    }
    return count;
}

/* At the end of a file OpenSSL says that there is no more that begins a certificate. */
static const char *cert_trouble(void)
{
    unsigned long error = ERR_peek_last_error();
    if (ERR_GET_REASON(error) == SSL_R_EE_KEY_TOO_SMALL)
        return "has a key that is too small; 2048 bits of RSA are the least";
    if (ERR_GET_REASON(error) == PEM_R_NO_START_LINE)
        return "has no certificate; it must be a file of PEM, -----BEGIN CERTIFICATE-----";
    return "has a certificate that is damaged; it must be a file of PEM as it was made";
}

static bool load_ca(SSL_CTX *ctx, const char *path, char why[TLS_WHY_SIZE])
{
    size_t good;
    FILE *file = open_file(why, "ca", path);
    if (!file)
        return false;
    size_t count = take_certificates(file, SSL_CTX_get_cert_store(ctx), &good);
    fclose(file);
    if (count == 0 || ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
        return refuse(why, "ca", path, cert_trouble());
    return good > 0 ||
           refuse(why, "ca", path, "has expired; give the CA that certificates are of now");
}

static bool load_cert(SSL_CTX *ctx, const char *path, char why[TLS_WHY_SIZE])
{
    if (!can_be_read(why, "cert", path))
        return false;
    if (SSL_CTX_use_certificate_chain_file(ctx, path) != 1)
        return refuse(why, "cert", path, cert_trouble());
    const X509 *cert = SSL_CTX_get0_certificate(ctx);
    if (X509_cmp_current_time(X509_get0_notBefore(cert)) > 0)
        return refuse(why, "cert", path, "is not valid yet; compare its dates with the clock");
    return !is_over(cert) || refuse(why, "cert", path, "has expired; it needs a new one");
}

static const char *key_trouble(bool asked)
{
    int reason = ERR_GET_REASON(ERR_peek_last_error());
    if (reason == X509_R_KEY_VALUES_MISMATCH || reason == X509_R_KEY_TYPE_MISMATCH)
        return "is not the key of the certificate in --redis-cert; give both of one pair";
    if (asked)
        return "is encrypted; give it without a password, readable by this user alone";
    return "has no private key; it must be a file of PEM, -----BEGIN PRIVATE KEY-----";
}

static bool load_key(SSL_CTX *ctx, const char *path, char why[TLS_WHY_SIZE])
{
    bool asked = false;
    if (!can_be_read(why, "key", path))
        return false;
    SSL_CTX_set_default_passwd_cb_userdata(ctx, &asked);
    ERR_clear_error();
    bool good = SSL_CTX_use_PrivateKey_file(ctx, path, SSL_FILETYPE_PEM) == 1 &&
                SSL_CTX_check_private_key(ctx) == 1;
    SSL_CTX_set_default_passwd_cb_userdata(ctx, NULL);
    return good || refuse(why, "key", path, key_trouble(asked));
}

/* --- all of it -------------------------------------------------------------------------------- */

/* A connection's writes may stop in the middle, and go on from a buffer that has moved. Reads take
 * from the socket what is there, not a record's head and then its body. */
static bool set_up(SSL_CTX *ctx)
{
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                              SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_read_ahead(ctx, 1);
    SSL_CTX_set_default_passwd_cb(ctx, no_password);
    return SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1;
}

static bool fill(SSL_CTX *ctx, const struct tls_files *from, char why[TLS_WHY_SIZE])
{
    if (!set_up(ctx) || !make_socket_bytes())
        return fail_with(why, TLS_WHY_SIZE, "out of memory");
    if (from->ca ? !load_ca(ctx, from->ca, why) : SSL_CTX_set_default_verify_paths(ctx) != 1)
        return from->ca ? false
                        : fail_with(why, TLS_WHY_SIZE,
                                    "the certificates that the system trusts can not be read: give "
                                    "a file of them to --redis-ca");
    if (!from->cert != !from->key)
        return fail_with(why, TLS_WHY_SIZE,
                         "--redis-cert and --redis-key belong together: give both");
    return !from->cert || (load_cert(ctx, from->cert, why) && load_key(ctx, from->key, why));
}

bool tls_load(const struct tls_files *from, char why[TLS_WHY_SIZE])
{
    ERR_clear_error();
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    bool good = ctx ? fill(ctx, from, why) : fail_with(why, TLS_WHY_SIZE, "out of memory");
    ERR_clear_error();
    if (!good) {
        SSL_CTX_free(ctx);
        return false;
    }
    SSL_CTX_free(context);
    context = ctx;
    files = *from;
    return true;
}

bool tls_load_for(const struct address *redis, const struct tls_files *from, char why[TLS_WHY_SIZE])
{
    if (redis->tls)
        return tls_load(from, why);
    const char *option = from->ca ? "ca" : from->cert ? "cert" : from->key ? "key" : NULL;
    return !option || fail_with(why, TLS_WHY_SIZE,
                                "--redis-%s is for a Redis with TLS: give --redis a URL that "
                                "begins with rediss, or leave it out",
                                option);
}

bool tls_reload(char why[TLS_WHY_SIZE])
{
    const struct tls_files again = files;
    return !context || tls_load(&again, why);
}

void tls_unload(void)
{
    SSL_CTX_free(context);
    BIO_meth_free(socket_bytes);
    context = NULL;
    socket_bytes = NULL;
    files = (struct tls_files){0};
}
