/* history_model.c -- see history_model.h. */
#include "support/history_steps.h"

#include <string.h>

#define LATE_NS 10000000u /* how far clocks may be off, as loadgen/check allows */

static uint32_t number_of(const struct model *m, uint32_t slot)
{
    for (uint32_t n = 0; n < m->count; n++)
        if (m->request[n].slot == slot)
            return n;
    return MODEL_NONE;
}

static bool is_whole(const struct history_op *op)
{
    for (unsigned n = 0; n < op->lines && op->kind != KIND_DELETE; n++)
        if (line(op, n)->version == 0)
            return false;
    return op->lines > 0;
}

/* Which key it is, and which reservation; false when there is no such. */
static bool place(struct model *m, uint32_t n)
{
    struct model_request *q = &m->request[n];
    const struct history_op *op = q->op;
    bool again = !is_read(op) && (q->settle || op->flags & FLAG_RESENT);
    q->key = again ? number_of(m, op->of) : n;
    if (q->key == MODEL_NONE || m->request[q->key].op->kind != op->kind)
        return false;
    const struct history_op *first = m->request[q->key].op;
    if (first->kind == KIND_RESERVE)
        q->reservation = q->key;
    else if (is_change(first) || first->kind == KIND_GET_RESERVATION)
        q->reservation = number_of(m, first->of);
    else
        return true;
    return q->reservation != MODEL_NONE && m->request[q->reservation].op->kind == KIND_RESERVE;
}

static bool add(struct model *m, const struct history_op *op, uint32_t slot)
{
    if (op->begin_ns == 0 && history_outcome(op) == OUTCOME_UNKNOWN)
        return true; /* never sent */
    if (m->count == MODEL_REQUESTS || op->lines > MODEL_LINES)
        return false;
    for (unsigned n = 0; n < op->lines; n++)
        if (line(op, n)->item >= MODEL_ITEMS || line(op, n)->item >= m->facts->items)
            return false;
    enum history_outcome outcome = history_outcome(op);
    if (outcome == OUTCOME_OK && !is_whole(op))
        outcome = OUTCOME_UNKNOWN;
    m->request[m->count++] = (struct model_request){
        .op = op,
        .slot = slot,
        .reservation = MODEL_NONE,
        .outcome = outcome,
        .settle = history_phase(op) == PHASE_SETTLE,
        .begin_ns = op->begin_ns,
        .end_ns = outcome == OUTCOME_UNKNOWN || op->end_ns == 0 ? UINT64_MAX : op->end_ns,
    };
    return true;
}

/* --- batches --- */

static bool together(const struct model_request *q, const struct model_request *before)
{
    return q->op->flags & FLAG_BATCHED && !q->settle && !before->settle &&
           q->op->client == before->op->client && q->begin_ns == before->begin_ns;
}

/* Whether the answer is about what this attempt met, and not about an earlier one, known or not. */
static bool is_of_now(const struct model *m, const struct model_request *q)
{
    bool again = m->request[q->key].op != q->op;
    return q->outcome != OUTCOME_UNKNOWN && !(q->op->flags & FLAG_REPLAYED) &&
           (!again || m->request[q->key].outcome != OUTCOME_UNKNOWN);
}

/* Whether it says how it left, or found, items. */
static bool tells_of_items(const struct model_request *q)
{
    bool refusal = q->op->detail == DETAIL_NO_STOCK || q->op->detail == DETAIL_LIMIT;
    return q->outcome == OUTCOME_OK ? !is_read(q->op) : refusal && !is_change(q->op);
}

static bool tells_of_hold(const struct model_request *q)
{
    bool ended = q->op->detail == DETAIL_CONFIRMED || q->op->detail == DETAIL_RELEASED;
    return q->reservation != MODEL_NONE && q->op->kind != KIND_RESERVE &&
           (q->outcome == OUTCOME_OK || (is_change(q->op) && ended));
}

static bool tell_of_the_same(const struct model_request *a, const struct model_request *b)
{
    if (tells_of_hold(a) && tells_of_hold(b) && a->reservation == b->reservation)
        return true;
    if (!tells_of_items(a) || !tells_of_items(b))
        return false;
    for (unsigned i = 0; i < a->op->lines; i++)
        for (unsigned n = 0; n < b->op->lines; n++)
            if (line(a->op, i)->item == line(b->op, n)->item && line(a->op, i)->version &&
                line(b->op, n)->version)
                return true;
    return false;
}

