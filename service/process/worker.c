/* worker.c -- the process that serves requests. */
#include "core/hot.h"
#include "http/access_log.h"
#include "http/server.h"
#include "process/audit_desk.h"
#include "process/kept_watch.h"
#include "process/key_watch.h"
#include "process/waiting.h"

#include <malloc.h>
#include <stdlib.h>

#define DRAIN_LOOK_MS 10
#define READY_LOOK_MS 10           /* at its begin: is Redis connected? */
#define LARGE_BYTES   (128 * 1024) /* what is larger is given back as soon as it is freed */

struct worker {
    const struct shared_state *shared;
    struct pool_child *child;
    unsigned index; /* its number */
    const struct listener *listener;
    uv_loop_t loop;
    struct store *store;
    struct query_pool *queries; /* NULL: no ledger */
    struct http_server *server; /* NULL: it does not serve yet */
    struct access_log *access;  /* NULL: none is kept */
    struct audit_asker asker;
    struct http_audits audits;
    struct hot *hot;         /* its own */
    struct kept_watch *kept; /* NULL: another worker asks, or nobody has to */
    uv_signal_t stop_signal, sighup;
    uv_timer_t drain_look, ready_look, keys_look;
    uint64_t drain_until_ms;
    bool leaving;
    bool failed; /* it cannot begin to serve */
};

static void nothing(uv_work_t *work)
{
}

