/* fuzz_proxies.c -- any bytes before a connection, in two ways of cutting them, and any
 * X-Forwarded-For and Forwarded. Pieces make no difference, nothing is read behind a header, and
 * what comes out of a field is an address that stands in it, or the peer's. */
#include "http/conn/proxies.h"
#include "http/conn/proxy_header.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

/* How many bytes were taken; -1: refused. */
static long feed(struct proxy_header *header, const uint8_t *data, size_t size, size_t piece)
{
    size_t at = 0, wants;
    proxy_header_init(header);
    while ((wants = proxy_header_wants(header)) > 0 && at < size) {
        size_t n = wants < piece ? wants : piece;
        n = n < size - at ? n : size - at;
        if (!proxy_header_take(header, data + at, n))
            return -1;
        at += n;
    }
    return (long)at;
}

static void try_header(const uint8_t *data, size_t size)
{
    struct proxy_header once, bytewise;
    long taken = feed(&once, data, size, size + 1);
    must(taken == feed(&bytewise, data, size, 1));
    must(once.has_source == bytewise.has_source);
    if (taken >= 0 && proxy_header_wants(&once) == 0)
        must(ip_equal(&once.source, &bytewise.source) && once.port == bytewise.port);
}

static void try_field(struct str text, enum proxies_field field)
{
    struct proxies proxies;
    struct headers headers = {0};
    struct ip from, client;
    char why[256];
    must(proxies_parse(&proxies, "10.0.0.0/8", why, sizeof(why)));
    must(ip_parse(&from, STR("10.0.0.1")));
    proxies.field = field;
    headers_add(&headers, field == PROXIES_FORWARDED ? STR("Forwarded") : STR("X-Forwarded-For"),
                text);
    client = proxies_client(&proxies, &from, &headers);
    must(text.n > 0 || ip_equal(&client, &from));
    must(ip_parse(&from, STR("192.0.2.1"))); /* nobody believes that one */
    client = proxies_client(&proxies, &from, &headers);
    must(ip_equal(&client, &from));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};
    struct proxies proxies;
    char line[1024], why[256];
    try_header(data, size);
    try_field(text, PROXIES_X_FORWARDED_FOR);
    try_field(text, PROXIES_FORWARDED);
    if (size < sizeof(line)) {
        memcpy(line, data, size);
        line[size] = '\0';
        (void)!proxies_parse(&proxies, line, why, sizeof(why));
    }
    return 0;
}
