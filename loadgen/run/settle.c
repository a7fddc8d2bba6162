/* settle.c -- the order of steps, and what is known before them. */
#include "run/settle.h"
#include "client/expiry.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#define CONNECTIONS_MIN 4
#define CONNECTIONS_MAX 64
#define SILENCE         2      /* rounds of all connections without an answer: nobody is there */
#define EXPIRY_LAG_MS   1500   /* a deadline is written at most a second late, and a bit for us */
#define EXPIRY_WAIT_MS  10000  /* shorter holds are waited for, longer ones stay held */
#define UNTIL_MS        120000 /* the longest that holds are watched while they run out */
#define UNTIL_MORE_MS   20000

static void index_op(struct settle *s, uint32_t slot, const struct history_op *op)
{
    if (history_phase(op) == PHASE_SETUP || !history_mutates(op->kind))
        return;
    bool settled = history_phase(op) == PHASE_SETTLE;
    uint32_t root = settled || (op->flags & FLAG_RESENT) ? op->of : slot;
    const struct history_op *first = history_op_at(&s->reader, root);
    if (!first || first->kind != op->kind)
        return;
    enum history_outcome outcome = history_outcome(op);
    s->mark[root] |= MARK_MUTATION;
    if (!settled && outcome == OUTCOME_OK)
        s->mark[root] |= op->flags & FLAG_REPLAYED ? MARK_OK : MARK_OK | MARK_FIRST;
    else if (!settled && outcome == OUTCOME_UNKNOWN)
        s->mark[root] |= MARK_UNKNOWN;
    if (history_ends(op->kind) && outcome == OUTCOME_OK && first->of > 0 &&
        first->of < s->reader.slots)
        s->mark[first->of] |= MARK_ENDED;
}

/* Fills mark and id_slot from the history, up to what was written when it was opened last. */
static int index_history(struct settle *s)
{
    free(s->mark);
    free(s->id_slot);
    s->mark = calloc(s->reader.slots + 1u, sizeof(*s->mark));
    s->id_slot = calloc(s->reader.slots + 1u, sizeof(*s->id_slot));
    if (!s->mark || !s->id_slot)
        return -ENOMEM;
    struct history_pass pass = history_pass(&s->reader);
    uint32_t slot;
    for (enum history_type type; (type = history_next(&pass, &slot)) != SLOT_EMPTY;) {
        if (type == SLOT_OP) {
            index_op(s, slot, history_op_at(&s->reader, slot));
        } else if (type == SLOT_ID) {
            const struct history_id *id = history_at(&s->reader, slot);
            if (id->offset == 0 && id->op < s->reader.slots)
                s->id_slot[id->op] = slot;
        }
    }
    s->unknowns = 0;
    for (uint32_t i = 0; i < s->reader.slots; i++)
        s->unknowns += (s->mark[i] & (MARK_UNKNOWN | MARK_OK)) == MARK_UNKNOWN;
    return 0;
}

struct str settle_id(struct settle *s, uint32_t slot)
{
    buf_reset(&s->id);
    for (uint32_t at = s->id_slot[slot]; at > 0; at++) {
        const struct history_id *id = history_at(&s->reader, at);
        if (!id || id->type != SLOT_ID || id->op != slot || id->offset != s->id.n)
            break;
        buf_put(&s->id, id->text, id->bytes);
    }
    return s->id.n > 0 && !s->id.failed ? buf_str(&s->id) : (struct str){NULL, 0};
}

unsigned settle_heard(struct settle *s, const struct call_end *end)
{
    if (end->response) {
        s->silence = 0;
        return end->response->status;
    }
    if (++s->silence == SILENCE * s->connections && end->begin_ns == 0)
        atomic_fetch_or(&s->facts->trouble, TROUBLE_UNREACHABLE);
    return 0;
}

struct history_op *settle_begin(struct settle *s, const struct history_op *root, uint32_t of,
                                const struct call_end *end)
{
    s->rc = s->rc < 0 ? s->rc : history_reserve(s->w, HISTORY_OP_SLOTS(root->lines));
    if (s->rc < 0)
        return NULL;
    struct history_op *op = history_begin(s->w, root->lines);
    op->kind = root->kind;
    op->flags = PHASE_SETTLE;
    op->client = root->client;
    op->seq = root->seq;
    op->of = of;
    op->begin_ns = end->begin_ns - s->facts->zero_ns;
    for (unsigned n = 0; n < root->lines; n++) {
        const struct history_line *line = history_line_of(root, n);
        *history_line(op, n) =
            (struct history_line){.item = line->item, .quantity = line->quantity};
    }
    return op;
}

