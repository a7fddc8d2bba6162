#include "process/listen.h"
#include "fail.h"
#include "ip.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG    4096
#define PORT_TRIES 16 /* to find one that is free in both families */

/* What an address text leads to: one address, or both of localhost. */
struct endpoint {
    struct sockaddr_storage at[LISTEN_FAMILIES];
    unsigned count;
};

/* --- addresses -------------------------------------------------------------------------------- */

static bool is_loopback(const struct sockaddr_storage *a)
{
    struct ip ip;
    return ip_of_socket(&ip, (const struct sockaddr *)a) && ip_is_loopback(&ip);
}

static socklen_t size_of(const struct sockaddr_storage *a)
{
    return a->ss_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
}

static in_port_t *port_of(struct sockaddr_storage *a)
{
    return a->ss_family == AF_INET ? &((struct sockaddr_in *)a)->sin_port
                                   : &((struct sockaddr_in6 *)a)->sin6_port;
}

static bool look_up_address(const char *host, const char *port, struct endpoint *to,
                            const char **why)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV}, *found;
    int rc = getaddrinfo(host, port, &hints, &found);
    *why = gai_strerror(rc);
    if (rc != 0)
        return false;
    memcpy(&to->at[to->count++], found->ai_addr, found->ai_addrlen);
    freeaddrinfo(found);
    return true;
}

/* What localhost means needs no look-up (RFC 6761), which may know one family only. */
static bool resolve_address(const char *host, const char *port, struct endpoint *to,
                            const char **why)
{
    to->count = 0;
    if (strcasecmp(host, "localhost") != 0)
        return look_up_address(host, port, to, why);
    return look_up_address("127.0.0.1", port, to, why) && look_up_address("::1", port, to, why);
}

static bool resolve(const char *option, const char *text, struct endpoint *to, char *err,
                    size_t err_size)
{
    char host[256];
    const char *colon = strrchr(text, ':'), *why;
    size_t n = colon ? (size_t)(colon - text) : 0;
    if (!colon || n == 0 || n >= sizeof(host))
        return fail_with(err, err_size, "%s %s: must be ADDR:PORT, as 127.0.0.1:8080", option,
                         text);
    bool bracketed = text[0] == '[' && text[n - 1] == ']';
    snprintf(host, sizeof(host), "%.*s", (int)(bracketed ? n - 2 : n), text + bracketed);
    return resolve_address(host, colon + 1, to, &why) ||
           fail_with(err, err_size, "%s %s: %s", option, text, why);
}

static void describe(const struct endpoint *to, char text[LISTEN_TEXT_SIZE])
{
    char host[INET6_ADDRSTRLEN];
    struct sockaddr_storage first = to->at[0];
    unsigned port = ntohs(*port_of(&first));
    if (to->count > 1) {
        snprintf(text, LISTEN_TEXT_SIZE, "localhost:%u", port);
    } else if (first.ss_family == AF_INET) {
        inet_ntop(AF_INET, &((struct sockaddr_in *)&first)->sin_addr, host, sizeof(host));
        snprintf(text, LISTEN_TEXT_SIZE, "%s:%u", host, port);
    } else {
        inet_ntop(AF_INET6, &((struct sockaddr_in6 *)&first)->sin6_addr, host, sizeof(host));
        snprintf(text, LISTEN_TEXT_SIZE, "[%s]:%u", host, port);
    }
}

/* --- sockets ---------------------------------------------------------------------------------- */

static int allow(int fd, int option)
{
    int on = 1;
    return setsockopt(fd, SOL_SOCKET, option, &on, sizeof(on)) < 0 ? -errno : 0;
}

static int bind_to(int fd, const struct sockaddr_storage *address)
{
    return bind(fd, (const struct sockaddr *)address, size_of(address)) < 0 ? -errno : 0;
}

/* What connections of others that are over have left on the port may stay there. It is allowed only
 * where there is such a thing: a socket that was bound with SO_REUSEADDR and does not listen yet
 * does not show to the probe of a second service. */
static int bind_shared(int fd, const struct sockaddr_storage *address)
{
    int rc = allow(fd, SO_REUSEPORT);
    if (rc == 0)
        rc = bind_to(fd, address);
    if (rc != -EADDRINUSE)
        return rc;
    rc = allow(fd, SO_REUSEADDR);
    return rc < 0 ? rc : bind_to(fd, address);
}

