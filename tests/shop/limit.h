/* limit.h -- what each customer holds and has bought of an item, and whether that is too much.
 *
 * Layer: tests. Counted for every item, limited or not, from its creation on. Shares live as long
 * as the process and are never moved, so a hold remembers where it was counted.
 */
#ifndef SHOP_LIMIT_H
#define SHOP_LIMIT_H

#include "shop/store.h"

struct share {
    const char *customer;
    int64_t used;
    int64_t kept; /* FAULT_RESTORE_LOSES: as the ledger has it */
    struct share *next;
};

/* Whether the limits of all lines allow the operation; otherwise the answer is a refusal. */
bool limit_allows(struct store *s, const struct op *op, struct item *const *items, struct answer *a)
    __attribute__((warn_unused_result));

/* Counts units for the customer of the operation; where, NULL: it has none. */
struct share *limit_take(struct store *s, const struct op *op, struct item *item, int64_t units);

/* The item is created anew: nothing of it was used yet. */
void limit_begin(struct store *s, struct item *item);

/* Counts them no more. */
void limit_give_back(struct share *share, int64_t units);

#endif
