/* resolve.h -- the addresses of a host name, waited for no longer than one wants to.
 *
 * Layer: store. For blocking connections; lookup.h is the same on the loop. What the system has
 * begun cannot be ended: a name is asked for in a thread of its own, which goes on alone when its
 * time is over and takes what it found with it.
 */
#pragma once

#include <netdb.h>

/* 0 and a list for freeaddrinfo(), or what gai_strerror() explains; EAI_AGAIN also where the time
 * is over. An address in digits needs no thread. */
int resolve_host(const char *host, int port, int timeout_ms, struct addrinfo **list) MUST_CHECK;
