/* itemtable.h -- what a load did to each item, and which items it hit most.
 *
 * Layer: report, pure. One row an item, found by its number. Owned by the caller: itemtable_init
 * .. itemtable_free.
 *
 * Invariant: rows is at most the number of slots in the history, since each item of a run was
 * created by an operation: a broken header cannot make the table larger than the file.
 */
#ifndef LOADGEN_REPORT_ITEMTABLE_H
#define LOADGEN_REPORT_ITEMTABLE_H

#include "report/summary_numbers.h"

#include <stdbool.h>

struct itemtable_row {
    struct summary_item sum;
    uint64_t version; /* of sum.remaining; 0: not known */
};

struct itemtable {
    uint32_t rows;
    struct itemtable_row *row;
};

/* 0 or -ENOMEM. */
int itemtable_init(struct itemtable *t, const struct history_reader *r)
    __attribute__((warn_unused_result));

/* Takes in one attempt. measured: it belongs to the statistics; otherwise only what it says about
 * the stock counts. first_effect: see summary.c. */
void itemtable_add(struct itemtable *t, const struct history_op *op, bool measured,
                   bool first_effect);

/* An item as it was read after the load. */
void itemtable_final(struct itemtable *t, const struct history_counters *counters);

/* Fills s->top and s->hot with the items of most requests; of two with the same number, the one
 * with the lower index comes first. */
void itemtable_top(const struct itemtable *t, struct summary *s);

void itemtable_free(struct itemtable *t);

#endif
