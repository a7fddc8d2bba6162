/* admit.c -- whose a request is, and whether that one may ask for it: exchange_admit(). */
#include "clock.h"
#include "http/exchange.h"
#include "keys/key_ring.h"
#include "stats.h"

static const char *const why_not[] = {
    [KEY_MISSING] = "there is no Authorization header field",
    [KEY_MALFORMED] = "Authorization must be Bearer and a whole key, as stockd keys made it",
    [KEY_WRONG] = "there is no such key, or it was revoked",
    [KEY_EXPIRED] = "the key has expired",
    [KEY_NO_CERTIFICATE] = "there is no Authorization header field, and no key is of the client's "
                           "certificate",
};

/* For the access log, which outlives the list of keys. */
static void note_caller(struct exchange *x, const struct key_entry *key)
{
    char id[API_KEY_ID_CHARS + 1];
    x->role = key->role;
    if (!x->caller.noted)
        return;
    api_key_put_id(key->id, id);
    x->caller.key = arena_str(&x->arena, str_of(id));
}

/* A key counts before a certificate: a proxy may show its own, and pass on whose a request is. And
 * a bad key is never made good by a certificate, or nobody would notice that it is bad. */
static enum key_verdict judge(const struct exchange *x, const struct key_entry **key)
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
    return !x->server->keys || (judge(x, &key) == KEY_GOOD &&
                                role_may(key->role, route_least(x->match.id, x->match.method)));
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
    enum key_verdict verdict = judge(x, &key);
    if (verdict != KEY_GOOD) {
        stats_count(STATS_UNAUTHENTICATED, 1);
        return refuse(why, PROBLEM_UNAUTHENTICATED, NULL, why_not[verdict]);
    }
    note_caller(x, key);
    if (role_may(x->role, least))
        return true;
    stats_count(STATS_ROLE_FORBIDDEN, 1);
    return refuse(why, PROBLEM_FORBIDDEN, NULL, role_needed(least));
}
