#include "http/conn/handshakes.h"

#include "http/problem.h"
#include "http/server_limits.h"
#include "log.h"
#include "stats.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void handshakes_init(struct handshakes *all, uv_loop_t *loop, bool tls, unsigned max,
                     int64_t time_ms)
{
    *all = (struct handshakes){.loop = loop, .tls = tls, .max = max, .time_ms = time_ms};
    TAILQ_INIT(&all->open);
    TAILQ_INIT(&all->handed);
}

/* --- the end of one --------------------------------------------------------------------------- */

static void free_if_over(struct handshake *h)
{
    if (h->polled || h->handed)
        return;
    https_conn_free(h->conn);
    free(h->header);
    free(h);
}

static void on_poll_closed(uv_handle_t *handle)
{
    struct handshake *h = handle->data;
    struct handshakes *all = h->all;
    h->polled = false;
    free_if_over(h);
    if (--all->handles == 0 && all->on_closed)
        all->on_closed(all->user);
}

/* The handle goes before its descriptor can be another's. */
static void leave_open(struct handshake *h)
{
    struct handshakes *all = h->all;
    TAILQ_REMOVE(&all->open, h, link);
    all->count--;
    if (h->conn)
        stats_add(STATS_TLS_OPEN, -1);
    uv_close((uv_handle_t *)&h->poll, on_poll_closed);
}

/* What the client has sent is read first: the kernel would answer it with a reset, which may
 * overtake what it was told. */
static void close_politely(int fd)
{
    char waste[4096];
    int rounds = 16;
    shutdown(fd, SHUT_WR);
    while (rounds-- > 0 && recvfrom(fd, waste, sizeof(waste), MSG_DONTWAIT, NULL, NULL) > 0)
        ;
    close(fd);
}

static void give_up_handshake(struct handshake *h, const char *why)
{
    stats_count(h->header ? STATS_PROXY_FAILURES : STATS_TLS_FAILURES, 1);
    log_event(LOG_DEBUG, h->header ? "no PROXY header" : "no TLS handshake", LOG_STR("why", why));
    leave_open(h);
    close_politely(h->fd);
}

/* --- steps ------------------------------------------------------------------------------------ */

/* The one thing that is said before all that is done, and to somebody who began otherwise: there is
 * nothing in it that is not known, and a person sees what is wrong. */
static void answer_plain(int fd, const char *detail)
{
    char body[256], answer[512];
    const struct problem *problem = problem_get(PROBLEM_MALFORMED_REQUEST);
    int n = snprintf(body, sizeof(body),
                     "{\"type\":\"/problems/%s\",\"title\":\"%s\",\"status\":%u,"
                     "\"detail\":\"%s\"}",
                     problem->name, problem->title, problem->status, detail);
    n = snprintf(answer, sizeof(answer),
                 "HTTP/1.1 %u %s\r\nConnection: close\r\n"
                 "Content-Type: application/problem+json\r\nContent-Length: %d\r\n\r\n%s",
                 problem->status, problem->title, n, body);
    (void)!sendto(fd, answer, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT, NULL, 0);
}

static void log_done(const struct https_conn *conn)
{
    if (log_enabled(LOG_DEBUG))
        log_event(LOG_DEBUG, "TLS handshake", LOG_STR("client", conn->peer));
}

/* Into the library's hands, which says when it has it (handshakes_take()). */
static void hand_on(struct handshake *h)
{
    struct handshakes *all = h->all;
    if (h->conn) {
        stats_count(STATS_TLS_HANDSHAKES, 1);
        log_done(h->conn);
    }
    leave_open(h);
    h->handed = true;
    TAILQ_INSERT_TAIL(&all->handed, h, link);
    *all->woken = true;
    /* What it cannot take it closes, and handshakes_forget() finds. */
    (void)MHD_add_connection(all->daemon, h->fd, (struct sockaddr *)&h->from, h->from_size);
}

/* It is whole: from now on the connection is that of whoever the proxy says. */
static void header_done(struct handshake *h)
{
    if (h->header->has_source)
        h->from_size = ip_to_socket(&h->header->source, h->header->port, &h->from);
    free(h->header);
    h->header = NULL;
}

/* 0: it is read. -EAGAIN: there is more to come. -EPROTO: it is none. */
static int read_header(struct handshake *h)
{
    uint8_t bytes[512];
    size_t wants;
    while ((wants = proxy_header_wants(h->header)) > 0) {
        ssize_t n = recvfrom(h->fd, bytes, wants < sizeof(bytes) ? wants : sizeof(bytes),
                             MSG_DONTWAIT, NULL, NULL);
        if (n < 0)
            return errno == EAGAIN || errno == EINTR ? -EAGAIN : -EPROTO;
        if (n == 0 || !proxy_header_take(h->header, bytes, (size_t)n))
            return -EPROTO;
    }
    header_done(h);
    return 0;
}

