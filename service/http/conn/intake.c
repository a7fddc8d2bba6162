#include "http/conn/intake.h"

#include "core/route.h"
#include "http/answer/render.h"
#include "http/server_limits.h"
#include "stats.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* The connections by descriptor. Written by the loop's thread only, but looked into by every thread
 * that calls recv(). */
static struct intake *_Atomic intakes[SERVER_FD_MAX];

static struct intake *intake_of(int fd)
{
    return fd >= 0 && fd < SERVER_FD_MAX ? atomic_load_explicit(&intakes[fd], memory_order_relaxed)
                                         : NULL;
}

static ssize_t recv_plain(int fd, void *to, size_t n, int flags)
{
    return recvfrom(fd, to, n, flags, NULL, NULL);
}

static int shutdown_plain(int fd, int how)
{
    return (int)syscall(SYS_shutdown, fd, how);
}

bool intake_open(struct intake *intake, int fd, struct https_conn *tls,
                 const struct intake_events *events)
{
    if (fd < 0 || fd >= SERVER_FD_MAX) {
        https_conn_free(tls);
        return false;
    }
    *intake = (struct intake){.fd = fd, .tls = tls, .events = events, .state = INTAKE_OPEN};
    framing_init(&intake->framing);
    atomic_store_explicit(&intakes[fd], intake, memory_order_relaxed);
    return true;
}

void intake_close(struct intake *intake)
{
    atomic_store_explicit(&intakes[intake->fd], NULL, memory_order_relaxed);
    if (intake->tls)
        https_conn_end(intake->tls);
    https_conn_free(intake->tls);
}

