/* keeper.c -- the process that keeps the store: rounds over its partitions, a few chores. */
#include "clock.h"
#include "process/backlog.h"
#include "process/keeper/chores.h"
#include "process/keeper/live_round.h"
#include "process/key_watch.h"
#include "process/waiting.h"

#include <stdlib.h>
#include <time.h>

#define STEP_MS        50
#define CLOSED_LOOK_MS 500 /* at a store that is closed or lost */
#define SWEEPS_MAX     64  /* items at once, a partition */
#define FIRST_WAIT_NS  (50 * 1000 * 1000)
#define LOADING_MS     2000 /* of one that is started again: workers serve meanwhile */
#define LATE_MS        1000 /* for holds on their way back, before the lag grows */
#define IDLE_MS        5000 /* without a round, before it is said, and said again */

struct sweep {
    struct store_op op;
    struct op_line line;
    char sku[SKU_STORED_MAX_BYTES + 1];
    struct keeper *keeper;
};

/* What was found when holds that are due were last looked for. */
struct due {
    int64_t at_ms; /* monotonic */
    int64_t lag_ms;
};

struct keeper {
    const struct shared_state *shared;
    uv_loop_t loop;
    struct store *store;
    struct admin *admin;
    struct arena arena;
    uv_timer_t step, keys_save, live_step;
    uv_prepare_t pump;
    uv_signal_t stop_signal, sighup;
    struct chores chores;
    struct live_round live;
    int64_t open_at_ms;
    struct sweep sweeps[SWEEPS_MAX];
    unsigned flying;
    bool moved;         /* some of those gave holds back */
    unsigned partition; /* the next to look at */
    struct due due[PARTITIONS_MAX];
    int64_t round_ms;    /* monotonic: when the last round came to its end */
    int64_t say_ms;      /* when to say again that there was none since */
    int64_t shut_say_ms; /* when to say again that a partition is not open */
    bool stopping;
};

static void on_step(uv_timer_t *timer);

/* --- rounds ----------------------------------------------------------------------------------- */

static void begin_rounds(struct keeper *k)
{
    int64_t before_ms = k->shared->store_shared->keeper_round_ms; /* of a keeper that died */
    k->round_ms = before_ms ? before_ms : clock_mono_ms();
    k->say_ms = k->round_ms + IDLE_MS;
    stats_set(STATS_PARTITIONS_SHUT, k->shared->store_config.partitions); /* until it was seen */
    for (unsigned p = 0; p < k->shared->store_config.partitions; p++)
        k->due[p].at_ms = k->round_ms;
}

/* Nobody knows what has come due since a partition was last looked at: where no hold is given back,
 * because it is not open or the round has failed, the lag is what it may be. */
static void show_lag(const struct keeper *k, bool failed)
{
    int64_t lag_ms = 0, now_ms = clock_mono_ms();
    for (unsigned p = 0; p < k->shared->store_config.partitions; p++) {
        const struct due *due = &k->due[p];
        int64_t since_ms = failed || !admin_is_open(k->admin, p) ? now_ms - due->at_ms : 0;
        if (due->lag_ms + since_ms > lag_ms)
            lag_ms = due->lag_ms + since_ms;
    }
    stats_set(STATS_EXPIRY_LAG_MS, lag_ms);
}

static void round_done(struct keeper *k)
{
    int64_t now_ms = clock_mono_ms();
    if (now_ms - k->round_ms >= IDLE_MS)
        log_event(LOG_INFO, "the keeper goes on", LOG_INT("after_ms", now_ms - k->round_ms));
    k->shared->store_shared->keeper_round_ms = k->round_ms = now_ms;
    k->say_ms = now_ms + IDLE_MS;
    show_lag(k, false);
    stats_set(STATS_KEEPER_ROUND_AT_MS, clock_wall_ms());
}

static void round_failed(struct keeper *k, const char *why)
{
    int64_t now_ms = clock_mono_ms(), idle_ms = now_ms - k->round_ms;
    show_lag(k, true);
    if (now_ms < k->say_ms)
        return;
    k->say_ms = now_ms + IDLE_MS;
    log_event(LOG_WARN, "the keeper has done nothing", LOG_INT("for_ms", idle_ms),
              LOG_STR("why", why));
}

