/* booking.c -- reservations: reserve, confirm, release, extend, get, and their expiry. */
#include "shop/limit.h"
#include "shop/memory.h"
#include "shop/store.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#define MAX_HOLD_MS  (INT64_C(7) * 24 * 3600 * 1000)
#define EARLY_FACTOR 10 /* FAULT_EARLY_EXPIRY: the part of its time that a hold lives */

/* --- reserve ---------------------------------------------------------------------------------- */

static char *dump(const json_t *value)
{
    return value ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
}

static struct hold *new_hold(struct store *s, const struct op *op)
{
    struct hold *h = memory_zalloc(sizeof(*h) + op->line_count * sizeof(h->line[0]));
    snprintf(h->id, sizeof(h->id), "r%019" PRIu64, ++s->made);
    h->created_ms = s->now_ms;
    h->expires_ms = h->due_ms = s->now_ms + op->ttl_ms;
    if (fault_fires(&s->faults, FAULT_EARLY_EXPIRY))
        h->due_ms = s->now_ms + op->ttl_ms / EARLY_FACTOR;
    h->customer = dump(op->customer);
    h->reference = dump(op->reference);
    h->metadata = dump(op->metadata);
    h->line_count = op->line_count;
    return h;
}

/* The units were taken, yet the answer is that there are too few of them. Only where the state
 * afterwards bears it out, so that the answer alone does not give the lie away. */
static bool refuse_with_effect(struct store *s, const struct op *op, struct item *const *items,
                               struct answer *a)
{
    if (store_shorts(op, items) == 0 || !fault_fires(&s->faults, FAULT_FAIL_WITH_EFFECT))
        return false;
    store_refuse_short(op, items, a);
    return true;
}

static void lie_about_reserve(struct store *s, const struct op *op, struct hold *h,
                              struct item *const *items, struct answer *a)
{
    unsigned kept = op->line_count;
    if (refuse_with_effect(s, op, items, a))
        return;
    if (fault_fires(&s->faults, FAULT_LOST_RESERVE) ||
        (s->in_batch && fault_fires(&s->faults, FAULT_BATCH_LOST))) {
        h->gone = a->unrecorded = true;
        kept = 0;
    }
    if (op->line_count > 1 && fault_fires(&s->faults, FAULT_BASKET_PARTIAL))
        kept = op->line_count / 2;
    for (unsigned i = kept; i < op->line_count; i++) {
        item_forget(items[i]);
        limit_give_back(h->line[i].share, op->line[i].quantity);
    }
}

void decide_reserve(struct store *s, const struct op *op, struct answer *a)
{
    struct item *items[HOLD_LINES_MAX];
    assert(op->line_count > 0);
    if (!store_items(s, op, items, a) || !store_may_take(s, op, items, a))
        return;
    struct hold *h = new_hold(s, op);
    for (unsigned i = 0; i < op->line_count; i++) {
        int64_t quantity = op->line[i].quantity;
        struct stock_move move = move_hold(quantity);
        store_change(s, items[i], move);
        h->line[i] = (struct hold_line){.item = items[i],
                                        .quantity = quantity,
                                        .reserved = quantity,
                                        .share = limit_take(s, op, items[i], move_counts(move))};
        hold_stamp(&h->line[i]);
    }
    table_put(&s->holds, str_of(h->id), h);
    deadlines_add(&s->deadlines, h);
    answer_hold(a, 201, h);
    lie_about_reserve(s, op, h, items, a);
}

/* --- how a hold ends -------------------------------------------------------------------------- */

/* Whether the units that come back go on counting against the limit. */
static bool keeps_counting(struct store *s, const struct hold_line *line, enum hold_state state)
{
    static const enum fault faults[HOLD_STATES] = {[HOLD_CONFIRMED] = FAULT_PART_COUNTS,
                                                   [HOLD_RELEASED] = FAULT_RELEASE_COUNTS,
                                                   [HOLD_EXPIRED] = FAULT_EXPIRY_COUNTS};
    return line->item->limit > 0 && fault_fires(&s->faults, faults[state]);
}

