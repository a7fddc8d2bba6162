#include "ledger/query/query_pool.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

/* A connection, and whether a question has it. A thread touches `db` while it is taken, the loop
 * never does before it is free again. */
struct pool_connection {
    struct db *db; /* NULL: not open */
    bool taken;
};

struct query_pool {
    uv_loop_t *loop;
    const char *url;
    struct pool_connection connections[QUERY_POOL_CONNECTIONS];
    STAILQ_HEAD(, query) queries; /* that wait */
    unsigned waiting, busy;
};

struct query_pool *query_pool_new(uv_loop_t *loop, const char *url)
{
    struct query_pool *pool = calloc(1, sizeof(*pool));
    if (!pool)
        return NULL;
    pool->loop = loop;
    pool->url = url;
    STAILQ_INIT(&pool->queries);
    return pool;
}

/* --- in a thread of the pool ------------------------------------------------------------------ */

static enum db_result ask_on(struct pool_connection *connection, struct query *q)
{
    enum db_result result = db_begin_read(connection->db);
    if (result == DB_OK)
        result = q->ask(q, connection->db);
    if (result != DB_OK)
        snprintf(q->why, sizeof(q->why), "%s", db_why(connection->db));
    db_rollback(connection->db);
    return result;
}

static void work(uv_work_t *uv)
{
    struct query *q = uv->data;
    struct pool_connection *connection = q->connection;
    q->why[0] = '\0';
    q->result =
        connection->db ? DB_OK : db_open(&connection->db, q->pool->url, q->why, sizeof(q->why));
    if (q->result != DB_OK)
        return;
    q->result = ask_on(connection, q);
    if (q->result != DB_OK) {
        /* Whatever was wrong with it, a file that was replaced included, the next one is new. */
        db_close(connection->db);
        connection->db = NULL;
    }
}

/* --- on the loop ------------------------------------------------------------------------------ */

static void on_worked(uv_work_t *uv, int status);

static struct pool_connection *free_connection(struct query_pool *pool)
{
    for (size_t i = 0; i < QUERY_POOL_CONNECTIONS; i++)
        if (!pool->connections[i].taken)
            return &pool->connections[i];
    return NULL;
}

/* Gives free connections to those that wait. */
static void serve_queries(struct query_pool *pool)
{
    struct pool_connection *connection;
    while (pool->waiting > 0 && (connection = free_connection(pool)) != NULL) {
        struct query *q = STAILQ_FIRST(&pool->queries);
        STAILQ_REMOVE_HEAD(&pool->queries, link);
        pool->waiting--;
        q->connection = connection;
        q->work.data = q;
        connection->taken = true;
        pool->busy++;
        int queued = uv_queue_work(pool->loop, &q->work, work, on_worked);
        assert(queued == 0); /* it only refuses to work without a function */
    }
}

static void on_worked(uv_work_t *uv, int status)
{
    struct query *q = uv->data;
    struct query_pool *pool = q->pool;
    assert(status == 0); /* nothing is ever cancelled once it has a connection */
    assert(pool->busy > 0);
    q->connection->taken = false;
    q->connection = NULL;
    pool->busy--;
    serve_queries(pool);
    q->done(q);
}

bool query_pool_ask(struct query_pool *pool, struct query *q)
{
    if (pool->waiting == QUERY_POOL_WAITING_MAX)
        return false;
    q->pool = pool;
    q->connection = NULL;
    STAILQ_INSERT_TAIL(&pool->queries, q, link);
    pool->waiting++;
    serve_queries(pool);
    return true;
}

bool query_pool_withdraw(struct query *q)
{
    if (q->connection)
        return false;
    STAILQ_REMOVE(&q->pool->queries, q, query, link);
    q->pool->waiting--;
    return true;
}

bool query_pool_idle(const struct query_pool *pool)
{
    return pool->busy == 0 && pool->waiting == 0;
}

void query_pool_free(struct query_pool *pool)
{
    if (!pool)
        return;
    assert(query_pool_idle(pool));
    for (size_t i = 0; i < QUERY_POOL_CONNECTIONS; i++)
        db_close(pool->connections[i].db);
    free(pool);
}
