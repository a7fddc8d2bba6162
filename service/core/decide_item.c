/* decide_item.c -- put, adjust, delete, decrement, transfer, sweep; and what taking units shares.
 */
#include "core/decide.h"

#include <assert.h>

void item_touch(struct planner *p, struct view_item *item)
{
    item->now.version++;
    item->now.updated_ms = p->now_ms;
    item->dirty = true;
}

/* --- taking units ----------------------------------------------------------------------------- */

/* Settles the items of the lines; the first step that is not DONE wins, but all are marked. */
static enum step settle_lines(struct planner *p, const struct op_line *lines, unsigned count)
{
    enum step worst = STEP_DONE;
    for (unsigned i = 0; i < count; i++) {
        enum step step = item_settle(p, lines[i].slot);
        if (step == STEP_NO_MEMORY)
            return step;
        if (step != STEP_DONE)
            worst = step;
    }
    return worst;
}

static struct outcome_short *new_shorts(struct planner *p, struct op *op, unsigned count)
{
    struct outcome_short *shorts = arena_zalloc(p->view->arena, count * sizeof(*shorts));
    op->out.shorts = shorts;
    op->out.short_count = 0;
    return shorts;
}

static enum step check_limits(struct planner *p, struct op *op, const struct op_line *lines,
                              unsigned count, struct str customer)
{
    struct outcome_short *shorts = NULL;
    for (unsigned i = 0; i < count; i++) {
        const struct view_item *item = view_item(p->view, lines[i].slot);
        int64_t limit = item->now.max_per_customer;
        if (limit == 0)
            continue;
        if (str_absent(customer))
            return refuse_field(op, "customer", "is required: an item is limited per customer");
        const struct view_customer *c = customer_of(p, lines[i].slot, customer);
        if (!c)
            return STEP_NO_MEMORY;
        if (!c->known)
            return STEP_READ;
        if (c->now + lines[i].quantity <= limit)
            continue;
        if (item_has_due(p, item))
            return STEP_DEFER; /* what is due may be this customer's */
        if (!shorts && !(shorts = new_shorts(p, op, count)))
            return STEP_NO_MEMORY;
        shorts[op->out.short_count++] = (struct outcome_short){.sku = item->sku,
                                                               .requested = lines[i].quantity,
                                                               .available = item->now.available,
                                                               .limit = limit,
                                                               .used = c->now,
                                                               .version = item->now.version};
    }
    if (shorts)
        return refuse(op, OUT_LIMIT_EXCEEDED);
    return STEP_DONE;
}

/* The earliest instant at which a held unit of the item could come back. */
static enum step earliest_release(struct planner *p, struct op *op, struct view_item *item)
{
    if (item_know_due(p, item) == STEP_READ)
        return STEP_READ;
    if (item->now.held == 0)
        return STEP_DONE;
    int64_t due_ms = item->now.due_ms;
    if (op->out.earliest_release_ms == 0 || due_ms < op->out.earliest_release_ms)
        op->out.earliest_release_ms = due_ms;
    return STEP_DONE;
}

static enum step check_stock(struct planner *p, struct op *op, const struct op_line *lines,
                             unsigned count)
{
    struct outcome_short *shorts = NULL;
    enum step step = STEP_DONE;
    for (unsigned i = 0; i < count; i++) {
        struct view_item *item = view_item(p->view, lines[i].slot);
        if (item->now.available >= lines[i].quantity)
            continue;
        if (item_has_due(p, item))
            return STEP_DEFER; /* units are due to come back that this batch has no room for */
        if (earliest_release(p, op, item) == STEP_READ)
            step = STEP_READ;
        if (!shorts && !(shorts = new_shorts(p, op, count)))
            return STEP_NO_MEMORY;
        shorts[op->out.short_count++] = (struct outcome_short){.sku = item->sku,
                                                               .requested = lines[i].quantity,
                                                               .available = item->now.available,
                                                               .version = item->now.version};
    }
    if (shorts && step == STEP_DONE)
        return refuse(op, OUT_INSUFFICIENT_STOCK);
    return step;
}

enum step item_check_take(struct planner *p, struct op *op, const struct op_line *lines,
                          unsigned count, struct str customer)
{
    enum step step = settle_lines(p, lines, count);
    if (step != STEP_DONE)
        return step;
    for (unsigned i = 0; i < count; i++) {
        const struct view_item *item = view_item(p->view, lines[i].slot);
        if (!item->now.exists) {
            op->out.sku = item->sku;
            return refuse(op, OUT_ITEM_NOT_FOUND);
        }
    }
    step = check_limits(p, op, lines, count, customer);
    if (step != STEP_DONE || op->out.code != OUT_NONE)
        return step;
    return check_stock(p, op, lines, count);
}

