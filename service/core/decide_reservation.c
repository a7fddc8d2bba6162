/* decide_reservation.c -- reserve, confirm, release, extend, get; and expiry. */
#include "core/decide.h"
#include "core/plan.h"
#include "core/tenant.h"

#include <assert.h>
#include <stdlib.h>

static struct view_item *line_item(struct planner *p, const struct view_reservation *vr, unsigned i)
{
    return view_item(p->view, vr->slots[i]);
}

/* A copy of the record that this plan may change. */
static struct reservation *change(struct planner *p, struct view_reservation *vr)
{
    if (vr->now)
        return vr->now;
    struct reservation *r = arena_copy(p->view->arena, vr->was, sizeof(*r));
    if (!r)
        return NULL;
    r->lines = arena_copy(p->view->arena, vr->was->lines, r->line_count * sizeof(*r->lines));
    if (!r->lines)
        return NULL;
    vr->now = r;
    return r;
}

/* An outcome keeps the reservation as it is now: later operations of the batch may change it. */
static const struct reservation *snapshot(struct planner *p, const struct reservation *r)
{
    struct reservation *copy = arena_copy(p->view->arena, r, sizeof(*copy));
    if (copy)
        copy->lines = arena_copy(p->view->arena, r->lines, r->line_count * sizeof(*r->lines));
    return copy && copy->lines ? copy : NULL;
}

/* Writes the pair of the transition that just touched the item into the line. */
static void stamp(struct reservation_line *line, const struct view_item *item)
{
    line->remaining = item->now.available;
    line->version = item->now.version;
}

/* Answers with the reservation as it is now and writes the event of the transition; without op it
 * expired. */
static enum step answer_transition(struct planner *p, struct op *op, struct view_reservation *vr)
{
    const struct reservation *r = vr->now;
    struct event event = {.type = op ? op_trait(op->kind)->event : EVENT_EXPIRE,
                          .has_rid = true,
                          .rid = r->id,
                          .owner = r->owner};
    event.lines = arena_alloc(p->view->arena, r->line_count * sizeof(*event.lines));
    if (!event.lines)
        return STEP_NO_MEMORY;
    for (unsigned i = 0; i < r->line_count; i++) {
        const struct view_item *item = line_item(p, vr, i);
        if (item->now.exists) /* else deleted: a rereserve that sells others did not touch it */
            event.lines[event.line_count++] = planner_line(item, r->lines[i].quantity);
    }
    if (event_trait(event.type)->sets_deadline)
        event.expires_ms = r->expires_ms;
    if (event.type == EVENT_RESERVE) {
        event.customer = r->customer;
        event.reference = r->reference;
        event.metadata = r->metadata;
    }
    if (op) {
        op->out.code = op_trait(op->kind)->success;
        op->out.resv = snapshot(p, r);
        if (!op->out.resv)
            return STEP_NO_MEMORY;
    }
    return planner_event(p, &event, op);
}

/* --- reserve ---------------------------------------------------------------------------------- */

static struct reservation *new_reservation(struct planner *p, struct op *op)
{
    struct reservation *r = arena_zalloc(p->view->arena, sizeof(*r));
    if (!r)
        return NULL;
    r->lines = arena_zalloc(p->view->arena, op->line_count * sizeof(*r->lines));
    if (!r->lines)
        return NULL;
    r->created_ms = p->now_ms;
    r->expires_ms = p->now_ms + op->ttl_ms;
    r->id = op->rid;
    r->id.partition = op->partition;
    rid_set_bucket(&r->id, p->limits->parts
                               ? parts_of(p->limits->parts, r->expires_ms, p->reserved++)
                               : rid_bucket_of(r->expires_ms));
    r->customer = op->customer;
    r->reference = op->reference;
    r->metadata = op->metadata;
    r->owner = op->owner;
    r->share = op->share;
    r->line_count = op->line_count;
    return r;
}

static enum step hold_lines(struct planner *p, struct op *op, struct view_reservation *vr,
                            struct reservation *r)
{
    for (unsigned i = 0; i < op->line_count; i++) {
        const struct op_line *line = &op->lines[i];
        struct view_item *item = view_item(p->view, line->slot);
        vr->slots[i] = line->slot;
        item->now.available -= line->quantity;
        item->now.held += line->quantity;
        item_hold_begins(item, r->expires_ms);
        customer_add(p, line->slot, op->share, line->quantity);
        item_touch(p, item);
        r->lines[i] = (struct reservation_line){
            .sku = item->sku, .quantity = line->quantity, .reserved = line->quantity};
        stamp(&r->lines[i], item);
        if (item_index(p, item, &vr->id, r->expires_ms) != STEP_DONE)
            return STEP_NO_MEMORY;
    }
    return STEP_DONE;
}

