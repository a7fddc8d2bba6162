/* limit.h -- what each customer holds and has bought of an item, and whether that is too much.
 *
 * Layer: tests. Counted for every item, limited or not, from its creation on. Shares live as long
 * as the process and are never moved, so a hold remembers where it was counted.
 */
#pragma once

#include "shop/store.h"

struct share {
    const char *customer;
    int64_t used;
    int64_t kept; /* FAULT_RESTORE_LOSES: as the ledger has it */
    struct share *next;
};

/* What the rules are asked about, of each line. False: a limit counts for nobody who is named. */
bool limit_lines(const struct op *op, struct item *const *items,
                 struct rules_line *line) MUST_CHECK;

/* The verdict of the rules, unless a fault has another one about limits; off: they are forgotten.
 */
enum rules_verdict limit_judge(struct store *s, struct rules_line *line, unsigned lines, bool off);

/* The refusal that names the lines beyond their limit; if there is none, all that have one. */
void limit_refuse(const struct op *op, struct item *const *items, const struct rules_line *line,
                  struct answer *a);

/* Counts units for the customer of the operation; where, NULL: it has none. */
struct share *limit_take(struct store *s, const struct op *op, struct item *item, int64_t units);

/* The item is created anew: nothing of it was used yet. */
void limit_begin(struct store *s, struct item *item);

/* Counts them no more. */
void limit_give_back(struct share *share, int64_t units);
