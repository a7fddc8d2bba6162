/* host.h -- the value of Host, and of the part of an Origin that is one.
 *
 * Layer: http, pure. RFC 9110 section 7.2 and RFC 3986 section 3.2.2, narrowed to what names a
 * machine: a name of letters, digits, `-`, `.`, `_` and `~`, an IPv4 address, or an IPv6 address in
 * brackets; then perhaps a port.
 */
#pragma once

#include "str.h"

#define HOST_MAX_BYTES 255

struct host {
    struct str name; /* an IPv6 address without its brackets */
    struct str port; /* absent: none was said */
};

/* Views into text. False: no host, or an empty one. */
bool host_parse(struct str text, struct host *host) MUST_CHECK;

/* Whether the name means this machine wherever it is looked up: localhost and what ends in
 * .localhost (RFC 6761 section 6.3), 127.0.0.0/8, ::1. */
bool host_is_loopback(struct str name);

/* Whether the name is in a list separated by commas; case does not matter. */
bool host_is_listed(struct str name, struct str list);

/* Whether an Origin header names another host or port than Host does. An opaque one (`null`) is
 * always foreign. The scheme is not compared: a proxy may have taken TLS off. */
bool origin_is_foreign(struct str origin, struct str host);
