#include "process/keeper/live_peers.h"

void live_peers_begin(struct live_peers *peers)
{
    for (unsigned i = 0; i < peers->count; i++)
        peers->peers[i].there = false;
}

/* NULL: there are as many as there may be. */
static struct live_peer *peer_for(struct live_peers *peers, struct str name)
{
    for (unsigned i = 0; i < peers->count; i++)
        if (str_equal(str_of(peers->peers[i].name), name))
            return &peers->peers[i];
    if (peers->count == SHARE_FIELDS_MAX || name.n > SHARE_NAME_CHARS)
        return NULL;
    struct live_peer *peer = &peers->peers[peers->count++];
    *peer = (struct live_peer){.good = false};
    memcpy(peer->name, name.p, name.n);
    return peer;
}

void live_peers_note(struct live_peers *peers, struct str name, struct str value, int64_t now_ms)
{
    struct live_peer *peer = peer_for(peers, name);
    uint64_t hash = str_hash(value);
    if (!peer)
        return;
    peer->there = true;
    if (peer->changes > 0 && hash == peer->hash)
        return;
    peer->changes++;
    peer->changed_ms = now_ms;
    peer->hash = hash;
    peer->good = live_decode(value, &peer->sample);
}

void live_peers_end(struct live_peers *peers)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < peers->count; i++)
        if (peers->peers[i].there)
            peers->peers[kept++] = peers->peers[i];
    peers->count = kept;
}

static void note_audit(struct live_view *view, const struct live_audit *audit)
{
    bool runs = audit->requested_ms > 0, known = view->elsewhere.requested_ms > 0;
    if (runs && (!known || audit->requested_ms < view->elsewhere.requested_ms))
        view->elsewhere = *audit;
}

void live_peers_add(const struct live_peers *peers, int64_t now_ms, struct live_view *view)
{
    for (unsigned i = 0; i < peers->count; i++) {
        const struct live_peer *peer = &peers->peers[i];
        if (!peer->good || peer->changes <= 1 || now_ms - peer->changed_ms >= LIVE_DEAD_MS)
            continue;
        live_add(view, &peer->sample);
        note_audit(view, &peer->sample.audit);
    }
}

const char *live_peers_gone(const struct live_peers *peers, int64_t now_ms)
{
    for (unsigned i = 0; i < peers->count; i++)
        if (now_ms - peers->peers[i].changed_ms >= LIVE_GONE_MS)
            return peers->peers[i].name;
    return NULL;
}
