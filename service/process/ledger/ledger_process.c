/* ledger_process.c -- the process that carries the events of every partition from Redis to SQL, and
 * opens the store's epochs, since only SQL can tell whether what Redis holds is the present.
 *
 * For each partition: entries behind the checkpoint that SQL holds are read, applied in one SQL
 * transaction a chunk, and only then trimmed. While SQL is away the backlog waits in Redis. After a
 * restart of Redis what is there is applied first, then the next epoch is opened; a stream that
 * ends before the checkpoint, or a store that is gone, is lost state. What does not follow closes
 * its partition, and the others go on.
 *
 * Invariant: only what SQL has committed is trimmed, and never the last of it: the entry at the
 * checkpoint stays. Any number of these processes may run on one store.
 */
#include "clock.h"
#include "process/backlog.h"
#include "process/ledger/ledger_open.h"
#include "process/ledger/ledger_pass.h"
#include "process/ledger/ledger_restore.h"
#include "process/process.h"
#include "process/waiting.h"

#include <stdlib.h>
#include <time.h>

#define WAIT_MS          100 /* for new entries, for others to open; a signal is noticed after it */
#define REDIS_WAIT_MS    100 /* before the next connection */
#define BACKOFF_FIRST    100 /* ms, after trouble with SQL */
#define BACKOFF_MAX      5000 /* ms */
#define LOOK_MS          500  /* from one look at meta and the stream's end to the next */
#define LOOK_PER_PART_MS 10
#define PING_MS          1000 /* with --durability ledger: is SQL there although nothing happens? */
#define LAG_MS           1000 /* from one look at the backlog to the next, where no keeper looks */
#define RESTORE_MS       10000 /* from one try of --auto-restore to the next */
#define STOP_MS          2000  /* what is there when we are told to stop is taken along */
#define LOADING_MS       2000  /* at start: the keeper waits as well */

struct ledger_process {
    const struct shared_state *shared;
    struct pool_child *child;
    struct admin *admin;
    struct db *db; /* NULL: not open */
    struct apply apply;
    struct ledger_pass pass;
    unsigned *waiting; /* for feed_wait: numbers and positions of partitions */
    struct event_id *positions;
    sigset_t signals;
    int64_t backoff_ms, stop_ms; /* stop_ms: when to leave at the latest; 0: not asked to */
    int64_t ping_ms, lag_ms;
    int64_t restore_ms; /* before this no restore is tried */
    bool db_checked;    /* since the last trouble */
    bool refused;
};

/* --- waiting ---------------------------------------------------------------------------------- */

/* Lets time pass, though not beyond the time to leave, and notices signals. */
static void rest(struct ledger_process *l, int64_t ms)
{
    int64_t left_ms = l->stop_ms ? l->stop_ms - clock_mono_ms() : ms;
    if (ms > left_ms)
        ms = left_ms > 0 ? left_ms : 0;
    const struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    int signo = sigtimedwait(&l->signals, NULL, &time);
    if (signo == PROCESS_STOP && l->stop_ms == 0)
        l->stop_ms = clock_mono_ms() + STOP_MS;
    if (signo == SIGHUP)
        config_read_again(l->shared->config);
}

/* Until there is something to read in a partition that flows. */
static void wait_for_entries(struct ledger_process *l)
{
    size_t count = 0;
    for (unsigned i = 0; i < l->pass.count; i++)
        if (l->pass.parts[i].state == CARRY_FLOWING && l->pass.parts[i].connection != 0) {
            l->waiting[count] = l->pass.parts[i].partition;
            l->positions[count++] = l->pass.parts[i].at;
        }
    /* A connection that is lost here shows in the next pass. */
    if (count == 0 || feed_wait(l->admin, l->waiting, l->positions, count, WAIT_MS) < 0)
        rest(l, WAIT_MS);
}

static bool leaving(const struct ledger_process *l)
{
    return l->refused || (l->stop_ms != 0 && clock_mono_ms() >= l->stop_ms);
}

/* --- being asked ------------------------------------------------------------------------------ */

static void set_state(const struct ledger_process *l, enum ledger_state state)
{
    if (l->shared->ledger_look)
        l->shared->ledger_look->state = state;
}

/* Where no keeper does it. A Redis that does not answer shows in the next pass: until then nothing
 * new is known, and what is shown grows old. */
static void show_backlog(struct ledger_process *l)
{
    struct backlog backlog;
    if (!l->shared->ledger_look || clock_mono_ms() < l->lag_ms)
        return;
    l->lag_ms = clock_mono_ms() + LAG_MS;
    if (backlog_look(l->admin, l->pass.count, &backlog) == 0)
        backlog_show(l->shared->store_shared, &backlog);
}

