/* history_answers.c -- see history_model.h: what each answer says, and which state it fits. */
#include "support/history_steps.h"

static bool quotes(const struct history_line *l, const struct model_pair *pair)
{
    return l->version == pair->version && l->remaining == pair->remaining;
}

static bool same_pairs(const struct history_op *op, const struct model_pair *pair)
{
    for (unsigned n = 0; n < op->lines; n++)
        if (!quotes(line(op, n), &pair[n]))
            return false;
    return true;
}

static const struct history_op *reserve_of(const struct model *m, const struct model_request *q)
{
    return m->request[q->reservation].op;
}

/* Which line of its reservation's reserve that line of the request is about. */
static unsigned its_line(const struct model *m, const struct model_request *q, unsigned n)
{
    return line_about(reserve_of(m, q), line(q->op, n)->item);
}

/* same_pairs, of what is kept in the order of the reserve's lines. */
static bool shows(const struct model *m, const struct model_request *q,
                  const struct model_pair *pair)
{
    for (unsigned i = 0; i < q->op->lines; i++) {
        unsigned of = its_line(m, q, i);
        if (of == MODEL_NONE || !quotes(line(q->op, i), &pair[of]))
            return false;
    }
    return q->op->lines == reserve_of(m, q)->lines;
}

/* Whether it names the quantities that were sold. */
static bool names_sold(const struct model *m, const struct model_state *s,
                       const struct model_request *q)
{
    for (unsigned i = 0; i < q->op->lines; i++) {
        unsigned of = its_line(m, q, i);
        if (of == MODEL_NONE || line(q->op, i)->quantity != s->hold[q->reservation].confirmed[of])
            return false;
    }
    return true;
}

/* A confirm must ask for what the first one asked for. */
static bool same_end(const struct model *m, const struct model_state *s, uint32_t n)
{
    const struct model_request *q = &m->request[n];
    enum history_detail state = s->hold[q->reservation].state;
    if (!history_confirms(q->op->kind))
        return q->op->kind == KIND_RELEASE && state == DETAIL_RELEASED;
    return names_sold(m, s, q) && state == DETAIL_CONFIRMED;
}

/* Who asks for all may have named no quantities, which may mean those of the first one. */
static bool repeats_end(const struct model *m, const struct model_state *s, uint32_t n)
{
    const struct model_request *q = &m->request[n];
    bool all = history_confirms(q->op->kind);
    for (unsigned i = 0; i < q->op->lines && all; i++) {
        unsigned of = its_line(m, q, i);
        all = of != MODEL_NONE && line(q->op, i)->quantity == line(reserve_of(m, q), of)->quantity;
    }
    return same_end(m, s, n) || (all && s->hold[q->reservation].state == DETAIL_CONFIRMED);
}

/* What another key did is the answer to this one, too. */
static void keep_repeat(struct model_state *s, const struct model_request *q)
{
    s->key[q->key].applied = s->key[q->key].repeat = true;
    s->key[q->key].again = s->hold[q->reservation].again;
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
        if (l->version &&
            (!s->item[l->item].created || l->version != s->item[l->item].version ||
             !model_exceeds(m, s, op, who, l) || l->remaining != *model_used(m, s, who, l->item)))
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
                 model_exceeds(m, s, op, who, l)))
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

/* An expiry is told of for good, once it has been; who shows what was confirmed says what was sold.
 */
static bool shown(const struct model *m, const struct model_state *s, uint32_t n)
{
    const struct model_request *q = &m->request[n];
    if (q->op->type == SLOT_EXPIRY)
        return (s->hold[q->reservation].again || s->hold[q->reservation].state == DETAIL_EXPIRED) &&
               shows(m, q, s->hold[q->reservation].expired);
    if (q->op->kind == KIND_GET_RESERVATION)
        return tells(q->op, s->hold[q->reservation].again) &&
               s->hold[q->reservation].state == q->op->detail &&
               shows(m, q, s->hold[q->reservation].pair) &&
               (q->op->detail != DETAIL_CONFIRMED || names_sold(m, s, q));
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
        keep_repeat(s, q);
        for (unsigned i = 0; i < q->op->lines; i++)
            s->key[q->key].pair[i] =
                (struct model_pair){line(q->op, i)->version, line(q->op, i)->remaining};
        return marked && tells(q->op, s->key[q->key].again) &&
               shows(m, q, s->hold[q->reservation].pair);
    }
    return !marked && model_take_effect(m, s, n) && tells(q->op, s->key[q->key].again) &&
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
    if (!history_ends(q->op->kind) || !repeats_end(m, s, n))
        return model_take_effect(m, s, n);
    keep_repeat(s, q);
    for (unsigned i = 0; i < q->op->lines; i++) {
        unsigned of = its_line(m, q, i);
        if (of == MODEL_NONE)
            return false;
        s->key[q->key].pair[i] = s->hold[q->reservation].pair[of];
    }
    return true;
}
