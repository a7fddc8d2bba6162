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
#pragma once

#include "store/store_config.h"
#include "store/store_op.h"

#include <uv.h>

struct store;

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

/* The process is about to end: it takes nothing over from other workers any more. */
void store_drain(struct store *store);

/* True when nothing waits and nothing flies. */
bool store_idle(const struct store *store);

/* True if store_free() comes to its end by itself: the store is idle, and no host name is being
 * looked up, which nobody can end. */
bool store_can_close(const struct store *store);

/* NULL if a reservation could be taken now, in one partition at least, else the reason why not,
 * good until the loop goes on; *code is then what a reservation would be answered with. */
const char *store_not_ready(const struct store *store, enum outcome_code *code);

/* True once every Redis that partitions lie in has been reached and looked at, or is away, and one
 * is not: a request is answered for what Redis holds from now on. */
bool store_connected(const struct store *store);

/* The first partition from *partition on that can not be written, as it was seen last: sets
 * *partition and *why, good until the loop goes on. False: there is none. */
bool store_next_shut(const struct store *store, unsigned *partition, const char **why);

/* The level of durability that answers wait for, as --durability names it. */
const char *store_durability(const struct store *store);

/* Epochs of all partitions, added up: it grows with each failover. 0 where Redis has none. */
int64_t store_failovers(const struct store *store);

/* How often the store was restored from its ledger: versions have jumped as often. */
int64_t store_restores(const struct store *store);

/* Sets the partition of an operation; OUT_CROSS_PARTITION if its items lie in several,
 * OUT_RESERVATION_NOT_FOUND if its reservation names a partition that is not, else OUT_NONE. */
enum outcome_code store_route(const struct store *store, struct op *op) MUST_CHECK;
