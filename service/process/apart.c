#include "process/apart.h"
#include "clock.h"
#include "http/conn/https_files.h"
#include "process/key_watch.h"
#include "process/notify.h"
#include "process/rights.h"
#include "version.h"

#include <stdlib.h>

#define READY_TIMEOUT_MS 120000
#define PATIENCE_MS      2000
#define STOP_GRACE_MS    3000

/* Whose counters lie where. */
enum { SLOT_WORK, SLOT_PORT, SLOT_PARENT, SLOTS };

struct parent {
    const struct apart *apart;
    const struct config *config;
    struct shared_state shared;
    struct process_args work, port;
    struct listener listener;       /* of the port */
    char address[LISTEN_TEXT_SIZE]; /* empty: there is none */
    struct pool *pool;
    struct notify notify;
    bool stop;       /* a signal asked for it */
    bool failed;     /* a child said that it cannot work here */
    int64_t save_ms; /* when the use of keys is written down next */
};

static void on_exit_of(void *ctx, int slot, const struct pool_exit *gone)
{
    struct parent *p = ctx;
    if (gone->fatal || gone->init_failed)
        p->failed = true;
    process_log_end(slot == 0 ? p->apart->child : "port", gone);
    if (!gone->stopped && gone->restart_in_ms >= 0)
        stats_count(STATS_POOL_RESTARTS, 1);
}

static void on_signal(void *ctx, int signo)
{
    struct parent *p = ctx;
    if (signo != SIGHUP) {
        p->stop = true;
        return;
    }
    notify_reloading(&p->notify);
    config_read_again(p->config);
    key_watch_look(p->shared.keys, true);
    for (size_t i = 0; i < pool_slots(p->pool); i++)
        pool_signal_slot(p->pool, (int)i, SIGHUP);
    notify_ready(&p->notify, p->apart->status);
}

static int make_pool(struct parent *p)
{
    const struct pool_events events = {.ctx = p, .on_exit = on_exit_of, .on_signal = on_signal};
    struct pool_slot_options options = process_slot(p->apart->child, -1, p->apart->run, &p->work);
    struct pool_slot_options port = process_slot("port", -1, port_run, &p->port);
    int rc = process_pool(&p->pool, 2, &events);
    if (rc == 0)
        rc = pool_add(p->pool, &options);
    if (rc >= 0 && *p->address)
        rc = pool_add(p->pool, &port);
    return rc < 0 ? rc : pool_start(p->pool);
}

/* Where there are keys: as the port, if it dies, is to come again with those of then; and the port
 * may not write. */
static void look_after_keys(struct parent *p)
{
    int64_t now_ms = clock_mono_ms();
    key_watch_look(p->shared.keys, false);
    if (now_ms < p->save_ms)
        return;
    p->save_ms = now_ms + KEY_SAVE_MS;
    key_watch_save(&p->shared);
}

static void step_parent(struct parent *p)
{
    int64_t beat_ms = notify_beat(&p->notify, clock_mono_ms());
    bool soon = p->shared.keys && (beat_ms < 0 || beat_ms > KEY_WATCH_MS);
    if (pool_step(p->pool, soon ? KEY_WATCH_MS : beat_ms) < 0)
        p->failed = true;
    look_after_keys(p);
}

static int run_parent(struct parent *p)
{
    int rc = make_pool(p);
    if (rc < 0)
        log_event(LOG_ERROR, "cannot start processes", LOG_ERRNO(rc));
    else
        rc = pool_wait_ready(p->pool, READY_TIMEOUT_MS);
    if (rc == 0) {
        puts(p->apart->said);
        notify_ready(&p->notify, p->apart->status);
        if (*p->address)
            printf("listening on %s://%s\n", https_is_on() ? "https" : "http", p->address);
        fflush(stdout);
    }
    p->failed = p->failed || (rc < 0 && !p->stop);
    while (!p->stop && !p->failed)
        step_parent(p);
    notify_stopping(&p->notify, "Stopping");
    if (p->pool)
        pool_stop(p->pool, STOP_GRACE_MS);
    key_watch_save(&p->shared);
    pool_free(p->pool);
    return p->failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

static bool make_shared_state(struct parent *p)
{
    struct shared_state *shared = &p->shared;
    if (!shared_state_make(shared, p->config, 1, SLOTS))
        return false;
    stats_attach(shared->stats, SLOT_PARENT, "master");
    shared->listeners = &p->listener;
    shared->store_config = config_store(p->config, p->config->redis);
    p->work = (struct process_args){
        .shared = shared, .stats_slot = SLOT_WORK, .patience_ms = PATIENCE_MS};
    p->port =
        (struct process_args){.shared = shared, .stats_slot = SLOT_PORT, .look = p->apart->look};
    return p->apart->make(shared);
}

static int fail_start(const char *why)
{
    log_event(LOG_ERROR, "cannot start", LOG_STR("why", why));
    return EXIT_FAILURE;
}

static int run_shared(struct parent *p)
{
    const struct config *config = p->config;
    char err[CONFIG_ERR_SIZE];
    struct rights_user user;
    int rc = 0;
    if (!rights_find(config, &user, err, sizeof(err)))
        return fail_start(err);
    if (p->apart->listen)
        rc = listen_open(p->apart->listen_option, p->apart->listen, config_is_public(config),
                         &p->listener, 1, p->address, err, sizeof(err));
    if (rc < 0) {
        log_event(LOG_ERROR, "cannot listen", LOG_STR("why", err));
        return EXIT_FAILURE;
    }
    if (!rights_drop(config, &user, err, sizeof(err)))
        return fail_start(err);
    if (p->apart->listen && !key_watch_begin(&p->shared, err, sizeof(err)))
        return fail_start(err);
    process_confine_parent(&p->shared);
    return run_parent(p);
}

int apart_run(const struct apart *apart, const struct config *config)
{
    struct parent p = {.apart = apart, .config = config, .listener = {{-1, -1}}};
    log_set_process("master", -1);
    config_log_begin(config);
    notify_begin(&p.notify);
    log_event(LOG_INFO, apart->command, LOG_STR("version", stockd_version));
    config_log(config);
    int status = EXIT_FAILURE;
    if (make_shared_state(&p))
        status = run_shared(&p);
    else
        (void)fail_start("out of memory");
    notify_end(&p.notify);
    shared_state_free(&p.shared);
    return status;
}

/* Without a port there is nothing that takes a key. */
bool apart_check_port(const char *option, const char *text, const struct config *config, char *err,
                      size_t err_size)
{
    return !text || (listen_check(option, text, config_is_public(config), err, err_size) &&
                     key_watch_check(config, err, err_size));
}
