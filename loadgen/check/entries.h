/* entries.h -- everything that quotes a version, item by item, in the order of versions.
 *
 * Layer: check. One entry for each line of each effect, of each get or list of items, of each
 * refusal for want of stock or because of a limit, and for each claim that an item has changed
 * since a version (a set that was refused; it stands among the reads of that version); 16 bytes
 * each, sorted within its item, a transition before the reads of its version. Owned by
 * check_history: entries_make .. entries_free.
 */
#pragma once

#include "check/index.h"
#include "check/radix.h"

#include <stddef.h>

struct entries {
    size_t count;
    struct radix_pair *all; /* key: version and read; value: slot and line */
    size_t *first;          /* of item i: first[i] .. first[i + 1] - 1 */
};

/* index->effect must be complete. 0 or -ENOMEM; entries_free in any case. */
int entries_make(struct entries *entries, const struct index *index) MUST_CHECK;
void entries_free(struct entries *entries);

static inline uint64_t entry_version(struct radix_pair entry)
{
    return entry.key >> 1;
}

static inline bool entry_is_read(struct radix_pair entry)
{
    return entry.key & 1;
}

static inline uint32_t entry_slot(struct radix_pair entry)
{
    return (uint32_t)entry.value;
}

static inline unsigned entry_line(struct radix_pair entry)
{
    return (unsigned)(entry.value >> 32);
}

/* Whether the slot stands for the transition. That is the first attempt of a key; but one that was
 * refused, and saw what was left, stands for that, and the attempt that succeeded for itself. */
bool entries_is_transition(const struct index *index, uint32_t slot);

/* The key under which line n of the operation in slot is sorted; 0 when it quotes no version. */
uint64_t entries_key(const struct index *index, uint32_t slot, unsigned n);

/* Whether the operation is such a refusal: of stock, or of units beyond a customer's limit, which
 * quotes what is used in the place of what is left. */
static inline bool entry_is_refusal(const struct history_op *op)
{
    return history_outcome(op) == OUTCOME_FAIL &&
           (op->detail == DETAIL_NO_STOCK || op->detail == DETAIL_LIMIT);
}

/* Whether the operation is such a claim: it quotes no numbers. */
static inline bool entry_is_claim(const struct history_op *op)
{
    return op->kind == KIND_SET && history_outcome(op) == OUTCOME_FAIL &&
           op->detail == DETAIL_STALE;
}

/* What one transition does to its item; of a set, that depends on what was there before: nothing
 * here. */
struct change {
    int64_t available, received, sold, held;
};
struct change entries_change(const struct index *index, uint32_t slot, unsigned n);
