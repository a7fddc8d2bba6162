/* unpromised.h -- answers that promised nothing, given while a primary was perhaps being replaced.
 *
 * Layer: check. Where a success waits until replicas or a ledger have its effect, reads and
 * refusals do not wait: they may show what a primary has taken that is replaced before anybody was
 * promised it, or what such a primary still holds. So in a run at such a level they are no evidence
 * for a minute around each answer that says that the store can not be written, or that its outcome
 * is unknown, or that comes late. Everything that was answered with success stays, and so does all
 * that is read when the load is over.
 */
#pragma once

#include "history/reader.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct unpromised {
    size_t seconds;       /* of the run that are known; 0: nothing is to be left out */
    uint8_t *shaken;      /* by second: 1 if it is near such an answer */
    uint8_t *tried_again; /* a bit for each slot: further attempts or look-ups name it */
};

/* 0 or -ENOMEM; unpromised_free in any case. */
int unpromised_make(struct unpromised *u, const struct history_reader *r) MUST_CHECK;
void unpromised_free(struct unpromised *u);

/* Whether the operation was answered at such a time. */
bool unpromised_time(const struct unpromised *u, const struct history_op *op);

/* Whether it is an answer that is to be left out. */
bool unpromised_answer(const struct unpromised *u, const struct history_op *op, uint32_t slot);
