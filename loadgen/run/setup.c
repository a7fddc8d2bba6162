/* setup.c -- PUT each item once, and again while the server is not ready. */
#include "run/setup.h"
#include "client/intent.h"
#include "printable.h"
#include "run/caller.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CONNECTIONS 4
#define BODY_SHOWN  160    /* bytes of an answer that an error repeats */
#define ROUNDS      20     /* of trying again what was not answered, or with 503 */
#define PAUSE_US    250000 /* between them */
#define TIMEOUT_NS  UINT64_C(5000000000)
#define SILENCE     (2 * CONNECTIONS) /* requests in a row without an answer: nobody is there */

struct setup {
    const struct load *load;
    struct history_writer *w;
    struct history_facts *facts;
    step_progress_fn *progress;
    void *ctx;
    struct history_op **op; /* by item: its attempt in flight, or the last one */
    uint32_t *slot;         /* of that */
    uint32_t *first;        /* by item: slot of the first attempt, 0 before it */
    uint32_t next;          /* item */
    uint32_t created;
    unsigned silence; /* requests in a row without an answer */
    bool answered;    /* at least once */
    int rc;           /* ends the set-up */
    char *err;
    size_t err_size;
};

/* Takes the result of writing to the history. */
static bool written(struct setup *s, int rc)
{
    s->rc = rc;
    if (rc < 0)
        snprintf(s->err, s->err_size, "the history can not be written: %s", strerror(-rc));
    return rc == 0;
}

static bool next_item(void *ctx, struct buf *out, uint64_t *token)
{
    struct setup *s = ctx;
    while (s->next < s->facts->items && s->op[s->next] && s->op[s->next]->outcome == OUTCOME_OK)
        s->next++;
    if (s->next == s->facts->items || s->rc < 0 || s->silence >= SILENCE)
        return false;
    uint32_t item = s->next++;
    if (!written(s, history_reserve(s->w, 1)))
        return false;
    struct history_op *op = history_begin(s->w, 1);
    struct intent intent = {.kind = KIND_PUT, .lines = 1};
    intent.line[0] =
        (struct history_line){.item = item, .quantity = (int32_t)s->load->workload.stock};
    intent_record(&intent, op);
    op->flags = PHASE_SETUP;
    op->client = s->load->clients; /* one beyond the simulated ones */
    op->seq = item + 1;
    s->slot[item] = history_slot(s->w, op);
    if (s->first[item] == 0) {
        s->first[item] = s->slot[item];
    } else {
        op->flags |= FLAG_RESENT;
        op->of = s->first[item];
    }
    op->begin_ns = load_now_ns() - s->facts->zero_ns;
    s->op[item] = op;
    intent_request(&intent, s->load, op, out);
    *token = item;
    return true;
}

static void explain_silence(struct setup *s, const struct call_end *end)
{
    bool mute = end->err == -ETIMEDOUT && end->begin_ns > 0;
    const char *why = end->err == -EPROTO ? "what answers does not speak HTTP/1.1"
                      : mute              ? "it was connected to, and said nothing"
                                          : strerror(-end->err);
    snprintf(s->err, s->err_size, "no answer to the first requests: %s", why);
}

/* The beginning of a body on one line, without what a terminal would take as a command. */
static void put_body_excerpt(struct buf *out, struct str body)
{
    char line[BODY_SHOWN];
    size_t n = 0;
    for (size_t i = 0; i < body.n && n < sizeof(line); i++) {
        bool blank = strchr(" \t\r\n", body.p[i]) && body.p[i];
        if (!blank)
            line[n++] = body.p[i];
        else if (n > 0 && line[n - 1] != ' ')
            line[n++] = ' ';
    }
    printable_put(out, (struct str){line, n});
}

static void explain_refusal(struct setup *s, uint32_t item, const struct response *response)
{
    unsigned status = response->status;
    bool elsewhere = status == 404 || status == 405 || status == 501;
    const char *hint = status == 401 || status == 403 ? " (--key-file sends a key)"
                       : elsewhere ? " (is this the address of a reservation service?)"
                                   : "";
    struct buf text;
    buf_init(&text, 4 * BODY_SHOWN + 1);
    put_body_excerpt(&text, response->body);
    snprintf(s->err, s->err_size, "PUT /v1/items/%s%u was answered with %u%s%s%.*s",
             s->facts->prefix, (unsigned)item, status, hint, text.n ? ": " : ", without a text",
             STR_ARG(buf_str(&text)));
    buf_free(&text);
}

static void item_done(void *ctx, uint64_t token, const struct call_end *end)
{
    struct setup *s = ctx;
    struct history_op *op = s->op[token];
    uint64_t end_ns = end->end_ns - s->facts->zero_ns;
    if (!end->response) {
        bool sent = end->begin_ns > 0;
        history_finish(op, sent ? OUTCOME_UNKNOWN : OUTCOME_FAIL, 0,
                       sent ? DETAIL_TIMEOUT : DETAIL_NOT_SENT, 0, end_ns);
        explain_silence(s, end);
        s->silence++;
        return;
    }
    s->silence = 0;
    s->answered = true;
    struct lesson lesson = intent_learn(s->facts, op, &(struct mismatch_request){0}, end->response);
    history_finish(op, lesson.outcome, end->response->status, lesson.detail,
                   end->response->replayed ? FLAG_REPLAYED : 0, end_ns);
    if (lesson.outcome == OUTCOME_OK && lesson.mismatch.text[0] &&
        !written(s, history_put_note(s->w, s->slot[token], str_of(lesson.mismatch.text))))
        return;
    bool without_versions = s->facts->verify == 2 && lesson.detail == DETAIL_GARBLED;
    if (lesson.outcome == OUTCOME_OK || without_versions) {
        s->created++;
    } else {
        explain_refusal(s, (uint32_t)token, end->response);
        if (lesson.outcome == OUTCOME_FAIL && lesson.detail != DETAIL_UNAVAILABLE)
            s->rc = -EPROTO; /* asking again would not help */
    }
}

static bool stop_setup(void *ctx)
{
    struct setup *s = ctx;
    return s->progress(s->ctx, "creating items", s->created, s->facts->items);
}

static int put_all(struct setup *s)
{
    const struct caller_work work = {s, next_item, item_done, stop_setup};
    for (int round = 0; round < ROUNDS && s->created < s->facts->items; round++) {
        if (round > 0)
            usleep(PAUSE_US);
        s->next = 0;
        int rc = caller_run(&s->load->target, CONNECTIONS, TIMEOUT_NS, &work);
        rc = s->rc < 0 ? s->rc : rc;
        if (rc < 0)
            return rc;
        if (!s->answered || s->silence >= SILENCE)
            return -ECONNREFUSED; /* nobody there: later rounds would not find anybody either */
    }
    return s->created == s->facts->items ? 0 : -EPROTO;
}

int setup_items(const struct load *load, struct history_writer *w, step_progress_fn *progress,
                void *ctx, char *err, size_t err_size)
{
    struct setup s = {.load = load,
                      .w = w,
                      .facts = history_facts(load->history),
                      .progress = progress,
                      .ctx = ctx,
                      .err = err,
                      .err_size = err_size};
    s.op = calloc(s.facts->items, sizeof(*s.op));
    s.slot = calloc(s.facts->items, sizeof(*s.slot));
    s.first = calloc(s.facts->items, sizeof(*s.first));
    snprintf(err, err_size, "the set-up could not begin");
    int rc = s.op && s.slot && s.first ? put_all(&s) : -ENOMEM;
    free(s.op);
    free(s.slot);
    free(s.first);
    return rc;
}
