/* conn_open.c -- a connection's way from DOWN to READY: the look-up, the socket, the greeting. */
#include "stats.h"
#include "store/redis/conn.h"
#include "store/redis/reply.h"
#include "store/redis/resp.h"
#include "store/redis/wire.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#define CONNECT_TIMEOUT_MS 2000

/* --- the greeting ----------------------------------------------------------------------------- */

static const char *check_greeting(struct conn *conn, redisReply **replies, size_t count)
{
    char text[64];
    int major = 0, minor = 0, patch = 0;
    const redisReply *error = reply_first_error(replies, count);
    if (error)
        return error->str;
    const redisReply *replication = replies[count - 2], *info = replies[count - 1];
    if (!reply_info(replication, "role", text, sizeof(text)) ||
        !reply_info(replication, "master_replid", conn->replid, sizeof(conn->replid)))
        return "Redis gave no role";
    if (strcmp(text, "master") != 0)
        return "this Redis is not a master";
    if (!reply_info(info, "run_id", conn->run_id, sizeof(conn->run_id)) ||
        !reply_info(info, "redis_version", text, sizeof(text)))
        return "Redis gave no run_id";
    if (sscanf(text, "%d.%d.%d", &major, &minor, &patch) < 2 || major < 7)
        return "Redis 7.0 or newer is needed";
    conn->version = major * 10000 + minor * 100 + patch;
    return NULL;
}

static void on_greeting(struct conn *conn, redisReply **replies, size_t count)
{
    const char *wrong = check_greeting(conn, replies, count);
    if (wrong) {
        conn_drop(conn, wrong);
        return;
    }
    conn->state = CONN_READY;
    conn->role_due_ms = uv_now(conn->loop) + CONN_ROLE_MS;
    conn->failures = 0;
    conn->error[0] = '\0';
    stats_count(STATS_REDIS_CONNECTS, 1);
    conn->on_ready(conn);
}

/* What is to be sent was written before. */
static void begin_once(struct conn *conn)
{
    if (conn_request(conn, CONN_BUSY, conn->once_replies, CONNECT_TIMEOUT_MS, conn->on_replies) < 0)
        conn_drop(conn, "out of memory");
}

static void greet(struct conn *conn)
{
    if (conn->once) {
        begin_once(conn);
        return;
    }
    const struct address *a = topology_address(conn->topology);
    char db[16];
    size_t replies = 4;
    buf_reset(&conn->out);
    conn->out_sent = 0;
    if (a->password[0]) {
        if (a->user[0])
            resp_words(&conn->out, 3, "AUTH", a->user, a->password);
        else
            resp_words(&conn->out, 2, "AUTH", a->password);
        replies++;
    }
    if (a->db != 0) {
        snprintf(db, sizeof(db), "%d", a->db);
        resp_words(&conn->out, 2, "SELECT", db);
        replies++;
    }
    /* What is sent behind a MULTI that Redis refuses is carried out all the same, one by one. */
    resp_words(&conn->out, 1, "MULTI");
    resp_words(&conn->out, 1, "EXEC");
    resp_words(&conn->out, 2, "INFO", "replication");
    resp_words(&conn->out, 2, "INFO", "server");
    if (conn_request(conn, CONN_GREETING, replies, CONNECT_TIMEOUT_MS, on_greeting) < 0)
        conn_drop(conn, "out of memory");
}

/* --- the socket ------------------------------------------------------------------------------- */

void conn_secure(struct conn *conn)
{
    int rc = tls_handshake(conn->tls);
    if (rc == -EAGAIN)
        conn_watch(conn, conn->tls->wants_write ? UV_WRITABLE : UV_READABLE);
    else if (rc < 0)
        conn_drop(conn, wire_why(conn->tls, rc));
    else
        greet(conn);
}

/* Both sides reckon anew at each try: where the machine is too slow for a handshake in the time
 * that there is, giving up and beginning again makes it slower still. */
static uint64_t handshake_limit_ms(const struct conn *conn)
{
    return (uint64_t)CONNECT_TIMEOUT_MS << (conn->failures < 2 ? conn->failures : 2);
}

static void begin_tls(struct conn *conn)
{
    conn->tls = tls_new(conn->context->fd, conn->at.host);
    if (!conn->tls) {
        conn_drop(conn, "out of memory");
        return;
    }
    conn->state = CONN_SECURING;
    conn_set_timer(conn, handshake_limit_ms(conn));
    conn_secure(conn);
}

