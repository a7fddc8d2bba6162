#include "http/https_conn.h"

#include "http/https_files.h"

#include <assert.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
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
    free(conn);
    ERR_clear_error();
}

/* --- what a step came to ---------------------------------------------------------------------- */

enum step { STEP_WAITS_READ, STEP_WAITS_WRITE, STEP_ENDED, STEP_FAILED };

static void begin_step(void)
{
    ERR_clear_error();
    errno = 0;
}

static enum step settle(const struct https_conn *conn, int returned)
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

/* From here on reads take from the socket what is there. */
static void begin_records(struct https_conn *conn)
{
    SSL_set_read_ahead(conn->ssl, 1);
}

int https_conn_handshake(struct https_conn *conn)
{
    begin_step();
    int returned = SSL_do_handshake(conn->ssl);
    if (returned == 1) {
        begin_records(conn);
        return 0;
    }
    enum step step = settle(conn, returned);
    conn->wants_write = step == STEP_WAITS_WRITE;
    if (step == STEP_WAITS_READ || step == STEP_WAITS_WRITE)
        return -EAGAIN;
    conn->over = conn->failed = true;
    conn->is_plain = ERR_GET_REASON(ERR_peek_error()) == SSL_R_HTTP_REQUEST;
    conn->why = step == STEP_ENDED ? "the client closed the connection" : reason();
    ERR_clear_error();
    return -EPROTO;
}

/* --- records ---------------------------------------------------------------------------------- */

static ssize_t fail(struct https_conn *conn, int err)
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
        return fail(conn, ECONNRESET);
    conn->over = true;
    return 0;
}

ssize_t https_conn_read(struct https_conn *conn, void *to, size_t n)
{
    size_t had = 0, got = 0;
    int returned = 1;
    if (conn->failed)
        return fail(conn, ECONNRESET);
    if (conn->over || n == 0)
        return 0;
    begin_step();
    conn->socket.readable = READ_BASE_BYTES + n * READ_BYTES_FOR_A_BYTE;
    while (had < n) {
        returned = SSL_read_ex(conn->ssl, (char *)to + had, n - had, &got);
        if (returned != 1)
            break;
        had += got;
    }
    ssize_t rc = returned == 1 ? 0 : end_of_read(conn, settle(conn, returned));
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
        (void)fail(conn, ECONNRESET);
        return 0;
    }
    begin_step();
    n = conn->unsent > 0 ? conn->unsent : n;
    int returned = SSL_write_ex(conn->ssl, bytes, n, &sent);
    if (returned == 1) {
        conn->unsent = 0;
        return sent;
    }
    enum step step = settle(conn, returned);
    if (step == STEP_WAITS_WRITE) {
        conn->unsent = n;
        errno = EAGAIN;
        return 0;
    }
    (void)fail(conn, ECONNRESET);
    return 0;
}

ssize_t https_conn_write(struct https_conn *conn, const struct iovec *parts, size_t count)
{
    static char room[RECORD_BYTES]; /* one thread writes */
    struct cursor c = {parts, count, 0};
    size_t all = 0, n;
    if (conn->failed)
        return fail(conn, EPIPE);
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
    begin_step();
    (void)SSL_shutdown(conn->ssl);
    ERR_clear_error();
}

/* --- the client ------------------------------------------------------------------------------- */

/* False: it is empty, too long, or has a NUL, behind which somebody hides something. */
static bool take_name(const ASN1_STRING *from, char name[HTTPS_NAME_SIZE])
{
    unsigned char *utf8 = NULL;
    int n = from ? ASN1_STRING_to_UTF8(&utf8, from) : -1;
    bool good = n > 0 && n < HTTPS_NAME_SIZE && !memchr(utf8, '\0', (size_t)n);
    if (good) {
        memcpy(name, utf8, (size_t)n);
        name[n] = '\0';
    }
    OPENSSL_free(utf8);
    return good;
}

static const ASN1_STRING *common_name(const X509 *cert)
{
    const X509_NAME *subject = X509_get_subject_name(cert);
    int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    return at < 0 ? NULL : X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at));
}

static const ASN1_STRING *first_host(const GENERAL_NAMES *names)
{
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *one = sk_GENERAL_NAME_value(names, i);
        if (one->type == GEN_DNS)
            return one->d.dNSName;
    }
    return NULL;
}

bool https_conn_peer(const struct https_conn *conn, char name[HTTPS_NAME_SIZE])
{
    const X509 *cert = SSL_get0_peer_certificate(conn->ssl);
    if (!cert || SSL_get_verify_result(conn->ssl) != X509_V_OK)
        return false;
    GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
    const ASN1_STRING *host = first_host(names);
    bool good = take_name(host ? host : common_name(cert), name);
    GENERAL_NAMES_free(names);
    ERR_clear_error();
    return good;
}
