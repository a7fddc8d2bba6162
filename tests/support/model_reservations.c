/* model_reservations.c -- what the naive model decides of reservations. */
#include "support/model_steps.h"

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

static enum outcome_code rereserve(struct model *m, struct model_resv *r, const int64_t *sells,
                                   bool deferred, struct model_answer *a)
{
    struct model_line lines[MODEL_LINES];
    unsigned n = 0;
    for (unsigned i = 0; i < r->line_count; i++)
        if (sells[i] > 0)
            lines[n++] = (struct model_line){.item = r->lines[i].item, .quantity = sells[i]};
    if (naive_may_not_take(m, lines, n, r->customer, deferred, a))
        return a->code;
    if (naive_no_room_for(m, lines, n, r->customer, true, a)) {
        a->field = NULL; /* which member asked for it depends on the request */
        return a->code;
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
        naive_use(item, r->customer, sells[i]);
        line->remaining = item->available;
        line->version = item->version;
    }
    r->state = RESERVATION_CONFIRMED;
    r->rereserved = true;
    r->ended_ms = m->now_ms;
    naive_happened_to_resv(m, EVENT_CONFIRM, r);
    return OUT_OK;
}

static enum outcome_code code_of(const struct model_resv *r)
{
    return r->state == RESERVATION_EXPIRED    ? OUT_RESERVATION_EXPIRED
           : r->state == RESERVATION_RELEASED ? OUT_RESERVATION_RELEASED
                                              : OUT_RESERVATION_CONFIRMED;
}

static enum outcome_code again(struct model_answer *a)
{
    a->replayed = true;
    return OUT_OK;
}

static enum outcome_code confirm(struct model *m, const struct op *op, struct model_resv *r,
                                 bool deferred, struct model_answer *a)
{
    int64_t sells[MODEL_LINES];
    if (!sells_of(op, r, sells))
        return OUT_INVALID;
    naive_expire(m, r);
    for (unsigned i = 0; i < r->line_count && r->state == RESERVATION_HELD; i++)
        if (m->items[r->lines[i].item].sold + sells[i] > NAIVE_MOST)
            return OUT_INVALID;
    if (r->state == RESERVATION_HELD) {
        naive_end(m, r, RESERVATION_CONFIRMED, sells);
        naive_happened_to_resv(m, EVENT_CONFIRM, r);
        return OUT_OK;
    }
    if (r->state == RESERVATION_EXPIRED && op->rereserve)
        return rereserve(m, r, sells, deferred, a);
    bool same = r->state == RESERVATION_CONFIRMED;
    for (unsigned i = 0; i < r->line_count; i++)
        same = same && sells[i] == r->lines[i].quantity;
    return same ? again(a) : code_of(r);
}

static enum outcome_code release(struct model *m, struct model_resv *r, struct model_answer *a)
{
    naive_expire(m, r);
    if (r->state == RESERVATION_RELEASED)
        return again(a);
    if (r->state != RESERVATION_HELD)
        return code_of(r);
    naive_end(m, r, RESERVATION_RELEASED, NULL);
    naive_happened_to_resv(m, EVENT_RELEASE, r);
    return OUT_OK;
}

static enum outcome_code extend(struct model *m, const struct op *op, struct model_resv *r,
                                struct model_answer *a)
{
    naive_expire(m, r);
    if (r->state != RESERVATION_HELD)
        return code_of(r);
    int64_t deadline = m->now_ms + op->ttl_ms;
    if (deadline - r->created_ms > m->limits.max_hold_ms)
        return naive_invalid(a, "ttl_seconds");
    for (unsigned i = 0; i < r->line_count; i++)
        if (naive_no_room(m, r->lines[i].item, 0, 0, -1, a))
            return a->code;
    r->expires_ms = deadline < r->created_ms ? r->created_ms : deadline;
    for (unsigned i = 0; i < r->line_count; i++) {
        struct model_item *item = &m->items[r->lines[i].item];
        r->lines[i].remaining = item->available;
        r->lines[i].version = ++item->version;
    }
    naive_happened_to_resv(m, EVENT_EXTEND, r);
    return OUT_OK;
}

enum outcome_code naive_of_reservation(struct model *m, const struct op *op, bool deferred,
                                       struct model_answer *a)
{
    enum outcome_code code = OUT_OK;
    struct model_resv *r = model_find(m, &op->rid);
    if (!r || (r->state != RESERVATION_HELD &&
               m->now_ms - r->ended_ms >= m->limits.reservation_retention_ms))
        return OUT_RESERVATION_NOT_FOUND;
    switch (op->kind) {
    case OP_CONFIRM: code = confirm(m, op, r, deferred, a); break;
    case OP_RELEASE: code = release(m, r, a); break;
    case OP_EXTEND: code = extend(m, op, r, a); break;
    default: break;
    }
    a->resv = *r;
    return code;
}

enum outcome_code naive_reserve(struct model *m, const struct op *op, bool deferred,
                                struct model_answer *a)
{
    struct model_resv r = {.id = op->rid, .customer = model_customer_of(op->customer)};
    r.line_count = naive_lines_of(op, r.lines);
    if (naive_may_not_take(m, r.lines, r.line_count, r.customer, deferred, a) ||
        naive_no_room_for(m, r.lines, r.line_count, r.customer, false, a))
        return a->code;
    r.created_ms = m->now_ms;
    r.expires_ms = m->now_ms + op->ttl_ms;
    /* The first three bytes of an id: the deadline in units of 2^20 ms. */
    r.id.b[0] = (uint8_t)(r.expires_ms / 1048576 / 65536);
    r.id.b[1] = (uint8_t)(r.expires_ms / 1048576 / 256);
    r.id.b[2] = (uint8_t)(r.expires_ms / 1048576);
    if (m->limits.parts) {
        /* And of a part, its serial: a batch never has so many that the part would be full. */
        r.id.b[0] |= 0x80;
        memcpy(r.id.b + 3, MODEL_SERIAL, 3);
    }
    for (unsigned i = 0; i < r.line_count; i++) {
        struct model_item *item = &m->items[r.lines[i].item];
        item->available -= r.lines[i].quantity;
        item->held += r.lines[i].quantity;
        item->version++;
        naive_use(item, r.customer, r.lines[i].quantity);
        r.lines[i].remaining = item->available;
        r.lines[i].version = item->version;
    }
    naive_add(m, &r);
    naive_happened_to_resv(m, EVENT_RESERVE, &r);
    a->resv = r;
    return OUT_CREATED;
}
