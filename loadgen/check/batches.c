/* batches.c -- were the operations of one batch applied in the given order?
 *
 * The operations of a batch stand in the file directly behind each other, in its
 * order, all but the first with FLAG_BATCHED. One answer tells of them all, so on each item, and
 * for each reservation, what it says of a later one is of no lower version than what it says of an
 * earlier one: a LINEARIZABLE violation otherwise.
 *
 * Looked at is only what the answer itself shows to have been decided for this batch: not what was
 * looked up after the load, repeats an earlier answer, or was sent again while nobody knew what
 * became of the first attempt.
 */
#include "check/describe.h"
#include "check/entries.h"
#include "check/passes.h"
#include "check/restored.h"
#include "grow.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

/* What an answer said of one item, or one reservation. */
struct place {
    uint64_t about; /* an item, or OF_RESERVATION and the slot of its reserve */
    uint64_t key;   /* version * 2, + 1 for what only saw that version */
    uint32_t slot;
    uint32_t nth; /* in the batch, from 0 */
};

#define OF_RESERVATION (UINT64_C(1) << 32)

struct batch {
    const struct index *index;
    struct verdict *verdict;
    const struct history_op *last; /* NULL before the first operation */
    uint32_t operations;
    size_t places, cap;
    struct place *place;
    bool no_memory;
};

static void add_place(struct batch *b, uint32_t slot, uint64_t about, uint64_t key)
{
    struct place *grown = grow(b->place, b->places, &b->cap, sizeof(*grown));
    b->no_memory |= !grown;
    if (!grown)
        return;
    b->place = grown;
    b->place[b->places++] = (struct place){about, key, slot, b->operations};
}

/* Whether the answer in this slot tells of an effect that this very attempt had. */
static bool had_effect(const struct index *index, uint32_t slot)
{
    const struct history_op *op = index_op(index, slot);
    bool first = index_role(op) == ROLE_FIRST;
    uint32_t root = first ? slot : op->of;
    return (first || (index_role(op) == ROLE_ATTEMPT &&
                      history_outcome(index_op(index, root)) != OUTCOME_UNKNOWN)) &&
           history_outcome(op) == OUTCOME_OK && !(op->flags & FLAG_REPLAYED) &&
           index->effect[root] == slot;
}

/* What ended the reservation so, and no restore undid it; 0 when it is not known. */
static uint32_t ending_op(const struct index *index, uint32_t reserve, enum history_detail state)
{
    for (uint32_t at = index->child[reserve]; at; at = index->next[at]) {
        const struct history_op *op = index_op(index, at);
        bool fits =
            state == DETAIL_CONFIRMED ? history_confirms(op->kind) : op->kind == KIND_RELEASE;
        if (fits && index_role(op) == ROLE_FIRST && index_took_effect(index, at) &&
            !restored_lost_op(index->restored, index_op(index, index->effect[at])))
            return index->effect[at];
    }
    return 0;
}

/* The reservation that the operation is about, as the slot of its reserve; 0: none. */
static uint32_t reserve_of(const struct index *index, const struct history_op *op)
{
    const struct history_op *root = index_role(op) == ROLE_ATTEMPT ? index_op(index, op->of) : op;
    bool about =
        index_is_end(root) || root->kind == KIND_EXTEND || root->kind == KIND_GET_RESERVATION;
    return about ? root->of : 0;
}

/* A refusal that says how the reservation ended comes after that. */
static void place_claim(struct batch *b, uint32_t slot, uint32_t reserve)
{
    const struct history_op *op = index_op(b->index, slot);
    bool ended = op->detail == DETAIL_CONFIRMED || op->detail == DETAIL_RELEASED;
    uint32_t end = ended ? ending_op(b->index, reserve, (enum history_detail)op->detail) : 0;
    if (end)
        add_place(b, slot, OF_RESERVATION | reserve, index_op(b->index, end)->line.version * 2 + 1);
}

