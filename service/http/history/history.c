#include "http/history/history.h"
#include "clock.h"
#include "http/exchange.h"
#include "http/history/render.h"
#include "ledger/query/query_pool.h"
#include "log.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>

#define ARENA_BLOCK_BYTES 4096
#define ARENA_MAX_BYTES   (64u << 20) /* 500 reservations of 100 lines, several times over */
#define OUT_MAX_BYTES     (64u << 20)

struct history_job {
    struct query question;
    struct exchange *x; /* NULL: nobody waits */
    TAILQ_ENTRY(history_job) link;
    int64_t since_ms; /* loop time */
    const struct stats *stats;
    struct history_query query;
    struct arena arena;
    struct answer answer;
    struct buf out;
};

static struct history_job *job_new(struct exchange *x)
{
    struct history_job *job = calloc(1, sizeof(*job));
    if (!job)
        return NULL;
    job->x = x;
    job->since_ms = (int64_t)uv_now(x->server->loop);
    job->stats = x->server->stats;
    arena_init(&job->arena, ARENA_BLOCK_BYTES, ARENA_MAX_BYTES);
    buf_init(&job->out, OUT_MAX_BYTES);
    return job;
}

static void job_free(struct history_job *job)
{
    arena_free(&job->arena);
    buf_free(&job->out);
    free(job);
}

static const struct exchange_work history_work;

static void enlist(struct http_server *server, struct history_job *job)
{
    TAILQ_INSERT_TAIL(&server->asked, job, link);
    job->x->asked = job;
    job->x->work = &history_work;
}

/* The exchange will be answered now; the job has nobody any more. */
static struct exchange *part(struct history_job *job)
{
    struct exchange *x = job->x;
    TAILQ_REMOVE(&x->server->asked, job, link);
    job->x = NULL;
    x->asked = NULL;
    return x;
}

/* --- in a thread ------------------------------------------------------------------------------ */

static enum db_result find_history(struct history_query *query, struct arena *arena, struct db *db)
{
    switch (query->kind) {
    case HISTORY_RESERVATIONS: return history_reservations_find(db, arena, &query->reservations);
    case HISTORY_MOVEMENTS: return history_movements_find(db, arena, &query->movements);
    case HISTORY_LEVELS: return history_levels_find(db, arena, &query->levels);
    case HISTORY_ITEM: break;
    }
    return history_item_at(db, query->instant.sku, query->instant.at_ms, &query->instant.item);
}

static enum db_result query_history(struct query *question, struct db *db)
{
    struct history_job *job = (struct history_job *)question;
    int64_t as_of_ms;
    enum db_result result = history_as_of(db, &as_of_ms);
    if (result == DB_OK)
        result = find_history(&job->query, &job->arena, db);
    if (result != DB_OK)
        return result;
    const struct history_lag lag = history_lag_of(job->stats, as_of_ms);
    history_render(&job->query, &lag, clock_wall_ms(), &job->answer, &job->out);
    return DB_OK;
}

/* --- on the loop ------------------------------------------------------------------------------ */

static void log_failure(const struct query *question)
{
    static struct log_gate gate;
    if (question->result != DB_OK && log_allowed(&gate, clock_mono_ms()))
        log_event(LOG_WARN, "cannot read the ledger", LOG_STR("why", question->why),
                  LOG_STR("result", db_result_name(question->result)));
}

static void done(struct query *question)
{
    struct history_job *job = (struct history_job *)question;
    log_failure(question);
    if (job->x) {
        struct exchange *x = part(job);
        if (question->result == DB_NO_MEMORY || job->out.failed) {
            exchange_refuse(x, PROBLEM_OVERLOADED, EXCHANGE_NO_ROOM);
        } else if (question->result != DB_OK) {
            exchange_refuse(x, PROBLEM_LEDGER_UNAVAILABLE, NULL);
        } else {
            x->answer = job->answer;
            struct buf spare = x->out;
            x->out = job->out;
            job->out = spare;
        }
        exchange_answered(x);
    }
    job_free(job);
}

/* Answers instead of the ledger. A question that waits for its turn is not worth asking any more;
 * one that is under way ends when the database lets it. */
static void give_up_job(struct history_job *job, const char *why)
{
    struct exchange *x = part(job);
    exchange_refuse(x, PROBLEM_LEDGER_UNAVAILABLE, why);
    exchange_answered(x);
    if (query_pool_withdraw(&job->question))
        job_free(job);
}

static void job_gone(struct exchange *x)
{
    struct history_job *job = x->asked;
    if (!job)
        return;
    part(job);
    if (query_pool_withdraw(&job->question))
        job_free(job);
}

static const struct exchange_work history_work = {.gone = job_gone};

int64_t history_job_expire(struct http_server *server)
{
    int64_t now_ms = (int64_t)uv_now(server->loop);
    for (struct history_job *job = TAILQ_FIRST(&server->asked), *next; job; job = next) {
        next = TAILQ_NEXT(job, link);
        int64_t left_ms = job->since_ms + server->request_ms - now_ms;
        if (left_ms > 0)
            return left_ms;
        give_up_job(job, "the ledger did not answer within --request-timeout");
    }
    return -1;
}

unsigned history_job_check(const struct http_server *server)
{
    const struct history_job *job;
    int64_t since_ms = INT64_MIN;
    unsigned count = 0;
    TAILQ_FOREACH(job, &server->asked, link)
    {
        assert(since_ms <= job->since_ms);
        assert(job->x && job->x->asked == job && job->x->state == EXCHANGE_WAITING);
        since_ms = job->since_ms;
        count++;
    }
    return count;
}

void history_job_stop(struct http_server *server)
{
    for (struct history_job *job = TAILQ_FIRST(&server->asked), *next; job; job = next) {
        next = TAILQ_NEXT(job, link);
        give_up_job(job, "the service was stopped");
    }
}

bool history_job_wanted(struct exchange *x)
{
    return history_query_meant(&x->match, &x->arena);
}

void history_job_begin(struct exchange *x)
{
    struct query_pool *queries = x->server->queries;
    struct refusal why = {.problem = PROBLEM_OVERLOADED, .detail = "out of memory"};
    struct history_job *job = job_new(x);
    if (!job) {
        exchange_answer_refusal(x, &why);
        return;
    }
    job->question.ask = query_history;
    job->question.done = done;
    bool good = history_query_read(&job->query, &job->arena, &x->match, &x->by, &why);
    if (good && queries && query_pool_ask(queries, &job->question)) {
        enlist(x->server, job);
        exchange_wait_long(x); /* done() comes from the loop, never from within query_pool_ask() */
        return;
    }
    if (good && !queries)
        why = (struct refusal){.problem = PROBLEM_LEDGER_MISSING};
    else if (good)
        why = (struct refusal){.problem = PROBLEM_LEDGER_UNAVAILABLE,
                               .detail = "too many questions wait for the ledger"};
    exchange_answer_refusal(x, &why); /* before the texts of the refusal go */
    job_free(job);
}