enum step decide_reserve(struct planner *p, struct op *op)
{
    enum step step = item_check_take(p, op, op->lines, op->line_count, op->share);
    if (step == STEP_DONE && op->out.code == OUT_NONE)
        step = counter_check_take(p, op, op->lines, op->line_count, op->share, false);
    if (step != STEP_DONE || op->out.code != OUT_NONE)
        return step;
    struct reservation *r = new_reservation(p, op);
    if (!r)
        return STEP_NO_MEMORY;
    uint32_t slot = view_add_reservation(p->view, &r->id);
    uint32_t *slots = arena_alloc(p->view->arena, r->line_count * sizeof(*slots));
    if (slot == VIEW_NONE || !slots)
        return STEP_NO_MEMORY;
    struct view_reservation *vr = view_reservation(p->view, slot);
    if (vr->was || vr->now)
        return STEP_BROKEN; /* of 64 random bits in a part of a bucket: nobody makes an id twice */
    vr->known = vr->named = true;
    vr->slot_count = r->line_count;
    vr->slots = slots;
    vr->now = r;
    if (hold_lines(p, op, vr, r) != STEP_DONE)
        return STEP_NO_MEMORY;
    return answer_transition(p, op, vr);
}

/* --- how a hold ends -------------------------------------------------------------------------- */

/* Ends the hold: line i sells sold[i] units (NULL: none) and gives the rest back. */
static enum step end_hold(struct planner *p, struct view_reservation *vr,
                          enum reservation_state state, const int64_t *sold)
{
    struct reservation *r = change(p, vr);
    if (!r)
        return STEP_NO_MEMORY;
    assert(r->state == RESERVATION_HELD);
    for (unsigned i = 0; i < r->line_count; i++) {
        struct reservation_line *line = &r->lines[i];
        struct view_item *item = line_item(p, vr, i);
        int64_t keeps = sold ? sold[i] : 0;
        assert(keeps >= 0 && keeps <= line->quantity);
        if (item->now.held < line->quantity)
            return STEP_BROKEN; /* the item knows nothing of this hold */
        item->now.held -= line->quantity;
        item->now.available += line->quantity - keeps;
        item->now.sold += keeps;
        item_hold_ends(item, r->expires_ms);
        customer_add(p, vr->slots[i], r->share, keeps - line->quantity);
        item_touch(p, item);
        stamp(line, item);
        if (sold)
            line->quantity = keeps;
        if (item_index(p, item, &vr->id, 0) != STEP_DONE)
            return STEP_NO_MEMORY;
    }
    r->state = state;
    r->ended_ms = p->now_ms;
    return STEP_DONE;
}

enum step reservation_expire(struct planner *p, struct view_reservation *vr)
{
    enum step step = end_hold(p, vr, RESERVATION_EXPIRED, NULL);
    if (step != STEP_DONE)
        return step;
    p->view->expired_count++;
    return answer_transition(p, NULL, vr);
}

/* --- confirm, release, extend ------------------------------------------------------------------
 */

/* The reservation that the operation names, with its items known; *found NULL when the operation
 * was refused. */
static enum step find_reservation(struct planner *p, struct op *op, struct view_reservation **found)
{
    struct view_reservation *vr = view_reservation(p->view, op->resv_slot);
    *found = NULL;
    if (!vr->known)
        return STEP_READ;
    const struct reservation *r = view_current(vr);
    /* That of another tenant is none, and nothing more is read for it. */
    if (!r || !owner_shares_tenant(r->owner, op->owner) ||
        (r->ended_ms > 0 && r->ended_ms + p->limits->reservation_retention_ms <= p->now_ms))
        return refuse(op, OUT_RESERVATION_NOT_FOUND);
    op->out.resv = r;
    if (!reservation_ready(p, vr, r))
        return p->view->out_of_memory ? STEP_NO_MEMORY : STEP_READ;
    *found = vr;
    return STEP_DONE;
}

static enum outcome_code ended_code(enum reservation_state state)
{
    static const enum outcome_code codes[RESERVATION_STATES] = {
        [RESERVATION_CONFIRMED] = OUT_RESERVATION_CONFIRMED,
        [RESERVATION_RELEASED] = OUT_RESERVATION_RELEASED,
        [RESERVATION_EXPIRED] = OUT_RESERVATION_EXPIRED,
    };
    assert(state != RESERVATION_HELD);
    return codes[state];
}

