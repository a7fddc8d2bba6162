#include "http/conn/acceptor.h"

#include <assert.h>
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#define ACCEPTS_MAX 64 /* a loop turn: who is connected already must get their turn too */
#define REST_MS     100

/* True if there may be more. */
static bool accept_one(struct acceptor *a)
{
    struct sockaddr_storage from;
    socklen_t size = sizeof(from);
    int fd = accept4(a->fd, (struct sockaddr *)&from, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return errno == EINTR || errno == ECONNABORTED;
    a->take(a->user, fd, (struct sockaddr *)&from, size);
    return true;
}

static void on_readable(uv_poll_t *poll, int status, int events);

static void on_rested(uv_timer_t *rest)
{
    struct acceptor *a = rest->data;
    (void)uv_poll_start(&a->poll, UV_READABLE, on_readable);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct acceptor *a = poll->data;
    int left = ACCEPTS_MAX;
    while (left > 0 && accept_one(a))
        left--;
    if (left == 0 || errno == EAGAIN)
        return;
    uv_poll_stop(&a->poll); /* no descriptors, or no memory: it would be told at once again */
    uv_timer_start(&a->rest, on_rested, REST_MS, 0);
}

void acceptor_start(struct acceptor *a, uv_loop_t *loop, int fd)
{
    a->fd = fd;
    int failed = uv_poll_init(loop, &a->poll, fd) | uv_timer_init(loop, &a->rest);
    a->poll.data = a->rest.data = a;
    failed |= uv_poll_start(&a->poll, UV_READABLE, on_readable);
    assert(failed == 0); /* a socket can be polled */
}

void acceptor_drain(struct acceptor *a)
{
    if (a->fd < 0)
        return;
    uv_poll_stop(&a->poll);
    uv_timer_stop(&a->rest);
    while (accept_one(a))
        ;
    close(a->fd);
    a->fd = -1;
}

void acceptor_close(struct acceptor *a, void *user, uv_close_cb on_closed)
{
    a->poll.data = a->rest.data = user;
    uv_close((uv_handle_t *)&a->poll, on_closed);
    uv_close((uv_handle_t *)&a->rest, on_closed);
    if (a->fd >= 0)
        close(a->fd);
    a->fd = -1;
}
