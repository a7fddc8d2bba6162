/* store.h -- stock in Redis: operations in, outcomes out.
 *
 * Layer: store; knows Redis, not HTTP. One store a process, on that process's libuv loop; nothing
 * here is thread-safe and nothing blocks.
 *
 * Ownership: a store_op or store_read belongs to the caller, who keeps it and everything that it
 * points to alive until `done` was called. `done` is called exactly once, never from inside
 * store_submit() or store_read_submit(), and what `out` points to is good only during that call.
 *
 * Invariant: an operation that was answered with success is in Redis (and with its client key, if
 * it had one) exactly once; one that was answered with a refusal or a 503 is not, and never will
 * be. OUT_UNKNOWN says that neither is sure yet.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "core/op.h"

#include <uv.h>

struct store;
struct batch;
struct lane;

/* Operations of one request that must take effect in the order in which they were submitted. */
struct store_chain {
    struct lane *lane; /* the lane that works on it, or NULL */
    unsigned flying;   /* operations that are in a batch or wait for another try */
};

struct store_op {
    struct op op;
    struct store_chain *chain; /* NULL: on its own */
    void (*done)(struct store_op *op);
    void *user;
    /* The store's own. */
    struct store_op *prev, *next;
    int64_t submitted_us, started_us;
    int64_t deadline_us; /* monotonic; past it the operation is not begun any more */
    unsigned tries;
    bool beyond;    /* it waits beyond queue_max: only as a repeat it is answered */
    uint64_t doubt; /* the store that an EXEC with it was sent to and never answered; 0: none */
};

enum store_read_kind { READ_ITEM, READ_ITEMS, READ_RESERVATION, READ_OPERATION };

struct store_listed {
    struct str sku;
    struct item item;
};

/* A plain read: one object (or one page of items), outside any transaction. */
struct store_read {
    enum store_read_kind kind;
    struct str sku;           /* READ_ITEM */
    struct rid rid;           /* READ_RESERVATION */
    struct str key;           /* READ_OPERATION: namespace and all */
    struct str prefix, after; /* READ_ITEMS: names that begin with prefix and sort behind after */
    unsigned limit;           /* READ_ITEMS: 1..LIST_MAX */
    void (*done)(struct store_read *read);
    void *user;
    /* The answer. OUT_OK; OUT_ITEM_NOT_FOUND, OUT_RESERVATION_NOT_FOUND; a 503 code. */
    struct outcome out;         /* item (READ_ITEM), resv (READ_RESERVATION) */
    enum op_kind recorded_kind; /* READ_OPERATION: out is the recorded outcome; OUT_NONE: none */
    const struct store_listed *items; /* READ_ITEMS */
    unsigned item_count;
    struct str last; /* READ_ITEMS: the last name looked at; the cursor of the next page */
    bool more;       /* READ_ITEMS: there are names behind it */
    /* The store's own. */
    struct store_read *next;
    int64_t deadline_us;
};

/* What an answer promises to survive; docs/durability.md. */
enum store_durability {
    DURABILITY_UNSET,
    DURABILITY_MEMORY,
    DURABILITY_EVERYSEC,
    DURABILITY_ALWAYS,
    DURABILITY_REPLICATED, /* answers wait for `replicas` copies */
    DURABILITY_LEDGER,     /* answers wait for SQL */
};

#define STORE_LEDGER_ID_SIZE 64
#define LEDGER_NONE          "none"
#define STORE_WHY_BEHIND     "the ledger is more than --ledger-max-lag events behind"
#define STORE_WHY_MEMORY     "Redis has used 90 % of its maxmemory"
#define STORE_WHY_FULL       "too many operations wait"

struct store_config {
    const char *redis_url; /* redis://[user:pass@]host:port[/db] or unix:/path.sock */
    unsigned partitions;   /* 1..PARTITIONS_MAX */
    unsigned batch_max;    /* operations a transaction */
    unsigned lanes;        /* connections a partition */
    unsigned queue_max;    /* waiting operations a partition; past it: OUT_OVERLOADED,
                            * but for some that repeat what their key has recorded */
    unsigned tries_max;    /* transactions lost by one operation; past it: OUT_CONTENTION */
    int64_t request_timeout_ms;
    int64_t operation_retention_ms;
    int64_t reservation_retention_ms;
    int64_t max_hold_ms;
    int64_t event_retention_ms;
    int64_t ledger_max_lag; /* events that SQL may be behind; past it: OUT_OVERLOADED */
    bool ledger;            /* a ledger takes the events, and its process opens epochs */
    enum store_durability durability;
    unsigned replicas; /* DURABILITY_REPLICATED: 1.. */
};

