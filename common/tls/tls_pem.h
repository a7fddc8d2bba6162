/* tls_pem.h -- certificates and keys from files into a context of OpenSSL's.
 *
 * Layer: common. Each: false, and why names the option, its file, what is wrong, and what would be
 * right; the option is as it is typed, "--redis-ca". OpenSSL's queue of errors may have entries
 * afterwards.
 */
#pragma once

#include <stdbool.h>

struct ssl_ctx_st;

#define TLS_WHY_SIZE 256

/* Nobody is asked for the password of a key; what is set up with it finds that out. */
void tls_pem_begin(struct ssl_ctx_st *context);

/* The CAs that the other side's certificate may be of. */
bool tls_pem_ca(struct ssl_ctx_st *context, const char *option, const char *path,
                char why[TLS_WHY_SIZE]) MUST_CHECK;

/* A certificate to show, with the chain behind it; then its key. */
bool tls_pem_cert(struct ssl_ctx_st *context, const char *option, const char *path,
                  char why[TLS_WHY_SIZE]) MUST_CHECK;
bool tls_pem_key(struct ssl_ctx_st *context, const char *option, const char *path,
                 const char *cert_option, char why[TLS_WHY_SIZE]) MUST_CHECK;

/* Whether nobody but the file's user and group may read it. */
bool tls_pem_is_private(const char *option, const char *path, char why[TLS_WHY_SIZE]) MUST_CHECK;
