/* history_steps.h -- what history_model.c and history_answers.c share. Private to them. */
#pragma once

#include "support/history_model.h"

static inline const struct history_line *line(const struct history_op *op, unsigned n)
{
    return history_line_of(op, n);
}

/* Line n of the reserve is about this item; MODEL_NONE: none is. */
static inline unsigned line_about(const struct history_op *op, uint32_t item)
{
    for (unsigned n = 0; n < op->lines; n++)
        if (line(op, n)->item == item)
            return n;
    return MODEL_NONE;
}

static inline bool is_read(const struct history_op *op)
{
    return op->kind == KIND_GET_ITEM || op->kind == KIND_GET_RESERVATION;
}

static inline bool is_change(const struct history_op *op)
{
    return history_ends(op->kind) || op->kind == KIND_EXTEND;
}

static inline int64_t wanted(const struct history_op *op, unsigned n)
{
    int64_t quantity = line(op, n)->quantity;
    return op->kind == KIND_ADJUST || op->kind == KIND_TRANSFER ? -quantity : quantity;
}

static inline bool counts(const struct history_op *op)
{
    return op->kind == KIND_RESERVE || op->kind == KIND_DECREMENT || op->kind == KIND_RERESERVE;
}

/* What the customer, for whom the operation is, has used of the item's limit. */
int64_t *model_used(const struct model *m, struct model_state *s, const struct history_op *op,
                    uint32_t item);

/* Whether that is more than the customer of `who` may have. */
bool model_exceeds(const struct model *m, struct model_state *s, const struct history_op *op,
                   const struct history_op *who, const struct history_line *l);

/* The request takes effect; false: it cannot, in this state. */
bool model_take_effect(const struct model *m, struct model_state *s, uint32_t n);