/* A socket on the address, whose port becomes the one that was taken; or -errno. */
static int open_bound(struct sockaddr_storage *address)
{
    socklen_t size = sizeof(*address);
    int fd = socket(address->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    int rc = bind_shared(fd, address);
    if (rc == 0 && getsockname(fd, (struct sockaddr *)address, &size) < 0)
        rc = -errno;
    if (rc == 0)
        return fd;
    close(fd);
    return rc;
}

/* With SO_REUSEPORT a second service could bind the same port beside us without a word. A first
 * try without it tells whether the port is taken. */
static int probe(const struct sockaddr_storage *address)
{
    int fd = socket(address->ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    int rc = allow(fd, SO_REUSEADDR);
    if (rc == 0)
        rc = bind_to(fd, address);
    close(fd);
    return rc;
}

/* This machine has no such addresses. */
static bool is_missing(int rc)
{
    return rc == -EAFNOSUPPORT || rc == -EADDRNOTAVAIL;
}

/* Leaves out the family of localhost that is not there. 0 or -errno. */
static int probe_all(struct endpoint *to)
{
    unsigned count = 0;
    int rc = 0;
    for (unsigned i = 0; i < to->count; i++) {
        int one = probe(&to->at[i]);
        if (one < 0 && !is_missing(one))
            return one;
        if (one == 0)
            to->at[count++] = to->at[i];
        else
            rc = one;
    }
    if (count == 0)
        return rc;
    to->count = count;
    return 0;
}

/* The sockets of one process. Port 0 becomes the same one in both families. */
static int open_listener(struct endpoint *to, struct listener *listener)
{
    for (unsigned i = 0; i < to->count; i++) {
        *port_of(&to->at[i]) = *port_of(&to->at[0]);
        listener->fd[i] = open_bound(&to->at[i]);
        if (listener->fd[i] < 0)
            return listener->fd[i];
    }
    return 0;
}

static int open_all(struct endpoint *to, struct listener *listeners, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        listeners[i] = (struct listener){{-1, -1}};
    int rc = probe_all(to);
    for (unsigned i = 0; i < count && rc == 0; i++)
        rc = open_listener(to, &listeners[i]);
    for (unsigned i = 0; i < count && rc < 0; i++)
        listen_close(&listeners[i]);
    return rc;
}

/* A free port of one family may be taken in the other. */
static int open_some(const struct endpoint *asked, struct endpoint *to, struct listener *listeners,
                     unsigned count)
{
    struct endpoint copy = *asked;
    bool any = *port_of(&copy.at[0]) == 0;
    int rc = -EADDRINUSE;
    for (int tries = 0; rc == -EADDRINUSE && tries < (any ? PORT_TRIES : 1); tries++) {
        *to = *asked;
        rc = open_all(to, listeners, count);
    }
    return rc;
}

/* Where the text leads to, if that may be listened on. */
static bool read_endpoint(const char *option, const char *text, bool guarded,
                          struct endpoint *asked, char *err, size_t err_size)
{
    if (!resolve(option, text, asked, err, err_size))
        return false;
    return guarded || is_loopback(&asked->at[0]) ||
           fail_with(err, err_size,
                     "%s %s is not a loopback address; that needs keys (--keys-file), clients "
                     "with certificates (--tls-client-ca), or --insecure",
                     option, text);
}

bool listen_check(const char *option, const char *text, bool guarded, char *err, size_t err_size)
{
    struct endpoint asked;
    return read_endpoint(option, text, guarded, &asked, err, err_size);
}

int listen_open(const char *option, const char *text, bool guarded, struct listener *listeners,
                unsigned count, char address[LISTEN_TEXT_SIZE], char *err, size_t err_size)
{
    struct endpoint asked, bound;
    if (!read_endpoint(option, text, guarded, &asked, err, err_size))
        return -EINVAL;
    int rc = open_some(&asked, &bound, listeners, count);
    if (rc == 0)
        describe(&bound, address);
    else
        snprintf(err, err_size, "%s %s: %s", option, text, strerror(-rc));
    return rc;
}

/* Connections inherit SO_REUSEADDR here. Without it those that end with the service would keep the
 * next one off the port for a minute. */
static int begin_one(int fd)
{
    int rc = allow(fd, SO_REUSEADDR);
    return rc == 0 && listen(fd, BACKLOG) < 0 ? -errno : rc;
}

int listen_begin(const struct listener *listener)
{
    int rc = 0;
    for (int i = 0; i < LISTEN_FAMILIES && rc == 0; i++)
        if (listener->fd[i] >= 0)
            rc = begin_one(listener->fd[i]);
    return rc;
}

void listen_close(struct listener *listener)
{
    for (int i = 0; i < LISTEN_FAMILIES; i++) {
        if (listener->fd[i] >= 0)
            close(listener->fd[i]);
        listener->fd[i] = -1;
    }
}

bool listen_is_loopback(const struct listener *listener)
{
    struct sockaddr_storage bound = {.ss_family = AF_UNSPEC};
    socklen_t size = sizeof(bound);
    return getsockname(listener->fd[0], (struct sockaddr *)&bound, &size) == 0 &&
           is_loopback(&bound);
}
