#include "support/proxy_socket.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

bool proxy_address_parse(struct proxy_address *address, const char *url)
{
    static const char unix_prefix[] = "unix:";
    static const char tcp_prefix[] = "redis://";
    if (strncmp(url, unix_prefix, strlen(unix_prefix)) == 0) {
        struct sockaddr_un *to = (struct sockaddr_un *)&address->at;
        *address = (struct proxy_address){.size = sizeof(*to)};
        to->sun_family = AF_UNIX;
        snprintf(to->sun_path, sizeof(to->sun_path), "%s", url + strlen(unix_prefix));
        return true;
    }
    if (strncmp(url, tcp_prefix, strlen(tcp_prefix)) == 0) {
        struct sockaddr_in *to = (struct sockaddr_in *)&address->at;
        const char *host = url + strlen(tcp_prefix), *colon = strchr(host, ':');
        char name[INET_ADDRSTRLEN];
        if (!colon)
            return false;
        snprintf(name, sizeof(name), "%.*s", (int)(colon - host), host);
        *address = (struct proxy_address){.size = sizeof(*to)};
        to->sin_family = AF_INET;
        to->sin_port = htons((uint16_t)strtol(colon + 1, NULL, 10));
        return inet_pton(AF_INET, name, &to->sin_addr) == 1;
    }
    return false;
}

int proxy_listen(const struct proxy_address *address)
{
    int fd = socket(address->at.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    if (address->at.ss_family == AF_UNIX)
        unlink(((const struct sockaddr_un *)&address->at)->sun_path);
    if (bind(fd, (const struct sockaddr *)&address->at, address->size) < 0 || listen(fd, 256) < 0) {
        int err = errno;
        close(fd);
        return -err;
    }
    return fd;
}

int proxy_port(int listener)
{
    struct sockaddr_in at;
    socklen_t size = sizeof(at);
    int err = getsockname(listener, (struct sockaddr *)&at, &size);
    assert(err == 0 && at.sin_family == AF_INET);
    return ntohs(at.sin_port);
}

/* A socket in the file system has no such option, and needs none. */
static void send_at_once(int fd)
{
    int on = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

int proxy_accept(int listener)
{
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd >= 0)
        send_at_once(fd);
    return fd;
}

int proxy_connect(const struct proxy_address *address)
{
    int fd = socket(address->at.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (connect(fd, (const struct sockaddr *)&address->at, address->size) < 0) {
        close(fd);
        return -1;
    }
    send_at_once(fd);
    return fd;
}
