#include "store/redis/conn.h"
#include "log.h"
#include "random.h"
#include "stats.h"
#include "store/redis/reply.h"
#include "store/redis/resp.h"
#include "store/redis/wire.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define OUT_MAX_BYTES    (64u << 20)
#define READ_BYTES       (256 * 1024)
#define BACKOFF_FIRST_MS 20
#define BACKOFF_LAST_MS  500
#define ROLE_TIMEOUT_MS  5000
#define WHY_DEMOTED      "this Redis is not the master any more"
#define WHY_ANEW         "this Redis was promoted anew"

static void on_poll(uv_poll_t *poll, int status, int events);
static void on_timer(uv_timer_t *timer);

void conn_set_timer(struct conn *conn, uint64_t ms)
{
    uv_timer_start(&conn->timer, on_timer, conn->elsewhere ? 0 : ms, 0);
}

static void free_handle(uv_handle_t *handle)
{
    free(handle);
}

/* From the loop, like all that drops a connection, not from in here. One that waits for its next
 * try has a reason not to wait any longer. */
static void on_topology(struct topology_watch *watch)
{
    struct conn *conn = (struct conn *)((char *)watch - offsetof(struct conn, watch));
    struct endpoint now;
    bool opened = conn->state != CONN_DOWN || uv_is_active((uv_handle_t *)&conn->timer);
    if (!opened || !topology_find(conn->topology, conn->partition, &now) ||
        endpoint_same(&now, &conn->at))
        return;
    conn->elsewhere = true;
    conn_set_timer(conn, 0);
}

void conn_init(struct conn *conn, uv_loop_t *loop, struct topology *topology, unsigned partition)
{
    *conn = (struct conn){
        .loop = loop, .topology = topology, .watch.changed = on_topology, .partition = partition};
    topology_watch(topology, &conn->watch);
    buf_init(&conn->out, OUT_MAX_BYTES);
    uv_timer_init(loop, &conn->timer);
    conn->timer.data = conn;
}

void conn_init_once(struct conn *conn, uv_loop_t *loop, struct topology *topology)
{
    *conn = (struct conn){.loop = loop, .topology = topology, .once = true};
    buf_init(&conn->out, OUT_MAX_BYTES);
    uv_timer_init(loop, &conn->timer);
    conn->timer.data = conn;
}

/* --- going down ------------------------------------------------------------------------------- */

static void drop_replies(struct conn *conn)
{
    for (size_t i = 0; i < conn->received; i++)
        freeReplyObject(conn->replies[i]);
    conn->received = conn->expected = 0;
}

static void release(struct conn *conn)
{
    if (conn->poll) {
        uv_poll_stop(conn->poll);
        uv_close((uv_handle_t *)conn->poll, free_handle);
        conn->poll = NULL;
    }
    tls_free(conn->tls);
    conn->tls = NULL;
    redisFree(conn->context);
    conn->context = NULL;
    drop_replies(conn);
    buf_reset(&conn->out);
    conn->out_sent = 0;
    conn->role_behind = conn->role_first = conn->elsewhere = false;
    conn->aside = 0;
}

/* Full jitter: hosts that lost the same Redis do not come back in step. */
static uint64_t backoff_ms(const struct conn *conn)
{
    unsigned shift = conn->failures < 6 ? conn->failures : 6;
    uint64_t most = (uint64_t)BACKOFF_FIRST_MS << shift;
    uint64_t random;
    random_bytes(&random, sizeof(random));
    return 5 + random % (most < BACKOFF_LAST_MS ? most : BACKOFF_LAST_MS);
}

void conn_drop(struct conn *conn, const char *why)
{
    static struct log_gate gate;
    bool busy = conn->state == CONN_BUSY;
    bool was_up = busy || conn->state == CONN_READY;
    if (conn->state == CONN_DOWN)
        return;
    snprintf(conn->error, sizeof(conn->error), "%s", why);
    release(conn);
    conn->state = CONN_DOWN;
    if (conn->once) {
        uv_timer_stop(&conn->timer);
        conn->on_lost(conn, busy);
        return;
    }
    stats_count(STATS_REDIS_ERRORS, 1);
    bool was_made = conn->at.host[0] != '\0'; /* else nobody has said yet where to */
    if (was_made && log_allowed(&gate, (int64_t)uv_now(conn->loop)))
        log_event(LOG_WARN, "redis connection lost", LOG_STR("why", conn->error),
                  LOG_STR("host", conn->at.host), LOG_INT("port", conn->at.port));
    topology_doubt(conn->topology, conn->partition);
    conn_set_timer(conn, backoff_ms(conn));
    if (!was_up)
        conn->failures++;
    conn->on_lost(conn, busy);
}

void conn_close(struct conn *conn)
{
    if (conn->closing)
        return;
    conn->closing = true;
    if (!conn->once)
        topology_unwatch(&conn->watch);
    lookup_let_go(conn->lookup);
    conn->lookup = NULL;
    release(conn);
    conn->state = CONN_DOWN;
    uv_timer_stop(&conn->timer);
    uv_close((uv_handle_t *)&conn->timer, NULL);
    buf_free(&conn->out);
    free(conn->replies);
    conn->replies = NULL;
}

