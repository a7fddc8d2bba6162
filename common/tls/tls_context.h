/* tls_context.h -- contexts of OpenSSL's, made from files whole or not at all.
 *
 * Layer: common. What all of them have: TLS 1.2 or newer, no renegotiation, no compression, no
 * session kept; writes may stop in the middle, and go on from a buffer that has moved. OpenSSL's
 * queue of errors is empty afterwards.
 */
#pragma once

#include "tls/tls_pem.h"

struct ssl_method_st;

/* One with what all have, and what `fill` puts into it: false, with why, if that cannot be. NULL,
 * with why. */
struct ssl_ctx_st *tls_context_make(const struct ssl_method_st *method,
                                    bool (*fill)(struct ssl_ctx_st *context, const void *from,
                                                 char why[TLS_WHY_SIZE]),
                                    const void *from, char why[TLS_WHY_SIZE]) MUST_CHECK;

/* Whom a client trusts, and what it shows. Paths; NULL: the certificates that the system trusts; no
 * certificate of ours. */
struct tls_files {
    const char *ca, *cert, *key;
};

/* The options that name them, as they are typed. */
struct tls_options {
    const char *ca, *cert, *key;
};

/* A client's: the other side's certificate is always verified, its name too if
 * tls_socket_expect() says which. Reads take from the socket what is there. NULL, with why. */
struct ssl_ctx_st *tls_context_client(const struct tls_files *files,
                                      const struct tls_options *options,
                                      char why[TLS_WHY_SIZE]) MUST_CHECK;