const char *conn_socket_why(const struct conn *conn, int status)
{
    int err = 0;
    socklen_t size = sizeof(err);
    if (getsockopt(conn->context->fd, SOL_SOCKET, SO_ERROR, &err, &size) < 0)
        err = errno;
    if (err == 0 && status < 0)
        err = -status;
    return err != 0 ? strerror(err) : NULL;
}

void conn_connected(struct conn *conn, int status)
{
    const char *why = conn_socket_why(conn, status);
    if (why)
        conn_drop(conn, why);
    else if (topology_address(conn->topology)->tls)
        begin_tls(conn);
    else
        greet(conn);
}

/* Fails as a lost connection does, so that one path tries again. */
static void open_failed(struct conn *conn, const char *why)
{
    conn->state = CONN_CONNECTING;
    conn_drop(conn, why);
}

/* host: a path, or an address in digits. */
static void connect_async(struct conn *conn, const char *host)
{
    assert(!conn->context && !conn->closing);
    conn->context = conn->at.is_unix ? redisConnectUnixNonBlock(host)
                                     : redisConnectNonBlock(host, conn->at.port);
    if (!conn->context || conn->context->err) {
        char why[160];
        snprintf(why, sizeof(why), "%s", conn->context ? conn->context->errstr : "out of memory");
        open_failed(conn, why);
        return;
    }
    (void)fcntl(conn->context->fd, F_SETFD, FD_CLOEXEC);
    conn->poll = malloc(sizeof(*conn->poll));
    if (!conn->poll || uv_poll_init(conn->loop, conn->poll, conn->context->fd) != 0) {
        free(conn->poll);
        conn->poll = NULL;
        open_failed(conn, "out of memory");
        return;
    }
    conn->poll->data = conn;
    conn->state = CONN_CONNECTING;
    conn->poll_events = 0;
    conn_watch(conn, UV_WRITABLE);
    conn_set_timer(conn, CONNECT_TIMEOUT_MS);
}

/* An answer that came after its time, while DOWN, is as good as any. */
static void on_looked_up(void *user, const char *numeric, const char *why)
{
    struct conn *conn = user;
    conn->lookup = NULL;
    if (numeric && (conn->state == CONN_RESOLVING || !conn->once))
        connect_async(conn, numeric);
    else if (conn->state == CONN_RESOLVING)
        conn_drop(conn, why);
}

/* One look-up at a time, however often its time is over: those that hang do not heap up. */
static void look_up_host(struct conn *conn)
{
    if (!conn->lookup)
        conn->lookup = lookup_begin(conn->loop, conn->at.host, conn->failures, on_looked_up, conn);
    if (!conn->lookup) {
        open_failed(conn, "out of memory");
        return;
    }
    conn->state = CONN_RESOLVING;
    conn_set_timer(conn, CONNECT_TIMEOUT_MS);
}

/* A look-up that is under way may be of another name. */
static void go_to(struct conn *conn, const struct endpoint *at)
{
    if (!endpoint_same(at, &conn->at)) {
        lookup_let_go(conn->lookup);
        conn->lookup = NULL;
    }
    conn->at = *at;
}

static bool find_node(struct conn *conn)
{
    struct endpoint at;
    if (!topology_find(conn->topology, conn->partition, &at))
        return false;
    go_to(conn, &at);
    return true;
}

static void begin_connecting(struct conn *conn)
{
    if (lookup_needed(&conn->at))
        look_up_host(conn);
    else
        connect_async(conn, conn->at.host);
}

void conn_open(struct conn *conn)
{
    assert(conn->state == CONN_DOWN && !conn->context && !conn->closing);
    conn->elsewhere = false;
    if (!find_node(conn))
        open_failed(conn, topology_why(conn->topology));
    else
        begin_connecting(conn);
}

int conn_once(struct conn *conn, const struct endpoint *at, const struct buf *out, size_t replies,
              conn_reply_fn *on_replies)
{
    assert(conn->once && conn->state == CONN_DOWN && !conn->closing);
    buf_reset(&conn->out);
    conn->out_sent = 0;
    buf_put(&conn->out, out->p, out->n);
    if (out->failed || conn->out.failed)
        return -ENOMEM;
    conn->once_replies = replies;
    conn->on_replies = on_replies;
    go_to(conn, at);
    begin_connecting(conn);
    return 0;
}