static enum ledger_state of_partition(enum carry_state state)
{
    switch (state) {
    case CARRY_FLOWING: return LEDGER_APPLIES;
    case CARRY_STUCK: return LEDGER_STUCK;
    case CARRY_LOST: return LEDGER_LOST;
    case CARRY_DEPOSED:
    case CARRY_UNSEEN:
    case CARRY_SEEN:
    case CARRY_BEHIND: break;
    }
    return LEDGER_BEGINS;
}

/* What the partitions are like, after a pass. */
static void tell_partitions(const struct ledger_process *l)
{
    enum ledger_state state = l->pass.away > 0 ? LEDGER_WAITS_REDIS : LEDGER_APPLIES;
    for (unsigned i = 0; i < l->pass.count; i++) {
        enum ledger_state one = of_partition(l->pass.parts[i].state);
        state = one > state ? one : state;
    }
    set_state(l, state);
}

/* --- trouble ---------------------------------------------------------------------------------- */

static void forget_all(struct ledger_process *l)
{
    for (unsigned i = 0; i < l->pass.count; i++)
        carry_forget(&l->pass.parts[i]);
}

static void say_redis_trouble(struct ledger_process *l)
{
    static struct log_gate gate;
    enum admin_result result = l->pass.loading ? ADMIN_LOADING : ADMIN_DOWN;
    bool told = waiting_tell(l->shared, l->child, waiting_cause(l->admin, result), l->pass.why);
    if (!told && !l->pass.loading && log_allowed(&gate, clock_mono_ms())) /* that has been said */
        log_event(LOG_WARN, "the ledger waits for redis", LOG_INT("partitions", l->pass.away),
                  LOG_STR("why", l->pass.why));
}

/* No Redis can be worked with. */
static void wait_for_redis(struct ledger_process *l)
{
    set_state(l, LEDGER_WAITS_REDIS);
    admin_hang_up(l->admin);
    forget_all(l);
    rest(l, REDIS_WAIT_MS);
}

/* The backlog grows meanwhile, and is looked at. */
static void wait_for_database(struct ledger_process *l, int64_t ms)
{
    int64_t end_ms = clock_mono_ms() + ms, left_ms = ms;
    while (left_ms > 0 && !leaving(l)) {
        show_backlog(l);
        rest(l, left_ms < LAG_MS ? left_ms : LAG_MS);
        left_ms = end_ms - clock_mono_ms();
    }
}

static void sql_trouble(struct ledger_process *l, const char *why)
{
    static struct log_gate gate;
    stats_count(STATS_LEDGER_ERRORS, 1);
    l->backoff_ms = l->backoff_ms ? l->backoff_ms * 2 : BACKOFF_FIRST;
    if (l->backoff_ms > BACKOFF_MAX)
        l->backoff_ms = BACKOFF_MAX;
    if (!waiting_tell(l->shared, l->child, WAIT_SQL, why) && log_allowed(&gate, clock_mono_ms()))
        log_event(LOG_WARN, "the ledger waits for its database", LOG_STR("why", why),
                  LOG_INT("again_in_ms", l->backoff_ms));
    l->db_checked = false;
    l->shared->store_shared->ledger_down = true;
    set_state(l, LEDGER_WAITS_SQL);
    forget_all(l);
    wait_for_database(l, l->backoff_ms);
}

/* --- connections ------------------------------------------------------------------------------ */

/* For the commit: neither may a silent SQL go unnoticed, nor is there time to gather entries. */
static bool answers_wait(const struct ledger_process *l)
{
    return l->shared->store_config.durability == DURABILITY_LEDGER;
}

static bool open_database(struct ledger_process *l)
{
    struct store_shared *shared = l->shared->store_shared;
    char why[MIGRATE_WHY_SIZE] = "";
    bool opened = l->db != NULL;
    bool fresh = !answers_wait(l) || clock_mono_ms() < l->ping_ms;
    if (l->db_checked && fresh)
        return true;
    enum identity_result result =
        opened ? ledger_check(l->db, shared, why, sizeof(why))
               : ledger_open(l->shared->config, shared, &l->db, why, sizeof(why));
    /* One that was right once and is not now may be in the middle of a repair. */
    if (result == IDENTITY_REFUSED && !opened) {
        log_event(LOG_ERROR, "cannot write to this ledger", LOG_STR("why", why));
        l->refused = true;
        return false;
    }
    if (result != IDENTITY_KNOWN) {
        sql_trouble(l, why);
        return false;
    }
    if (!opened) {
        apply_free(&l->apply);
        apply_init(&l->apply, l->db, 0);
    }
    l->ping_ms = clock_mono_ms() + PING_MS;
    l->shared->store_shared->ledger_down = false;
    return l->db_checked = true;
}

/* --- lost state ------------------------------------------------------------------------------- */

static bool may_go_on(void *user)
{
    struct ledger_process *l = user;
    rest(l, 0);
    return l->stop_ms == 0;
}