/* On a loop of its own, which is empty again at once. */
int worker_start_threads(void)
{
    uv_loop_t loop;
    uv_work_t work;
    int rc = uv_loop_init(&loop);
    if (rc < 0)
        return rc;
    rc = uv_queue_work(&loop, &work, nothing, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_loop_close(&loop);
    return rc;
}

static void on_hup(uv_signal_t *handle, int signo)
{
    struct worker *w = handle->data;
    config_read_again(w->shared->config);
    key_watch_look(w->shared->keys, true);
    if (w->access)
        access_log_reopen(w->access);
}

static void on_keys_look(uv_timer_t *timer)
{
    struct worker *w = timer->data;
    key_watch_look(w->shared->keys, false);
}

static void on_drain_look(uv_timer_t *timer)
{
    struct worker *w = timer->data;
    bool drained = http_server_drained(w->server) && store_idle(w->store);
    if (!drained && uv_now(&w->loop) < w->drain_until_ms)
        return;
    if (!drained)
        log_event(LOG_WARN, "drain time is over; connections are cut");
    uv_stop(&w->loop);
}

static void begin_drain(uv_timer_t *timer)
{
    struct worker *w = timer->data;
    w->drain_until_ms = uv_now(&w->loop) + (uint64_t)w->shared->config->drain_ms;
    http_server_drain(w->server);
    store_drain(w->store);
    uv_timer_start(&w->drain_look, on_drain_look, 0, DRAIN_LOOK_MS);
}

/* First a load balancer learns from /readyz that it should look elsewhere, then the door closes. */
static void on_stop(uv_signal_t *handle, int signo)
{
    struct worker *w = handle->data;
    if (w->leaving)
        return;
    w->leaving = true;
    if (!w->server) {
        uv_stop(&w->loop);
        return;
    }
    http_server_leave(w->server);
    uv_timer_start(&w->drain_look, begin_drain, (uint64_t)w->shared->config->drain_delay_ms, 0);
}

static void watch_signals(struct worker *w)
{
    uv_signal_init(&w->loop, &w->stop_signal);
    uv_signal_init(&w->loop, &w->sighup);
    uv_timer_init(&w->loop, &w->drain_look);
    uv_timer_init(&w->loop, &w->ready_look);
    uv_timer_init(&w->loop, &w->keys_look);
    w->stop_signal.data = w->sighup.data = w->drain_look.data = w->ready_look.data = w;
    w->keys_look.data = w;
    if (w->shared->keys)
        uv_timer_start(&w->keys_look, on_keys_look, 0, KEY_WATCH_MS);
    uv_signal_start(&w->stop_signal, on_stop, PROCESS_STOP);
    uv_signal_start(&w->sighup, on_hup, SIGHUP);
}

/* 0 or -1. */
static int start_http(struct worker *w)
{
    const struct shared_state *shared = w->shared;
    const struct config *config = shared->config;
    struct http_config http = {.own_items = config->tenant_items == TENANT_ITEMS_OWN,
                               .quotas = shared->quota_use,
                               .worker = w->index,
                               .queries = w->queries,
                               .access = w->access,
                               .partitions = shared->store_config.partitions,
                               .audits = shared->audit_desk ? &w->audits : NULL,
                               .about = &shared->about,
                               .live = shared->live,
                               .hot = w->hot,
                               .trace_events = config->trace_events,
                               .slow_request_ms = config->slow_request_ms};
    w->asker = (struct audit_asker){shared->audit_desk, shared->stats, shared->live, w->child};
    audit_asker_serve(&w->asker, &w->audits);
    w->server = process_serve(shared, &w->loop, w->listener, &http, w->store);
    return w->server && pool_ready(w->child) == 0 ? 0 : -1;
}

/* A service that starts is not there before it can answer. A worker in the place of one that died
 * serves at once: who asks is told why not. */
static void on_ready_look(uv_timer_t *timer)
{
    struct worker *w = timer->data;
    enum outcome_code code;
    if (!store_connected(w->store)) {
        const char *why = store_not_ready(w->store, &code);
        if (waiting_tell(w->shared, w->child, waiting_cause_of(why),
                         why ? why : "they connect to Redis"))
            return;
    }
    uv_timer_stop(timer);
    w->failed = start_http(w) < 0;
    if (w->failed)
        uv_stop(&w->loop);
}

/* What clients keep is asked for by the first. False: out of memory. */
static bool watch_kept(struct worker *w)
{
    if (w->index > 0 || !w->queries || !w->shared->keys)
        return true;
    w->kept = kept_watch_new(&w->loop, w->shared, w->queries);
    return w->kept;
}

static int start_worker(struct worker *w)
{
    const struct shared_state *shared = w->shared;
    const struct config *config = shared->config;
    char err[256] = "";
    int rc = worker_start_threads();
    if (rc < 0) {
        log_event(LOG_ERROR, "no threads", LOG_STR("why", uv_strerror(rc)));
        return -1;
    }
    struct store_config store_config = shared->store_config;
    store_config.relay = shared->relay;
    store_config.worker = w->index;
    w->store = store_new(&w->loop, &store_config, shared->store_shared, err, sizeof(err));
    if (!w->store) {
        log_event(LOG_ERROR, "cannot open the store", LOG_STR("why", err));
        return -1;
    }
    if (config->access_log)
        w->access = access_log_new(config->access_log, shared->access_fd);
    w->queries = config_has_ledger(config) ? query_pool_new(&w->loop, config->ledger) : NULL;
    if ((config_has_ledger(config) && !w->queries) || (config->access_log && !w->access) ||
        !watch_kept(w)) {
        log_event(LOG_ERROR, "out of memory");
        return -1;
    }
    return 0;
}

/* Gives everything back. Requests that the drain time did not suffice for are cut off by the end
 * of the process instead: the store may still owe them an answer, and a thread may still wait for
 * one of the ledger's database or of those who know names. */
static void stop_worker(struct worker *w)
{
    if (w->server)
        http_server_free(w->server);
    access_log_free(w->access);
    if (!store_can_close(w->store) || (w->queries && !query_pool_idle(w->queries)))
        return;
    store_free(w->store);
    kept_watch_free(w->kept);
    query_pool_free(w->queries);
    uv_close((uv_handle_t *)&w->stop_signal, NULL);
    uv_close((uv_handle_t *)&w->sighup, NULL);
    uv_close((uv_handle_t *)&w->drain_look, NULL);
    uv_close((uv_handle_t *)&w->ready_look, NULL);
    uv_close((uv_handle_t *)&w->keys_look, NULL);
    uv_run(&w->loop, UV_RUN_DEFAULT);
    uv_loop_close(&w->loop);
}

int worker_run(struct pool_child *child, void *arg)
{
    const struct process_args *args = arg;
    struct worker w = {.shared = args->shared,
                       .child = child,
                       .index = args->stats_slot,
                       .listener = &args->shared->listeners[args->stats_slot],
                       .hot = &args->shared->hot[args->stats_slot]};
    process_begin(args, CONFINE_WORKER, "worker", (int)args->stats_slot);
    hot_begin(w.hot);
    signal(SIGXFSZ, SIG_IGN); /* a limit on file sizes is an error of a write, as a full disk is */
    mallopt(M_MMAP_THRESHOLD, LARGE_BYTES);
    if (uv_loop_init(&w.loop) != 0)
        return EXIT_FAILURE;
    watch_signals(&w);
    if (start_worker(&w) < 0)
        return EXIT_FAILURE;
    uv_timer_start(&w.ready_look, on_ready_look, 0, READY_LOOK_MS);
    uv_run(&w.loop, UV_RUN_DEFAULT);
    if (w.failed)
        return EXIT_FAILURE;
    stop_worker(&w);
    return EXIT_SUCCESS;
}
