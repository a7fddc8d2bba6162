#include "support/model.h"

#include <assert.h>
#include <stdlib.h>

void model_init(struct model *m, const struct plan_limits *limits)
{
    *m = (struct model){.limits = *limits};
    m->events = calloc(MODEL_EVENTS, sizeof(*m->events));
    assert(m->events);
}

void model_free(struct model *m)
{
    free(m->events);
    free(m->resvs);
    free(m->tags);
}

void model_batch(struct model *m, int64_t now_ms)
{
    m->now_ms = now_ms;
    m->batch++;
    m->event_count = 0;
    for (int i = 0; i < MODEL_ITEMS; i++)
        m->items[i].settled = false;
}

int model_item_of(struct str sku)
{
    return sku.n == 2 && sku.p[0] == 'i' && sku.p[1] >= '0' && sku.p[1] < '0' + MODEL_ITEMS
               ? sku.p[1] - '0'
               : -1;
}

int model_customer_of(struct str customer)
{
    return str_absent(customer) ? -1 : customer.p[1] - '0';
}

static uint64_t tag_of(const struct rid *id)
{
    uint64_t tag;
    memcpy(&tag, id->b + RID_BYTES - 8, 8);
    return tag;
}

struct model_resv *model_find(struct model *m, const struct rid *id)
{
    uint64_t tag = tag_of(id);
    for (size_t i = m->resv_count; i-- > 0;)
        if (m->tags[i] == tag && rid_equal(&m->resvs[i].id, id))
            return &m->resvs[i];
    return NULL;
}

static struct model_resv *add(struct model *m)
{
    if (m->resv_count == m->resv_cap) {
        m->resv_cap = m->resv_cap ? 2 * m->resv_cap : 256;
        m->resvs = realloc(m->resvs, m->resv_cap * sizeof(*m->resvs));
        m->tags = realloc(m->tags, m->resv_cap * sizeof(*m->tags));
        assert(m->resvs && m->tags);
    }
    return &m->resvs[m->resv_count++];
}

void model_drop(struct model *m, int64_t before_ms, void (*gone)(void *, const struct rid *),
                void *user)
{
    size_t kept = 0;
    for (size_t i = 0; i < m->resv_count; i++) {
        if (m->resvs[i].state != RESERVATION_HELD && m->resvs[i].ended_ms < before_ms) {
            gone(user, &m->resvs[i].id);
            continue;
        }
        m->tags[kept] = m->tags[i];
        m->resvs[kept++] = m->resvs[i];
    }
    m->resv_count = kept;
}

void model_drop_oldest_key(struct model *m)
{
    assert(m->key_count > 0);
    memmove(m->keys, m->keys + 1, --m->key_count * sizeof(*m->keys));
}

/* --- transitions ------------------------------------------------------------------------------ */

static struct model_event *happened(struct model *m, enum event_type type)
{
    assert(m->event_count < MODEL_EVENTS);
    struct model_event *event = &m->events[m->event_count++];
    *event = (struct model_event){.type = type};
    return event;
}

static void happened_to(struct model *m, struct model_event *event, int item, int64_t quantity)
{
    unsigned n = event->line_count++;
    const struct model_item *it = &m->items[item];
    event->lines[n] =
        (struct model_line){.item = item, .quantity = quantity, .version = it->version};
    event->available[n] = it->available;
    event->held[n] = it->held;
    event->sold[n] = it->sold;
}

static void happened_to_resv(struct model *m, enum event_type type, const struct model_resv *r)
{
    struct model_event *event = happened(m, type);
    event->has_rid = true;
    event->id = r->id;
    if (type == EVENT_RESERVE || type == EVENT_EXTEND)
        event->expires_ms = r->expires_ms;
    for (unsigned i = 0; i < r->line_count; i++)
        if (m->items[r->lines[i].item].exists)
            happened_to(m, event, r->lines[i].item, r->lines[i].quantity);
}

static void use(struct model_item *item, int customer, int64_t units)
{
    if (customer >= 0)
        item->used[customer] += units;
}

