/* recording.c -- the steps of a load, each of which may end it. */
#include "run/recording.h"

#include "clock.h"
#include "options.h"
#include "report/units.h"
#include "run/live.h"
#include "run/live_page.h"
#include "run/probe.h"
#include "run/settle.h"
#include "run/setup.h"
#include "run/workers.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Set by Ctrl-C and SIGTERM. */
static volatile sig_atomic_t interrupted;

static void on_interrupt(int signo)
{
    interrupted = 1;
}

static bool show_progress(void *ctx, const char *what, uint64_t done, uint64_t all)
{
    live_show(
        &(struct live_state){.phase = what, .step = true, .step_done = done, .step_all = all});
    return interrupted != 0;
}

static void complain(struct recording *r, const char *what)
{
    live_pause();
    fprintf(stderr, "stockload: %s\n", what);
    r->err[0] = '\0';
}

/* What only --verbose shows. */
static void mention(const struct recording *r, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void mention(const struct recording *r, const char *format, ...)
{
    va_list args;
    if (!r->options->verbose)
        return;
    live_pause();
    fputs("stockload: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
}

static void mention_plan(const struct recording *r)
{
    const struct history_facts *facts = history_facts(r->plan.load.history);
    mention(r,
            "run %s: scenario %s, seed %" PRIu64 ", %" PRIu32 " clients in %" PRIu32
            " processes, items %s0 to %" PRIu32 " with %s units each",
            facts->run, facts->scenario, facts->seed, facts->clients, facts->processes,
            facts->prefix, facts->items - 1, FIGURE(count, (int64_t)facts->stock));
    mention(r, "history in %s", r->path);
}

static void note_trouble(struct recording *r, uint32_t bit)
{
    atomic_fetch_or(&history_facts(r->plan.load.history)->trouble, bit);
}

static void name_history(struct recording *r, const struct history_facts *facts)
{
    const char *dir = getenv("TMPDIR");
    r->kept = r->options->history != NULL;
    if (r->kept)
        snprintf(r->path, sizeof(r->path), "%s", r->options->history);
    else
        snprintf(r->path, sizeof(r->path), "%s/stockload-%s.history", dir && dir[0] ? dir : "/tmp",
                 facts->run);
}

static int make_history(struct recording *r)
{
    struct history_facts facts;
    plan_facts(&r->plan, r->options, &facts);
    name_history(r, &facts);
    int rc = history_create(&r->plan.load.history, r->path, &facts);
    if (rc == 0) {
        history_writer_open(&r->writer, r->plan.load.history, HISTORY_WORKERS_MAX, 0);
        return 0;
    }
    snprintf(r->err, sizeof(r->err), "the history %s can not be made: %s%s", r->path, strerror(-rc),
             rc == -EEXIST ? "; give the name of a new file" : "");
    complain(r, r->err);
    return rc;
}

/* Where an error of a step leaves its mark. */
static void note_error(struct recording *r, int rc, uint32_t otherwise)
{
    if (rc == -EINTR)
        note_trouble(r, TROUBLE_INTERRUPTED);
    else if (rc == -ENOSPC || rc == -EFBIG || rc == -EDQUOT)
        note_trouble(r, TROUBLE_DISK);
    else
        note_trouble(r, otherwise);
}

static bool set_up_run(struct recording *r)
{
    int rc = probe_ready(&r->plan.load.target, show_progress, NULL, &r->ready);
    history_facts(r->plan.load.history)->waits = r->ready.waits;
    if (rc == 0)
        rc = setup_items(&r->plan.load, &r->writer, show_progress, NULL, r->err, sizeof(r->err));
    if (rc == 0)
        return true;
    if (!r->err[0])
        snprintf(r->err, sizeof(r->err), "%s", strerror(-rc));
    note_error(r, rc, rc == -EPROTO ? TROUBLE_SETUP : TROUBLE_UNREACHABLE);
    char text[sizeof(r->err) + 300];
    snprintf(text, sizeof(text), "%s: %s", r->options->url.text,
             rc == -EINTR ? "interrupted while items were created" : r->err);
    complain(r, text);
    return false;
}

/* Drives the load, true when it ran. */
static bool drive(struct recording *r)
{
    const struct workers_options workers = {
        .respawn = r->options->worker_death == DEATH_RESPAWN,
        .warmup_ns = (uint64_t)r->options->warmup_ms * 1000000,
        .interrupted = &interrupted,
    };
    r->err[0] = '\0';
    int rc = workers_run(&r->plan.load, &r->writer, &workers, r->err, sizeof(r->err));
    if (r->err[0])
        complain(r, r->err);
    if (rc < 0) {
        note_error(r, rc, rc == -ECONNREFUSED ? TROUBLE_UNREACHABLE : TROUBLE_WORKER_DIED);
        return false;
    }
    atomic_store(&history_facts(r->plan.load.history)->progress, RUN_LOADED);
    return true;
}

static void settle_all(struct recording *r)
{
    struct history_facts *facts = history_facts(r->plan.load.history);
    const struct settle_options settling = {.path = r->path,
                                            .settle_ms = (uint64_t)r->options->settle_ms,
                                            .ready = r->ready,
                                            .stopped_ns = facts->zero_ns + facts->stop_ns};
    int64_t began_ms = clock_mono_ms();
    if (interrupted)
        complain(r, "interrupted: what ran is settled and checked now; a second interrupt leaves "
                    "the settling out");
    interrupted = 0; /* a second Ctrl-C ends the settling */
    int rc = settle(&r->plan.load, &r->writer, &settling, show_progress, NULL);
    if (rc == 0) {
        atomic_store(&facts->progress, RUN_SETTLED);
        mention(r, "settled in %s", FIGURE(ms, (double)(clock_mono_ms() - began_ms)));
        return;
    }
    note_error(r, rc, TROUBLE_UNSETTLED);
    snprintf(r->err, sizeof(r->err), "settling was not completed: %s",
             rc == -EINTR ? "interrupted" : strerror(-rc));
    complain(r, r->err);
}

void recording_watch_signals(void)
{
    const struct sigaction action = {.sa_handler = on_interrupt};
    interrupted = 0;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a limit on file sizes is an error to report, not an end */
}

bool recording_is_interrupted(void *ctx)
{
    return interrupted != 0;
}

/* The file is evidence, if there was a load: it stays unless all answers were right, or if the user
 * wants it. */
void recording_put_away(struct recording *r, int status)
{
    if (r->kept)
        return;
    bool right = status == EXITS_RIGHT || status == EXITS_THRESHOLD || status == EXITS_INTERRUPTED;
    if (!r->loaded || right)
        unlink(r->path);
    else
        fprintf(stderr, "stockload: the history is kept in %s; `stockload check` reads it again\n",
                r->path);
}

/* Of all client processes. */
static uint64_t own_lag_p99_ns(const struct load *load)
{
    struct histogram *all = calloc(1, sizeof(*all));
    if (!all)
        return UINT64_MAX; /* not known is as bad as late */
    for (uint32_t i = 0; i < load->workers; i++)
        histogram_merge(all, &load->shared->counters[i].lag);
    uint64_t p99_ns = histogram_percentile(all, 99);
    free(all);
    return p99_ns;
}

static int record(struct recording *r)
{
    if (make_history(r) < 0)
        return EXITS_INTERNAL;
    mention_plan(r);
    live_page_begin(history_facts(r->plan.load.history));
    r->loaded = set_up_run(r) && drive(r);
    r->lag_p99_ns = own_lag_p99_ns(&r->plan.load);
    live_pause(); /* the last view of the load stays */
    if (r->loaded && r->options->verify != VERIFY_OFF)
        settle_all(r);
    history_writer_close(&r->writer);
    history_close(r->plan.load.history);
    return EXITS_RIGHT;
}

int recording_make(struct recording *r, const struct options *options)
{
    *r = (struct recording){.options = options};
    int rc = plan_open(&r->plan, options, r->err, sizeof(r->err));
    if (rc < 0) {
        complain(r, r->err);
        return rc == -EINVAL || rc == -E2BIG ? EXITS_USAGE : EXITS_INTERNAL;
    }
    int status = record(r);
    plan_close(&r->plan);
    return status;
}