enum step decide_decrement(struct planner *p, struct op *op)
{
    struct op_line *line = &op->lines[0];
    enum step step = item_check_take(p, op, line, 1, op->share);
    if (step == STEP_DONE && op->out.code == OUT_NONE)
        step = counter_check_take(p, op, line, 1, op->share, true);
    if (step != STEP_DONE || op->out.code != OUT_NONE)
        return step;
    struct view_item *item = view_item(p->view, line->slot);
    item->now.available -= line->quantity;
    item->now.sold += line->quantity;
    customer_add(p, line->slot, op->share, line->quantity);
    item_touch(p, item);
    op->out.code = OUT_OK;
    op->out.sku = item->sku;
    op->out.id = op->id;
    op->out.quantity = line->quantity;
    op->out.remaining = item->now.available;
    op->out.version = item->now.version;
    struct event_line moved = planner_line(item, line->quantity);
    struct event event = {
        .type = EVENT_DECREMENT, .line_count = 1, .lines = &moved, .customer = op->customer};
    return planner_event(p, &event, op);
}

/* --- from item to item -------------------------------------------------------------------------
 */

/* Refuses op if what it moves, or one more version of either item, passes what is written of it. */
static enum step check_transfer_room(struct planner *p, struct op *op)
{
    const struct op_line *from = &op->lines[0], *to = &op->lines[1];
    if (to->quantity > UNITS_MAX - item_on_hand(&view_item(p->view, to->slot)->now))
        return refuse_field(op, "quantity", "on_hand of the item it goes to would pass 2^53-1");
    enum step step = counter_check_version(p, op, from->slot);
    if (step != STEP_DONE || op->out.code != OUT_NONE)
        return step;
    step = counter_check_version(p, op, to->slot);
    if (op->out.code != OUT_NONE)
        op->out.field = "to";
    return step;
}

static enum step transfer(struct planner *p, struct op *op)
{
    const int64_t units = op->lines[0].quantity;
    struct view_item *from = view_item(p->view, op->lines[0].slot);
    struct view_item *to = view_item(p->view, op->lines[1].slot);
    from->now.available -= units;
    to->now.available += units;
    item_touch(p, from);
    item_touch(p, to);
    op->out.code = OUT_OK;
    op->out.id = op->id;
    op->out.quantity = units;
    op->out.sku = from->sku;
    op->out.remaining = from->now.available;
    op->out.version = from->now.version;
    op->out.to = (struct outcome_to){
        .sku = to->sku, .remaining = to->now.available, .version = to->now.version};
    struct event_line moved[] = {planner_line(from, units), planner_line(to, units)};
    struct event event = {
        .type = EVENT_TRANSFER, .line_count = 2, .lines = moved, .reason = op->reason};
    return planner_event(p, &event, op);
}

/* Units that are available change the item; what is held stays, and no customer has more or less
 * of either. */
enum step decide_transfer(struct planner *p, struct op *op)
{
    assert(op->line_count == 2 && op->lines[0].slot != op->lines[1].slot);
    enum step step = item_settle(p, op->lines[0].slot);
    if (step != STEP_DONE)
        return step;
    for (unsigned i = 0; i < op->line_count; i++) {
        const struct view_item *item = view_item(p->view, op->lines[i].slot);
        assert(item->known); /* plan_collect named it */
        if (!item->now.exists) {
            op->out.sku = item->sku;
            return refuse(op, OUT_ITEM_NOT_FOUND);
        }
    }
    step = check_stock(p, op, op->lines, 1);
    if (step == STEP_DONE && op->out.code == OUT_NONE)
        step = check_transfer_room(p, op);
    return step == STEP_DONE && op->out.code == OUT_NONE ? transfer(p, op) : step;
}

/* --- the item itself -------------------------------------------------------------------------- */

static bool condition_names(const struct op_condition *condition, const struct item *item)
{
    if (!item->exists)
        return false;
    for (unsigned i = 0; i < condition->count; i++)
        if (condition->versions[i] == item->version)
            return true;
    return condition->kind == PRE_ANY;
}

/* If-Match, then If-None-Match (RFC 9110 section 13.2.2). OUT_NONE: go on. */
static enum outcome_code check_conditions(struct op *op, const struct view_item *item)
{
    op->out.item = item->now;
    op->out.sku = item->sku;
    if (op->if_match.kind != PRE_NONE && !condition_names(&op->if_match, &item->now))
        return OUT_PRECONDITION_FAILED;
    if (op->if_none_match.kind != PRE_NONE && condition_names(&op->if_none_match, &item->now))
        return OUT_PRECONDITION_FAILED;
    return OUT_NONE;
}

static enum step item_event(struct planner *p, struct op *op, enum event_type type,
                            struct view_item *item, int64_t quantity)
{
    struct event_line line = planner_line(item, quantity < 0 ? -quantity : quantity);
    struct event event = {.type = type,
                          .line_count = 1,
                          .lines = &line,
                          .negative = quantity < 0,
                          .reason = op->reason,
                          .reference = op->reference};
    return planner_event(p, &event, op);
}

