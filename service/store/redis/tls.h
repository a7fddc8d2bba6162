/* tls.h -- TLS over a socket to Redis, 1.2 or newer, the other side's name always verified.
 *
 * Layer: store. Whom a process trusts and what it shows is read from files once, before anything
 * connects, and again on SIGHUP: tls_load() and tls_reload(); children that it forks have it too.
 * Connections that live keep what they began with. Works on a socket that does not block: a step
 * that has to wait says for what, and is taken again. Who has the socket closes it, after
 * tls_free().
 *
 * Invariant: nothing of what was read or is to be sent passes before the handshake is done. The
 * queue of OpenSSL's errors is empty before each step, and what it has afterwards becomes one
 * sentence.
 */
#pragma once

#include "address.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define TLS_WHY_SIZE 256
#define TLS_WHY_LATE "the TLS handshake took too long: this may be a port without TLS"

/* Paths; NULL: the certificates that the system trusts; no certificate of ours. */
struct tls_files {
    const char *ca, *cert, *key;
};

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

struct tls {
    struct ssl_st *ssl;
    bool wants_write; /* the step that has to wait does so until the socket takes bytes */
    bool more;        /* of the last read: the next one has something to say at once */
    bool heard;       /* something was read since the handshake */
    char host[256];
    char why[TLS_WHY_SIZE]; /* the step failed */
};

/* For a socket that is connected to this host: a name or an address in digits. NULL: out of memory.
 */
struct tls *tls_new(int fd, const char *host);

/* Says good-bye, as far as that can be done at once. NULL is fine. */
void tls_free(struct tls *tls);

/* Each: -EAGAIN: to be called again, see wants_write; -EPROTO: it failed, and `why` says why. */
int tls_handshake(struct tls *tls) MUST_CHECK; /* 0: done */

/* How many bytes; of a read 0: the other side has closed the connection. */
ssize_t tls_read(struct tls *tls, void *bytes, size_t size) MUST_CHECK;
ssize_t tls_write(struct tls *tls, const void *bytes, size_t size) MUST_CHECK;
