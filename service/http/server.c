/* server.c -- the daemon on the loop. See exchange.h for what becomes of one request. */
#include "http/server.h"

#include "http/access.h"
#include "http/answer/render.h"
#include "http/batch.h"
#include "http/check.h"
#include "http/conn/https_files.h"
#include "http/events/events.h"
#include "http/exchange.h"
#include "http/history/history.h"
#include "http/live/live.h"
#include "http/server_limits.h"
#include "log.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

/* The wake-up itself is the message: all work is done in pump(). */
static void on_fd(uv_poll_t *handle, int status, int events)
{
    struct http_server *server = handle->data;
    server->woken = true;
}

static void on_spin(uv_idle_t *handle)
{
    struct http_server *server = handle->data;
    server->woken = true;
}

static void on_wake(uv_timer_t *handle)
{
    struct http_server *server = handle->data;
    server->woken = true;
}

/* libmicrohttpd's complaints are about clients, not about us. */
__attribute__((format(printf, 2, 0))) static void on_log(void *cls, const char *format,
                                                         va_list args)
{
    char text[512];
    if (!log_enabled(LOG_DEBUG))
        return;
    vsnprintf(text, sizeof(text), format, args);
    text[strcspn(text, "\r\n")] = '\0';
    log_event(LOG_DEBUG, "http library", LOG_STR("text", text));
}

/* Runs the library until it has nothing to do that no descriptor would announce. A resumed request
 * takes two runs: one sends its answer, one finishes it and reads the next, and in between only
 * the timeout of 0 says so. Returns the ms it may sleep, -1: for ever. */
static int64_t run_daemon(struct http_server *server)
{
    MHD_UNSIGNED_LONG_LONG ms = 0;
    bool due;
    int rounds = 0, quiet = 0;
    do {
        server->resumed = server->progress = false;
        MHD_run(server->daemon);
        due = MHD_get_timeout(server->daemon, &ms) == MHD_YES;
        if (server->resumed) { /* 0.9.75 does not count pending resumes */
            due = true;
            ms = 0;
        }
        if (server->polled > 0 && due && ms == 0 && !server->resumed && !server->progress &&
            ++quiet == SERVER_QUIET_RUNS)
            return SERVER_POLL_MS;
    } while (due && ms == 0 && ++rounds < SERVER_PUMP_ROUNDS);
    handshakes_forget(&server->handshakes);
    return due ? (int64_t)ms : -1;
}

/* How long the library may sleep, -1: for ever. It is run if something was said for it: each run
 * asks all who wait, and most turns of the loop are about replies of Redis that answer nobody yet.
 */
static int64_t wait_of_daemon(struct http_server *server)
{
    int64_t now = (int64_t)uv_now(server->loop);
    if (server->woken || server->resumed) {
        int64_t wait = run_daemon(server);
        server->run_due_ms = wait < 0 ? -1 : now + wait;
        return wait;
    }
    if (server->run_due_ms < 0)
        return -1;
    return server->run_due_ms > now ? server->run_due_ms - now : 0;
}

/* The sooner of two waits; -1 is never. */
static int64_t sooner(int64_t a, int64_t b)
{
    return a < 0 || (b >= 0 && b < a) ? b : a;
}

/* Before every poll of the loop. */
static void pump(uv_prepare_t *handle)
{
    struct http_server *server = handle->data;
    (void)access_flush(server); /* before the answers that it is about */
    int64_t wait = wait_of_daemon(server);
    server->woken = false;
    if (STOCKD_CHECKS)
        server_check(server);
    wait = sooner(wait, client_conns_expire(&server->clients));
    wait = sooner(wait, history_job_expire(server));
    wait = sooner(wait, handshakes_expire(&server->handshakes));
    batch_job_continue(server);
    if (server->store)
        store_pump(server->store);
    server_give_back(server);
    wait = sooner(wait, access_flush(server));
    if (server->resumed)
        wait = 0;
    if (wait == 0) {
        uv_idle_start(&server->spin, on_spin);
        return;
    }
    uv_idle_stop(&server->spin);
    if (wait > 0)
        uv_timer_start(&server->wake, on_wake, (uint64_t)wait, 0);
    else
        uv_timer_stop(&server->wake);
}

/* The library gets connections once what stands before HTTP is behind them. */
static bool accepts_itself(const struct http_config *config)
{
    return config->tls || config->proxy_protocol;
}

