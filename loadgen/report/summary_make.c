/* summary_make.c -- the first pass: counts, latencies, items; then series.c. */
#include "report/series.h"
#include "report/summary.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* --- the items -------------------------------------------------------------------------------- */

/* One row an item, found by its number; at most as many as the history has slots, since each item
 * of a run was created by an operation: a broken header cannot make the table larger than the file.
 */

struct itemtable_row {
    struct summary_item sum;
    uint64_t version; /* of sum.remaining; 0: not known */
};

struct itemtable {
    uint32_t rows;
    struct itemtable_row *row;
};

/* 0 or -ENOMEM. */
static int itemtable_init(struct itemtable *t, const struct history_reader *r)
{
    t->rows = r->facts->items < r->slots ? r->facts->items : r->slots;
    t->row = calloc(t->rows ? t->rows : 1, sizeof *t->row);
    if (!t->row)
        return -ENOMEM;
    for (uint32_t i = 0; i < t->rows; i++) {
        t->row[i].sum.item = i;
        t->row[i].sum.remaining = -1;
    }
    return 0;
}

/* The stock as an answer told it. Versions order the answers, not the moments they came in. */
static void note_stock(struct itemtable_row *row, uint64_t version, int64_t remaining)
{
    if (version > row->version) {
        row->version = version;
        row->sum.remaining = remaining;
    }
}

static void note_sold_out(struct itemtable_row *row, uint64_t at_ns)
{
    if (row->sum.sold_out_ns == 0 || at_ns < row->sum.sold_out_ns)
        row->sum.sold_out_ns = at_ns;
}

static int64_t add_clamped(int64_t a, int64_t b)
{
    int64_t sum;
    if (__builtin_add_overflow(a, b, &sum))
        return b > 0 ? INT64_MAX : INT64_MIN;
    return sum;
}

static void tally_line(struct itemtable_row *row, const struct history_op *op,
                       const struct history_line *line, bool measured, bool first_effect)
{
    bool refused = op->detail == DETAIL_NO_STOCK && line->version != 0;
    bool takes = op->kind == KIND_RESERVE || op->kind == KIND_DECREMENT;
    bool says_stock = line->version != 0 && history_says_stock(op->detail);
    if (says_stock)
        note_stock(row, line->version, line->remaining);
    bool loaded = history_phase(op) == PHASE_LOAD;
    if (loaded && (refused || (says_stock && line->remaining == 0)))
        note_sold_out(row, op->end_ns);
    if (!measured)
        return;
    row->sum.requests++;
    row->sum.sold_out_answers += refused;
    if (takes && !(op->flags & FLAG_RESENT))
        row->sum.demand = add_clamped(row->sum.demand, line->quantity);
    if (takes && first_effect)
        row->sum.taken = add_clamped(row->sum.taken, line->quantity);
}

/* Takes in one attempt. measured: it belongs to the statistics; otherwise only what it says about
 * the stock counts. first_effect: see below. */
static void itemtable_add(struct itemtable *t, const struct history_op *op, bool measured,
                          bool first_effect)
{
    for (unsigned n = 0; n < op->lines; n++) {
        const struct history_line *line = history_line_of(op, n);
        if (line->item < t->rows)
            tally_line(&t->row[line->item], op, line, measured, first_effect);
    }
}

/* An item as it was read after the load. */
static void itemtable_final(struct itemtable *t, const struct history_counters *counters)
{
    if (counters->found && counters->item < t->rows)
        note_stock(&t->row[counters->item], counters->version, counters->available);
}

/* Fills s->top and s->hot with the items of most requests; of two with the same number, the one
 * with the lower index comes first. */
static void itemtable_top(const struct itemtable *t, struct summary *s)
{
    s->top = 0;
    for (uint32_t i = 0; i < t->rows; i++) {
        const struct summary_item *item = &t->row[i].sum;
        if (item->requests == 0)
            continue;
        if (s->top == SUMMARY_TOP && item->requests <= s->top_item[SUMMARY_TOP - 1].requests)
            continue;
        size_t at = s->top < SUMMARY_TOP ? s->top++ : SUMMARY_TOP - 1;
        for (; at > 0 && s->top_item[at - 1].requests < item->requests; at--)
            s->top_item[at] = s->top_item[at - 1];
        s->top_item[at] = *item;
    }
    s->hot = s->top < SUMMARY_HOT ? s->top : SUMMARY_HOT;
    for (size_t i = 0; i < s->hot; i++)
        s->hot_item[i] = s->top_item[i].item;
}