/* The hold ends; line i sells sells[i] of its units, none if NULL. */
static void end(struct model *m, struct model_resv *r, enum reservation_state state,
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
        use(item, r->customer, sold - line->reserved);
        line->remaining = item->available;
        line->version = item->version;
        line->quantity = sells ? sold : line->reserved;
    }
    r->state = state;
    r->ended_ms = m->now_ms;
    r->unheld_batch = m->batch;
}

static void expire(struct model *m, struct model_resv *r)
{
    end(m, r, RESERVATION_EXPIRED, NULL);
    happened_to_resv(m, EVENT_EXPIRE, r);
}

static bool is_due(const struct model *m, const struct model_resv *r)
{
    return r->state == RESERVATION_HELD && r->expires_ms <= m->now_ms;
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

/* Gives back what is due on the item: of what the batch found at its begin, a hold that has ended
 * since included, the first VIEW_DUE_MAX. */
static void settle(struct model *m, int item)
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
        if (is_due(m, list[i]))
            expire(m, list[i]);
}

/* An operation is about to be refused for want of something that a due hold of the item could
 * bring back. True: it is deferred, or `wrong` says that the code should have done so. */
static bool waits(const struct model *m, int item, bool deferred, struct model_answer *a)
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

/* --- taking units ----------------------------------------------------------------------------- */

