/* list.c -- see list.h. */
#include "shop/list.h"

#include "shop/memory.h"

/* The items that may be on the page, and one more: that there is one is said. */
struct page {
    const struct item *item[LIST_MAX + 1];
    unsigned count, room;
};

/* Puts it where it belongs; the last one leaves when there is no room. */
static void page_add(struct page *p, const struct item *item)
{
    unsigned at = p->count;
    while (at > 0 && strcmp(p->item[at - 1]->sku, item->sku) > 0)
        at--;
    if (at == p->room)
        return;
    unsigned last = p->count < p->room ? p->count++ : p->room - 1;
    memmove(&p->item[at + 1], &p->item[at], (last - at) * sizeof(p->item[0]));
    p->item[at] = item;
}

static void lie_about_page(struct store *s, struct page *p, bool further)
{
    if (further && p->count > 1 && fault_fires(&s->faults, FAULT_PAGE_SKIPS))
        memmove(&p->item[0], &p->item[1], --p->count * sizeof(p->item[0]));
    if (p->count > 1 && fault_fires(&s->faults, FAULT_LIST_SKIPS))
        memmove(&p->item[0], &p->item[1], --p->count * sizeof(p->item[0]));
    if (p->count > 1 && fault_fires(&s->faults, FAULT_LIST_ORDER)) {
        const struct item *first = p->item[0];
        p->item[0] = p->item[1];
        p->item[1] = first;
    }
}

static void put_page(struct store *s, const struct page *p, unsigned limit, struct answer *a)
{
    unsigned shown = p->count < limit ? p->count : limit;
    PUT(&a->body, "{\"items\":[");
    for (unsigned i = 0; i < shown; i++) {
        const struct stock *old = item_long_ago(p->item[i], INT64_MAX);
        bool stale = old && fault_fires(&s->faults, FAULT_LIST_STALE);
        if (i > 0)
            buf_putc(&a->body, ',');
        answer_put_item(&a->body, p->item[i], stale ? old : &p->item[i]->now);
    }
    PUT(&a->body, "],\"next_cursor\":");
    if (p->count > limit)
        answer_put_string(&a->body, p->item[limit - 1]->sku);
    else
        PUT(&a->body, "null");
    buf_putc(&a->body, '}');
}

/* Whether it may be on the page. */
static bool is_listed(struct store *s, const struct item *item, const char *prefix,
                      const char *cursor, bool repeats)
{
    if (!item || item->gone || (prefix && strncmp(item->sku, prefix, strlen(prefix)) != 0))
        return false;
    int order = cursor ? strcmp(item->sku, cursor) : 1;
    if (order < 0 || (order == 0 && !repeats))
        return false;
    return !item->now.removed || fault_fires(&s->faults, FAULT_LIST_REMOVED);
}

void list_items(struct store *s, const char *prefix, const char *cursor, unsigned limit,
                struct answer *a)
{
    struct page page = {.room = limit + 1};
    bool further = cursor != NULL;
    bool repeats = further && fault_fires(&s->faults, FAULT_PAGE_REPEATS);
    if (further && fault_fires(&s->faults, FAULT_PAGE_RESTARTS))
        cursor = NULL;
    for (size_t i = 0; i < s->items.room; i++) {
        const struct item *item = s->items.slot[i].value;
        if (is_listed(s, item, prefix, cursor, repeats))
            page_add(&page, item);
    }
    lie_about_page(s, &page, further);
    answer_reset(a);
    a->status = 200;
    put_page(s, &page, limit, a);
}
