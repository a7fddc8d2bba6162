/* restore.c -- the store loses its memory and is rebuilt. */
#include "shop/limit.h"
#include "shop/memory.h"
#include "shop/record.h"

#define RESTORE_STEP   (UINT64_C(1) << 20)
#define RESTORE_BEHIND 50 /* FAULT_RESTORE_LOSES: operations that the ledger does not have yet */

static size_t hold_bytes(const struct hold *h)
{
    return sizeof(*h) + h->line_count * sizeof(h->line[0]);
}

static void keep_item(struct store *s, void *value)
{
    struct item *item = value;
    item->kept = item->now;
    for (struct share *share = item->shares; share; share = share->next)
        share->kept = share->used;
}

static void keep_hold(struct store *s, void *value)
{
    struct hold *h = value;
    struct hold *copy = memory_zalloc(hold_bytes(h));
    free(h->kept);
    h->kept = NULL;
    memcpy(copy, h, hold_bytes(h));
    h->kept = copy;
}

static void keep_record(struct store *s, void *value)
{
    struct record *record = value;
    record->kept = true;
}

static void take_back_item(struct store *s, void *value)
{
    struct item *item = value;
    item->now = item->kept;
    for (struct share *share = item->shares; share; share = share->next)
        share->used = share->kept;
    item->gone |= item->kept.version == 0;
}

static void take_back_hold(struct store *s, void *value)
{
    struct hold *h = value;
    struct hold *kept = h->kept;
    if (!kept) {
        h->gone = true;
        return;
    }
    memcpy(h, kept, hold_bytes(h));
    h->kept = kept;
    if (h->state == HOLD_HELD)
        deadlines_add(&s->deadlines, h);
}

static void take_back_record(struct store *s, void *value)
{
    struct record *record = value;
    record->gone |= !record->kept;
}

static void raise_version(struct store *s, void *value)
{
    struct item *item = value;
    item->now.version += RESTORE_STEP;
}

static void each(struct store *s, const struct table *t, void (*visit)(struct store *, void *))
{
    for (size_t i = 0; i < t->room; i++)
        if (!str_absent(t->slot[i].key))
            visit(s, t->slot[i].value);
}

static void keep(struct store *s)
{
    each(s, &s->items, keep_item);
    each(s, &s->holds, keep_hold);
    each(s, &s->records, keep_record);
}

static void take_back(struct store *s)
{
    each(s, &s->items, take_back_item);
    each(s, &s->holds, take_back_hold);
    each(s, &s->records, take_back_record);
}

void restore_when_due(struct store *s)
{
    struct fault_plan *plan = &s->faults;
    if (plan->fault == FAULT_RESTORE_LOSES && (plan->seen + RESTORE_BEHIND) % plan->every == 0)
        keep(s);
    bool loses = fault_fires(plan, FAULT_RESTORE_LOSES);
    bool unsaid = fault_fires(plan, FAULT_RESTORE_UNSAID);
    if (!fault_fires(plan, FAULT_RESTORE) && !loses && !unsaid)
        return;
    if (loses)
        take_back(s);
    each(s, &s->items, raise_version);
    s->restores += !unsaid;
}
