/* trial.c -- see trial.h. */
#include "run/trial.h"

#include "check/check.h"
#include "options.h"
#include "report/thresholds.h"
#include "report/units.h"
#include "run/live.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int exit_of_verdict(const struct trial *t)
{
    static const int words[] = {[VERDICT_RIGHT] = EXITS_RIGHT,
                                [VERDICT_UNKNOWN] = EXITS_UNKNOWN,
                                [VERDICT_VIOLATION] = EXITS_VIOLATION};
    uint32_t trouble = atomic_load(&t->reader.facts->trouble);
    int status = words[t->verdict.word];
    if (trouble & (TROUBLE_WORKER_DIED | TROUBLE_UNREACHABLE | TROUBLE_DISK | TROUBLE_SETUP))
        status = exit_worst(status, EXITS_INTERNAL);
    if (trouble & TROUBLE_INTERRUPTED)
        status = exit_worst(status, EXITS_INTERRUPTED);
    return status;
}

static int apply_gates(struct trial *t, const struct options *options)
{
    int status = EXITS_RIGHT;
    for (size_t i = 0; i < options->thresholds.n; i++) {
        struct gate gate;
        char err[GATE_ERR_SIZE];
        if (!gate_parse(&gate, options->thresholds.text[i], err, sizeof(err)))
            return EXITS_USAGE;
        t->gate[i] = gate_evaluate(&gate, &t->summary);
        if (!t->gate[i].met)
            status = exit_worst(status, t->gate[i].unknown ? EXITS_UNKNOWN : EXITS_THRESHOLD);
    }
    return status;
}

static void show_step(void *ctx, const char *step, unsigned percent)
{
    char phase[LIVE_PHASE_SIZE];
    snprintf(phase, sizeof(phase), "checking: %s", step);
    live_show(&(struct live_state){
        .phase = phase, .step = true, .step_percent = true, .step_done = percent, .step_all = 100});
}

/* What a person calls a history: its file's name without the ending. */
static void name_after(struct trial *t, const char *path)
{
    const char *slash = strrchr(path, '/');
    snprintf(t->name, sizeof(t->name), "%s", slash ? slash + 1 : path);
    char *ending = strstr(t->name, ".history");
    if (ending && ending != t->name && ending[8] == '\0')
        *ending = '\0';
}

int trial_open(struct trial *t, const struct options *options, const char *path, int level)
{
    char err[HISTORY_ERR_SIZE];
    *t = (struct trial){.exit_status = EXITS_INTERNAL};
    name_after(t, path);
    int rc = history_read(&t->reader, path, err, sizeof(err));
    if (rc < 0) {
        live_pause();
        fprintf(stderr, "stockload: %s\n", err);
        return rc;
    }
    t->read = true;
    struct check_options as = {
        .level = level < 0 ? (enum check_level)t->reader.facts->verify : (enum check_level)level,
        .workers = (unsigned)options->checkers,
        .progress = show_step,
    };
    t->gate = calloc(options->thresholds.n + 1, sizeof(*t->gate));
    rc = t->gate ? summary_make(&t->summary, &t->reader) : -ENOMEM;
    t->summed = rc == 0;
    rc = rc < 0 ? rc : check_history(&t->verdict, &t->reader, &as);
    if (rc < 0) {
        live_pause();
        const char *why = t->verdict.why_unknown;
        fprintf(stderr, "stockload: %s could not be checked: %s\n", path,
                *why ? why : strerror(-rc));
    } else if (options->verbose) {
        live_pause();
        fprintf(stderr, "stockload: %s: %s operations checked in %s\n", path,
                FIGURE(count, (int64_t)t->verdict.coverage.operations),
                FIGURE(ms, (double)t->verdict.took_ms));
    }
    if (rc == 0)
        t->exit_status = exit_worst(exit_of_verdict(t), apply_gates(t, options));
    return rc;
}

void trial_close(struct trial *t)
{
    if (t->summed)
        summary_free(&t->summary);
    if (t->read)
        history_unread(&t->reader);
    free(t->gate);
}

struct report_run trial_report(const struct trial *t, const struct options *options)
{
    return (struct report_run){.name = t->name,
                               .history = &t->reader,
                               .summary = &t->summary,
                               .verdict = &t->verdict,
                               .gates = options->thresholds.n,
                               .gate = t->gate,
                               .exit_status = t->exit_status};
}
