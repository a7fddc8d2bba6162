/* decide.h -- what the decisions of plan.c and of the files decide_*.c share.
 *
 * Layer: core, and private to it. A decision returns a step: STEP_DONE with op->out filled, or
 * STEP_READ once it has marked what it lacks, or STEP_DEFER. It changes nothing before it knows
 * all that it needs. A customer is named by its share (tenant.h). STEP_BROKEN: what was read
 * contradicts itself, so somebody else writes here.
 */
#pragma once

#include "core/event.h"
#include "core/op_table.h"
#include "core/view.h"

enum step { STEP_DONE, STEP_READ, STEP_DEFER, STEP_NO_MEMORY, STEP_BROKEN };

struct plan_limits; /* core/plan.h */

struct planner {
    struct view *view;
    const struct plan_limits *limits;
    int64_t now_ms;
    unsigned reserved; /* new reservations of this plan so far */
    struct event_before before;
};

typedef enum step decide_fn(struct planner *p, struct op *op);

#define DECLARE(KIND, name, ...) decide_fn decide_##name;
OP_TABLE(DECLARE)
#undef DECLARE

/* --- items (decide_item.c) -------------------------------------------------------------------- */

/* One more transition of the item. */
void item_touch(struct planner *p, struct view_item *item);

/* The checks that taking units from items shares: 404, then limit, then stock. STEP_DONE with
 * op->out.code OUT_NONE means that all lines may be taken. */
enum step item_check_take(struct planner *p, struct op *op, const struct op_line *lines,
                          unsigned count, struct str customer);

/* --- their holds by deadline (decide_due.c) --------------------------------------------------- */

/* Gives back the due holds of an item that units are about to be taken from. */
enum step item_settle(struct planner *p, uint32_t slot);

/* True if holds are due on the item that this batch has not given back. */
bool item_has_due(const struct planner *p, const struct view_item *item);

/* Makes the earliest deadline of the item, if it has any, exact: STEP_DONE or STEP_READ. */
enum step item_know_due(struct planner *p, struct view_item *item);

/* A hold with this deadline begins, or ends, on the item; `held` is already right. */
void item_hold_begins(struct view_item *item, int64_t deadline_ms);
void item_hold_ends(struct view_item *item, int64_t deadline_ms);

/* Notes a change of the item's deadline index; 0 removes. */
enum step item_index(struct planner *p, struct view_item *item, const struct rid *id,
                     int64_t deadline_ms);

/* True if the items of the reservation, and what its customer has of them, are known; else they
 * are marked as wanted. */
bool reservation_ready(struct planner *p, struct view_reservation *vr, const struct reservation *r);

/* --- counters (decide_counter.c) -------------------------------------------------------------- */

/* What an operation is about to add to an item's counters: units to `sold`, units to what the
 * customer holds and bought, one to its version. */
struct counter_use {
    uint32_t item;
    int64_t sells, takes;
    struct str customer; /* read only if it takes */
    bool ends_hold;      /* its version is one of those that were spared for this */
};

/* Refuses op if a counter would pass what is written of it. STEP_DONE with op->out.code OUT_NONE
 * means that none does. */
enum step counter_check(struct planner *p, struct op *op, const struct counter_use *use);

/* The same for lines whose units are sold, or only taken for the customer. */
enum step counter_check_take(struct planner *p, struct op *op, const struct op_line *lines,
                             unsigned count, struct str customer, bool sells);

/* The same for one more version, and nothing else, of the item. */
enum step counter_check_version(struct planner *p, struct op *op, uint32_t item);

/* The units of (item, customer); NULL: no customer, or no memory with out_of_memory set. */
struct view_customer *customer_of(struct planner *p, uint32_t item, struct str customer);

/* Adds to what the customer holds and bought of the item; nothing if customer is absent. */
void customer_add(struct planner *p, uint32_t item, struct str customer, int64_t units);

/* --- reservations (decide_reservation.c) ------------------------------------------------------ */

/* Expires a held reservation: its items must be known. */
enum step reservation_expire(struct planner *p, struct view_reservation *vr);

/* --- events and results (plan.c) ---------------------------------------------------------------
 */

/* Appends an event; `op` gives its owner and its trace, and the client's key and result, if the
 * event settles it; else NULL. */
enum step planner_event(struct planner *p, struct event *event, struct op *op);

/* The event line of an item as it is now. */
struct event_line planner_line(const struct view_item *item, int64_t quantity);

/* Ends an operation: no effect. */
static inline enum step refuse(struct op *op, enum outcome_code code)
{
    op->out.code = code;
    return STEP_DONE;
}

static inline enum step refuse_field(struct op *op, const char *field, const char *why)
{
    op->out.field = field;
    op->out.why = why;
    return refuse(op, OUT_INVALID);
}
