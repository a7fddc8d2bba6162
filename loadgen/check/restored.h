/* restored.h -- where the versions of each item jump because the service was restored.
 *
 * Layer: check. A restore rebuilds an item as its ledger had it, at version `kept`, under a number
 * that is some multiple of RESTORED_STEP higher, so that no version is ever given twice:
 *
 *   ... kept-1  kept | kept+1 ... last            first  first+1 ...
 *                    `- in the ledger no more -'  `- kept, restored; first = kept + k * STEP
 *
 * What lies behind `kept`, up to `last`, the last version that any answer quoted before the jump,
 * was lost: transitions that were acknowledged must not be there, reads of what nobody was promised
 * may. Jumps are found in everything that quotes a version; each item has at most as many as the
 * service counted restores and rewound.h found moments, and without either there are none. Owned by
 * check_history.
 */
#pragma once

#include "check/index.h"

#include <stddef.h>

#define RESTORED_STEP (UINT64_C(1) << 20)

struct restored_jump {
    uint64_t kept, last, first;
    uint64_t seen_ns; /* somebody had been answered from behind it: it was over by then */
    /* The item was gone before the creation behind it: `kept` is taken for the delete, which may
     * as well have been the first transition behind the restore. */
    bool gone;
    bool behind; /* and now it is taken so */
};

struct restored {
    size_t count;
    struct restored_jump *all; /* item by item, in the order of versions */
    size_t *first;             /* of item i: first[i] .. first[i + 1] - 1; NULL: no jumps at all */
};

/* 0 or -ENOMEM; restored_free in any case. */
int restored_make(struct restored *restored, const struct index *index) MUST_CHECK;
void restored_free(struct restored *restored);

/* The jumps of one item: *end is behind the last of them. */
const struct restored_jump *restored_of(const struct restored *restored, uint32_t item,
                                        const struct restored_jump **end);

/* The other way for such deletes of the item; false when there are none. */
bool restored_turn(struct restored *restored, uint32_t item);

/* Whether a restore of the item may have come after that moment. */
bool restored_after(const struct restored *restored, uint32_t item, uint64_t at_ns);

/* Whether a restore undid that version of the item. */
bool restored_lost(const struct restored *restored, uint32_t item, uint64_t version);

/* Whether a restore undid what this answer quotes, on any of its items. */
bool restored_lost_op(const struct restored *restored, const struct history_op *answer);
