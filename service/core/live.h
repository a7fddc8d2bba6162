/* live.h -- how services are right now: what one has counted within a second or so, and what that
 * makes of all that share a store.
 *
 * Layer: core, pure. Each service takes a sample of itself once a second
 * (process/keeper/live_round.h) and leaves it in Redis for the others, who add them up to a view:
 * rates add, lags are the largest, quantiles are of the buckets of all, the hottest items are those
 * of all.
 *
 * Invariant: whatever bytes lie in Redis, what live_decode() takes is a sample that live_encode()
 * writes: no count is negative or beyond UNITS_MAX, each name is one that an item can have.
 */
#pragma once

#include "buf.h"
#include "core/limits.h"
#include "stats.h"

/* What is counted. X(id, its name as a rate of the interface) */
#define LIVE_EACH_RATE(X)                                                                          \
    X(LIVE_REQUESTS, "requests")                                                                   \
    X(LIVE_SOLD, "sold")                                                                           \
    X(LIVE_HELD, "held")                                                                           \
    X(LIVE_CONFIRMED, "confirmed")                                                                 \
    X(LIVE_RELEASED, "released")                                                                   \
    X(LIVE_EXPIRED, "expired")                                                                     \
    X(LIVE_INSUFFICIENT, "insufficient_stock")                                                     \
    X(LIVE_LIMITED, "limit_exceeded")                                                              \
    X(LIVE_REFUSED, "other_refused")                                                               \
    X(LIVE_FAILED, "failed")

#define LIVE_ID(id, ...) id,
enum live_count {
    LIVE_EACH_RATE(LIVE_ID) LIVE_RATES,
    LIVE_COMMITS = LIVE_RATES, /* transactions that were decided */
    LIVE_CONFLICTS,            /* and lost */
    LIVE_BATCHED,              /* operations in those that were decided */
    LIVE_COUNTS
};
#undef LIVE_ID

#define LIVE_SAMPLE_ITEMS    32
#define LIVE_VIEW_ITEMS      64
#define LIVE_TENANT_ITEMS    10 /* of one tenant, in a sample and for who looks */
#define LIVE_SAMPLE_BYTES    8192
#define LIVE_INTERVAL_MAX_MS 60000
#define LIVE_STALE_MS        5000 /* a view that is older says nothing of now */

/* An item that is asked for. */
struct live_item {
    double rate; /* a second */
    int64_t available, held, sold, version;
    uint8_t n;
    char name[SKU_STORED_MAX_BYTES]; /* the inner one */
};

/* An audit that a service was asked for. */
struct live_audit {
    int64_t requested_ms;                /* wall clock; 0: none is under way */
    int64_t items, reservations, shares; /* that it has compared so far */
};

/* What one service says of itself. */
struct live_sample {
    int64_t at_ms;       /* of its own wall clock: no two samples of it are the same */
    int64_t interval_ms; /* 1..LIVE_INTERVAL_MAX_MS */
    int64_t counts[LIVE_COUNTS];
    int64_t took[STATS_TIME_BUCKETS]; /* operations, by how long they took */
    int64_t queue_depth, expiry_lag_ms;
    int64_t ledger_lag_ms, ledger_lag_events; /* -1: there is no ledger, or it is not known */
    struct live_audit audit;
    unsigned item_count;
    struct live_item items[LIVE_SAMPLE_ITEMS];
};

/* A partition that is not open. */
struct live_shut {
    unsigned partition;
    char why[128];
};
#define LIVE_SHUT_MAX 16

/* What all of them make. */
struct live_view {
    int64_t at_ms;   /* wall clock */
    int64_t mono_ms; /* the same moment */
    int64_t interval_ms;
    unsigned services;
    double rates[LIVE_COUNTS]; /* a second */
    uint64_t took[STATS_TIME_BUCKETS];
    int64_t queue_depth, expiry_lag_ms;
    int64_t ledger_lag_ms, ledger_lag_events; /* as above */
    unsigned item_count;
    struct live_item items[LIVE_VIEW_ITEMS]; /* the hottest first, after live_sort() */
    /* What each service sees by itself. */
    int64_t memory_used_bytes, memory_used_percent; /* 0 %: there is no limit */
    int64_t audit_result, audit_drift, audit_at_ms; /* -1: there was none */
    struct live_audit elsewhere; /* of another service; of several, what was asked for first */
    unsigned partitions, open;
    unsigned shut_count; /* of those that are not, the first */
    struct live_shut shut[LIVE_SHUT_MAX];
};

/* At most LIVE_SAMPLE_BYTES. */
void live_encode(const struct live_sample *sample, struct buf *out);
bool live_decode(struct str bytes, struct live_sample *sample) MUST_CHECK;

/* Adds a service to a view that began as all zeros but for ledger_lag_ms and ledger_lag_events of
 * -1. */
void live_add(struct live_view *view, const struct live_sample *sample);

/* The hottest items first. */
void live_sort(struct live_view *view);

/* What a part of all operations, 0 to 1, did not take longer than: in us, a guess within a bucket;
 * of those above all bounds the highest. -1: there were none. */
double live_quantile(const uint64_t took[STATS_TIME_BUCKETS], double part);

/* --- for all processes of a service ----------------------------------------------------------- */

/* The newest view, in memory that processes share: one writes, anybody reads, nobody waits. A
 * writer that dies leaves the view before. All zeros: there is none yet. */
#define LIVE_BOARD_VIEWS 4
struct live_board {
    _Atomic uint64_t turn; /* how many there were; the last is at turn % LIVE_BOARD_VIEWS */
    struct live_view views[LIVE_BOARD_VIEWS];
};

void live_board_put(struct live_board *board, const struct live_view *view);

/* Which one there is: it grows with each; 0: none. */
uint64_t live_board_turn(const struct live_board *board);

/* Copies it, and returns its turn; 0: there is none. */
uint64_t live_board_get(const struct live_board *board, struct live_view *view);
