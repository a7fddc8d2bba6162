#include "http/second_listener.h"

#include <assert.h>
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#define ACCEPTS_MAX 64 /* a loop turn: who is connected already must get their turn too */
#define REST_MS     100

/* True if there may be more. */
static bool accept_one(struct second_listener *s)
{
    struct sockaddr_storage from;
    socklen_t size = sizeof(from);
    int fd = accept4(s->fd, (struct sockaddr *)&from, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return errno == EINTR || errno == ECONNABORTED;
    *s->woken = true;
    /* What it cannot take it closes. */
    (void)MHD_add_connection(s->daemon, fd, (struct sockaddr *)&from, size);
    return true;
}

static void on_readable(uv_poll_t *poll, int status, int events);

static void on_rested(uv_timer_t *rest)
{
    struct second_listener *s = rest->data;
    (void)uv_poll_start(&s->poll, UV_READABLE, on_readable);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct second_listener *s = poll->data;
    int left = ACCEPTS_MAX;
    while (left > 0 && accept_one(s))
        left--;
    if (left == 0 || errno == EAGAIN)
        return;
    uv_poll_stop(&s->poll); /* no descriptors, or no memory: it would be told at once again */
    uv_timer_start(&s->rest, on_rested, REST_MS, 0);
}

void second_listener_start(struct second_listener *s, uv_loop_t *loop, int fd,
                           struct MHD_Daemon *daemon, bool *woken)
{
    s->fd = fd;
    s->daemon = daemon;
    s->woken = woken;
    int failed = uv_poll_init(loop, &s->poll, fd) | uv_timer_init(loop, &s->rest);
    s->poll.data = s->rest.data = s;
    failed |= uv_poll_start(&s->poll, UV_READABLE, on_readable);
    assert(failed == 0); /* a socket can be polled */
}

void second_listener_drain(struct second_listener *s)
{
    if (s->fd < 0)
        return;
    uv_poll_stop(&s->poll);
    uv_timer_stop(&s->rest);
    while (accept_one(s))
        ;
    close(s->fd);
    s->fd = -1;
}

void second_listener_close(struct second_listener *s, void *user, uv_close_cb on_closed)
{
    s->poll.data = s->rest.data = user;
    uv_close((uv_handle_t *)&s->poll, on_closed);
    uv_close((uv_handle_t *)&s->rest, on_closed);
    if (s->fd >= 0)
        close(s->fd);
    s->fd = -1;
}
