/* decide_counter.c -- no counter passes what is written of it: in answers, in the stream, in SQL.
 */
#include "core/decide.h"
#include "core/tenant.h"

#include <assert.h>
#include <stdio.h>

#define WHY_SIZE (SKU_MAX_BYTES + 64)

/* --- customers -------------------------------------------------------------------------------- */

struct view_customer *customer_of(struct planner *p, uint32_t item, struct str customer)
{
    if (str_absent(customer))
        return NULL;
    uint32_t slot = view_add_customer(p->view, item, customer);
    return slot == VIEW_NONE ? NULL : view_customer(p->view, slot);
}

void customer_add(struct planner *p, uint32_t item, struct str customer, int64_t units)
{
    struct view_customer *c = customer_of(p, item, customer);
    if (!c || units == 0)
        return;
    assert(c->known);
    c->now += units;
    /* A hold from before the item was deleted and made again was never counted on the new one. */
    if (c->now < 0)
        c->now = 0;
    c->dirty = true;
}

/* --- room ------------------------------------------------------------------------------------- */

/* Names the member of the request that is about the item; a confirm that names none could have. */
static void name_field(struct op *op, struct str sku, const char *member)
{
    op->out.field = op->kind == OP_CONFIRM ? "lines" : member;
    for (unsigned i = 0; op->has_lines && i < op->line_count; i++) {
        if (!str_equal(op->lines[i].sku, sku))
            continue;
        op->out.field = member;
        op->out.field_line = (int)op->lines[i].index;
    }
}

static enum step refuse_counter(struct planner *p, struct op *op, struct str sku,
                                const char *member, const char *what)
{
    char *why = arena_alloc(p->view->arena, WHY_SIZE);
    if (!why)
        return STEP_NO_MEMORY;
    snprintf(why, WHY_SIZE, "%.*s: %s", STR_ARG(tenant_outer(sku, TENANT_MARK_ITEM)), what);
    name_field(op, sku, member);
    op->out.why = why;
    return refuse(op, OUT_INVALID);
}

enum step counter_check(struct planner *p, struct op *op, const struct counter_use *use)
{
    const struct view_item *item = view_item(p->view, use->item);
    const struct view_customer *c =
        use->takes > 0 ? customer_of(p, use->item, use->customer) : NULL;
    if (use->sells > UNITS_MAX - item->now.sold)
        return refuse_counter(p, op, item->sku, "quantity", "sold would pass 2^53-1");
    assert(!c || c->known);
    if (c && use->takes > UNITS_MAX - c->now)
        return refuse_counter(p, op, item->sku, "quantity",
                              "what the customer holds and bought would pass 2^53-1");
    if (!use->ends_hold && item->now.version >= UNITS_MAX - VERSIONS_SPARE)
        return refuse_counter(p, op, item->sku, "sku", "the version would pass 2^53-2^40");
    return p->view->out_of_memory ? STEP_NO_MEMORY : STEP_DONE;
}

enum step counter_check_take(struct planner *p, struct op *op, const struct op_line *lines,
                             unsigned count, struct str customer, bool sells)
{
    enum step step = STEP_DONE;
    for (unsigned i = 0; i < count && step == STEP_DONE && op->out.code == OUT_NONE; i++) {
        struct counter_use use = {.item = lines[i].slot,
                                  .sells = sells ? lines[i].quantity : 0,
                                  .takes = lines[i].quantity,
                                  .customer = customer};
        step = counter_check(p, op, &use);
    }
    return step;
}

enum step counter_check_version(struct planner *p, struct op *op, uint32_t item)
{
    return counter_check(p, op, &(struct counter_use){.item = item});
}
