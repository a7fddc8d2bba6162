#include "store/topology/topology_loop.h"
#include "store/redis/conn.h"
#include "store/topology/topology_ask.h"

#include <stdlib.h>

#define OUT_MAX_BYTES 4096

struct topology_loop {
    struct topology *topology;
    unsigned partitions;
    struct conn conn;
    uv_timer_t timer; /* the next question, or the end of the time for this one */
    bool asking;
    struct topology_question question;
    struct buf out;
};

static void on_timer(uv_timer_t *timer);

static int64_t now_of(const struct topology_loop *a)
{
    return (int64_t)uv_now(a->conn.loop);
}

static void wait_for_next(struct topology_loop *a)
{
    int64_t due_ms = topology_ask_due(a->topology) - now_of(a);
    uv_timer_start(&a->timer, on_timer, due_ms > 0 ? (uint64_t)due_ms : 0, 0);
}

static void on_replies(struct conn *conn, redisReply **replies, size_t count)
{
    struct topology_loop *a = conn->user;
    a->asking = false;
    (void)topology_take(a->topology, &a->question, replies, now_of(a));
    topology_say_moves(a->topology, a->partitions);
    conn_drop(conn, "");
    wait_for_next(a);
}

static void on_lost(struct conn *conn, bool busy)
{
    struct topology_loop *a = conn->user;
    if (!a->asking)
        return;
    a->asking = false;
    topology_unanswered(a->topology, &a->question, conn->error, now_of(a));
    wait_for_next(a);
}

static void send_question(struct topology_loop *a)
{
    buf_reset(&a->out);
    a->question = topology_ask(a->topology, now_of(a), &a->out);
    a->asking = true;
    uv_timer_start(&a->timer, on_timer, TOPOLOGY_QUESTION_MS, 0);
    if (conn_once(&a->conn, &a->question.at, &a->out, a->question.replies, on_replies) < 0)
        on_lost(&a->conn, false);
}

static void on_timer(uv_timer_t *timer)
{
    struct topology_loop *a = timer->data;
    if (a->asking)
        conn_drop(&a->conn, "no answer in time");
    else
        send_question(a);
}

static void on_doubt(void *user)
{
    struct topology_loop *a = user;
    if (!a->asking)
        wait_for_next(a);
}

struct topology_loop *topology_loop_new(uv_loop_t *loop, struct topology *topology,
                                        unsigned partitions)
{
    struct topology_loop *a = calloc(1, sizeof(*a));
    if (!a)
        return NULL;
    *a = (struct topology_loop){.topology = topology, .partitions = partitions};
    buf_init(&a->out, OUT_MAX_BYTES);
    conn_init_once(&a->conn, loop, topology);
    a->conn.user = a;
    a->conn.on_lost = on_lost;
    uv_timer_init(loop, &a->timer);
    a->timer.data = a;
    topology_on_doubt(topology, on_doubt, a);
    if (topology_address(topology)->kind != ADDRESS_ONE)
        send_question(a);
    return a;
}

static void on_closed(uv_handle_t *timer)
{
    struct topology_loop *a = timer->data;
    buf_free(&a->out);
    free(a);
}

/* libuv runs the close callbacks of one turn last closed first: the one that frees comes first. */
void topology_loop_close(struct topology_loop *asker)
{
    asker->asking = false;
    topology_on_doubt(asker->topology, NULL, NULL);
    uv_timer_stop(&asker->timer);
    uv_close((uv_handle_t *)&asker->timer, on_closed);
    conn_close(&asker->conn);
}

bool topology_loop_looks_up(const struct topology_loop *asker)
{
    return asker->conn.lookup;
}
