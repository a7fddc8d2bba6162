/* query_pool.h -- questions to the ledger's database that do not block the loop that asks.
 *
 * Layer: ledger. It belongs to one libuv loop and has a few connections, opened when they are
 * first needed. A question is asked in a thread of libuv's pool and answered on the loop.
 *
 * Ownership: a question belongs to the caller, who keeps it alive until `done` was called, which is
 * exactly once and never from inside query_pool_ask(), or until it was taken back. `ask` runs in
 * another thread: it touches nothing but its question and the connection that it is given, and it
 * does not log.
 *
 * Invariant: as many questions are under way as there are connections, at the most; others wait in
 * the order in which they came, and past QUERY_POOL_WAITING_MAX none is taken.
 */
#pragma once

#include "ledger/db.h"

#include <sys/queue.h>
#include <uv.h>

#define QUERY_POOL_CONNECTIONS 2
#define QUERY_POOL_WAITING_MAX 256

struct query_pool;

struct query {
    /* The caller's. ask() is called inside a transaction that reads (db_begin_read), which is
     * rolled back behind it. */
    enum db_result (*ask)(struct query *question, struct db *db);
    void (*done)(struct query *question);
    /* The answer: what ask() said, or why it was never called. */
    enum db_result result;
    char why[DB_WHY_SIZE]; /* for all but DB_OK */
    /* The pool's own. */
    struct query_pool *pool;
    STAILQ_ENTRY(query) link;
    uv_work_t work;
    struct pool_connection *connection; /* NULL while it waits */
};

/* NULL: out of memory. `url` must outlive the pool. Opens nothing yet. */
struct query_pool *query_pool_new(uv_loop_t *loop, const char *url);

/* False: too many wait already, and `done` will not be called. */
bool query_pool_ask(struct query_pool *pool, struct query *question) MUST_CHECK;

/* Takes back a question that still waits: `done` will not be called. False: it is under way, and
 * `done` will be. */
bool query_pool_withdraw(struct query *question) MUST_CHECK;

/* True when nothing is under way and nothing waits. */
bool query_pool_idle(const struct query_pool *pool);

/* Closes the connections. Must be idle. NULL is fine. */
void query_pool_free(struct query_pool *pool);
