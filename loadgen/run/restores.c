/* restores.c -- see restores.h. */
#include "run/restores.h"

#include "client/json_scan.h"
#include "run/caller.h"

#include <unistd.h>

#define ROUNDS        20     /* while it is not ready */
#define PAUSE_US      250000 /* between them */
#define TIMEOUT_NS    UINT64_C(5000000000)
#define STATUS_UNSURE 503

struct question {
    const struct target *target;
    step_progress_fn *progress;
    void *ctx;
    uint64_t round;
    bool asked, answered;
    unsigned status;
    int64_t restores;
};

static bool next_question(void *ctx, struct buf *out, uint64_t *token)
{
    struct question *q = ctx;
    struct str nothing = {NULL, 0};
    if (q->asked)
        return false;
    target_request(q->target, out, STR("GET"), STR("/readyz"), nothing, nothing);
    *token = 0;
    return q->asked = true;
}

static void question_done(void *ctx, uint64_t token, const struct call_end *end)
{
    struct question *q = ctx;
    (void)token;
    q->answered = end->response != NULL;
    q->status = end->response ? end->response->status : 0;
    if (q->answered && q->status != STATUS_UNSURE)
        q->restores = q->status == 200 ? restores_read(end->response->body) : 0;
}

static bool stop_question(void *ctx)
{
    struct question *q = ctx;
    return q->progress(q->ctx, "asking whether the service is ready", q->round, ROUNDS);
}

int restores_ask(const struct target *target, step_progress_fn *progress, void *ctx,
                 int64_t *restores)
{
    struct question q = {
        .target = target, .progress = progress, .ctx = ctx, .restores = RESTORES_UNKNOWN};
    const struct caller_work work = {&q, next_question, question_done, stop_question};
    int rc = 0;
    for (; q.round < ROUNDS && rc == 0; q.round++) {
        if (q.round > 0)
            usleep(PAUSE_US);
        q.asked = false;
        rc = caller_run(target, 1, TIMEOUT_NS, &work);
        if (!q.answered || q.restores != RESTORES_UNKNOWN)
            break;
    }
    *restores = q.restores;
    return rc;
}

int64_t restores_read(struct str body)
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

uint32_t restores_between(int64_t before, int64_t after)
{
    if (before < 0 || after <= before)
        return 0;
    return after - before < UINT32_MAX ? (uint32_t)(after - before) : UINT32_MAX;
}
