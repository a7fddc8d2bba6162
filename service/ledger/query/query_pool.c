#include "ledger/query/query_pool.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

/* A connection, and whether a question has it. A thread touches `db` while it is taken, the loop
 * never does before it is free again. */
struct desk_seat {
    struct db *db; /* NULL: not open */
    bool taken;
};

struct query_pool {
    uv_loop_t *loop;
    const char *url;
    struct desk_seat seats[QUERY_POOL_CONNECTIONS];
    struct query *first, *last; /* of those that wait */
    unsigned waiting, busy;
};

struct query_pool *query_pool_new(uv_loop_t *loop, const char *url)
{
    struct query_pool *desk = calloc(1, sizeof(*desk));
    if (!desk)
        return NULL;
    desk->loop = loop;
    desk->url = url;
    return desk;
}

/* --- in a thread of the pool ------------------------------------------------------------------ */

static enum db_result ask_on(struct desk_seat *seat, struct query *q)
{
    enum db_result result = db_begin_read(seat->db);
    if (result == DB_OK)
        result = q->ask(q, seat->db);
    if (result != DB_OK)
        snprintf(q->why, sizeof(q->why), "%s", db_why(seat->db));
    db_rollback(seat->db);
    return result;
}

static void work(uv_work_t *uv)
{
    struct query *q = uv->data;
    struct desk_seat *seat = q->seat;
    q->why[0] = '\0';
    q->result = seat->db ? DB_OK : db_open(&seat->db, q->desk->url, q->why, sizeof(q->why));
    if (q->result != DB_OK)
        return;
    q->result = ask_on(seat, q);
    if (q->result != DB_OK) {
        /* Whatever was wrong with it, a file that was replaced included, the next one is new. */
        db_close(seat->db);
        seat->db = NULL;
    }
}

/* --- on the loop ------------------------------------------------------------------------------ */

static void on_worked(uv_work_t *uv, int status);

static struct desk_seat *free_seat(struct query_pool *desk)
{
    for (size_t i = 0; i < QUERY_POOL_CONNECTIONS; i++)
        if (!desk->seats[i].taken)
            return &desk->seats[i];
    return NULL;
}

/* Gives free seats to those that wait. */
static void serve(struct query_pool *desk)
{
    struct desk_seat *seat;
    while (desk->first && (seat = free_seat(desk)) != NULL) {
        struct query *q = desk->first;
        desk->first = q->next;
        if (!desk->first)
            desk->last = NULL;
        desk->waiting--;
        q->next = NULL;
        q->seat = seat;
        q->work.data = q;
        seat->taken = true;
        desk->busy++;
        int queued = uv_queue_work(desk->loop, &q->work, work, on_worked);
        assert(queued == 0); /* it only refuses to work without a function */
    }
}

static void on_worked(uv_work_t *uv, int status)
{
    struct query *q = uv->data;
    struct query_pool *desk = q->desk;
    assert(status == 0); /* nothing is ever cancelled once it has a seat */
    assert(desk->busy > 0);
    q->seat->taken = false;
    q->seat = NULL;
    desk->busy--;
    serve(desk);
    q->done(q);
}

bool query_pool_ask(struct query_pool *desk, struct query *q)
{
    if (desk->waiting == QUERY_POOL_WAITING_MAX)
        return false;
    q->desk = desk;
    q->next = NULL;
    q->seat = NULL;
    if (desk->last)
        desk->last->next = q;
    else
        desk->first = q;
    desk->last = q;
    desk->waiting++;
    serve(desk);
    return true;
}

bool query_pool_withdraw(struct query *q)
{
    struct query_pool *desk = q->desk;
    struct query *before = NULL, *at = desk->first;
    while (at && at != q) {
        before = at;
        at = at->next;
    }
    if (!at)
        return false;
    if (before)
        before->next = q->next;
    else
        desk->first = q->next;
    if (desk->last == q)
        desk->last = before;
    desk->waiting--;
    return true;
}

bool query_pool_idle(const struct query_pool *desk)
{
    return desk->busy == 0 && !desk->first;
}

void query_pool_free(struct query_pool *desk)
{
    if (!desk)
        return;
    assert(query_pool_idle(desk));
    for (size_t i = 0; i < QUERY_POOL_CONNECTIONS; i++)
        db_close(desk->seats[i].db);
    free(desk);
}
