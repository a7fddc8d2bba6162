/* history_model.c -- see history_model.h. */
#include "support/history_model.h"

#include <string.h>

#define LATE_NS 10000000u /* how far clocks may be off, as loadgen/check allows */

static const struct history_line *line(const struct history_op *op, unsigned n)
{
    return history_line_of(op, n);
}

/* Line n of the reserve is about this item; MODEL_NONE: none is. */
static unsigned line_about(const struct history_op *op, uint32_t item)
{
    for (unsigned n = 0; n < op->lines; n++)
        if (line(op, n)->item == item)
            return n;
    return MODEL_NONE;
}

static uint32_t number_of(const struct model *m, uint32_t slot)
{
    for (uint32_t n = 0; n < m->count; n++)
        if (m->request[n].slot == slot)
            return n;
    return MODEL_NONE;
}

static bool is_read(const struct history_op *op)
{
    return op->kind == KIND_GET_ITEM || op->kind == KIND_GET_RESERVATION;
}

static bool is_change(const struct history_op *op)
{
    return history_ends(op->kind) || op->kind == KIND_EXTEND;
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
    struct history_pass pass;
    history_pass(&pass, r);
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

/* What the customer, for whom the operation is, has used of the item's limit. */
static int64_t *used(const struct model *m, struct model_state *s, const struct history_op *op,
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
    *used(m, s, op, item) += held + sold;
    s->item[item].version++;
    s->item[item].available += available;
    s->item[item].held += held;
    s->item[item].sold += sold;
    *pair = (struct model_pair){s->item[item].version, s->item[item].available};
}

static int64_t wanted(const struct history_op *op, unsigned n)
{
    int64_t quantity = line(op, n)->quantity;
    return op->kind == KIND_ADJUST || op->kind == KIND_TRANSFER ? -quantity : quantity;
}

static bool counts(const struct history_op *op)
{
    return op->kind == KIND_RESERVE || op->kind == KIND_DECREMENT || op->kind == KIND_RERESERVE;
}

/* Whether that is more than the customer of `who` may have. */
static bool exceeds(const struct model *m, struct model_state *s, const struct history_op *op,
                    const struct history_op *who, const struct history_line *l)
{
    int64_t limit = history_limit(m->facts, l->item);
    return counts(op) && limit > 0 && *used(m, s, who, l->item) + l->quantity > limit;
}

static bool enough(const struct model *m, struct model_state *s, const struct history_op *op,
                   const struct history_op *who)
{
    for (unsigned n = 0; n < op->lines; n++)
        if (!s->item[line(op, n)->item].created ||
            s->item[line(op, n)->item].available < wanted(op, n) ||
            exceeds(m, s, op, who, line(op, n)))
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

static bool apply(const struct model *m, struct model_state *s, uint32_t n)
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

/* --- what an answer says --- */

static bool same_pairs(const struct history_op *op, const struct model_pair *pair)
{
    for (unsigned n = 0; n < op->lines; n++)
        if (line(op, n)->version != pair[n].version || line(op, n)->remaining != pair[n].remaining)
            return false;
    return true;
}

/* The same of what is kept in the order of the reserve's lines. */
static bool shows_hold(const struct model *m, const struct model_state *s, uint32_t n)
{
    const struct model_request *q = &m->request[n];
    const struct history_op *reserve = m->request[q->reservation].op;
    for (unsigned i = 0; i < q->op->lines; i++) {
        unsigned of = line_about(reserve, line(q->op, i)->item);
        if (of == MODEL_NONE ||
            line(q->op, i)->version != s->hold[q->reservation].pair[of].version ||
            line(q->op, i)->remaining != s->hold[q->reservation].pair[of].remaining)
            return false;
    }
    return q->op->lines == reserve->lines;
}

/* A confirm must ask for what the first one asked for. */
static bool same_end(const struct model *m, const struct model_state *s, uint32_t n)
{
    const struct model_request *q = &m->request[n];
    const struct history_op *reserve = m->request[q->reservation].op;
    enum history_detail state = s->hold[q->reservation].state;
    if (!history_confirms(q->op->kind))
        return q->op->kind == KIND_RELEASE && state == DETAIL_RELEASED;
    for (unsigned i = 0; i < q->op->lines; i++) {
        unsigned of = line_about(reserve, line(q->op, i)->item);
        if (of == MODEL_NONE || line(q->op, i)->quantity != s->hold[q->reservation].confirmed[of])
            return false;
    }
    return state == DETAIL_CONFIRMED;
}

/* Who asks for all may have named no quantities, which may mean those of the first one. */
static bool repeats_end(const struct model *m, const struct model_state *s, uint32_t n)
{
    const struct model_request *q = &m->request[n];
    const struct history_op *reserve = m->request[q->reservation].op;
    bool all = history_confirms(q->op->kind);
    for (unsigned i = 0; i < q->op->lines && all; i++) {
        unsigned of = line_about(reserve, line(q->op, i)->item);
        all = of != MODEL_NONE && line(q->op, i)->quantity == line(reserve, of)->quantity;
    }
    return same_end(m, s, n) || (all && s->hold[q->reservation].state == DETAIL_CONFIRMED);
}

static bool takes_together(const struct history_op *op)
{
    return op->kind == KIND_RESERVE || op->kind == KIND_TRANSFER;
}

/* Whether baskets that were taken, one sharing items with the next, hold all of its items. */
static bool taken_together(const struct model *m, const struct history_op *op)
{
    unsigned together = 1u << line(op, 0)->item, before, wanted_items = 0;
    for (unsigned i = 0; i < op->lines; i++)
        wanted_items |= 1u << line(op, i)->item;
    do {
        before = together;
        for (uint32_t n = 0; n < m->count; n++) {
            unsigned items = 0;
            const struct history_op *basket = m->request[n].op;
            for (unsigned i = 0; i < basket->lines; i++)
                items |= 1u << line(basket, i)->item;
            bool taken = takes_together(basket) && m->request[n].outcome == OUTCOME_OK;
            together |= taken && (items & together) ? items : 0;
        }
    } while (together != before);
    return (wanted_items & ~together) == 0;
}

/* From the begin of its reserve to the extension, at the least or at the most. */
static uint64_t age_ns(const struct model *m, uint32_t n, bool least)
{
    const struct history_op *op = m->request[n].op;
    const struct history_op *reserve = m->request[m->request[n].reservation].op;
    uint64_t from_ns = least ? reserve->end_ns : reserve->begin_ns;
    uint64_t to_ns = least ? op->begin_ns : op->end_ns;
    return to_ns > from_ns ? to_ns - from_ns : 0;
}

static bool longer_granted(const struct model *m, uint32_t n)
{
    for (uint32_t i = 0; i < m->count; i++) {
        const struct history_op *op = m->request[i].op;
        if (op->kind == KIND_EXTEND && m->request[i].outcome == OUTCOME_OK &&
            !m->request[i].settle && !(op->flags & FLAG_REPLAYED) && age_ns(m, i, true) > 0 &&
            age_ns(m, i, true) >= age_ns(m, n, false))
            return true;
    }
    return false;
}

/* Whether each line that the refusal quotes is as it says, and beyond the limit of `who`. */
static bool all_exceed(const struct model *m, struct model_state *s, const struct history_op *op,
                       const struct history_op *who)
{
    for (unsigned i = 0; i < op->lines; i++) {
        const struct history_line *l = line(op, i);
        if (l->version && (!s->item[l->item].created || l->version != s->item[l->item].version ||
                           !exceeds(m, s, op, who, l) || l->remaining != *used(m, s, who, l->item)))
            return false;
    }
    return counts(op);
}

/* Whether its time is up, be that written or not. */
static bool is_over(const struct model_state *s, uint32_t reserve)
{
    return s->hold[reserve].state == DETAIL_EXPIRED || s->hold[reserve].up;
}

static bool refused(const struct model *m, struct model_state *s, uint32_t n)
{
    const struct model_request *q = &m->request[n];
    const struct history_op *op = q->op;
    bool done = !is_read(op) && s->key[q->key].applied && !s->key[q->key].repeat;
    bool again = op->kind == KIND_RERESERVE;
    const struct history_op *who = again ? m->request[q->reservation].op : op;
    bool takes = op->kind == KIND_ADJUST || op->kind == KIND_DECREMENT ||
                 op->kind == KIND_RESERVE || op->kind == KIND_TRANSFER;
    switch (op->detail) {
    case DETAIL_NO_STOCK:
        for (unsigned i = 0; i < op->lines; i++) {
            const struct history_line *l = line(op, i);
            if (l->version &&
                (!s->item[l->item].created || l->version != s->item[l->item].version ||
                 l->remaining != s->item[l->item].available || l->remaining >= wanted(op, i) ||
                 exceeds(m, s, op, who, l)))
                return false;
        }
        return (takes || (again && is_over(s, q->reservation))) && !done;
    case DETAIL_LIMIT:
        return all_exceed(m, s, op, who) && (!again || is_over(s, q->reservation)) && !done;
    case DETAIL_NO_ITEM:
        for (unsigned i = 0; i < op->lines; i++)
            if (!s->item[line(op, i)->item].created)
                return !done;
        return false;
    case DETAIL_EXISTS:
        return op->kind != KIND_PUT || (s->item[line(op, 0)->item].created && !done);
    case DETAIL_IN_USE:
        return op->kind != KIND_DELETE || (s->item[line(op, 0)->item].held > 0 && !done);
    case DETAIL_CONFIRMED:
    case DETAIL_RELEASED:
    case DETAIL_EXPIRED:
        if (!is_change(op))
            return true; /* some refusal that is none of these */
        if (op->detail == DETAIL_EXPIRED && again)
            return false;
        if (op->detail == DETAIL_EXPIRED && s->hold[q->reservation].up)
            return !done;
        return !done && s->hold[q->reservation].state == op->detail && !same_end(m, s, n);
    case DETAIL_NO_RESERVATION:
        return q->reservation == MODEL_NONE || op->kind == KIND_RESERVE ||
               s->hold[q->reservation].state == DETAIL_NONE;
    case DETAIL_APART: return !takes_together(op) || !taken_together(m, op);
    case DETAIL_TOO_LONG: return op->kind != KIND_EXTEND || !longer_granted(m, n);
    default: return true;
    }
}

static bool right_state(const struct history_op *op)
{
    static const enum history_detail after[KINDS] = {[KIND_RESERVE] = DETAIL_HELD,
                                                     [KIND_EXTEND] = DETAIL_HELD,
                                                     [KIND_CONFIRM] = DETAIL_CONFIRMED,
                                                     [KIND_RELEASE] = DETAIL_RELEASED,
                                                     [KIND_RERESERVE] = DETAIL_CONFIRMED};
    return after[op->kind] == DETAIL_NONE || op->detail == after[op->kind];
}

/* Whether the answer tells of an expiry before, or of none. */
static bool tells(const struct history_op *op, bool again)
{
    return ((op->flags & FLAG_TOOK_AGAIN) != 0) == again;
}

static bool looked_up(const struct model *m, const struct model_state *s, uint32_t n)
{
    const struct model_request *q = &m->request[n];
    if (q->outcome == OUTCOME_OK)
        return right_state(q->op) && s->key[q->key].applied && tells(q->op, s->key[q->key].again) &&
               same_pairs(q->op, s->key[q->key].pair);
    return q->op->detail != DETAIL_NO_OPERATION || !s->key[q->key].applied || s->key[q->key].repeat;
}

/* Who shows what was confirmed says what was sold. */
static bool shows_sold(const struct model *m, const struct model_state *s, uint32_t n)
{
    const struct model_request *q = &m->request[n];
    const struct history_op *reserve = m->request[q->reservation].op;
    bool same = true;
    for (unsigned i = 0; i < q->op->lines && q->op->detail == DETAIL_CONFIRMED; i++) {
        unsigned of = line_about(reserve, line(q->op, i)->item);
        same &=
            of != MODEL_NONE && line(q->op, i)->quantity == s->hold[q->reservation].confirmed[of];
    }
    return same;
}

/* It is told of for good, once it has been. */
static bool shows_expiry(const struct model *m, const struct model_state *s, uint32_t n)
{
    const struct model_request *q = &m->request[n];
    const struct history_op *reserve = m->request[q->reservation].op;
    bool same = q->op->lines == reserve->lines &&
                (s->hold[q->reservation].again || s->hold[q->reservation].state == DETAIL_EXPIRED);
    for (unsigned i = 0; i < q->op->lines && same; i++) {
        unsigned of = line_about(reserve, line(q->op, i)->item);
        const struct model_pair *pair =
            of == MODEL_NONE ? NULL : &s->hold[q->reservation].expired[of];
        same = pair && pair->version == line(q->op, i)->version &&
               pair->remaining == line(q->op, i)->remaining;
    }
    return same;
}

static bool shown(const struct model *m, const struct model_state *s, uint32_t n)
{
    const struct model_request *q = &m->request[n];
    if (q->op->type == SLOT_EXPIRY)
        return shows_expiry(m, s, n);
    if (q->op->kind == KIND_GET_RESERVATION)
        return tells(q->op, s->hold[q->reservation].again) &&
               s->hold[q->reservation].state == q->op->detail && shows_hold(m, s, n) &&
               shows_sold(m, s, n);
    const struct history_line *l = line(q->op, 0);
    return s->item[l->item].created && l->version == s->item[l->item].version &&
           l->remaining == s->item[l->item].available;
}

/* Two in flight at once may both be given the one result, unmarked. */
static bool shared_result(const struct model *m, uint32_t n)
{
    for (uint32_t i = 0; i < m->count; i++) {
        const struct model_request *a = &m->request[i], *b = &m->request[n];
        if (i != n && !a->settle && a->key == b->key && a->op->kind == b->op->kind &&
            a->end_ns > b->begin_ns && b->end_ns > a->begin_ns)
            return true;
    }
    return false;
}

static bool done(const struct model *m, struct model_state *s, uint32_t n)
{
    const struct model_request *q = &m->request[n];
    bool marked = q->op->flags & FLAG_REPLAYED;
    if (!right_state(q->op))
        return false;
    if (s->key[q->key].applied)
        return same_pairs(q->op, s->key[q->key].pair) && tells(q->op, s->key[q->key].again) &&
               (marked || (!s->key[q->key].repeat && shared_result(m, n)));
    if (history_ends(q->op->kind) && repeats_end(m, s, n)) {
        s->key[q->key].applied = s->key[q->key].repeat = true;
        s->key[q->key].again = s->hold[q->reservation].again;
        for (unsigned i = 0; i < q->op->lines; i++)
            s->key[q->key].pair[i] =
                (struct model_pair){line(q->op, i)->version, line(q->op, i)->remaining};
        return marked && tells(q->op, s->key[q->key].again) && shows_hold(m, s, n);
    }
    return !marked && apply(m, s, n) && tells(q->op, s->key[q->key].again) &&
           same_pairs(q->op, s->key[q->key].pair);
}

bool model_answered(const struct model *m, struct model_state *s, uint32_t n)
{
    const struct model_request *q = &m->request[n];
    if (q->outcome == OUTCOME_UNKNOWN)
        return true;
    if (q->settle && !is_read(q->op))
        return looked_up(m, s, n);
    if (q->outcome == OUTCOME_FAIL)
        return refused(m, s, n);
    return is_read(q->op) ? shown(m, s, n) : done(m, s, n);
}

bool model_unseen(const struct model *m, struct model_state *s, uint32_t n)
{
    const struct model_request *q = &m->request[n];
    if (q->outcome != OUTCOME_UNKNOWN || is_read(q->op) || q->settle || s->key[q->key].applied)
        return false;
    if (history_ends(q->op->kind) &&
        repeats_end(m, s, n)) { /* it repeats, and is kept, what another key did */
        const struct history_op *reserve = m->request[q->reservation].op;
        s->key[q->key].applied = s->key[q->key].repeat = true;
        s->key[q->key].again = s->hold[q->reservation].again;
        for (unsigned i = 0; i < q->op->lines; i++) {
            unsigned of = line_about(reserve, line(q->op, i)->item);
            if (of == MODEL_NONE)
                return false;
            s->key[q->key].pair[i] = s->hold[q->reservation].pair[of];
        }
        return true;
    }
    return apply(m, s, n);
}