static void order_batches(struct model *m)
{
    uint32_t first = 0;
    for (uint32_t n = 1; n < m->count; n++) {
        struct model_request *q = &m->request[n];
        if (!together(q, q - 1))
            first = n;
        for (uint32_t i = first; i < n && is_of_now(m, q); i++)
            if (is_of_now(m, &m->request[i]) && tell_of_the_same(&m->request[i], q))
                q->after |= UINT64_C(1) << i;
    }
}

bool model_read(struct model *m, const struct history_reader *r)
{
    *m = (struct model){.facts = r->facts};
    if (r->facts->customers > MODEL_CUSTOMERS || (r->facts->limit > 0 && r->facts->customers == 0))
        return false;
    struct history_pass pass = history_pass(r);
    uint32_t slot;
    for (enum history_type type; (type = history_next(&pass, &slot)) != SLOT_EMPTY;)
        if ((type == SLOT_OP || type == SLOT_EXPIRY) && !add(m, history_op_at(r, slot), slot))
            return false;
    for (uint32_t n = 0; n < m->count; n++)
        if (!place(m, n))
            return false;
    order_batches(m);
    return pass.broken == 0;
}

/* --- what a request does --- */

int64_t *model_used(const struct model *m, struct model_state *s, const struct history_op *op,
                    uint32_t item)
{
    uint32_t customer = history_customer(m->facts, op->client);
    return &s->item[item].used[customer % MODEL_CUSTOMERS];
}

/* One transition of one item, quoted in the pair; what is held and sold counts for the customer of
 * the operation. */
static void change(const struct model *m, struct model_state *s, const struct history_op *op,
                   uint32_t item, struct model_pair *pair, int64_t available, int64_t held,
                   int64_t sold)
{
    *model_used(m, s, op, item) += held + sold;
    s->item[item].version++;
    s->item[item].available += available;
    s->item[item].held += held;
    s->item[item].sold += sold;
    *pair = (struct model_pair){s->item[item].version, s->item[item].available};
}

bool model_exceeds(const struct model *m, struct model_state *s, const struct history_op *op,
                   const struct history_op *who, const struct history_line *l)
{
    int64_t limit = history_limit(m->facts, l->item);
    return counts(op) && limit > 0 && *model_used(m, s, who, l->item) + l->quantity > limit;
}

static bool enough(const struct model *m, struct model_state *s, const struct history_op *op,
                   const struct history_op *who)
{
    for (unsigned n = 0; n < op->lines; n++)
        if (!s->item[line(op, n)->item].created ||
            s->item[line(op, n)->item].available < wanted(op, n) ||
            model_exceeds(m, s, op, who, line(op, n)))
            return false;
    return true;
}

static bool put_item(const struct model *m, struct model_state *s, uint32_t key,
                     const struct history_op *op)
{
    uint32_t item = line(op, 0)->item;
    if (s->item[item].created)
        return false;
    s->item[item].created = true;
    /* It may have been there in another life: any version may be the first. */
    if (s->item[item].version == 0)
        s->item[item].version = line(op, 0)->version ? line(op, 0)->version - 1 : 0;
    s->item[item].received = line(op, 0)->quantity;
    change(m, s, op, item, &s->key[key].pair[0], line(op, 0)->quantity, 0, 0);
    return true;
}

/* No answer says which version that made. */
static bool remove_item(struct model_state *s, const struct history_op *op)
{
    uint32_t item = line(op, 0)->item;
    uint64_t version = s->item[item].version + 1;
    if (!s->item[item].created || s->item[item].held > 0)
        return false;
    memset(&s->item[item], 0, sizeof(s->item[item]));
    s->item[item].version = version;
    return true;
}

static void hold_due(const struct model *m, struct model_state *s, uint32_t reserve, uint32_t n)
{
    uint64_t ttl_ns = m->facts->ttl_ms * 1000000u;
    uint64_t late_ns = LATE_NS + ttl_ns / 1000;
    s->hold[reserve].due_ns = m->request[n].begin_ns + (ttl_ns > late_ns ? ttl_ns - late_ns : 0);
}

