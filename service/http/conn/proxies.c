#include "http/conn/proxies.h"
#include "ip_nets.h"

/* --- who is trusted --------------------------------------------------------------------------- */

bool proxies_parse(struct proxies *proxies, const char *text, char *why, size_t why_size)
{
    return ip_nets_parse(proxies->nets, PROXIES_MAX, &proxies->count, text, why, why_size);
}

bool proxies_trust(const struct proxies *proxies, const struct ip *ip)
{
    return ip_nets_have(proxies->nets, proxies->count, ip);
}

/* --- what they say ---------------------------------------------------------------------------- */

/* "192.0.2.7", "192.0.2.7:4711", "2001:db8::7", "[2001:db8::7]", "[2001:db8::7]:4711". */
static bool read_node(struct ip *ip, struct str node)
{
    const char *colon;
    if (node.n > 0 && node.p[0] == '[') {
        const char *end = memchr(node.p, ']', node.n);
        return end && ip_parse(ip, (struct str){node.p + 1, (size_t)(end - node.p) - 1});
    }
    if (ip_parse(ip, node))
        return true;
    colon = node.n > 0 ? memchr(node.p, ':', node.n) : NULL;
    return colon && ip_parse(ip, (struct str){node.p, (size_t)(colon - node.p)});
}

/* Takes what stands behind the last `stop` off the text; all, if there is none. */
static struct str take_last(struct str *text, char stop)
{
    size_t at = text->n;
    while (at > 0 && text->p[at - 1] != stop)
        at--;
    struct str last = {text->p + at, text->n - at};
    text->n = at > 0 ? at - 1 : 0;
    return str_trim(last);
}

/* The `for` of an element of Forwarded: for="[2001:db8::7]:4711";proto=https. */
static struct str node_of(struct str element)
{
    const struct str name = STR("for=");
    while (element.n > 0) {
        struct str pair = take_last(&element, ';');
        if (pair.n < name.n || strncasecmp(pair.p, name.p, name.n) != 0)
            continue;
        struct str value = {pair.p + name.n, pair.n - name.n};
        bool quoted = value.n >= 2 && value.p[0] == '"' && value.p[value.n - 1] == '"';
        return quoted ? (struct str){value.p + 1, value.n - 2} : value;
    }
    return (struct str){NULL, 0};
}

/* Goes on from an address that is trusted with what it has said in this line. False: it ends here.
 * A comma in quotes is one like any other: no address has one, and a quote that a client left open
 * must not swallow what a proxy has added. */
static bool follow(const struct proxies *proxies, struct str line, struct ip *ip)
{
    if (line.n == 0)
        return false;
    while (line.n > 0) {
        struct ip before;
        struct str node = take_last(&line, ',');
        if (proxies->field == PROXIES_FORWARDED)
            node = node_of(node);
        if (!read_node(&before, node))
            return false;
        *ip = before;
        if (!proxies_trust(proxies, ip))
            return false;
    }
    return true;
}

struct ip proxies_client(const struct proxies *proxies, const struct ip *from,
                         const struct headers *headers)
{
    const struct header_lines *said =
        proxies->field == PROXIES_FORWARDED ? &headers->forwarded : &headers->x_forwarded_for;
    struct ip ip = *from;
    unsigned line = said->count;
    if (!proxies_trust(proxies, from))
        return ip;
    while (line > 0 && follow(proxies, said->lines[line - 1], &ip))
        line--;
    return ip;
}
