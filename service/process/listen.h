/* listen.h -- the listening sockets: one a worker on one port (SO_REUSEPORT), kept open by the
 * master, so that what a dying worker had in its accept queue is served by its successor. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define LISTEN_TEXT_SIZE 80

/* Opens count sockets on `text` (ADDR:PORT, [v6]:PORT), which is what `option` says; port 0 takes a
 * free one. address: what was bound, as ADDR:PORT. Other than loopback addresses only if insecure.
 * 0, or -errno with err: -EINVAL when the text is at fault. */
int listen_open(const char *option, const char *text, bool insecure, int *fds, unsigned count,
                char address[LISTEN_TEXT_SIZE], char *err, size_t err_size) MUST_CHECK;

/* Whether a listening socket can be reached from this machine only. */
bool listen_is_loopback(int fd);