static unsigned connection_limit(const struct http_config *config)
{
    struct rlimit files;
    unsigned limit = config->connections_max ? config->connections_max : SERVER_CONNECTIONS;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur == RLIM_INFINITY)
        return limit;
    /* A process that may open next to nothing still serves a few. */
    rlim_t most = files.rlim_cur > 2 * SERVER_FD_RESERVE ? files.rlim_cur - SERVER_FD_RESERVE
                                                         : files.rlim_cur / 2;
    if (accepts_itself(config))
        most -= most / 4; /* for handshakes() */
    return most < limit ? (unsigned)most : limit;
}

/* How many may be in the middle of one. */
static unsigned handshakes_kept(const struct http_config *config)
{
    unsigned part = connection_limit(config) / 4;
    return part < SERVER_HANDSHAKES ? part : SERVER_HANDSHAKES;
}

/* How many may stay, so that the library still takes one that comes. */
static unsigned connections_kept(const struct http_config *config)
{
    unsigned limit = connection_limit(config);
    return limit > 4 * SERVER_SHED_SPARE ? limit - SERVER_SHED_SPARE : limit - limit / 4;
}

static struct MHD_Daemon *start_daemon(struct http_server *server, const struct http_config *config)
{
    const struct MHD_OptionItem socket[] = {{MHD_OPTION_LISTEN_SOCKET, config->listen_fd, NULL},
                                            {MHD_OPTION_END, 0, NULL}};
    unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
    if (accepts_itself(config))
        flags |= MHD_USE_NO_LISTEN_SOCKET;
#if MHD_VERSION >= 0x00097707
    flags |= MHD_USE_NO_THREAD_SAFETY;
#endif
    return MHD_start_daemon(
        flags, 0, NULL, NULL, exchange_handle, server, MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL,
        MHD_OPTION_ARRAY, accepts_itself(config) ? &socket[1] : socket, MHD_OPTION_URI_LOG_CALLBACK,
        exchange_begin, server, MHD_OPTION_NOTIFY_COMPLETED, exchange_completed, server,
        MHD_OPTION_NOTIFY_CONNECTION, exchange_notify, server, MHD_OPTION_CONNECTION_LIMIT,
        connection_limit(config), MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)SERVER_POOL_BYTES,
        MHD_OPTION_END);
}

/* Whether the connection begins with a header of the PROXY protocol. */
static bool is_proxied(const struct http_server *server, const struct sockaddr *from)
{
    struct ip ip;
    return server->proxy_protocol && ip_of_socket(&ip, from) && proxies_trust(server->proxies, &ip);
}

static void take_client(void *user, int fd, struct sockaddr *from, socklen_t size)
{
    struct http_server *server = user;
    bool proxied = is_proxied(server, from);
    server->woken = true; /* a connection more, or a deadline */
    if (server->tls || proxied)
        handshakes_begin(&server->handshakes, fd, from, size, proxied);
    else /* what it cannot take it closes */
        (void)MHD_add_connection(server->daemon, fd, from, size);
}

static void accept_here(struct http_server *server, int fd)
{
    struct acceptor *acceptor = &server->acceptors[server->acceptor_count++];
    acceptor->take = take_client;
    acceptor->user = server;
    acceptor_start(acceptor, server->loop, fd);
    server->handles_open += ACCEPTOR_HANDLES;
}

/* A timer that the server has for somebody. */
static void open_timer(struct http_server *server, uv_timer_t *timer)
{
    int failed = uv_timer_init(server->loop, timer);
    assert(failed == 0);
    timer->data = server;
    server->handles_open++;
}

static void start_handles(struct http_server *server, const struct http_config *config)
{
    uv_loop_t *loop = server->loop;
    int epoll_fd = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    int failed = uv_poll_init(loop, &server->poll, epoll_fd);
    failed |= uv_prepare_init(loop, &server->prepare);
    failed |= uv_idle_init(loop, &server->spin);
    failed |= uv_timer_init(loop, &server->wake);
    failed |= uv_poll_start(&server->poll, UV_READABLE, on_fd);
    server->prepare.data = server->poll.data = server->spin.data = server->wake.data = server;
    failed |= uv_prepare_start(&server->prepare, pump);
    assert(failed == 0); /* an epoll descriptor can be polled; nothing else can go wrong */
    server->handles_open = 4;
    if (accepts_itself(config))
        accept_here(server, config->listen_fd);
    if (config->second_fd > 0)
        accept_here(server, config->second_fd);
    if (server->events)
        open_timer(server, events_timer(server->events));
    if (server->live)
        open_timer(server, live_timer(server->live));
}

