#include "address.h"
#include "digits.h"
#include "fail.h"

#include <string.h>

static bool refuse_address(char *err, size_t err_size, const char *why)
{
    return fail_with(err, err_size,
                     "%s; a Redis URL is redis://[user:pass@]host:port[/db] or unix:/path.sock",
                     why);
}

/* Copies [from, to), percent-decoded. */
static bool copy(char out[ADDRESS_PART], const char *from, const char *to)
{
    size_t n = 0;
    while (from < to && n + 1 < ADDRESS_PART) {
        int high = *from == '%' && to - from > 2 ? digits_hex(from[1]) : -1;
        int low = high >= 0 ? digits_hex(from[2]) : -1;
        if (low >= 0) {
            out[n++] = (char)(high << 4 | low);
            from += 3;
        } else {
            out[n++] = *from++;
        }
    }
    out[n] = '\0';
    return from == to;
}

static bool number(const char *from, const char *to, int most, int *value)
{
    *value = (int)digits_read(from, (size_t)(to - from), most);
    return *value >= 0;
}

static bool parse_userinfo(const char *from, const char *at, struct address *address)
{
    const char *colon = memchr(from, ':', (size_t)(at - from));
    if (!colon)
        return false;
    return copy(address->user, from, colon) && copy(address->password, colon + 1, at);
}

/* host[:port], where host may be [v6]. */
static bool parse_host(const char *from, const char *end, struct address *address)
{
    const char *host_end, *rest;
    if (*from == '[') {
        const char *close = memchr(from, ']', (size_t)(end - from));
        if (!close)
            return false;
        from++;
        host_end = close;
        rest = close + 1;
    } else {
        const char *colon = memchr(from, ':', (size_t)(end - from));
        host_end = rest = colon ? colon : end;
    }
    if (host_end == from || !copy(address->host, from, host_end))
        return false;
    return rest == end || (*rest == ':' && number(rest + 1, end, 65535, &address->port));
}

bool address_parse(const char *url, struct address *address, char *err, size_t err_size)
{
    *address = (struct address){.port = 6379};
    if (strncmp(url, "unix:", 5) == 0) {
        const char *path = url + 5;
        if (strncmp(path, "//", 2) == 0)
            path += 2;
        if (*path == '\0' || strlen(path) >= 108)
            return refuse_address(err, err_size, "the socket's path must have 1 to 107 bytes");
        address->is_unix = true;
        return copy(address->host, path, path + strlen(path));
    }
    if (strncmp(url, "redis://", 8) != 0)
        return refuse_address(err, err_size, "unknown scheme");
    const char *from = url + 8;
    const char *end = from + strcspn(from, "/");
    const char *at = memrchr(from, '@', (size_t)(end - from));
    if (at && !parse_userinfo(from, at, address))
        return refuse_address(err, err_size,
                              "the part before @ must be user:pass, each of up to 255 bytes");
    if (!parse_host(at ? at + 1 : from, end, address))
        return refuse_address(err, err_size, "no host, or a port that is none");
    if (*end == '/' && end[1] != '\0' && !number(end + 1, end + strlen(end), 1 << 20, &address->db))
        return refuse_address(err, err_size, "the database must be a number");
    return true;
}
