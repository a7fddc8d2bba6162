#include "address.h"
#include "digits.h"
#include "fail.h"

#include <stdio.h>
#include <string.h>

#define PORT_REDIS     6379
#define PORT_SENTINEL  26379
#define UNIX_PATH_SIZE 108

struct scheme {
    const char *begin;
    enum address_kind kind;
    bool tls;
    const char *rest; /* of its form, behind the user */
};

#define REST_ONE      "host:port[/db] or unix:/path.sock"
#define REST_SENTINEL "host:port,host:port/NAME[/db]"
#define REST_CLUSTER  "host:port,host:port"

static const struct scheme schemes[] = {
    {"redis://", ADDRESS_ONE, false, REST_ONE},
    {"rediss://", ADDRESS_ONE, true, REST_ONE},
    {"redis+sentinel://", ADDRESS_SENTINEL, false, REST_SENTINEL},
    {"rediss+sentinel://", ADDRESS_SENTINEL, true, REST_SENTINEL},
    {"redis+cluster://", ADDRESS_CLUSTER, false, REST_CLUSTER},
    {"rediss+cluster://", ADDRESS_CLUSTER, true, REST_CLUSTER},
};

struct reading {
    const struct scheme *scheme;
    struct address *address;
    char *err;
    size_t err_size;
};

#define REFUSE(r, why, ...)                                                                        \
    fail_with((r)->err, (r)->err_size, why "; a Redis URL is %s[user:pass@]%s", ##__VA_ARGS__,     \
              (r)->scheme->begin, (r)->scheme->rest)

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

static bool read_userinfo(const struct reading *r, const char *from, const char *at)
{
    const char *colon = memchr(from, ':', (size_t)(at - from));
    return (colon && copy(r->address->user, from, colon) &&
            copy(r->address->password, colon + 1, at)) ||
           REFUSE(r, "the part before @ must be user:pass, each of up to 255 bytes");
}

/* host[:port], where host may be [v6]. */
static bool read_host(const char *from, const char *end, struct endpoint *seed)
{
    const char *host_end, *rest;
    if (from < end && *from == '[') {
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
    if (host_end == from || !copy(seed->host, from, host_end))
        return false;
    return rest == end || (*rest == ':' && number(rest + 1, end, 65535, &seed->port));
}

static bool read_hosts(const struct reading *r, const char *from, const char *end)
{
    struct address *a = r->address;
    if (a->kind == ADDRESS_ONE && memchr(from, ',', (size_t)(end - from)))
        return REFUSE(r, "several hosts are for redis+sentinel:// and redis+cluster://");
    for (bool more = true; more; a->seed_count++) {
        const char *comma = memchr(from, ',', (size_t)(end - from));
        if (a->seed_count == ADDRESS_SEEDS_MAX)
            return REFUSE(r, "more than %d hosts", ADDRESS_SEEDS_MAX);
        struct endpoint *seed = &a->seeds[a->seed_count];
        seed->port = a->kind == ADDRESS_SENTINEL ? PORT_SENTINEL : PORT_REDIS;
        if (!read_host(from, comma ? comma : end, seed))
            return a->kind == ADDRESS_ONE
                       ? REFUSE(r, "no host, or a port that is none")
                       : REFUSE(r, "no host, or a port that is none, in place %u of the hosts",
                                a->seed_count + 1);
        more = comma;
        from = comma ? comma + 1 : end;
    }
    return true;
}

static bool read_db(const struct reading *r, const char *from)
{
    return *from == '\0' || number(from, from + strlen(from), 1 << 20, &r->address->db) ||
           REFUSE(r, "the database must be a number");
}

/* What follows the hosts, from its slash on. */
static bool read_path(const struct reading *r, const char *path)
{
    const char *from = *path == '/' ? path + 1 : path;
    const char *end = from + strcspn(from, "/");
    switch (r->address->kind) {
    case ADDRESS_ONE: return read_db(r, from);
    case ADDRESS_SENTINEL:
        if (end == from || !copy(r->address->name, from, end))
            return REFUSE(r, "the name that Sentinels know must follow the hosts, in up to 255 "
                             "bytes");
        return read_db(r, *end == '/' ? end + 1 : end);
    case ADDRESS_CLUSTER:
        return *from == '\0' || REFUSE(r, "a cluster has no databases, so nothing follows its "
                                          "hosts");
    }
    return false;
}

static bool read_unix(const struct reading *r, const char *path)
{
    struct endpoint *seed = &r->address->seeds[0];
    if (strncmp(path, "//", 2) == 0)
        path += 2;
    if (*path == '\0' || strlen(path) >= UNIX_PATH_SIZE)
        return REFUSE(r, "the socket's path must have 1 to %d bytes", UNIX_PATH_SIZE - 1);
    seed->is_unix = true;
    r->address->seed_count = 1;
    return copy(seed->host, path, path + strlen(path));
}

static const struct scheme *scheme_of(const char *url)
{
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
        if (strncmp(url, schemes[i].begin, strlen(schemes[i].begin)) == 0)
            return &schemes[i];
    return NULL;
}

bool address_parse(const char *url, struct address *address, char *err, size_t err_size)
{
    const struct scheme *scheme = scheme_of(url);
    struct reading r = {scheme ? scheme : &schemes[0], address, err, err_size};
    *address = (struct address){.kind = r.scheme->kind, .tls = r.scheme->tls};
    if (strncmp(url, "unix:", 5) == 0)
        return read_unix(&r, url + 5);
    if (!scheme)
        return REFUSE(&r, "unknown scheme: those are redis, redis+sentinel, redis+cluster, each "
                          "with rediss for TLS, and unix");
    const char *from = url + strlen(scheme->begin);
    const char *end = from + strcspn(from, "/");
    const char *at = memrchr(from, '@', (size_t)(end - from));
    return (!at || read_userinfo(&r, from, at)) && read_hosts(&r, at ? at + 1 : from, end) &&
           read_path(&r, end);
}

const char *endpoint_text(const struct endpoint *at, char text[ENDPOINT_TEXT])
{
    if (at->is_unix)
        snprintf(text, ENDPOINT_TEXT, "%s", at->host);
    else
        snprintf(text, ENDPOINT_TEXT, strchr(at->host, ':') ? "[%s]:%d" : "%s:%d", at->host,
                 at->port);
    return text;
}

bool endpoint_same(const struct endpoint *a, const struct endpoint *b)
{
    return a->is_unix == b->is_unix && a->port == b->port && strcmp(a->host, b->host) == 0;
}

void address_text(const struct address *address, char *text, size_t size)
{
    size_t n = 0;
    for (unsigned i = 0; i < address->seed_count && n < size; i++) {
        char seed[ENDPOINT_TEXT];
        n += (size_t)snprintf(text + n, size - n, "%s%s", i > 0 ? "," : "",
                              endpoint_text(&address->seeds[i], seed));
    }
    if (address->name[0] && n < size)
        snprintf(text + n, size - n, "/%s", address->name);
}
