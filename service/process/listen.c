#include "process/listen.h"
#include "fail.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 4096

static bool is_loopback(const struct sockaddr_storage *a)
{
    if (a->ss_family == AF_INET)
        return (ntohl(((const struct sockaddr_in *)a)->sin_addr.s_addr) >> 24) == 127;
    return a->ss_family == AF_INET6 &&
           IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)a)->sin6_addr);
}

static bool resolve(const char *option, const char *text, struct sockaddr_storage *to,
                    socklen_t *size, char *err, size_t err_size)
{
    char host[256];
    const char *colon = strrchr(text, ':');
    size_t n = colon ? (size_t)(colon - text) : 0;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV}, *found;
    if (!colon || n == 0 || n >= sizeof(host))
        return fail_with(err, err_size, "%s %s: must be ADDR:PORT, as 127.0.0.1:8080", option,
                         text);
    bool bracketed = text[0] == '[' && text[n - 1] == ']';
    snprintf(host, sizeof(host), "%.*s", (int)(bracketed ? n - 2 : n), text + bracketed);
    int rc = getaddrinfo(host, colon + 1, &hints, &found);
    if (rc != 0)
        return fail_with(err, err_size, "%s %s: %s", option, text, gai_strerror(rc));
    memcpy(to, found->ai_addr, found->ai_addrlen);
    *size = found->ai_addrlen;
    freeaddrinfo(found);
    return true;
}

static int open_one(const struct sockaddr_storage *address, socklen_t size)
{
    int on = 1;
    int fd = socket(address->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) < 0 ||
        bind(fd, (const struct sockaddr *)address, size) < 0 || listen(fd, BACKLOG) < 0) {
        int err = errno;
        close(fd);
        return -err;
    }
    return fd;
}

/* With SO_REUSEPORT a second service could bind the same port beside us without a word. A first
 * try without it tells whether the port is taken. */
static int probe(const struct sockaddr_storage *address, socklen_t size)
{
    int on = 1, err = 0;
    int fd = socket(address->ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
        bind(fd, (const struct sockaddr *)address, size) < 0)
        err = errno;
    close(fd);
    return -err;
}

static void describe(const struct sockaddr_storage *a, char text[LISTEN_TEXT_SIZE])
{
    char host[INET6_ADDRSTRLEN];
    if (a->ss_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)a;
        inet_ntop(AF_INET, &v4->sin_addr, host, sizeof(host));
        snprintf(text, LISTEN_TEXT_SIZE, "%s:%u", host, ntohs(v4->sin_port));
    } else {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)a;
        inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof(host));
        snprintf(text, LISTEN_TEXT_SIZE, "[%s]:%u", host, ntohs(v6->sin6_port));
    }
}

int listen_open(const char *option, const char *text, bool insecure, int *fds, unsigned count,
                char address[LISTEN_TEXT_SIZE], char *err, size_t err_size)
{
    struct sockaddr_storage bound;
    socklen_t size;
    if (!resolve(option, text, &bound, &size, err, err_size))
        return -EINVAL;
    if (!insecure && !is_loopback(&bound)) {
        snprintf(err, err_size,
                 "%s %s is not a loopback address; without API keys that needs --insecure", option,
                 text);
        return -EINVAL;
    }
    int rc = probe(&bound, size);
    for (unsigned i = 0; i < count && rc >= 0; i++) {
        rc = fds[i] = open_one(&bound, size);
        if (rc >= 0 && getsockname(fds[i], (struct sockaddr *)&bound, &size) < 0)
            rc = -errno;
    }
    if (rc < 0) {
        snprintf(err, err_size, "%s %s: %s", option, text, strerror(-rc));
        return rc;
    }
    describe(&bound, address);
    return 0;
}

bool listen_is_loopback(int fd)
{
    struct sockaddr_storage bound = {.ss_family = AF_UNSPEC};
    socklen_t size = sizeof(bound);
    return getsockname(fd, (struct sockaddr *)&bound, &size) == 0 && is_loopback(&bound);
}
