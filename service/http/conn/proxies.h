/* proxies.h -- the proxies that are believed when they say who asked them.
 *
 * Layer: http, pure. A proxy adds the address of whoever it was asked by at the end of
 * X-Forwarded-For, or of Forwarded (RFC 7239), and what stands before that came from there. So the
 * fields are read from their end, and believed as long as whoever said it is trusted: the address
 * that comes out is the last one that is not, or the first of all if they all are. Which of the two
 * fields they write has to be known: the other one is what the client likes.
 *
 * Invariant: nothing that is not said by a trusted proxy changes what comes out.
 */
#pragma once

#include "http/headers.h"
#include "ip.h"

#define PROXIES_MAX 64

enum proxies_field { PROXIES_X_FORWARDED_FOR, PROXIES_FORWARDED };

struct proxies {
    struct ip_net nets[PROXIES_MAX];
    unsigned count;
    enum proxies_field field;
};

/* Networks or addresses with commas between them. False, with why: to be read behind the name of
 * the option. */
bool proxies_parse(struct proxies *proxies, const char *text, char *why,
                   size_t why_size) MUST_CHECK;

bool proxies_trust(const struct proxies *proxies, const struct ip *ip);

/* Who asked, of a request that came from there. */
struct ip proxies_client(const struct proxies *proxies, const struct ip *from,
                         const struct headers *headers);
