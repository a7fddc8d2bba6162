#include "check/index.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* In next[] of operations that are in no list, and are not to be in any. */
#define LEFT_OUT UINT32_MAX

const struct history_line *index_line_about(const struct history_op *op, uint32_t item,
                                            unsigned hint)
{
    if (hint < op->lines && index_line(op, hint)->item == item)
        return index_line(op, hint);
    for (unsigned n = 0; n < op->lines; n++) {
        if (index_line(op, n)->item == item)
            return index_line(op, n);
    }
    return NULL;
}

/* What a killed client had only begun to write down. */
static bool never_sent(const struct history_op *op)
{
    return op->begin_ns == 0 && history_outcome(op) == OUTCOME_UNKNOWN;
}

/* Nothing is over before it begins, and what was answered is over. */
static bool times_fit(const struct history_op *op)
{
    bool open = op->end_ns == 0 && history_outcome(op) == OUTCOME_UNKNOWN;
    return open || op->begin_ns <= op->end_ns;
}

/* Whether it tells of an expiry before only if it can. */
static bool flags_fit(const struct history_op *op)
{
    bool about =
        history_confirms(op->kind) || op->kind == KIND_GET_RESERVATION || op->kind == KIND_LOOKUP;
    return !(op->flags & FLAG_TOOK_AGAIN) ||
           (about && history_outcome(op) == OUTCOME_OK && op->detail == DETAIL_CONFIRMED);
}

/* Whether the answer is of its outcome: one of success has all of its numbers, or it were unknown.
 */
static bool answer_fits(const struct history_op *op)
{
    unsigned status = op->status;
    switch (history_outcome(op)) {
    case OUTCOME_OK:
        if (op->detail > DETAIL_EXPIRED)
            return false;
        if (op->kind == KIND_DELETE)
            return status >= 200 && status < 300 && op->line.version == 0 &&
                   op->line.remaining == 0;
        for (unsigned n = 0; n < op->lines; n++) {
            if (index_line(op, n)->version == 0)
                return false;
        }
        return status >= 200 && status < 300 && (op->lines > 0 || op->kind == KIND_LIST);
    case OUTCOME_FAIL:
        if (index_role(op) == ROLE_LOOKUP)
            return status == 404 && op->detail == DETAIL_NO_OPERATION;
        return (status >= 400 && status < 500) || status == 503 ||
               (status == 0 && op->detail == DETAIL_NOT_SENT);
    default: return true;
    }
}

/* Whether what an answer tells of an expiry is that. */
static bool tells_expiry(const struct history_op *op)
{
    return op->kind == KIND_GET_RESERVATION && history_outcome(op) == OUTCOME_OK &&
           op->detail == DETAIL_EXPIRED && !(op->flags & ~FLAG_PHASE);
}

/* Whether what one item gives is what another one takes. */
static bool moves_units(const struct history_op *op)
{
    if (op->lines != 2)
        return false;
    const struct history_line *from = index_line(op, 0), *to = index_line(op, 1);
    return from->item != to->item && to->quantity > 0 && from->quantity == -to->quantity;
}

/* Whether the numbers in the operation can be used as they are. */
static bool op_makes_sense(const struct index *index, const struct history_op *op)
{
    if (op->kind >= KINDS || history_outcome(op) >= OUTCOMES || op->detail >= DETAILS)
        return false;
    if (op->lines == 0 && op->kind != KIND_GET_RESERVATION && op->kind != KIND_LIST)
        return false;
    if (op->lines > 1 && op->kind == KIND_DELETE)
        return false;
    if (op->kind == KIND_TRANSFER && !moves_units(op))
        return false;
    if (index_is_told(op) && !tells_expiry(op))
        return false;
    for (unsigned n = 0; n < op->lines; n++) {
        if (index_line(op, n)->item >= index->items)
            return false;
    }
    return times_fit(op) && answer_fits(op) && flags_fit(op);
}

/* Whether both ask for the same: a key stands for one request, whoever looks at it. */
static bool asks_the_same(const struct history_op *a, const struct history_op *b)
{
    bool same =
        a->kind == b->kind && a->client == b->client && a->seq == b->seq && a->lines == b->lines;
    for (unsigned n = 0; n < a->lines && same; n++)
        same = index_line(a, n)->item == index_line(b, n)->item &&
               index_line(a, n)->quantity == index_line(b, n)->quantity;
    return same;
}

/* Whether op is about the key of the other one: it looks at what that did, or asks for something
 * else instead. */
static bool is_of_key(const struct history_op *op, const struct history_op *other)
{
    bool counts =
        other->kind == KIND_DECREMENT || other->kind == KIND_ADJUST || other->kind == KIND_TRANSFER;
    bool fits = op->lines == other->lines && (op->kind == KIND_LOOKUP || counts);
    for (unsigned n = 0; n < op->lines && fits; n++)
        fits = index_line(op, n)->item == index_line(other, n)->item;
    return fits;
}

/* Whether op has a line for each of the reservation's items, and for no other. */
static bool is_about(const struct history_op *op, const struct history_op *reserve)
{
    bool fits = reserve->kind == KIND_RESERVE && op->lines == reserve->lines;
    for (unsigned n = 0; n < op->lines && fits; n++)
        fits = index_line_about(reserve, index_line(op, n)->item, n) &&
               index_line_about(op, index_line(reserve, n)->item, n);
    return fits;
}

