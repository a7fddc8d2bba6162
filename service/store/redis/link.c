#include "store/redis/link.h"
#include "clock.h"
#include "store/redis/reply.h"
#include "store/redis/resolve.h"
#include "store/redis/resp.h"
#include "store/redis/wire.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define READ_BYTES    (16 * 1024)
#define OUT_MAX_BYTES 4096
#define FULL_WAIT_MS  10 /* until a socket in the file system is tried again that takes no more */
#define WHY_LATE      "Redis did not answer in time"

/* --- its end ---------------------------------------------------------------------------------- */

void link_close(struct link *link)
{
    if (!link_is_open(link))
        return;
    redisReaderFree(link->reader);
    link->reader = NULL;
    tls_free(link->tls);
    link->tls = NULL;
    close(link->fd);
}

static bool fail_link(struct link *link, enum link_trouble trouble, const char *why)
{
    snprintf(link->why, sizeof(link->why), "%s", why);
    link->trouble = trouble;
    link_close(link);
    return false;
}

static bool fail_errno(struct link *link, ssize_t rc)
{
    enum link_trouble trouble = rc == -ETIMEDOUT ? LINK_LATE : rc == -EPROTO ? LINK_TLS : LINK_AWAY;
    return fail_link(link, trouble, wire_why(link->tls, rc));
}

/* --- waiting ---------------------------------------------------------------------------------- */

static int left_ms(int64_t deadline_ms)
{
    int64_t left = deadline_ms - clock_mono_ms();
    return left > 0 ? (int)left : 0;
}

/* 0, -ETIMEDOUT, or -errno. What else poll tells of the socket, its next use does. */
static int wait_for_socket(int fd, short events, int64_t deadline_ms)
{
    struct pollfd at = {.fd = fd, .events = events};
    for (;;) {
        int n = poll(&at, 1, left_ms(deadline_ms));
        if (n > 0)
            return 0;
        if (n == 0)
            return -ETIMEDOUT;
        if (errno != EINTR)
            return -errno;
    }
}

/* With TLS, for what that waits for. */
static int wait_for(const struct link *link, short events, int64_t deadline_ms)
{
    if (link->tls)
        events = link->tls->wants_write ? POLLOUT : POLLIN;
    return wait_for_socket(link->fd, events, deadline_ms);
}

/* --- the socket ------------------------------------------------------------------------------- */

/* connect() of a socket in the file system says EAGAIN where too many wait already. */
static int begin_connect(int fd, const struct sockaddr *to, socklen_t size, int64_t deadline_ms)
{
    while (connect(fd, to, size) < 0) {
        if (errno == EINPROGRESS)
            return wait_for_socket(fd, POLLOUT, deadline_ms);
        if (errno != EAGAIN && errno != EINTR)
            return -errno;
        if (left_ms(deadline_ms) == 0)
            return -ETIMEDOUT;
        (void)poll(NULL, 0, FULL_WAIT_MS);
    }
    return 0;
}

/* A connected socket, or -errno. */
static int connect_socket(const struct sockaddr *to, socklen_t size, int64_t deadline_ms)
{
    int err = 0, on = 1;
    socklen_t err_size = sizeof(err);
    int fd = socket(to->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    int rc = begin_connect(fd, to, size, deadline_ms);
    if (rc == 0 && getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &err_size) < 0)
        err = errno;
    if (rc == 0)
        rc = -err;
    if (rc == 0 && to->sa_family != AF_UNIX &&
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0)
        rc = -errno;
    if (rc == 0)
        return fd;
    close(fd);
    return rc;
}

static int connect_unix(const char *path, int64_t deadline_ms)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof(to.sun_path))
        return -ENAMETOOLONG;
    snprintf(to.sun_path, sizeof(to.sun_path), "%s", path);
    return connect_socket((const struct sockaddr *)&to, sizeof(to), deadline_ms);
}

static unsigned count_addresses(const struct addrinfo *list)
{
    unsigned n = 0;
    for (; list; list = list->ai_next)
        n++;
    return n;
}

/* One address after the other, IPv4 first; each may take its share of the time that is left. */
static int connect_any(const struct addrinfo *list, int64_t deadline_ms)
{
    int rc = -EADDRNOTAVAIL;
    unsigned left = count_addresses(list);
    for (int v6 = 0; v6 <= 1; v6++)
        for (const struct addrinfo *at = list; at; at = at->ai_next) {
            if ((at->ai_family == AF_INET6) != v6)
                continue;
            int64_t now_ms = clock_mono_ms();
            rc = connect_socket(at->ai_addr, at->ai_addrlen,
                                now_ms + (deadline_ms - now_ms) / left--);
            if (rc >= 0)
                return rc;
        }
    return rc;
}

static bool secure(struct link *link, const char *host, int64_t deadline_ms)
{
    int rc;
    link->tls = tls_new(link->fd, host);
    if (!link->tls)
        return fail_link(link, LINK_AWAY, "out of memory");
    while ((rc = tls_handshake(link->tls)) == -EAGAIN)
        if (wait_for(link, POLLIN, deadline_ms) < 0)
            return fail_link(link, LINK_TLS, TLS_WHY_LATE);
    return rc == 0 || fail_errno(link, rc);
}

