/* second_listener.h -- one more listening socket of a server: libmicrohttpd listens to one, and
 * localhost has an address of each family. What comes is accepted here and handed to the library,
 * which serves it as its own.
 *
 * Layer: http, private to the server, which says when its daemon is to run.
 */
#pragma once

#include <microhttpd.h>
#include <stdbool.h>
#include <uv.h>

struct second_listener {
    int fd; /* -1: none, or it was drained */
    struct MHD_Daemon *daemon;
    bool *woken; /* the server's: set for whoever came */
    uv_poll_t poll;
    uv_timer_t rest; /* from descriptors that ran out to the next look */
};

#define SECOND_LISTENER_HANDLES 2

/* Takes the socket over, which listens and does not block. */
void second_listener_start(struct second_listener *s, uv_loop_t *loop, int fd,
                           struct MHD_Daemon *daemon, bool *woken);

/* Takes what the kernel has queued, and closes the socket. */
void second_listener_drain(struct second_listener *s);

/* The memory must stay until on_closed was called for each of its handles; `data` of both is user.
 */
void second_listener_close(struct second_listener *s, void *user, uv_close_cb on_closed);
