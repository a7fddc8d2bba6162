/* race.c -- one strategy after the other: fork, let go, wait, look at what is left, print it. */
#include "race/race.h"
#include "clock.h"
#include "race/shm.h"
#include "race/worker.h"
#include "random.h"
#include "report/units.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#define READY_MS   30000
#define START_US   50000 /* from the word to the start: everybody has heard it by then */
#define STEP_MS    100
#define HANGING_US 15000000 /* beyond the end; longer than any wait for Redis */
#define STOP_MS    2000     /* for workers to finish after a signal */
#define FORGET_MS  600000   /* the key outlives a killed parent by no more than this */

/* --- what it was like, for people ------------------------------------------------------------- */

static double seconds_of(const struct race_result *r)
{
    return r->elapsed_us > 0 ? (double)r->elapsed_us / 1e6 : 1e-6;
}

static double per_unit(int64_t conflicts, int64_t units)
{
    return units > 0 ? (double)conflicts / (double)units : 0;
}

static const char *word_of(const struct race_result *r)
{
    if (!race_balanced(r))
        return "wrong";
    return r->left > 0 ? "right, not sold out" : "right";
}

static void print_shares(const struct race_books *books, const struct race_result *r)
{
    printf("  worker        sold    share     conflicts  conflicts/unit\n");
    for (unsigned i = 0; i < books->workers; i++) {
        const struct race_page *page = &books->page[i];
        int64_t sold = page->sold, conflicts = page->conflicts;
        double share = r->sold > 0 ? (double)sold / (double)r->sold : 0;
        printf("  %6u  %10s  %7s  %12s  %14s%s\n", i, FIGURE(count, sold), FIGURE(share, share),
               FIGURE(count, conflicts), sold > 0 ? FIGURE(rate, per_unit(conflicts, sold)) : "-",
               page->ended_us == 0 ? "  killed" : "");
    }
}

/* Sentences about what was out of the ordinary. */
static void print_notes(const struct race_result *r)
{
    if (r->interrupted)
        printf("  Interrupted with %s units left.\n", FIGURE(count, r->left));
    else if (r->timed_out)
        printf("  Time was over with %s units left.\n", FIGURE(count, r->left));
    else if (r->left > 0)
        printf("  Every worker was gone with %s units left.\n", FIGURE(count, r->left));
    if (r->dead > 0)
        printf("  %u worker%s killed; of %s units asked for last, %s left the stock without an "
               "answer.\n",
               r->dead, r->dead == 1 ? " was" : "s were", FIGURE(count, r->pending),
               FIGURE(count, race_unclaimed(r)));
    if (!race_balanced(r))
        printf("  %s units were sold that were not there, %s are missing.\n",
               FIGURE(count, race_oversold(r)), FIGURE(count, race_unclaimed(r)));
}

/* What comes now: said before it begins, since it may take a while. */
static void print_title(const struct race_strategy *strategy)
{
    printf("%s: %s\n", strategy->name, strategy->about);
    fflush(stdout);
}

/* Each worker's share, if wanted, then what came out, in sentences. */
static void print_result(const struct race_books *books, const struct race_result *r, bool shares)
{
    if (shares)
        print_shares(books, r);
    printf("  %s unit%s in %s: %s/s, %s conflicts a unit, wait p50 %s, p99 %s\n",
           FIGURE(count, r->sold), r->sold == 1 ? "" : "s", FIGURE(ms, 1000 * seconds_of(r)),
           FIGURE(rate, (double)r->sold / seconds_of(r)),
           FIGURE(rate, per_unit(r->conflicts, r->sold)), FIGURE(ms, r->p50_ms),
           FIGURE(ms, r->p99_ms));
    print_notes(r);
    int64_t unclaimed = race_unclaimed(r);
    printf("  %s: %s sold + %s%s%s left %s %s\n\n", word_of(r), FIGURE(count, r->sold),
           unclaimed > 0 ? FIGURE(count, unclaimed) : "", unclaimed > 0 ? " unclaimed + " : "",
           FIGURE(count, r->left), race_balanced(r) ? "=" : "against", FIGURE(count, r->stock));
}

/* The strategies beside each other. */
static void print_table(const struct race_strategy *const *strategies,
                        const struct race_result *results, size_t count)
{
    printf("%-12s %10s %15s %10s %12s %12s %9s  %s\n", "strategy", "units/s", "conflicts/unit",
           "p99 wait", "sold", "left", "oversold", "verdict");
    for (size_t i = 0; i < count; i++) {
        const struct race_result *r = &results[i];
        printf("%-12s %10s %15s %10s %12s %12s %9s  %s\n", strategies[i]->name,
               FIGURE(rate, (double)r->sold / seconds_of(r)),
               FIGURE(rate, per_unit(r->conflicts, r->sold)), FIGURE(ms, r->p99_ms),
               FIGURE(count, r->sold), FIGURE(count, r->left), FIGURE(count, race_oversold(r)),
               word_of(r));
    }
}

/* --- the race --------------------------------------------------------------------------------- */