/* --- the role --------------------------------------------------------------------------------- */

void conn_doubt(struct conn *conn)
{
    conn->role_due_ms = 0;
}

/* NULL, or why this connection has outlived its promotion (rule FRESH, docs/model). An error tells
 * nothing: Redis may be busy. */
static const char *tells_over(const struct conn *conn, const redisReply *info)
{
    char role[CONN_ID_SIZE], replid[CONN_ID_SIZE];
    if (!reply_info(info, "role", role, sizeof(role)) ||
        !reply_info(info, "master_replid", replid, sizeof(replid)))
        return NULL;
    if (strcmp(role, "master") != 0)
        return WHY_DEMOTED;
    return strcmp(replid, conn->replid) != 0 ? WHY_ANEW : NULL;
}

/* Of a connection that has nothing else to do. Redis has read all that was sent before, so these
 * few bytes find room, or the connection is broken. */
static void ask_role(struct conn *conn)
{
    static const char command[] = "*2\r\n$4\r\nINFO\r\n$11\r\nreplication\r\n";
    const ssize_t bytes = sizeof(command) - 1;
    conn->role_due_ms = uv_now(conn->loop) + CONN_ROLE_MS;
    if (wire_write(conn->context->fd, conn->tls, command, (size_t)bytes) != bytes) {
        conn_drop(conn, "Redis takes no more commands");
        return;
    }
    conn->role_first = true;
    conn_set_timer(conn, ROLE_TIMEOUT_MS);
}

void conn_send_aside(struct conn *conn, const struct buf *out, size_t replies)
{
    assert(conn->state == CONN_READY);
    if (out->failed || wire_write(conn->context->fd, conn->tls, out->p, out->n) != (ssize_t)out->n)
        shutdown(conn->context->fd, SHUT_RDWR); /* nothing may follow a part of a command */
    conn->aside += replies;
    conn_set_timer(conn, ROLE_TIMEOUT_MS);
}

/* Behind what the exchange asks. */
static size_t add_role(struct conn *conn)
{
    conn->role_behind = !conn->role_first && uv_now(conn->loop) >= conn->role_due_ms;
    if (!conn->role_behind)
        return 0;
    conn->role_due_ms = uv_now(conn->loop) + CONN_ROLE_MS;
    resp_words(&conn->out, 2, "INFO", "replication");
    return 1;
}

static void on_timer(uv_timer_t *timer)
{
    struct conn *conn = timer->data;
    if (conn->state == CONN_DOWN)
        conn_open(conn);
    else if (conn->elsewhere)
        conn_drop(conn, "the partition is written to elsewhere now");
    else if (conn->state == CONN_READY && !conn->role_first && conn->aside == 0)
        ask_role(conn);
    else
        conn_drop(conn, conn->state == CONN_RESOLVING    ? "the look-up of the host took too long"
                        : conn->state == CONN_CONNECTING ? "connecting took too long"
                        : conn->state == CONN_SECURING   ? TLS_WHY_LATE
                                                         : "Redis did not answer in time");
}

/* --- sending and receiving -------------------------------------------------------------------- */

void conn_watch(struct conn *conn, int events)
{
    if (conn->poll_events == events)
        return;
    conn->poll_events = events;
    if (uv_poll_start(conn->poll, events, on_poll) != 0)
        abort(); /* the handle is ours and active: cannot fail */
}

/* A read waits for the socket to take bytes where TLS has something to say first. */
static void watch_bytes(struct conn *conn)
{
    bool write = conn->out_sent < conn->out.n || (conn->tls && conn->tls->wants_write);
    conn_watch(conn, UV_READABLE | (write ? UV_WRITABLE : 0));
}

/* 0, or -errno. */
static int flush(struct conn *conn)
{
    while (conn->out_sent < conn->out.n) {
        ssize_t n = wire_write(conn->context->fd, conn->tls, conn->out.p + conn->out_sent,
                               conn->out.n - conn->out_sent);
        if (n == -EAGAIN)
            break;
        if (n < 0)
            return (int)n;
        conn->out_sent += (size_t)n;
    }
    watch_bytes(conn);
    return 0;
}

struct buf *conn_begin(struct conn *conn)
{
    assert(conn->state == CONN_READY);
    buf_reset(&conn->out);
    conn->out_sent = 0;
    return &conn->out;
}

static int expect(struct conn *conn, size_t replies)
{
    if (replies > conn->replies_cap) {
        redisReply **grown = realloc(conn->replies, replies * sizeof(redisReply *));
        if (!grown)
            return -ENOMEM;
        conn->replies = grown;
        conn->replies_cap = replies;
    }
    conn->expected = replies;
    conn->received = 0;
    return 0;
}

int conn_request(struct conn *conn, enum conn_state state, size_t replies, int64_t timeout_ms,
                 conn_reply_fn *on_replies)
{
    assert(replies > 0);
    if (conn->out.failed || expect(conn, replies) < 0)
        return -ENOMEM;
    conn->state = state;
    conn->on_replies = on_replies;
    conn_set_timer(conn, (uint64_t)timeout_ms);
    if (flush(conn) < 0)
        conn_set_timer(conn, 0); /* said from the loop, not from in here */
    return 0;
}