/* Ends the hold: line i sells sold[i] units (NULL: none) and gives the rest back. extra: how often
 * too many. */
static void end_hold(struct store *s, struct hold *h, enum hold_state state, const int64_t *sold,
                     int64_t extra)
{
    for (unsigned i = 0; i < h->line_count; i++) {
        struct hold_line *line = &h->line[i];
        int64_t keeps = sold ? sold[i] : 0;
        struct stock_move move = move_end(line->quantity, keeps);
        assert(move.available >= 0);
        if (move.available > 0 && !keeps_counting(s, line, state))
            limit_give_back(line->share, -move_counts(move));
        move.available *= 1 + extra;
        store_change(s, line->item, move);
        hold_stamp(line);
        if (sold)
            line->quantity = keeps;
    }
    h->state = state;
}

void store_expire(struct store *s)
{
    struct hold *h;
    bool late = s->faults.fault == FAULT_LAZY_EXPIRY || s->faults.fault == FAULT_GRACE;
    int64_t late_ms = late ? (int64_t)s->faults.every : 0;
    while ((h = deadlines_take_due(&s->deadlines, s->now_ms - late_ms))) {
        if (fault_fires(&s->faults, FAULT_LATE_EXPIRY))
            continue;
        end_hold(s, h, HOLD_EXPIRED, NULL, 0);
        s->expired++;
    }
}

/* How often a change was let through after the time that the hold says. */
static void count_grace(struct store *s, const struct hold *h)
{
    struct fault_plan *p = &s->faults;
    bool struck = p->fault == FAULT_GRACE && h->state == HOLD_HELD && h->expires_ms <= s->now_ms;
    p->seen += struck;
    p->fired += struck;
}

static struct hold *find(struct store *s, const struct op *op, struct answer *a)
{
    struct hold *h = table_find(&s->holds, str_of(op->target));
    if (h && !h->gone && op->kind != OP_GET)
        count_grace(s, h);
    if (h && !h->gone)
        return h;
    answer_problem(a, PROBLEM_RESERVATION_NOT_FOUND);
    return NULL;
}

/* As whoever asks sees it: what is past its time, though not written yet, has expired. */
static enum hold_state state_of(const struct store *s, const struct hold *h)
{
    bool up = s->faults.fault == FAULT_LAZY_EXPIRY && h->expires_ms <= s->now_ms;
    return h->state == HOLD_HELD && up ? HOLD_EXPIRED : h->state;
}

static void refuse_ended(const struct store *s, const struct hold *h, struct answer *a)
{
    static const enum problem problems[HOLD_STATES] = {
        [HOLD_CONFIRMED] = PROBLEM_RESERVATION_CONFIRMED,
        [HOLD_RELEASED] = PROBLEM_RESERVATION_RELEASED,
        [HOLD_EXPIRED] = PROBLEM_RESERVATION_EXPIRED,
    };
    answer_problem(a, problems[state_of(s, h)]);
}

/* The same answer again, moving nothing. */
static void repeat(const struct hold *h, struct answer *a)
{
    answer_hold(a, 200, h);
    a->replayed = true;
}

/* What each line sells: the lines of the operation, or all. False: it names what is not held. */
static bool lines_to_sell(const struct op *op, const struct hold *h, int64_t *sold,
                          struct answer *a)
{
    for (unsigned i = 0; i < h->line_count; i++)
        sold[i] = op->has_lines ? 0 : h->line[i].reserved;
    for (unsigned l = 0; l < op->line_count; l++) {
        unsigned i = 0;
        while (i < h->line_count && strcmp(h->line[i].item->sku, op->line[l].sku) != 0)
            i++;
        if (i == h->line_count || op->line[l].quantity > h->line[i].reserved) {
            char field[OP_FIELD_MAX];
            snprintf(field, sizeof(field), "lines[%u].%s", l,
                     i == h->line_count ? "sku" : "quantity");
            answer_invalid(a, field);
            return false;
        }
        sold[i] = op->line[l].quantity;
    }
    return true;
}