struct race {
    const struct options *options;
    struct topology *topology;
    char key[RACE_KEY_SIZE];
    char err[RACE_ERR_SIZE];
    struct race_link link;
    struct pool *pool;
    struct race_books *books; /* of the strategy that runs */
    unsigned dead;            /* workers of it that a signal ended */
    bool stocked;             /* the key was set */
    bool interrupted;
    int64_t interrupted_us;
};

static void on_exit_of(void *ctx, int slot, const struct pool_exit *end)
{
    struct race *r = ctx;
    r->dead += end->signal != 0;
}

static void on_signal(void *ctx, int signo)
{
    struct race *r = ctx;
    r->interrupted_us = r->interrupted ? 0 : clock_mono_us(); /* again: at once */
    r->interrupted = true;
    if (r->books)
        atomic_store(&r->books->stop, true);
}

static bool fail_race(struct race *r, const char *what)
{
    if (what != r->err)
        snprintf(r->err, sizeof(r->err), "%s", what);
    return false;
}

/* --- Redis ------------------------------------------------------------------------------------ */

static bool set_stock(struct race *r)
{
    char stock[24], px[24];
    snprintf(stock, sizeof(stock), "%" PRId64, r->options->stock);
    snprintf(px, sizeof(px), "%" PRId64, r->options->duration_ms + FORGET_MS);
    bool set = RACE_DO(&r->link, "SET", r->key, stock, "PX", px);
    r->stocked |= set;
    return set;
}

static bool get_left(struct race *r, int64_t *left)
{
    redisReply *reply = RACE_CALL(&r->link, "GET", r->key);
    if (!reply)
        return false;
    bool ok = race_reply_number(reply, left) ||
              fail_race(r, "the key is gone: somebody removed it, or Redis was emptied");
    freeReplyObject(reply);
    return ok;
}

/* What a killed worker sent last may still wait to be read by Redis, which could carry it out after
 * we looked. A client that Redis has dropped sends nothing any more. */
static void drop_clients_of_the_dead(struct race *r)
{
    for (unsigned i = 0; i < r->books->workers; i++) {
        const struct race_page *page = &r->books->page[i];
        char id[24];
        if (atomic_load(&page->ended_us) != 0 || atomic_load(&page->client_id) == 0)
            continue;
        snprintf(id, sizeof(id), "%" PRId64, atomic_load(&page->client_id));
        if (!RACE_DO(&r->link, "CLIENT", "KILL", "ID", id))
            r->err[0] = '\0'; /* most likely it was gone already: nothing to drop */
    }
}

/* --- workers ---------------------------------------------------------------------------------- */

static bool add_workers(struct race *r, struct race_plan *plan)
{
    struct pool_slot_options slot = {.name = "racer",
                                     .restart = POOL_NEVER,
                                     .handshake = true,
                                     .run = race_worker_run,
                                     .arg = plan};
    for (unsigned i = 0; i < r->books->workers; i++) {
        slot.index = (int)i;
        int number = pool_add(r->pool, &slot);
        assert(number >= 0); /* the pool was made with room for all */
        if (i == 0)
            plan->first_slot = number;
    }
    int rc = pool_start(r->pool);
    return rc == 0 || fail_race(r, strerror(-rc));
}

/* The first reason that a worker gave, or NULL. */
static const char *complaint(const struct race *r)
{
    for (unsigned i = 0; i < r->books->workers; i++)
        if (r->books->page[i].err[0])
            return r->books->page[i].err;
    return NULL;
}

/* True when all are connected, or when a signal came before. */
static bool await_ready(struct race *r)
{
    int rc = pool_wait_ready(r->pool, READY_MS);
    if (rc == 0 || rc == -EINTR || r->interrupted)
        return true;
    const char *why = complaint(r);
    return fail_race(r, why             ? why
                        : rc == -ECHILD ? "a process died before the start"
                                        : strerror(-rc));
}

/* Names one moment to all of them: nobody begins before the last one has connected. */
static struct race_go let_go(struct race *r, int first_slot)
{
    struct race_go go;
    go.begin_us = clock_mono_us() + START_US;
    go.end_us = go.begin_us + r->options->duration_ms * 1000;
    for (unsigned i = 0; i < r->books->workers; i++)
        if (pool_send(r->pool, first_slot + (int)i, &go, sizeof(go)) < 0)
            continue; /* it died just now; its end is on the way to us */
    return go;
}

static void await_end(struct race *r, int64_t end_us)
{
    while (pool_alive(r->pool) > 0) {
        int64_t now_us = clock_mono_us();
        bool late = now_us > end_us + HANGING_US ||
                    (r->interrupted && now_us > r->interrupted_us + STOP_MS * 1000);
        if (late || pool_step(r->pool, STEP_MS) < 0)
            pool_stop(r->pool, 0);
    }
}

/* Of the last worker that ended by itself; of now when none did. */
static int64_t elapsed_us(const struct race *r, const struct race_go *go)
{
    int64_t last_us = 0;
    for (unsigned i = 0; i < r->books->workers; i++) {
        int64_t ended_us = atomic_load(&r->books->page[i].ended_us);
        last_us = ended_us > last_us ? ended_us : last_us;
    }
    last_us = last_us ? last_us : clock_mono_us();
    return last_us > go->begin_us ? last_us - go->begin_us : 0;
}

