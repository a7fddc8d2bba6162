#include "http/conn/host.h"
#include "digits.h"
#include "ip.h"

#include <arpa/inet.h>

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("-._~", c));
}

/* Takes `[address]` off the front. */
static bool take_bracketed(struct str *text, struct str *name)
{
    char copy[INET6_ADDRSTRLEN];
    struct in6_addr address;
    const char *end = memchr(text->p, ']', text->n);
    if (!end)
        return false;
    *name = (struct str){text->p + 1, (size_t)(end - text->p) - 1};
    *text = (struct str){end + 1, text->n - name->n - 2};
    if (name->n >= sizeof(copy))
        return false;
    memcpy(copy, name->p, name->n);
    copy[name->n] = '\0';
    return inet_pton(AF_INET6, copy, &address) == 1;
}

static bool take_name(struct str *text, struct str *name)
{
    size_t n = 0;
    while (n < text->n && is_name_char(text->p[n]))
        n++;
    *name = (struct str){text->p, n};
    *text = (struct str){text->p + n, text->n - n};
    return n > 0;
}

bool host_parse(struct str text, struct host *host)
{
    *host = (struct host){{NULL, 0}, {NULL, 0}};
    if (text.n == 0 || text.n > HOST_MAX_BYTES)
        return false;
    if (!(text.p[0] == '[' ? take_bracketed(&text, &host->name) : take_name(&text, &host->name)))
        return false;
    if (text.n == 0)
        return true;
    host->port = (struct str){text.p + 1, text.n - 1};
    return text.p[0] == ':' &&
           (text.n == 1 || digits_read(host->port.p, host->port.n, UINT16_MAX) >= 0);
}

static bool ends_caseless(struct str text, struct str end)
{
    return text.n >= end.n && str_equal_caseless((struct str){text.p + text.n - end.n, end.n}, end);
}

bool host_is_loopback(struct str name)
{
    struct ip ip;
    if (name.n > 0 && name.p[name.n - 1] == '.')
        name.n--; /* the root's dot: the same name, written in full */
    if (str_equal_caseless(name, STR("localhost")) || ends_caseless(name, STR(".localhost")))
        return true;
    return ip_parse(&ip, name) && ip_is_loopback(&ip);
}

bool host_is_listed(struct str name, struct str list)
{
    while (list.n > 0) {
        const char *comma = memchr(list.p, ',', list.n);
        size_t n = comma ? (size_t)(comma - list.p) : list.n;
        struct str one = str_trim((struct str){list.p, n});
        if (one.n > 0 && str_equal_caseless(one, name))
            return true;
        size_t used = comma ? n + 1 : n;
        list = (struct str){list.p + used, list.n - used};
    }
    return false;
}

/* The port that a browser leaves away. */
static struct str port_or(struct str port, struct str otherwise)
{
    return port.n > 0 ? port : otherwise;
}

bool origin_is_foreign(struct str origin, struct str host)
{
    struct host theirs, ours;
    struct str port = STR("80");
    if (origin.n > 7 && strncasecmp(origin.p, "http://", 7) == 0) {
        origin = (struct str){origin.p + 7, origin.n - 7};
    } else if (origin.n > 8 && strncasecmp(origin.p, "https://", 8) == 0) {
        origin = (struct str){origin.p + 8, origin.n - 8};
        port = STR("443");
    } else {
        return true;
    }
    if (!host_parse(origin, &theirs) || !host_parse(host, &ours))
        return true;
    return !str_equal_caseless(theirs.name, ours.name) ||
           !str_equal(port_or(theirs.port, port), port_or(ours.port, port));
}
