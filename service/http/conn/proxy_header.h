/* proxy_header.h -- the PROXY protocol, version 2: by whom a proxy was asked, in bytes before those
 * of the connection (https://www.haproxy.org/download/2.6/doc/proxy-protocol.txt).
 *
 * Layer: http, pure: bytes in, an address out. It is told what was read, and says how much may be
 * read, never a byte of what follows the header. What a proxy adds behind the addresses is passed
 * over.
 *
 * Version 1, which is a line of text, is refused: it has no end but a line's, and nobody needs
 * both.
 */
#pragma once

#include "ip.h"

#define PROXY_HEADER_KEPT 52 /* the longest with two addresses of IPv6 */

struct proxy_header {
    uint8_t bytes[PROXY_HEADER_KEPT];
    size_t taken, size; /* size: of all of it, as far as is known */
    bool has_source;    /* once it is whole: the proxy says who asked */
    struct ip source;
    uint16_t port;
    const char *fault; /* NULL, or what is wrong; a static text */
};

void proxy_header_init(struct proxy_header *header);

/* How many bytes may be read now. 0: it is whole. */
size_t proxy_header_wants(const struct proxy_header *header);

/* So many were, at most as many as it wants. False: it is none; fault. */
bool proxy_header_take(struct proxy_header *header, const uint8_t *bytes, size_t n) MUST_CHECK;
