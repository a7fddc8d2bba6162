#include "http/conn/https_conn.h"

#include "http/conn/https_files.h"
#include "http/conn/https_peer.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

#define RECORD_BYTES 16384 /* of what is written, at the most; what a record holds */

/* What a client may make us read that gives nothing back: handshakes, and afterwards changes of
 * keys, records that are empty, or of a byte each. */
#define HANDSHAKE_MAX_BYTES   ((size_t)128 << 10)
#define READ_BASE_BYTES       ((size_t)64 << 10)
#define READ_BYTES_FOR_A_BYTE 64

struct https_conn *https_conn_new(int fd)
{
    struct https_conn *conn = calloc(1, sizeof(*conn));
    if (!conn)
        return NULL;
    ERR_clear_error();
    conn->socket = (struct tls_socket){fd, HANDSHAKE_MAX_BYTES};
    conn->ssl = https_files_new_ssl(&conn->socket);
    if (conn->ssl) {
        SSL_set_accept_state(conn->ssl);
        return conn;
    }
    ERR_clear_error();
    free(conn);
    return NULL;
}

void https_conn_free(struct https_conn *conn)
{
    if (!conn)
        return;
    SSL_free(conn->ssl);
    free(conn->peer);
    free(conn);
    ERR_clear_error();
}

/* --- what a step came to ---------------------------------------------------------------------- */

enum step { STEP_WAITS_READ, STEP_WAITS_WRITE, STEP_ENDED, STEP_FAILED };

static void clear_errors(void)
{
    ERR_clear_error();
    errno = 0;
}

static enum step classify_step(const struct https_conn *conn, int returned)
{
    switch (SSL_get_error(conn->ssl, returned)) {
    case SSL_ERROR_WANT_READ: return STEP_WAITS_READ;
    case SSL_ERROR_WANT_WRITE: return STEP_WAITS_WRITE;
    case SSL_ERROR_ZERO_RETURN: return STEP_ENDED;
    case SSL_ERROR_SYSCALL: return errno == 0 && ERR_peek_error() == 0 ? STEP_ENDED : STEP_FAILED;
    default: return STEP_FAILED;
    }
}

static const char *reason(void)
{
    const char *text = ERR_reason_error_string(ERR_peek_error());
    return text ? text : "the connection broke";
}

/* --- handshake -------------------------------------------------------------------------------- */

static int give_up_connection(struct https_conn *conn, const char *why)
{
    conn->over = conn->failed = true;
    conn->why = why;
    ERR_clear_error();
    return -EPROTO;
}

/* Somebody whose name is not known for want of memory must not go as nobody. */
static int begin_records(struct https_conn *conn)
{
    if (!https_peer_name(conn->ssl, &conn->peer))
        return give_up_connection(conn, "the names in the client's certificate can not be read");
    SSL_set_read_ahead(conn->ssl, 1); /* from here on reads take what is there */
    ERR_clear_error();
    return 0;
}

int https_conn_handshake(struct https_conn *conn)
{
    clear_errors();
    int returned = SSL_do_handshake(conn->ssl);
    if (returned == 1)
        return begin_records(conn);
    enum step step = classify_step(conn, returned);
    conn->wants_write = step == STEP_WAITS_WRITE;
    if (step == STEP_WAITS_READ || step == STEP_WAITS_WRITE)
        return -EAGAIN;
    conn->is_plain = ERR_GET_REASON(ERR_peek_error()) == SSL_R_HTTP_REQUEST;
    return give_up_connection(conn,
                              step == STEP_ENDED ? "the client closed the connection" : reason());
}

/* --- records ---------------------------------------------------------------------------------- */

static ssize_t fail_connection(struct https_conn *conn, int err)
{
    ERR_clear_error();
    conn->over = conn->failed = true;
    errno = err;
    return -1;
}

/* A read that has to write answers a change of keys; to a client that does not take such answers
 * none more are written. */
static ssize_t end_of_read(struct https_conn *conn, enum step step)
{
    if (step == STEP_WAITS_READ) {
        errno = EAGAIN;
        return -1;
    }
    if (step != STEP_ENDED)
        return fail_connection(conn, ECONNRESET);
    conn->over = true;
    return 0;
}

