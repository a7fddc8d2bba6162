/* live_peers.h -- the samples of other services on the same store, as they come by Redis.
 *
 * Pure: time comes in, and no clock of another host counts. Who lives is who says something new: a
 * field that does not change is of a service that died, and so may be one that is seen for the
 * first time. After LIVE_DEAD_MS without a change it does not count any more, after LIVE_GONE_MS it
 * is to be dropped from Redis.
 *
 * Invariant: a sample counts only while its field was there at the last look.
 */
#pragma once

#include "core/live.h"
#include "store/admin/share.h"

#define LIVE_DEAD_MS 3000
#define LIVE_GONE_MS 6000

struct live_peer {
    char name[SHARE_NAME_CHARS + 1];
    uint64_t hash;      /* of what it said last */
    int64_t changed_ms; /* monotonic */
    unsigned changes;   /* since it was first seen */
    bool there;         /* at the last look */
    bool good;          /* `sample` is what it said */
    struct live_sample sample;
};

/* All zeros: none. */
struct live_peers {
    unsigned count;
    struct live_peer peers[SHARE_FIELDS_MAX];
};

/* A look at all fields: begins, notes each, ends. */
void live_peers_begin(struct live_peers *peers);
void live_peers_note(struct live_peers *peers, struct str name, struct str value, int64_t now_ms);
void live_peers_end(struct live_peers *peers);

/* Adds those that live. */
void live_peers_add(const struct live_peers *peers, int64_t now_ms, struct live_view *view);

/* One that is to be dropped from Redis; NULL: there is none. */
const char *live_peers_gone(const struct live_peers *peers, int64_t now_ms);
