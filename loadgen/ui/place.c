#include "ui/place.h"
#include "fail.h"
#include "units.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define BACKLOG 64
#define RIGHT   "give ADDR:PORT of this machine, as in 127.0.0.1:9000; port 0 takes a free one"

/* What stands before the port, without brackets; the rest goes to *port, absent when there is none.
 */
static struct str split_port(struct str text, struct str *port)
{
    bool bracketed = text.n > 0 && text.p[0] == '[';
    const char *end = memchr(text.p, bracketed ? ']' : ':', text.n);
    size_t n = end ? (size_t)(end - text.p) : text.n;
    size_t behind = n + (bracketed && end != NULL);
    bool has_port = behind < text.n && text.p[behind] == ':';
    *port = has_port ? (struct str){text.p + behind + 1, text.n - behind - 1} : (struct str){0};
    if ((bracketed && !end) || (!has_port && behind < text.n))
        return (struct str){0}; /* "[::1", "[::1]x" */
    return bracketed ? (struct str){text.p + 1, n - 1} : (struct str){text.p, n};
}

static bool read_host(struct ip *ip, struct str host)
{
    if (str_equal_caseless(host, STR("localhost")))
        host = STR("127.0.0.1");
    return host.n > 0 && ip_parse(ip, host) && ip_is_loopback(ip);
}

static bool read_port(struct str port, int64_t *number)
{
    char text[8], ignored[UNITS_ERR_SIZE];
    if (port.n == 0 || port.n >= sizeof(text))
        return false;
    memcpy(text, port.p, port.n);
    text[port.n] = '\0';
    return strlen(text) == port.n &&
           units_parse_int(text, 0, UINT16_MAX, number, ignored, sizeof(ignored));
}

bool ui_place_parse(struct ui_place *at, const char *text, char *err, size_t err_size)
{
    struct str port;
    int64_t number;
    struct str host = split_port(str_of(text), &port);
    if (!read_host(&at->ip, host))
        return fail_with(err, err_size, "\"%.60s\" is no loopback address; " RIGHT, text);
    if (!read_port(port, &number))
        return fail_with(err, err_size, "\"%.60s\" has no port of 0 to 65535; " RIGHT, text);
    at->port = (uint16_t)number;
    return true;
}

int ui_place_open(struct ui_place *at)
{
    struct sockaddr_storage where;
    const int on = 1;
    socklen_t size = ip_to_socket(&at->ip, at->port, &where);
    int fd = socket(where.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
        bind(fd, (struct sockaddr *)&where, size) < 0 || listen(fd, BACKLOG) < 0 ||
        getsockname(fd, (struct sockaddr *)&where, &size) < 0) {
        int err = errno;
        close(fd);
        return -err;
    }
    at->port = ntohs(where.ss_family == AF_INET ? ((struct sockaddr_in *)&where)->sin_port
                                                : ((struct sockaddr_in6 *)&where)->sin6_port);
    return fd;
}

void ui_place_format(const struct ui_place *at, char text[UI_PLACE_TEXT_SIZE])
{
    char ip[IP_TEXT_SIZE];
    ip_format(&at->ip, ip);
    snprintf(text, UI_PLACE_TEXT_SIZE, ip_is_v4(&at->ip) ? "%s:%u" : "[%s]:%u", ip,
             (unsigned)at->port);
}

bool ui_host_is_ours(struct str host)
{
    struct str port;
    struct ip ip;
    int64_t number;
    struct str name = split_port(host, &port);
    return read_host(&ip, name) && (str_absent(port) || read_port(port, &number));
}
