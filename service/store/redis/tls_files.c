#include "store/redis/tls_files.h"
#include "fail.h"

#include <assert.h>
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

bool tls_load(const struct tls_files *from, char why[TLS_WHY_SIZE])
{
    static const struct tls_options options = {"--redis-ca", "--redis-cert", "--redis-key"};
    SSL_CTX *ctx = tls_context_client(from, &options, why);
    if (!ctx)
        return false;
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
