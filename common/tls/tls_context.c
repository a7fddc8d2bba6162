#include "tls/tls_context.h"
#include "fail.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

static bool out_of_memory(char why[TLS_WHY_SIZE])
{
    return fail_with(why, TLS_WHY_SIZE, "out of memory");
}

static bool configure_context(SSL_CTX *context)
{
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                  SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    tls_pem_begin(context);
    return SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1;
}

SSL_CTX *tls_context_make(const SSL_METHOD *method,
                          bool (*fill)(SSL_CTX *context, const void *from, char why[TLS_WHY_SIZE]),
                          const void *from, char why[TLS_WHY_SIZE])
{
    ERR_clear_error();
    SSL_CTX *context = SSL_CTX_new(method);
    bool good = (context && configure_context(context)) || out_of_memory(why);
    good = good && fill(context, from, why);
    ERR_clear_error();
    if (good)
        return context;
    SSL_CTX_free(context);
    return NULL;
}

/* --- a client's ------------------------------------------------------------------------------- */

struct client {
    const struct tls_files *files;
    const struct tls_options *options;
};

static bool trust(SSL_CTX *context, const struct client *client, char why[TLS_WHY_SIZE])
{
    const char *ca = client->files->ca;
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    if (ca)
        return tls_pem_ca(context, client->options->ca, ca, why);
    return SSL_CTX_set_default_verify_paths(context) == 1 ||
           fail_with(why, TLS_WHY_SIZE,
                     "the certificates that the system trusts can not be read: give a file of "
                     "them to %s",
                     client->options->ca);
}

static bool fill_client(SSL_CTX *context, const void *from, char why[TLS_WHY_SIZE])
{
    const struct client *client = from;
    const struct tls_files *files = client->files;
    const struct tls_options *options = client->options;
    SSL_CTX_set_read_ahead(context, 1);
    if (!trust(context, client, why))
        return false;
    if (!files->cert != !files->key)
        return fail_with(why, TLS_WHY_SIZE, "%s and %s belong together: give both", options->cert,
                         options->key);
    return !files->cert || (tls_pem_cert(context, options->cert, files->cert, why) &&
                            tls_pem_key(context, options->key, files->key, options->cert, why));
}

SSL_CTX *tls_context_client(const struct tls_files *files, const struct tls_options *options,
                            char why[TLS_WHY_SIZE])
{
    const struct client client = {files, options};
    return tls_context_make(TLS_client_method(), fill_client, &client, why);
}