bool intake_has_left(const struct intake *intake)
{
    char byte;
    return (intake->tls && https_conn_has_ended(intake->tls)) ||
           recv_plain(intake->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

bool intake_begin(struct intake *intake)
{
    return ++intake->begun <= intake->framing.heads;
}

bool intake_lingers(const struct intake *intake)
{
    return intake->state == INTAKE_LINGERING;
}

void intake_last(struct intake *intake)
{
    framing_close(&intake->framing);
}

/* --- the refusal ------------------------------------------------------------------------------ */

static void put_rate(struct buf *out, const struct rate *rate)
{
    char text[RATE_FIELD_SIZE];
    if (!rate || !rate->slot)
        return;
    rate_put_policy(rate, text);
    buf_printf(out, RATE_POLICY ": %s\r\n", text);
    rate_put_state(rate, text);
    buf_printf(out, RATE_STATE ": %s\r\n", text);
}

static void put_answer_head(struct buf *out, const struct answer *answer, const char *title,
                            size_t bytes)
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
    if (answer->status == 401)
        buf_puts(out, STR("WWW-Authenticate: " RENDER_CHALLENGE "\r\n"));
}

/* Nothing else is on its way to this client: requests of a connection are answered one by one, and
 * those before this one are. If its socket is full it does not even read those. */
static void send_refusal(struct intake *intake, unsigned route, const struct refusal *why,
                         const struct rate *rate)
{
    struct answer answer = {0};
    struct buf body, all;
    buf_init(&body, SERVER_REFUSAL_BYTES);
    buf_init(&all, 2 * SERVER_REFUSAL_BYTES);
    render_refusal(why, &answer, &body);
    put_answer_head(&all, &answer, problem_get(why->problem)->title, body.n);
    put_rate(&all, rate);
    buf_puts(&all, STR("\r\n"));
    buf_puts(&all, buf_str(&body));
    if (!body.failed && !all.failed)
        (void)!send(intake->fd, all.p, all.n, MSG_NOSIGNAL | MSG_DONTWAIT);
    buf_free(&body);
    buf_free(&all);
    stats_request(route, answer.status, 0);
}

void intake_reject(struct intake *intake, unsigned route, const struct refusal *why,
                   const struct rate *rate)
{
    send_refusal(intake, route, why, rate);
    shutdown(intake->fd, SHUT_WR);
    intake->state = INTAKE_LINGERING;
    intake->events->on_lingering(intake);
}

static void reject_fault(struct intake *intake)
{
    const struct framing *framing = &intake->framing;
    const struct refusal why = {.problem = framing->problem, .detail = framing->fault};
    intake_reject(intake, ROUTE_NONE, &why, NULL);
}

static bool owes_answers(const struct intake *intake)
{
    return intake->answered < intake->framing.whole;
}

void intake_answered(struct intake *intake)
{
    intake->answered++;
    if (intake->state == INTAKE_STOPPED && !owes_answers(intake))
        reject_fault(intake);
}

/* --- reading ---------------------------------------------------------------------------------- */

/* The library is told that there is nothing (-1, EAGAIN) until the client ends its side. With TLS
 * what is dropped is records: nothing behind it is ever read. */
static ssize_t discard_input(struct intake *intake)
{
    static char waste[16384];
    ssize_t n;
    while ((n = recv_plain(intake->fd, waste, sizeof(waste), MSG_DONTWAIT)) > 0) {
        intake->dropped_bytes += (size_t)n;
        if (intake->dropped_bytes > SERVER_DISCARD_BYTES) {
            errno = ECONNRESET;
            return -1;
        }
    }
    return n;
}

/* The library would give up the request that it has. The end is noticed again once the connection
 * is idle (client_conns_expire()). */
static ssize_t later(void)
{
    errno = EAGAIN;
    return -1;
}

/* What may be handed on of what was read: requests that were whole before the fault. */
static ssize_t stop_reading(struct intake *intake, size_t whole)
{
    intake->state = INTAKE_STOPPED;
    if (whole > 0)
        return (ssize_t)whole;
    if (!owes_answers(intake))
        reject_fault(intake);
    return discard_input(intake);
}

static ssize_t receive_bytes(struct intake *intake, char *to, size_t n, int flags)
{
    return intake->tls ? https_conn_read(intake->tls, to, n) : recv_plain(intake->fd, to, n, flags);
}

/* What is cut out makes a read shorter than it was. The library takes a short one for the last that
 * there is, and waits for more to come; so the room is filled as long as there may be any. */
static ssize_t recv_judged(struct intake *intake, char *to, size_t n, int flags)
{
    struct framing_taken taken;
    size_t kept = 0, whole = 0, got;
    do {
        if (intake->state != INTAKE_OPEN || framing_is_over(&intake->framing))
            return kept > 0 ? (ssize_t)kept : discard_input(intake);
        ssize_t result = receive_bytes(intake, to + kept, n - kept, flags);
        if (result == 0 && kept == 0 && owes_answers(intake))
            return later(); /* half closed: it has asked all, and waits for the answers */
        if (result <= 0)
            return kept > 0 ? (ssize_t)kept : result;
        got = (size_t)result;
        framing_take(&intake->framing, to + kept, got, &taken);
        intake->events->on_bytes(intake);
        whole = taken.whole > 0 ? kept + taken.whole : whole;
        if (intake->framing.fault)
            return stop_reading(intake, whole);
        kept += taken.kept;
    } while (kept == 0 || (kept < n && taken.kept < got));
    return (ssize_t)kept;
}

/* --- in the place of the C library's: see intake.h -------------------------------------------- */

ssize_t recv(int fd, void *to, size_t n, int flags)
{
    struct intake *intake = intake_of(fd);
    return intake ? recv_judged(intake, to, n, flags) : recv_plain(fd, to, n, flags);
}

ssize_t send(int fd, const void *bytes, size_t n, int flags)
{
    const struct intake *intake = intake_of(fd);
    const struct iovec part = {(void *)(uintptr_t)bytes, n};
    return intake && intake->tls ? https_conn_write(intake->tls, &part, 1)
                                 : sendto(fd, bytes, n, flags, NULL, 0);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    const struct intake *intake = intake_of(fd);
    return intake && intake->tls
               ? https_conn_write(intake->tls, message->msg_iov, message->msg_iovlen)
               : syscall(SYS_sendmsg, fd, message, flags);
}

int shutdown(int fd, int how)
{
    const struct intake *intake = intake_of(fd);
    if (intake && intake->tls && how != SHUT_RD)
        https_conn_end(intake->tls);
    return shutdown_plain(fd, how);
}