/* Undoes stop_handshakes(): the socket outlives a worker that leaves by itself, and serves the one
 * in its place. */
static void let_handshakes_begin(int listen_fd)
{
    int none = 0;
    (void)!setsockopt(listen_fd, SOL_SOCKET, SO_DETACH_FILTER, &none, sizeof(none));
}

struct http_server *http_server_new(uv_loop_t *loop, const struct http_config *config,
                                    struct store *store, struct stats *stats, char *err,
                                    size_t err_size)
{
    struct http_server *server = calloc(1, sizeof(*server));
    if (!server) {
        snprintf(err, err_size, "out of memory");
        return NULL;
    }
    int64_t request_ms =
        config->request_timeout_ms ? config->request_timeout_ms : SERVER_REQUEST_MS;
    server->loop = loop;
    assert((store == NULL) == (config->health != NULL));
    server->store = store;
    server->health = config->health;
    server->stats = stats;
    server->queries = config->queries;
    server->keys = config->keys;
    server->own_items = config->own_items;
    server->failed_logins = config->failed_logins;
    server->partitions = config->partitions;
    server->about = config->about;
    server->audits = config->audits;
    server->host = (struct kept_host){.quotas = config->quotas,
                                      .worker = config->worker,
                                      .share = config->quota_share > 0 ? config->quota_share : 1};
    if (config->quotas)
        kept_use_begin(&config->quotas->kept, config->worker);
    server->access = config->access;
    server->traces_events = config->trace_events;
    server->slow_us = config->slow_request_ms * 1000;
    server->request_ms = request_ms;
    server->clients = (struct client_conns){
        .loop = loop,
        .max = connections_kept(config),
        .idle_ms = (config->idle_timeout_s ? config->idle_timeout_s : SERVER_IDLE_S) * 1000,
        .read_ms =
            request_ms + (config->read_timeout_ms ? config->read_timeout_ms : SERVER_READ_MS),
        .write_ms = config->write_timeout_ms ? config->write_timeout_ms : SERVER_WRITE_MS,
    };
    static const struct proxies nobody;
    server->proxies = config->proxies ? config->proxies : &nobody;
    server->proxy_protocol = config->proxy_protocol;
    server->tls = config->tls;
    handshakes_init(&server->handshakes, loop, config->tls, handshakes_kept(config),
                    server->clients.read_ms < SERVER_HANDSHAKE_MS ? server->clients.read_ms
                                                                  : SERVER_HANDSHAKE_MS);
    for (int list = 0; list < CONN_LISTS; list++)
        TAILQ_INIT(&server->clients.queues[list].conns);
    TAILQ_INIT(&server->asked);
    server->memory_max_bytes =
        config->memory_max_bytes ? config->memory_max_bytes : SERVER_MEMORY_BYTES;
    server->guards_host = config->guards_host;
    server->allowed_hosts = str_of(config->allowed_hosts);
    buf_init(&server->scratch, BATCH_BODY_MAX_BYTES);
    int flags = fcntl(config->listen_fd, F_GETFL);
    if (flags < 0 || fcntl(config->listen_fd, F_SETFL, flags | O_NONBLOCK) < 0) {
        snprintf(err, err_size, "the listening socket: %s", strerror(errno));
        free(server);
        return NULL;
    }
    server->events = server->queries ? events_new(server, server->partitions) : NULL;
    server->hot = config->hot;
    server->live = config->live ? live_feed_new(server, config->live) : NULL;
    if ((server->queries && !server->events) || (config->live && !server->live)) {
        snprintf(err, err_size, "out of memory");
        events_free(server->events);
        live_feed_free(server->live);
        free(server);
        return NULL;
    }
    server->daemon = start_daemon(server, config);
    if (!server->daemon) {
        snprintf(err, err_size, "libmicrohttpd does not start: %s", strerror(errno));
        events_free(server->events);
        live_feed_free(server->live);
        free(server);
        return NULL;
    }
    server->handshakes.daemon = server->daemon;
    server->handshakes.woken = &server->woken;
    let_handshakes_begin(config->listen_fd);
    if (server->tls)
        stats_set(STATS_TLS_EXPIRES_MS, https_expires_ms());
    server->woken = true;
    if (config->second_fd > 0)
        let_handshakes_begin(config->second_fd);
    start_handles(server, config);
    return server;
}

