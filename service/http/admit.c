/* admit.c -- whose a request is, and whether that one may ask for it: exchange_admit(). */
#include "clock.h"
#include "http/exchange.h"
#include "keys/failed_logins.h"
#include "keys/key_ring.h"
#include "stats.h"

static const char *const why_not[] = {
    [KEY_MISSING] = "there is no Authorization header field",
    [KEY_MALFORMED] = "Authorization must be Bearer and a whole key, as stockd keys made it",
    [KEY_WRONG] = "there is no such key, or it was revoked",
    [KEY_EXPIRED] = "the key has expired",
    [KEY_NO_CERTIFICATE] = "there is no Authorization, and no key is of the client's certificate",
};

/* Of the default tenant nothing is stored with what it makes, unless that is to be counted. */
static bool owner_is_stored(const struct key_entry *key)
{
    return !tenant_is_default(str_of(key->tenant)) || quota_keeps(&key->quota);
}

/* Whose request it is, for as long as that lives: the list of keys may be another one by then.
 * False: no memory, and the request must not go on as somebody else's. */
static bool take_owner(struct exchange *x, const struct key_entry *key)
{
    char text[OWNER_MAX_BYTES + 1];
    if (!owner_is_stored(key))
        return true;
    const struct str owner = {text, key_owner(key, text)};
    x->by.owner = arena_str(&x->arena, owner);
    if (x->server->own_items)
        x->by.items = owner_tenant(x->by.owner);
    return !str_absent(x->by.owner);
}

/* For what is logged of it, which outlives the list of keys. */
static void note_caller(struct exchange *x, const struct key_entry *key)
{
    char id[API_KEY_ID_CHARS + 1];
    x->role = key->role;
    x->spent.client_n = (uint8_t)key_owner(key, x->spent.client);
    if (!x->caller.noted)
        return;
    api_key_put_id(key->id, id);
    x->caller.key = arena_str(&x->arena, str_of(id));
    x->caller.tenant = arena_str(&x->arena, str_of(key->tenant));
}

/* A key that this process knows to be good is no attempt at one, whoever else is at that address.
 */
static bool may_try(const struct exchange *x, struct refusal *why)
{
    const struct http_server *server = x->server;
    if (!server->failed_logins || str_absent(x->headers.authorization))
        return true;
    int64_t wait_ns =
        failed_logins_wait_ns(server->failed_logins, &x->from, clock_mono_us() * 1000);
    if (wait_ns == 0 || key_ring_remembers(server->keys, x->headers.authorization))
        return true;
    stats_count(STATS_LOGINS_LIMITED, 1);
    return rate_refuse(why, "too many keys that are no good came from this address", wait_ns);
}

static bool refuse_key(const struct exchange *x, enum key_verdict verdict, struct refusal *why)
{
    stats_count(STATS_UNAUTHENTICATED, 1);
    if (x->server->failed_logins && verdict != KEY_MISSING && verdict != KEY_NO_CERTIFICATE)
        failed_logins_note(x->server->failed_logins, &x->from, clock_mono_us() * 1000);
    return refuse(why, PROBLEM_UNAUTHENTICATED, NULL, why_not[verdict]);
}

/* Before its role is looked at: who may not ask for it costs no less. */
static bool is_slow_enough(struct exchange *x, const struct key_entry *key, struct refusal *why)
{
    return exchange_is_vital(x) ||
           rate_begin(&x->rate, key_ring_quota(key), &key->quota, x->server->host.share, why);
}

/* A key counts before a certificate: a proxy may show its own, and pass on whose a request is. And
 * a bad key is never made good by a certificate, or nobody would notice that it is bad. */
static enum key_verdict judge_credentials(const struct exchange *x, const struct key_entry **key)
{
    const struct https_conn *tls = x->client->intake.tls;
    int64_t now_ms = clock_wall_ms();
    if (str_absent(x->headers.authorization) && tls && tls->peer)
        return key_ring_judge_certificate(x->server->keys, tls->peer, now_ms, key);
    return key_ring_judge(x->server->keys, x->headers.authorization, now_ms, key);
}

bool exchange_may_go_on(const struct exchange *x)
{
    const struct key_entry *key;
    return !x->server->keys || (judge_credentials(x, &key) == KEY_GOOD &&
                                role_may(key->role, route_least(x->match.id, x->match.method)) &&
                                str_equal(owner_tenant(x->by.owner), str_of(key->tenant)));
}

bool exchange_key(const struct exchange *x, const struct key_entry **key, struct refusal *why)
{
    enum key_verdict verdict = judge_credentials(x, key);
    return verdict == KEY_GOOD || refuse(why, PROBLEM_UNAUTHENTICATED, NULL, why_not[verdict]);
}

/* Where nothing needs a key none is looked at, so a probe that has an old one is answered. */
bool exchange_admit(struct exchange *x, struct refusal *why)
{
    const struct key_entry *key;
    enum role least = route_least(x->match.id, x->match.method);
    x->role = ROLE_ADMIN;
    if (!x->server->keys)
        return true;
    x->role = ROLE_ANYBODY;
    if (role_may(x->role, least))
        return true;
    if (!may_try(x, why))
        return false;
    enum key_verdict verdict = judge_credentials(x, &key);
    if (verdict != KEY_GOOD)
        return refuse_key(x, verdict, why);
    note_caller(x, key);
    if (!take_owner(x, key))
        return refuse_no_memory(why);
    kept_begin(&x->kept, key_ring_quota(key), &key->quota);
    if (!is_slow_enough(x, key, why))
        return false;
    if (role_may(x->role, least))
        return true;
    stats_count(STATS_ROLE_FORBIDDEN, 1);
    return refuse(why, PROBLEM_FORBIDDEN, NULL, role_needed(least));
}
