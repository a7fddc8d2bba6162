#include "process/master.h"
#include "clock.h"
#include "http/access_log.h"
#include "http/conn/https_files.h"
#include "process/about.h"
#include "process/audit_desk.h"
#include "process/embedded.h"
#include "process/key_watch.h"
#include "process/ledger/ledger_open.h"
#include "process/rights.h"
#include "process/waiting.h"
#include "shared.h"
#include "store/relay/relay_shared.h"
#include "version.h"

#include <stdlib.h>

#define PATIENCE_MS    2000 /* of a child with Redis and SQL, before the others begin as well */
#define LOOK_MS        100  /* at what is waited for */
#define WORKING_MS     1000 /* while it stops, from one word to the service manager to the next */
#define STOP_GRACE_MS  3000
#define DRAIN_EXTRA_MS 1000

struct master {
    const struct config *config;
    struct pool *pool;
    struct notify notify;
    struct waiting waiting;
    struct shared_state shared;
    struct embedded embedded;
    struct process_args keeper, ledger, audit, workers[CONFIG_WORKERS_MAX];
    struct listener listeners[CONFIG_WORKERS_MAX];
    int redis_slot, ledger_slot, keeper_slot, first_worker, audit_slot; /* -1: none */
    bool stop;                                                          /* a signal asked for it */
    bool failed;                        /* a child said that it cannot work here */
    bool late;                          /* what it waits for did not come in time */
    char serves[LISTEN_TEXT_SIZE + 32]; /* for people; empty: not yet */
};

/* --- what the pool tells ---------------------------------------------------------------------- */

static void on_exit_of(void *ctx, int slot, const struct pool_exit *gone)
{
    struct master *m = ctx;
    const char *what = slot == m->redis_slot    ? "redis-server"
                       : slot == m->ledger_slot ? "ledger"
                       : slot == m->keeper_slot ? "keeper"
                       : slot == m->audit_slot  ? "audit"
                                                : "worker";
    if (m->shared.relay && m->first_worker >= 0 && slot >= m->first_worker && slot != m->audit_slot)
        relay_end(m->shared.relay, (unsigned)(slot - m->first_worker));
    if (gone->fatal || gone->init_failed)
        m->failed = true;
    if (slot == m->audit_slot)
        audit_desk_end(m->shared.audit_desk);
    if (slot != m->audit_slot || gone->status != EXIT_SUCCESS)
        process_log_end(what, gone);
    if (!gone->stopped && gone->restart_in_ms >= 0)
        stats_count(STATS_POOL_RESTARTS, 1);
}

static void on_signal(void *ctx, int signo)
{
    struct master *m = ctx;
    if (signo != SIGHUP) {
        m->stop = true;
        return;
    }
    if (m->serves[0])
        notify_reloading(&m->notify);
    config_read_again(m->config);
    key_watch_look(m->shared.keys, true);
    for (size_t i = 0; i < pool_slots(m->pool); i++)
        if ((int)i != m->redis_slot)
            pool_signal_slot(m->pool, (int)i, SIGHUP);
    log_event(LOG_INFO, "configuration read again");
    if (m->serves[0])
        notify_ready(&m->notify, m->serves);
}

static void on_message(void *ctx, int slot, const void *bytes, size_t n)
{
    struct master *m = ctx;
    waiting_hear(&m->waiting, bytes, n);
}

/* --- starting --------------------------------------------------------------------------------- */

static int fail_startup(const char *what, const char *why)
{
    log_event(LOG_ERROR, what, LOG_STR("why", why));
    return EXIT_FAILURE;
}

static bool make_shared_state(struct master *m)
{
    unsigned workers = (unsigned)m->config->workers;
    m->shared.listeners = m->listeners;
    if (!shared_state_make(&m->shared, m->config, workers, workers + 4))
        return false;
    stats_attach(m->shared.stats, workers + 1, "master");
    m->shared.roster = shared_alloc(sizeof(*m->shared.roster));
    if (m->shared.roster)
        roster_add(m->shared.roster, "master", -1);
    if (config_has_ledger(m->config))
        m->shared.audit_desk = shared_alloc(sizeof(*m->shared.audit_desk));
    return m->shared.roster && (m->shared.audit_desk || !config_has_ledger(m->config));
}