static bool sold_as_asked(const struct hold *h, const int64_t *sold)
{
    for (unsigned i = 0; i < h->line_count; i++)
        if (h->line[i].quantity != sold[i])
            return false;
    return true;
}

/* Sells, answers so, and stores nothing of it: the hold goes on, and will expire. */
static void lose_confirm(struct store *s, struct hold *h, const int64_t *sold, struct answer *a)
{
    struct hold_line before[HOLD_LINES_MAX];
    memcpy(before, h->line, h->line_count * sizeof(before[0]));
    end_hold(s, h, HOLD_CONFIRMED, sold, 0);
    answer_hold(a, 200, h);
    for (unsigned i = 0; i < h->line_count; i++) {
        limit_give_back(before[i].share, sold[i] - before[i].quantity); /* less than nothing */
        h->line[i] = before[i];
        item_forget(h->line[i].item);
    }
    h->state = HOLD_HELD;
    a->unrecorded = true;
}

/* What is taken is asked for as a reserve of it would be. */
static bool may_take_again(struct store *s, const struct hold *h, const int64_t *sold,
                           struct answer *a)
{
    struct op take = {.kind = OP_CONFIRM};
    struct item *items[HOLD_LINES_MAX];
    for (unsigned i = 0; i < h->line_count; i++) {
        if (sold[i] == 0)
            continue;
        if (h->line[i].item->now.removed) {
            answer_no_item(a, h->line[i].item->sku);
            return false;
        }
        struct op_line *line = &take.line[take.line_count];
        items[take.line_count++] = h->line[i].item;
        snprintf(line->sku, sizeof(line->sku), "%s", h->line[i].item->sku);
        line->quantity = sold[i];
    }
    const struct share *share = h->line[0].share;
    json_t *customer = share ? json_string(share->customer) : NULL;
    take.customer = customer;
    bool may = store_may_take(s, &take, items, a);
    json_decref(customer);
    return may;
}

/* A confirm of what has expired: line i sells sold[i] units, or the answer says of which there are
 * too few. */
static void revive(struct store *s, struct hold *h, const int64_t *sold, struct answer *a)
{
    if (!may_take_again(s, h, sold, a))
        return;
    bool untaken = fault_fires(&s->faults, FAULT_REVIVES_UNTAKEN);
    for (unsigned i = 0; i < h->line_count; i++) {
        struct hold_line *line = &h->line[i];
        line->expired_remaining = line->remaining;
        line->expired_version = line->version;
        line->quantity = sold[i];
        if (line->item->now.removed)
            continue; /* since, and nothing of it is taken again */
        struct stock_move move = move_sell(sold[i]);
        limit_give_back(line->share, -move_counts(move));
        move.available = untaken ? 0 : move.available;
        store_change(s, line->item, move);
        hold_stamp(line);
    }
    h->line[0].expired_version += fault_fires(&s->faults, FAULT_SAYS_EXPIRED);
    h->state = HOLD_CONFIRMED;
    h->taken_again = true;
    answer_hold(a, 200, h);
}