static bool reach_endpoint(struct link *link, const struct endpoint *at, bool tls)
{
    struct addrinfo *list;
    int64_t deadline_ms = clock_mono_ms() + link->timeout_ms;
    if (at->is_unix) {
        link->fd = connect_unix(at->host, deadline_ms);
    } else {
        int rc = resolve_host(at->host, at->port, link->timeout_ms, &list);
        if (rc != 0)
            return fail_link(link, LINK_HOST, gai_strerror(rc));
        link->fd = connect_any(list, deadline_ms);
        freeaddrinfo(list);
    }
    if (link->fd < 0)
        return fail_errno(link, link->fd);
    link->reader = redisReaderCreate();
    if (!link->reader) {
        close(link->fd);
        return fail_link(link, LINK_AWAY, "out of memory");
    }
    return !tls || secure(link, at->host, deadline_ms);
}

/* --- commands --------------------------------------------------------------------------------- */

bool link_send(struct link *link, struct buf *out)
{
    int64_t deadline_ms = clock_mono_ms() + link->timeout_ms;
    assert(link_is_open(link));
    if (out->failed)
        return fail_link(link, LINK_AWAY, "out of memory");
    for (size_t sent = 0; sent < out->n;) {
        ssize_t n = wire_write(link->fd, link->tls, out->p + sent, out->n - sent);
        if (n >= 0)
            sent += (size_t)n;
        else if (n != -EAGAIN)
            return fail_errno(link, n);
        else if (wait_for(link, POLLOUT, deadline_ms) < 0)
            return fail_link(link, LINK_LATE, WHY_LATE);
    }
    buf_reset(out);
    return true;
}

/* Some more bytes for the reader. */
static bool receive(struct link *link, int64_t deadline_ms)
{
    char bytes[READ_BYTES];
    for (;;) {
        ssize_t n = wire_read(link->fd, link->tls, bytes, sizeof(bytes));
        if (n > 0)
            return redisReaderFeed(link->reader, bytes, (size_t)n) == REDIS_OK ||
                   fail_link(link, LINK_AWAY, "out of memory");
        if (n == 0)
            return fail_link(link, LINK_AWAY, "Server closed the connection");
        if (n != -EAGAIN)
            return fail_errno(link, n);
        if (wait_for(link, POLLIN, deadline_ms) < 0)
            return fail_link(link, LINK_LATE, WHY_LATE);
    }
}

redisReply *link_next(struct link *link)
{
    int64_t deadline_ms = clock_mono_ms() + link->timeout_ms;
    void *reply = NULL;
    assert(link_is_open(link));
    do {
        if (redisReaderGetReply(link->reader, &reply) != REDIS_OK) {
            (void)fail_link(link, LINK_AWAY, link->reader->errstr);
            return NULL;
        }
    } while (!reply && receive(link, deadline_ms));
    return reply;
}

redisReply *link_ask(struct link *link, struct buf *out)
{
    return link_send(link, out) ? link_next(link) : NULL;
}

/* --- the beginning ---------------------------------------------------------------------------- */

static bool fail_refused(struct link *link, enum link_trouble trouble, const redisReply *reply)
{
    char why[sizeof(link->why)];
    snprintf(why, sizeof(why), "Redis answered: %s", reply->str);
    return fail_link(link, trouble, why);
}

static enum link_trouble trouble_of(const redisReply *reply)
{
    struct str error = reply_error(reply);
    if (reply_classify(error) != REPLY_FORBIDDEN)
        return LINK_REFUSED;
    return reply_is_noperm(error) ? LINK_RIGHTS : LINK_LOGIN;
}

/* A command that answers OK, else `trouble`; LINK_FINE: what the error says. */
static bool ask_for_ok(struct link *link, struct buf *out, enum link_trouble trouble)
{
    redisReply *reply = link_ask(link, out);
    if (!reply)
        return false;
    bool good = reply->type != REDIS_REPLY_ERROR ||
                fail_refused(link, trouble != LINK_FINE ? trouble : trouble_of(reply), reply);
    freeReplyObject(reply);
    return good;
}

static bool log_in(struct link *link, const struct address *who, struct buf *out)
{
    char db[16];
    if (who->password[0] && who->user[0])
        resp_words(out, 3, "AUTH", who->user, who->password);
    else if (who->password[0])
        resp_words(out, 2, "AUTH", who->password);
    if (who->password[0] && !ask_for_ok(link, out, LINK_LOGIN))
        return false;
    if (who->db == 0)
        return true;
    snprintf(db, sizeof(db), "%d", who->db);
    resp_words(out, 2, "SELECT", db);
    return ask_for_ok(link, out, LINK_FINE);
}

bool link_open(struct link *link, const struct endpoint *at, const struct address *who, bool tls,
               int timeout_ms)
{
    struct buf out;
    assert(!link_is_open(link));
    link->timeout_ms = timeout_ms;
    link->trouble = LINK_FINE;
    if (!reach_endpoint(link, at, tls))
        return false;
    buf_init(&out, OUT_MAX_BYTES);
    bool good = !who || log_in(link, who, &out);
    buf_free(&out);
    return good;
}
