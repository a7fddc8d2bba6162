/* capacity.c -- a recording a step, until the search is over; then one report. */
#include "run/capacity.h"

#include "options.h"
#include "report/capacity.h"
#include "report/jsoncapacity.h"
#include "report/units.h"
#include "run/bisection.h"
#include "run/judge.h"
#include "run/live.h"
#include "run/live_page.h"
#include "run/recording.h"
#include "run/trial.h"

#include <stdatomic.h>
#include <stdlib.h>

struct search {
    const struct options *options;
    struct bisection bisection;
    struct capacity capacity;
    struct trial trial[CAPACITY_STEPS_MAX]; /* capacity.steps of them are open */
    int exit_status;
    bool broken;
};

static void note_status(struct search *s, int status)
{
    s->exit_status = exit_worst(s->exit_status, status);
    s->broken =
        s->broken || status == EXITS_VIOLATION || status == EXITS_INTERNAL || status == EXITS_USAGE;
}

/* Its status may be a worse one: that too little is known of a step that was cut short. */
static bool is_interrupted(const struct trial *trial)
{
    return atomic_load(&trial->reader.facts->trouble) & TROUBLE_INTERRUPTED;
}

static void show_progress(const struct search *s, const struct capacity_step *step)
{
    char how[CAPACITY_SENTENCE_SIZE];
    if (s->options->quiet)
        return;
    jsoncapacity_step(step, how);
    live_pause();
    fprintf(stderr, "stockload: step %zu: %s/s %s: %s; answers %s\n", s->capacity.steps,
            FIGURE(count, step->rate), step->word == CAPACITY_HELD ? "held" : "missed", how,
            verdict_name(s->trial[s->capacity.steps - 1].verdict.word));
}

/* Checks what was recorded and adds it to the steps. */
static void add_step(struct search *s, const struct recording *r, int64_t rate)
{
    struct trial *trial = &s->trial[s->capacity.steps];
    struct capacity_step *step = &s->capacity.step[s->capacity.steps];
    int rc = trial_open(trial, s->options, r->path, s->options->verify);
    note_status(s, trial->exit_status);
    if (rc < 0) {
        trial_close(trial);
        return;
    }
    s->capacity.steps++;
    s->broken = s->broken || is_interrupted(trial);
    snprintf(trial->name, sizeof(trial->name), "step %zu: %s/s", s->capacity.steps,
             FIGURE(count, rate));
    capacity_measure(step, &trial->summary, rate, r->lag_p99_ns, (uint64_t)s->options->goal_ns);
    if (s->broken)
        step->word = CAPACITY_BROKEN;
    show_progress(s, step);
    const struct report_run run = trial_report(trial, s->options);
    live_page_judge(&run);
}

static void take_step(struct search *s)
{
    struct recording r;
    struct options options = *s->options;
    size_t steps = s->capacity.steps;
    options.rate = s->bisection.next;
    int status = recording_make(&r, &options);
    if (status != EXITS_RIGHT) {
        note_status(s, status);
        return;
    }
    add_step(s, &r, options.rate);
    recording_put_away(&r,
                       s->capacity.steps > steps ? s->trial[steps].exit_status : EXITS_INTERNAL);
    if (!s->broken)
        bisection_tell(&s->bisection, s->capacity.step[steps].word == CAPACITY_HELD);
}

/* Of the answer, beside what the checker says of the steps. */
static int status_of(const struct capacity *c)
{
    if (c->limit == CAPACITY_CLIENTS || c->limit == CAPACITY_GENERATOR)
        return EXITS_UNKNOWN;
    return capacity_known(c) && c->rate == 0 ? EXITS_THRESHOLD : EXITS_RIGHT;
}

static int report_search(struct search *s)
{
    struct report_run runs[CAPACITY_STEPS_MAX];
    struct capacity *c = &s->capacity;
    c->rate = s->bisection.low;
    c->missed = s->bisection.high;
    capacity_conclude(c, s->broken || s->bisection.next > 0);
    for (size_t i = 0; i < c->steps; i++)
        runs[i] = trial_report(&s->trial[i], s->options);
    const struct report report = {.runs = runs, .count = c->steps, .capacity = c};
    int status = exit_worst(s->exit_status, status_of(c));
    if (s->bisection.next > 0 && status == EXITS_RIGHT)
        status = EXITS_UNKNOWN; /* more steps than there may be */
    return c->steps > 0 ? exit_worst(status, judge_write(s->options, &report)) : status;
}

static int run_search(struct search *s)
{
    const struct options *o = s->options;
    enum live_mode mode = live_choose(stderr, o->tui, o->quiet);
    s->bisection = (struct bisection){.floor = o->rate_min,
                                      .ceiling = o->rate_max,
                                      .precision = o->precision,
                                      .tries = (unsigned)o->tries};
    s->capacity = (struct capacity){.goal_ns = (uint64_t)o->goal_ns,
                                    .precision = o->precision,
                                    .tries = (unsigned)o->tries,
                                    .ceiling = o->rate_max};
    recording_watch_signals();
    live_open(stderr, mode == LIVE_LINES && !o->verbose ? LIVE_OFF : mode); /* a line a step */
    bisection_begin(&s->bisection, o->rate);
    while (s->bisection.next > 0 && !s->broken && s->capacity.steps < CAPACITY_STEPS_MAX)
        take_step(s);
    live_close();
    return report_search(s);
}

int capacity_command(const struct options *options)
{
    if (!judge_can_write(options) || !live_page_open(options))
        return EXITS_INTERNAL;
    struct search *s = calloc(1, sizeof(*s));
    if (!s) {
        fprintf(stderr, "stockload: out of memory\n");
        live_page_close(options, EXITS_INTERNAL);
        return EXITS_INTERNAL;
    }
    s->options = options;
    int status = run_search(s);
    live_page_close(options, status);
    for (size_t i = 0; i < s->capacity.steps; i++)
        trial_close(&s->trial[i]);
    free(s);
    return status;
}
