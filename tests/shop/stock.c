/* stock.c -- items: finding, taking from, creating, setting and reading them. */
#include "shop/limit.h"
#include "shop/memory.h"
#include "shop/store.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#define UNITS_MAX ((INT64_C(1) << 53) - 1)

struct item *store_item(const struct store *s, const char *sku)
{
    struct item *item = table_find(&s->items, str_of(sku));
    return item && !item->gone && !item->now.removed ? item : NULL;
}

bool store_items(const struct store *s, const struct op *op, struct item **items, struct answer *a)
{
    assert(op->line_count > 0);
    for (unsigned i = 0; i < op->line_count; i++) {
        items[i] = store_item(s, op->line[i].sku);
        if (!items[i]) {
            answer_no_item(a, op->line[i].sku);
            return false;
        }
    }
    return true;
}

/* Refuses although the stock is there, with what an item had long ago. */
static bool refuse_stale(struct store *s, const struct op *op, struct item *const *items,
                         struct answer *a)
{
    for (unsigned i = 0; s->faults.fault == FAULT_STALE_REFUSAL && i < op->line_count; i++) {
        const struct stock *old = item_long_ago(items[i], op->line[i].quantity);
        if (!old || !fault_fires(&s->faults, FAULT_STALE_REFUSAL))
            continue;
        answer_shorts_begin(a);
        answer_short(a, op->line[i].sku, op->line[i].quantity, old);
        answer_shorts_end(a);
        return true;
    }
    return false;
}

static bool oversell(struct store *s)
{
    return fault_fires(&s->faults, FAULT_OVERSELL_CLAMPED) ||
           fault_fires(&s->faults, FAULT_OVERSELL_NEGATIVE);
}

static bool lacks(const struct op *op, struct item *const *items, unsigned i)
{
    return rules_lacks(&(struct rules_line){.quantity = op->line[i].quantity,
                                            .available = items[i]->now.available});
}

unsigned store_shorts(const struct op *op, struct item *const *items)
{
    unsigned shorts = 0;
    for (unsigned i = 0; i < op->line_count; i++)
        shorts += lacks(op, items, i);
    return shorts;
}

void store_refuse_short(const struct op *op, struct item *const *items, struct answer *a)
{
    answer_shorts_begin(a);
    for (unsigned i = 0; i < op->line_count; i++)
        if (lacks(op, items, i))
            answer_short(a, op->line[i].sku, op->line[i].quantity, &items[i]->now);
    answer_shorts_end(a);
}

bool store_may_take(struct store *s, const struct op *op, struct item *const *items,
                    struct answer *a)
{
    struct rules_line line[HOLD_LINES_MAX];
    if (!limit_lines(op, items, line)) {
        answer_invalid(a, "customer");
        return false;
    }
    bool stock_first = store_shorts(op, items) > 0 && fault_fires(&s->faults, FAULT_STOCK_FIRST);
    enum rules_verdict verdict = limit_judge(s, line, op->line_count, stock_first);
    if (verdict == RULES_LIMIT)
        limit_refuse(op, items, line, a);
    else if (verdict == RULES_MAY)
        return !refuse_stale(s, op, items, a);
    else if (oversell(s))
        return true;
    else
        store_refuse_short(op, items, a);
    return false;
}

void store_change(struct store *s, struct item *item, struct stock_move move)
{
    struct stock was = item->now;
    stock_change(&item->now, move);
    if (item->now.available < 0 && s->faults.fault == FAULT_OVERSELL_CLAMPED)
        item->now.available = 0;
    item_touch(item, &was, s->now_ms, &s->faults);
}

/* --- the operations on one item --------------------------------------------------------------- */

/* 200, with the operation's id and quantity. */
static void begin_done(struct store *s, const struct op *op, struct answer *a)
{
    answer_reset(a);
    a->status = 200;
    PUT(&a->body, "{\"id\":");
    if (op->key[0] != '\0')
        answer_put_string(&a->body, op->key);
    else
        buf_printf(&a->body, "\"op-%" PRIu64 "\"", ++s->made);
    buf_printf(&a->body, ",\"quantity\":%" PRId64 ",", op->line[0].quantity);
}