static bool needs_parent(const struct history_op *op)
{
    enum index_role role = index_role(op);
    return role == ROLE_ATTEMPT || role == ROLE_LOOKUP || role == ROLE_GET_RESERVATION ||
           role == ROLE_KEY ||
           (role == ROLE_FIRST && (index_is_end(op) || op->kind == KIND_EXTEND));
}

/* Whether op may name `parent` in its `of`. */
static bool parent_fits(const struct history_op *op, const struct history_op *parent)
{
    enum index_role role = index_role(op);
    if (op->begin_ns < parent->begin_ns)
        return false; /* nobody sends again, or asks about, what was not sent yet */
    if (role == ROLE_ATTEMPT || role == ROLE_LOOKUP)
        return asks_the_same(op, parent);
    if (role == ROLE_KEY)
        return is_of_key(op, parent);
    /* Only a get that found nothing to show has no lines. */
    return op->lines == 0 ? parent->kind == KIND_RESERVE : is_about(op, parent);
}

/* Whether it makes sense, and all that it goes back to: a reserve at last, in three steps at most,
 * whatever the file says. */
static bool op_fits(const struct index *index, const struct history_op *op)
{
    for (const struct history_op *parent; op_makes_sense(index, op); op = parent) {
        if (!needs_parent(op))
            return true;
        parent = history_op_at(index->reader, op->of);
        if (!parent || parent->kind >= KINDS || index_role(parent) != ROLE_FIRST ||
            never_sent(parent) || !parent_fits(op, parent))
            return false;
    }
    return false;
}

/* Children are kept in the order of the file; until all are in, effect[] holds each list's tail. */
static void link_child(struct index *index, uint32_t parent, uint32_t slot)
{
    uint32_t tail = index->effect[parent];
    if (tail)
        index->next[tail] = slot;
    else
        index->child[parent] = slot;
    index->effect[parent] = slot;
}

static void leave_out(struct index *index, uint32_t slot, bool broken)
{
    index->next[slot] = LEFT_OUT;
    index->broken += broken;
}

static void index_add(struct index *index, uint32_t slot)
{
    const struct history_op *op = index_op(index, slot);
    index->operations += !index_is_told(op);
    if (op->kind < KINDS && op->detail < DETAILS) {
        index->kinds |= 1u << op->kind;
        index->details |= history_outcome(op) == OUTCOME_OK ? 0 : 1u << op->detail;
    }
    if (never_sent(op))
        leave_out(index, slot, false); /* its client died before it sent anything */
    else if (unpromised_read(&index->unpromised, op)) {
        leave_out(index, slot, false);
        index->left_out++;
    } else if (!op_fits(index, op))
        leave_out(index, slot, true);
    else if (index_role(op) == ROLE_KEY)
        return; /* it is judged by itself */
    else if (needs_parent(op))
        link_child(index, op->of, slot);
    else if (index_role(op) != ROLE_GET_ITEM)
        index->baskets |= op->lines >= 2;
}

/* Whether the file holds less than its header counts. */
static bool file_is_short(const struct history_reader *r)
{
    uint64_t chunks = atomic_load_explicit(&r->facts->chunks, memory_order_acquire);
    return r->bytes < HISTORY_HEADER_BYTES + chunks * HISTORY_CHUNK_BYTES;
}

int index_make(struct index *index, const struct history_reader *r)
{
    /* An item takes a slot to be created: more items than slots is not a number to trust. */
    uint32_t items = r->facts->items < r->slots ? r->facts->items : r->slots;
    *index = (struct index){.reader = r, .slots = r->slots, .items = items};
    index->says_sold = r->facts->format >= 3;
    size_t slots = (size_t)r->slots + 1;
    index->child = calloc(slots, sizeof(*index->child));
    index->next = calloc(slots, sizeof(*index->next));
    index->effect = calloc(slots, sizeof(*index->effect));
    if (!index->child || !index->next || !index->effect)
        return -ENOMEM;

    int err = unpromised_make(&index->unpromised, r);
    if (err < 0)
        return err;
    if (index->unpromised.seconds > 0)
        index->reader = r = &index->unpromised.reader;
    struct history_pass pass = history_pass(r);
    uint32_t slot;
    for (enum history_type type; (type = history_next(&pass, &slot)) != SLOT_EMPTY;) {
        if ((type == SLOT_OP || type == SLOT_EXPIRY) && slot < index->slots)
            index_add(index, slot);
    }
    memset(index->effect, 0, slots * sizeof(*index->effect));
    index->broken += pass.broken;
    index->incomplete = index->broken > 0 || file_is_short(r);
    return 0;
}

struct index_pass index_pass(const struct index *index)
{
    return (struct index_pass){.index = index, .pass = history_pass(index->reader)};
}

bool index_next(struct index_pass *p)
{
    for (enum history_type type; (type = history_next(&p->pass, &p->slot)) != SLOT_EMPTY;) {
        p->op = index_op(p->index, p->slot);
        if ((type == SLOT_OP || type == SLOT_EXPIRY) && p->slot < p->index->slots &&
            p->index->next[p->slot] != LEFT_OUT)
            return true;
    }
    return false;
}

void index_free(struct index *index)
{
    free(index->child);
    free(index->next);
    free(index->effect);
    unpromised_free(&index->unpromised);
    index->child = index->next = index->effect = NULL;
}
