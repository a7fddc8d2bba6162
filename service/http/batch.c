#include "http/batch.h"
#include "http/access.h"
#include "http/answer/json_write.h"
#include "http/answer/render.h"
#include "http/exchange.h"
#include "http/tally.h"

#include "stats.h"
#include <assert.h>

/* The result of operation i, rendered into the server's scratch buffer and kept in the arena. */
static void keep_result(struct batch_job *job, unsigned i, const struct answer *answer,
                        const struct buf *rendered)
{
    struct exchange *x = job->exchange;
    struct buf *text = &x->out; /* free until the end: results are put together last */
    buf_reset(text);
    JSON_INT(text, "{\"status\":", answer->status);
    JSON_LIT(text, ",\"body\":");
    if (answer->content == CONTENT_NONE)
        JSON_LIT(text, "null");
    else
        buf_puts(text, buf_str(rendered));
    if (answer->replayed)
        JSON_LIT(text, ",\"replayed\":true}");
    else
        JSON_LIT(text, ",\"replayed\":false}");
    if (!text->failed && !rendered->failed)
        job->results[i] = arena_str(&x->arena, buf_str(text));
    job->answer_bytes += job->results[i].n;
    if (!str_absent(job->results[i]))
        return;
    /* Out of memory: the result is a text that fits without any, or if it were untrue none. */
    job->results[i] = STR("{\"status\":503,\"body\":{\"type\":\"/problems/overloaded\","
                          "\"title\":\"Out of memory\",\"status\":503,"
                          "\"detail\":\"there is no memory for the answer\"},\"replayed\":false}");
    x->mute |= job->ops[i].op.kind != OP_GET && !answer_is_refusal(answer);
}

static void refuse_op(struct batch_job *job, unsigned i, const struct refusal *why)
{
    struct buf *scratch = &job->exchange->server->scratch;
    struct answer answer = {0};
    buf_reset(scratch);
    render_refusal(why, &answer, scratch);
    access_op_refused(job->exchange, &job->ops[i].op, why, (int)i);
    keep_result(job, i, &answer, scratch);
}

static void decide_op(struct batch_job *job, unsigned i)
{
    struct buf *scratch = &job->exchange->server->scratch;
    struct answer answer;
    struct refusal why;
    if (job->tickets &&
        kept_decided(&job->exchange->server->host, &job->ops[i].op, &job->tickets[i], &why)) {
        tally_decided(job->exchange->server, &job->ops[i].op);
        refuse_op(job, i, &why);
        return;
    }
    buf_reset(scratch);
    render_op(&job->ops[i].op, &answer, scratch);
    tally_decided(job->exchange->server, &job->ops[i].op);
    access_decided(job->exchange, &job->ops[i].op, &answer, (int)i);
    keep_result(job, i, &answer, scratch);
}

static void answer_batch(struct batch_job *job)
{
    struct exchange *x = job->exchange;
    buf_reset(&x->out);
    JSON_LIT(&x->out, "{\"results\":[");
    for (unsigned i = 0; i < job->count; i++) {
        if (i > 0)
            buf_putc(&x->out, ',');
        buf_puts(&x->out, job->results[i]);
    }
    JSON_LIT(&x->out, "]}");
    x->answer = (struct answer){.status = 200, .content = CONTENT_JSON};
    /* Nothing of the batch is needed any more, and the answer may wait long for its client. */
    x->batch = NULL;
    buf_trim(&x->out);
    arena_free(&x->arena);
    exchange_answered(x);
}

static void on_done(struct store_op *op)
{
    struct batch_job *job = op->user;
    struct exchange *x = job->exchange;
    assert(x->pending > 0);
    request_times_op(&x->spent, op->started_us, op->kept_us);
    decide_op(job, (unsigned)(op - job->ops));
    if (--x->pending > 0)
        return;
    if (job->next == job->count || x->orphan) {
        answer_batch(job);
        return;
    }
    /* Not from here: the store is in the middle of answering. */
    job->later = x->server->later;
    x->server->later = job;
}

/* What was not handed over yet never is. */
static void job_gone(struct exchange *x)
{
    for (struct batch_job **at = &x->server->later; *at; at = &(*at)->later) {
        if ((*at)->exchange != x)
            continue;
        *at = (*at)->later;
        return;
    }
}

static const struct exchange_work batch_work = {.gone = job_gone};

/* Whether the answers have room for one more of at most `room` bytes: within the batch's own bound,
 * and within the worker's budget. What is not handed over yet can still be refused; what is cannot,
 * so its room is set aside before. */
static bool has_room(struct batch_job *job, size_t room)
{
    size_t owed = job->owed_bytes + room;
    return job->answer_bytes + owed <= BATCH_ANSWER_MAX_BYTES && exchange_hold(job->exchange, owed);
}

