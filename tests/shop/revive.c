/* revive.c -- see revive.h. */
#include "shop/revive.h"

#include "shop/limit.h"

#include <stdio.h>

/* What is taken is asked for as a reserve of it would be. */
static bool may_take(struct store *s, const struct hold *h, const int64_t *sold, struct answer *a)
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

void revive(struct store *s, struct hold *h, const int64_t *sold, struct answer *a)
{
    if (!may_take(s, h, sold, a))
        return;
    bool untaken = fault_fires(&s->faults, FAULT_REVIVES_UNTAKEN);
    for (unsigned i = 0; i < h->line_count; i++) {
        struct hold_line *line = &h->line[i];
        struct item_state was = line->item->now;
        line->expired_remaining = line->remaining;
        line->expired_version = line->version;
        line->quantity = sold[i];
        if (line->item->now.removed)
            continue; /* since, and nothing of it is taken again */
        if (!untaken)
            store_take(s, line->item, sold[i]);
        line->item->now.sold += sold[i];
        limit_give_back(line->share, -sold[i]);
        item_touch(line->item, &was, s->now_ms, &s->faults);
        hold_stamp(line);
    }
    h->line[0].expired_version += fault_fires(&s->faults, FAULT_SAYS_EXPIRED);
    h->state = HOLD_CONFIRMED;
    h->taken_again = true;
    answer_hold(a, 200, h);
}
