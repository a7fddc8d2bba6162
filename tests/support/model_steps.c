/* model_steps.c -- see model_steps.h. */
#include "support/model_steps.h"

#include <assert.h>
#include <stdlib.h>

/* --- transitions ------------------------------------------------------------------------------ */

struct model_event *naive_happened(struct model *m, enum event_type type)
{
    assert(m->event_count < MODEL_EVENTS);
    struct model_event *event = &m->events[m->event_count++];
    *event = (struct model_event){.type = type};
    return event;
}

void naive_happened_to(struct model *m, struct model_event *event, int item, int64_t quantity)
{
    unsigned n = event->line_count++;
    const struct model_item *it = &m->items[item];
    event->lines[n] =
        (struct model_line){.item = item, .quantity = quantity, .version = it->version};
    event->available[n] = it->available;
    event->held[n] = it->held;
    event->sold[n] = it->sold;
}

void naive_happened_to_resv(struct model *m, enum event_type type, const struct model_resv *r)
{
    struct model_event *event = naive_happened(m, type);
    event->has_rid = true;
    event->id = r->id;
    if (type == EVENT_RESERVE || type == EVENT_EXTEND)
        event->expires_ms = r->expires_ms;
    for (unsigned i = 0; i < r->line_count; i++)
        if (m->items[r->lines[i].item].exists)
            naive_happened_to(m, event, r->lines[i].item, r->lines[i].quantity);
}

void naive_use(struct model_item *item, int customer, int64_t units)
{
    if (customer >= 0)
        item->used[customer] += units;
}

void naive_end(struct model *m, struct model_resv *r, enum reservation_state state,
               const int64_t *sells)
{
    assert(r->state == RESERVATION_HELD);
    for (unsigned i = 0; i < r->line_count; i++) {
        struct model_line *line = &r->lines[i];
        struct model_item *item = &m->items[line->item];
        int64_t sold = sells ? sells[i] : 0;
        item->held -= line->reserved;
        item->sold += sold;
        item->available += line->reserved - sold;
        item->version++;
        naive_use(item, r->customer, sold - line->reserved);
        line->remaining = item->available;
        line->version = item->version;
        line->quantity = sells ? sold : line->reserved;
    }
    r->state = state;
    r->ended_ms = m->now_ms;
    r->unheld_batch = m->batch;
}

static bool is_due(const struct model *m, const struct model_resv *r)
{
    return r->state == RESERVATION_HELD && r->expires_ms <= m->now_ms;
}

void naive_expire(struct model *m, struct model_resv *r)
{
    if (!is_due(m, r))
        return;
    naive_end(m, r, RESERVATION_EXPIRED, NULL);
    naive_happened_to_resv(m, EVENT_EXPIRE, r);
}

static bool concerns(const struct model_resv *r, int item)
{
    for (unsigned i = 0; i < r->line_count; i++)
        if (r->lines[i].item == item)
            return true;
    return false;
}

static bool more_due(const struct model *m, int item)
{
    for (size_t i = 0; i < m->resv_count; i++)
        if (is_due(m, &m->resvs[i]) && concerns(&m->resvs[i], item))
            return true;
    return false;
}

static int by_deadline(const void *a, const void *b)
{
    const struct model_resv *x = *(struct model_resv *const *)a;
    const struct model_resv *y = *(struct model_resv *const *)b;
    if (x->expires_ms != y->expires_ms)
        return x->expires_ms < y->expires_ms ? -1 : 1;
    return memcmp(x->id.b, y->id.b, RID_BYTES);
}

void naive_settle(struct model *m, int item)
{
    static struct model_resv **list;
    static size_t cap;
    size_t n = 0;
    if (m->items[item].settled)
        return;
    if (cap < m->resv_count) {
        cap = 2 * m->resv_count;
        list = realloc(list, cap * sizeof(*list));
        assert(list);
    }
    for (size_t i = 0; i < m->resv_count; i++) {
        struct model_resv *r = &m->resvs[i];
        bool was_held = r->state == RESERVATION_HELD || r->unheld_batch == m->batch;
        if (was_held && r->expires_ms <= m->now_ms && concerns(r, item))
            list[n++] = r;
    }
    if (n > 0)
        qsort(list, n, sizeof(*list), by_deadline);
    m->items[item].settled = true;
    m->items[item].dues = (unsigned)n;
    for (size_t i = 0; i < n && i < VIEW_DUE_MAX; i++)
        naive_expire(m, list[i]);
}

