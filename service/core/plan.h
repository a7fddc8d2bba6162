/* plan.h -- the decision of a batch: (operations, values read, now) -> effects and outcomes.
 *
 * Layer: core, pure; the same input gives the same plan. Each operation is decided in the order
 * of arrival and sees the effects, and the client keys, of those before it. Effects are the
 * overlay of the view: dirty items, new records, changes of the deadline indexes, counters of
 * customers, recorded results, events.
 *
 * Invariant: an outcome that is a refusal has no effect, but for due holds that were given back;
 * each transition raises the version of each item that it touches by exactly one.
 */
#pragma once

#include "core/parts.h"
#include "core/view.h"

struct plan_limits {
    int64_t max_hold_ms;
    int64_t reservation_retention_ms;
    /* A store of format 1 has neither. */
    const struct parts *parts; /* for new reservations, or NULL */
    bool brief_events;
};

enum plan_result {
    PLAN_DONE,      /* every operation has an outcome, or is deferred (OUT_NONE) */
    PLAN_READ_MORE, /* entries of the view are wanted and not known: read them, plan again */
    PLAN_NO_MEMORY,
    PLAN_BROKEN, /* what was read contradicts itself: another program has written there */
};

/* Puts into the view what the operation is sure to need. False: out of memory. */
bool plan_collect(struct view *view, struct op *op) MUST_CHECK;

/* True if the view knows already what the operation is sure to need: plan_collect() would add
 * nothing to it that is to be read. */
bool plan_is_covered(const struct view *view, const struct op *op);

/* Decides ops[0..count) at Redis time now_ms. An outcome that stays OUT_NONE after PLAN_DONE means
 * that the operation must be tried again once this plan's effects are written: more holds were due
 * on its item than one batch gives back. So must then those behind it in its chain. */
enum plan_result plan(struct view *view, struct op *const *ops, unsigned count, int64_t now_ms,
                      const struct plan_limits *limits) MUST_CHECK;

/* True if the plan changes anything, or records a result. */
bool plan_writes(const struct view *view);
