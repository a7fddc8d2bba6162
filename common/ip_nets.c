#include "ip_nets.h"
#include "fail.h"

bool ip_nets_parse(struct ip_net *nets, unsigned max, unsigned *count, const char *text, char *why,
                   size_t why_size)
{
    *count = 0;
    for (const char *at = text; at; at = *at ? at + 1 : NULL) {
        size_t n = strcspn(at, ",");
        struct str net = str_trim((struct str){at, n});
        if (*count == max)
            return fail_with(why, why_size, "%u networks are all that it takes", max);
        if (!ip_net_parse(&nets[(*count)++], net))
            return fail_with(why, why_size,
                             "\"%.*s\" is no network; give addresses or networks with commas "
                             "between them, as in 10.0.0.0/8,2001:db8::7",
                             net.n > 64 ? 64 : (int)net.n, net.p);
        at += n;
    }
    return true;
}

bool ip_nets_have(const struct ip_net *nets, unsigned count, const struct ip *ip)
{
    for (unsigned i = 0; i < count; i++)
        if (ip_net_has(&nets[i], ip))
            return true;
    return false;
}
