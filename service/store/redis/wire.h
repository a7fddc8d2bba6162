/* wire.h -- bytes over a socket that does not block, with TLS or without.
 *
 * Layer: store. What both kinds of connections do with their bytes; tls NULL: as they are.
 */
#pragma once

#include "store/redis/tls.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* How many bytes; 0: the other side has closed the connection. Else -EAGAIN, or -errno. */
static inline ssize_t wire_read(int fd, struct tls *tls, void *bytes, size_t size)
{
    if (tls)
        return tls_read(tls, bytes, size);
    ssize_t n = read(fd, bytes, size);
    return n >= 0 ? n : errno == EINTR ? -EAGAIN : -errno;
}

static inline ssize_t wire_write(int fd, struct tls *tls, const void *bytes, size_t size)
{
    if (tls)
        return tls_write(tls, bytes, size);
    ssize_t n = send(fd, bytes, size, MSG_NOSIGNAL);
    return n >= 0 ? n : errno == EINTR ? -EAGAIN : -errno;
}

/* What -errno means here. */
static inline const char *wire_why(const struct tls *tls, ssize_t rc)
{
    return tls && rc == -EPROTO ? tls->why : strerror((int)-rc);
}