static void refuse_header(struct handshake *h)
{
    const char *fault = h->header->fault;
    if (fault && !h->conn)
        answer_plain(h->fd, "from this address this port takes the PROXY protocol, version 2");
    give_up_handshake(h, fault ? fault : "it ended");
}

static void refuse_handshake(struct handshake *h)
{
    if (h->conn->is_plain)
        answer_plain(h->fd, "this port speaks TLS: ask by https");
    give_up_handshake(h, h->conn->why);
}

static bool wants_write(const struct handshake *h)
{
    return !h->header && h->conn && h->conn->wants_write;
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
    struct handshake *h = poll->data;
    int rc = h->header ? read_header(h) : 0;
    if (rc == 0 && h->conn)
        rc = https_conn_handshake(h->conn);
    if (rc == -EAGAIN &&
        uv_poll_start(poll, wants_write(h) ? UV_WRITABLE : UV_READABLE, on_ready) == 0)
        return;
    if (rc == 0)
        hand_on(h);
    else if (h->header)
        refuse_header(h);
    else
        refuse_handshake(h);
}

/* --- all of them ------------------------------------------------------------------------------ */

static bool watch_socket(struct handshake *h)
{
    if (uv_poll_init(h->all->loop, &h->poll, h->fd) != 0)
        return false;
    h->all->handles++;
    h->polled = true;
    h->poll.data = h;
    return true;
}

/* False: out of memory; it may have a part of all that. */
static bool prepare_handshake(struct handshake *h, bool proxied)
{
    if (proxied) {
        h->header = malloc(sizeof(*h->header));
        if (!h->header)
            return false;
        proxy_header_init(h->header);
    }
    if (h->all->tls)
        h->conn = https_conn_new(h->fd);
    return (h->conn || !h->all->tls) && watch_socket(h);
}

void handshakes_begin(struct handshakes *all, int fd, const struct sockaddr *from, socklen_t size,
                      bool proxied)
{
    struct handshake *h = calloc(1, sizeof(*h));
    if (h) {
        h->all = all;
        h->fd = fd;
        h->since_ms = (int64_t)uv_now(all->loop);
        memcpy(&h->from, from, size);
        h->from_size = size;
    }
    if (!h || !prepare_handshake(h, proxied)) {
        if (h)
            free_if_over(h);
        close(fd);
        return;
    }
    TAILQ_INSERT_TAIL(&all->open, h, link);
    all->count++;
    if (h->conn)
        stats_add(STATS_TLS_OPEN, 1);
    if (uv_poll_start(&h->poll, UV_READABLE, on_ready) != 0)
        give_up_handshake(h, "it cannot be polled");
    else if (all->count > all->max)
        give_up_handshake(TAILQ_FIRST(&all->open), "too many at a time, and it was the oldest");
}

static struct https_conn *take_out(struct handshakes *all, struct handshake *h)
{
    struct https_conn *conn = h->conn;
    TAILQ_REMOVE(&all->handed, h, link);
    h->handed = false;
    h->conn = NULL;
    free_if_over(h);
    return conn;
}

struct https_conn *handshakes_take(struct handshakes *all, int fd)
{
    struct handshake *h;
    TAILQ_FOREACH(h, &all->handed, link)
    if (h->fd == fd)
        return take_out(all, h);
    return NULL;
}

void handshakes_forget(struct handshakes *all)
{
    for (struct handshake *h = TAILQ_FIRST(&all->handed), *next; h; h = next) {
        next = TAILQ_NEXT(h, link);
        https_conn_free(take_out(all, h));
    }
}

static int64_t deadline_of(const struct handshake *h)
{
    const struct handshakes *all = h->all;
    int64_t deadline = h->since_ms + all->time_ms;
    int64_t drained = all->drain_ms + SERVER_DRAIN_IDLE_MS;
    return all->draining && drained < deadline ? drained : deadline;
}

int64_t handshakes_expire(struct handshakes *all)
{
    int64_t now = (int64_t)uv_now(all->loop);
    struct handshake *h;
    while ((h = TAILQ_FIRST(&all->open))) {
        int64_t left = deadline_of(h) - now;
        if (left > 0)
            return left;
        give_up_handshake(h, "it took too long");
    }
    return -1;
}

void handshakes_drain(struct handshakes *all)
{
    all->draining = true;
    all->drain_ms = (int64_t)uv_now(all->loop);
}

bool handshakes_close(struct handshakes *all, void (*on_closed)(void *user), void *user)
{
    handshakes_forget(all);
    while (!TAILQ_EMPTY(&all->open))
        give_up_handshake(TAILQ_FIRST(&all->open), "the service stops");
    all->on_closed = on_closed;
    all->user = user;
    return all->handles == 0;
}
