/* weburl.c -- scheme, authority, path; each must be what is needed or is refused. */
#include "weburl.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static bool refuse(char *err, size_t err_size, const char *why)
{
    snprintf(err, err_size, "%s; give http://host[:port][/prefix]", why);
    return false;
}

static bool parse_port(const char *from, const char *end, uint16_t *port)
{
    unsigned value = 0;
    for (const char *p = from; p < end; p++) {
        if (!isdigit((unsigned char)*p) || (value = value * 10 + (unsigned)(*p - '0')) > 65535)
            return false;
    }
    *port = (uint16_t)value;
    return end > from && value > 0;
}

/* host, host:port, [v6] or [v6]:port between from and end. */
static bool parse_authority(const char *from, const char *end, struct weburl *url, char *err,
                            size_t err_size)
{
    if (memchr(from, '@', (size_t)(end - from)))
        return refuse(err, err_size, "must not hold a password (-H and --token-file send one)");
    const char *host = from, *host_end, *rest;
    if (*from == '[') {
        host_end = memchr(from, ']', (size_t)(end - from));
        if (!host_end)
            return refuse(err, err_size, "has a [ without a ]");
        host++;
        rest = host_end + 1;
    } else {
        const char *colon = memchr(from, ':', (size_t)(end - from));
        host_end = rest = colon ? colon : end;
    }
    if (host == host_end)
        return refuse(err, err_size, "names no host");
    snprintf(url->host, sizeof(url->host), "%.*s", (int)(host_end - host), host);
    if (rest < end && (*rest != ':' || !parse_port(rest + 1, end, &url->port)))
        return refuse(err, err_size, "has a port that is not 1 to 65535");
    return true;
}

bool weburl_parse(const char *text, struct weburl *url, char *err, size_t err_size)
{
    *url = (struct weburl){.port = 80};
    if (strncasecmp(text, "https://", 8) == 0)
        return refuse(err, err_size,
                      "asks for TLS, which is not spoken here: measure behind what ends it");
    if (strncasecmp(text, "http://", 7) != 0)
        return refuse(err, err_size, "is no http URL");
    size_t n = strlen(text);
    if (n >= sizeof(url->text))
        return refuse(err, err_size, "is longer than 255 bytes");
    for (const char *p = text; *p; p++)
        if (!isgraph((unsigned char)*p))
            return refuse(err, err_size, "holds a blank or a control byte");
    if (strpbrk(text, "?#"))
        return refuse(err, err_size, "has a query, which no request could carry on");
    while (n > 7 && text[n - 1] == '/')
        n--;
    snprintf(url->text, sizeof(url->text), "%.*s", (int)n, text);
    const char *from = url->text + 7;
    const char *end = from + strcspn(from, "/");
    snprintf(url->prefix, sizeof(url->prefix), "%s", end);
    return parse_authority(from, end, url, err, err_size);
}
