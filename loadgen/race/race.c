/* race.c -- one strategy after the other: fork, let go, wait, look at what is left, show it. */
#include "race/race.h"
#include "clock.h"
#include "race/print.h"
#include "race/race_html.h"
#include "race/view.h"
#include "random.h"
#include "report/document.h"
#include "report/outfile.h"
#include "ui/ui.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define READY_MS   30000
#define START_US   50000 /* from the word to the start: everybody has heard it by then */
#define STEP_MS    100
#define HANGING_US 15000000 /* beyond the end; longer than any wait for Redis */
#define STOP_MS    2000     /* for workers to finish after a signal */
#define FORGET_MS  600000   /* the key outlives a killed parent by no more than this */

/* --- the race --------------------------------------------------------------------------------- */

struct race {
    const struct options *options;
    struct topology *topology;
    char key[RACE_KEY_SIZE];
    char err[RACE_ERR_SIZE];
    struct race_link link;
    struct pool *pool;
    struct race_books *books; /* of the strategy that runs */
    struct race_view *view;
    struct ui *ui; /* NULL: no live page */
    unsigned dead; /* workers of it that a signal ended */
    bool stocked;  /* the key was set */
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

/* Somebody wants to know how it goes, now or afterwards. */
static bool is_watched(const struct race *r)
{
    return r->ui || r->options->html;
}

/* How it stands goes to the live page. No race ends for want of memory for that. */
static void publish(struct race *r, void (*how)(struct ui *ui, struct str document))
{
    json_t *document = r->ui ? race_view_json(r->view) : NULL;
    char *text = document ? json_dumps(document, JSON_COMPACT | DOCUMENT_FORMAT) : NULL;
    if (text)
        how(r->ui, str_of(text));
    free(text);
    json_decref(document);
}

static void await_end(struct race *r, struct race_track *track, const struct race_go *go)
{
    while (pool_alive(r->pool) > 0) {
        int64_t now_us = clock_mono_us();
        bool late = now_us > go->end_us + HANGING_US ||
                    (r->interrupted && now_us > r->interrupted_us + STOP_MS * 1000);
        if (is_watched(r) && race_view_look(track, r->books, now_us - go->begin_us) == 0)
            publish(r, ui_publish);
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

static bool run_workers(struct race *r, struct race_plan *plan, struct race_track *track)
{
    struct race_result result = {.stock = r->options->stock};
    if (!set_stock(r) || !add_workers(r, plan) || !await_ready(r)) {
        pool_stop(r->pool, 0);
        return false;
    }
    struct race_go go = let_go(r, plan->first_slot);
    race_view_start(track, r->options->stock);
    await_end(r, track, &go);
    drop_clients_of_the_dead(r);
    const char *why = complaint(r);
    if (why)
        return fail_race(r, why);
    if (!get_left(r, &result.left))
        return false;
    result.elapsed_us = elapsed_us(r, &go);
    result.dead = r->dead;
    result.interrupted = r->interrupted;
    result.timed_out = !r->interrupted && result.left > 0 && clock_mono_us() >= go.end_us;
    if (race_books_sum(r->books, &result) < 0)
        return fail_race(r, "no memory");
    race_view_finish(track, r->books, &result);
    return true;
}

static bool run_strategy(struct race *r, struct race_track *track)
{
    struct race_plan plan = {.strategy = track->strategy,
                             .topology = r->topology,
                             .key = r->key,
                             .batch_max = r->options->batch_max};
    r->dead = 0;
    if (race_books_new(&r->books, (unsigned)r->options->processes) < 0)
        return fail_race(r, "no memory");
    plan.books = r->books;
    race_print_title(stdout, track->strategy); /* before the wait, which may be long */
    bool ok = run_workers(r, &plan, track);
    if (ok)
        race_print_result(stdout, track, !r->options->quiet);
    race_books_free(r->books);
    r->books = NULL;
    publish(r, ui_publish);
    return ok;
}

/* --- all of them ------------------------------------------------------------------------------ */

static bool open_pool(struct race *r)
{
    struct pool_events events = {.ctx = r, .on_exit = on_exit_of, .on_signal = on_signal};
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, 0};
    int rc = pool_new(&r->pool, RACE_STRATEGIES * (size_t)r->options->processes, &events);
    rc = rc < 0 ? rc : pool_watch_signals(r->pool, signals);
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

/* The strategies asked for, until one fails or somebody interrupts. */
static int run_all(struct race *r)
{
    struct race_view *view = r->view;
    int status = EXITS_RIGHT;
    size_t done = 0;
    race_print_head(stdout, r->options);
    publish(r, ui_publish);
    for (; done < view->tracks && !r->interrupted; done++) {
        struct race_track *track = &view->track[done];
        if (!run_strategy(r, track)) {
            fprintf(stderr, "stockload: %s: %s\n", track->strategy->name, r->err);
            return EXITS_INTERNAL;
        }
        status = exit_worst(status, race_balanced(&track->result) ? EXITS_RIGHT : EXITS_VIOLATION);
    }
    if (done > 1)
        race_print_table(stdout, view);
    return exit_worst(status, r->interrupted ? EXITS_INTERRUPTED : EXITS_RIGHT);
}

/* From the first connection to the last. */
static int run_race(struct race *r)
{
    int status = EXITS_INTERNAL;
    if (open_race(r))
        status = run_all(r);
    else
        fprintf(stderr, "stockload: Redis: %s\n", r->err);
    close_race(r);
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    fprintf(stderr, "stockload: the table can not be written: %s\n", strerror(errno));
    return exit_worst(status, EXITS_INTERNAL);
}

/* The page to keep, and how it came out to those who watch, for as long as somebody wants that. */
static int show_end(struct race *r, int status)
{
    const struct options *o = r->options;
    r->view->over = true;
    r->view->exit_status = status;
    if (o->html && !outfile_write(o->html, race_html, r->view))
        r->view->exit_status = exit_worst(status, EXITS_INTERNAL);
    publish(r, ui_publish_last);
    ui_close(r->ui, status == EXITS_INTERRUPTED ? 0 : o->ui_linger_ms);
    return r->view->exit_status;
}

int race_command(const struct options *options)
{
    static_assert(STRATEGY_ALL == RACE_STRATEGIES, "the table is in the order of the enum");
    struct race r = {.options = options, .view = race_view_new(options)};
    int status = EXITS_INTERNAL;
    signal(SIGPIPE, SIG_IGN);
    if (!r.view)
        fprintf(stderr, "stockload: out of memory\n");
    else if (outfile_can_write(options->html) &&
             ui_open(&r.ui, options->ui ? &options->ui_at : NULL))
        status = show_end(&r, run_race(&r));
    race_view_free(r.view);
    return status;
}
