#include "store/redis/lookup.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdlib.h>

struct lookup {
    uv_getaddrinfo_t request;
    unsigned turn;
    lookup_fn *found; /* NULL: it was let go */
    void *user;
};

bool lookup_needed(const struct endpoint *at)
{
    unsigned char digits[sizeof(struct in6_addr)];
    return !at->is_unix && inet_pton(AF_INET, at->host, digits) != 1 &&
           inet_pton(AF_INET6, at->host, digits) != 1;
}

static size_t count_family(const struct addrinfo *list, int family)
{
    size_t n = 0;
    for (; list; list = list->ai_next)
        n += list->ai_family == family;
    return n;
}

static const struct addrinfo *pick(const struct addrinfo *list, int family, size_t nth)
{
    for (; list; list = list->ai_next)
        if (list->ai_family == family && nth-- == 0)
            return list;
    return NULL;
}

/* The address in turn, in digits; false: the list has none that can be used. */
static bool address_in_turn(const struct addrinfo *list, unsigned turn, char *text, size_t size)
{
    size_t v4 = count_family(list, AF_INET), all = v4 + count_family(list, AF_INET6);
    if (all == 0)
        return false;
    size_t nth = turn % all;
    const struct addrinfo *at =
        nth < v4 ? pick(list, AF_INET, nth) : pick(list, AF_INET6, nth - v4);
    return getnameinfo(at->ai_addr, at->ai_addrlen, text, (socklen_t)size, NULL, 0,
                       NI_NUMERICHOST) == 0;
}

static void on_found(uv_getaddrinfo_t *request, int status, struct addrinfo *list)
{
    struct lookup *lookup = request->data;
    lookup_fn *found = lookup->found;
    void *user = lookup->user;
    char text[NI_MAXHOST];
    bool good = status == 0 && address_in_turn(list, lookup->turn, text, sizeof(text));
    uv_freeaddrinfo(list);
    free(lookup);
    if (found)
        found(user, good ? text : NULL,
              good          ? NULL
              : status == 0 ? "the host name has no address"
                            : uv_strerror(status));
}

struct lookup *lookup_begin(uv_loop_t *loop, const char *host, unsigned turn, lookup_fn *found,
                            void *user)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct lookup *lookup = calloc(1, sizeof(*lookup));
    if (!lookup)
        return NULL;
    *lookup = (struct lookup){.turn = turn, .found = found, .user = user};
    lookup->request.data = lookup;
    if (uv_getaddrinfo(loop, &lookup->request, on_found, host, NULL, &hints) == 0)
        return lookup;
    free(lookup);
    return NULL;
}

void lookup_let_go(struct lookup *lookup)
{
    if (!lookup)
        return;
    lookup->found = NULL;
    (void)uv_cancel((uv_req_t *)&lookup->request); /* one that has begun goes on to its end */
}
