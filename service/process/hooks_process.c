/* hooks_process.c -- the process of `stockd hooks run`: events from the ledger to URLs.
 *
 * One thread and one connection to SQL, which it waits for; requests get on between its questions,
 * and while SQL is away, as far as they were sent. A turn: look whose hooks are (once a second),
 * save what became of events, read new ones, send.
 */
#include "clock.h"
#include "core/limits.h"
#include "hooks/hook_turn.h"
#include "process/ledger/ledger_open.h"
#include "process/process.h"

#include <stdlib.h>
#include <time.h>

#define TURN_MS       100  /* at the most; a signal is noticed after it */
#define READ_MS       250  /* from one look for new events to the next, when there were none */
#define BACKOFF_FIRST 100  /* ms, after trouble with SQL */
#define BACKOFF_MAX   5000 /* ms */
#define STOP_MS       1500 /* for requests under way when we are told to stop */
#define ARENA_BLOCK   (256u << 10)
#define ARENA_MAX     (64u << 20)

struct hooks_process {
    const struct shared_state *shared;
    struct hook_list *list; /* what the file says; the hooks' specs are in it */
    struct hook *hooks[HOOKS_MAX];
    struct hook_seen seen[HOOKS_MAX]; /* in the same order, as SQL has them */
    size_t count;
    struct guard guard;
    struct sender *sender;
    struct db *db; /* NULL: not open */
    struct arena arena;
    struct rng rng;
    sigset_t signals;
    int64_t stop_ms;                  /* when to leave at the latest; 0: not asked to */
    int64_t look_ms, read_ms, sql_ms; /* when to do so next; sql_ms: not before, after trouble */
    int64_t backoff_ms;
    bool refused;
};

static struct hook_now now_of(struct hooks_process *p)
{
    return (struct hook_now){clock_mono_ms(), clock_wall_ms(), &p->rng};
}

static void forget(struct hooks_process *p, struct hook *hook)
{
    sender_cancel(p->sender, hook);
    hook_forget(hook);
}

/* --- the file --------------------------------------------------------------------------------- */

static struct hook *hook_named(struct hooks_process *p, const char *name)
{
    for (size_t i = 0; i < p->count; i++)
        if (p->hooks[i] && strcmp(p->hooks[i]->spec->name, name) == 0)
            return p->hooks[i];
    return NULL;
}

/* For who has it next. What SQL cannot be told now is sent once more, later. */
static void give_up_hook(struct hooks_process *p, struct hook *hook)
{
    const char *owner = p->shared->hooks_look->owner;
    const struct hook_now now = now_of(p);
    enum hook_news news;
    if (p->db && hook->mine &&
        (hook_turn_save(hook, p->db, owner, &now, &news) != DB_OK ||
         hook_turn_leave(hook, p->db, owner) != DB_OK))
        log_event(LOG_WARN, "a hook is not given back", LOG_STR("hook", hook->spec->name),
                  LOG_STR("why", db_why(p->db)));
    sender_cancel(p->sender, hook);
    hook_free(hook);
}

/* Hooks of the same names go on with what the file says of them now. False: out of memory. */
static bool take_list(struct hooks_process *p, struct hook_list *list)
{
    struct hook *hooks[HOOKS_MAX] = {NULL};
    bool kept[HOOKS_MAX] = {false};
    for (size_t i = 0; i < list->count; i++) {
        hooks[i] = hook_new(&list->hooks[i]);
        if (!hooks[i]) {
            while (i > 0)
                hook_free(hooks[--i]);
            return false;
        }
    }
    for (size_t i = 0; i < list->count; i++) {
        struct hook *old = hook_named(p, list->hooks[i].name);
        if (!old)
            continue;
        hook_free(hooks[i]);
        hooks[i] = old;
        for (size_t j = 0; j < p->count; j++)
            kept[j] = kept[j] || p->hooks[j] == old;
    }
    for (size_t j = 0; j < p->count; j++)
        if (!kept[j])
            give_up_hook(p, p->hooks[j]);
    for (size_t i = 0; i < list->count; i++)
        hooks[i]->spec = &list->hooks[i];
    memcpy(p->hooks, hooks, sizeof(hooks));
    p->count = list->count;
    return true;
}

