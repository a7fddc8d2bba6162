/* http_conn.c -- read, write, and what epoll says. */
#include "client/http_conn.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define IN_FIRST_BYTES (8 * 1024)
#define IN_MAX_BYTES   (4 * 1024 * 1024) /* of one answer */

static void on_ready(uv_poll_t *poll, int status, int events);

int wire_init(struct wire *c, uv_loop_t *loop, const struct target *target,
              const struct wire_events *events)
{
    *c = (struct wire){.loop = loop, .target = target, .events = events, .fd = -1};
    buf_init(&c->out, TARGET_REQUEST_MAX);
    c->in = malloc(IN_FIRST_BYTES);
    if (!c->in)
        return -ENOMEM;
    c->in_room = IN_FIRST_BYTES;
    return 0;
}

void wire_free(struct wire *c)
{
    assert(c->state == WIRE_CLOSED);
    free(c->in);
    buf_free(&c->out);
    c->in = NULL;
}

int wire_open(struct wire *c)
{
    assert(c->state == WIRE_CLOSED);
    int fd = target_connect(c->target);
    if (fd < 0)
        return fd;
    int rc = uv_poll_init(c->loop, &c->poll, fd);
    if (rc < 0) {
        close(fd);
        return rc;
    }
    c->fd = fd;
    c->opened_ms = uv_now(c->loop);
    c->poll.data = c;
    c->state = WIRE_CONNECTING;
    c->in_filled = 0;
    response_reset(&c->response);
    rc = uv_poll_start(&c->poll, UV_WRITABLE, on_ready);
    if (rc < 0)
        wire_close(c);
    return rc;
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct wire *c = handle->data;
    c->state = WIRE_CLOSED;
    c->events->on_closed(c);
}

static void end_wire(struct wire *c, bool politely)
{
    if (c->state == WIRE_CLOSED || c->state == WIRE_CLOSING)
        return;
    c->state = WIRE_CLOSING;
    wire_tls_free(c->tls, politely);
    c->tls = NULL;
    uv_poll_stop(&c->poll);
    uv_close((uv_handle_t *)&c->poll, on_handle_closed);
    close(c->fd);
    c->fd = -1;
}

void wire_close(struct wire *c)
{
    end_wire(c, true);
}

void wire_reset(struct wire *c)
{
    const struct linger at_once = {.l_onoff = 1};
    if (c->fd >= 0) /* when it is refused, a close is as good an end */
        (void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    end_wire(c, false);
}

static void lose(struct wire *c, int err)
{
    enum wire_state was = c->state;
    wire_close(c);
    c->events->on_lost(c, was, err);
}

static ssize_t send_bytes(struct wire *c, const char *bytes, size_t n)
{
    return c->tls ? wire_tls_send(c->tls, bytes, n) : send(c->fd, bytes, n, MSG_NOSIGNAL);
}

static ssize_t receive_bytes(struct wire *c, char *to, size_t n)
{
    return c->tls ? wire_tls_recv(c->tls, to, n) : recv(c->fd, to, n, 0);
}

/* Writes what the socket takes. 0, or -errno. */
static int push(struct wire *c)
{
    while (c->sent < c->out.n) {
        ssize_t n = send_bytes(c, c->out.p + c->sent, c->out.n - c->sent);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno == EAGAIN ? uv_poll_start(&c->poll, UV_READABLE | UV_WRITABLE, on_ready)
                                   : -errno;
        c->sent += (size_t)n;
    }
    return 0;
}

int wire_send(struct wire *c)
{
    assert(c->state == WIRE_IDLE && !c->out.failed);
    c->sent = 0;
    int rc = push(c);
    if (rc < 0 && c->sent == 0)
        return rc;
    c->state = WIRE_BUSY; /* an error after the first byte shows in reading, too */
    return 0;
}

static bool grow_input(struct wire *c)
{
    size_t want = c->in_filled + response_wants(&c->response, c->in_filled);
    if (want <= c->in_room && c->in_filled < c->in_room)
        return true;
    size_t room = c->in_room * 2 > want ? c->in_room * 2 : want;
    char *in = room <= IN_MAX_BYTES ? realloc(c->in, room) : NULL;
    if (!in)
        return false;
    c->in = in;
    c->in_room = room;
    return true;
}

static void deliver(struct wire *c, enum response_state state)
{
    if (state == RESPONSE_MORE)
        return;
    if (state == RESPONSE_GARBLED || c->response.consumed < c->in_filled) {
        lose(c, -EPROTO); /* bytes that nobody asked for: whose answer would the next one be? */
        return;
    }
    struct response done = c->response;
    response_reset(&c->response);
    c->in_filled = 0;
    c->state = WIRE_IDLE;
    c->events->on_answer(c, &done);
}

/* Reads once. True if there were bytes. */
static bool pull(struct wire *c)
{
    if (!grow_input(c)) {
        lose(c, -EMSGSIZE);
        return false;
    }
    ssize_t n = receive_bytes(c, c->in + c->in_filled, c->in_room - c->in_filled);
    if (n < 0) {
        if (errno != EAGAIN && errno != EINTR)
            lose(c, -errno);
        return false;
    }
    if (c->state != WIRE_BUSY) {
        lose(c, n == 0 ? -ECONNRESET : -EPROTO);
        return false;
    }
    c->in_filled += (size_t)n;
    if (n > 0) {
        deliver(c, response_feed(&c->response, c->in, c->in_filled));
        return true;
    }
    if (c->in_filled == 0 || response_end(&c->response, c->in, c->in_filled) != RESPONSE_DONE)
        lose(c, -ECONNRESET);
    else
        deliver(c, RESPONSE_DONE);
    return false;
}

/* What lies in OpenSSL, the poll does not tell of. Whoever was told of an answer may have closed
 * the connection. */
static void pull_all(struct wire *c)
{
    while (pull(c) && c->tls && wire_tls_has_more(c->tls))
        continue;
}

/* 0: the handshake is done, or there is none; -EAGAIN: it waits; -errno. */
static int shake_hands(struct wire *c)
{
    if (!c->target->tls)
        return 0;
    c->tls = c->tls ? c->tls : wire_tls_new(c->target->tls, c->target->host, c->fd);
    return c->tls ? wire_tls_handshake(c->tls) : -ENOMEM;
}

static void connect_on(struct wire *c)
{
    int rc = target_connected(c->fd);
    rc = rc == 0 ? shake_hands(c) : rc;
    bool waits = rc == -EAGAIN;
    if (rc == 0 || waits)
        rc = uv_poll_start(
            &c->poll, waits && wire_tls_wants_write(c->tls) ? UV_WRITABLE : UV_READABLE, on_ready);
    if (rc < 0) {
        lose(c, rc);
    } else if (!waits) {
        c->state = WIRE_IDLE;
        c->events->on_open(c);
    }
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
    struct wire *c = poll->data;
    if (c->state == WIRE_CONNECTING) {
        connect_on(c);
        return;
    }
    if (status < 0) { /* an error or a hang-up: reading says which, and what came before it */
        pull_all(c);
        return;
    }
    if (events & UV_WRITABLE) {
        int rc = push(c);
        if (rc == 0 && wire_all_sent(c))
            rc = uv_poll_start(&c->poll, UV_READABLE, on_ready);
        if (rc < 0) {
            lose(c, rc);
            return;
        }
    }
    if (events & UV_READABLE)
        pull_all(c);
}
