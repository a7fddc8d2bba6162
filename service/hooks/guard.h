/* guard.h -- which addresses a hook may be sent to.
 *
 * Layer: hooks, pure. Who writes a URL into the file of hooks, or into the DNS of its host, must
 * not reach what only this machine or its network can: databases, metadata services, printers. So
 * what is not of the public internet is refused, in IPv6 also what stands for such an address in
 * IPv4, unless --hooks-allow names it. Asked for the address that is connected to, not for a name.
 */
#pragma once

#include "ip.h"

#define GUARD_ALLOWED_MAX 64

struct guard {
    struct ip_net allowed[GUARD_ALLOWED_MAX];
    unsigned count;
};

/* Networks with commas between them; NULL: none. False, with why: to be read behind the option. */
bool guard_parse(struct guard *guard, const char *text, char *why, size_t why_size) MUST_CHECK;

/* NULL: it may. Else what it is, as "a private network": a static text. */
const char *guard_refuses(const struct guard *guard, const struct ip *ip);