/* False: what the file said before stays. */
static bool read_file(struct hooks_process *p)
{
    const char *path = p->shared->config->hooks_file;
    char why[HOOKS_WHY_SIZE] = "out of memory";
    struct hook_list *list = calloc(1, sizeof(*list));
    bool good = list && hooks_file_read(list, path, why) && take_list(p, list);
    stats_set(STATS_HOOKS_STALE, !good);
    if (good) {
        struct hook_list *old = p->list;
        p->list = list;
        list = old;
        p->look_ms = 0;
        log_event(LOG_INFO, "hooks read", LOG_INT("hooks", (int64_t)p->count));
    } else {
        log_event(LOG_ERROR, "the file of hooks is not good, and changes nothing",
                  LOG_STR("file", path), LOG_STR("why", why));
    }
    if (list)
        hooks_file_free(list);
    free(list);
    return good;
}

/* --- signals ---------------------------------------------------------------------------------- */

static void take_signals(struct hooks_process *p)
{
    const struct timespec none = {.tv_sec = 0};
    int signo;
    while ((signo = sigtimedwait(&p->signals, NULL, &none)) > 0) {
        if (signo == PROCESS_STOP && p->stop_ms == 0)
            p->stop_ms = clock_mono_ms() + STOP_MS;
        if (signo == SIGHUP) {
            config_read_again(p->shared->config);
            (void)read_file(p); /* it has said what is wrong */
        }
    }
}

/* --- SQL -------------------------------------------------------------------------------------- */

static void set_state(const struct hooks_process *p, enum hooks_state state)
{
    p->shared->hooks_look->state = state;
}

static void sql_trouble(struct hooks_process *p, const char *why)
{
    static struct log_gate gate;
    p->backoff_ms = p->backoff_ms ? p->backoff_ms * 2 : BACKOFF_FIRST;
    if (p->backoff_ms > BACKOFF_MAX)
        p->backoff_ms = BACKOFF_MAX;
    p->sql_ms = clock_mono_ms() + p->backoff_ms;
    set_state(p, HOOKS_WAIT_SQL);
    if (log_allowed(&gate, clock_mono_ms()))
        log_event(LOG_WARN, "hooks wait for the ledger's database", LOG_STR("why", why),
                  LOG_INT("again_in_ms", p->backoff_ms));
}

/* False: not now. */
static bool open_database(struct hooks_process *p)
{
    char why[MIGRATE_WHY_SIZE] = "";
    if (p->db)
        return true;
    switch (ledger_open(p->shared->config, p->shared->store_shared, &p->db, why, sizeof(why))) {
    case IDENTITY_KNOWN: return true;
    case IDENTITY_LATER: sql_trouble(p, why); return false;
    case IDENTITY_REFUSED:
        log_event(LOG_ERROR, "cannot work with this ledger", LOG_STR("why", why));
        p->refused = true;
        return false;
    }
    return false;
}

/* Whether it went well; if not, SQL is left alone for a while. */
static bool went_well(struct hooks_process *p, enum db_result result)
{
    if (result == DB_OK)
        return true;
    db_rollback(p->db);
    sql_trouble(p, result == DB_NO_MEMORY ? "out of memory" : db_why(p->db));
    return false;
}

static int keep_seen(void *context, const struct hook_row *row)
{
    struct hooks_process *p = context;
    for (size_t i = 0; i < p->count; i++) {
        struct hook_seen *seen = &p->seen[i];
        if (!str_equal(row->name, str_of(p->hooks[i]->spec->name)))
            continue;
        snprintf(seen->name, sizeof(seen->name), "%.*s", STR_ARG(row->name));
        snprintf(seen->owner, sizeof(seen->owner), "%.*s", STR_ARG(row->owner));
        seen->beat = row->beat;
        seen->off = row->off_ms != 0;
    }
    return 0;
}

static void take_news(struct hooks_process *p, struct hook *hook, enum hook_news news)
{
    if (news == HOOK_SAME)
        return;
    log_event(news == HOOK_TAKEN ? LOG_INFO : LOG_WARN,
              news == HOOK_TAKEN ? "this process sends a hook" : "another process sends a hook now",
              LOG_STR("hook", hook->spec->name));
    if (news == HOOK_LOST)
        forget(p, hook);
    p->read_ms = 0;
}

