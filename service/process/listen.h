/* listen.h -- the listening sockets: one a worker on one port (SO_REUSEPORT), kept open by the
 * master, so that what a dying worker had in its accept queue is served by its successor.
 *
 * `localhost` has an address of each family, and a client may take either: it is listened on both,
 * or on the one that this machine has.
 *
 * Sockets are bound by the master at its start, so that a port that is taken shows at once, and
 * begin to listen (listen_begin) with the worker that serves them: until then who connects is told
 * that nobody is there.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define LISTEN_TEXT_SIZE 80
#define LISTEN_FAMILIES  2

/* The sockets of one process; -1: none. The first is always there. */
struct listener {
    int fd[LISTEN_FAMILIES];
};

/* Opens sockets for count processes on `text` (ADDR:PORT, [v6]:PORT), which is what `option` says;
 * port 0 takes a free one. address: what was bound, as ADDR:PORT. Other than loopback addresses
 * only if guarded: see config_is_public(). 0, or -errno with err: -EINVAL when the text is at
 * fault. */
int listen_open(const char *option, const char *text, bool guarded, struct listener *listeners,
                unsigned count, char address[LISTEN_TEXT_SIZE], char *err,
                size_t err_size) MUST_CHECK;

/* Whether listen_open would take the text: so that a mistake in it is told before anything begins.
 * False, with err. */
bool listen_check(const char *option, const char *text, bool guarded, char *err,
                  size_t err_size) MUST_CHECK;

/* From now on who connects is served. Fine again. 0 or -errno. */
int listen_begin(const struct listener *listener) MUST_CHECK;

void listen_close(struct listener *listener);

/* Whether it can be reached from this machine only. */
bool listen_is_loopback(const struct listener *listener);