/* --- the pass --------------------------------------------------------------------------------- */

struct pass_one {
    struct summary *s;
    const struct history_reader *r;
    struct itemtable items;
    struct curve curve;
    unsigned char *effects; /* a bit a slot: an answer told of the effect of the operation there */
    uint64_t last_ns;       /* the last sign of life of a client */
    uint64_t answers;       /* requests that some service answered, in the warm-up too */
};

/* Whether this answer is the first to tell of an effect. Attempts with one key are one operation,
 * and only one of their answers counts, be it marked as a replay or not; any other replay, and the
 * second end of a reservation, tell of an effect that was counted elsewhere. */
static bool first_effect(struct pass_one *p, uint32_t slot, const struct history_op *op)
{
    bool resent = op->flags & FLAG_RESENT;
    uint32_t root = resent && op->of ? op->of : slot;
    if (!history_mutates(op->kind) || history_outcome(op) != OUTCOME_OK || (op->flags & FLAG_AGAIN))
        return false;
    if (root >= p->r->slots || (!resent && (op->flags & FLAG_REPLAYED)))
        return false;
    unsigned char bit = (unsigned char)(1u << (root % 8));
    bool first = !(p->effects[root / 8] & bit);
    p->effects[root / 8] |= bit;
    return first;
}

static struct summary_status *status_row(struct summary *s, uint16_t status)
{
    for (size_t i = 0; i < s->statuses; i++)
        if (s->status[i].status == status)
            return &s->status[i];
    if (s->statuses == SUMMARY_STATUSES)
        return &s->status[SUMMARY_STATUSES - 1];
    if (s->statuses == SUMMARY_STATUSES - 1)
        status = SUMMARY_STATUS_REST;
    s->status[s->statuses].status = status;
    return &s->status[s->statuses++];
}

static int compare_statuses(const void *a, const void *b)
{
    const struct summary_status *x = a, *y = b;
    return (x->status > y->status) - (x->status < y->status);
}

static int add_latency(struct summary *s, const struct history_op *op)
{
    uint64_t planned = summary_planned_ns(op);
    uint64_t took[2] = {op->end_ns > planned ? op->end_ns - planned : 0,
                        op->end_ns > op->begin_ns ? op->end_ns - op->begin_ns : 0};
    histogram_add(s->response, took[0]);
    histogram_add(s->service, took[1]);
    for (int which = 0; which < 2; which++) {
        struct histogram **h = &s->by_kind[op->kind][which];
        if (!*h)
            *h = calloc(1, sizeof **h);
        if (!*h)
            return -ENOMEM;
        histogram_add(*h, took[which]);
    }
    return 0;
}

static void count_worker(struct summary *s, const struct history_op *op,
                         const struct history_chunk *chunk)
{
    assert(chunk); /* every slot that a pass gives lies in one */
    if (chunk->worker >= HISTORY_WORKERS_MAX)
        return;
    struct summary_worker *worker = &s->worker[chunk->worker];
    worker->operations++;
    worker->ok += history_outcome(op) == OUTCOME_OK;
    worker->unknown += history_outcome(op) == OUTCOME_UNKNOWN;
}

static int count_attempt(struct summary *s, const struct history_op *op)
{
    enum summary_class class = summary_classify(op);
    s->operations++;
    s->requests += !(op->flags & FLAG_BATCHED);
    s->count[class]++;
    s->kind_count[op->kind][class]++;
    s->detail[op->detail]++;
    status_row(s, op->status)->count[history_outcome(op)]++;
    histogram_add(s->late, (uint64_t)op->late_us * 1000);
    if (!summary_answered(op))
        return 0;
    s->answers++;
    return add_latency(s, op);
}

/* That a service, and nobody in front of it, answered. Of a batch one operation speaks. */
static bool served(const struct history_op *op)
{
    return !(op->flags & FLAG_BATCHED) &&
           (history_outcome(op) == OUTCOME_OK || op->detail == DETAIL_NO_STOCK);
}

