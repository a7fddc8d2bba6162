/* proxy_socket.h -- the sockets of a proxy between service and Redis: where it listens, and where
 * it leads.
 *
 * Layer: tests, private to the two proxies, faultproxy.h and refuseproxy.h. Whoever gets a socket
 * from here closes it.
 */
#pragma once

#include <stdbool.h>
#include <sys/socket.h>

struct proxy_address {
    struct sockaddr_storage at;
    socklen_t size;
};

/* url: "unix:/path" or "redis://" and an address of IPv4 with its port; false if it is
 * neither. */
bool proxy_address_parse(struct proxy_address *address, const char *url) MUST_CHECK;

/* A socket that listens there, in place of a file that lies there; port 0 is any free one.
 * -errno on failure. */
int proxy_listen(const struct proxy_address *address) MUST_CHECK;

/* The port that a listener on the loopback has. */
int proxy_port(int listener);

/* The next connection of a listener, or one to the address; neither waits to gather bytes. -1 on
 * failure. */
int proxy_accept(int listener) MUST_CHECK;
int proxy_connect(const struct proxy_address *address) MUST_CHECK;
