/* item.h -- one item: its counters, and the states it was in before.
 *
 * Layer: tests. Items live as long as the process and are never moved. The past is there for lies
 * only: a server that answers from a stale copy needs one.
 *
 * Invariant, unless a fault breaks it: available >= 0, held >= 0, and each transition raises the
 * version by one.
 */
#pragma once

#include "shop/fault.h"
#include "support/shop_rules.h"

#include <stdbool.h>
#include <stdint.h>

#define ITEM_SKU_MAX  64
#define ITEM_PAST     64 /* states remembered */
#define ITEM_PAST_OLD 32 /* a state so many transitions old is no longer news to anybody */

struct share; /* shop/limit.h */

struct item {
    char sku[ITEM_SKU_MAX + 1];
    int64_t limit;        /* max_per_customer, 0: none */
    struct share *shares; /* of the customers, the newest first */
    bool gone;            /* FAULT_LOST_ITEM */
    struct stock now;
    struct stock kept; /* FAULT_RESTORE_LOSES: as the ledger has it */
    int64_t updated_ms;
    uint64_t removals;   /* how often it was deleted */
    int64_t sold_before; /* FAULT_SOLD_SURVIVES: when it was deleted last */
    uint64_t past_count; /* states put into past, ever; the newest is at (past_count - 1) % size */
    struct stock past[ITEM_PAST];
};

/* Ends a transition of `was` into item->now: the next version, and `was` goes into the past. */
void item_touch(struct item *item, const struct stock *was, int64_t now_ms,
                struct fault_plan *faults);

/* Makes the last transition undone, as a write that was lost. */
void item_forget(struct item *item);

/* The oldest state known that is at least ITEM_PAST_OLD transitions old and has fewer units
 * available than `below`; NULL if there is none. */
const struct stock *item_long_ago(const struct item *item, int64_t below);
