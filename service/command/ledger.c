/* ledger.c -- `stockd ledger`: see commands.h. */
#include "command/commands.h"
#include "process/process.h"
#include "version.h"

#include <stdlib.h>

#define READY_TIMEOUT_MS 120000
#define PATIENCE_MS      2000
#define STOP_GRACE_MS    3000

struct parent {
    const struct config *config;
    struct shared_state shared;
    struct process_args ledger;
    struct pool *pool;
    bool stop;   /* a signal asked for it */
    bool failed; /* the child said that it cannot work here */
};

static void on_exit_of(void *ctx, int slot, const struct pool_exit *gone)
{
    struct parent *p = ctx;
    if (gone->fatal || gone->init_failed)
        p->failed = true;
    process_log_end("ledger", gone);
}

static void on_signal(void *ctx, int signo)
{
    struct parent *p = ctx;
    if (signo != SIGHUP) {
        p->stop = true;
        return;
    }
    config_log_begin(p->config);
    pool_signal_slot(p->pool, 0, SIGHUP);
}

static int make_pool(struct parent *p)
{
    const struct pool_events events = {.ctx = p, .on_exit = on_exit_of, .on_signal = on_signal};
    struct pool_slot_options options = process_slot("ledger", -1, ledger_process_run, &p->ledger);
    int rc = process_pool(&p->pool, 1, &events);
    if (rc == 0)
        rc = pool_add(p->pool, &options);
    return rc < 0 ? rc : pool_start(p->pool);
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
        fflush(stdout);
    }
    p->failed = p->failed || (rc < 0 && !p->stop);
    while (!p->stop && !p->failed)
        if (pool_step(p->pool, -1) < 0)
            p->failed = true;
    if (p->pool)
        pool_stop(p->pool, STOP_GRACE_MS);
    pool_free(p->pool);
    return p->failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int run_configured(const struct config *config)
{
    struct parent p = {.config = config};
    log_set_process("master", -1);
    config_log_begin(config);
    log_event(LOG_INFO, "stockd ledger", LOG_STR("version", stockd_version));
    config_log(config);
    p.ledger = (struct process_args){.shared = &p.shared, .patience_ms = PATIENCE_MS};
    int status = EXIT_FAILURE;
    if (shared_state_make(&p.shared, config, 0, 1)) {
        p.shared.store_config = config_store(config, config->redis);
        status = run_parent(&p);
    } else {
        log_event(LOG_ERROR, "cannot start", LOG_STR("why", "out of memory"));
    }
    shared_state_free(&p.shared);
    return status;
}

/* What serve has defaults for and this has not. */
static bool is_complete(struct cli_call *call, char *err, size_t err_size)
{
    struct config *config = call->options;
    return config_complete(config, err, err_size) &&
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