static void place_lines(struct batch *b, uint32_t slot, bool saw)
{
    const struct history_op *op = index_op(b->index, slot);
    for (unsigned n = 0; n < op->lines; n++)
        if (index_line(op, n)->version != 0)
            add_place(b, slot, index_line(op, n)->item, index_line(op, n)->version * 2 + saw);
}

static void add_operation(struct batch *b, uint32_t slot)
{
    const struct history_op *op = index_op(b->index, slot);
    enum history_outcome outcome = history_outcome(op);
    uint32_t reserve = reserve_of(b->index, op);
    bool effect = had_effect(b->index, slot);
    bool refused = entry_is_refusal(op);
    if (effect || refused)
        place_lines(b, slot, refused);
    if (reserve && (effect || (outcome == OUTCOME_OK && op->kind == KIND_GET_RESERVATION)))
        add_place(b, slot, OF_RESERVATION | reserve, op->line.version * 2 + !effect);
    else if (reserve && outcome == OUTCOME_FAIL)
        place_claim(b, slot, reserve);
    b->operations++;
    b->last = op;
}

static int compare_places(const void *left, const void *right)
{
    const struct place *a = left, *b = right;
    if (a->about != b->about)
        return a->about < b->about ? -1 : 1;
    return (a->nth > b->nth) - (a->nth < b->nth);
}

static const char *verb(const struct place *p)
{
    return p->key % 2 ? "saw" : "made";
}

static void report_order(const struct batch *b, const struct place *early, const struct place *late)
{
    const struct index *index = b->index;
    const struct history_op *one = index_op(index, early->slot);
    const struct history_op *other = index_op(index, late->slot);
    uint32_t item = early->about < OF_RESERVATION ? (uint32_t)early->about : one->line.item;
    verdict_violation(b->verdict, PROPERTY_LINEARIZABLE, OPS(early->slot, late->slot),
                      "Operations %" PRIu32 " and %" PRIu32 " of one batch of %" PRIu32
                      " were not applied in the given order: %s %s version %" PRIu64
                      " of %s, and %s, which stands behind it, %s version %" PRIu64 ".",
                      early->nth + 1, late->nth + 1, b->operations, describe_who(one).text,
                      verb(early), early->key / 2, describe_sku(index->reader, item).text,
                      describe_who(other).text, verb(late), late->key / 2);
}

/* The batch is whole: judges it, and makes room for the next. */
static void end_batch(struct batch *b)
{
    if (b->operations > 1 && b->places > 1) {
        qsort(b->place, b->places, sizeof(*b->place), compare_places);
        const struct place *highest = &b->place[0];
        for (size_t i = 1; i < b->places; i++) {
            const struct place *p = &b->place[i];
            if (p->about == highest->about) {
                b->verdict->property[PROPERTY_LINEARIZABLE].checked++;
                if (p->key < highest->key)
                    report_order(b, highest, p);
            }
            if (p->about != highest->about || p->key > highest->key)
                highest = p;
        }
    }
    b->operations = 0;
    b->places = 0;
}

/* Whether both went out in one request. */
static bool together(const struct history_op *op, const struct history_op *before)
{
    return before && history_phase(op) == PHASE_LOAD && history_phase(before) == PHASE_LOAD &&
           op->client == before->client && op->begin_ns == before->begin_ns;
}

int batches_check(struct index *index, struct verdict *v)
{
    struct batch b = {.index = index, .verdict = v};
    uint32_t lonely = 0;
    for (struct index_pass pass = index_pass(index); index_next(&pass);) {
        const struct history_op *op = pass.op;
        if (index_is_told(op))
            continue; /* of something before it */
        bool joins = op->flags & FLAG_BATCHED && together(op, b.last);
        lonely += op->flags & FLAG_BATCHED && !joins;
        if (!joins)
            end_batch(&b);
        add_operation(&b, pass.slot);
    }
    end_batch(&b);
    free(b.place);
    /* What is left out may have been the first of its batch. */
    if (lonely > 0 && index->left_out == 0)
        index_break(index);
    return b.no_memory ? -ENOMEM : 0;
}
