/* index.h -- who belongs to whom in a history: attempts, look-ups, what befell a reservation.
 *
 * Layer: check. One uint32_t array per link, by slot number: 12 bytes a slot. An operation names
 * at most one other in `of`, so everything is a forest:
 *
 *   first attempt of a put, adjust, decrement,     children: further attempts, look-ups
 *   transfer
 *   first attempt of a reserve                     ... and the first attempts of its confirms,
 *                                                  rereserves, releases and extends, its gets, and
 *                                                  what was told of its expiry besides
 *   first attempt of what is about a reservation   children: further attempts, look-ups
 *
 * Invariant: a child's parent is a first attempt, of the kind that its own kind asks for; so the
 * forest is two deep whatever the file says, and attempts of one key ask for the same. What does
 * not fit, or goes back to what does not, is counted in `broken` and is no part of any list. The
 * reader must outlive the index.
 */
#pragma once

#include "check/role.h"
#include "check/unpromised.h"
#include "history/reader.h"

#include <stdbool.h>
#include <stdint.h>

/* Values of index.effect that are no slots: the first slots of a file are its header. */
#define EFFECT_NONE       0u /* it changed nothing */
#define EFFECT_UNRESOLVED 1u /* nobody said whether it did */
#define EFFECT_AGAIN      2u /* a reservation had ended before; the answer is about that end */
#define EFFECT_SLOT_MIN   HISTORY_HEADER_SLOTS

struct restored; /* check/restored.h */
struct removals; /* check/removals.h */

static_assert(KINDS <= 32 && DETAILS <= 32, "they are bits of a number");

struct index {
    const struct history_reader *reader;
    uint32_t slots, items;
    uint32_t *child, *next;
    /* What an operation changed, by the slot of its first attempt: an EFFECT_ value, or the slot of
     * the answer that tells. Also on a second attempt that took effect once more (its own slot),
     * and on the get, or the like, that shows an expiry (its own slot). */
    uint32_t *effect;
    const struct restored *restored; /* of check_history, once it has made it */
    const struct removals *removals; /* the same; NULL before, and where nothing was deleted */
    uint32_t rewound;                /* moments of rewound.h, jumps to restored.h */
    bool may_lose;                   /* a failover may have lost what was answered: that is told */
    struct unpromised unpromised;    /* what is no evidence; if there is any, its copy is read */
    uint64_t left_out;               /* reads, because of that */
    uint64_t operations, broken;
    uint32_t kinds;   /* bits of enum history_kind: what there is */
    uint32_t details; /* bits of enum history_detail, of what was not answered with 2xx */
    bool incomplete;  /* parts of the file are missing: what is not in it may have happened */
    bool baskets;     /* an operation has two lines or more */
    bool says_sold;   /* gets of what was confirmed say what was sold: since format 3 */
};

/* 0, -ENOMEM or what mapping a file says; index_free in any case. The index stays where it is. */
int index_make(struct index *index, const struct history_reader *r) MUST_CHECK;
void index_free(struct index *index);

/* Something in the file contradicts itself, so that there is no relying on what is not in it. */
static inline void index_break(struct index *index)
{
    index->broken++;
    index->incomplete = true;
}

/* A pass over the operations that can be used: what is broken, and what a killed client had only
 * begun to write down and never sent, is left out. */
struct index_pass {
    const struct index *index;
    struct history_pass pass;
    const struct history_op *op; /* as index_next found it, in this slot */
    uint32_t slot;
};

struct index_pass index_pass(const struct index *index);

/* Goes to the next operation; false at the end. */
bool index_next(struct index_pass *pass);

/* An operation by a slot number out of the index itself. */
static inline const struct history_op *index_op(const struct index *index, uint32_t slot)
{
    return (const struct history_op *)(const void *)(index->reader->map +
                                                     (size_t)slot * HISTORY_SLOT_BYTES);
}

/* Whether the first attempt in that slot took effect. */
static inline bool index_took_effect(const struct index *index, uint32_t slot)
{
    return index->effect[slot] >= EFFECT_SLOT_MIN;
}

static inline bool index_is_end(const struct history_op *op)
{
    return history_ends(op->kind);
}

/* Whether both end their reservation the same way. */
static inline bool index_same_end(const struct history_op *a, const struct history_op *b)
{
    return a->kind == b->kind || (history_confirms(a->kind) && history_confirms(b->kind));
}

static inline const struct history_line *index_line(const struct history_op *op, unsigned n)
{
    return n == 0 ? &op->line : history_line_of(op, n);
}

/* The line of op about that item: `hint` if it is the one. NULL when there is none. */
const struct history_line *index_line_about(const struct history_op *op, uint32_t item,
                                            unsigned hint);