bool naive_waits(const struct model *m, int item, bool deferred, struct model_answer *a)
{
    if (!m->items[item].settled || m->items[item].dues < VIEW_DUE_MAX)
        return false;
    if (deferred) {
        a->code = OUT_NONE;
        a->wrong = NULL;
        return true;
    }
    if (m->items[item].dues == VIEW_DUE_MAX || !more_due(m, item))
        return false;
    a->wrong = "refused although more was due";
    return true;
}

/* --- what may not be taken -------------------------------------------------------------------- */

enum outcome_code naive_invalid(struct model_answer *a, const char *field)
{
    a->field = field;
    return a->code = OUT_INVALID;
}

static int64_t earliest(const struct model *m, int item)
{
    int64_t best = 0;
    for (size_t i = 0; i < m->resv_count; i++)
        if (m->resvs[i].state == RESERVATION_HELD && concerns(&m->resvs[i], item) &&
            (best == 0 || m->resvs[i].expires_ms < best))
            best = m->resvs[i].expires_ms;
    return best;
}

bool naive_lacks_stock(struct model *m, const struct model_line *lines, unsigned n, bool deferred,
                       struct model_answer *a)
{
    for (unsigned i = 0; i < n; i++) {
        const struct model_item *item = &m->items[lines[i].item];
        if (item->available >= lines[i].quantity)
            continue;
        if (naive_waits(m, lines[i].item, deferred, a))
            return true;
        a->shorts[a->short_count++] = (struct model_short){.item = lines[i].item,
                                                           .requested = lines[i].quantity,
                                                           .available = item->available,
                                                           .version = item->version};
        int64_t at = earliest(m, lines[i].item);
        if (at > 0 && (a->earliest_ms == 0 || at < a->earliest_ms))
            a->earliest_ms = at;
    }
    if (a->short_count > 0)
        a->code = OUT_INSUFFICIENT_STOCK;
    return a->short_count > 0;
}

static bool passes_limit(struct model *m, const struct model_line *lines, unsigned n, int customer,
                         bool deferred, struct model_answer *a)
{
    for (unsigned i = 0; i < n; i++) {
        const struct model_item *item = &m->items[lines[i].item];
        if (item->max == 0)
            continue;
        if (customer < 0) {
            naive_invalid(a, "customer");
            return true;
        }
        if (item->used[customer] + lines[i].quantity <= item->max)
            continue;
        if (naive_waits(m, lines[i].item, deferred, a))
            return true;
        a->shorts[a->short_count++] = (struct model_short){.item = lines[i].item,
                                                           .requested = lines[i].quantity,
                                                           .available = item->available,
                                                           .limit = item->max,
                                                           .used = item->used[customer],
                                                           .version = item->version};
    }
    if (a->short_count > 0)
        a->code = OUT_LIMIT_EXCEEDED;
    return a->short_count > 0;
}

bool naive_may_not_take(struct model *m, const struct model_line *lines, unsigned n, int customer,
                        bool deferred, struct model_answer *a)
{
    for (unsigned i = 0; i < n; i++)
        naive_settle(m, lines[i].item);
    for (unsigned i = 0; i < n; i++)
        if (!m->items[lines[i].item].exists) {
            a->code = OUT_ITEM_NOT_FOUND;
            a->item = lines[i].item;
            return true;
        }
    return passes_limit(m, lines, n, customer, deferred, a) ||
           naive_lacks_stock(m, lines, n, deferred, a);
}

unsigned naive_lines_of(const struct op *op, struct model_line *lines)
{
    for (unsigned i = 0; i < op->line_count; i++)
        lines[i] = (struct model_line){.item = model_item_of(op->lines[i].sku),
                                       .quantity = op->lines[i].quantity,
                                       .reserved = op->lines[i].quantity};
    return op->line_count;
}

bool naive_no_room(struct model *m, int i, int64_t sells, int64_t takes, int customer,
                   struct model_answer *a)
{
    const struct model_item *item = &m->items[i];
    if (item->sold + sells > NAIVE_MOST ||
        (customer >= 0 && item->used[customer] + takes > NAIVE_MOST))
        a->field = "quantity";
    else if (item->version + (INT64_C(1) << 40) >= NAIVE_MOST)
        a->field = "sku";
    else
        return false;
    a->code = OUT_INVALID;
    return true;
}

bool naive_no_room_for(struct model *m, const struct model_line *lines, unsigned n, int customer,
                       bool sells, struct model_answer *a)
{
    for (unsigned i = 0; i < n; i++)
        if (naive_no_room(m, lines[i].item, sells ? lines[i].quantity : 0, lines[i].quantity,
                          customer, a))
            return true;
    return false;
}
