/* model_items.c -- what the naive model decides of items. */
#include "support/model_steps.h"

#include <assert.h>
#include <string.h>

static bool names(const struct op_condition *c, const struct model_item *item)
{
    if (!item->exists)
        return false;
    if (c->kind == PRE_ANY)
        return true;
    bool found = false;
    for (unsigned i = 0; c->kind == PRE_VERSIONS && i < c->count; i++)
        found = found || c->versions[i] == item->version;
    return found;
}

static bool failed_precondition(const struct op *op, const struct model_item *item)
{
    return (op->if_match.kind != PRE_NONE && !names(&op->if_match, item)) ||
           (op->if_none_match.kind != PRE_NONE && names(&op->if_none_match, item));
}

/* A change of the item's own counters, which the answer shows. */
static enum outcome_code changed(struct model *m, int i, enum event_type type, int64_t quantity,
                                 struct model_answer *a)
{
    a->item = i;
    a->counters = m->items[i];
    naive_happened_to(m, naive_happened(m, type), i, quantity);
    return OUT_OK;
}

static void answer_id(const struct op *op, struct model_answer *a)
{
    assert(op->id.n < sizeof(a->id));
    memcpy(a->id, op->id.p, op->id.n);
}

static enum outcome_code create(struct model *m, const struct op *op, int i, struct model_answer *a)
{
    struct model_item *item = &m->items[i];
    if (!op->has_on_hand)
        return naive_invalid(a, "on_hand");
    if (naive_no_room(m, i, 0, 0, -1, a))
        return a->code;
    *item = (struct model_item){.exists = true,
                                .available = op->on_hand,
                                .received = op->on_hand,
                                .max = op->has_max ? op->max_per_customer : 0,
                                .version = item->version + 1,
                                .settled = item->settled,
                                .dues = item->dues};
    changed(m, i, EVENT_CREATE, op->on_hand, a);
    return OUT_CREATED;
}

enum outcome_code naive_put(struct model *m, const struct op *op, bool deferred,
                            struct model_answer *a)
{
    int i = model_item_of(op->lines[0].sku);
    struct model_item *item = &m->items[i];
    naive_settle(m, i);
    if (failed_precondition(op, item))
        return OUT_PRECONDITION_FAILED;
    if (!item->exists)
        return create(m, op, i, a);
    if (op->if_match.kind == PRE_NONE)
        return OUT_PRECONDITION_REQUIRED;
    if (op->has_on_hand && op->on_hand < item->held)
        return naive_waits(m, i, deferred, a) ? a->code : OUT_BELOW_HELD;
    if (naive_no_room(m, i, 0, 0, -1, a))
        return a->code;
    if (op->has_on_hand) {
        item->received += op->on_hand - item->held - item->available;
        item->available = op->on_hand - item->held;
    }
    if (op->has_max)
        item->max = op->max_per_customer;
    item->version++;
    return changed(m, i, EVENT_SET, item->available + item->held, a);
}

enum outcome_code naive_adjust(struct model *m, const struct op *op, bool deferred,
                               struct model_answer *a)
{
    struct model_line line = {.item = model_item_of(op->lines[0].sku), .quantity = -op->delta};
    struct model_item *item = &m->items[line.item];
    a->item = line.item;
    if (op->delta < 0)
        naive_settle(m, line.item);
    if (!item->exists)
        return OUT_ITEM_NOT_FOUND;
    if (op->delta < 0 && naive_lacks_stock(m, &line, 1, deferred, a))
        return a->code;
    if (item->available + item->held + op->delta > NAIVE_MOST)
        return naive_invalid(a, "delta");
    if (naive_no_room(m, line.item, 0, 0, -1, a))
        return a->code;
    item->available += op->delta;
    item->received += op->delta;
    item->version++;
    return changed(m, line.item, EVENT_ADJUST, op->delta < 0 ? -op->delta : op->delta, a);
}

enum outcome_code naive_transfer(struct model *m, const struct op *op, bool deferred,
                                 struct model_answer *a)
{
    struct model_line lines[2];
    naive_lines_of(op, lines);
    struct model_item *from = &m->items[lines[0].item], *to = &m->items[lines[1].item];
    int64_t units = lines[0].quantity;
    naive_settle(m, lines[0].item);
    a->item = lines[from->exists && !to->exists ? 1 : 0].item;
    a->to = lines[1].item;
    if (!from->exists || !to->exists)
        return OUT_ITEM_NOT_FOUND;
    if (naive_lacks_stock(m, lines, 1, deferred, a))
        return a->code;
    if (to->available + to->held + units > NAIVE_MOST)
        return naive_invalid(a, "quantity");
    if (naive_no_room(m, lines[0].item, 0, 0, -1, a))
        return a->code;
    if (naive_no_room(m, lines[1].item, 0, 0, -1, a))
        return naive_invalid(a, "to");
    from->available -= units;
    from->received -= units;
    to->available += units;
    to->received += units;
    a->quantity = units;
    a->remaining = from->available;
    a->version = ++from->version;
    a->to_remaining = to->available;
    a->to_version = ++to->version;
    answer_id(op, a);
    struct model_event *event = naive_happened(m, EVENT_TRANSFER);
    naive_happened_to(m, event, lines[0].item, units);
    naive_happened_to(m, event, lines[1].item, units);
    return OUT_OK;
}

enum outcome_code naive_delete(struct model *m, const struct op *op, bool deferred,
                               struct model_answer *a)
{
    int i = model_item_of(op->lines[0].sku);
    struct model_item *item = &m->items[i];
    naive_settle(m, i);
    if (failed_precondition(op, item))
        return OUT_PRECONDITION_FAILED;
    a->item = i;
    if (!item->exists)
        return OUT_ITEM_NOT_FOUND;
    if (item->held > 0)
        return naive_waits(m, i, deferred, a) ? a->code : OUT_ITEM_IN_USE;
    if (naive_no_room(m, i, 0, 0, -1, a))
        return a->code;
    *item = (struct model_item){
        .version = item->version + 1, .settled = item->settled, .dues = item->dues};
    naive_happened_to(m, naive_happened(m, EVENT_DELETE), i, 0);
    return OUT_NO_CONTENT;
}

enum outcome_code naive_decrement(struct model *m, const struct op *op, bool deferred,
                                  struct model_answer *a)
{
    struct model_line line;
    int customer = model_customer_of(op->customer);
    naive_lines_of(op, &line);
    if (naive_may_not_take(m, &line, 1, customer, deferred, a) ||
        naive_no_room_for(m, &line, 1, customer, true, a))
        return a->code;
    struct model_item *item = &m->items[line.item];
    item->available -= line.quantity;
    item->sold += line.quantity;
    item->version++;
    naive_use(item, customer, line.quantity);
    a->item = line.item;
    a->quantity = line.quantity;
    a->remaining = item->available;
    a->version = item->version;
    answer_id(op, a);
    naive_happened_to(m, naive_happened(m, EVENT_DECREMENT), line.item, line.quantity);
    return OUT_OK;
}