/* --- sweeping --------------------------------------------------------------------------------- */

static void on_swept(struct store_op *op)
{
    struct sweep *sweep = op->user;
    struct keeper *k = sweep->keeper;
    k->moved = k->moved || outcome_succeeded(op->op.out.code);
    if (--k->flying > 0)
        return;
    if (k->stopping)
        uv_stop(&k->loop);
    else if (k->moved)
        uv_timer_start(&k->step, on_step, 0, STEP_MS); /* more may be due: look at once */
}

static void sweep_item(struct keeper *k, struct sweep *sweep, unsigned partition, struct str sku)
{
    *sweep = (struct sweep){.keeper = k};
    memcpy(sweep->sku, sku.p, sku.n);
    sweep->line.sku = (struct str){sweep->sku, sku.n};
    sweep->op.op = (struct op){.kind = OP_SWEEP, .lines = &sweep->line, .line_count = 1};
    sweep->op.op.partition = (uint16_t)partition;
    sweep->op.done = on_swept;
    sweep->op.user = sweep;
    k->flying++;
    store_submit(k->store, &sweep->op);
}

/* Hands over what is due in one partition, by the clock of its Redis. 0 or -1. */
static int look_for_due(struct keeper *k, unsigned partition)
{
    struct str names[SWEEPS_MAX];
    int64_t now_ms = admin_now_ms(k->admin, partition), oldest_ms = now_ms;
    arena_reset(&k->arena);
    if (now_ms < 0)
        return -1;
    int count = admin_due(k->admin, partition, now_ms, &k->arena, names, SWEEPS_MAX, &oldest_ms);
    if (count < 0)
        return -1;
    k->due[partition] = (struct due){.at_ms = clock_mono_ms(), .lag_ms = now_ms - oldest_ms};
    for (int i = 0; i < count; i++)
        if (names[i].n <= SKU_STORED_MAX_BYTES)
            sweep_item(k, &k->sweeps[i], partition, names[i]);
    return 0;
}

/* In one partition that is open after the other, until something is due. One whose Redis is lost
 * here is not open any more, and holds up no other. */
static int sweep_due(struct keeper *k)
{
    unsigned partitions = k->shared->store_config.partitions;
    int rc = 0;
    k->moved = false;
    for (unsigned i = 0; i < partitions && k->flying == 0; i++) {
        if (admin_is_open(k->admin, k->partition) && look_for_due(k, k->partition) < 0)
            rc = -1;
        k->partition = (k->partition + 1) % partitions;
    }
    return rc;
}

/* --- the rest --------------------------------------------------------------------------------- */

/* What a keeper saw that died is the last that is known; before the first look, that nothing
 * waits for a service that begins. */
static void begin_looks(const struct keeper *k)
{
    if (k->shared->store_config.ledger)
        backlog_begin(k->shared->store_shared);
}

/* How far Redis is with loading has been said already. */
static void say_not_open(enum admin_result result, const char *what, const char *why)
{
    static struct log_gate gate;
    if (result != ADMIN_LOADING && log_allowed(&gate, clock_mono_ms()))
        log_event(admin_passes(result) ? LOG_WARN : LOG_ERROR, what, LOG_STR("why", why));
}

static void say_partly_open(struct keeper *k, enum log_level level, unsigned open, const char *why)
{
    if (clock_mono_ms() < k->shut_say_ms)
        return;
    k->shut_say_ms = clock_mono_ms() + IDLE_MS;
    log_event(level, "some partitions are not open", LOG_INT("open", open),
              LOG_INT("of", k->shared->store_config.partitions), LOG_STR("why", why));
}

/* True if there is anything to work on: the partitions do not depend on each other. */
static bool open_any_partition(struct keeper *k)
{
    const char *why;
    enum admin_result result = admin_open(k->admin, &why);
    unsigned open = admin_open_count(k->admin);
    stats_set(STATS_PARTITIONS_SHUT, k->shared->store_config.partitions - open);
    if (open > 0 && !admin_passes(result) && result != ADMIN_OK)
        say_partly_open(k, LOG_ERROR, open, why);
    else if (open > 0 && (result == ADMIN_DOWN || result == ADMIN_LOADING))
        say_partly_open(k, LOG_WARN, open, why);
    if (open > 0)
        return true;
    k->open_at_ms = clock_mono_ms() + (admin_passes(result) ? STEP_MS : CLOSED_LOOK_MS);
    say_not_open(result, "redis is not open", why);
    round_failed(k, why);
    return false;
}