struct lesson settle_finish(struct settle *s, struct history_op *op,
                            const struct mismatch_request *request, const struct response *response,
                            uint32_t reserve, const struct call_end *end)
{
    uint32_t slot = history_slot(s->w, op);
    uint64_t end_ns = end->end_ns - s->facts->zero_ns;
    struct lesson lesson = intent_learn(s->facts, op, request, response);
    if (!str_absent(lesson.expired_lines) && reserve && s->rc == 0)
        s->rc = expiry_record(s->w, s->facts, op, lesson.expired_lines, reserve, end_ns);
    history_finish(op, lesson.outcome, response->status, lesson.detail, 0, end_ns);
    if (lesson.mismatch.text[0] && s->rc == 0)
        s->rc = history_put_note(s->w, slot, str_of(lesson.mismatch.text));
    return lesson;
}

bool settle_is_over(const struct settle *s)
{
    return s->rc < 0 || s->silence >= SILENCE * s->connections;
}

static bool waits_for_expiry(const struct settle *s, const struct settle_options *options)
{
    return s->facts->ttl_ms <= EXPIRY_WAIT_MS && options->settle_ms > 0;
}

/* Waits for what is still on its way in the server, and for short holds to run out. */
static int wait_first(struct settle *s, const struct settle_options *options)
{
    uint64_t wait_ms = s->unknowns > 0 ? options->settle_ms : 0;
    uint64_t expiry_ms = s->facts->ttl_ms + EXPIRY_LAG_MS;
    if (waits_for_expiry(s, options) && expiry_ms > wait_ms)
        wait_ms = expiry_ms;
    uint64_t until_ns = options->stopped_ns + wait_ms * 1000000;
    for (uint64_t now_ns; (now_ns = load_now_ns()) < until_ns;) {
        uint64_t left_s = (until_ns - now_ns) / 1000000000, all_s = (wait_ms + 999) / 1000;
        if (s->progress(s->ctx, "waiting for requests and holds to run out (seconds)",
                        left_s < all_s ? all_s - left_s - 1 : 0, all_s))
            return -EINTR;
        nanosleep(&(struct timespec){.tv_nsec = 50 * 1000000}, NULL);
    }
    return 0;
}

/* At the very end: a restore or a failover that comes after the counters were read is counted, and
 * not missed. */
static int ask_again(struct settle *s, const struct probe_ready *before)
{
    struct probe_ready after;
    if (before->restores == PROBE_UNKNOWN || settle_is_over(s))
        return 0;
    int rc = probe_ready(&s->load->target, s->progress, s->ctx, &after);
    s->unsettled |= after.restores == PROBE_UNKNOWN;
    s->facts->restores = probe_between(before->restores, after.restores);
    s->facts->failovers = probe_between(before->failovers, after.failovers);
    return rc;
}

static int run_steps(struct settle *s, const struct settle_options *options)
{
    int rc = index_history(s);
    rc = rc < 0 ? rc : wait_first(s, options);
    rc = rc < 0 ? rc : settle_lookup(s);
    rc = rc < 0 ? rc : history_refresh(&s->reader, options->path);
    rc = rc < 0 ? rc : index_history(s);
    uint64_t ttl_ms = s->facts->ttl_ms < UNTIL_MS ? s->facts->ttl_ms : 0;
    uint64_t overdue_ns = options->stopped_ns + (ttl_ms + EXPIRY_LAG_MS) * 1000000;
    overdue_ns = waits_for_expiry(s, options) ? overdue_ns + HISTORY_OVERDUE_NS : 0;
    if (rc == 0)
        rc = settle_readback(s, overdue_ns,
                             options->stopped_ns + (ttl_ms + UNTIL_MORE_MS) * 1000000);
    return rc < 0 ? rc : ask_again(s, &options->ready);
}

static unsigned connections_for(uint32_t clients)
{
    if (clients < CONNECTIONS_MIN)
        return CONNECTIONS_MIN;
    return clients < CONNECTIONS_MAX ? clients : CONNECTIONS_MAX;
}

int settle(const struct load *load, struct history_writer *w, const struct settle_options *options,
           step_progress_fn *progress, void *ctx)
{
    struct settle s = {.load = load,
                       .w = w,
                       .facts = history_facts(load->history),
                       .progress = progress,
                       .ctx = ctx};
    s.connections = connections_for(s.facts->clients);
    buf_init(&s.id, HISTORY_ID_MAX);
    char err[HISTORY_ERR_SIZE];
    int rc = history_read(&s.reader, options->path, err, sizeof(err));
    if (rc < 0)
        return rc;
    rc = run_steps(&s, options);
    if (s.unsettled)
        atomic_fetch_or(&s.facts->trouble, TROUBLE_UNSETTLED);
    history_unread(&s.reader);
    free(s.mark);
    free(s.id_slot);
    buf_free(&s.id);
    return rc;
}
