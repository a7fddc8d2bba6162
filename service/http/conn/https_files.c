#include "http/conn/https_files.h"
#include "fail.h"

#include <assert.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <time.h>

/* What remains of TLS 1.2; of 1.3 all is good. */
#define CIPHERS "ECDHE+AESGCM:ECDHE+CHACHA20"
#define GROUPS  "X25519:P-256:P-384"

#define CHAIN_MAX_BYTES (32 * 1024) /* of a client's certificates */

/* Of this process; a child has its own copy. */
static struct https_files files;
static SSL_CTX *context; /* NULL: no TLS */

bool https_is_on(void)
{
    return context != NULL;
}

SSL *https_files_new_ssl(struct tls_socket *socket)
{
    assert(context);
    return tls_socket_ssl(context, socket);
}

/* --- when it ends ----------------------------------------------------------------------------- */

static int64_t cert_end_ms(const X509 *cert)
{
    struct tm utc;
    return ASN1_TIME_to_tm(X509_get0_notAfter(cert), &utc) == 1 ? (int64_t)timegm(&utc) * 1000 : 0;
}

int64_t https_expires_ms(void)
{
    STACK_OF(X509) *chain = NULL;
    assert(context);
    int64_t end_ms = cert_end_ms(SSL_CTX_get0_certificate(context));
    SSL_CTX_get0_chain_certs(context, &chain);
    for (int i = 0; i < sk_X509_num(chain); i++) {
        int64_t one_ms = cert_end_ms(sk_X509_value(chain, i));
        end_ms = one_ms < end_ms ? one_ms : end_ms;
    }
    return end_ms;
}

/* --- a context -------------------------------------------------------------------------------- */

/* A client that can say what it speaks, and does not name this, means somebody else. */
static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_n,
                           const unsigned char *offered, unsigned offered_n, void *user)
{
    static const unsigned char ours[] = "\x08http/1.1";
    unsigned char *chosen = NULL;
    int rc = SSL_select_next_proto(&chosen, out_n, ours, sizeof(ours) - 1, offered, offered_n);
    *out = chosen;
    return rc == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* A record's head is read, and then its body, and nothing behind it: what follows a handshake is
 * still in the socket when that is handed to the library, whose epoll then says so. */
static bool set_server_options(SSL_CTX *ctx)
{
    SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                 SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_set_max_cert_list(ctx, CHAIN_MAX_BYTES);
    SSL_CTX_set_alpn_select_cb(ctx, choose_protocol, NULL);
    return SSL_CTX_set_num_tickets(ctx, 0) == 1 && SSL_CTX_set_max_proto_version(ctx, 0) == 1 &&
           SSL_CTX_set_cipher_list(ctx, CIPHERS) == 1 && SSL_CTX_set1_groups_list(ctx, GROUPS) == 1;
}

/* Clients are told the names of the CAs, as they may have several certificates. */
static bool ask_clients(SSL_CTX *ctx, const char *path, char why[TLS_WHY_SIZE])
{
    if (!tls_pem_ca(ctx, "--tls-client-ca", path, why))
        return false;
    STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(path);
    if (!names)
        return fail_with(why, TLS_WHY_SIZE, "out of memory");
    SSL_CTX_set_client_CA_list(ctx, names);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    return true;
}

static bool fill_context(SSL_CTX *ctx, const void *files_given, char why[TLS_WHY_SIZE])
{
    const struct https_files *from = files_given;
    if (!set_server_options(ctx))
        return fail_with(why, TLS_WHY_SIZE, "out of memory");
    return tls_pem_cert(ctx, "--tls-cert", from->cert, why) &&
           tls_pem_is_private("--tls-key", from->key, why) &&
           tls_pem_key(ctx, "--tls-key", from->key, "--tls-cert", why) &&
           (!from->client_ca || ask_clients(ctx, from->client_ca, why));
}

/* --- all of it -------------------------------------------------------------------------------- */

bool https_load(const struct https_files *from, char why[TLS_WHY_SIZE])
{
    if (!from->cert != !from->key)
        return fail_with(why, TLS_WHY_SIZE, "--tls-cert and --tls-key belong together: give both");
    if (from->client_ca && !from->cert)
        return fail_with(why, TLS_WHY_SIZE,
                         "--tls-client-ca asks for certificates by TLS: give --tls-cert and "
                         "--tls-key too");
    if (!from->cert)
        return true;
    SSL_CTX *ctx = tls_context_make(TLS_server_method(), fill_context, from, why);
    if (!ctx)
        return false;
    SSL_CTX_free(context);
    context = ctx;
    files = *from;
    return true;
}

bool https_reload(char why[TLS_WHY_SIZE])
{
    const struct https_files again = files;
    return !context || https_load(&again, why);
}