static void put_left(struct buf *b, const struct item *item)
{
    buf_printf(b, "\"sku\":\"%s\",\"remaining\":%" PRId64 ",\"version\":%" PRIu64, item->sku,
               item->now.available, item->now.version);
}

void decide_decrement(struct store *s, const struct op *op, struct answer *a)
{
    struct item *item;
    if (!store_items(s, op, &item, a) || !store_may_take(s, op, &item, a))
        return;
    struct stock_move move = move_sell(op->line[0].quantity);
    struct share *share = limit_take(s, op, item, move_counts(move));
    store_change(s, item, move);
    begin_done(s, op, a);
    put_left(&a->body, item);
    buf_putc(&a->body, '}');
    if (fault_fires(&s->faults, FAULT_LOST_DECREMENT)) {
        item_forget(item);
        limit_give_back(share, move_counts(move));
        a->unrecorded = true;
    }
}

/* What the taker has in the end, though it was told otherwise. */
static void lie_about_transfer(struct store *s, struct item *to, int64_t quantity)
{
    if (fault_fires(&s->faults, FAULT_TRANSFER_LOSES))
        to->now.available -= quantity;
    if (fault_fires(&s->faults, FAULT_TRANSFER_DOUBLES))
        to->now.available += quantity;
    if (fault_fires(&s->faults, FAULT_TRANSFER_STILL))
        to->now.version--;
}

void decide_transfer(struct store *s, const struct op *op, struct answer *a)
{
    struct item *items[2];
    if (!store_items(s, op, items, a))
        return;
    int64_t quantity = op->line[0].quantity;
    bool lacks = store_shorts(op, items) > 0;
    if (lacks ? !fault_fires(&s->faults, FAULT_TRANSFER_OVERDRAWS)
              : fault_fires(&s->faults, FAULT_REFUSES_TRANSFER)) {
        struct stock left = items[0]->now;
        left.available = left.available < quantity ? left.available : quantity - 1;
        answer_shorts_begin(a);
        answer_short(a, items[0]->sku, quantity, &left);
        answer_shorts_end(a);
        return;
    }
    store_change(s, items[0], move_adjust(-quantity));
    store_change(s, items[1], move_adjust(quantity));
    begin_done(s, op, a);
    PUT(&a->body, "\"from\":{");
    put_left(&a->body, items[0]);
    PUT(&a->body, "},\"to\":{");
    put_left(&a->body, items[1]);
    PUT(&a->body, "}}");
    lie_about_transfer(s, items[1], quantity);
}

void decide_adjust(struct store *s, const struct op *op, struct answer *a)
{
    struct item *item;
    if (!store_items(s, op, &item, a))
        return;
    if (item->now.available + op->delta < 0) {
        answer_shorts_begin(a);
        answer_short(a, item->sku, -op->delta, &item->now);
        answer_shorts_end(a);
        return;
    }
    if (item->now.available + item->now.held + op->delta > UNITS_MAX) {
        answer_invalid(a, "delta");
        return;
    }
    store_change(s, item, move_adjust(op->delta));
    answer_item(a, 200, item, &item->now);
}

/* Goes on from the version that its delete made. */
static void put_again(struct store *s, const struct op *op, struct item *item, struct answer *a)
{
    struct stock was = item->now;
    stock_create(&item->now, op->on_hand);
    item->limit = op->max_per_customer;
    limit_begin(s, item);
    item_touch(item, &was, s->now_ms, &s->faults);
    if (fault_fires(&s->faults, FAULT_VERSION_RESTARTS))
        item->now.version = 1;
    answer_item(a, 201, item, &item->now);
    if (item->sold_before > 0 && fault_fires(&s->faults, FAULT_SOLD_SURVIVES))
        item->now.sold = item->sold_before;
}

