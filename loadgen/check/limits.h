/* limits.h -- what each customer holds and has bought of a limited item, along its versions.
 *
 * Layer: check. Fed by numbers.c: one item after the other, each in the order of its versions. What
 * a customer has used of its limit is a number of the item like what is available, so every refusal
 * because of it is a read:
 *
 *   reserve, decrement     use units; never more than the limit allows
 *   release, expiry        give them back, as does a confirm with what it does not sell
 *   409 limit-exceeded     says what was used at its version, and that was too much
 *   409 insufficient-stock comes only to who was within the limit
 *   creation, delete       begin anew
 *
 * Violations: SUMS for units beyond a limit, ANSWERS for what was said. Owned by check_history:
 * limits_make .. limits_free.
 */
#pragma once

#include "check/index.h"
#include "check/verdict.h"

struct limits {
    const struct index *index;
    struct verdict *verdict;
    struct limits_share {
        uint64_t life; /* in any other one nothing was used yet */
        int64_t used;
    } * share;     /* by customer */
    uint64_t life; /* that the last creation or delete began: a number that no other one has */
    uint32_t item;
    int64_t limit; /* of the item at hand, 0: none */
    bool known;    /* all that was used so far */
};

/* One entry of the item at hand. */
struct limits_step {
    uint32_t slot;
    const struct history_op *op;
    const struct history_line *asked; /* item and quantity */
    const struct history_line *said;  /* version, and what is left or used */
    bool read;
    int64_t units; /* of a transition: that the customer holds and has bought more by it */
    bool known;    /* every transition of the item up to here */
    bool lost;     /* what a restore undid: it counts for nothing, and may be told of */
};

/* 0 or -ENOMEM; limits_free in any case. */
int limits_make(struct limits *limits, const struct index *index) MUST_CHECK;
void limits_free(struct limits *limits);

/* Goes on with another item; v takes what is wrong on it. */
void limits_begin(struct limits *limits, uint32_t item, struct verdict *v);

void limits_step(struct limits *limits, const struct limits_step *step);