static int add_slot(struct master *m, const struct pool_slot_options *options)
{
    int slot = pool_add(m->pool, options);
    if (slot >= 0)
        roster_add(m->shared.roster, options->name, options->index);
    return slot;
}

static int add_redis(struct master *m)
{
    struct pool_slot_options options = {.name = "redis",
                                        .index = -1,
                                        .restart = POOL_ALWAYS,
                                        .death_signal = EMBEDDED_STOP,
                                        .stop_signal = EMBEDDED_STOP,
                                        .run = embedded_run,
                                        .arg = &m->embedded,
                                        .keep_fds = &m->embedded.lock_fd,
                                        .keep_count = 1};
    return add_slot(m, &options);
}

static int add_process(struct master *m, const char *name, int index,
                       int (*run)(struct pool_child *child, void *arg), struct process_args *args,
                       unsigned stats_slot)
{
    *args = (struct process_args){
        .shared = &m->shared, .stats_slot = stats_slot, .patience_ms = PATIENCE_MS};
    struct pool_slot_options options = process_slot(name, index, run, args);
    return add_slot(m, &options);
}

/* What is asked for while it serves; it is forked then, and not again by itself. */
static bool add_audit(struct master *m)
{
    if (!config_has_ledger(m->config))
        return true;
    m->audit = (struct process_args){.shared = &m->shared, .stats_slot = m->shared.workers + 3};
    struct pool_slot_options options = process_slot("audit", -1, audit_process_run, &m->audit);
    options.restart = POOL_NEVER;
    options.handshake = false;
    m->audit_slot = add_slot(m, &options);
    return m->audit_slot >= 0;
}

/* Every child must know which database --ledger leads to, so that a store of another one is
 * refused. One that cannot be reached now is no reason not to serve: the ledger process asks
 * again. */
static bool knows_ledger(struct master *m, char *why, size_t why_size)
{
    struct db *db;
    if (!config_has_ledger(m->config))
        return true;
    enum identity_result result =
        ledger_open(m->config, m->shared.store_shared, &db, why, why_size);
    if (result == IDENTITY_KNOWN)
        db_close(db);
    if (result == IDENTITY_LATER)
        log_event(LOG_WARN, "the ledger's database cannot be reached", LOG_STR("why", why));
    return result != IDENTITY_REFUSED;
}

/* Forks one process. False, with the reason in the log: no child is there to tell it. */
static bool fork_slot(struct master *m, int slot)
{
    int rc = slot < 0 ? slot : pool_start_slot(m->pool, slot);
    if (rc < 0)
        log_event(LOG_ERROR, "a process could not be started", LOG_STR("why", strerror(-rc)));
    return rc >= 0;
}

static bool all_ready(const struct master *m)
{
    for (size_t i = 0; i < pool_slots(m->pool); i++)
        if (pool_slot_state(m->pool, (int)i) != POOL_READY)
            return false;
    return true;
}

static int64_t sooner(int64_t a_ms, int64_t b_ms)
{
    return a_ms >= 0 && (b_ms < 0 || a_ms < b_ms) ? a_ms : b_ms;
}

/* One step of the pool, of most_ms or as long as the watchdog bears; < 0: as long as that. Who is
 * forked later is to have the keys of then: what was revoked must not come back with them. */
static void step_master(struct master *m, int64_t most_ms)
{
    int64_t look_ms = m->shared.keys ? KEY_WATCH_MS : -1;
    int64_t beat_ms = notify_beat(&m->notify, clock_mono_ms());
    if (pool_step(m->pool, sooner(sooner(beat_ms, look_ms), most_ms)) < 0)
        m->failed = true;
    roster_look(m->shared.roster, m->pool);
    key_watch_look(m->shared.keys, false);
}

