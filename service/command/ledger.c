/* ledger.c -- `stockd ledger`: see commands.h. */
#include "clock.h"
#include "command/commands.h"
#include "http/https_files.h"
#include "process/key_watch.h"
#include "process/notify.h"
#include "process/process.h"
#include "process/rights.h"
#include "shared.h"
#include "version.h"

#include <errno.h>
#include <stdlib.h>

#define READY_TIMEOUT_MS 120000
#define PATIENCE_MS      2000
#define STOP_GRACE_MS    3000
#define CARRYING         "Carrying events"

/* Whose counters lie where. */
enum { SLOT_LEDGER, SLOT_PORT, SLOT_PARENT, SLOTS };

struct parent {
    const struct config *config;
    struct shared_state shared;
    struct process_args ledger, port;
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
    process_log_end(slot == 0 ? "ledger" : "port", gone);
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
    notify_ready(&p->notify, CARRYING);
}

static int make_pool(struct parent *p)
{
    const struct pool_events events = {.ctx = p, .on_exit = on_exit_of, .on_signal = on_signal};
    struct pool_slot_options options = process_slot("ledger", -1, ledger_process_run, &p->ledger);
    struct pool_slot_options port = process_slot("port", -1, ledger_port_run, &p->port);
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

static void step(struct parent *p)
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
        puts("carrying events");
        notify_ready(&p->notify, CARRYING);
        if (*p->address)
            printf("listening on %s://%s\n", https_is_on() ? "https" : "http", p->address);
        fflush(stdout);
    }
    p->failed = p->failed || (rc < 0 && !p->stop);
    while (!p->stop && !p->failed)
        step(p);
    notify_stopping(&p->notify, "Stopping");
    if (p->pool)
        pool_stop(p->pool, STOP_GRACE_MS);
    key_watch_save(&p->shared);
    pool_free(p->pool);
    return p->failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

static bool make_shared(struct parent *p)
{
    struct shared_state *shared = &p->shared;
    if (!shared_state_make(shared, p->config, 1, SLOTS))
        return false;
    stats_attach(shared->stats, SLOT_PARENT, "master");
    shared->listeners = &p->listener;
    shared->store_config = config_store(p->config, p->config->redis);
    shared->ledger_look = shared_alloc(sizeof(*shared->ledger_look));
    if (shared->ledger_look)
        shared->ledger_look->state = LEDGER_BEGINS;
    p->ledger = (struct process_args){
        .shared = shared, .stats_slot = SLOT_LEDGER, .patience_ms = PATIENCE_MS};
    p->port = (struct process_args){.shared = shared, .stats_slot = SLOT_PORT};
    return shared->ledger_look != NULL;
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
    if (config->ledger_listen)
        rc = listen_open("--ledger-listen", config->ledger_listen, config_is_public(config),
                         &p->listener, 1, p->address, err, sizeof(err));
    if (rc < 0) {
        log_event(LOG_ERROR, "cannot listen", LOG_STR("why", err));
        return EXIT_FAILURE;
    }
    if (!rights_drop(config, &user, err, sizeof(err)))
        return fail_start(err);
    if (config->ledger_listen && !key_watch_begin(&p->shared, err, sizeof(err)))
        return fail_start(err);
    process_confine_parent(&p->shared);
    return run_parent(p);
}

static int run_configured(const struct config *config)
{
    struct parent p = {.config = config, .listener = {{-1, -1}}};
    log_set_process("master", -1);
    config_log_begin(config);
    notify_begin(&p.notify);
    log_event(LOG_INFO, "stockd ledger", LOG_STR("version", stockd_version));
    config_log(config);
    int status = EXIT_FAILURE;
    if (make_shared(&p))
        status = run_shared(&p);
    else
        (void)fail_start("out of memory");
    notify_end(&p.notify);
    shared_state_free(&p.shared);
    return status;
}

/* Without a port there is nothing that takes a key. */
static bool is_port_good(const struct config *config, char *err, size_t err_size)
{
    return !config->ledger_listen || (listen_check("--ledger-listen", config->ledger_listen,
                                                   config_is_public(config), err, err_size) &&
                                      key_watch_check(config, err, err_size));
}

/* What serve has defaults for and this has not. */
static bool is_complete(struct cli_call *call, char *err, size_t err_size)
{
    struct config *config = call->options;
    return config_complete(config, err, err_size) && is_port_good(config, err, err_size) &&
           command_has_both(config->redis, config_has_ledger(config) ? config->ledger : NULL, err,
                            err_size);
}

static int run_ledger(const struct cli_call *call)
{
    return run_configured(call->options);
}

const struct cli_command command_ledger = {
    .name = "ledger",
    .help = "bring events into the ledger, beside serve --no-ledger-apply",
    .about =
        "Prints \"carrying events\" when it has begun. Most of its options are those of serve, and "
        "are taken so that both can have the same.",
    .specs = config_specs,
    .options_size = sizeof(struct config),
    .complete = is_complete,
    .run = run_ledger,
};
