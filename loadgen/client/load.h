/* load.h -- what every client process knows: the plan, and the memory that all of them share.
 *
 * Layer: client. Made by the parent before the fork. The plan is only read; `shared` lies in an
 * anonymous shared mapping. Invariant: a client's place in its stream (seq, dice) is in shared
 * memory and moves on before a request is sent, so a process forked in the place of a dead one
 * never uses a key again.
 */
#pragma once

#include "client/arrival.h"
#include "client/target.h"
#include "client/workload.h"
#include "histogram.h"
#include "history/writer.h"

#include <stdatomic.h>

#define COUNTERS_HOT 8 /* items whose stock is shown: the first ones, the workload's hottest */

/* What a client process has counted so far, for the live view. Each writes only its own, anybody
 * reads. They outlive the process that filled them, so a killed worker takes no counts along, and
 * the one forked in its place goes on with the same numbers. */
struct counters {
    _Atomic uint64_t requests; /* sent, all attempts; a batch is one */
    _Atomic uint64_t started;  /* operations in them */
    _Atomic uint64_t finished; /* answered or given up */
    _Atomic uint64_t count[OUTCOMES][DETAILS];
    _Atomic uint32_t open;    /* connections */
    _Atomic uint32_t lives;   /* processes that filled it, one after the other */
    _Atomic uint32_t failure; /* errno that ended a worker, or 0 */
    _Atomic uint64_t version[COUNTERS_HOT];
    _Atomic int64_t left[COUNTERS_HOT]; /* available at that version */
    struct histogram response;          /* ns, from the planned send */
    struct histogram lag; /* ns, of arrivals: from the plan to the loop's look at it, whether or not
                             a client is free */
};

/* Only the owner adds, so a plain load and store will do: no locked instruction. */
static inline void counters_bump(_Atomic uint64_t *counter)
{
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + 1,
                          memory_order_relaxed);
}

/* Remembers what an answer said about an item, if it is one that is shown and the news is newer. */
static inline void counters_stock(struct counters *t, uint32_t item, uint64_t version, int64_t left)
{
    if (item >= COUNTERS_HOT ||
        version <= atomic_load_explicit(&t->version[item], memory_order_relaxed))
        return;
    atomic_store_explicit(&t->left[item], left, memory_order_relaxed);
    atomic_store_explicit(&t->version[item], version, memory_order_release);
}

/* One simulated client, for the length of the run. */
struct load_client {
    struct rng rng; /* from (seed, client) */
    uint32_t seq;   /* of its operation sent last */
    uint32_t spare;
};

struct load_shared {
    _Atomic uint64_t go_ns; /* CLOCK_MONOTONIC when the load begins; 0: not yet */
    _Atomic uint32_t stop;  /* no more new requests */
    struct counters counters[HISTORY_WORKERS_MAX];
    struct load_client client[]; /* plan.clients of them */
};

struct load {
    struct target target;
    struct workload workload;
    struct history *history;
    struct load_shared *shared;
    uint32_t workers;
    uint32_t clients;     /* connections, spread over the workers */
    uint64_t duration_ns; /* 0: until `requests` were sent */
    uint64_t requests;    /* 0: no limit */
    uint64_t grace_ns;    /* for requests in flight at the end */
    uint64_t timeout_ns;  /* of one request; then its connection is closed */
    uint64_t think_ns;
    uint64_t max_tasks;   /* operations that one process runs before it leaves; 0: no limit */
    uint64_t max_backlog; /* arrivals that may wait in one process */
    double dup, abort;    /* probabilities */
    bool keepalive;
    const struct arrival_stage *stages; /* open loop; none: closed */
    size_t stage_count;
    bool poisson;
    uint64_t seed;
};

/* Bytes of struct load_shared for so many clients. */
static inline size_t load_shared_bytes(uint32_t clients)
{
    return sizeof(struct load_shared) + clients * sizeof(struct load_client);
}

/* The clients of one worker are numbers first .. first + count - 1. */
static inline void load_clients_of(const struct load *load, uint32_t worker, uint32_t *first,
                                   uint32_t *count)
{
    uint32_t each = load->clients / load->workers, more = load->clients % load->workers;
    *first = worker * each + (worker < more ? worker : more);
    *count = each + (worker < more);
}

/* CLOCK_MONOTONIC in nanoseconds. */
uint64_t load_now_ns(void);

#define LOAD_KEY_MAX 48 /* bytes of an operation's Idempotency-Key */

/* Writes the key of an operation: run-client-seq. Returns its length. */
size_t load_key(char key[LOAD_KEY_MAX], const struct history_facts *facts, uint32_t client,
                uint32_t seq);

/* Writes the customer for whom a client reserves and buys, where workload.named asks for one. Its
 * length. */
size_t load_customer(char name[LOAD_KEY_MAX], const struct history_facts *facts, uint32_t client);

#define LOAD_METADATA_MAX 256

/* Writes the metadata of a reservation, where workload.named asks for some: a JSON object. Its
 * length. */
size_t load_metadata(char json[LOAD_METADATA_MAX], const struct history_facts *facts,
                     uint32_t client, uint32_t seq);

/* The number of an item whose sku this is, or -1 when it is none of this run's. */
int64_t load_item_of(const struct history_facts *facts, struct str sku);
