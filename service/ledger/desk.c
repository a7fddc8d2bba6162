#include "ledger/desk.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

/* A connection, and whether a question has it. A thread touches `db` while it is taken, the loop
 * never does before it is free again. */
struct desk_seat {
    struct db *db; /* NULL: not open */
    bool taken;
};

struct desk {
    uv_loop_t *loop;
    const char *url;
    struct desk_seat seats[DESK_CONNECTIONS];
    struct desk_question *first, *last; /* of those that wait */
    unsigned waiting, busy;
};

struct desk *desk_new(uv_loop_t *loop, const char *url)
{
    struct desk *desk = calloc(1, sizeof(*desk));
    if (!desk)
        return NULL;
    desk->loop = loop;
    desk->url = url;
    return desk;
}

/* --- in a thread of the pool ------------------------------------------------------------------ */

static enum db_result ask_on(struct desk_seat *seat, struct desk_question *q)
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
    struct desk_question *q = uv->data;
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

static struct desk_seat *free_seat(struct desk *desk)
{
    for (size_t i = 0; i < DESK_CONNECTIONS; i++)
        if (!desk->seats[i].taken)
            return &desk->seats[i];
    return NULL;
}

/* Gives free seats to those that wait. */
static void serve(struct desk *desk)
{
    struct desk_seat *seat;
    while (desk->first && (seat = free_seat(desk)) != NULL) {
        struct desk_question *q = desk->first;
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
    struct desk_question *q = uv->data;
    struct desk *desk = q->desk;
    assert(status == 0); /* nothing is ever cancelled once it has a seat */
    assert(desk->busy > 0);
    q->seat->taken = false;
    q->seat = NULL;
    desk->busy--;
    serve(desk);
    q->done(q);
}

bool desk_ask(struct desk *desk, struct desk_question *q)
{
    if (desk->waiting == DESK_WAITING_MAX)
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

bool desk_withdraw(struct desk_question *q)
{
    struct desk *desk = q->desk;
    struct desk_question *before = NULL, *at = desk->first;
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

bool desk_idle(const struct desk *desk)
{
    return desk->busy == 0 && !desk->first;
}

void desk_free(struct desk *desk)
{
    if (!desk)
        return;
    assert(desk_idle(desk));
    for (size_t i = 0; i < DESK_CONNECTIONS; i++)
        db_close(desk->seats[i].db);
    free(desk);
}