/* What all processes of one service share (a shared mapping made by the master before it forks):
 * which store they serve, so that a Redis that comes back empty or as another one is noticed. */
struct store_shared {
    _Atomic uint64_t store_id;            /* 0: not opened yet */
    _Atomic int64_t epoch;                /* the highest that was seen open */
    _Atomic bool memory_high;             /* no new holds: 90 % of maxmemory are used */
    _Atomic bool ledger_behind;           /* no new holds or sales: past ledger_max_lag */
    _Atomic bool replicas_short;          /* fewer than `replicas` are online */
    _Atomic bool ledger_down;             /* the ledger process of this host can not reach SQL */
    _Atomic bool ledger_silent;           /* an event has waited for SQL longer than requests do */
    _Atomic bool state_lost;              /* SQL holds a past that Redis has not */
    _Atomic int64_t restores;             /* of the store, in its life */
    _Atomic bool ledger_known;            /* ledger_id is written, and never changes again */
    char ledger_id[STORE_LEDGER_ID_SIZE]; /* of the database that --ledger leads to */
    _Atomic uint64_t turns[PARTITIONS_MAX]; /* striped, tried, never waited for: who commits now */

    _Atomic int64_t keeper_round_ms; /* monotonic: when a keeper last did all that there was */
    _Atomic int64_t ledger_look_at_ms,
        ledger_lag_ms; /* wall clock: a keeper's last look; 0: none */

    /* While Redis reads its data: how far it is, and when (monotonic) to log it again. */
    _Atomic bool loading;
    _Atomic int64_t loading_bytes, loading_total_bytes, loading_eta_s, loading_say_ms;
};

/* Makes the store and begins to connect; NULL: out of memory or a wrong URL (said in err). The
 * config's strings must outlive the store. */
struct store *store_new(uv_loop_t *loop, const struct store_config *config,
                        struct store_shared *shared, char *err, size_t err_size);

/* Closes every connection. No operation may be waiting: see store_idle(). The memory is freed
 * when the loop has closed the handles. */
void store_free(struct store *store);

/* Hands an operation over. op->op.partition must be set (store_route). */
void store_submit(struct store *store, struct store_op *op);
void store_read_submit(struct store *store, struct store_read *read);

/* Starts what waits: to be called once a loop turn, after the requests of that turn were handed
 * over, so that they share a batch. */
void store_pump(struct store *store);

/* True when nothing waits and nothing flies. */
bool store_idle(const struct store *store);

/* True if store_free() comes to its end by itself: the store is idle, and no host name is being
 * looked up, which nobody can end. */
bool store_can_close(const struct store *store);

/* NULL if a reservation could be taken now, in one partition at least, else the reason why not,
 * good until the loop goes on; *code is then what a reservation would be answered with. */
const char *store_not_ready(const struct store *store, enum outcome_code *code);

/* The first partition from *partition on that can not be written, as it was seen last: sets
 * *partition and *why, good until the loop goes on. False: there is none. */
bool store_next_shut(const struct store *store, unsigned *partition, const char **why);

/* "Redis is loading its data: 12.1 of 54.0 MB, about 3 s left" */
void store_loading_text(const struct store_shared *shared, char *text, size_t size);

/* How often the store was restored from its ledger: versions have jumped as often. */
int64_t store_restores(const struct store *store);

/* Sets the partition of an operation; OUT_CROSS_PARTITION if its items lie in several,
 * OUT_RESERVATION_NOT_FOUND if its reservation names a partition that is not, else OUT_NONE. */
enum outcome_code store_route(const struct store *store, struct op *op)
    __attribute__((warn_unused_result));

/* The partition that an item lies in. */
uint16_t store_partition(unsigned partitions, struct str sku);

#endif