static bool take_units(const struct model *m, struct model_state *s, uint32_t key, uint32_t n)
{
    const struct history_op *op = m->request[n].op;
    if (!enough(m, s, op, op))
        return false;
    for (unsigned i = 0; i < op->lines; i++) {
        int64_t units = line(op, i)->quantity;
        uint32_t item = line(op, i)->item;
        bool holds = op->kind == KIND_RESERVE, sells = op->kind == KIND_DECREMENT;
        if (op->kind == KIND_ADJUST || op->kind == KIND_TRANSFER)
            s->item[item].received += units;
        change(m, s, op, item, &s->key[key].pair[i], -wanted(op, i), holds ? units : 0,
               sells ? units : 0);
    }
    if (op->kind == KIND_RESERVE) {
        s->hold[key].state = DETAIL_HELD;
        memcpy(s->hold[key].pair, s->key[key].pair, sizeof(s->key[key].pair));
        hold_due(m, s, key, n);
    }
    return true;
}

/* Sells units of a hold that has expired, if they are there. */
static bool take_again(const struct model *m, struct model_state *s, uint32_t key, uint32_t n)
{
    const struct model_request *q = &m->request[n];
    const struct history_op *reserve = m->request[q->reservation].op;
    if (q->op->kind != KIND_RERESERVE || s->hold[q->reservation].state != DETAIL_EXPIRED ||
        q->op->lines != reserve->lines || !enough(m, s, q->op, reserve))
        return false;
    for (unsigned i = 0; i < q->op->lines; i++) {
        int64_t sold = line(q->op, i)->quantity;
        unsigned of = line_about(reserve, line(q->op, i)->item);
        if (of == MODEL_NONE)
            return false;
        change(m, s, reserve, line(q->op, i)->item, &s->key[key].pair[i], -sold, 0, sold);
        s->hold[q->reservation].pair[of] = s->key[key].pair[i];
        s->hold[q->reservation].confirmed[of] = (int32_t)sold;
    }
    s->hold[q->reservation].state = DETAIL_CONFIRMED;
    s->hold[q->reservation].again = s->key[key].again = true;
    return true;
}

static bool change_hold(const struct model *m, struct model_state *s, uint32_t key, uint32_t n)
{
    const struct model_request *q = &m->request[n];
    const struct history_op *reserve = m->request[q->reservation].op;
    if (s->hold[q->reservation].state != DETAIL_HELD)
        return take_again(m, s, key, n);
    if (s->hold[q->reservation].up || q->op->lines != reserve->lines)
        return false;
    for (unsigned i = 0; i < q->op->lines; i++) {
        uint32_t item = line(q->op, i)->item;
        unsigned of = line_about(reserve, item);
        if (of == MODEL_NONE)
            return false;
        int64_t held = line(reserve, of)->quantity, sold = 0;
        if (history_confirms(q->op->kind))
            sold = line(q->op, i)->quantity;
        if (q->op->kind == KIND_EXTEND)
            held = 0;
        change(m, s, reserve, item, &s->key[key].pair[i], held - sold, -held, sold);
        s->hold[q->reservation].pair[of] = s->key[key].pair[i];
        s->hold[q->reservation].confirmed[of] = (int32_t)sold;
    }
    if (q->op->kind == KIND_EXTEND)
        hold_due(m, s, q->reservation, n);
    else
        s->hold[q->reservation].state =
            history_confirms(q->op->kind) ? DETAIL_CONFIRMED : DETAIL_RELEASED;
    return true;
}

bool model_take_effect(const struct model *m, struct model_state *s, uint32_t n)
{
    uint32_t key = m->request[n].key;
    const struct history_op *op = m->request[n].op;
    s->key[key].applied = true;
    if (op->kind == KIND_PUT)
        return put_item(m, s, key, op);
    if (op->kind == KIND_DELETE)
        return remove_item(s, op);
    return is_change(op) ? change_hold(m, s, key, n) : take_units(m, s, key, n);
}

void model_expire(const struct model *m, struct model_state *s, uint32_t reserve)
{
    const struct history_op *op = m->request[reserve].op;
    s->hold[reserve].state = DETAIL_EXPIRED;
    for (unsigned n = 0; n < op->lines; n++)
        change(m, s, op, line(op, n)->item, &s->hold[reserve].pair[n], line(op, n)->quantity,
               -line(op, n)->quantity, 0);
    memcpy(s->hold[reserve].expired, s->hold[reserve].pair, sizeof(s->hold[reserve].pair));
}
