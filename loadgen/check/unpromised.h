/* unpromised.h -- answers that promised nothing, given while a primary was perhaps being replaced.
 *
 * Layer: check. Where a success waits until replicas or a ledger have its effect, reads and
 * refusals do not wait: they may show what a primary has taken that is replaced before anybody was
 * promised it, or what such a primary still holds. So in a run at such a level in which there was a
 * failover what they say of the store is no evidence for a minute around each answer that says that
 * the store can not be written, or that its outcome is unknown, or that comes late:
 *
 *   reads      are left out, but for an expiry that only a get shows
 *   refusals   stay, since attempts, batches and look-ups hang on them, in a copy of the history
 *              that the check alone sees: that nothing was changed, and not why
 *
 * Everything that was answered with success stays as it is, and so does all that is read when the
 * load is over. Owned by index.h.
 */
#pragma once

#include "history/reader.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct unpromised {
    struct history_reader reader; /* the copy */
    size_t seconds;               /* of the run that are known; 0: there is no copy */
    uint8_t *shaken;              /* by second: 1 if it is near such an answer */
    uint8_t *read_back;           /* a bit for each slot: a reserve that was, after the load */
    uint64_t muted;               /* refusals that say no more why */
};

/* 0, -ENOMEM or what mapping a file says; unpromised_free in any case. */
int unpromised_make(struct unpromised *u, const struct history_reader *r) MUST_CHECK;
void unpromised_free(struct unpromised *u);

/* Whether it is a read that is to be left out. */
bool unpromised_read(const struct unpromised *u, const struct history_op *op);
