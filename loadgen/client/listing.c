#include "client/listing.h"
#include "client/load.h"
#include "history/reader.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

uint32_t listing_first(const struct listing *l, uint32_t items)
{
    uint32_t first = l->all ? 0 : l->prefix;
    return first < items ? first : LISTING_END;
}

uint32_t listing_next(const struct listing *l, uint32_t items, uint32_t item)
{
    uint64_t number = item;
    if (number > 0 && number * 10 < items) /* 0 is no beginning of another number */
        return (uint32_t)(number * 10);
    /* Up to where there is one more digit to try. */
    while (number % 10 == 9 || number + 1 >= items || (!l->all && number == l->prefix)) {
        if (number < 10 || (!l->all && number == l->prefix))
            return LISTING_END;
        number /= 10;
    }
    return (uint32_t)(number + 1);
}

static uint32_t start_of(const struct listing *l, uint32_t items)
{
    return l->after == LISTING_END ? listing_first(l, items) : listing_next(l, items, l->after);
}

static bool says_more(const struct answer *a)
{
    return !str_absent(a->next_cursor) && !str_equal(a->next_cursor, STR("null"));
}

bool listing_turn(struct listing *l, const struct history_facts *facts, const struct answer *a)
{
    struct str cursor = a->next_cursor;
    bool whole = says_more(a) && cursor.n > 2 && cursor.n <= sizeof(l->cursor) + 2 &&
                 cursor.p[0] == '"' && !memchr(cursor.p, '\\', cursor.n);
    int64_t last = a->lines > 0 ? load_item_of(facts, a->line[a->lines - 1].sku) : -1;
    if (!whole || last < 0)
        return false;
    l->after = (uint32_t)last;
    l->cursor_bytes = (uint8_t)(cursor.n - 2);
    memcpy(l->cursor, cursor.p + 1, cursor.n - 2);
    return true;
}

void listing_compare_limit(const struct history_facts *facts, uint32_t item, int64_t said,
                           char *says, size_t size)
{
    int64_t due = history_limit(facts, item);
    if (said != ANSWER_UNSAID && said != due)
        snprintf(says, size,
                 "says \"max_per_customer\":%" PRId64 " of %s%" PRIu32 ", created with %" PRId64
                 " (0: null)",
                 said, facts->prefix, item, due);
}

/* --- what is on the page --- */

struct page {
    const struct listing *l;
    const struct history_facts *facts;
    uint32_t due; /* the next that could be on it */
    char *says;
    size_t size;
};

static uint32_t next(const struct page *p, uint32_t item)
{
    return listing_next(p->l, p->facts->items, item);
}

/* Goes to `item`, or to the end: whatever lies between must be an item that may be gone. */
static void pass_to(struct page *p, uint32_t item)
{
    uint32_t left_out = LISTING_END;
    while (p->due != item && p->due != LISTING_END) {
        if (left_out == LISTING_END && !history_removable(p->facts, p->due))
            left_out = p->due;
        p->due = next(p, p->due);
    }
    if (left_out != LISTING_END)
        snprintf(p->says, p->size, "leaves out %s%" PRIu32, p->facts->prefix, left_out);
}

/* Whether it lies at `from` or behind it. */
static bool lies_ahead(const struct page *p, uint32_t from, uint32_t item)
{
    while (from != item && from != LISTING_END)
        from = next(p, from);
    return from == item;
}

static void take_place(struct page *p, const struct answer_line *said, unsigned place)
{
    int64_t item = load_item_of(p->facts, said->sku), left;
    bool whole = said->on_hand != ANSWER_UNSAID && said->held != ANSWER_UNSAID;
    if (item < 0 || !lies_ahead(p, p->due, (uint32_t)item)) {
        snprintf(p->says, p->size, "lists \"%.*s\" at place %u, where it is not due",
                 (int)(said->sku.n < 24 ? said->sku.n : 24), said->sku.p ? said->sku.p : "", place);
        return;
    }
    if (whole &&
        (__builtin_sub_overflow(said->on_hand, said->held, &left) || left != said->remaining))
        snprintf(p->says, p->size,
                 "lists \"available\":%" PRId64 " with \"on_hand\":%" PRId64
                 " and \"held\":%" PRId64,
                 said->remaining, said->on_hand, said->held);
    if (!p->says[0])
        listing_compare_limit(p->facts, (uint32_t)item, said->limit, p->says, p->size);
    if (!p->says[0])
        pass_to(p, (uint32_t)item);
    p->due = next(p, (uint32_t)item);
}

/* A page that is not full has shown all, or some of those that it was to show are gone. */
static void compare_end(struct page *p, const struct answer *a)
{
    uint32_t items = 0, possible = 0;
    if (!says_more(a)) {
        pass_to(p, LISTING_END);
        if (p->says[0])
            strncat(p->says, ", and has no \"next_cursor\"", p->size - strlen(p->says) - 1);
        return;
    }
    uint32_t start = start_of(p->l, p->facts->items), at = start;
    for (; at != LISTING_END && items <= p->l->limit; at = next(p, at))
        items++;
    if (items <= p->l->limit) {
        snprintf(p->says, p->size, "has a \"next_cursor\", and there are no more items");
        return;
    }
    /* Those between the listed ones, and those behind them up to one that cannot be gone. */
    for (at = start; at != LISTING_END && at != p->due; at = next(p, at))
        possible++;
    for (; at != LISTING_END && history_removable(p->facts, at); at = next(p, at))
        possible++;
    if (possible < p->l->limit)
        snprintf(p->says, p->size, "lists %u items, where %" PRIu32 " are due", a->lines,
                 p->l->limit);
}

void listing_compare(const struct listing *l, const struct history_facts *facts,
                     const struct answer *a, char *says, size_t size)
{
    struct page p = {l, facts, start_of(l, facts->items), says, size};
    says[0] = '\0';
    if (a->lines > l->limit)
        snprintf(says, size, "lists %u items, where %" PRIu32 " are the most", a->lines, l->limit);
    for (unsigned n = 0; n < a->lines && !says[0]; n++)
        take_place(&p, &a->line[n], n + 1);
    if (!says[0])
        compare_end(&p, a);
}
