/* peer.c -- the connections and how long each may take.
 *
 * The library's own timeout, which is left off, counts silence only: a client that sends a byte now
 * and then would stay for ever. Each list is in the order of its entries' deadlines, as all have
 * the same time. */
#include "http/exchange.h"
#include "http/server_limits.h"
#include "stats.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/socket.h>

static void unlink_peer(struct http_server *server, struct peer *peer)
{
    struct peer_queue *queue = &server->peers[peer->list];
    if (peer->list == PEER_NONE)
        return;
    if (peer->prev)
        peer->prev->next = peer->next;
    else
        queue->first = peer->next;
    if (peer->next)
        peer->next->prev = peer->prev;
    else
        queue->last = peer->prev;
    if (queue->fresh == peer)
        queue->fresh = peer->next;
    peer->prev = peer->next = NULL;
    peer->list = PEER_NONE;
}

/* The one place where a connection changes its list. */
void peer_move(struct http_server *server, struct peer *peer, enum peer_list list)
{
    unlink_peer(server, peer);
    peer->list = list;
    peer->since_ms = (int64_t)uv_now(server->loop);
    if (list == PEER_NONE)
        return;
    struct peer_queue *queue = &server->peers[list];
    peer->prev = queue->last;
    if (queue->last)
        queue->last->next = peer;
    else
        queue->first = peer;
    queue->last = peer;
    if (!queue->fresh)
        queue->fresh = peer;
}

/* The library sees the end of the stream and closes; the peer is freed then. */
static void cut_off(struct peer *peer)
{
    shutdown(peer->fd, SHUT_RDWR);
    peer_move(peer->server, peer, PEER_NONE);
}

/* Who goes first when there is no room: whoever has asked nothing for longest, then whoever was
 * refused, then whoever has been asking for longest, and if all the others are being served, the
 * one that came. */
static struct peer *least_needed(const struct http_server *server, struct peer *newcomer)
{
    static const enum peer_list order[] = {PEER_IDLE, PEER_LINGERING, PEER_READING};
    for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
        struct peer *peer = server->peers[order[i]].first;
        if (peer && peer != newcomer)
            return peer;
    }
    return newcomer;
}

static void make_room(struct http_server *server, struct peer *newcomer)
{
    while (server->connections - server->shed > server->connections_max && !newcomer->shed) {
        struct peer *peer = least_needed(server, newcomer);
        cut_off(peer);
        peer->shed = true;
        server->shed++;
        stats_count(STATS_CONNECTIONS_SHED, 1);
    }
}

void peer_notify(void *cls, struct MHD_Connection *conn, void **at,
                 enum MHD_ConnectionNotificationCode what)
{
    struct http_server *server = cls;
    struct peer *peer = *at;
    if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
        server->connections--;
        stats_add(STATS_HTTP_OPEN, -1);
        if (peer) {
            if (peer->exchange)
                exchange_end(peer->exchange);
            server->shed -= peer->shed;
            intake_close(peer);
            unlink_peer(server, peer);
            free(peer);
        }
        *at = NULL;
        return;
    }
    server->connections++;
    server->accepted++;
    stats_count(STATS_CONNECTIONS, 1);
    stats_add(STATS_HTTP_OPEN, 1);
    peer = calloc(1, sizeof(*peer));
    *at = peer;
    if (!peer)
        return;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(conn, MHD_CONNECTION_INFO_CONNECTION_FD);
    peer->server = server;
    peer->fd = info ? info->connect_fd : -1;
    if (!intake_open(peer)) {
        free(peer);
        *at = NULL; /* exchange_begin() finds none, and the connection ends */
        return;
    }
    peer_move(server, peer, PEER_IDLE);
    make_room(server, peer);
}

static int64_t deadline_of(const struct http_server *server, const struct peer *peer)
{
    switch (peer->list) {
    case PEER_READING: return peer->since_ms + server->read_ms;
    case PEER_WRITING: return peer->since_ms + server->write_ms;
    case PEER_LINGERING: return peer->since_ms + SERVER_LINGER_MS;
    default: break;
    }
    if (!server->draining)
        return peer->since_ms + server->idle_ms;
    int64_t since = peer->since_ms > server->drain_ms ? peer->since_ms : server->drain_ms;
    return since + SERVER_DRAIN_IDLE_MS;
}

/* What it sent is read, and behind that it has ended its side. Not by recv(), which is ours. */
static bool has_left(const struct peer *peer)
{
    char byte;
    return recvfrom(peer->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT, NULL, NULL) == 0;
}

/* The library waits for the next edge of its epoll when a read was short. If the end of the stream
 * came together with the last bytes, there is none: so whoever has been silent for a moment is
 * looked at once. Returns the ms until there is somebody to look at, -1: nobody. */
static int64_t look_at_fresh(struct http_server *server, enum peer_list list, int64_t now)
{
    struct peer_queue *queue = &server->peers[list];
    while (queue->fresh) {
        struct peer *peer = queue->fresh;
        int64_t left = peer->since_ms + SERVER_LOOK_MS - now;
        if (left > 0)
            return left;
        queue->fresh = peer->next;
        if (has_left(peer))
            cut_off(peer);
    }
    return -1;
}

int64_t peers_expire(struct http_server *server)
{
    int64_t now = (int64_t)uv_now(server->loop), wait = look_at_fresh(server, PEER_IDLE, now);
    int64_t reading = look_at_fresh(server, PEER_READING, now);
    if (wait < 0 || (reading >= 0 && reading < wait))
        wait = reading;
    for (enum peer_list list = PEER_IDLE; list < PEER_LISTS; list++) {
        struct peer *peer;
        while ((peer = server->peers[list].first)) {
            int64_t left = deadline_of(server, peer) - now;
            if (left > 0) {
                wait = wait < 0 || left < wait ? left : wait;
                break;
            }
            cut_off(peer);
        }
    }
    return wait;
}
