#include "http/intake.h"

#include "http/exchange.h"
#include "http/render.h"
#include "http/server_limits.h"
#include "stats.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>

/* The connections by descriptor. Written by the loop's thread only, but looked into by every thread
 * that calls recv(). */
static struct peer *_Atomic peers[SERVER_FD_MAX];

static ssize_t recv_plain(int fd, void *to, size_t n, int flags)
{
    return recvfrom(fd, to, n, flags, NULL, NULL);
}

bool intake_open(struct peer *peer)
{
    if (peer->fd < 0 || peer->fd >= SERVER_FD_MAX)
        return false;
    peer->intake = (struct intake){.state = INTAKE_OPEN};
    framing_init(&peer->intake.framing);
    atomic_store_explicit(&peers[peer->fd], peer, memory_order_relaxed);
    return true;
}

void intake_close(struct peer *peer)
{
    if (peer->fd >= 0 && peer->fd < SERVER_FD_MAX)
        atomic_store_explicit(&peers[peer->fd], NULL, memory_order_relaxed);
}

bool intake_begin(struct peer *peer)
{
    return ++peer->intake.begun <= peer->intake.framing.heads;
}

bool intake_lingers(const struct peer *peer)
{
    return peer->intake.state == INTAKE_LINGERING;
}

void intake_last(struct peer *peer)
{
    framing_close(&peer->intake.framing);
}

/* --- the refusal ------------------------------------------------------------------------------ */

static void put_head(struct buf *out, const struct answer *answer, const char *title, size_t bytes)
{
    char date[40];
    struct tm utc;
    time_t now = time(NULL);
    gmtime_r(&now, &utc);
    strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", &utc);
    buf_printf(out,
               "HTTP/1.1 %u %s\r\nDate: %s\r\nConnection: close\r\n"
               "Content-Type: application/problem+json\r\nContent-Length: %zu\r\n",
               answer->status, title, date, bytes);
    if (answer->retry_after_s > 0)
        buf_printf(out, "Retry-After: %u\r\n", answer->retry_after_s);
    buf_puts(out, STR("\r\n"));
}

/* Nothing else is on its way to this client: requests of a connection are answered one by one, and
 * those before this one are. If its socket is full it does not even read those. */
static void send_refusal(struct peer *peer, unsigned route, const struct refusal *why)
{
    struct answer answer = {0};
    struct buf body, all;
    buf_init(&body, SERVER_REFUSAL_BYTES);
    buf_init(&all, 2 * SERVER_REFUSAL_BYTES);
    render_refusal(why, &answer, &body);
    put_head(&all, &answer, problem_get(why->problem)->title, body.n);
    buf_puts(&all, buf_str(&body));
    if (!body.failed && !all.failed)
        (void)!send(peer->fd, all.p, all.n, MSG_NOSIGNAL | MSG_DONTWAIT);
    buf_free(&body);
    buf_free(&all);
    stats_request(route, answer.status, 0);
}

void intake_reject(struct peer *peer, unsigned route, const struct refusal *why)
{
    send_refusal(peer, route, why);
    shutdown(peer->fd, SHUT_WR);
    peer->intake.state = INTAKE_LINGERING;
    peer_move(peer->server, peer, PEER_LINGERING);
}

static void reject_fault(struct peer *peer)
{
    const struct framing *framing = &peer->intake.framing;
    const struct refusal why = {.problem = framing->problem, .detail = framing->fault};
    intake_reject(peer, ROUTE_NONE, &why);
}

static bool owes_answers(const struct intake *intake)
{
    return intake->answered < intake->framing.whole;
}

void intake_answered(struct peer *peer)
{
    peer->intake.answered++;
    if (peer->intake.state == INTAKE_STOPPED && !owes_answers(&peer->intake))
        reject_fault(peer);
}

/* --- reading ---------------------------------------------------------------------------------- */

/* The library is told that there is nothing (-1, EAGAIN) until the client ends its side. */
static ssize_t drop(struct peer *peer)
{
    static char waste[16384];
    ssize_t n;
    while ((n = recv_plain(peer->fd, waste, sizeof(waste), MSG_DONTWAIT)) > 0) {
        peer->intake.dropped_bytes += (size_t)n;
        if (peer->intake.dropped_bytes > SERVER_DISCARD_BYTES) {
            errno = ECONNRESET;
            return -1;
        }
    }
    return n;
}

/* The library would give up the request that it has. The end is noticed again once the connection
 * is idle (peers_expire()). */
static ssize_t later(void)
{
    errno = EAGAIN;
    return -1;
}

/* What may be handed on of what was read: requests that were whole before the fault. */
static ssize_t stop(struct peer *peer, size_t whole)
{
    peer->intake.state = INTAKE_STOPPED;
    if (whole > 0)
        return (ssize_t)whole;
    if (!owes_answers(&peer->intake))
        reject_fault(peer);
    return drop(peer);
}

/* What is cut out makes a read shorter than it was. The library takes a short one for the last that
 * there is, and waits for more to come; so the room is filled as long as there may be any. */
static ssize_t recv_judged(struct peer *peer, char *to, size_t n, int flags)
{
    struct intake *intake = &peer->intake;
    struct framing_taken taken;
    size_t kept = 0, whole = 0, got;
    do {
        if (intake->state != INTAKE_OPEN || framing_is_over(&intake->framing))
            return kept > 0 ? (ssize_t)kept : drop(peer);
        ssize_t result = recv_plain(peer->fd, to + kept, n - kept, flags);
        if (result == 0 && kept == 0 && owes_answers(intake))
            return later(); /* half closed: it has asked all, and waits for the answers */
        if (result <= 0)
            return kept > 0 ? (ssize_t)kept : result;
        got = (size_t)result;
        framing_take(&intake->framing, to + kept, got, &taken);
        if (peer->list == PEER_IDLE)
            peer_move(peer->server, peer, PEER_READING);
        whole = taken.whole > 0 ? kept + taken.whole : whole;
        if (intake->framing.fault)
            return stop(peer, whole);
        kept += taken.kept;
    } while (kept == 0 || (kept < n && taken.kept < got));
    return (ssize_t)kept;
}

/* In the place of the C library's: see intake.h. */
ssize_t recv(int fd, void *to, size_t n, int flags)
{
    struct peer *peer = fd >= 0 && fd < SERVER_FD_MAX
                            ? atomic_load_explicit(&peers[fd], memory_order_relaxed)
                            : NULL;
    return peer ? recv_judged(peer, to, n, flags) : recv_plain(fd, to, n, flags);
}
