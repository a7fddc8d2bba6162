/* store_config.h -- how a store is set up, and what the processes of one service share of it.
 *
 * Layer: store; values only.
 */
#pragma once

#include "core/limits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* What an answer promises to survive; docs/durability.md. */
enum store_durability {
    DURABILITY_UNSET,
    DURABILITY_MEMORY,
    DURABILITY_EVERYSEC,
    DURABILITY_ALWAYS,
    DURABILITY_REPLICATED, /* answers wait for `replicas` copies */
    DURABILITY_LEDGER,     /* answers wait for SQL */
};

/* In that order. */
#define STORE_DURABILITY_NAMES "unset", "memory", "everysec", "always", "replicated", "ledger"

/* When a lane asks for a turn before it commits; commit/turn.h. */
enum store_turns { TURNS_AUTO, TURNS_ALWAYS, TURNS_OFF };

/* When a worker hands operations to the one that commits for all; relay/relay.h. */
enum store_relaying { RELAYING_AUTO, RELAYING_ALWAYS, RELAYING_OFF };

struct relay_shared;
struct topology;

#define STORE_LEDGER_ID_SIZE 64
#define LEDGER_NONE          "none"
#define STORE_WHY_BEHIND     "the ledger is more than --ledger-max-lag events behind"
#define STORE_WHY_MEMORY     "Redis has used 90 % of its maxmemory"
#define STORE_WHY_FULL       "too many operations wait"

struct store_config {
    const char *redis_url; /* as address.h has it */
    /* Of this process, which asks for all of it through one; NULL: the store makes one. */
    struct topology *topology;
    unsigned partitions; /* 1..PARTITIONS_MAX */
    unsigned batch_max;  /* operations a transaction */
    unsigned lanes;      /* connections a partition */
    unsigned queue_max;  /* waiting operations a partition; past it: OUT_OVERLOADED,
                          * but for some that repeat what their key has recorded */
    unsigned tries_max;  /* transactions lost by one operation; past it: OUT_CONTENTION */
    int64_t request_timeout_ms;
    int64_t operation_retention_ms;
    int64_t reservation_retention_ms;
    int64_t max_hold_ms;
    int64_t event_retention_ms;
    int64_t ledger_max_lag; /* events that SQL may be behind; past it: OUT_OVERLOADED */
    bool ledger;            /* a ledger takes the events, and its process opens epochs */
    enum store_durability durability;
    enum store_turns turns;
    unsigned replicas; /* DURABILITY_REPLICATED: 1.. */
    enum store_relaying relaying;
    struct relay_shared *relay; /* NULL: this store commits by itself */
    unsigned worker;            /* its number in there */
};

/* What all processes of one service share (a shared mapping made by the master before it forks):
 * which store they serve, so that a Redis that comes back empty or as another one is noticed. */
struct store_shared {
    _Atomic bool starting;      /* the master says what is waited for: nobody else does */
    _Atomic uint64_t store_id;  /* 0: not opened yet */
    _Atomic int64_t epoch;      /* the highest that was seen open */
    _Atomic int64_t failovers;  /* epochs of all, where Redis may fail over; else 0 */
    _Atomic bool memory_high;   /* no new holds: 90 % of maxmemory are used */
    _Atomic bool ledger_behind; /* no new holds or sales: past ledger_max_lag */
    /* Of each partition: fewer than `replicas` of its Redis are online. */
    _Atomic bool replicas_short[PARTITIONS_MAX];
    _Atomic bool ledger_down;             /* the ledger process of this host can not reach SQL */
    _Atomic bool ledger_silent;           /* an event has waited for SQL longer than requests do */
    _Atomic bool state_lost;              /* SQL holds a past that Redis has not */
    _Atomic int64_t restores;             /* of the store, in its life */
    _Atomic bool ledger_known;            /* ledger_id is written, and never changes again */
    char ledger_id[STORE_LEDGER_ID_SIZE]; /* of the database that --ledger leads to */

    _Atomic int64_t keeper_round_ms; /* monotonic: when a keeper last did all that there was */
    _Atomic int64_t ledger_look_at_ms,
        ledger_lag_ms; /* wall clock: a keeper's last look; 0: none */
    /* Monotonic: SQL has all that was in Redis then, in every partition; 0: not seen yet. */
    _Atomic int64_t ledger_has_until_ms;

    /* While Redis reads its data: how far it is, and when (monotonic) to log it again. */
    _Atomic bool loading;
    _Atomic int64_t loading_bytes, loading_total_bytes, loading_eta_s, loading_say_ms;
};

/* "Redis is loading its data: 12.1 of 54.0 MB, about 3 s left" */
static inline void store_loading_text(const struct store_shared *shared, char *text, size_t size)
{
    snprintf(text, size, "Redis is loading its data: %.1f of %.1f MB, about %lld s left",
             (double)shared->loading_bytes / 1e6, (double)shared->loading_total_bytes / 1e6,
             (long long)shared->loading_eta_s);
}
