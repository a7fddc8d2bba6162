/* store.c -- deciding operations: keys and records around the single deciders. */
#include "shop/store.h"

#include "shop/record.h"

#include <assert.h>

static void (*const deciders[OP_KINDS])(struct store *s, const struct op *op, struct answer *a) = {
    [OP_PUT] = decide_put,
    [OP_ADJUST] = decide_adjust,
    [OP_DECREMENT] = decide_decrement,
    [OP_RESERVE] = decide_reserve,
    [OP_CONFIRM] = decide_confirm,
    [OP_RELEASE] = decide_release,
    [OP_EXTEND] = decide_extend,
    [OP_GET] = decide_get,
    [OP_DELETE] = decide_delete,
    [OP_TRANSFER] = decide_transfer,
};

/* Operations that would have another effect if they were applied again. Confirm and release know
 * by their reservation that they are a repetition. */
static bool adds_up(enum op_kind kind)
{
    return kind == OP_RESERVE || kind == OP_DECREMENT || kind == OP_ADJUST || kind == OP_TRANSFER;
}

/* Answers from the record of the key; false when the operation is to be decided. */
static bool answer_from_record(struct store *s, const struct op *op, struct answer *a)
{
    const struct record *record = record_find(&s->records, op->key);
    if (!record)
        return false;
    if (record->fingerprint != op->fingerprint) {
        if (fault_fires(&s->faults, FAULT_KEY_RUNS))
            return false;
        if (fault_fires(&s->faults, FAULT_KEY_REPLAYS))
            record_answer(record, a, s->now_ms);
        else
            answer_problem(a, PROBLEM_IDEMPOTENCY_KEY_REUSED);
        return true;
    }
    if (adds_up(op->kind) && fault_fires(&s->faults, FAULT_DOUBLE_APPLY))
        return false;
    record_answer(record, a, s->now_ms);
    return true;
}

/* Faults that may follow any success. */
static void lie_afterwards(struct store *s, const struct op *op, struct answer *a)
{
    if (op->line_count > 0 && fault_fires(&s->faults, FAULT_LOST_ITEM)) {
        struct item *item = store_item(s, op->line[0].sku);
        if (item)
            item->gone = true;
    }
    if (fault_fires(&s->faults, FAULT_PHANTOM_503))
        answer_problem(a, PROBLEM_REDIS_UNAVAILABLE);
}

void decide(struct store *s, const struct op *op, struct answer *a)
{
    assert(op->kind < OP_KINDS);
    s->decided++;
    if (op->kind == OP_GET) {
        decide_get(s, op, a);
        return;
    }
    store_expire(s);
    restore_when_due(s);
    if (op->key[0] != '\0' && answer_from_record(s, op, a))
        return;
    if (refuse_falsely(s, op, a))
        return;
    deciders[op->kind](s, op, a);
    if (a->status >= 300)
        return;
    if (op->key[0] != '\0' && !a->unrecorded && !fault_fires(&s->faults, FAULT_FORGOTTEN_KEY)) {
        record_put(&s->records, op->key, op->fingerprint, a);
        s->recent = record_find(&s->records, op->key);
    }
    answer_close(a, s->now_ms);
    lie_afterwards(s, op, a);
}

void store_get_operation(struct store *s, const char *key, struct answer *a)
{
    const struct record *record = record_find(&s->records, key);
    if (record && record != s->recent && fault_fires(&s->faults, FAULT_SWAPPED_KEY))
        record = s->recent;
    if (record)
        record_show(record, a, s->now_ms);
    else
        answer_problem(a, PROBLEM_OPERATION_NOT_FOUND);
}