int conn_exchange(struct conn *conn, size_t replies, int64_t timeout_ms, conn_reply_fn *on_replies)
{
    assert(conn->state == CONN_READY);
    replies += add_role(conn);
    return conn_request(conn, CONN_BUSY, replies, timeout_ms, on_replies);
}

/* The role at the end is ours: the exchange is without it. False: there is no connection left. */
static bool take_role(struct conn *conn)
{
    if (!conn->role_behind)
        return true;
    conn->role_behind = false;
    const char *over = tells_over(conn, conn->replies[conn->received - 1]);
    if (over) {
        conn_drop(conn, over); /* whatever the other answers were: they are not the store's */
        return false;
    }
    freeReplyObject(conn->replies[--conn->received]);
    conn->expected--;
    return true;
}

/* All replies are there: hands them over and frees them. The callback may begin a new exchange. */
static void hand_over_replies(struct conn *conn)
{
    if (!take_role(conn))
        return;
    size_t count = conn->expected;
    redisReply **replies = conn->replies;
    conn->replies = NULL;
    size_t cap = conn->replies_cap;
    conn->replies_cap = 0;
    conn->received = conn->expected = 0;
    uv_timer_stop(&conn->timer);
    if (conn->state == CONN_BUSY)
        conn->state = CONN_READY;
    conn->on_replies(conn, replies, count);
    for (size_t i = 0; i < count; i++)
        freeReplyObject(replies[i]);
    if (conn->replies || conn->closing) {
        free(replies);
    } else {
        conn->replies = replies;
        conn->replies_cap = cap;
    }
    if (conn->state == CONN_READY && !conn->closing)
        conn_set_timer(conn, conn->aside > 0 ? ROLE_TIMEOUT_MS : CONN_ROLE_MS);
}

/* The answer to ask_role(). NULL, or what is wrong. */
static const char *take_first(struct conn *conn, redisReply *role)
{
    const char *over = tells_over(conn, role);
    freeReplyObject(role);
    conn->role_first = false;
    if (conn->state == CONN_READY)
        conn_set_timer(conn, CONN_ROLE_MS);
    return over;
}

/* The next of the replies that nobody waits for: an error is no matter of this connection. */
static void take_aside(struct conn *conn, redisReply *reply)
{
    freeReplyObject(reply);
    if (--conn->aside == 0 && conn->state == CONN_READY)
        conn_set_timer(conn, CONN_ROLE_MS);
}

/* Takes complete replies out of the reader. NULL, or what is wrong. */
static const char *take_replies(struct conn *conn)
{
    const char *wrong = NULL;
    while (!wrong && (conn->role_first || conn->aside > 0 || conn->received < conn->expected)) {
        void *reply = NULL;
        if (redisReaderGetReply(conn->context->reader, &reply) != REDIS_OK)
            return "Redis sent what is not RESP";
        if (!reply)
            return NULL;
        if (conn->role_first)
            wrong = take_first(conn, reply);
        else if (conn->aside > 0)
            take_aside(conn, reply);
        else
            conn->replies[conn->received++] = reply;
    }
    return wrong;
}

static void receive(struct conn *conn)
{
    static char bytes[READ_BYTES];
    ssize_t n = wire_read(conn->context->fd, conn->tls, bytes, sizeof(bytes));
    if (n == -EAGAIN)
        return;
    if (n <= 0) {
        conn_drop(conn, n == 0 ? "Redis closed the connection" : wire_why(conn->tls, n));
        return;
    }
    if (conn->expected == 0 && !conn->role_first && conn->aside == 0) {
        conn_drop(conn, "Redis spoke without being asked");
        return;
    }
    const char *wrong = redisReaderFeed(conn->context->reader, bytes, (size_t)n) == REDIS_OK
                            ? take_replies(conn)
                            : "out of memory";
    if (wrong)
        conn_drop(conn, wrong);
    else if (conn->expected > 0 && conn->received == conn->expected)
        hand_over_replies(conn);
}

/* With TLS the socket does not show all that there is to read. */
static void receive_all(struct conn *conn, const uv_poll_t *poll)
{
    do
        receive(conn);
    while (conn->poll == poll && conn->tls->more);
    if (conn->poll == poll)
        watch_bytes(conn);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct conn *conn = poll->data;
    if (conn->poll != poll)
        return;
    if (conn->state == CONN_CONNECTING) {
        conn_connected(conn, status);
        return;
    }
    if (conn->state == CONN_SECURING) {
        conn_secure(conn); /* where something is wrong with the socket, this says what */
        return;
    }
    if (status < 0) {
        conn_drop(conn, conn_socket_why(conn, status));
        return;
    }
    if ((events & UV_WRITABLE) && conn->out_sent < conn->out.n) {
        int rc = flush(conn);
        if (rc < 0) {
            conn_drop(conn, wire_why(conn->tls, rc));
            return;
        }
    }
    if (conn->tls)
        receive_all(conn, poll);
    else if (events & UV_READABLE)
        receive(conn);
}