/* The rest of the batch is refused, each operation by itself: order must not change. */
static void refuse_rest(struct batch_job *job)
{
    const struct refusal why = {.problem = PROBLEM_OVERLOADED,
                                .detail = "the answers of this batch take more memory than there "
                                          "is for them; send the rest in another batch"};
    for (; job->next < job->count; job->next++)
        if (str_absent(job->results[job->next]))
            refuse_op(job, job->next, &why);
    answer_batch(job);
}

/* Hands one over that has room to be answered; false: it is refused instead. */
static bool submit_op(struct batch_job *job, unsigned i)
{
    struct exchange *x = job->exchange;
    struct store_op *op = &job->ops[i];
    struct refusal why;
    if (job->tickets && !kept_admit(&x->kept, &x->server->host, &op->op, &job->tickets[i], &why)) {
        tally_decided(x->server, &op->op);
        refuse_op(job, i, &why);
        return false;
    }
    op->chain = &job->chain;
    op->done = on_done;
    op->user = job;
    x->pending++;
    store_submit(x->server->store, op);
    return true;
}

/* Hands over the next run: operations of one partition, as many as there is room to answer. `done`
 * is never called from inside, so that pending is right. */
static void submit_run(struct batch_job *job)
{
    struct exchange *x = job->exchange;
    int partition = -1;
    assert(x->pending == 0);
    job->chain = (struct store_chain){0};
    job->owed_bytes = 0;
    for (; job->next < job->count; job->next++) {
        struct store_op *op = &job->ops[job->next];
        if (!str_absent(job->results[job->next]))
            continue;
        size_t room = render_op_room(&op->op);
        bool other = partition >= 0 && op->op.partition != partition;
        if (other || job->owed_bytes + room > BATCH_RUN_MAX_BYTES || !has_room(job, room))
            break;
        if (!submit_op(job, job->next))
            continue;
        partition = op->op.partition;
        job->owed_bytes += room;
    }
    if (x->pending == 0 && job->next < job->count)
        refuse_rest(job);
    else if (x->pending == 0)
        answer_batch(job);
}

void batch_job_continue(struct http_server *server)
{
    struct batch_job *job = server->later;
    server->later = NULL;
    while (job) {
        struct batch_job *after = job->later;
        submit_run(job);
        job = after;
    }
}

void batch_job_unknown(const struct batch_job *job)
{
    for (unsigned i = 0; i < job->next; i++)
        if (str_absent(job->results[i]))
            access_unknown(job->exchange, &job->ops[i].op, (int)i);
}

/* Returns how many operations are left for the store. */
static unsigned read_ops(struct batch_job *job, struct request_batch *batch)
{
    struct exchange *x = job->exchange;
    unsigned left = 0;
    for (unsigned i = 0; i < job->count; i++) {
        struct store_op *op = &job->ops[i];
        struct refusal why;
        if (!request_batch_op(&op->op, &x->arena, batch, i, &why)) {
            stats_count(STATS_ROLE_FORBIDDEN, why.problem == PROBLEM_FORBIDDEN);
            refuse_op(job, i, &why);
            continue;
        }
        enum outcome_code code = store_route(x->server->store, &op->op);
        if (code != OUT_NONE) {
            op->op.out = (struct outcome){.code = code, .field_line = -1};
            decide_op(job, i);
            continue;
        }
        left++;
    }
    return left;
}

/* NULL: out of memory. */
static struct batch_job *job_new(struct exchange *x, unsigned count)
{
    struct batch_job *job = arena_zalloc(&x->arena, sizeof(*job));
    if (!job)
        return NULL;
    job->exchange = x;
    job->count = count;
    job->ops = arena_zalloc(&x->arena, count * sizeof(job->ops[0]));
    job->results = arena_zalloc(&x->arena, count * sizeof(job->results[0]));
    if (x->kept.slot)
        job->tickets = arena_zalloc(&x->arena, count * sizeof(job->tickets[0]));
    x->batch = job;
    x->work = &batch_work;
    return job->ops && job->results && (job->tickets || !x->kept.slot) ? job : NULL;
}

/* NULL, with why: the whole is refused. */
static struct batch_job *job_open(struct exchange *x, struct request_batch *batch,
                                  const struct request_head *head, struct refusal *why)
{
    if (!request_batch_open(batch, &x->arena, head, x->body.p, x->body.n, why))
        return NULL;
    bool good = rate_cost(&x->rate, batch->count, why);
    struct batch_job *job = good ? job_new(x, batch->count) : NULL;
    if (good && !job)
        (void)refuse_no_memory(why);
    if (!job)
        request_batch_close(batch);
    return job;
}

void batch_job_begin(struct exchange *x, const struct request_head *head)
{
    struct request_batch batch;
    struct refusal why;
    struct batch_job *job = job_open(x, &batch, head, &why);
    if (!job) {
        access_refused(x, &why);
        exchange_answer_refusal(x, &why);
        return;
    }
    unsigned left = read_ops(job, &batch);
    request_batch_close(&batch);
    exchange_drop_body(x);
    if (left == 0) {
        answer_batch(job);
        return;
    }
    x->spent.queues = true;
    exchange_wait(x);
    submit_run(job);
}
