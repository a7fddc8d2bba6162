/* ip_nets.h -- a list of networks, as options name them.
 *
 * Layer: common, pure. The array is the caller's.
 */
#pragma once

#include "ip.h"

/* Networks or addresses with commas between them; NULL: none. *count is how many there are, up to
 * max. False, with why: to be read behind the name of the option. */
bool ip_nets_parse(struct ip_net *nets, unsigned max, unsigned *count, const char *text, char *why,
                   size_t why_size) MUST_CHECK;

bool ip_nets_have(const struct ip_net *nets, unsigned count, const struct ip *ip);
