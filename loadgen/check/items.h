/* items.h -- what is known of each item: its counters at the end, and what the effects add up to.
 *
 * Layer: check. A table by item index; every step of the check adds its part. Workers may do so,
 * too, each for items of its own: its memory is shared. Owned by check_history.
 */
#pragma once

#include "check/index.h"

struct item {
    uint64_t slack;       /* transitions that may have happened and left no trace */
    uint64_t late_slack;  /* the same, but only after the load: expiries of what was read as held */
    uint32_t counters;    /* slot of the last counters read, 0 for none */
    uint32_t refusals;    /* for want of stock; saturating */
    int64_t received;     /* by put, adjust and transfer, since it was created last */
    int64_t sold, held;   /* by the effects, the same */
    uint64_t version;     /* of the last transition known */
    int64_t remaining;    /* after it */
    uint32_t last;        /* the slot that says so, 0 for none */
    uint32_t transitions; /* known; saturating */
    bool disturbed;       /* a violation was found on it: sums would only say so again */
    bool undone;          /* a restore undid some of its transitions: losses.c tells of it */
    bool adrift;          /* at the end, at numbers that nobody quoted */
    bool gap;             /* versions are missing that something unresolved may explain */
    bool gone;            /* the last transition known has removed it */
};

/* The table, with the counters filled in; NULL when there is no memory. */
struct item *items_make(const struct index *index);
void items_free(struct item *items, const struct index *index);

static inline const struct history_counters *items_counters(const struct index *index,
                                                            const struct item *item)
{
    return item->counters
               ? (const struct history_counters *)(const void *)index_op(index, item->counters)
               : NULL;
}

/* Counts transitions that may have happened on each item of the operation. */
void items_add_slack(struct item *items, const struct history_op *op, unsigned transitions);
void items_add_late_slack(struct item *items, const struct history_op *op);

/* Takes so many transitions out of what may have happened; late: after the load. False when that
 * does not explain them. */
bool items_take_slack(struct item *item, uint64_t transitions, bool late);