ssize_t https_conn_read(struct https_conn *conn, void *to, size_t n)
{
    size_t had = 0, got = 0;
    int returned = 1;
    if (conn->failed)
        return fail_connection(conn, ECONNRESET);
    if (conn->over || n == 0)
        return 0;
    clear_errors();
    conn->socket.readable = READ_BASE_BYTES + n * READ_BYTES_FOR_A_BYTE;
    while (had < n) {
        returned = SSL_read_ex(conn->ssl, (char *)to + had, n - had, &got);
        if (returned != 1)
            break;
        had += got;
    }
    ssize_t rc = returned == 1 ? 0 : end_of_read(conn, classify_step(conn, returned));
    return had > 0 ? (ssize_t)had : rc;
}

bool https_conn_has_ended(const struct https_conn *conn)
{
    return conn->over;
}

/* Where a write stands in its parts. */
struct cursor {
    const struct iovec *parts;
    size_t count, at; /* at: in the first */
};

static void skip(struct cursor *c, size_t n)
{
    c->at += n;
    while (c->count > 0 && c->at >= c->parts->iov_len) {
        c->at -= c->parts->iov_len;
        c->parts++;
        c->count--;
    }
}

/* The next bytes of the parts, up to a record of them: where they lie, or copied together. */
static const char *next_record(struct cursor c, char room[RECORD_BYTES], size_t *n)
{
    *n = 0;
    if (c.count == 0)
        return NULL;
    size_t first = c.parts->iov_len - c.at;
    if (c.count == 1 || first >= RECORD_BYTES) {
        *n = first < RECORD_BYTES ? first : RECORD_BYTES;
        return (const char *)c.parts->iov_base + c.at;
    }
    while (c.count > 0 && *n < RECORD_BYTES) {
        size_t part = c.parts->iov_len - c.at;
        part = part < RECORD_BYTES - *n ? part : RECORD_BYTES - *n;
        memcpy(room + *n, (const char *)c.parts->iov_base + c.at, part);
        *n += part;
        skip(&c, part);
    }
    return room;
}

/* What of these bytes was sent; 0: errno says why not. */
static size_t write_record(struct https_conn *conn, const char *bytes, size_t n)
{
    size_t sent = 0;
    if (n < conn->unsent) { /* not what it began with */
        (void)fail_connection(conn, ECONNRESET);
        return 0;
    }
    clear_errors();
    n = conn->unsent > 0 ? conn->unsent : n;
    int returned = SSL_write_ex(conn->ssl, bytes, n, &sent);
    if (returned == 1) {
        conn->unsent = 0;
        return sent;
    }
    enum step step = classify_step(conn, returned);
    if (step == STEP_WAITS_WRITE) {
        conn->unsent = n;
        errno = EAGAIN;
        return 0;
    }
    (void)fail_connection(conn, ECONNRESET);
    return 0;
}

ssize_t https_conn_write(struct https_conn *conn, const struct iovec *parts, size_t count)
{
    static char room[RECORD_BYTES]; /* one thread writes */
    struct cursor c = {parts, count, 0};
    size_t all = 0, n;
    if (conn->failed)
        return fail_connection(conn, EPIPE);
    skip(&c, 0);
    for (const char *bytes; (bytes = next_record(c, room, &n)) && n > 0;) {
        size_t sent = write_record(conn, bytes, n);
        if (sent == 0)
            return all > 0 ? (ssize_t)all : -1;
        all += sent;
        skip(&c, sent);
    }
    return (ssize_t)all;
}

/* In the middle of a record there is no good-bye, and after a failure OpenSSL has said what there
 * was to say. */
void https_conn_end(struct https_conn *conn)
{
    if (conn->failed || conn->unsent > 0 || !SSL_is_init_finished(conn->ssl) ||
        SSL_get_shutdown(conn->ssl) & SSL_SENT_SHUTDOWN)
        return;
    clear_errors();
    (void)SSL_shutdown(conn->ssl);
    ERR_clear_error();
}
