/* itemtable.c -- see itemtable.h. */
#include "report/itemtable.h"

#include <errno.h>
#include <stdlib.h>

int itemtable_init(struct itemtable *t, const struct history_reader *r)
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

static void add_line(struct itemtable_row *row, const struct history_op *op,
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

void itemtable_add(struct itemtable *t, const struct history_op *op, bool measured,
                   bool first_effect)
{
    for (unsigned n = 0; n < op->lines; n++) {
        const struct history_line *line = history_line_of(op, n);
        if (line->item < t->rows)
            add_line(&t->row[line->item], op, line, measured, first_effect);
    }
}

void itemtable_final(struct itemtable *t, const struct history_counters *counters)
{
    if (counters->found && counters->item < t->rows)
        note_stock(&t->row[counters->item], counters->version, counters->available);
}

void itemtable_top(const struct itemtable *t, struct summary *s)
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

void itemtable_free(struct itemtable *t)
{
    free(t->row);
    *t = (struct itemtable){0};
}
