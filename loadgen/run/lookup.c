/* lookup.c -- GET /v1/operations/{key} for each mutation that nobody answered, and for a sample of
 * the others: a key that was lost, or leads to another's answer, shows even if nobody repeats it.
 */
#include "run/settle.h"

#include "client/answer.h"
#include "client/intent.h"
#include "client/refusal.h"
#include "run/caller.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#define SAMPLE   10000                  /* of keys that were answered */
#define LOOKS    2                      /* that must find nothing before it counts as absent */
#define LIMIT_NS UINT64_C(300000000000) /* of all looks: a server that is so slow tells no more */

struct question {
    uint32_t slot;  /* of the first attempt; 0: settled */
    uint8_t absent; /* looks that found nothing */
};

struct lookup {
    struct settle *s;
    struct question *question;
    size_t count, next, open;
    uint64_t until_ns;
};

static bool is_out_of_time(const struct lookup *l)
{
    return settle_is_over(l->s) || load_now_ns() > l->until_ns;
}

static bool next_question(void *ctx, struct buf *out, uint64_t *token)
{
    struct lookup *l = ctx;
    while (l->next < l->count && l->question[l->next].slot == 0)
        l->next++;
    if (l->next == l->count || is_out_of_time(l))
        return false;
    const struct history_op *op = history_op_at(&l->s->reader, l->question[l->next].slot);
    char path[32 + LOAD_KEY_MAX] = "/v1/operations/";
    size_t n = 15; /* keys of ours need no percent-encoding */
    n += load_key(path + n, l->s->facts, op->client, op->seq);
    target_get(&l->s->load->target, out, (struct str){path, n});
    *token = l->next++;
    return true;
}

static void settle_absent(struct lookup *l, struct question *q, const struct call_end *end)
{
    struct history_op *op = settle_begin(l->s, history_op_at(&l->s->reader, q->slot), q->slot, end);
    if (op)
        history_finish(op, OUTCOME_FAIL, 404, DETAIL_NO_OPERATION, 0,
                       end->end_ns - l->s->facts->zero_ns);
    q->slot = 0;
    l->open--;
}

/* What is not what the interface promises is asked for again. */
static void settle_found(struct lookup *l, struct question *q, const struct call_end *end)
{
    struct answer a;
    if (!answer_read(&a, end->response->body) || a.status < 200 || a.status > 299 ||
        (str_absent(a.body) && a.status != 204))
        return;
    const struct history_op *root = history_op_at(&l->s->reader, q->slot);
    struct history_op *op = settle_begin(l->s, root, q->slot, end);
    if (!op)
        return; /* s->rc ends everything */
    /* Replayed: what was answered may have been a repetition, of which the record does not tell. */
    struct response first = {
        .status = (uint16_t)a.status, .body = a.body, .content = CONTENT_JSON, .replayed = true};
    const struct mismatch_request request = {
        .id = op->kind == KIND_RESERVE ? settle_id(l->s, q->slot) : (struct str){NULL, 0}};
    struct lesson lesson = settle_finish(l->s, op, &request, &first, root->of, end);
    if (lesson.outcome == OUTCOME_OK && op->kind == KIND_RESERVE && str_absent(request.id) &&
        l->s->rc == 0)
        l->s->rc = history_put_id(l->s->w, q->slot, lesson.id);
    if (lesson.outcome != OUTCOME_OK)
        return;
    q->slot = 0;
    l->open--;
}

/* Not everything that is answered with 404 knows what the service has recorded. */
static bool says_absent(const struct response *response)
{
    struct answer a;
    return answer_read(&a, response->body) && refusal_of_lookup(response, &a);
}

static void question_done(void *ctx, uint64_t token, const struct call_end *end)
{
    struct lookup *l = ctx;
    struct question *q = &l->question[token];
    unsigned status = settle_heard(l->s, end);
    if (status == 404 && says_absent(end->response)) {
        if (++q->absent == LOOKS)
            settle_absent(l, q, end);
    } else if (status == 200) {
        settle_found(l, q, end);
    }
}

static bool stop_lookup(void *ctx)
{
    struct lookup *l = ctx;
    return l->s->progress(l->s->ctx, "looking up requests by their keys", l->count - l->open,
                          l->count);
}

/* Rounds a second apart, as long as there is something open that is worth another try. */
static int ask_in_rounds(struct lookup *l)
{
    const struct caller_work work = {l, next_question, question_done, stop_lookup};
    for (int round = 0; round < LOOKS + SETTLE_TRIES && l->open > 0; round++) {
        if (round > 0)
            nanosleep(&(struct timespec){.tv_sec = 1}, NULL);
        l->next = 0;
        int rc = caller_run(&l->s->load->target, l->s->connections, SETTLE_TIMEOUT_NS, &work);
        rc = rc < 0 ? rc : l->s->rc;
        if (rc < 0)
            return rc;
        if (is_out_of_time(l))
            break;
    }
    l->s->unsettled |= l->open > 0;
    return 0;
}

/* One in `step` of the keys that were answered. */
static uint32_t sample_step(const struct settle *s)
{
    uint32_t answered = 0;
    for (uint32_t slot = 0; slot < s->reader.slots; slot++)
        answered += (s->mark[slot] & MARK_FIRST) != 0;
    return answered / SAMPLE + 1;
}

/* Fills in what to ask; with nowhere to put it, only counts. */
static size_t list_questions(const struct settle *s, struct question *question)
{
    uint32_t step = sample_step(s), seen = 0;
    size_t n = 0;
    for (uint32_t slot = 0; slot < s->reader.slots; slot++) {
        bool unknown = (s->mark[slot] & (MARK_UNKNOWN | MARK_OK)) == MARK_UNKNOWN;
        bool sampled = (s->mark[slot] & MARK_FIRST) && seen++ % step == 0;
        if ((unknown || sampled) && question)
            question[n].slot = slot;
        n += unknown || sampled;
    }
    return n;
}

int settle_lookup(struct settle *s)
{
    struct lookup l = {.s = s, .until_ns = load_now_ns() + LIMIT_NS};
    l.open = l.count = list_questions(s, NULL);
    if (l.count == 0)
        return 0;
    l.question = calloc(l.count, sizeof(*l.question));
    if (!l.question)
        return -ENOMEM;
    list_questions(s, l.question);
    int rc = ask_in_rounds(&l);
    free(l.question);
    return rc;
}
