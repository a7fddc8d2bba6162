/* live_round.h -- once a second: what this service has done since, for whoever watches it live.
 *
 * The keeper's. Counters are those of stats.h, the items asked for most those of all workers
 * (core/hot.h), with their counters as they lie in Redis. The sample goes to other services on the
 * same store, and theirs come here, in one hash of it (store/admin/share.h); what all of them make
 * goes to the workers by a board in shared memory (core/live.h), who show it at GET /v1/live.
 *
 * Nobody needs it to sell anything: whatever fails here is told seldom and holds up nothing.
 */
#pragma once

#include "core/hot.h"
#include "core/live.h"
#include "process/keeper/live_peers.h"
#include "process/process.h"
#include "store/admin/admin.h"

#define LIVE_ROUND_MS 1000

/* What was counted until a moment. */
struct live_counted {
    int64_t at_ms; /* monotonic; 0: never */
    int64_t counts[LIVE_COUNTS];
    uint64_t took[STATS_TIME_BUCKETS];
};

/* The keeper's, zeroed at first. */
struct live_round {
    const struct shared_state *shared;
    struct admin *admin;
    struct live_counted before;
    struct hot_item *room;
    struct live_peers *peers;
    char service[SHARE_NAME_CHARS + 1];
    struct buf bytes;
    bool anew;      /* what lies in Redis is to be dropped first */
    int64_t ask_ms; /* monotonic: not to ask Redis before */
    int64_t say_ms; /* when to say again that it could not be asked */
    struct live_sample sample;
    struct live_view view;
};

/* False: out of memory. */
bool live_round_begin(struct live_round *round, const struct shared_state *shared,
                      struct admin *admin) MUST_CHECK;

/* The service ends: others need not wait to see that. */
void live_round_end(struct live_round *round);

/* To be called every LIVE_ROUND_MS, or as soon as that is possible. */
void live_round_do(struct live_round *round);
