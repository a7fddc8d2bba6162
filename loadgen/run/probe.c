/* probe.c -- see probe.h. One question at a time, on a connection of its own. */
#include "run/probe.h"
#include "client/answer.h"
#include "client/json_scan.h"
#include "run/caller.h"

#include <unistd.h>

#define ROUNDS        20     /* while it is not ready */
#define PAUSE_US      250000 /* between them */
#define READY_NS      UINT64_C(5000000000)
#define METRICS_NS    UINT64_C(300000000)
#define STATUS_UNSURE 503

struct probe {
    const struct target *target;
    struct str path;
    step_progress_fn *progress;
    void *ctx;
    uint64_t round;
    bool asked, answered;
    int64_t restores;
    struct history_sample *sample;
};

static bool next_question(void *ctx, struct buf *out, uint64_t *token)
{
    struct probe *p = ctx;
    if (p->asked)
        return false;
    target_get(p->target, out, p->path);
    *token = 0;
    return p->asked = true;
}

/* --- restores --------------------------------------------------------------------------------- */

static void ready_done(void *ctx, uint64_t token, const struct call_end *end)
{
    struct probe *p = ctx;
    (void)token;
    p->answered = end->response != NULL;
    if (p->answered && end->response->status != STATUS_UNSURE)
        p->restores = end->response->status == 200 ? probe_restores_said(end->response->body) : 0;
}

static bool stop_asking(void *ctx)
{
    struct probe *p = ctx;
    return p->progress(p->ctx, "asking whether the service is ready", p->round, ROUNDS);
}

int probe_restores(const struct target *target, step_progress_fn *progress, void *ctx,
                   int64_t *restores)
{
    struct probe p = {.target = target,
                      .path = STR("/readyz"),
                      .progress = progress,
                      .ctx = ctx,
                      .restores = RESTORES_UNKNOWN};
    const struct caller_work work = {&p, next_question, ready_done, stop_asking};
    int rc = 0;
    for (; p.round < ROUNDS && rc == 0; p.round++) {
        if (p.round > 0)
            usleep(PAUSE_US);
        p.asked = false;
        rc = caller_run(target, 1, READY_NS, &work);
        if (!p.answered || p.restores != RESTORES_UNKNOWN)
            break;
    }
    *restores = p.restores;
    return rc;
}

int64_t probe_restores_said(struct str body)
{
    struct json_scan s = json_scan_of(body);
    struct str name, skipped;
    int64_t restores = 0;
    enum json_step step = json_scan_enter(&s, '{') ? JSON_ITEM : JSON_BROKEN;
    for (bool first = true; step == JSON_ITEM; first = false) {
        step = json_scan_member(&s, first, &name);
        if (step != JSON_ITEM)
            break;
        bool counts = str_equal(name, STR("restores"));
        bool fine = counts ? json_scan_null(&s) || json_scan_int64(&s, &restores)
                           : json_scan_skip(&s, &skipped);
        if (!fine)
            return 0;
    }
    return step == JSON_END && restores > 0 ? restores : 0;
}

uint32_t probe_restores_between(int64_t before, int64_t after)
{
    if (before < 0 || after <= before)
        return 0;
    return after - before < UINT32_MAX ? (uint32_t)(after - before) : UINT32_MAX;
}

/* --- counters --------------------------------------------------------------------------------- */

static void metrics_done(void *ctx, uint64_t token, const struct call_end *end)
{
    struct probe *p = ctx;
    double conflicts, batches = 0, batch_ops = 0;
    (void)token;
    if (!end->response || end->response->status != 200 ||
        !answer_metric(end->response->body, "stockd_conflicts_total", &conflicts))
        return;
    if (!answer_metric(end->response->body, "stockd_batches_total", &batches) ||
        !answer_metric(end->response->body, "stockd_batch_operations_total", &batch_ops))
        batches = batch_ops = 0;
    p->sample->at_ns = end->end_ns;
    p->sample->conflicts = (uint64_t)conflicts;
    p->sample->batches = (uint64_t)batches;
    p->sample->batch_ops = (uint64_t)batch_ops;
    p->answered = true;
}

bool probe_metrics(const struct target *target, struct history_sample *sample)
{
    struct probe p = {.target = target, .path = STR("/metrics"), .sample = sample};
    const struct caller_work work = {&p, next_question, metrics_done, NULL};
    *sample = (struct history_sample){0};
    return caller_run(target, 1, METRICS_NS, &work) >= 0 && p.answered;
}