static void on_step(uv_timer_t *timer)
{
    static struct log_gate gate;
    struct keeper *k = timer->data;
    if (k->flying > 0 && clock_mono_ms() - k->round_ms > LATE_MS)
        round_failed(k, "Redis has not answered its transactions yet");
    if (k->flying > 0 || k->stopping || clock_mono_ms() < k->open_at_ms || !open_any_partition(k))
        return;
    int swept = sweep_due(k);
    if (chores_do(&k->chores) == 0 && swept == 0) {
        round_done(k);
        return;
    }
    if (log_allowed(&gate, clock_mono_ms()))
        log_event(LOG_WARN, "a round of the keeper was cut short",
                  LOG_STR("why", admin_why(k->admin)));
    round_failed(k, admin_why(k->admin));
}

static void on_pump(uv_prepare_t *prepare)
{
    struct keeper *k = prepare->data;
    store_pump(k->store);
}

static void on_stop(uv_signal_t *handle, int signo)
{
    struct keeper *k = handle->data;
    k->stopping = true;
    if (k->flying == 0)
        uv_stop(&k->loop);
}

static void on_hup(uv_signal_t *handle, int signo)
{
    struct keeper *k = handle->data;
    config_read_again(k->shared->config);
}

/* No partition is open, and none opens by itself: the service begins, and says so to who asks. */
static bool needs_a_person(const struct keeper *k, enum admin_result result)
{
    bool away = result == ADMIN_DOWN || result == ADMIN_LOADING;
    return !away && result != ADMIN_OK && admin_open_count(k->admin) == 0 &&
           (!admin_passes(result) || k->shared->store_shared->state_lost);
}

static unsigned first_open(const struct keeper *k)
{
    for (unsigned p = 0; p < k->shared->store_config.partitions; p++)
        if (admin_is_open(k->admin, p))
            return p;
    return 0;
}

/* NULL: Redis tells the time, and --durability can be kept, so far as others are needed for it. */
static const char *lacks(struct keeper *k, enum wait_cause *cause)
{
    const struct store_shared *shared = k->shared->store_shared;
    enum store_durability level = k->shared->store_config.durability;
    if (admin_now_ms(k->admin, first_open(k)) < 0 || admin_look_at_replicas(k->admin) < 0) {
        *cause = waiting_cause(k->admin, ADMIN_DOWN);
        return admin_why(k->admin);
    }
    *cause = WAIT_REPLICAS;
    if (level == DURABILITY_REPLICATED && shared->replicas_short[first_open(k)])
        return "fewer are online than --replicas says";
    *cause = WAIT_SQL;
    if (level == DURABILITY_LEDGER && shared->ledger_down)
        return "it cannot be reached, and --durability ledger waits for it";
    return NULL;
}

/* Of a keeper in the place of one that died: workers serve already, so it does not wait for long.
 */
static bool waited_enough(int64_t waited_ms, enum admin_result result, int64_t patience_ms)
{
    return waited_ms >= patience_ms || (result == ADMIN_LOADING && waited_ms >= LOADING_MS);
}

/* Waits for Redis at the start. False: it is not set up for us. */
static bool open_first(struct keeper *k, struct pool_child *child, int64_t patience_ms)
{
    int64_t begin_ms = clock_mono_ms();
    for (;;) {
        const char *why;
        enum admin_result result = admin_open(k->admin, &why);
        enum wait_cause cause = waiting_cause(k->admin, result);
        if (result == ADMIN_REFUSED) {
            log_event(LOG_ERROR, "cannot serve from this redis", LOG_STR("why", why));
            return false;
        }
        bool open = result == ADMIN_OK || admin_open_count(k->admin) > 0;
        if (needs_a_person(k, result) || (open && !(why = lacks(k, &cause))))
            return true;
        if (!waiting_tell(k->shared, child, cause, why)) {
            if (open || waited_enough(clock_mono_ms() - begin_ms, result, patience_ms))
                return true;
            say_not_open(result, "waiting for redis", why);
            round_failed(k, why);
        }
        nanosleep(&(struct timespec){.tv_nsec = FIRST_WAIT_NS}, NULL);
    }
}

