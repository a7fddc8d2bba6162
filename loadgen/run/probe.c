/* probe.c -- see probe.h. */
#include "run/probe.h"
#include "client/answer.h"
#include "client/json_scan.h"
#include "run/caller.h"

#include <unistd.h>

#define ROUNDS        20     /* while it is not ready */
#define PAUSE_US      250000 /* between them */
#define READY_NS      UINT64_C(5000000000)
#define STATUS_UNSURE 503

struct probe {
    const struct target *target;
    struct str path;
    step_progress_fn *progress;
    void *ctx;
    uint64_t round;
    unsigned ask; /* questions that are still to be put */
    bool answered;
    struct probe_ready ready;
    unsigned samples;
    struct history_sample *sample;
};

static bool next_question(void *ctx, struct buf *out, uint64_t *token)
{
    struct probe *p = ctx;
    if (p->ask == 0)
        return false;
    target_get(p->target, out, p->path);
    *token = 0;
    p->ask--;
    return true;
}

/* --- what /readyz says ------------------------------------------------------------------------ */

static void ready_done(void *ctx, uint64_t token, const struct call_end *end)
{
    struct probe *p = ctx;
    p->answered = end->response != NULL;
    if (p->answered && end->response->status != STATUS_UNSURE)
        p->ready = end->response->status == 200 ? probe_ready_said(end->response->body)
                                                : (struct probe_ready){.restores = 0};
}

static bool stop_asking(void *ctx)
{
    struct probe *p = ctx;
    return p->progress(p->ctx, "asking whether the service is ready", p->round, ROUNDS);
}

int probe_ready(const struct target *target, step_progress_fn *progress, void *ctx,
                struct probe_ready *ready)
{
    struct probe p = {.target = target,
                      .path = STR("/readyz"),
                      .progress = progress,
                      .ctx = ctx,
                      .ready = {PROBE_UNKNOWN, PROBE_UNKNOWN, false}};
    const struct caller_work work = {&p, next_question, ready_done, stop_asking};
    int rc = 0;
    for (; p.round < ROUNDS && rc == 0; p.round++) {
        if (p.round > 0)
            usleep(PAUSE_US);
        p.ask = 1;
        rc = caller_run(target, 1, READY_NS, &work);
        if (!p.answered || p.ready.restores != PROBE_UNKNOWN)
            break;
    }
    *ready = p.ready;
    return rc;
}

/* A member that counts something, or the level. False: it makes no sense. */
static bool take_member(struct json_scan *s, struct str name, struct probe_ready *ready)
{
    struct str value;
    bool restores = str_equal(name, STR("restores")), failovers = str_equal(name, STR("failovers"));
    if (restores || failovers)
        return json_scan_null(s) ||
               json_scan_int64(s, restores ? &ready->restores : &ready->failovers);
    if (!json_scan_skip(s, &value))
        return false;
    if (str_equal(name, STR("durability")))
        ready->waits =
            str_equal(value, STR("\"replicated\"")) || str_equal(value, STR("\"ledger\""));
    return true;
}

struct probe_ready probe_ready_said(struct str body)
{
    static const struct probe_ready nothing = {.restores = 0};
    struct json_scan s = json_scan_of(body);
    struct probe_ready ready = nothing;
    struct str name;
    enum json_step step = json_scan_enter(&s, '{') ? JSON_ITEM : JSON_BROKEN;
    for (bool first = true; step == JSON_ITEM; first = false) {
        step = json_scan_member(&s, first, &name);
        if (step == JSON_ITEM && !take_member(&s, name, &ready))
            return nothing;
    }
    return step == JSON_END && ready.restores >= 0 && ready.failovers >= 0 ? ready : nothing;
}

uint32_t probe_between(int64_t before, int64_t after)
{
    if (before < 0 || after <= before)
        return 0;
    return after - before < UINT32_MAX ? (uint32_t)(after - before) : UINT32_MAX;
}

/* --- counters --------------------------------------------------------------------------------- */

static bool has(struct str text, const char *part)
{
    return memmem(text.p, text.n, part, strlen(part)) != NULL;
}

/* All but those that ask how the service is: they come from others, and from here. */
static double requests_said(struct str body)
{
    static const char name[] = "stockd_http_requests_total";
    double sum = 0, one;
    for (struct str line; line = answer_metric_line(&body, name), !str_absent(line);)
        if (!has(line, "\"metrics\"") && !has(line, "\"healthz\"") && !has(line, "\"readyz\"") &&
            answer_metric(line, name, &one))
            sum += one;
    return sum;
}

bool probe_counters_said(struct str body, struct history_sample *sample)
{
    static const char *const names[] = {"stockd_conflicts_total", "stockd_batches_total",
                                        "stockd_batch_operations_total"};
    double value[3];
    struct str rest = body;
    struct str service = answer_metric_line(&rest, "stockd_service_start_time_seconds");
    for (size_t i = 0; i < 3; i++)
        if (str_absent(service) || !answer_metric(body, names[i], &value[i]))
            return false;
    *sample = (struct history_sample){.conflicts = (uint64_t)value[0],
                                      .batches = (uint64_t)value[1],
                                      .batch_ops = (uint64_t)value[2],
                                      .requests = (uint64_t)requests_said(body),
                                      .service = str_hash(service)};
    return true;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* Of answers under way at once nobody knows which is the older: counters only grow, so the largest
 * of each is the newest. */
static void merge_samples(struct history_sample *known, const struct history_sample *more)
{
    known->at_ns = larger(known->at_ns, more->at_ns);
    known->conflicts = larger(known->conflicts, more->conflicts);
    known->batches = larger(known->batches, more->batches);
    known->batch_ops = larger(known->batch_ops, more->batch_ops);
    known->requests = larger(known->requests, more->requests);
}

static void metrics_done(void *ctx, uint64_t token, const struct call_end *end)
{
    struct probe *p = ctx;
    struct history_sample sample;
    unsigned i = 0;
    if (!end->response || end->response->status != 200 ||
        !probe_counters_said(end->response->body, &sample))
        return;
    sample.at_ns = end->end_ns;
    while (i < p->samples && p->sample[i].service != sample.service)
        i++;
    if (i < p->samples)
        merge_samples(&p->sample[i], &sample);
    else
        p->sample[p->samples++] = sample;
}

unsigned probe_metrics(const struct target *target, unsigned asked, uint64_t limit_ns,
                       struct history_sample sample[PROBE_ASKED_MAX])
{
    assert(asked > 0 && asked <= PROBE_ASKED_MAX);
    struct probe p = {.target = target, .path = STR("/metrics"), .ask = asked, .sample = sample};
    const struct caller_work work = {&p, next_question, metrics_done, NULL};
    return caller_run(target, asked, limit_ns, &work) >= 0 ? p.samples : 0;
}
