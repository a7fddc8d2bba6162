#include "support/fault_relay.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct fault_relay *fault_relay_make(int number, int service, int redis, uint64_t *random)
{
    struct fault_relay *r = calloc(1, sizeof(*r));
    assert(r);
    r->number = number;
    r->random = random;
    r->fd[FAULT_UP] = service;
    r->fd[FAULT_DOWN] = redis;
    r->status.known = r->status.open_service = r->status.open_redis = true;
    return r;
}

/* --- its end ---------------------------------------------------------------------------------- */

static void side_close(int *fd, bool reset)
{
    if (*fd < 0)
        return;
    struct linger now = {.l_onoff = 1, .l_linger = 0};
    if (reset)
        setsockopt(*fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    close(*fd);
    *fd = -1;
}

void fault_relay_end(struct fault_relay *r, bool reset)
{
    side_close(&r->fd[FAULT_UP], reset);
    /* Never a reset towards Redis: it could overtake the bytes that were to arrive. */
    side_close(&r->fd[FAULT_DOWN], false);
    r->status.open_service = r->status.open_redis = false;
    for (int d = 0; d < 2; d++) {
        free(r->stream[d].kept);
        r->stream[d] = (struct fault_stream){.flow = FLOW_OPEN};
        r->status.held[d] = 0;
    }
}

bool fault_relay_over(const struct fault_relay *r)
{
    return r->fd[FAULT_UP] < 0 && r->fd[FAULT_DOWN] < 0;
}

/* One side has closed. Its direction is closed behind the bytes that are still to be forwarded; if
 * they are held, the far side stays open for their late delivery. */
static void stream_end(struct fault_relay *r, int d)
{
    struct fault_stream *s = &r->stream[d];
    if (!s->ended || s->kept_bytes > 0 || s->flow == FLOW_HELD || r->fd[!d] < 0)
        return;
    if (s->flow != FLOW_HOLE)
        shutdown(r->fd[!d], SHUT_WR);
}

static void side_gone(struct fault_relay *r, int d)
{
    r->stream[d].ended = true;
    side_close(&r->fd[d], false);
    if (d == FAULT_UP)
        r->status.open_service = false;
    else
        r->status.open_redis = false;
    bool keeps = r->stream[d].flow == FLOW_HELD || r->stream[d].kept_bytes > 0;
    /* The far side lives on only as long as there is something left for it. */
    if (!keeps && r->stream[d].flow != FLOW_HOLE)
        fault_relay_end(r, false);
    else
        stream_end(r, d);
}

/* One side has gone and all that was left for the other is delivered: the end. But an answer to
 * bytes that were delivered late is still waited for, so that a test can look at it. */
void fault_relay_settle(struct fault_relay *r)
{
    for (int d = 0; d < 2; d++)
        stream_end(r, d);
    if (r->fd[FAULT_DOWN] < 0 && r->fd[FAULT_UP] >= 0 && r->stream[FAULT_DOWN].kept_bytes == 0 &&
        r->stream[FAULT_DOWN].flow == FLOW_OPEN)
        fault_relay_end(r, false);
}

/* --- forwarding ------------------------------------------------------------------------------- */

/* xorshift64* */
static uint64_t random_next(uint64_t *random)
{
    *random ^= *random >> 12;
    *random ^= *random << 25;
    *random ^= *random >> 27;
    return *random * 2685821657736338717u;
}

static void kept_add(struct fault_stream *s, const char *bytes, size_t count)
{
    if (count == 0)
        return;
    s->kept = realloc(s->kept, s->kept_bytes + count);
    assert(s->kept);
    memcpy(s->kept + s->kept_bytes, bytes, count);
    s->kept_bytes += count;
}

/* Writes to the far side of direction d as much as it takes now, of count bytes. -1 if it is gone.
 */
static ssize_t side_write(struct fault_relay *r, int d, const char *bytes, size_t count)
{
    if (r->fd[!d] < 0)
        return -1;
    ssize_t n = send(r->fd[!d], bytes, count, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        return 0;
    return n;
}

static size_t piece_size(struct fault_relay *r, const struct fault_stream *s)
{
    size_t most = s->flow == FLOW_DRIP    ? 1
                  : s->flow == FLOW_SHRED ? 1 + (size_t)(random_next(r->random) % 16)
                                          : s->kept_bytes;
    return most < s->kept_bytes ? most : s->kept_bytes;
}

void fault_relay_push(struct fault_relay *r, int d)
{
    struct fault_stream *s = &r->stream[d];
    while (s->kept_bytes > 0 && s->flow != FLOW_HELD) {
        size_t piece = piece_size(r, s);
        ssize_t n = s->flow == FLOW_HOLE ? (ssize_t)piece : side_write(r, d, s->kept, piece);
        if (n == 0)
            break;
        if (n < 0) { /* the far side is gone: what is left has nowhere to go */
            s->kept_bytes = 0;
            break;
        }
        s->kept_bytes -= (size_t)n;
        memmove(s->kept, s->kept + n, s->kept_bytes);
        if (s->flow != FLOW_HOLE) {
            r->status.bytes[d] += (uint64_t)n;
            if (r->status.anchored)
                r->status.counted[d] += (uint64_t)n;
        }
        if (s->flow == FLOW_DRIP || s->flow == FLOW_SHRED)
            break; /* one piece a turn of the loop: poll says at once that there is room */
    }
    r->status.held[d] = s->kept_bytes;
}

void fault_relay_forward(struct fault_relay *r, int d, const char *bytes, size_t count)
{
    kept_add(&r->stream[d], bytes, count);
    fault_relay_push(r, d);
}

/* Loopback takes them at once but for huge ones. */
static void side_write_all(struct fault_relay *r, int d, const char *bytes, size_t count)
{
    while (count > 0 && r->fd[!d] >= 0) {
        struct pollfd fd = {.fd = r->fd[!d], .events = POLLOUT};
        if (poll(&fd, 1, 2000) <= 0)
            return;
        ssize_t n = side_write(r, d, bytes, count);
        if (n < 0)
            return;
        bytes += n;
        count -= (size_t)n;
        r->status.bytes[d] += (uint64_t)n;
        r->status.counted[d] += (uint64_t)n;
    }
}

void fault_relay_deliver(struct fault_relay *r, int d, const char *bytes, size_t count)
{
    struct fault_stream *s = &r->stream[d];
    side_write_all(r, d, s->kept, s->kept_bytes);
    s->kept_bytes = 0;
    r->status.held[d] = 0;
    side_write_all(r, d, bytes, count);
}

void fault_relay_release(struct fault_relay *r)
{
    for (int d = 0; d < 2; d++) {
        r->stream[d].flow = FLOW_OPEN;
        fault_relay_push(r, d);
    }
}

/* --- reading ---------------------------------------------------------------------------------- */

short fault_relay_events(const struct fault_relay *r, int d)
{
    bool writes = r->stream[!d].kept_bytes > 0 && r->stream[!d].flow != FLOW_HELD;
    return (short)(POLLIN | (writes ? POLLOUT : 0));
}

/* The last bytes from Redis are kept for the test to look at. */
static void tail_add(char *tail, const char *bytes, size_t count)
{
    size_t had = strlen(tail);
    size_t add = count < FAULT_TAIL_BYTES ? count : FAULT_TAIL_BYTES;
    size_t stay = had < FAULT_TAIL_BYTES - add ? had : FAULT_TAIL_BYTES - add;
    memmove(tail, tail + had - stay, stay);
    for (size_t i = 0; i < add; i++) /* a NUL would hide what is behind it */
        tail[stay + i] = bytes[count - add + i] ? bytes[count - add + i] : '.';
    tail[stay + add] = '\0';
}

size_t fault_relay_read(struct fault_relay *r, int d, char *bytes, size_t size)
{
    ssize_t n = recv(r->fd[d], bytes, size, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        return 0;
    if (n <= 0) {
        side_gone(r, d);
        return 0;
    }
    if (d == FAULT_DOWN)
        tail_add(r->status.tail, bytes, (size_t)n);
    return (size_t)n;
}
