#include "http/conn/proxy_header.h"

#include <assert.h>

#define HEAD_BYTES 16 /* up to and with the length */
#define V4_BYTES   12 /* of two addresses and two ports */
#define V6_BYTES   36

#define VERSION      0x20 /* in the upper half of its byte; in the lower one a command: */
#define COMMAND      0x0f
#define LOCAL        0x00
#define PROXIED      0x01
#define UNSPECIFIED  0x00 /* families, and how it is spoken */
#define TCP_OVER_V4  0x11
#define TCP_OVER_V6  0x21
#define STREAM_LOCAL 0x31 /* of a unix socket */

enum { AT_COMMAND = 12, AT_FAMILY = 13, AT_LENGTH = 14 };

static const uint8_t signature[12] = {'\r', '\n', '\r', '\n', 0,   '\r',
                                      '\n', 'Q',  'U',  'I',  'T', '\n'};

void proxy_header_init(struct proxy_header *header)
{
    *header = (struct proxy_header){.size = HEAD_BYTES};
}

size_t proxy_header_wants(const struct proxy_header *header)
{
    return header->size - header->taken;
}

static bool reject_header(struct proxy_header *header, const char *fault)
{
    header->fault = fault;
    return false;
}

static size_t u16_at(const struct proxy_header *header, size_t at)
{
    return (size_t)header->bytes[at] << 8 | header->bytes[at + 1];
}

/* A proxy's own connection, as to see whether we live, is from where it is from. So is one of a
 * unix socket, or of what the proxy does not say: nobody else is known. */
static bool check_head(struct proxy_header *header)
{
    uint8_t command = header->bytes[AT_COMMAND] & COMMAND, family = header->bytes[AT_FAMILY];
    size_t length = u16_at(header, AT_LENGTH);
    if ((header->bytes[AT_COMMAND] & ~COMMAND) != VERSION)
        return reject_header(header, "its version is not 2");
    if (command != LOCAL && command != PROXIED)
        return reject_header(header, "its command is none");
    header->size = HEAD_BYTES + length;
    if (command == LOCAL)
        return true;
    switch (family) {
    case TCP_OVER_V4:
        header->has_source = true;
        return length >= V4_BYTES || reject_header(header, "it is too short for its addresses");
    case TCP_OVER_V6:
        header->has_source = true;
        return length >= V6_BYTES || reject_header(header, "it is too short for its addresses");
    case UNSPECIFIED:
    case STREAM_LOCAL: return true;
    default: return reject_header(header, "its family is none of TCP");
    }
}

/* The first of each pair is who asked. */
static void read_source(struct proxy_header *header)
{
    struct sockaddr_in four = {.sin_family = AF_INET};
    struct sockaddr_in6 six = {.sin6_family = AF_INET6};
    bool is_v4 = header->bytes[AT_FAMILY] == TCP_OVER_V4;
    const uint8_t *at = header->bytes + HEAD_BYTES;
    memcpy(&four.sin_addr, at, sizeof(four.sin_addr));
    memcpy(&six.sin6_addr, at, sizeof(six.sin6_addr));
    bool known = ip_of_socket(&header->source, is_v4 ? (struct sockaddr *)(void *)&four
                                                     : (struct sockaddr *)(void *)&six);
    assert(known); /* it is of one of the two */
    header->port = (uint16_t)u16_at(header, HEAD_BYTES + (is_v4 ? 8 : 32));
}

bool proxy_header_take(struct proxy_header *header, const uint8_t *bytes, size_t n)
{
    assert(n <= proxy_header_wants(header) && !header->fault);
    size_t room = header->taken < PROXY_HEADER_KEPT ? PROXY_HEADER_KEPT - header->taken : 0;
    memcpy(header->bytes + (PROXY_HEADER_KEPT - room), bytes, n < room ? n : room);
    size_t before = header->taken, signed_n = before + n;
    header->taken += n;
    signed_n = signed_n < sizeof(signature) ? signed_n : sizeof(signature);
    if (memcmp(header->bytes, signature, signed_n) != 0)
        return reject_header(header, "it does not begin as one of version 2 does");
    if (before < HEAD_BYTES && header->taken == HEAD_BYTES && !check_head(header))
        return false;
    if (proxy_header_wants(header) == 0 && header->has_source)
        read_source(header);
    return true;
}
