#include "ip.h"
#include "digits.h"

#include <arpa/inet.h>
#include <assert.h>

#define V4_AT    12 /* where the bytes of an IPv4 address lie */
#define V4_BITS  (8 * V4_AT)
#define BITS_MAX 3 /* digits */

static const uint8_t mapped[V4_AT] = {[10] = 0xff, [11] = 0xff};

bool ip_is_v4(const struct ip *ip)
{
    return memcmp(ip->bytes, mapped, V4_AT) == 0;
}

bool ip_is_loopback(const struct ip *ip)
{
    static const struct in6_addr six = IN6ADDR_LOOPBACK_INIT;
    return ip_is_v4(ip) ? ip->bytes[V4_AT] == 127 : memcmp(ip->bytes, &six, sizeof(six)) == 0;
}

bool ip_equal(const struct ip *a, const struct ip *b)
{
    return memcmp(a, b, sizeof(*a)) == 0;
}

static void set_v4(struct ip *ip, const struct in_addr *address)
{
    memcpy(ip->bytes, mapped, V4_AT);
    memcpy(ip->bytes + V4_AT, address, sizeof(*address));
}

bool ip_of_socket(struct ip *ip, const struct sockaddr *from)
{
    const struct sockaddr_in6 *six = (const void *)from;
    const struct sockaddr_in *four = (const void *)from;
    if (from->sa_family == AF_INET)
        set_v4(ip, &four->sin_addr);
    else if (from->sa_family == AF_INET6)
        memcpy(ip->bytes, &six->sin6_addr, sizeof(ip->bytes));
    else
        return false;
    return true;
}

socklen_t ip_to_socket(const struct ip *ip, uint16_t port, struct sockaddr_storage *to)
{
    struct sockaddr_in6 *six = (void *)to;
    struct sockaddr_in *four = (void *)to;
    memset(to, 0, sizeof(*to));
    if (ip_is_v4(ip)) {
        four->sin_family = AF_INET;
        four->sin_port = htons(port);
        memcpy(&four->sin_addr, ip->bytes + V4_AT, sizeof(four->sin_addr));
        return sizeof(*four);
    }
    six->sin6_family = AF_INET6;
    six->sin6_port = htons(port);
    memcpy(&six->sin6_addr, ip->bytes, sizeof(six->sin6_addr));
    return sizeof(*six);
}

bool ip_parse(struct ip *ip, struct str text)
{
    char copy[IP_TEXT_SIZE];
    struct in_addr four;
    if (text.n == 0 || text.n >= sizeof(copy) || memchr(text.p, '\0', text.n))
        return false;
    memcpy(copy, text.p, text.n);
    copy[text.n] = '\0';
    if (inet_pton(AF_INET6, copy, ip->bytes) == 1)
        return true;
    if (inet_pton(AF_INET, copy, &four) != 1)
        return false;
    set_v4(ip, &four);
    return true;
}

/* Without inet_ntop(), which prints it by printf: each line of an access log has one. */
static void format_v4(const uint8_t bytes[4], char *to)
{
    for (int i = 0; i < 4; i++) {
        to += digits_put(to, bytes[i]);
        *to++ = i < 3 ? '.' : '\0';
    }
}

void ip_format(const struct ip *ip, char out[IP_TEXT_SIZE])
{
    if (ip_is_v4(ip)) {
        format_v4(ip->bytes + V4_AT, out);
        return;
    }
    const char *text = inet_ntop(AF_INET6, ip->bytes, out, IP_TEXT_SIZE);
    assert(text); /* there is room */
}

struct ip_net ip_net_of(const struct ip *ip, unsigned bits)
{
    struct ip_net net = {.ip = *ip, .bits = bits};
    assert(bits <= IP_BITS);
    for (unsigned at = 0; at < sizeof(ip->bytes); at++) {
        unsigned left = bits > 8 * at ? bits - 8 * at : 0;
        if (left < 8)
            net.ip.bytes[at] &= (uint8_t)(0xff00 >> left);
    }
    return net;
}

bool ip_net_parse(struct ip_net *net, struct str text)
{
    struct ip ip;
    const char *slash = text.n ? memchr(text.p, '/', text.n) : NULL;
    size_t n = slash ? (size_t)(slash - text.p) : text.n;
    if (!ip_parse(&ip, (struct str){text.p, n}))
        return false;
    /* A mapped address that is written as one of IPv6 has the bits of that. */
    bool v4 = ip_is_v4(&ip) && !memchr(text.p, ':', n);
    int64_t most = v4 ? IP_BITS - V4_BITS : IP_BITS, bits = most;
    size_t digits = slash ? text.n - n - 1 : 0;
    if (slash)
        bits = digits <= BITS_MAX ? digits_read(slash + 1, digits, most) : -1;
    if (bits < 0)
        return false;
    *net = ip_net_of(&ip, (unsigned)bits + (v4 ? V4_BITS : 0));
    return ip_equal(&net->ip, &ip);
}

bool ip_net_has(const struct ip_net *net, const struct ip *ip)
{
    struct ip_net other = ip_net_of(ip, net->bits);
    return ip_equal(&other.ip, &net->ip);
}