/* With --auto-restore. What is known of the partitions is of the store that was. */
static void restore_lost(struct ledger_process *l)
{
    const struct shared_state *shared = l->shared;
    if (!shared->config->auto_restore || !shared->store_shared->state_lost || l->stop_ms != 0 ||
        clock_mono_ms() < l->restore_ms)
        return;
    if (ledger_restore_auto(shared->config, shared->store_config.redis_url, may_go_on, l) ==
        RESTORE_DONE)
        forget_all(l);
    l->restore_ms = clock_mono_ms() + RESTORE_MS;
}

static void take_turn(struct ledger_process *l)
{
    rest(l, 0);
    if (l->shared->ledger_look)
        l->shared->ledger_look->turn_ms = clock_mono_ms();
    if (!open_database(l))
        return;
    int64_t begin_ms = clock_mono_ms();
    enum carry_result result = ledger_pass(&l->pass, l->shared->store_shared);
    int64_t busy_ms = clock_mono_ms() - begin_ms;
    if (l->pass.away > 0)
        say_redis_trouble(l);
    if (result < CARRY_REDIS) {
        l->backoff_ms = 0;
        tell_partitions(l);
        show_backlog(l);
        restore_lost(l);
    }
    if (result < CARRY_FULL && l->stop_ms != 0)
        l->stop_ms = clock_mono_ms(); /* nothing more is there */
    switch (result) {
    case CARRY_IDLE:
        if (l->stop_ms == 0)
            wait_for_entries(l);
        break;
    case CARRY_SHORT: rest(l, answers_wait(l) ? 0 : carry_gather_ms(busy_ms)); break;
    case CARRY_FULL: break;
    case CARRY_REDIS: wait_for_redis(l); break;
    case CARRY_SQL: sql_trouble(l, l->pass.carrier.why); break;
    case CARRY_REFUSED:
        log_event(LOG_ERROR, "cannot serve from this redis", LOG_STR("why", l->pass.carrier.why));
        l->refused = true;
        break;
    }
}

/* --- life ------------------------------------------------------------------------------------- */

/* Every partition is open, or what is wrong with it is not for waiting. */
static bool settled(const struct ledger_process *l)
{
    for (unsigned i = 0; i < l->pass.count; i++)
        if (l->pass.parts[i].state < CARRY_FLOWING)
            return false;
    return true;
}

/* There is still something to wait for before we say that we are ready. */
static bool waits(const struct ledger_process *l, int64_t begin_ms, int64_t patience_ms)
{
    int64_t waited_ms = clock_mono_ms() - begin_ms;
    return !settled(l) && waited_ms < patience_ms && !(l->pass.loading && waited_ms >= LOADING_MS);
}

static bool make_parts(struct ledger_process *l)
{
    char err[256] = "out of memory";
    l->pass.count = l->shared->store_config.partitions;
    l->admin = admin_new(&l->shared->store_config, l->shared->store_shared, err, sizeof(err));
    l->pass.parts = calloc(l->pass.count, sizeof(*l->pass.parts));
    l->waiting = calloc(l->pass.count, sizeof(*l->waiting));
    l->positions = calloc(l->pass.count, sizeof(*l->positions));
    for (unsigned i = 0; l->pass.parts && i < l->pass.count; i++)
        carry_init(&l->pass.parts[i], i);
    apply_init(&l->apply, NULL, 0);
    l->pass.carrier =
        (struct carrier){.admin = l->admin,
                         .apply = &l->apply,
                         .look_ms = LOOK_MS + l->pass.count * LOOK_PER_PART_MS,
                         .operation_retention_ms = l->shared->store_config.operation_retention_ms};
    feed_init(&l->pass.carrier.feed, l->admin);
    if (l->admin && l->pass.parts && l->waiting && l->positions)
        return true;
    log_event(LOG_ERROR, "cannot start", LOG_STR("why", err));
    return false;
}

static void stop_process(struct ledger_process *l)
{
    apply_free(&l->apply);
    db_close(l->db);
    feed_free(&l->pass.carrier.feed);
    free(l->pass.parts);
    free(l->waiting);
    free(l->positions);
    if (l->admin)
        admin_free(l->admin);
}

int ledger_process_run(struct pool_child *child, void *arg)
{
    const struct process_args *args = arg;
    struct ledger_process l = {.shared = args->shared, .child = child};
    bool said = false;
    process_begin(args, CONFINE_LEDGER, "ledger", -1);
    signal(SIGXFSZ, SIG_IGN); /* a limit on file sizes is an error of a write, as a full disk is */
    l.signals = process_hold_signals();
    if (l.shared->ledger_look)
        backlog_begin(l.shared->store_shared);
    if (!make_parts(&l))
        l.refused = true;
    int64_t begin_ms = clock_mono_ms();
    while (!leaving(&l)) {
        take_turn(&l);
        if (said || l.refused || waits(&l, begin_ms, args->patience_ms))
            continue;
        if (pool_ready(child) < 0)
            break;
        said = true;
    }
    stop_process(&l);
    return l.refused ? POOL_EXIT_FATAL : EXIT_SUCCESS;
}
