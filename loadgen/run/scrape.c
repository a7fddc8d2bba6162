/* scrape.c -- GET /metrics, and the numbers of it that reports show. */
#include "run/scrape.h"

#include "client/answer.h"
#include "run/caller.h"

#define ANSWER_NS UINT64_C(300000000)

struct scrape {
    bool asked, got;
    const struct target *target;
    struct history_sample *sample;
};

static bool next_scrape(void *ctx, struct buf *out, uint64_t *token)
{
    struct scrape *s = ctx;
    if (s->asked)
        return false;
    s->asked = true;
    *token = 0;
    struct str nothing = {NULL, 0};
    target_request(s->target, out, STR("GET"), STR("/metrics"), nothing, nothing);
    return true;
}

static void scrape_done(void *ctx, uint64_t token, const struct call_end *end)
{
    struct scrape *s = ctx;
    double conflicts, batches = 0, batch_ops = 0;
    (void)token;
    if (!end->response || end->response->status != 200 ||
        !answer_metric(end->response->body, "stockd_conflicts_total", &conflicts))
        return;
    if (!answer_metric(end->response->body, "stockd_batches_total", &batches) ||
        !answer_metric(end->response->body, "stockd_batch_operations_total", &batch_ops))
        batches = batch_ops = 0;
    s->sample->at_ns = end->end_ns;
    s->sample->conflicts = (uint64_t)conflicts;
    s->sample->batches = (uint64_t)batches;
    s->sample->batch_ops = (uint64_t)batch_ops;
    s->got = true;
}

bool scrape_metrics(const struct target *target, struct history_sample *sample)
{
    struct scrape s = {.target = target, .sample = sample};
    const struct caller_work work = {&s, next_scrape, scrape_done, NULL};
    *sample = (struct history_sample){0};
    return caller_run(target, 1, ANSWER_NS, &work) >= 0 && s.got;
}
