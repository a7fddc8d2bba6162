/* limit.c -- see limit.h. */
#include "shop/limit.h"

#include "shop/memory.h"

static struct share *share_of(struct item *item, const char *customer)
{
    for (struct share *share = item->shares; share; share = share->next)
        if (strcmp(share->customer, customer) == 0)
            return share;
    struct share *share = memory_zalloc(sizeof(*share));
    share->customer = memory_text(str_of(customer));
    share->next = item->shares;
    return item->shares = share;
}

static bool exceeds(struct item *item, const char *customer, int64_t units)
{
    return item->limit > 0 && share_of(item, customer)->used + units > item->limit;
}

static void refuse(const struct op *op, struct item *const *items, bool all, struct answer *a)
{
    const char *customer = json_string_value(op->customer);
    answer_overs_begin(a);
    for (unsigned i = 0; i < op->line_count; i++)
        if (exceeds(items[i], customer, op->line[i].quantity) || (all && items[i]->limit > 0))
            answer_over(a, items[i], op->line[i].quantity, share_of(items[i], customer)->used);
    answer_shorts_end(a);
}

bool limit_allows(struct store *s, const struct op *op, struct item *const *items, struct answer *a)
{
    const char *customer = json_string_value(op->customer);
    unsigned limited = 0, over = 0;
    for (unsigned i = 0; i < op->line_count; i++)
        limited += items[i]->limit > 0;
    if (limited > 0 && !customer) {
        answer_invalid(a, "customer");
        return false;
    }
    for (unsigned i = 0; limited > 0 && i < op->line_count; i++)
        over += exceeds(items[i], customer, op->line[i].quantity);
    bool allowed = over == 0 || fault_fires(&s->faults, FAULT_LIMIT_IGNORED);
    bool falsely = limited > 0 && over == 0 && fault_fires(&s->faults, FAULT_REFUSES_LIMIT);
    if (!allowed || falsely)
        refuse(op, items, falsely, a);
    return allowed && !falsely;
}

struct share *limit_take(struct store *s, const struct op *op, struct item *item, int64_t units)
{
    const char *customer = json_string_value(op->customer);
    if (!customer)
        return NULL;
    struct share *share = share_of(item, customer);
    if (item->limit > 0 && share->next && fault_fires(&s->faults, FAULT_LIMIT_OTHER))
        share = share->next;
    share->used += units;
    return share;
}

void limit_begin(struct store *s, struct item *item)
{
    for (struct share *share = item->shares; share; share = share->next)
        if (item->limit == 0 || share->used == 0 || !fault_fires(&s->faults, FAULT_LIMIT_SURVIVES))
            share->used = 0;
}

void limit_give_back(struct share *share, int64_t units)
{
    if (share)
        share->used = share->used > units ? share->used - units : 0;
}