/* Waits until all that was forked is ready, as long as --startup-timeout lets it. */
static bool await_ready(struct master *m)
{
    while (!all_ready(m) && !m->failed && !m->stop) {
        step_master(m, LOOK_MS);
        m->late = !m->failed && !m->stop && !waiting_goes_on(&m->waiting);
        if (m->late)
            return false;
    }
    return !m->failed && !m->stop;
}

static bool bring_up(struct master *m, int slot)
{
    return fork_slot(m, slot) && await_ready(m);
}

static bool bring_up_all(struct master *m)
{
    if (!m->config->redis) {
        m->redis_slot = add_redis(m);
        if (!bring_up(m, m->redis_slot))
            return false;
    }
    if (config_has_ledger(m->config) && m->config->ledger_apply) {
        m->ledger_slot =
            add_process(m, "ledger", -1, ledger_process_run, &m->ledger, m->shared.workers + 2);
        if (!bring_up(m, m->ledger_slot))
            return false;
    }
    m->keeper_slot = add_process(m, "keeper", -1, keeper_run, &m->keeper, m->shared.workers);
    if (!bring_up(m, m->keeper_slot))
        return false;
    for (unsigned i = 0; i < m->shared.workers; i++) {
        int slot = add_process(m, "worker", (int)i, worker_run, &m->workers[i], i);
        if (i == 0)
            m->first_worker = slot;
        if (!fork_slot(m, slot))
            return false;
    }
    return await_ready(m) && add_audit(m);
}

/* --- stopping --------------------------------------------------------------------------------- */

static void close_listeners(struct master *m)
{
    for (unsigned i = 0; i < m->shared.workers; i++)
        listen_close(&m->shared.listeners[i]);
}

static bool any_stopping(const struct master *m)
{
    for (size_t i = 0; i < pool_slots(m->pool); i++)
        if (pool_slot_state(m->pool, (int)i) == POOL_STOPPING)
            return true;
    return false;
}

/* Tells count slots from `first` on to end, and waits until they have. */
static void stop_slots(struct master *m, int first, unsigned count, int64_t grace_ms)
{
    for (unsigned i = 0; first >= 0 && i < count; i++)
        if (first + (int)i < (int)pool_slots(m->pool))
            pool_stop_slot(m->pool, first + (int)i, grace_ms);
    while (any_stopping(m)) {
        notify_working(&m->notify, "Stopping");
        step_master(m, WORKING_MS);
    }
}

static void stop_all(struct master *m)
{
    notify_stopping(&m->notify, "Stopping");
    close_listeners(m);
    stop_slots(m, m->first_worker, m->shared.workers,
               m->config->drain_delay_ms + m->config->drain_ms + DRAIN_EXTRA_MS);
    stop_slots(m, m->audit_slot, 1, STOP_GRACE_MS);
    stop_slots(m, m->keeper_slot, 1, STOP_GRACE_MS);
    stop_slots(m, m->ledger_slot, 1, STOP_GRACE_MS);
    stop_slots(m, m->redis_slot, 1, STOP_GRACE_MS * 5); /* it writes its AOF to disk first */
    pool_stop(m->pool, STOP_GRACE_MS);
}

static void say_not_started(const struct master *m)
{
    if (!m->late) /* that has been said */
        log_event(LOG_ERROR, "not started; the line above says why",
                  LOG_STR("pool", pool_error(m->pool)));
}

