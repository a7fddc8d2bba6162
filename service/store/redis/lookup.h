/* lookup.h -- the address of a host name, asked of the system in a thread, so that a slow answer
 * holds up nobody.
 *
 * Layer: store. What a thread of the system has begun cannot be ended: whoever does not want the
 * answer any more lets the look-up go, and it frees itself once the answer has come. Of the threads
 * of libuv's pool it takes half at the most.
 */
#pragma once

#include "address.h"

#include <uv.h>

struct lookup;

/* `numeric` is an address in digits, or NULL and `why` says what the system said. Called once, from
 * the loop, unless the look-up was let go; it is freed by then. */
typedef void lookup_fn(void *user, const char *numeric, const char *why);

/* False for a socket's path and for an address in digits, which need no thread. */
bool lookup_needed(const struct endpoint *at);

/* Begins; of a name with several addresses, IPv4 first, it gives the one in turn. NULL: out of
 * memory. */
struct lookup *lookup_begin(uv_loop_t *loop, const char *host, unsigned turn, lookup_fn *found,
                            void *user);

/* The answer is not wanted any more. NULL is fine. */
void lookup_let_go(struct lookup *lookup);
