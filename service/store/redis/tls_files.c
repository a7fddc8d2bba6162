#include "store/redis/tls_files.h"
#include "fail.h"

#include <assert.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

/* Of this process; a child has its own copy. */
static struct tls_files files;
static SSL_CTX *context; /* NULL: nothing was loaded */

bool tls_has_own_ca(void)
{
    return files.ca != NULL;
}

bool tls_has_own_cert(void)
{
    return files.cert != NULL;
}

SSL *tls_files_new_ssl(struct tls_socket *socket)
{
    assert(context);
    return tls_socket_ssl(context, socket);
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
    tls_pem_begin(ctx);
    return SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1;
}

static bool fill(SSL_CTX *ctx, const struct tls_files *from, char why[TLS_WHY_SIZE])
{
    if (!set_up(ctx))
        return fail_with(why, TLS_WHY_SIZE, "out of memory");
    if (from->ca ? !tls_pem_ca(ctx, "--redis-ca", from->ca, why)
                 : SSL_CTX_set_default_verify_paths(ctx) != 1)
        return from->ca ? false
                        : fail_with(why, TLS_WHY_SIZE,
                                    "the certificates that the system trusts can not be read: give "
                                    "a file of them to --redis-ca");
    if (!from->cert != !from->key)
        return fail_with(why, TLS_WHY_SIZE,
                         "--redis-cert and --redis-key belong together: give both");
    return !from->cert || (tls_pem_cert(ctx, "--redis-cert", from->cert, why) &&
                           tls_pem_key(ctx, "--redis-key", from->key, "--redis-cert", why));
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
    context = NULL;
    files = (struct tls_files){0};
}
