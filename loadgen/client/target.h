/* target.h -- the server under load: where it is, and the part of every request that is the same.
 *
 * Layer: client. Made once by the parent, before it forks, and only read afterwards. Owned by the
 * caller: target_open .. target_close.
 */
#pragma once

#include "buf.h"
#include "tls/tls_context.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define TARGET_ERR_SIZE    256
#define TARGET_REQUEST_MAX (1024 * 1024) /* bytes of one request, batches included */

struct target {
    struct sockaddr_storage address;
    socklen_t address_bytes;
    struct buf path;        /* prefix before every path, without a slash at its end; often empty */
    struct ssl_ctx_st *tls; /* NULL: without */
    char host[256];         /* with TLS: whose the certificate must be */
    struct buf head;        /* " HTTP/1.1\r\nHost: ...\r\n" and the headers the user asked for */
};

struct target_options {
    const char *host; /* name or address, without brackets */
    unsigned port;
    const char *path;           /* or NULL */
    const char *const *headers; /* "Name: value", without line ends */
    size_t header_count;
    const char *token;           /* of Authorization: Bearer, or NULL */
    bool close;                  /* ask for Connection: close with every request */
    const struct tls_files *tls; /* NULL: without */
};

/* Resolves the name; of several addresses, the first one that accepts connections. With TLS a
 * handshake is tried, so that a certificate that is not good is told before the load begins: one
 * that cannot be tried, as nobody answers, is none. -errno with err saying what was wrong and
 * where.
 */
int target_open(struct target *t, const struct target_options *options, char *err,
                size_t err_size) MUST_CHECK;
void target_close(struct target *t);

/* Begins a non-blocking connect. The descriptor, perhaps not connected yet, or -errno. */
int target_connect(const struct target *t) MUST_CHECK;

/* Whether a connect that was begun has come through: 0 or -errno. */
int target_connected(int fd) MUST_CHECK;

/* Writes one request to out, which is emptied first. path begins with "/v1/"; key and body may be
 * absent. out->failed when it does not fit. */
void target_request(const struct target *t, struct buf *out, struct str method, struct str path,
                    struct str key, struct str body);

/* The same of a GET: without key and body. */
void target_get(const struct target *t, struct buf *out, struct str path);

/* The same with an If-Match of that version. */
void target_request_if(const struct target *t, struct buf *out, struct str method, struct str path,
                       struct str key, struct str body, uint64_t version);
