/* port.c -- the process that serves /healthz, /readyz and /metrics for `stockd ledger` and `stockd
 * hooks run`, on --ledger-listen and --hooks-listen. The process that works may wait for Redis or
 * SQL as long as it likes: this one answers meanwhile, from what the two share. */
#include "http/server.h"
#include "process/key_watch.h"

#include <stdlib.h>

struct port {
    const struct shared_state *shared;
    port_look_fn *look;
    uv_loop_t loop;
    struct http_server *server;
    uv_signal_t stop_signal, sighup;
    uv_timer_t keys_look;
};

static enum problem_id look_at_health(void *user, struct buf *out, const char **why)
{
    const struct port *port = user;
    return port->look(port->shared, out, why);
}

/* --- life ------------------------------------------------------------------------------------- */

/* No request waits for anything, so there is nothing to drain. */
static void on_stop(uv_signal_t *handle, int signo)
{
    struct port *port = handle->data;
    uv_stop(&port->loop);
}

static void on_hup(uv_signal_t *handle, int signo)
{
    struct port *port = handle->data;
    config_read_again(port->shared->config);
    key_watch_look(port->shared->keys, true);
}

static void on_keys_look(uv_timer_t *timer)
{
    struct port *port = timer->data;
    key_watch_look(port->shared->keys, false);
}

static void watch_handles(struct port *port)
{
    uv_signal_init(&port->loop, &port->stop_signal);
    uv_signal_init(&port->loop, &port->sighup);
    uv_timer_init(&port->loop, &port->keys_look);
    port->stop_signal.data = port->sighup.data = port->keys_look.data = port;
    uv_signal_start(&port->stop_signal, on_stop, PROCESS_STOP);
    uv_signal_start(&port->sighup, on_hup, SIGHUP);
    if (port->shared->keys)
        uv_timer_start(&port->keys_look, on_keys_look, 0, KEY_WATCH_MS);
}

static void stop_port(struct port *port)
{
    http_server_free(port->server);
    uv_close((uv_handle_t *)&port->stop_signal, NULL);
    uv_close((uv_handle_t *)&port->sighup, NULL);
    uv_close((uv_handle_t *)&port->keys_look, NULL);
    uv_run(&port->loop, UV_RUN_DEFAULT);
    uv_loop_close(&port->loop);
}

int port_run(struct pool_child *child, void *arg)
{
    const struct process_args *args = arg;
    struct port port = {.shared = args->shared, .look = args->look};
    const struct http_health health = {.look = look_at_health, .user = &port};
    struct http_config http = {.health = &health};
    process_begin(args, CONFINE_PORT, "port", 0);
    if (uv_loop_init(&port.loop) != 0)
        return EXIT_FAILURE;
    watch_handles(&port);
    port.server = process_serve(port.shared, &port.loop, &port.shared->listeners[0], &http, NULL);
    if (!port.server || pool_ready(child) < 0)
        return EXIT_FAILURE;
    uv_run(&port.loop, UV_RUN_DEFAULT);
    stop_port(&port);
    return EXIT_SUCCESS;
}