static void put_new(struct store *s, const struct op *op, struct answer *a)
{
    struct item *before = table_find(&s->items, str_of(op->line[0].sku));
    if (op->if_match != CONDITION_NONE) {
        answer_problem(a, PROBLEM_PRECONDITION_FAILED);
        return;
    }
    if (!op->has_on_hand) {
        answer_invalid(a, "on_hand");
        return;
    }
    if (before && before->now.removed && !before->gone) {
        if (fault_fires(&s->faults, FAULT_REFUSES_CREATION))
            answer_problem(a, PROBLEM_PRECONDITION_FAILED);
        else
            put_again(s, op, before, a);
        return;
    }
    struct item *item = memory_zalloc(sizeof(*item));
    snprintf(item->sku, sizeof(item->sku), "%s", op->line[0].sku);
    item->limit = op->max_per_customer;
    stock_create(&item->now, op->on_hand);
    item->updated_ms = s->now_ms;
    table_put(&s->items, str_of(item->sku), item);
    answer_item(a, 201, item, &item->now);
}

/* Whether If-Match and If-None-Match let an item that exists be set; otherwise fills the answer. */
static bool may_set(struct store *s, const struct op *op, const struct item *item, struct answer *a)
{
    bool stale = op->if_match == CONDITION_VERSION && op->if_match_version != item->now.version;
    stale = stale ? !fault_fires(&s->faults, FAULT_STALE_SET)
                  : op->if_match == CONDITION_VERSION && fault_fires(&s->faults, FAULT_REFUSES_SET);
    if (op->if_none_match == CONDITION_ANY || op->if_match == CONDITION_OTHER || stale) {
        answer_problem(a, PROBLEM_PRECONDITION_FAILED);
        return false;
    }
    if (op->if_match == CONDITION_NONE) {
        answer_problem(a, PROBLEM_PRECONDITION_REQUIRED);
        return false;
    }
    if (op->has_on_hand && op->on_hand < item->now.held) {
        answer_problem(a, PROBLEM_BELOW_HELD);
        return false;
    }
    return true;
}

void decide_put(struct store *s, const struct op *op, struct answer *a)
{
    struct item *item = store_item(s, op->line[0].sku);
    if (!item) {
        put_new(s, op, a);
        return;
    }
    if (op->if_none_match == CONDITION_ANY && op->has_on_hand &&
        fault_fires(&s->faults, FAULT_CREATES_AGAIN)) {
        put_again(s, op, item, a);
        return;
    }
    if (!may_set(s, op, item, a))
        return;
    int64_t on_hand = item->now.available + item->now.held;
    if (op->has_max)
        item->limit = op->max_per_customer;
    store_change(s, item, move_adjust(op->has_on_hand ? op->on_hand - on_hand : 0));
    answer_item(a, 200, item, &item->now);
}

static void remove_item(struct store *s, struct item *item, struct answer *a)
{
    struct stock was = item->now;
    item->removals++;
    item->sold_before = was.sold;
    stock_remove(&item->now);
    item_touch(item, &was, s->now_ms, &s->faults);
    answer_reset(a);
    a->status = 204;
    if (fault_fires(&s->faults, FAULT_LOST_DELETE))
        item_forget(item);
}

void decide_delete(struct store *s, const struct op *op, struct answer *a)
{
    struct item *item;
    if (!store_items(s, op, &item, a))
        return;
    bool in_use = item->now.held > 0;
    in_use = in_use ? !fault_fires(&s->faults, FAULT_DELETE_HELD)
                    : fault_fires(&s->faults, FAULT_REFUSES_IN_USE);
    if (in_use) {
        answer_problem(a, PROBLEM_ITEM_IN_USE);
        return;
    }
    remove_item(s, item, a);
    if (fault_fires(&s->faults, FAULT_FAIL_WITH_DELETE))
        answer_problem(a, PROBLEM_ITEM_IN_USE);
}

void store_get_item(struct store *s, const char *sku, struct answer *a)
{
    const struct item *item = store_item(s, sku);
    if (!item) {
        answer_no_item(a, sku);
        return;
    }
    const struct stock *old = item_long_ago(item, INT64_MAX);
    bool stale = old && fault_fires(&s->faults, FAULT_STALE_READ);
    struct stock dirty = item->now;
    dirty.version++;
    dirty.available--;
    dirty.sold++;
    if (dirty.available >= 0 && fault_fires(&s->faults, FAULT_DIRTY_READ))
        answer_item(a, 200, item, &dirty);
    else
        answer_item(a, 200, item, stale ? old : &item->now);
}
