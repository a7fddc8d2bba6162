#include "process/process.h"
#include "core/hot.h"
#include "core/live.h"
#include "core/op.h"
#include "core/route.h"
#include "http/conn/https_files.h"
#include "http/server.h"
#include "keys/failed_logins.h"
#include "process/audit_desk.h"
#include "random.h"
#include "shared.h"
#include "store/relay/relay_shared.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <sys/prctl.h>

/* --- in the parent ---------------------------------------------------------------------------- */

bool shared_state_make(struct shared_state *shared, const struct config *config, unsigned workers,
                       unsigned stats_slots)
{
    shared->config = config;
    shared->workers = workers;
    shared->access_fd = -1;
    shared->store_shared = shared_alloc(sizeof(*shared->store_shared));
    bool relays = workers > 1 && config->relaying != RELAYING_OFF;
    shared->relay = relays ? relay_shared_new(workers, (unsigned)config->partitions) : NULL;
    shared->stats = stats_new(stats_slots, route_names(), ROUTES);
    if (shared->stats)
        stats_name_operations(shared->stats, op_names(), OP_KINDS);
    if (workers > 0) {
        shared->live = shared_alloc(sizeof(*shared->live));
        shared->hot = shared_alloc(workers * sizeof(*shared->hot));
    }
    bool watched = workers == 0 || (shared->live && shared->hot);
    return shared->store_shared && shared->stats && watched && (shared->relay || !relays);
}

void shared_state_free(struct shared_state *shared)
{
    stats_free(shared->stats);
    key_ring_free(shared->keys);
    key_use_free(shared->key_use);
    quota_use_free(shared->quota_use);
    failed_logins_free(shared->failed_logins);
    relay_shared_free(shared->relay);
    shared_free(shared->live, sizeof(*shared->live));
    shared_free(shared->hot, shared->workers * sizeof(*shared->hot));
    shared_free(shared->store_shared, sizeof(*shared->store_shared));
    shared_free(shared->audit_desk, sizeof(*shared->audit_desk));
    shared_free(shared->roster, sizeof(*shared->roster));
    shared_free(shared->ledger_look, sizeof(*shared->ledger_look));
    shared_free(shared->hooks_look, sizeof(*shared->hooks_look));
}

int process_pool(struct pool **pool, size_t slots, const struct pool_events *events)
{
    static const int signals[] = {SIGTERM, SIGINT, SIGHUP, 0};
    /* OpenSSL would load the texts of its errors at the first one: that may be the want of memory.
     */
    OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CRYPTO_STRINGS, NULL);
    int rc = pool_new(pool, slots, events);
    return rc < 0 ? rc : pool_watch_signals(*pool, signals);
}

struct pool_slot_options process_slot(const char *name, int index,
                                      int (*run)(struct pool_child *child, void *arg),
                                      struct process_args *args)
{
    return (struct pool_slot_options){.name = name,
                                      .index = index,
                                      .restart = POOL_ALWAYS,
                                      .handshake = true,
                                      .stop_signal = PROCESS_STOP,
                                      .run = run,
                                      .arg = args};
}

void process_log_end(const char *child, const struct pool_exit *gone)
{
    if (!gone->stopped)
        log_event(LOG_WARN, "a child ended", LOG_STR("child", child),
                  LOG_INT("child_pid", gone->pid), LOG_INT("status", gone->status),
                  LOG_INT("signal", gone->signal), LOG_INT("restart_in_ms", gone->restart_in_ms));
}

void process_confine_parent(struct shared_state *shared)
{
    shared->confines = shared->config->seccomp;
    int rc = shared->confines ? confine_calls(CONFINE_PARENT) : 0;
    if (rc == 0)
        return;
    shared->confines = false;
    log_event(LOG_WARN, "system calls are not confined", LOG_ERRNO(rc));
}

/* --- in a child ------------------------------------------------------------------------------- */

void process_begin(const struct process_args *args, enum confine_kind kind, const char *name,
                   int index)
{
    const struct shared_state *shared = args->shared;
    char title[32];
    snprintf(title, sizeof(title), "stockd-%s", name);
    prctl(PR_SET_NAME, title);
    log_set_process(name, index);
    random_after_fork();
    stats_attach(shared->stats, args->stats_slot, name);
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    for (unsigned i = 0; i < shared->workers; i++)
        if ((int)i != index)
            listen_close(&shared->listeners[i]);
    int rc = shared->confines ? confine_calls(kind) : 0;
    if (rc < 0)
        log_event(LOG_WARN, "system calls are not confined", LOG_ERRNO(rc));
}

sigset_t process_hold_signals(void)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, PROCESS_STOP);
    sigaddset(&signals, SIGHUP);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    return signals;
}

struct http_server *process_serve(const struct shared_state *shared, uv_loop_t *loop,
                                  const struct listener *listener, struct http_config *http,
                                  struct store *store)
{
    const struct config *config = shared->config;
    char err[256] = "";
    http->listen_fd = listener->fd[0];
    http->second_fd = listener->fd[1];
    http->tls = https_is_on();
    http->connections_max = (unsigned)config->connections_max;
    http->read_timeout_ms = config->read_timeout_ms;
    http->request_timeout_ms = config->request_timeout_ms;
    http->write_timeout_ms = config->write_timeout_ms;
    http->memory_max_bytes = (size_t)config->memory_max_bytes;
    http->guards_host = listen_is_loopback(listener) && !shared->keys;
    http->proxies = &config->proxies;
    http->proxy_protocol = config->proxy_protocol;
    http->keys = shared->keys;
    http->failed_logins = shared->failed_logins;
    http->quota_share = config->quota_share;
    http->allowed_hosts = config->allowed_hosts;
    int rc = listen_begin(listener);
    if (rc < 0) {
        log_event(LOG_ERROR, "cannot listen", LOG_ERRNO(rc));
        return NULL;
    }
    struct http_server *server =
        http_server_new(loop, http, store, shared->stats, err, sizeof(err));
    if (!server)
        log_event(LOG_ERROR, "cannot serve HTTP", LOG_STR("why", err));
    return server;
}
