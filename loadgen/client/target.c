/* target.c -- a name becomes an address, a path becomes a request. */
#include "client/target.h"
#include "client/wire_tls.h"

#include <errno.h>
#include <inttypes.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define HEADERS_MAX    (8 * 1024) /* what servers take, at the least */
#define PATH_MAX_BYTES 1024
#define TRY_MS         1000 /* for each address of a name that has several */

static void set_address(struct target *t, const struct addrinfo *found)
{
    memcpy(&t->address, found->ai_addr, found->ai_addrlen);
    t->address_bytes = found->ai_addrlen;
}

static bool accepts(const struct target *t)
{
    int fd = target_connect(t);
    if (fd < 0)
        return false;
    struct pollfd ready = {.fd = fd, .events = POLLOUT};
    bool connected = poll(&ready, 1, TRY_MS) == 1 && target_connected(fd) == 0;
    close(fd);
    return connected;
}

/* The first address where somebody listens, as `localhost` may be [::1] and 127.0.0.1; or else the
 * first one. */
static void choose_address(struct target *t, const struct addrinfo *found)
{
    for (const struct addrinfo *at = found; found->ai_next && at; at = at->ai_next) {
        set_address(t, at);
        if (accepts(t))
            return;
    }
    set_address(t, found);
}

static int resolve(struct target *t, const struct target_options *options, char *err,
                   size_t err_size)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    char port[8];
    snprintf(port, sizeof(port), "%u", options->port);
    int rc = getaddrinfo(options->host, port, &hints, &found);
    if (rc != 0) {
        snprintf(err, err_size, "%s: %s", options->host, gai_strerror(rc));
        return rc == EAI_MEMORY ? -ENOMEM : -EHOSTUNREACH;
    }
    choose_address(t, found);
    freeaddrinfo(found);
    return 0;
}

/* --- TLS -------------------------------------------------------------------------------------- */

/* 0, -EPROTO, or -EAGAIN: it has not come to an end within the time. */
static int shake_hands(struct wire_tls *tls, int fd)
{
    int rc;
    while ((rc = wire_tls_handshake(tls)) == -EAGAIN) {
        struct pollfd ready = {.fd = fd, .events = wire_tls_wants_write(tls) ? POLLOUT : POLLIN};
        if (poll(&ready, 1, TRY_MS) != 1)
            return rc;
    }
    return rc;
}

static int try_handshake_on(const struct target *t, int fd, char *err, size_t err_size)
{
    struct wire_tls *tls = wire_tls_new(t->tls, t->host, fd);
    int rc = tls ? shake_hands(tls, fd) : -ENOMEM;
    if (rc == -EPROTO)
        snprintf(err, err_size, "%s: TLS failed: %s", t->host, wire_tls_why(tls));
    else if (rc == -ENOMEM)
        snprintf(err, err_size, "out of memory");
    wire_tls_free(tls, true);
    return rc == -EAGAIN ? 0 : rc;
}

/* Who does not answer is asked again by the load, which says what came of it. */
static int try_handshake(const struct target *t, char *err, size_t err_size)
{
    int fd = target_connect(t);
    if (fd < 0)
        return 0;
    struct pollfd ready = {.fd = fd, .events = POLLOUT};
    int rc = 0;
    if (poll(&ready, 1, TRY_MS) == 1 && target_connected(fd) == 0)
        rc = try_handshake_on(t, fd, err, err_size);
    close(fd);
    return rc;
}

static int open_tls(struct target *t, const struct target_options *options, char *err,
                    size_t err_size)
{
    static const struct tls_options names = {"--ca", "--cert", "--cert-key"};
    char why[TLS_WHY_SIZE];
    if (!options->tls)
        return 0;
    snprintf(t->host, sizeof(t->host), "%s", options->host);
    t->tls = tls_context_client(options->tls, &names, why);
    if (t->tls)
        return try_handshake(t, err, err_size);
    snprintf(err, err_size, "%s", why);
    return -EINVAL;
}