/* Whose hooks are. */
static bool look_at_hooks(struct hooks_process *p)
{
    const struct hook_now now = now_of(p);
    if (now.mono_ms < p->look_ms)
        return true;
    memset(p->seen, 0, sizeof(p->seen));
    enum db_result result = db_begin_read(p->db);
    if (result == DB_OK)
        result = hook_store_list(p->db, false, keep_seen, p);
    if (!went_well(p, result))
        return false;
    db_rollback(p->db);
    for (size_t i = 0; i < p->count; i++) {
        enum hook_news news;
        result = hook_turn_look(p->hooks[i], p->db, &p->seen[i], p->shared->hooks_look->owner, &now,
                                &news);
        take_news(p, p->hooks[i], news);
        if (!went_well(p, result))
            return false;
    }
    p->look_ms = now.mono_ms + HOOK_LOOK_MS;
    return true;
}

static bool save(struct hooks_process *p)
{
    for (size_t i = 0; i < p->count; i++) {
        const struct hook_now now = now_of(p);
        struct hook *hook = p->hooks[i];
        enum hook_news news;
        if (!hook->mine || !hook_turn_is_due(hook, now.mono_ms))
            continue;
        enum db_result result =
            hook_turn_save(hook, p->db, p->shared->hooks_look->owner, &now, &news);
        take_news(p, hook, news);
        if (!went_well(p, result))
            return false;
    }
    return true;
}

static bool reads(const struct hook *hook)
{
    return hook->mine && !hook->off && window_room(&hook->window) > 0;
}

/* All of one snapshot. *more: there is, or may be. */
static enum db_result read_events(struct hooks_process *p, bool *more)
{
    static struct tail_position ends[PARTITIONS_MAX];
    unsigned partitions = 0;
    enum db_result result = hook_store_partitions(p->db, &partitions);
    if (partitions > PARTITIONS_MAX)
        partitions = PARTITIONS_MAX;
    if (result == DB_OK)
        result = tail_ends(p->db, ends, partitions);
    for (size_t i = 0; i < p->count && result == DB_OK && partitions > 0; i++) {
        if (!reads(p->hooks[i]))
            continue;
        arena_reset(&p->arena);
        result = hook_turn_read(p->hooks[i], p->db, &p->arena, ends, partitions);
        *more = *more || (!p->hooks[i]->whole && reads(p->hooks[i]));
    }
    return result;
}

static bool read_new(struct hooks_process *p)
{
    bool more = false, any = false;
    int64_t now_ms = clock_mono_ms();
    if (now_ms < p->read_ms)
        return true;
    p->read_ms = now_ms + READ_MS;
    for (size_t i = 0; i < p->count; i++)
        any = any || reads(p->hooks[i]);
    if (!any)
        return true;
    enum db_result result = db_begin_read(p->db);
    if (result == DB_OK)
        result = read_events(p, &more);
    if (!went_well(p, result))
        return false;
    db_rollback(p->db);
    if (more)
        p->read_ms = 0;
    return true;
}

/* --- a turn ----------------------------------------------------------------------------------- */

static void set_gauges(struct hooks_process *p, int64_t wall_ms)
{
    int64_t sent = 0, off = 0, waiting = 0, lag_ms = 0;
    for (size_t i = 0; i < p->count; i++) {
        const struct hook *hook = p->hooks[i];
        int64_t oldest_ms = hook->mine ? window_oldest_ms(&hook->window) : 0;
        sent += hook->mine;
        off += hook->mine && hook->off;
        waiting += hook->mine ? (int64_t)hook->window.count : 0;
        if (oldest_ms > 0 && wall_ms - oldest_ms > lag_ms)
            lag_ms = wall_ms - oldest_ms;
    }
    stats_set(STATS_HOOKS_SENT, sent);
    stats_set(STATS_HOOKS_OFF, off);
    stats_set(STATS_HOOKS_WAITING, waiting);
    stats_set(STATS_HOOKS_LAG_MS, lag_ms);
}

