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
        const struct item_state *old = item_long_ago(items[i], op->line[i].quantity);
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

bool store_may_take(struct store *s, const struct op *op, struct item *const *items,
                    struct answer *a)
{
    unsigned shorts = 0;
    for (unsigned i = 0; i < op->line_count; i++)
        shorts += items[i]->now.available < op->line[i].quantity;
    bool stock_first = shorts > 0 && fault_fires(&s->faults, FAULT_STOCK_FIRST);
    if (!stock_first && !limit_allows(s, op, items, a))
        return false;
    if (shorts == 0)
        return !refuse_stale(s, op, items, a);
    if (oversell(s))
        return true;
    answer_shorts_begin(a);
    for (unsigned i = 0; i < op->line_count; i++)
        if (items[i]->now.available < op->line[i].quantity)
            answer_short(a, op->line[i].sku, op->line[i].quantity, &items[i]->now);
    answer_shorts_end(a);
    return false;
}

void store_take(const struct store *s, struct item *item, int64_t quantity)
{
    item->now.available -= quantity;
    if (item->now.available < 0 && s->faults.fault == FAULT_OVERSELL_CLAMPED)
        item->now.available = 0;
}

/* --- the operations on one item --------------------------------------------------------------- */

void decide_decrement(struct store *s, const struct op *op, struct answer *a)
{
    struct item *item;
    if (!store_items(s, op, &item, a) || !store_may_take(s, op, &item, a))
        return;
    struct item_state was = item->now;
    store_take(s, item, op->line[0].quantity);
    item->now.sold += op->line[0].quantity;
    struct share *share = limit_take(s, op, item, op->line[0].quantity);
    item_touch(item, &was, s->now_ms, &s->faults);
    answer_reset(a);
    a->status = 200;
    PUT(&a->body, "{\"id\":");
    if (op->key[0] != '\0')
        answer_put_string(&a->body, op->key);
    else
        buf_printf(&a->body, "\"op-%" PRIu64 "\"", ++s->made);
    buf_printf(&a->body,
               ",\"sku\":\"%s\",\"quantity\":%" PRId64 ",\"remaining\":%" PRId64
               ",\"version\":%" PRIu64 "}",
               item->sku, op->line[0].quantity, item->now.available, item->now.version);
    if (fault_fires(&s->faults, FAULT_LOST_DECREMENT)) {
        item_forget(item, &was);
        limit_give_back(share, op->line[0].quantity);
        a->unrecorded = true;
    }
}

void decide_adjust(struct store *s, const struct op *op, struct answer *a)
{
    struct item *item;
    if (!store_items(s, op, &item, a))
        return;
    struct item_state was = item->now;
    if (was.available + op->delta < 0) {
        answer_shorts_begin(a);
        answer_short(a, item->sku, -op->delta, &was);
        answer_shorts_end(a);
        return;
    }
    if (was.available + was.held + op->delta > UNITS_MAX) {
        answer_invalid(a, "delta");
        return;
    }
    item->now.available += op->delta;
    item_touch(item, &was, s->now_ms, &s->faults);
    answer_item(a, 200, item, &item->now);
}

/* Goes on from the version that its delete made. */
static void put_again(struct store *s, const struct op *op, struct item *item, struct answer *a)
{
    struct item_state was = item->now;
    item->now = (struct item_state){.available = op->on_hand};
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
    item->now.available = op->on_hand;
    item->now.version = 1;
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
    struct item_state was = item->now;
    if (op->has_on_hand)
        item->now.available = op->on_hand - was.held;
    if (op->has_max)
        item->limit = op->max_per_customer;
    item_touch(item, &was, s->now_ms, &s->faults);
    answer_item(a, 200, item, &item->now);
}

static void remove_item(struct store *s, struct item *item, struct answer *a)
{
    struct item_state was = item->now;
    item->removals++;
    item->sold_before = was.sold;
    item->now = (struct item_state){.removed = true};
    item_touch(item, &was, s->now_ms, &s->faults);
    answer_reset(a);
    a->status = 204;
    if (fault_fires(&s->faults, FAULT_LOST_DELETE))
        item_forget(item, &was);
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
    const struct item_state *old = item_long_ago(item, INT64_MAX);
    bool stale = old && fault_fires(&s->faults, FAULT_STALE_READ);
    struct item_state dirty = item->now;
    dirty.version++;
    dirty.available--;
    dirty.sold++;
    if (dirty.available >= 0 && fault_fires(&s->faults, FAULT_DIRTY_READ))
        answer_item(a, 200, item, &dirty);
    else
        answer_item(a, 200, item, stale ? old : &item->now);
}