/* --- one strategy ----------------------------------------------------------------------------- */

static bool run_workers(struct race *r, struct race_plan *plan, struct race_result *result)
{
    if (!set_stock(r) || !add_workers(r, plan) || !await_ready(r)) {
        pool_stop(r->pool, 0);
        return false;
    }
    struct race_go go = let_go(r, plan->first_slot);
    await_end(r, go.end_us);
    drop_clients_of_the_dead(r);
    const char *why = complaint(r);
    if (why)
        return fail_race(r, why);
    if (!get_left(r, &result->left))
        return false;
    result->elapsed_us = elapsed_us(r, &go);
    result->stock = r->options->stock;
    result->dead = r->dead;
    result->interrupted = r->interrupted;
    result->timed_out = !r->interrupted && result->left > 0 && clock_mono_us() >= go.end_us;
    return race_books_sum(r->books, result) == 0 || fail_race(r, "no memory");
}

static bool run_strategy(struct race *r, const struct race_strategy *strategy,
                         struct race_result *result)
{
    struct race_plan plan = {.strategy = strategy,
                             .topology = r->topology,
                             .key = r->key,
                             .batch_max = r->options->batch_max};
    r->dead = 0;
    if (race_books_new(&r->books, (unsigned)r->options->processes) < 0)
        return fail_race(r, "no memory");
    plan.books = r->books;
    print_title(strategy); /* before the wait, which may be long */
    bool ok = run_workers(r, &plan, result);
    if (ok)
        print_result(r->books, result, !r->options->quiet);
    fflush(stdout);
    race_books_free(r->books);
    r->books = NULL;
    return ok;
}

/* --- all of them ------------------------------------------------------------------------------ */

static bool open_pool(struct race *r)
{
    struct pool_events events = {.ctx = r, .on_exit = on_exit_of, .on_signal = on_signal};
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGHUP);
    int rc = pool_new(&r->pool, RACE_STRATEGIES * (size_t)r->options->processes, &events);
    rc = rc < 0 ? rc : pool_watch_signals(r->pool, &signals);
    return rc == 0 || fail_race(r, strerror(-rc));
}

static bool open_race(struct race *r)
{
    uint64_t name;
    random_bytes(&name, sizeof(name));
    snprintf(r->key, sizeof(r->key), "stockload:race:%016" PRIx64, name);
    r->topology = topology_new(r->options->redis, r->err, sizeof(r->err));
    return r->topology && race_link_open(&r->link, r->topology, r->key, r->err) && open_pool(r);
}

static void close_race(struct race *r)
{
    pool_free(r->pool);
    if (link_is_open(&r->link.link) && !RACE_DO(&r->link, "DEL", r->key, r->link.turn) &&
        r->stocked)
        fprintf(stderr, "stockload: the key %s stays in Redis for some minutes\n", r->key);
    race_link_close(&r->link);
    topology_free(r->topology);
}

static void print_head(const struct options *o)
{
    struct buf url;
    buf_init(&url, 1024);
    args_put_url(&url, o->redis);
    printf("stockload race: %s unit%s of one key, %" PRId64 " process%s, %.*s\n\n",
           FIGURE(count, o->stock), o->stock == 1 ? "" : "s", o->processes,
           o->processes == 1 ? "" : "es", STR_ARG(buf_str(&url)));
    fflush(stdout);
    buf_free(&url);
}

/* The strategies asked for, until one fails or somebody interrupts. */
static int run_all(struct race *r)
{
    const struct options *o = r->options;
    const struct race_strategy *chosen[RACE_STRATEGIES];
    struct race_result results[RACE_STRATEGIES] = {{0}};
    size_t count = 0;
    int status = EXITS_RIGHT;
    print_head(o);
    for (size_t i = 0; i < RACE_STRATEGIES && !r->interrupted; i++) {
        if (o->strategy != STRATEGY_ALL && (size_t)o->strategy != i)
            continue;
        chosen[count] = &race_strategies[i];
        if (!run_strategy(r, chosen[count], &results[count])) {
            fprintf(stderr, "stockload: %s: %s\n", chosen[count]->name, r->err);
            return EXITS_INTERNAL;
        }
        status = exit_worst(status, race_balanced(&results[count]) ? EXITS_RIGHT : EXITS_VIOLATION);
        count++;
    }
    if (count > 1)
        print_table(chosen, results, count);
    return exit_worst(status, r->interrupted ? EXITS_INTERRUPTED : EXITS_RIGHT);
}

int race_command(const struct options *options)
{
    static_assert(STRATEGY_ALL == RACE_STRATEGIES, "the table is in the order of the enum");
    struct race r = {.options = options};
    int status;
    signal(SIGPIPE, SIG_IGN);
    if (open_race(&r)) {
        status = run_all(&r);
    } else {
        fprintf(stderr, "stockload: Redis: %s\n", r.err);
        status = EXITS_INTERNAL;
    }
    close_race(&r);
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    fprintf(stderr, "stockload: the table can not be written: %s\n", strerror(errno));
    return exit_worst(status, EXITS_INTERNAL);
}