static void take_hook_results(struct hooks_process *p, int wait_ms)
{
    struct sender_result result;
    sender_wait(p->sender, wait_ms);
    while (sender_take(p->sender, &result)) {
        const struct hook_now now = now_of(p);
        hook_ended(result.owner, &result, &now);
    }
}

static void ask_sql(struct hooks_process *p)
{
    if (clock_mono_ms() < p->sql_ms || !open_database(p) || !look_at_hooks(p) || !save(p) ||
        (p->stop_ms == 0 && !read_new(p)))
        return;
    p->backoff_ms = 0;
    set_state(p, HOOKS_AT_WORK);
}

static void send_all(struct hooks_process *p)
{
    const struct hook_now now = now_of(p);
    for (size_t i = 0; i < p->count; i++)
        if (hook_turn_may_send(p->hooks[i], now.mono_ms))
            hook_send(p->hooks[i], p->sender, &now);
}

/* How long requests may be waited for: until there is something else to do. */
static int wait_ms(const struct hooks_process *p)
{
    int64_t now_ms = clock_mono_ms(), ms = TURN_MS;
    for (size_t i = 0; i < p->count; i++)
        if (hook_turn_may_send(p->hooks[i], now_ms))
            ms = hook_idle_ms(p->hooks[i], now_ms, ms);
    if (now_ms >= p->sql_ms && p->read_ms == 0)
        ms = 0;
    return (int)ms;
}

static void take_turn(struct hooks_process *p)
{
    take_signals(p);
    p->shared->hooks_look->turn_ms = clock_mono_ms();
    ask_sql(p);
    if (p->stop_ms == 0)
        send_all(p);
    take_hook_results(p, wait_ms(p));
    set_gauges(p, clock_wall_ms());
}

static bool has_flying(const struct hooks_process *p)
{
    for (size_t i = 0; i < p->count; i++)
        if (p->hooks[i]->window.flying > 0)
            return true;
    return false;
}

static bool leaving(const struct hooks_process *p)
{
    return p->refused || (p->stop_ms != 0 && (!has_flying(p) || clock_mono_ms() >= p->stop_ms));
}

/* --- life ------------------------------------------------------------------------------------- */

static bool make_parts(struct hooks_process *p)
{
    const struct config *config = p->shared->config;
    char err[CONFIG_ERR_SIZE], why[SENDER_WHY_SIZE];
    uint64_t seed;
    random_bytes(&seed, sizeof(seed));
    rng_seed(&p->rng, seed);
    arena_init(&p->arena, ARENA_BLOCK, ARENA_MAX);
    if (!guard_parse(&p->guard, config->hooks_allow, err, sizeof(err))) {
        log_event(LOG_ERROR, "cannot start", LOG_STR("why", err));
        return false;
    }
    p->sender = sender_new(&p->guard, config->hooks_ca, why);
    if (!p->sender)
        log_event(LOG_ERROR, "cannot start", LOG_STR("why", why));
    return p->sender && read_file(p);
}

static void stop_process(struct hooks_process *p)
{
    for (size_t i = 0; i < p->count; i++)
        give_up_hook(p, p->hooks[i]);
    sender_free(p->sender);
    if (p->list)
        hooks_file_free(p->list);
    free(p->list);
    arena_free(&p->arena);
    db_close(p->db);
}

int hooks_process_run(struct pool_child *child, void *arg)
{
    const struct process_args *args = arg;
    static struct hooks_process p;
    bool said = false;
    p.shared = args->shared;
    process_begin(args, CONFINE_HOOKS, "hooks", -1);
    signal(SIGXFSZ, SIG_IGN); /* a limit on file sizes is an error of a write, as a full disk is */
    p.signals = process_hold_signals();
    if (!make_parts(&p))
        p.refused = true;
    int64_t begin_ms = clock_mono_ms();
    while (!leaving(&p)) {
        take_turn(&p);
        bool begins = p.shared->hooks_look->state != HOOKS_AT_WORK;
        if (said || p.refused || (begins && clock_mono_ms() - begin_ms < args->patience_ms))
            continue;
        if (pool_ready(child) < 0)
            break;
        said = true;
    }
    stop_process(&p);
    return p.refused ? POOL_EXIT_FATAL : EXIT_SUCCESS;
}
