#include "hooks/guard.h"
#include "ip_nets.h"

#include <assert.h>

/* Of the registries of special addresses (IANA), all that are not reachable from everywhere, and
 * those that hold an address of IPv4, which a gateway may reach for us. */
static const struct {
    const char *net, *what;
} refused[] = {
    {"0.0.0.0/8", "this machine"},
    {"10.0.0.0/8", "a private network"},
    {"100.64.0.0/10", "a provider's own network"},
    {"127.0.0.0/8", "this machine"},
    {"169.254.0.0/16", "a link-local address"},
    {"172.16.0.0/12", "a private network"},
    {"192.0.0.0/24", "a special address"},
    {"192.0.2.0/24", "an address for documents"},
    {"192.88.99.0/24", "a relay to IPv6"},
    {"192.168.0.0/16", "a private network"},
    {"198.18.0.0/15", "a network for measurements"},
    {"198.51.100.0/24", "an address for documents"},
    {"203.0.113.0/24", "an address for documents"},
    {"224.0.0.0/4", "a multicast address"},
    {"240.0.0.0/4", "a reserved address"},
    {"::/96", "this machine, or an address of IPv4 in IPv6"},
    {"64:ff9b::/96", "an address of IPv4 in IPv6"},
    {"64:ff9b:1::/48", "an address of IPv4 in IPv6"},
    {"100::/64", "an address that goes nowhere"},
    {"2001::/23", "a special address"},
    {"2001:db8::/32", "an address for documents"},
    {"2002::/16", "an address of IPv4 in IPv6"},
    {"3fff::/20", "an address for documents"},
    {"5f00::/16", "a special address"},
    {"fc00::/7", "a private network"},
    {"fe80::/10", "a link-local address"},
    {"fec0::/10", "a private network"},
    {"ff00::/8", "a multicast address"},
};

bool guard_parse(struct guard *guard, const char *text, char *why, size_t why_size)
{
    return ip_nets_parse(guard->allowed, GUARD_ALLOWED_MAX, &guard->count, text, why, why_size);
}

const char *guard_refuses(const struct guard *guard, const struct ip *ip)
{
    if (ip_nets_have(guard->allowed, guard->count, ip))
        return NULL;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        struct ip_net net;
        bool parsed = ip_net_parse(&net, str_of(refused[i].net));
        assert(parsed); /* a row of ours */
        if (ip_net_has(&net, ip))
            return refused[i].what;
    }
    return NULL;
}