static int serve_all(struct master *m, const char *address)
{
    waiting_begin(&m->waiting, &m->shared, &m->notify);
    bool up = bring_up_all(m);
    waiting_end(&m->waiting);
    if (!up) {
        bool asked = m->stop && !m->failed;
        if (!asked)
            say_not_started(m);
        stop_all(m);
        return asked ? EXIT_SUCCESS : EXIT_FAILURE;
    }
    const char *scheme = https_is_on() ? "https" : "http";
    printf("listening on %s://%s\n", scheme, address);
    fflush(stdout);
    snprintf(m->serves, sizeof(m->serves), "Listening on %s://%s", scheme, address);
    notify_ready(&m->notify, m->serves);
    while (!m->stop && !m->failed) {
        step_master(m, -1);
        if (m->audit_slot >= 0 && !m->stop)
            audit_desk_look(m->shared.audit_desk, m->pool, m->audit_slot);
    }
    log_event(LOG_INFO, m->failed ? "stopping: a child cannot go on" : "stopping");
    stop_all(m);
    log_event(LOG_INFO, "stopped");
    return m->failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int fail_access_log(const struct master *m, int rc)
{
    log_event(LOG_ERROR, "cannot open the access log", LOG_STR("file", m->config->access_log),
              LOG_ERRNO(rc));
    return EXIT_FAILURE;
}

/* The port, and what else takes rights that are given up then. EXIT_SUCCESS, or not. */
static int take_and_drop(struct master *m, char address[LISTEN_TEXT_SIZE])
{
    const struct config *config = m->config;
    struct rights_user user;
    char err[CONFIG_ERR_SIZE] = "";
    if (!rights_find(config, &user, err, sizeof(err)))
        return fail_startup("cannot start", err);
    int rc = listen_open("--listen", config->listen, config_is_public(config), m->shared.listeners,
                         m->shared.workers, address, err, sizeof(err));
    if (rc < 0)
        return fail_startup("cannot listen", err);
    rc = config->access_log ? access_log_standard(config->access_log, &m->shared.access_fd) : 0;
    if (rc < 0)
        return fail_access_log(m, rc);
    if (!rights_drop(config, &user, err, sizeof(err)))
        return fail_startup("cannot start", err);
    /* What cannot be opened now is a mistake in the options; later it is a matter of waiting. */
    rc = config->access_log ? access_log_try(config->access_log) : 0;
    return rc < 0 ? fail_access_log(m, rc) : EXIT_SUCCESS;
}

int master_run(const struct config *config, const enum arg_from *from)
{
    struct master m = {.config = config,
                       .redis_slot = -1,
                       .ledger_slot = -1,
                       .keeper_slot = -1,
                       .first_worker = -1,
                       .audit_slot = -1};
    char err[CONFIG_ERR_SIZE] = "", address[LISTEN_TEXT_SIZE];
    log_set_process("master", -1);
    config_log_begin(config);
    notify_begin(&m.notify);
    log_event(LOG_INFO, "stockd", LOG_STR("version", stockd_version));
    config_log(config);
    if (!make_shared_state(&m))
        return fail_startup("cannot start", "out of memory");
    if (take_and_drop(&m, address) != EXIT_SUCCESS)
        return EXIT_FAILURE;
    if (!key_watch_begin(&m.shared, err, sizeof(err)))
        return fail_startup("cannot read the API keys", err);
    if (!config->redis && embedded_prepare(&m.embedded, config, err, sizeof(err)) < 0)
        return fail_startup("cannot start redis", err);
    m.shared.store_config = config_store(config, config->redis ? config->redis : m.embedded.url);
    if (!about_make(&m.shared, from))
        return fail_startup("cannot start", "out of memory");
    if (!knows_ledger(&m, err, sizeof(err)))
        return fail_startup("cannot write to this ledger", err);
    const struct pool_events events = {
        .ctx = &m, .on_exit = on_exit_of, .on_message = on_message, .on_signal = on_signal};
    process_confine_parent(&m.shared);
    int rc = process_pool(&m.pool, m.shared.workers + 4, &events);
    if (rc < 0)
        return fail_startup("cannot start processes", strerror(-rc));
    int status = serve_all(&m, address);
    pool_free(m.pool);
    notify_end(&m.notify);
    about_free(&m.shared);
    shared_state_free(&m.shared);
    return status;
}
