/* server.h -- the sockets of the test server: libmicrohttpd, run by one thread.
 *
 * Layer: tests. The caller owns the front, which must outlive the server. There is one thread and
 * one loop, so nothing here needs a lock.
 */
#pragma once

#include "shop/front.h"

#include <signal.h>
#include <stdint.h>

struct server;

/* Listens on 127.0.0.1; port 0 takes a free one. NULL when that failed. */
struct server *server_start(struct front *front, uint16_t port);

uint16_t server_port(const struct server *s);

/* Serves, and returns the units of due holds every 100 ms, until *stop is set. */
void server_run(struct server *s, const volatile sig_atomic_t *stop);
