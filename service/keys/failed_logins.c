#include "keys/failed_logins.h"
#include "random.h"
#include "shared.h"

#include <assert.h>
#include <stdatomic.h>

#define SETS      2048
#define WAYS      8 /* places that an address may lie in */
#define V6_BITS   64
#define MINUTE_NS INT64_C(60000000000)

struct place {
    _Atomic uint64_t who; /* 0: nobody */
    _Atomic int64_t full_at_ns;
};

struct failed_logins {
    struct bucket_limit limit;
    uint64_t secret[2];
    struct place places[SETS][WAYS];
};

struct failed_logins *failed_logins_new(int64_t per_minute)
{
    struct failed_logins *logins = shared_alloc(sizeof(*logins));
    assert(per_minute > 0);
    if (!logins)
        return NULL;
    logins->limit = (struct bucket_limit){.step_ns = MINUTE_NS / per_minute, .burst = per_minute};
    random_bytes(logins->secret, sizeof(logins->secret));
    return logins;
}

void failed_logins_free(struct failed_logins *logins)
{
    shared_free(logins, sizeof(*logins));
}

/* Spreads the bits of a number over all of another (the finalizer of MurmurHash3). */
static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 33) * 0xff51afd7ed558ccdu;
    x = (x ^ x >> 33) * 0xc4ceb9fe1a85ec53u;
    return x ^ x >> 33;
}

static uint64_t who_is(const struct failed_logins *logins, const struct ip *from)
{
    struct ip_net net = ip_net_of(from, ip_is_v4(from) ? IP_BITS : V6_BITS);
    uint64_t halves[2];
    memcpy(halves, net.ip.bytes, sizeof(halves));
    return mix(mix(halves[0] ^ logins->secret[0]) ^ halves[1] ^ logins->secret[1]) | 1;
}

static struct place *set_of(struct failed_logins *logins, uint64_t who)
{
    return logins->places[(who >> 32) % SETS];
}

/* NULL: it has none, so nothing has failed. */
static struct place *place_of_client(struct failed_logins *logins, uint64_t who)
{
    struct place *set = set_of(logins, who);
    for (int i = 0; i < WAYS; i++)
        if (atomic_load(&set[i].who) == who)
            return &set[i];
    return NULL;
}

/* The bucket in the place that is taken is that of somebody else, and as full as any there; it is
 * filled, so that nobody pays for another. Who takes the place at the same time wins: NULL. */
static struct place *take_place(struct failed_logins *logins, uint64_t who)
{
    struct place *set = set_of(logins, who), *best = set;
    for (int i = 1; i < WAYS; i++)
        if (atomic_load(&set[i].full_at_ns) < atomic_load(&best->full_at_ns))
            best = &set[i];
    uint64_t before = atomic_load(&best->who);
    if (!atomic_compare_exchange_strong(&best->who, &before, who))
        return NULL;
    atomic_store(&best->full_at_ns, 0);
    return best;
}

int64_t failed_logins_wait_ns(struct failed_logins *logins, const struct ip *from, int64_t now_ns)
{
    const struct place *place = place_of_client(logins, who_is(logins, from));
    int64_t full_at_ns = place ? atomic_load(&place->full_at_ns) : 0;
    return bucket_take(&full_at_ns, &logins->limit, now_ns, 1).wait_ns;
}

void failed_logins_note(struct failed_logins *logins, const struct ip *from, int64_t now_ns)
{
    uint64_t who = who_is(logins, from);
    struct place *place = place_of_client(logins, who);
    place = place ? place : take_place(logins, who);
    if (!place)
        return;
    int64_t before = atomic_load(&place->full_at_ns), after;
    do
        after = before;
    while (bucket_take(&after, &logins->limit, now_ns, 1).taken &&
           !atomic_compare_exchange_weak(&place->full_at_ns, &before, after));
}