static void on_keys_save(uv_timer_t *timer)
{
    struct keeper *k = timer->data;
    key_watch_save(k->shared);
}

static void on_live_step(uv_timer_t *timer)
{
    struct keeper *k = timer->data;
    live_round_do(&k->live);
}

static int start_keeper(struct keeper *k)
{
    char err[256] = "";
    struct store_config config = k->shared->store_config;
    config.topology = admin_topology(k->admin);
    k->store = store_new(&k->loop, &config, k->shared->store_shared, err, sizeof(err));
    if (!k->store) {
        log_event(LOG_ERROR, "cannot open the store", LOG_STR("why", err));
        return -1;
    }
    uv_timer_init(&k->loop, &k->step);
    uv_timer_init(&k->loop, &k->keys_save);
    uv_timer_init(&k->loop, &k->live_step);
    uv_prepare_init(&k->loop, &k->pump);
    uv_signal_init(&k->loop, &k->stop_signal);
    uv_signal_init(&k->loop, &k->sighup);
    k->step.data = k->pump.data = k->stop_signal.data = k->sighup.data = k->keys_save.data = k;
    k->live_step.data = k;
    uv_signal_start(&k->stop_signal, on_stop, PROCESS_STOP);
    uv_signal_start(&k->sighup, on_hup, SIGHUP);
    uv_prepare_start(&k->pump, on_pump);
    uv_timer_start(&k->step, on_step, 0, STEP_MS);
    uv_timer_start(&k->live_step, on_live_step, 0, LIVE_ROUND_MS);
    if (k->shared->keys)
        uv_timer_start(&k->keys_save, on_keys_save, KEY_SAVE_MS, KEY_SAVE_MS);
    return 0;
}

static void stop_keeper(struct keeper *k)
{
    arena_free(&k->arena);
    live_round_end(&k->live);
    key_watch_save(k->shared); /* workers have ended */
    if (!store_can_close(k->store))
        return;
    store_free(k->store);
    uv_close((uv_handle_t *)&k->step, NULL);
    uv_close((uv_handle_t *)&k->keys_save, NULL);
    uv_close((uv_handle_t *)&k->live_step, NULL);
    uv_close((uv_handle_t *)&k->pump, NULL);
    uv_close((uv_handle_t *)&k->stop_signal, NULL);
    uv_close((uv_handle_t *)&k->sighup, NULL);
    uv_run(&k->loop, UV_RUN_DEFAULT);
    uv_loop_close(&k->loop);
    admin_free(k->admin); /* the store went by its topology */
}

int keeper_run(struct pool_child *child, void *arg)
{
    const struct process_args *args = arg;
    struct keeper k = {.shared = args->shared};
    char err[256] = "";
    process_begin(args, CONFINE_KEEPER, "keeper", -1);
    stats_set(STATS_AUDIT_RESULT, -1);
    arena_init(&k.arena, 16 * 1024, 1 << 20);
    k.admin = admin_new(&k.shared->store_config, k.shared->store_shared, err, sizeof(err));
    if (!k.admin || !live_round_begin(&k.live, k.shared, k.admin) || uv_loop_init(&k.loop) != 0) {
        log_event(LOG_ERROR, "cannot start", LOG_STR("why", err));
        return POOL_EXIT_FATAL;
    }
    k.chores = (struct chores){.shared = k.shared, .admin = k.admin};
    begin_rounds(&k);
    begin_looks(&k);
    if (!open_first(&k, child, args->patience_ms))
        return POOL_EXIT_FATAL;
    if (start_keeper(&k) < 0 || pool_ready(child) < 0)
        return EXIT_FAILURE;
    uv_run(&k.loop, UV_RUN_DEFAULT);
    stop_keeper(&k);
    return EXIT_SUCCESS;
}