/* A refusal that shows the reservation, as it is now. */
static enum step refuse_state(struct planner *p, struct op *op, struct view_reservation *vr,
                              enum outcome_code code)
{
    op->out.resv = vr->now ? snapshot(p, vr->now) : vr->was;
    return op->out.resv ? refuse(op, code) : STEP_NO_MEMORY;
}

/* The refusal of an operation that came after the deadline: the hold is given back at once. */
static enum step refuse_late(struct planner *p, struct op *op, struct view_reservation *vr)
{
    enum step step = reservation_expire(p, vr);
    return step == STEP_DONE ? refuse_state(p, op, vr, OUT_RESERVATION_EXPIRED) : step;
}

/* The same request again: the same answer, recorded for its key like the first. */
static enum step repeat(struct planner *p, struct op *op, const struct view_reservation *vr)
{
    op->out.resv = snapshot(p, view_current(vr));
    op->out.replayed = true;
    op->out.code = OUT_OK;
    return op->out.resv ? planner_event(p, NULL, op) : STEP_NO_MEMORY;
}

/* What each line of the reservation sells: the lines of the operation, or all. False: the
 * operation names what is not there. */
static bool lines_to_sell(struct op *op, const struct reservation *r, int64_t *sold)
{
    for (unsigned i = 0; i < r->line_count; i++)
        sold[i] = op->has_lines ? 0 : r->lines[i].reserved;
    for (unsigned l = 0; l < op->line_count; l++) {
        unsigned i = 0;
        while (i < r->line_count && !str_equal(r->lines[i].sku, op->lines[l].sku))
            i++;
        bool there = i < r->line_count;
        if (!there || op->lines[l].quantity > r->lines[i].reserved) {
            op->out.field_line = (int)op->lines[l].index;
            (void)refuse_field(op, there ? "quantity" : "sku",
                               there ? "is more than the reservation holds"
                                     : "is not in the reservation");
            return false;
        }
        sold[i] = op->lines[l].quantity;
    }
    return true;
}

/* Past the deadline: takes the units again and sells them, in one step of its own. */
static enum step rereserve(struct planner *p, struct op *op, struct view_reservation *vr,
                           const int64_t *sold)
{
    const struct reservation *was = view_current(vr);
    struct op_line *lines = arena_zalloc(p->view->arena, was->line_count * sizeof(*lines));
    if (!lines)
        return STEP_NO_MEMORY;
    unsigned count = 0;
    for (unsigned i = 0; i < was->line_count; i++)
        if (sold[i] > 0)
            lines[count++] = (struct op_line){
                .sku = was->lines[i].sku, .quantity = sold[i], .slot = vr->slots[i]};
    enum step step = item_check_take(p, op, lines, count, was->share);
    if (step == STEP_DONE && op->out.code == OUT_NONE)
        step = counter_check_take(p, op, lines, count, was->share, true);
    if (step != STEP_DONE || op->out.code != OUT_NONE)
        return step;
    struct reservation *r = change(p, vr);
    if (!r)
        return STEP_NO_MEMORY;
    for (unsigned i = 0; i < r->line_count; i++) {
        struct reservation_line *line = &r->lines[i];
        struct view_item *item = line_item(p, vr, i);
        line->expired_remaining = line->remaining;
        line->expired_version = line->version;
        line->quantity = sold[i];
        if (!item->now.exists)
            continue; /* deleted since, and nothing of it is taken again */
        item->now.available -= sold[i];
        item->now.sold += sold[i];
        customer_add(p, vr->slots[i], r->share, sold[i]);
        item_touch(p, item);
        stamp(line, item);
    }
    r->state = RESERVATION_CONFIRMED;
    r->rereserved = true;
    r->ended_ms = p->now_ms;
    return answer_transition(p, op, vr);
}

/* The hold is confirmed: its units leave for good. */
static enum step sell(struct planner *p, struct op *op, struct view_reservation *vr,
                      const int64_t *sold)
{
    enum step step = STEP_DONE;
    for (unsigned i = 0; i < vr->slot_count && step == STEP_DONE && op->out.code == OUT_NONE; i++)
        step = counter_check(
            p, op,
            &(struct counter_use){.item = vr->slots[i], .sells = sold[i], .ends_hold = true});
    if (step != STEP_DONE || op->out.code != OUT_NONE)
        return step;
    step = end_hold(p, vr, RESERVATION_CONFIRMED, sold);
    return step == STEP_DONE ? answer_transition(p, op, vr) : step;
}