static enum step put_new(struct planner *p, struct op *op, struct view_item *item)
{
    if (!op->has_on_hand)
        return refuse_field(op, "on_hand", "is required to create an item");
    enum step step = counter_check_version(p, op, op->lines[0].slot);
    if (step != STEP_DONE || op->out.code != OUT_NONE)
        return step;
    item->now = (struct item){.exists = true,
                              .available = op->on_hand,
                              .version = item->now.version,
                              .max_per_customer = op->has_max ? op->max_per_customer : 0,
                              .due_exact = true};
    item_touch(p, item);
    op->out.code = OUT_CREATED;
    op->out.item = item->now;
    return item_event(p, op, EVENT_CREATE, item, op->on_hand);
}

enum step decide_put(struct planner *p, struct op *op)
{
    struct view_item *item = view_item(p->view, op->lines[0].slot);
    enum step step = item_settle(p, op->lines[0].slot);
    if (step != STEP_DONE)
        return step;
    enum outcome_code code = check_conditions(op, item);
    if (code != OUT_NONE)
        return refuse(op, code);
    if (!item->now.exists)
        return put_new(p, op, item);
    if (op->if_match.kind == PRE_NONE)
        return refuse(op, OUT_PRECONDITION_REQUIRED);
    if (op->has_on_hand && op->on_hand < item->now.held)
        return item_has_due(p, item) ? STEP_DEFER : refuse(op, OUT_BELOW_HELD);
    step = counter_check_version(p, op, op->lines[0].slot);
    if (step != STEP_DONE || op->out.code != OUT_NONE)
        return step;
    if (op->has_on_hand)
        item->now.available = op->on_hand - item->now.held;
    if (op->has_max)
        item->now.max_per_customer = op->max_per_customer;
    item_touch(p, item);
    op->out.code = OUT_OK;
    op->out.item = item->now;
    return item_event(p, op, EVENT_SET, item, item_on_hand(&item->now));
}

enum step decide_adjust(struct planner *p, struct op *op)
{
    struct op_line *line = &op->lines[0];
    struct view_item *item = view_item(p->view, line->slot);
    assert(item->known); /* plan_collect named it */
    op->out.sku = item->sku;
    if (op->delta < 0) {
        line->quantity = -op->delta;
        enum step step = item_settle(p, line->slot);
        if (step != STEP_DONE)
            return step;
        if (!item->now.exists)
            return refuse(op, OUT_ITEM_NOT_FOUND);
        step = check_stock(p, op, line, 1);
        if (step != STEP_DONE || op->out.code != OUT_NONE)
            return step;
    }
    if (!item->now.exists)
        return refuse(op, OUT_ITEM_NOT_FOUND);
    if (op->delta > UNITS_MAX - item_on_hand(&item->now))
        return refuse_field(op, "delta", "on_hand would pass 2^53-1");
    enum step room = counter_check_version(p, op, op->lines[0].slot);
    if (room != STEP_DONE || op->out.code != OUT_NONE)
        return room;
    item->now.available += op->delta;
    item_touch(p, item);
    op->out.code = OUT_OK;
    op->out.item = item->now;
    return item_event(p, op, EVENT_ADJUST, item, op->delta);
}

enum step decide_delete(struct planner *p, struct op *op)
{
    uint32_t slot = op->lines[0].slot;
    struct view_item *item = view_item(p->view, slot);
    enum step step = item_settle(p, slot);
    if (step != STEP_DONE)
        return step;
    op->out.sku = item->sku;
    op->out.item = item->now;
    if (!item->now.exists)
        return refuse(op,
                      op->if_match.kind != PRE_NONE ? OUT_PRECONDITION_FAILED : OUT_ITEM_NOT_FOUND);
    enum outcome_code code = check_conditions(op, item);
    if (code != OUT_NONE)
        return refuse(op, code);
    if (item->now.held > 0)
        return item_has_due(p, item) ? STEP_DEFER : refuse(op, OUT_ITEM_IN_USE);
    step = counter_check_version(p, op, op->lines[0].slot);
    if (step != STEP_DONE || op->out.code != OUT_NONE)
        return step;
    item->now = (struct item){.version = item->now.version, .due_exact = true};
    item_touch(p, item);
    /* max_per_customer counts since creation: the next item of this name starts at nothing. */
    item->wiped = true;
    for (uint32_t i = 0; i < p->view->customers.count; i++) {
        struct view_customer *c = view_customer(p->view, i);
        if (c->item == slot) {
            c->now = 0;
            c->dirty = true;
        }
    }
    op->out.code = OUT_NO_CONTENT;
    return item_event(p, op, EVENT_DELETE, item, 0);
}

enum step decide_sweep(struct planner *p, struct op *op)
{
    enum step step = item_settle(p, op->lines[0].slot);
    if (step == STEP_DONE)
        op->out.code = OUT_OK;
    return step;
}
