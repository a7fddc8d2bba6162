/* stats.h -- counters and histograms of all processes of one service, in shared memory.
 *
 * Layer: common. The master makes the table before it forks; each process writes only its own
 * slot, and from one thread; any process renders the sum of all, so a scrape is the same whichever
 * worker answers. A slot outlives its process: counters never go back when a worker is restarted.
 */
#pragma once

#include "buf.h"

#include <stdint.h>

enum stats_counter {
    STATS_BATCHES,         /* transactions decided */
    STATS_BATCH_OPS,       /* operations in them */
    STATS_CONFLICTS,       /* EXEC nil */
    STATS_OP_RETRIES,      /* operations that went into another batch after a lost one */
    STATS_TURNS_MISSED,    /* turns waited for in vain */
    STATS_RELAYED,         /* operations that went to another worker's lane */
    STATS_UNKNOWN,         /* EXEC without an answer */
    STATS_OUTCOME_UNKNOWN, /* operations answered with 504 */
    STATS_REDIS_CONNECTS,
    STATS_REDIS_ERRORS,
    STATS_EXPIRED,    /* reservations expired */
    STATS_OVERLOADED, /* operations refused because the queue was full */
    STATS_CONTENTION, /* operations given up after too many lost tries */
    STATS_TRIMMED_RECORDS,
    STATS_POOL_RESTARTS,    /* children started again by the master */
    STATS_CONNECTIONS,      /* HTTP connections accepted */
    STATS_CONNECTIONS_SHED, /* idle ones closed to make room */
    STATS_LEDGER_COMMITS,
    STATS_LEDGER_ERRORS, /* of the database, and partitions closed by what did not follow */
    STATS_LEDGER_EVENTS, /* that were committed */
    STATS_COUNTERS
};

enum stats_gauge {
    STATS_QUEUE_DEPTH,       /* operations that wait; summed over processes */
    STATS_STREAM_LENGTH,     /* events in Redis; the keeper's */
    STATS_EXPIRY_LAG_MS,     /* how long the oldest due hold may be overdue */
    STATS_MEMORY_USED_BYTES, /* Redis */
    STATS_EPOCH,
    STATS_PARTITIONS_SHUT,   /* that cannot be written now, as the keeper sees it */
    STATS_HTTP_OPEN,         /* open HTTP connections */
    STATS_HTTP_MEMORY,       /* bytes of bodies and answers under way */
    STATS_LEDGER_LAG,        /* events that SQL does not have yet; the keeper's, as is the next */
    STATS_LEDGER_LAG_MS,     /* age of the oldest of them */
    STATS_LEDGER_LOOK_AT_MS, /* wall clock: when those two were seen; 0: there is no ledger */
    STATS_AUDIT_RESULT, /* of the last audit: 0 equal, 1 drift, 2 could not tell; -1: none yet */
    STATS_AUDIT_DRIFT,
    STATS_AUDIT_AT_MS,
    STATS_LOST_RUN_MAX,       /* transactions that one lane lost in a row; the largest of all */
    STATS_KEEPER_ROUND_AT_MS, /* wall clock: when the keeper last came to the end of a round */
    STATS_GAUGES
};

enum stats_histogram {
    STATS_BATCH_SIZE,   /* operations a batch */
    STATS_TRIES,        /* transactions an operation needed */
    STATS_QUEUE_US,     /* operation: submitted -> in a batch */
    STATS_REDIS_US,     /* operation: in a batch -> decided */
    STATS_TOTAL_US,     /* operation: submitted -> decided */
    STATS_TURN_US,      /* a lane: its turn asked for -> given */
    STATS_LEDGER_CHUNK, /* events a commit */
    STATS_HISTOGRAMS
};

#define STATS_ROUTES_MAX 24

/* How old a look at the ledger's backlog may be before it is not shown as the present any more:
 * then its age counts as lag, for it may be that, and how many events there are is not said. */
#define STATS_STALE_MS 5000

struct stats;

/* One slot a process. NULL: out of memory. route_names (static texts, in the order of the ids
 * given to stats_request) label the request metrics. */
struct stats *stats_new(unsigned slots, const char *const *route_names, unsigned routes);
void stats_free(struct stats *stats);

/* The slot that this process writes from now on. Before it, writing is a no-op. process (a static
 * text) labels what is shown of each process by itself. */
void stats_attach(struct stats *stats, unsigned slot, const char *process);

void stats_count(enum stats_counter counter, uint64_t n);
void stats_set(enum stats_gauge gauge, int64_t value);
void stats_add(enum stats_gauge gauge, int64_t delta);

/* Sets the gauge unless it is as large already. */
void stats_raise(enum stats_gauge gauge, int64_t value);

/* The sum of a gauge over all slots; of one that has a largest value, that. */
int64_t stats_gauge(const struct stats *stats, enum stats_gauge gauge);

void stats_observe(enum stats_histogram histogram, uint64_t value);

/* One answered HTTP request. status 100..599. */
void stats_request(unsigned route, unsigned status, uint64_t us);

/* Prometheus text format 0.0.4, the sum over all slots. */
void stats_render(const struct stats *stats, struct buf *out);