static bool sold_as_asked(const struct reservation *r, const int64_t *sold)
{
    for (unsigned i = 0; i < r->line_count; i++)
        if (r->lines[i].quantity != sold[i])
            return false;
    return true;
}

enum step decide_confirm(struct planner *p, struct op *op)
{
    struct view_reservation *vr;
    int64_t sold[LINES_MAX] = {0};
    enum step step = find_reservation(p, op, &vr);
    if (!vr || !lines_to_sell(op, view_current(vr), sold))
        return step;
    const struct reservation *r = view_current(vr);
    switch (reservation_judge(r, RESERVATION_CONFIRM, p->now_ms)) {
    case RESERVATION_MOVED: return sell(p, op, vr, sold);
    case RESERVATION_REPEATED:
        return sold_as_asked(r, sold) ? repeat(p, op, vr)
                                      : refuse_state(p, op, vr, OUT_RESERVATION_CONFIRMED);
    case RESERVATION_LATE:
        if (!op->rereserve)
            return refuse_late(p, op, vr);
        step = reservation_expire(p, vr);
        return step == STEP_DONE ? rereserve(p, op, vr, sold) : step;
    case RESERVATION_REFUSED:
        if (op->rereserve && r->state == RESERVATION_EXPIRED)
            return rereserve(p, op, vr, sold);
        return refuse_state(p, op, vr, ended_code(r->state));
    }
    abort();
}

enum step decide_release(struct planner *p, struct op *op)
{
    struct view_reservation *vr;
    enum step step = find_reservation(p, op, &vr);
    if (!vr)
        return step;
    const struct reservation *r = view_current(vr);
    switch (reservation_judge(r, RESERVATION_RELEASE, p->now_ms)) {
    case RESERVATION_MOVED:
        step = end_hold(p, vr, RESERVATION_RELEASED, NULL);
        return step == STEP_DONE ? answer_transition(p, op, vr) : step;
    case RESERVATION_REPEATED: return repeat(p, op, vr);
    case RESERVATION_LATE: return refuse_late(p, op, vr);
    case RESERVATION_REFUSED: return refuse_state(p, op, vr, ended_code(r->state));
    }
    abort();
}

/* Moves the deadline; each item sees the old hold go and the new one come. */
static enum step extend(struct planner *p, struct op *op, struct view_reservation *vr)
{
    struct reservation *r = change(p, vr);
    if (!r)
        return STEP_NO_MEMORY;
    int64_t before_ms = r->expires_ms;
    r->expires_ms = p->now_ms + op->ttl_ms;
    if (r->expires_ms < r->created_ms) /* the clock went back, as after a failover */
        r->expires_ms = r->created_ms;
    for (unsigned i = 0; i < r->line_count; i++) {
        struct view_item *item = line_item(p, vr, i);
        item_hold_ends(item, before_ms);
        item_hold_begins(item, r->expires_ms);
        item_touch(p, item);
        stamp(&r->lines[i], item);
        if (item_index(p, item, &vr->id, r->expires_ms) != STEP_DONE)
            return STEP_NO_MEMORY;
    }
    return answer_transition(p, op, vr);
}

enum step decide_extend(struct planner *p, struct op *op)
{
    struct view_reservation *vr;
    enum step step = find_reservation(p, op, &vr);
    if (!vr)
        return step;
    const struct reservation *r = view_current(vr);
    switch (reservation_judge(r, RESERVATION_EXTEND, p->now_ms)) {
    case RESERVATION_MOVED:
        if (p->now_ms + op->ttl_ms > r->created_ms + p->limits->max_hold_ms)
            return refuse_field(op, "ttl_seconds", "passes the longest hold (--max-hold)");
        for (unsigned i = 0; i < vr->slot_count && step == STEP_DONE && op->out.code == OUT_NONE;
             i++)
            step = counter_check_version(p, op, vr->slots[i]);
        return step == STEP_DONE && op->out.code == OUT_NONE ? extend(p, op, vr) : step;
    case RESERVATION_LATE: return refuse_late(p, op, vr);
    case RESERVATION_REPEATED: break; /* the table has no such cell */
    case RESERVATION_REFUSED: return refuse_state(p, op, vr, ended_code(r->state));
    }
    abort();
}

enum step decide_get(struct planner *p, struct op *op)
{
    struct view_reservation *vr;
    enum step step = find_reservation(p, op, &vr);
    if (!vr)
        return step;
    op->out.resv = snapshot(p, view_current(vr));
    op->out.code = OUT_OK;
    return op->out.resv ? STEP_DONE : STEP_NO_MEMORY;
}
