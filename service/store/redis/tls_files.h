/* tls_files.h -- whom a process trusts when it speaks TLS to Redis, and what it shows, as files
 * say.
 *
 * Layer: store. Read once, before anything connects, and again on SIGHUP; children that it forks
 * have it too. tls.h makes connections of it.
 *
 * Invariant: what was read is whole and fits together, or what was there before stays. There is one
 * of it in a process; connections that began with an earlier one hold that.
 */
#pragma once

#include "address.h"
#include "tls/tls_context.h"
#include "tls/tls_socket.h"

#include <stdbool.h>

/* The rows of the options that name them; each takes what its place is. */
#define TLS_CA_ROW(at)                                                                             \
    {                                                                                              \
        "redis-ca", ARG_STRING, at,                                                                \
            .metavar = "FILE",                                                                     \
            .help = "With rediss://: the CAs, in PEM, that the certificate of Redis may be of; "   \
                    "without it those that the system trusts."                                     \
    }
#define TLS_CERT_ROW(at)                                                                           \
    {                                                                                              \
        "redis-cert", ARG_STRING, at,                                                              \
            .metavar = "FILE",                                                                     \
            .help = "With rediss://: a certificate, in PEM, to show to a Redis that asks for one." \
    }
#define TLS_KEY_ROW(at)                                                                            \
    {                                                                                              \
        "redis-key", ARG_STRING, at,                                                               \
            .metavar = "FILE",                                                                     \
            .help = "The private key of --redis-cert, in PEM, without a password."                 \
    }

/* Reads them; the strings must outlive the process' use of TLS. On failure nothing has changed, and
 * `why` names the option, its file, what is wrong, and what would be right. */
bool tls_load(const struct tls_files *files, char why[TLS_WHY_SIZE]) MUST_CHECK;

/* The same for an address, which wants TLS or does not: files for nothing are a mistake. */
bool tls_load_for(const struct address *redis, const struct tls_files *files,
                  char why[TLS_WHY_SIZE]) MUST_CHECK;

/* The same files again, as they are now. Fine where none were ever loaded. */
bool tls_reload(char why[TLS_WHY_SIZE]) MUST_CHECK;

/* What tls_load() has read is not needed any more. */
void tls_unload(void);

/* How what goes wrong later may be put right: which options were given. */
bool tls_has_own_ca(void);
bool tls_has_own_cert(void);

/* For tls.c: a connection of what was loaded last, on this socket. NULL: out of memory. */
struct ssl_st *tls_files_new_ssl(struct tls_socket *socket);