/* Drops every packet of a new handshake: a client that is not connected yet tries again, and finds
 * whoever listens then. Connections in the queue carry on. */
static void stop_handshakes(int listen_fd)
{
    struct sock_filter drop = BPF_STMT(BPF_RET | BPF_K, 0);
    struct sock_fprog program = {.len = 1, .filter = &drop};
    /* Where the kernel cannot do that a few handshakes are lost, no more. */
    (void)!setsockopt(listen_fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
}

void http_server_leave(struct http_server *server)
{
    server->leaving = true;
}

void http_server_drain(struct http_server *server)
{
    if (server->draining)
        return;
    const union MHD_DaemonInfo *info =
        MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_LISTEN_FD);
    server->leaving = server->draining = true;
    client_conns_drain(&server->clients);
    handshakes_drain(&server->handshakes);
    if (info && info->listen_fd >= 0)
        stop_handshakes(info->listen_fd);
    for (unsigned i = 0; i < server->acceptor_count; i++)
        stop_handshakes(server->acceptors[i].fd);
    if (server->events)
        events_drain(server->events);
    if (server->live)
        live_end_streams(server->live);
    /* Closing a listening socket resets what the kernel has queued for it: take that first. */
    for (unsigned i = 0; i < server->acceptor_count; i++)
        acceptor_drain(&server->acceptors[i]);
    uint64_t before;
    do {
        before = server->clients.accepted;
        MHD_run(server->daemon);
    } while (server->clients.accepted != before);
    int fd = MHD_quiesce_daemon(server->daemon);
    if (fd >= 0)
        close(fd);
    server->resumed = true; /* the next turn must not sleep on what was just accepted */
}

bool http_server_drained(const struct http_server *server)
{
    return server->draining && server->clients.count == 0 && server->handshakes.count == 0 &&
           TAILQ_EMPTY(&server->handshakes.handed);
}

void server_release(struct http_server *server)
{
    if (server->handles_open > 0 || server->orphans > 0 ||
        (server->events && !events_idle(server->events)))
        return;
    events_free(server->events);
    live_feed_free(server->live);
    buf_free(&server->scratch); /* the last orphan may have written to it */
    free(server);
}

static void on_handshakes_closed(void *user)
{
    struct http_server *server = user;
    server->handles_open--;
    server_release(server);
}

static void on_closed(uv_handle_t *handle)
{
    struct http_server *server = handle->data;
    server->handles_open--;
    server_release(server);
}

void http_server_free(struct http_server *server)
{
    for (struct exchange *x = server->waiting; x; x = x->next)
        x->batch ? batch_job_unknown(x->batch) : access_unknown(x, &x->op.op, -1);
    server->stopped = true;
    server->draining = true;
    server->later = NULL;
    history_job_stop(server);
    if (server->events)
        events_stop(server->events);
    if (server->live)
        live_end_streams(server->live);
    while (server->waiting) {
        struct exchange *x = server->waiting;
        struct op told = {.kind = x->op.op.kind, .key = x->op.op.key, .id = x->op.op.id};
        told.out = (struct outcome){.code = OUT_UNKNOWN, .why = "the service was stopped"};
        buf_reset(&x->out);
        render_op(&told, &x->answer, &x->out);
        exchange_answered(x);
    }
    /* Stopping the daemon with one connection suspended aborts the process. */
    MHD_run(server->daemon);
    MHD_run(server->daemon);
    MHD_stop_daemon(server->daemon);
    while (server->spare) {
        struct exchange *x = server->spare;
        server->spare = x->next;
        exchange_free(x);
    }
    uv_close((uv_handle_t *)&server->poll, on_closed);
    for (unsigned i = 0; i < server->acceptor_count; i++)
        acceptor_close(&server->acceptors[i], server, on_closed);
    if (!handshakes_close(&server->handshakes, on_handshakes_closed, server))
        server->handles_open++;
    uv_close((uv_handle_t *)&server->prepare, on_closed);
    uv_close((uv_handle_t *)&server->spin, on_closed);
    uv_close((uv_handle_t *)&server->wake, on_closed);
    if (server->events)
        uv_close((uv_handle_t *)events_timer(server->events), on_closed);
    if (server->live)
        uv_close((uv_handle_t *)live_timer(server->live), on_closed);
}
