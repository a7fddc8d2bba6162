/* quotes.c -- see quotes.h. */
#include "check/quotes.h"

#include <errno.h>
#include <stdlib.h>

bool quotes_is_dated(const struct history_op *op)
{
    return op->type == SLOT_EXPIRY || op->kind == KIND_GET_RESERVATION || op->kind == KIND_LOOKUP ||
           (op->flags & (FLAG_REPLAYED | FLAG_AGAIN)) || op->detail == DETAIL_STALE ||
           (history_phase(op) == PHASE_SETTLE && history_mutates(op->kind));
}

/* Asked when the load was over, or by another: what is recorded for the key of an operation. */
static bool is_look_up(const struct history_op *op)
{
    return op->kind == KIND_LOOKUP ||
           (history_phase(op) == PHASE_SETTLE && history_mutates(op->kind));
}

/* The first attempt of what it is an attempt of, or asks about. */
static const struct history_op *first_attempt(const struct history_reader *r,
                                              const struct history_op *op, uint32_t *slot)
{
    bool other = (op->flags & FLAG_RESENT) || is_look_up(op);
    const struct history_op *first = other ? history_op_at(r, op->of) : NULL;
    if (!first)
        return op;
    *slot = op->of;
    return first;
}

/* What the answer is about, and since when. */
static void place_quote(const struct history_reader *r, const struct history_op *op, uint32_t slot,
                        struct quote *quote)
{
    const struct history_op *first = first_attempt(r, op, &slot);
    bool gets = first->kind == KIND_GET_RESERVATION;
    bool about = gets || history_ends(first->kind) || first->kind == KIND_EXTEND;
    bool repeats = gets || history_ends(first->kind) || (first->flags & FLAG_AGAIN);
    const struct history_op *made = repeats ? history_op_at(r, first->of) : first;
    quote->subject = about ? first->of : slot;
    quote->since_ns = made ? made->begin_ns : 0;
    quote->asked_ns = gets || (first->flags & FLAG_AGAIN) ? 0 : first->begin_ns;
}

static bool append_quote(struct quotes *q, const struct quote *quote)
{
    if (quote->version == 0 || quote->item >= q->items)
        return true;
    if (q->count == q->room) {
        size_t room = q->room ? q->room * 2 : 4096;
        struct quote *more = realloc(q->all, room * sizeof(*more));
        if (!more)
            return false;
        q->all = more;
        q->room = room;
    }
    q->all[q->count++] = *quote;
    return true;
}

static bool add_op(struct quotes *q, const struct history_reader *r, const struct history_op *op,
                   uint32_t slot)
{
    enum history_outcome outcome = history_outcome(op);
    bool fine = true;
    if (outcome == OUTCOME_UNKNOWN || op->detail == DETAIL_STALE)
        return true;
    struct quote quote = {.makes = outcome == OUTCOME_OK && history_mutates(op->kind) &&
                                   op->type == SLOT_OP,
                          .dated = quotes_is_dated(op),
                          .says_stock = history_says_stock((enum history_detail)op->detail),
                          .begin_ns = op->begin_ns,
                          .end_ns = op->end_ns};
    place_quote(r, op, slot, &quote);
    for (unsigned n = 0; n < op->lines && fine; n++) {
        const struct history_line *line = history_line_of(op, n);
        quote.item = line->item;
        quote.version = line->version;
        quote.remaining = line->remaining;
        fine = append_quote(q, &quote);
    }
    return fine;
}

/* That a reservation is not there is quoted as what made it, which the item then did not keep. */
static bool add_missing(struct quotes *q, const struct history_reader *r,
                        const struct history_op *op)
{
    uint32_t slot;
    const struct history_op *first = first_attempt(r, op, &slot);
    const struct history_op *made = history_op_at(r, first->of);
    bool fine = true;
    if (history_outcome(op) != OUTCOME_FAIL || op->detail != DETAIL_NO_RESERVATION || !made ||
        made->kind != KIND_RESERVE || history_outcome(made) != OUTCOME_OK)
        return true;
    for (unsigned n = 0; n < made->lines && fine; n++) {
        const struct history_line *line = history_line_of(made, n);
        fine = append_quote(q, &(struct quote){.item = line->item,
                                               .dated = true,
                                               .missing = true,
                                               .version = line->version,
                                               .begin_ns = op->begin_ns,
                                               .end_ns = op->end_ns});
    }
    return fine;
}

static bool add_counters(struct quotes *q, const struct history_counters *c)
{
    return !c->found || append_quote(q, &(struct quote){.item = c->item,
                                                        .says_stock = true,
                                                        .version = c->version,
                                                        .remaining = c->available,
                                                        .begin_ns = c->at_ns,
                                                        .end_ns = c->at_ns});
}

/* By item, the dated ones behind the others, then by their answers. */
static int in_order(const void *a, const void *b)
{
    const struct quote *x = a, *y = b;
    if (x->item != y->item)
        return x->item < y->item ? -1 : 1;
    if (x->dated != y->dated)
        return x->dated ? 1 : -1;
    return (x->end_ns > y->end_ns) - (x->end_ns < y->end_ns);
}

static bool mark_items(struct quotes *q)
{
    q->first = calloc((size_t)q->items + 1, sizeof(*q->first));
    q->dated = calloc((size_t)q->items + 1, sizeof(*q->dated));
    if (!q->first || !q->dated)
        return false;
    size_t at = 0;
    for (uint32_t i = 0; i < q->items; i++) {
        q->first[i] = at;
        while (at < q->count && q->all[at].item == i && !q->all[at].dated)
            at++;
        q->dated[i] = at;
        while (at < q->count && q->all[at].item == i)
            at++;
    }
    q->first[q->items] = q->dated[q->items] = at;
    return true;
}

int quotes_make(struct quotes *q, const struct history_reader *r)
{
    struct history_pass pass = history_pass(r);
    uint32_t slot;
    bool fine = true;
    *q = (struct quotes){.items = r->facts->items < r->slots ? r->facts->items : r->slots};
    for (enum history_type type; fine && (type = history_next(&pass, &slot)) != SLOT_EMPTY;) {
        if (type == SLOT_OP || type == SLOT_EXPIRY)
            fine =
                add_op(q, r, history_at(r, slot), slot) && add_missing(q, r, history_at(r, slot));
        else if (type == SLOT_COUNTERS)
            fine = add_counters(q, history_at(r, slot));
    }
    if (fine && q->count > 0)
        qsort(q->all, q->count, sizeof(*q->all), in_order);
    return fine && mark_items(q) ? 0 : -ENOMEM;
}

void quotes_free(struct quotes *q)
{
    free(q->all);
    free(q->first);
    free(q->dated);
    *q = (struct quotes){.count = 0};
}