/* What is done about a confirm: what the rules say, or a lie. */
static enum hold_step step_of_confirm(struct store *s, const struct op *op, struct hold *h,
                                      bool same)
{
    struct fault_plan *f = &s->faults;
    enum hold_state state = state_of(s, h);
    enum hold_step step = rules_step(state, op->rereserve ? ASK_RERESERVE : ASK_CONFIRM, same);
    if (!op->rereserve && h->state == HOLD_EXPIRED && fault_fires(f, FAULT_REVIVES_UNASKED))
        return HOLD_TAKES_AGAIN;
    if (op->rereserve && state == HOLD_RELEASED && fault_fires(f, FAULT_REVIVES_RELEASED))
        return HOLD_TAKES_AGAIN;
    if (op->rereserve && state == HOLD_HELD && fault_fires(f, FAULT_REVIVES_HELD))
        return HOLD_TAKES_AGAIN;
    if (step == HOLD_TAKES_AGAIN && fault_fires(f, FAULT_REVIVES_NOT))
        step = HOLD_REFUSES;
    if (step == HOLD_REFUSES && h->state == HOLD_EXPIRED && fault_fires(f, FAULT_LATE_CONFIRM))
        return HOLD_MOVES;
    return step;
}

void decide_confirm(struct store *s, const struct op *op, struct answer *a)
{
    int64_t sold[HOLD_LINES_MAX];
    struct hold *h = find(s, op, a);
    if (!h || !lines_to_sell(op, h, sold, a))
        return;
    switch (step_of_confirm(s, op, h, sold_as_asked(h, sold))) {
    case HOLD_REPEATS: repeat(h, a); break;
    case HOLD_REFUSES: refuse_ended(s, h, a); break;
    case HOLD_TAKES_AGAIN:
        if (h->state == HOLD_HELD)
            end_hold(s, h, HOLD_EXPIRED, NULL, 0);
        revive(s, h, sold, a);
        break;
    case HOLD_MOVES:
        if (fault_fires(&s->faults, FAULT_LOST_CONFIRM)) {
            lose_confirm(s, h, sold, a);
            break;
        }
        end_hold(s, h, HOLD_CONFIRMED, sold, 0);
        answer_hold(a, 200, h);
        break;
    }
}

void decide_release(struct store *s, const struct op *op, struct answer *a)
{
    struct hold *h = find(s, op, a);
    if (!h)
        return;
    enum hold_step step = rules_step(state_of(s, h), ASK_RELEASE, true);
    if (step == HOLD_MOVES ||
        (step == HOLD_REPEATS && fault_fires(&s->faults, FAULT_RELEASE_TWICE))) {
        bool twice = step == HOLD_MOVES && fault_fires(&s->faults, FAULT_DOUBLE_RELEASE);
        end_hold(s, h, HOLD_RELEASED, NULL, twice);
        answer_hold(a, 200, h);
    } else if (step == HOLD_REPEATS) {
        repeat(h, a);
    } else {
        refuse_ended(s, h, a);
    }
}

void decide_extend(struct store *s, const struct op *op, struct answer *a)
{
    struct hold *h = find(s, op, a);
    if (!h)
        return;
    if (rules_step(state_of(s, h), ASK_EXTEND, true) != HOLD_MOVES) {
        refuse_ended(s, h, a);
        return;
    }
    if (s->now_ms + op->ttl_ms > h->created_ms + MAX_HOLD_MS) {
        answer_invalid(a, "ttl_seconds");
        return;
    }
    h->expires_ms = h->due_ms = s->now_ms + op->ttl_ms;
    deadlines_add(&s->deadlines, h);
    for (unsigned i = 0; i < h->line_count; i++) {
        store_change(s, h->line[i].item, move_adjust(0));
        hold_stamp(&h->line[i]);
    }
    answer_hold(a, 200, h);
}

void decide_get(struct store *s, const struct op *op, struct answer *a)
{
    struct hold *h = find(s, op, a);
    if (!h)
        return;
    struct hold_line *line = &h->line[0];
    int64_t sold = line->quantity;
    if (h->state == HOLD_CONFIRMED && sold < line->reserved &&
        fault_fires(&s->faults, FAULT_SAYS_SOLD))
        line->quantity++;
    bool taken_again = h->taken_again;
    h->taken_again = taken_again && !fault_fires(&s->faults, FAULT_REVIVES_UNSAID);
    answer_hold(a, 200, h);
    answer_close(a, s->now_ms);
    h->taken_again = taken_again;
    line->quantity = sold;
}