/* --- the head of each request ----------------------------------------------------------------- */

static void put_request_head(struct target *t, const struct target_options *options)
{
    bool v6 = strchr(options->host, ':') != NULL;
    buf_printf(&t->head, v6 ? " HTTP/1.1\r\nHost: [%s]:%u\r\n" : " HTTP/1.1\r\nHost: %s:%u\r\n",
               options->host, options->port);
    for (size_t i = 0; i < options->header_count; i++)
        buf_printf(&t->head, "%s\r\n", options->headers[i]);
    if (options->token)
        buf_printf(&t->head, "Authorization: Bearer %s\r\n", options->token);
    if (options->close)
        buf_puts(&t->head, STR("Connection: close\r\n"));
}

int target_open(struct target *t, const struct target_options *options, char *err, size_t err_size)
{
    memset(t, 0, sizeof(*t));
    buf_init(&t->path, PATH_MAX_BYTES);
    buf_init(&t->head, HEADERS_MAX);
    int rc = resolve(t, options, err, err_size);
    rc = rc < 0 ? rc : open_tls(t, options, err, err_size);
    if (rc < 0) {
        target_close(t);
        return rc;
    }
    struct str path = str_of(options->path);
    while (path.n > 0 && path.p[path.n - 1] == '/')
        path.n--;
    buf_puts(&t->path, path);
    put_request_head(t, options);
    if (!t->path.failed && !t->head.failed)
        return 0;
    snprintf(err, err_size, "path and headers are too long: %d and %d bytes are the most",
             PATH_MAX_BYTES, HEADERS_MAX);
    target_close(t);
    return -E2BIG;
}

void target_close(struct target *t)
{
    buf_free(&t->path);
    buf_free(&t->head);
    SSL_CTX_free(t->tls);
    t->tls = NULL;
}

int target_connect(const struct target *t)
{
    int fd = socket(t->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (connect(fd, (const struct sockaddr *)&t->address, t->address_bytes) == 0 ||
        errno == EINPROGRESS)
        return fd;
    int err = errno;
    close(fd);
    return -err;
}

int target_connected(int fd)
{
    int err = 0;
    socklen_t size = sizeof(err);
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &size) < 0)
        return -errno;
    return -err;
}

static void put_request(const struct target *t, struct buf *out, struct str method, struct str path,
                        struct str key)
{
    buf_reset(out);
    buf_puts(out, method);
    buf_putc(out, ' ');
    buf_puts(out, buf_str(&t->path));
    buf_puts(out, path);
    buf_puts(out, buf_str(&t->head));
    if (!str_absent(key)) {
        buf_puts(out, STR("Idempotency-Key: "));
        buf_puts(out, key);
        buf_puts(out, STR("\r\n"));
    }
}

static void put_request_body(struct buf *out, struct str body)
{
    if (!str_absent(body)) {
        buf_puts(out, STR("Content-Type: application/json\r\nContent-Length: "));
        buf_put_i64(out, (int64_t)body.n);
        buf_puts(out, STR("\r\n"));
    }
    buf_puts(out, STR("\r\n"));
    buf_puts(out, body);
}

void target_request(const struct target *t, struct buf *out, struct str method, struct str path,
                    struct str key, struct str body)
{
    put_request(t, out, method, path, key);
    put_request_body(out, body);
}

void target_get(const struct target *t, struct buf *out, struct str path)
{
    target_request(t, out, STR("GET"), path, (struct str){NULL, 0}, (struct str){NULL, 0});
}

void target_request_if(const struct target *t, struct buf *out, struct str method, struct str path,
                       struct str key, struct str body, uint64_t version)
{
    put_request(t, out, method, path, key);
    if (version > 0)
        buf_printf(out, "If-Match: \"%" PRIu64 "\"\r\n", version);
    else
        buf_puts(out, STR("If-None-Match: *\r\n"));
    put_request_body(out, body);
}
