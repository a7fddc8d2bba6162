#include "http/conn/client_conn.h"
#include "http/server_limits.h"
#include "stats.h"

#include <stddef.h>
#include <stdlib.h>
#include <sys/socket.h>

static void unlink_client(struct client_conn *client)
{
    struct conn_queue *queue = &client->all->queues[client->list];
    if (client->list == CONN_NONE)
        return;
    if (queue->fresh == client)
        queue->fresh = TAILQ_NEXT(client, link);
    TAILQ_REMOVE(&queue->conns, client, link);
    client->list = CONN_NONE;
}

void client_conn_move(struct client_conn *client, enum conn_list list)
{
    unlink_client(client);
    client->list = list;
    client->since_ms = (int64_t)uv_now(client->all->loop);
    if (list == CONN_NONE)
        return;
    struct conn_queue *queue = &client->all->queues[list];
    TAILQ_INSERT_TAIL(&queue->conns, client, link);
    if (!queue->fresh)
        queue->fresh = client;
}

/* The library sees the end of the stream and closes; the client is freed then. shutdown() is that
 * of intake.c, which says good-bye where there is TLS. */
static void cut_off(struct client_conn *client)
{
    shutdown(client->intake.fd, SHUT_RDWR);
    client_conn_move(client, CONN_NONE);
}

/* Who goes first when there is no room: whoever has asked nothing for longest, then whoever was
 * refused, then whoever has been asking for longest, and if all the others are being served, the
 * one that came. */
static struct client_conn *least_needed(const struct client_conns *all,
                                        struct client_conn *newcomer)
{
    static const enum conn_list order[] = {CONN_IDLE, CONN_LINGERING, CONN_READING};
    for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
        struct client_conn *client = TAILQ_FIRST(&all->queues[order[i]].conns);
        if (client && client != newcomer)
            return client;
    }
    return newcomer;
}

static void shed_connections(struct client_conns *all, struct client_conn *newcomer)
{
    while (all->count - all->shed > all->max && !newcomer->shed) {
        struct client_conn *client = least_needed(all, newcomer);
        cut_off(client);
        client->shed = true;
        all->shed++;
        stats_count(STATS_CONNECTIONS_SHED, 1);
    }
}

static struct client_conn *client_of(struct intake *intake)
{
    return (struct client_conn *)(void *)((char *)intake - offsetof(struct client_conn, intake));
}

static void on_bytes(struct intake *intake)
{
    struct client_conn *client = client_of(intake);
    if (client->list == CONN_IDLE)
        client_conn_move(client, CONN_READING);
}

static void on_lingering(struct intake *intake)
{
    client_conn_move(client_of(intake), CONN_LINGERING);
}

static const struct intake_events intake_events = {on_bytes, on_lingering};

struct client_conn *client_conn_open(struct client_conns *all, int fd, const struct ip *from,
                                     struct https_conn *tls)
{
    all->count++;
    all->accepted++;
    stats_count(STATS_CONNECTIONS, 1);
    stats_add(STATS_HTTP_OPEN, 1);
    struct client_conn *client = calloc(1, sizeof(*client));
    if (!client)
        https_conn_free(tls);
    if (!client || !intake_open(&client->intake, fd, tls, &intake_events)) {
        free(client);
        return NULL;
    }
    client->all = all;
    client->from = *from;
    client_conn_move(client, CONN_IDLE);
    shed_connections(all, client);
    return client;
}

void client_conn_close(struct client_conns *all, struct client_conn *client)
{
    all->count--;
    stats_add(STATS_HTTP_OPEN, -1);
    if (!client)
        return;
    all->shed -= client->shed;
    intake_close(&client->intake);
    unlink_client(client);
    free(client);
}

void client_conns_drain(struct client_conns *all)
{
    all->draining = true;
    all->drain_ms = (int64_t)uv_now(all->loop);
}

static int64_t deadline_of(const struct client_conns *all, const struct client_conn *client)
{
    switch (client->list) {
    case CONN_READING: return client->since_ms + all->read_ms;
    case CONN_WRITING: return client->since_ms + all->write_ms;
    case CONN_LINGERING: return client->since_ms + SERVER_LINGER_MS;
    default: break;
    }
    if (!all->draining)
        return client->since_ms + all->idle_ms;
    int64_t since = client->since_ms > all->drain_ms ? client->since_ms : all->drain_ms;
    return since + SERVER_DRAIN_IDLE_MS;
}

/* The library waits for the next edge of its epoll when a read was short. If the end of the stream
 * came together with the last bytes, there is none: so whoever has been silent for a moment is
 * looked at once. Returns the ms until there is somebody to look at, -1: nobody. */
static int64_t look_at_fresh(struct client_conns *all, enum conn_list list, int64_t now)
{
    struct conn_queue *queue = &all->queues[list];
    while (queue->fresh) {
        struct client_conn *client = queue->fresh;
        int64_t left = client->since_ms + SERVER_LOOK_MS - now;
        if (left > 0)
            return left;
        queue->fresh = TAILQ_NEXT(client, link);
        if (intake_has_left(&client->intake))
            cut_off(client);
    }
    return -1;
}

int64_t client_conns_expire(struct client_conns *all)
{
    int64_t now = (int64_t)uv_now(all->loop), wait = look_at_fresh(all, CONN_IDLE, now);
    int64_t reading = look_at_fresh(all, CONN_READING, now);
    if (wait < 0 || (reading >= 0 && reading < wait))
        wait = reading;
    for (enum conn_list list = CONN_IDLE; list < CONN_LISTS; list++) {
        struct client_conn *client;
        while ((client = TAILQ_FIRST(&all->queues[list].conns))) {
            int64_t left = deadline_of(all, client) - now;
            if (left > 0) {
                wait = wait < 0 || left < wait ? left : wait;
                break;
            }
            cut_off(client);
        }
    }
    return wait;
}