static int measure_op(struct pass_one *p, uint32_t slot, const struct history_chunk *chunk)
{
    const struct history_op *op = history_at(p->r, slot);
    if (history_phase(op) == PHASE_SETTLE)
        return 0;
    if (history_phase(op) == PHASE_SETUP) {
        itemtable_add(&p->items, op, false, false);
        return 0;
    }
    uint64_t seen_ns = op->end_ns > op->begin_ns ? op->end_ns : op->begin_ns;
    if (seen_ns > p->last_ns)
        p->last_ns = seen_ns;
    p->answers += served(op);
    bool measured = summary_planned_ns(op) >= p->s->from_ns;
    bool effect = first_effect(p, slot, op);
    itemtable_add(&p->items, op, measured, effect);
    if (!measured) {
        p->s->warmup++;
        return 0;
    }
    p->s->successes += effect;
    count_worker(p->s, op, chunk);
    return count_attempt(p->s, op);
}

/* Every process that got as far as to claim a chunk shows up, even if it did nothing more. */
static void note_worker(struct summary *s, const struct history_chunk *chunk)
{
    if (!chunk || chunk->worker >= HISTORY_WORKERS_MAX)
        return;
    if (s->workers <= chunk->worker)
        s->workers = chunk->worker + 1;
    uint32_t lives = chunk->life < UINT32_MAX ? chunk->life + 1 : chunk->life;
    if (s->worker[chunk->worker].lives < lives)
        s->worker[chunk->worker].lives = lives;
}

static int read_all(struct pass_one *p)
{
    const struct history_chunk *chunk = NULL;
    uint32_t slot;
    int result = 0;
    struct history_pass pass = history_pass(p->r);
    for (enum history_type type; (type = history_next(&pass, &slot)) != SLOT_EMPTY;) {
        if (pass.chunk != chunk)
            note_worker(p->s, pass.chunk);
        chunk = pass.chunk;
        if (type == SLOT_OP)
            result = measure_op(p, slot, chunk);
        else if (type == SLOT_SAMPLE)
            result = curve_add(&p->curve, history_at(p->r, slot));
        else if (type == SLOT_COUNTERS)
            itemtable_final(&p->items, history_at(p->r, slot));
        if (result)
            return result;
    }
    return 0;
}

static uint64_t grown(const struct pass_one *p, enum curve_counter counter)
{
    return curve_at(&p->curve, counter, p->s->to_ns) - curve_at(&p->curve, counter, p->s->from_ns);
}

/* What follows from the pass as a whole. */
static void conclude(struct pass_one *p)
{
    struct summary *s = p->s;
    const struct history_facts *facts = s->facts;
    /* A parent that was killed left no stop_ns. */
    s->to_ns = facts->stop_ns ? facts->stop_ns : p->last_ns;
    if (s->to_ns < s->from_ns)
        s->to_ns = s->from_ns;
    s->seconds = (double)(s->to_ns - s->from_ns) / 1e9;
    s->per_second = s->seconds > 0 ? (double)s->answers / s->seconds : 0;
    s->conflicts_per_success = -1;
    s->conflicts_doubt = curve_doubt(&p->curve, facts->go_ns, s->to_ns, p->answers);
    if (s->conflicts_doubt) {
        curve_free(&p->curve); /* half of them would be taken for all */
    } else {
        curve_settle(&p->curve, facts->go_ns, s->to_ns);
        s->conflicts = grown(p, CURVE_CONFLICTS);
        s->batches = grown(p, CURVE_BATCHES);
        s->batch_ops = grown(p, CURVE_BATCH_OPS);
        if (s->successes)
            s->conflicts_per_success = (double)s->conflicts / (double)s->successes;
    }
    qsort(s->status, s->statuses, sizeof s->status[0], compare_statuses);
    itemtable_top(&p->items, s);
}

int summary_make(struct summary *s, const struct history_reader *r)
{
    struct pass_one p = {.s = s, .r = r};
    int result = -ENOMEM;
    memset(s, 0, sizeof *s);
    s->facts = r->facts;
    s->from_ns = r->facts->go_ns + r->facts->warmup_ns;
    s->response = calloc(1, sizeof *s->response);
    s->service = calloc(1, sizeof *s->service);
    s->late = calloc(1, sizeof *s->late);
    p.effects = calloc(r->slots / 8 + 1, 1);
    if (s->response && s->service && s->late && p.effects)
        result = itemtable_init(&p.items, r);
    if (result == 0)
        result = read_all(&p);
    if (result == 0) {
        conclude(&p);
        result = series_make(s, r, &p.curve);
    }
    free(p.items.row);
    curve_free(&p.curve);
    free(p.effects);
    if (result)
        summary_free(s);
    return result;
}