static void invalid(struct model_answer *a, const char *field)
{
    a->code = OUT_INVALID;
    a->field = field;
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

/* True: refused (or deferred) for want of stock. */
static bool lacks_stock(struct model *m, const struct model_line *lines, unsigned n, bool deferred,
                        struct model_answer *a)
{
    for (unsigned i = 0; i < n; i++) {
        const struct model_item *item = &m->items[lines[i].item];
        if (item->available >= lines[i].quantity)
            continue;
        if (waits(m, lines[i].item, deferred, a))
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
            invalid(a, "customer");
            return true;
        }
        if (item->used[customer] + lines[i].quantity <= item->max)
            continue;
        if (waits(m, lines[i].item, deferred, a))
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

/* 404, then limit, then stock; true: it may not be. */
static bool may_not_take(struct model *m, const struct model_line *lines, unsigned n, int customer,
                         bool deferred, struct model_answer *a)
{
    for (unsigned i = 0; i < n; i++)
        settle(m, lines[i].item);
    for (unsigned i = 0; i < n; i++)
        if (!m->items[lines[i].item].exists) {
            a->code = OUT_ITEM_NOT_FOUND;
            a->item = lines[i].item;
            return true;
        }
    return passes_limit(m, lines, n, customer, deferred, a) ||
           lacks_stock(m, lines, n, deferred, a);
}

static unsigned lines_of(const struct op *op, struct model_line *lines)
{
    for (unsigned i = 0; i < op->line_count; i++)
        lines[i] = (struct model_line){.item = model_item_of(op->lines[i].sku),
                                       .quantity = op->lines[i].quantity,
                                       .reserved = op->lines[i].quantity};
    return op->line_count;
}

/* An operation whose effect would push a counter past 2^53-1 is refused; 2^40 versions are kept for
 * the ends of holds. True: refused. */
static bool no_room(struct model *m, int i, int64_t sells, int64_t takes, int customer,
                    struct model_answer *a)
{
    const int64_t most = (INT64_C(1) << 53) - 1;
    const struct model_item *item = &m->items[i];
    if (item->sold + sells > most || (customer >= 0 && item->used[customer] + takes > most))
        a->field = "quantity";
    else if (item->version + (INT64_C(1) << 40) >= most)
        a->field = "sku";
    else
        return false;
    a->code = OUT_INVALID;
    return true;
}

static bool no_room_for(struct model *m, const struct model_line *lines, unsigned n, int customer,
                        bool sells, struct model_answer *a)
{
    for (unsigned i = 0; i < n; i++)
        if (no_room(m, lines[i].item, sells ? lines[i].quantity : 0, lines[i].quantity, customer,
                    a))
            return true;
    return false;
}

static void decrement(struct model *m, const struct op *op, bool deferred, struct model_answer *a)
{
    struct model_line line;
    int customer = model_customer_of(op->customer);
    lines_of(op, &line);
    if (may_not_take(m, &line, 1, customer, deferred, a) ||
        no_room_for(m, &line, 1, customer, true, a))
        return;
    struct model_item *item = &m->items[line.item];
    item->available -= line.quantity;
    item->sold += line.quantity;
    item->version++;
    use(item, customer, line.quantity);
    a->code = OUT_OK;
    a->item = line.item;
    a->quantity = line.quantity;
    a->remaining = item->available;
    a->version = item->version;
    assert(op->id.n < sizeof(a->id));
    memcpy(a->id, op->id.p, op->id.n);
    happened_to(m, happened(m, EVENT_DECREMENT), line.item, line.quantity);
}

static void reserve(struct model *m, const struct op *op, bool deferred, struct model_answer *a)
{
    struct model_resv r = {.id = op->rid, .customer = model_customer_of(op->customer)};
    r.line_count = lines_of(op, r.lines);
    if (may_not_take(m, r.lines, r.line_count, r.customer, deferred, a) ||
        no_room_for(m, r.lines, r.line_count, r.customer, false, a))
        return;
    r.created_ms = m->now_ms;
    r.expires_ms = m->now_ms + op->ttl_ms;
    /* The first three bytes of an id: the deadline in units of 2^20 ms. */
    r.id.b[0] = (uint8_t)(r.expires_ms / 1048576 / 65536);
    r.id.b[1] = (uint8_t)(r.expires_ms / 1048576 / 256);
    r.id.b[2] = (uint8_t)(r.expires_ms / 1048576);
    for (unsigned i = 0; i < r.line_count; i++) {
        struct model_item *item = &m->items[r.lines[i].item];
        item->available -= r.lines[i].quantity;
        item->held += r.lines[i].quantity;
        item->version++;
        use(item, r.customer, r.lines[i].quantity);
        r.lines[i].remaining = item->available;
        r.lines[i].version = item->version;
    }
    *add(m) = r;
    m->tags[m->resv_count - 1] = tag_of(&r.id);
    happened_to_resv(m, EVENT_RESERVE, &r);
    a->code = OUT_CREATED;
    a->resv = r;
}

/* --- reservations ----------------------------------------------------------------------------- */

/* Which of its units the confirm sells. False: it names what is not there. */
static bool sells_of(const struct op *op, const struct model_resv *r, int64_t *sells)
{
    for (unsigned i = 0; i < r->line_count; i++)
        sells[i] = op->has_lines ? 0 : r->lines[i].reserved;
    for (unsigned l = 0; l < op->line_count; l++) {
        bool there = false;
        for (unsigned i = 0; i < r->line_count; i++) {
            if (r->lines[i].item != model_item_of(op->lines[l].sku))
                continue;
            there = op->lines[l].quantity <= r->lines[i].reserved;
            sells[i] = op->lines[l].quantity;
        }
        if (!there)
            return false;
    }
    return true;
}

static void rereserve(struct model *m, struct model_resv *r, const int64_t *sells, bool deferred,
                      struct model_answer *a)
{
    struct model_line lines[MODEL_LINES];
    unsigned n = 0;
    for (unsigned i = 0; i < r->line_count; i++)
        if (sells[i] > 0)
            lines[n++] = (struct model_line){.item = r->lines[i].item, .quantity = sells[i]};
    if (may_not_take(m, lines, n, r->customer, deferred, a))
        return;
    if (no_room_for(m, lines, n, r->customer, true, a)) {
        a->field = NULL; /* which member asked for it depends on the request */
        return;
    }
    for (unsigned i = 0; i < r->line_count; i++) {
        struct model_line *line = &r->lines[i];
        struct model_item *item = &m->items[line->item];
        line->expired_remaining = line->remaining;
        line->expired_version = line->version;
        line->quantity = sells[i];
        if (!item->exists)
            continue;
        item->available -= sells[i];
        item->sold += sells[i];
        item->version++;
        use(item, r->customer, sells[i]);
        line->remaining = item->available;
        line->version = item->version;
    }
    r->state = RESERVATION_CONFIRMED;
    r->rereserved = true;
    r->ended_ms = m->now_ms;
    happened_to_resv(m, EVENT_CONFIRM, r);
    a->code = OUT_OK;
    a->resv = *r;
}

static void answer_state(const struct model_resv *r, struct model_answer *a)
{
    a->code = r->state == RESERVATION_EXPIRED    ? OUT_RESERVATION_EXPIRED
              : r->state == RESERVATION_RELEASED ? OUT_RESERVATION_RELEASED
                                                 : OUT_RESERVATION_CONFIRMED;
    a->resv = *r;
}

static void answer_again(const struct model_resv *r, struct model_answer *a)
{
    a->code = OUT_OK;
    a->replayed = true;
    a->resv = *r;
}

static void confirm(struct model *m, const struct op *op, struct model_resv *r, bool deferred,
                    struct model_answer *a)
{
    int64_t sells[MODEL_LINES];
    if (!sells_of(op, r, sells)) {
        a->code = OUT_INVALID;
        return;
    }
    if (is_due(m, r))
        expire(m, r);
    for (unsigned i = 0; i < r->line_count && r->state == RESERVATION_HELD; i++)
        if (m->items[r->lines[i].item].sold + sells[i] > (INT64_C(1) << 53) - 1) {
            a->code = OUT_INVALID;
            return;
        }
    if (r->state == RESERVATION_HELD) {
        end(m, r, RESERVATION_CONFIRMED, sells);
        happened_to_resv(m, EVENT_CONFIRM, r);
        a->code = OUT_OK;
        a->resv = *r;
    } else if (r->state == RESERVATION_EXPIRED && op->rereserve) {
        rereserve(m, r, sells, deferred, a);
    } else if (r->state == RESERVATION_CONFIRMED) {
        bool same = true;
        for (unsigned i = 0; i < r->line_count; i++)
            same = same && sells[i] == r->lines[i].quantity;
        if (same)
            answer_again(r, a);
        else
            answer_state(r, a);
    } else {
        answer_state(r, a);
    }
}

static void release(struct model *m, struct model_resv *r, struct model_answer *a)
{
    if (is_due(m, r))
        expire(m, r);
    if (r->state == RESERVATION_RELEASED) {
        answer_again(r, a);
    } else if (r->state == RESERVATION_HELD) {
        end(m, r, RESERVATION_RELEASED, NULL);
        happened_to_resv(m, EVENT_RELEASE, r);
        a->code = OUT_OK;
        a->resv = *r;
    } else {
        answer_state(r, a);
    }
}

static void extend(struct model *m, const struct op *op, struct model_resv *r,
                   struct model_answer *a)
{
    if (is_due(m, r))
        expire(m, r);
    if (r->state != RESERVATION_HELD) {
        answer_state(r, a);
        return;
    }
    int64_t deadline = m->now_ms + op->ttl_ms;
    if (deadline - r->created_ms > m->limits.max_hold_ms) {
        invalid(a, "ttl_seconds");
        return;
    }
    for (unsigned i = 0; i < r->line_count; i++)
        if (no_room(m, r->lines[i].item, 0, 0, -1, a))
            return;
    r->expires_ms = deadline < r->created_ms ? r->created_ms : deadline;
    for (unsigned i = 0; i < r->line_count; i++) {
        struct model_item *item = &m->items[r->lines[i].item];
        r->lines[i].remaining = item->available;
        r->lines[i].version = ++item->version;
    }
    happened_to_resv(m, EVENT_EXTEND, r);
    a->code = OUT_OK;
    a->resv = *r;
}

static void of_reservation(struct model *m, const struct op *op, bool deferred,
                           struct model_answer *a)
{
    struct model_resv *r = model_find(m, &op->rid);
    if (!r || (r->state != RESERVATION_HELD &&
               m->now_ms - r->ended_ms >= m->limits.reservation_retention_ms)) {
        a->code = OUT_RESERVATION_NOT_FOUND;
        return;
    }
    switch (op->kind) {
    case OP_CONFIRM: confirm(m, op, r, deferred, a); break;
    case OP_RELEASE: release(m, r, a); break;
    case OP_EXTEND: extend(m, op, r, a); break;
    default: a->code = OUT_OK; a->resv = *r;
    }
}

/* --- items ------------------------------------------------------------------------------------ */

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

static void create(struct model *m, const struct op *op, int i, struct model_answer *a)
{
    struct model_item *item = &m->items[i];
    if (!op->has_on_hand) {
        invalid(a, "on_hand");
        return;
    }
    if (no_room(m, i, 0, 0, -1, a))
        return;
    int64_t version = item->version + 1;
    bool settled = item->settled;
    unsigned dues = item->dues;
    *item = (struct model_item){.exists = true,
                                .available = op->on_hand,
                                .received = op->on_hand,
                                .max = op->has_max ? op->max_per_customer : 0,
                                .version = version,
                                .settled = settled,
                                .dues = dues};
    a->code = OUT_CREATED;
    a->counters = *item;
    happened_to(m, happened(m, EVENT_CREATE), i, op->on_hand);
}

static void put(struct model *m, const struct op *op, bool deferred, struct model_answer *a)
{
    int i = model_item_of(op->lines[0].sku);
    struct model_item *item = &m->items[i];
    settle(m, i);
    a->item = i;
    if (failed_precondition(op, item)) {
        a->code = OUT_PRECONDITION_FAILED;
        return;
    }
    if (!item->exists) {
        create(m, op, i, a);
        return;
    }
    if (op->if_match.kind == PRE_NONE) {
        a->code = OUT_PRECONDITION_REQUIRED;
        return;
    }
    if (op->has_on_hand && op->on_hand < item->held) {
        if (!waits(m, i, deferred, a))
            a->code = OUT_BELOW_HELD;
        return;
    }
    if (no_room(m, i, 0, 0, -1, a))
        return;
    if (op->has_on_hand) {
        item->received += op->on_hand - item->held - item->available;
        item->available = op->on_hand - item->held;
    }
    if (op->has_max)
        item->max = op->max_per_customer;
    item->version++;
    a->code = OUT_OK;
    a->counters = *item;
    happened_to(m, happened(m, EVENT_SET), i, item->available + item->held);
}

static void adjust(struct model *m, const struct op *op, bool deferred, struct model_answer *a)
{
    struct model_line line = {.item = model_item_of(op->lines[0].sku), .quantity = -op->delta};
    struct model_item *item = &m->items[line.item];
    a->item = line.item;
    if (op->delta < 0)
        settle(m, line.item);
    if (!item->exists) {
        a->code = OUT_ITEM_NOT_FOUND;
        return;
    }
    if (op->delta < 0 && lacks_stock(m, &line, 1, deferred, a))
        return;
    if (item->available + item->held + op->delta > (INT64_C(1) << 53) - 1) {
        invalid(a, "delta");
        return;
    }
    if (no_room(m, line.item, 0, 0, -1, a))
        return;
    item->available += op->delta;
    item->received += op->delta;
    item->version++;
    a->code = OUT_OK;
    a->counters = *item;
    happened_to(m, happened(m, EVENT_ADJUST), line.item, op->delta < 0 ? -op->delta : op->delta);
}

static void transfer(struct model *m, const struct op *op, bool deferred, struct model_answer *a)
{
    struct model_line lines[2];
    lines_of(op, lines);
    struct model_item *from = &m->items[lines[0].item], *to = &m->items[lines[1].item];
    int64_t units = lines[0].quantity;
    settle(m, lines[0].item);
    if (!from->exists || !to->exists) {
        a->code = OUT_ITEM_NOT_FOUND;
        a->item = lines[from->exists ? 1 : 0].item;
        return;
    }
    if (lacks_stock(m, lines, 1, deferred, a))
        return;
    if (to->available + to->held + units > (INT64_C(1) << 53) - 1) {
        invalid(a, "quantity");
        return;
    }
    if (no_room(m, lines[0].item, 0, 0, -1, a))
        return;
    if (no_room(m, lines[1].item, 0, 0, -1, a)) {
        a->field = "to";
        return;
    }
    from->available -= units;
    from->received -= units;
    a->version = ++from->version;
    to->available += units;
    to->received += units;
    a->to_version = ++to->version;
    a->code = OUT_OK;
    a->item = lines[0].item;
    a->quantity = units;
    a->remaining = from->available;
    a->to = lines[1].item;
    a->to_remaining = to->available;
    assert(op->id.n < sizeof(a->id));
    memcpy(a->id, op->id.p, op->id.n);
    struct model_event *event = happened(m, EVENT_TRANSFER);
    happened_to(m, event, lines[0].item, units);
    happened_to(m, event, lines[1].item, units);
}

static void delete (struct model *m, const struct op *op, bool deferred, struct model_answer *a)
{
    int i = model_item_of(op->lines[0].sku);
    struct model_item *item = &m->items[i];
    settle(m, i);
    if (failed_precondition(op, item)) {
        a->code = OUT_PRECONDITION_FAILED;
        return;
    }
    if (!item->exists) {
        a->code = OUT_ITEM_NOT_FOUND;
        a->item = i;
        return;
    }
    if (item->held > 0) {
        if (!waits(m, i, deferred, a))
            a->code = OUT_ITEM_IN_USE;
        return;
    }
    if (no_room(m, i, 0, 0, -1, a))
        return;
    *item = (struct model_item){
        .version = item->version + 1, .settled = item->settled, .dues = item->dues};
    a->code = OUT_NO_CONTENT;
    happened_to(m, happened(m, EVENT_DELETE), i, 0);
}

/* --- one operation ---------------------------------------------------------------------------- */

static void decide(struct model *m, const struct op *op, bool deferred, struct model_answer *a)
{
    switch (op->kind) {
    case OP_PUT: put(m, op, deferred, a); break;
    case OP_ADJUST: adjust(m, op, deferred, a); break;
    case OP_DELETE: delete (m, op, deferred, a); break;
    case OP_DECREMENT: decrement(m, op, deferred, a); break;
    case OP_RESERVE: reserve(m, op, deferred, a); break;
    case OP_TRANSFER: transfer(m, op, deferred, a); break;
    case OP_SWEEP:
        settle(m, model_item_of(op->lines[0].sku));
        a->code = OUT_OK;
        break;
    default: of_reservation(m, op, deferred, a);
    }
}

static struct model_key *key_of(struct model *m, struct str key)
{
    for (unsigned i = 0; !str_absent(key) && i < m->key_count; i++)
        if (str_equal(str_of(m->keys[i].key), key))
            return &m->keys[i];
    return NULL;
}

void model_apply(struct model *m, const struct op *op, bool deferred, struct model_answer *a)
{
    *a = (struct model_answer){.item = -1};
    if (deferred)
        a->wrong = "deferred without a reason";
    const struct model_key *key = key_of(m, op->key);
    if (key && key->fingerprint != op->fingerprint[0]) {
        a->code = OUT_KEY_REUSED;
        return;
    }
    if (key) {
        *a = key->answer;
        a->replayed = true;
        if (deferred)
            a->wrong = "deferred a replay";
        return;
    }
    if (op->overload) {
        a->code = OUT_OVERLOADED;
        if (deferred)
            a->wrong = "deferred a refusal";
        return;
    }
    decide(m, op, deferred, a);
    if (str_absent(op->key) || a->wrong || op->kind == OP_GET)
        return;
    if (a->code == OUT_OK || a->code == OUT_CREATED || a->code == OUT_NO_CONTENT) {
        assert(m->key_count < MODEL_KEYS && op->key.n < sizeof(m->keys[0].key));
        struct model_key *new = &m->keys[m->key_count++];
        *new = (struct model_key){.fingerprint = op->fingerprint[0], .answer = *a};
        memcpy(new->key, op->key.p, op->key.n);
    }
}
