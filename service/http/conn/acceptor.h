/* acceptor.h -- a listening socket of a server that the library does not accept from itself. It
 * listens to one, and localhost has an address of each family; and with TLS to none, as it gets
 * connections with their handshake behind them.
 *
 * Layer: http, private to the server, which takes what was accepted.
 */
#pragma once

#include <stdbool.h>
#include <sys/socket.h>
#include <uv.h>

struct acceptor {
    int fd; /* -1: it was drained */
    /* Takes the descriptor over, which does not block. */
    void (*take)(void *user, int fd, struct sockaddr *from, socklen_t size);
    void *user;
    uv_poll_t poll;
    uv_timer_t rest; /* from descriptors that ran out to the next look */
};

#define ACCEPTOR_HANDLES 2

/* Takes the socket over, which listens and does not block. take and user are set. */
void acceptor_start(struct acceptor *a, uv_loop_t *loop, int fd);

/* Takes what the kernel has queued, and closes the socket. */
void acceptor_drain(struct acceptor *a);

/* The memory must stay until on_closed was called for each of its handles; `data` of both is user.
 */
void acceptor_close(struct acceptor *a, void *user, uv_close_cb on_closed);
