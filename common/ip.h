/* ip.h -- addresses of the internet, of either family, and networks of them.
 *
 * Layer: common, pure. An address of IPv4 is the one of IPv6 that it is mapped to (::ffff:a.b.c.d),
 * so that each has one form, whichever way a socket says it.
 */
#pragma once

#include "str.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct ip {
    uint8_t bytes[16];
};

#define IP_BITS 128

bool ip_is_v4(const struct ip *ip);
bool ip_is_loopback(const struct ip *ip); /* 127.0.0.0/8, ::1 */
bool ip_equal(const struct ip *a, const struct ip *b);

/* False: it is of another family. */
bool ip_of_socket(struct ip *ip, const struct sockaddr *from) MUST_CHECK;

/* The other way, with that port, in the family that it has. Its size. */
socklen_t ip_to_socket(const struct ip *ip, uint16_t port, struct sockaddr_storage *to);

/* "192.0.2.7", "2001:db8::7"; no brackets, no port, no zone. False: it is none. */
bool ip_parse(struct ip *ip, struct str text) MUST_CHECK;

/* Writes such a text, with a NUL. */
#define IP_TEXT_SIZE INET6_ADDRSTRLEN
void ip_format(const struct ip *ip, char out[IP_TEXT_SIZE]);

struct ip_net {
    struct ip ip;  /* bits behind the first ones are 0 */
    unsigned bits; /* of 128, also in IPv4 */
};

/* "10.0.0.0/8", "2001:db8::/32", or an address alone. False: it is none, or bits are set that are
 * not the network's. */
bool ip_net_parse(struct ip_net *net, struct str text) MUST_CHECK;
bool ip_net_has(const struct ip_net *net, const struct ip *ip);

/* The network of so many bits that the address lies in. */
struct ip_net ip_net_of(const struct ip *ip, unsigned bits);
