/* place.h -- where the live page is served: on this machine, to this machine alone.
 *
 * Layer: loadgen/ui. Parsing is pure. A page of a loopback address can still be asked for by any
 * site that a browser of this machine shows, under a name of that site's which leads here; so the
 * name in a request's Host is judged, too.
 */
#pragma once

#include "ip.h"
#include "str.h"

#include <stddef.h>

#define UI_PLACE_ERR_SIZE  200
#define UI_PLACE_TEXT_SIZE (IP_TEXT_SIZE + 8) /* "[::1]:65535" */

struct ui_place {
    struct ip ip;
    uint16_t port; /* 0: one that is free */
};

/* "127.0.0.1:9000", "[::1]:0", "localhost:0". False, with in err what would be right. */
bool ui_place_parse(struct ui_place *at, const char *text, char *err, size_t err_size) MUST_CHECK;

/* Binds a socket and listens, and says in at->port which port it got. The socket, or -errno. */
int ui_place_open(struct ui_place *at) MUST_CHECK;

/* As in a URL: "127.0.0.1:9000". */
void ui_place_format(const struct ui_place *at, char text[UI_PLACE_TEXT_SIZE]);

/* Whether a Host names this machine: localhost or a loopback address, with or without a port. */
bool ui_host_is_ours(struct str host) MUST_CHECK;
