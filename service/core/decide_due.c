/* decide_due.c -- the holds of an item by their deadlines: when one is due, and giving it back. */
#include "core/decide.h"

#include <assert.h>

void item_hold_begins(struct view_item *item, int64_t deadline_ms)
{
    assert(deadline_ms > 0);
    if (item->now.due_ms == 0 || deadline_ms < item->now.due_ms) {
        item->now.due_ms = deadline_ms;
        item->now.due_exact = true;
    }
}

void item_hold_ends(struct view_item *item, int64_t deadline_ms)
{
    if (item->now.held == 0) {
        item->now.due_ms = 0;
        item->now.due_exact = true;
    } else if (deadline_ms <= item->now.due_ms) {
        item->now.due_exact = false; /* still a bound: nothing is due before it */
    }
}

enum step item_index(struct planner *p, struct view_item *item, const struct rid *id,
                     int64_t deadline_ms)
{
    struct view_index_change *change = arena_alloc(p->view->arena, sizeof(*change));
    if (!change)
        return STEP_NO_MEMORY;
    *change = (struct view_index_change){.id = id, .deadline_ms = deadline_ms};
    *item->changes_end = change;
    item->changes_end = &change->next;
    return STEP_DONE;
}

bool item_has_due(const struct planner *p, const struct view_item *item)
{
    return item->now.due_ms > 0 && item->now.due_ms <= p->now_ms;
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a == 0 || (b != 0 && b < a) ? b : a;
}

/* The deadline of an index entry that this batch has not changed; 0: it has, or it is no hold. */
static int64_t unchanged_deadline(const struct planner *p, const struct view_due *due)
{
    uint32_t slot = view_find_reservation(p->view, &due->id);
    if (slot == VIEW_NONE)
        return due->deadline_ms;
    const struct view_reservation *vr = view_reservation(p->view, slot);
    if (!vr->known)
        return due->deadline_ms;
    bool held = !vr->now && vr->was && vr->was->state == RESERVATION_HELD;
    return held ? vr->was->expires_ms : 0;
}

/* The earliest deadline among the holds that this batch began or moved; 0: none. */
static int64_t earliest_changed(const struct planner *p, const struct view_item *item)
{
    int64_t earliest = 0;
    for (const struct view_index_change *c = item->changes; c; c = c->next) {
        if (c->deadline_ms == 0)
            continue;
        const struct view_reservation *vr =
            view_reservation(p->view, view_find_reservation(p->view, c->id));
        if (view_current(vr)->state == RESERVATION_HELD)
            earliest = earlier(earliest, view_current(vr)->expires_ms);
    }
    return earliest;
}

/* Sets the item's due_ms from the head of its index and from what this batch changed. The head is
 * in the order of the deadlines as stored: an extended hold of it is no guide to those behind. */
static void item_find_earliest(const struct planner *p, struct view_item *item)
{
    bool exact = true;
    if (item->now.held == 0) {
        item->now.due_ms = 0;
        item->now.due_exact = true;
        return;
    }
    int64_t earliest = earliest_changed(p, item), deadline = 0;
    for (unsigned i = 0; i < item->head_count && deadline == 0; i++)
        deadline = unchanged_deadline(p, &item->head[i]);
    earliest = earlier(earliest, deadline);
    if (deadline == 0 && !item->head_whole && item->head_count > 0) {
        /* Everything that was read has gone or moved; more lies behind it. */
        int64_t bound = item->head[item->head_count - 1].deadline_ms;
        exact = earliest > 0 && earliest <= bound;
        earliest = earlier(earliest, bound);
    }
    if (earliest > 0) {
        item->now.due_ms = earliest;
        item->now.due_exact = exact;
    }
}

enum step item_know_due(struct planner *p, struct view_item *item)
{
    if (item->now.held == 0 || item->now.due_exact)
        return STEP_DONE;
    if (!item->head_known) {
        item->want_head = true;
        return STEP_READ;
    }
    item_find_earliest(p, item);
    item->dirty = true; /* remembered with the item, so that the next "no" need not look */
    return STEP_DONE;
}

bool reservation_ready(struct planner *p, struct view_reservation *vr, const struct reservation *r)
{
    if (!view_name_reservation(p->view, vr, r))
        return false;
    bool ready = true;
    for (unsigned i = 0; i < r->line_count; i++) {
        ready &= view_item(p->view, vr->slots[i])->known;
        const struct view_customer *c = customer_of(p, vr->slots[i], r->share);
        ready &= str_absent(r->share) || (c && c->known);
    }
    return ready;
}

/* True if all that expiring the hold needs is known. */
static bool due_ready(struct planner *p, struct view_reservation *vr)
{
    if (!vr->known)
        return false;
    const struct reservation *r = view_current(vr);
    return !r || r->state != RESERVATION_HELD || reservation_ready(p, vr, r);
}

/* All of the item's due holds, known and with their items? Marks what is missing. */
static enum step settle_ready(struct planner *p, struct view_item *item)
{
    bool ready = true;
    if (!item->head_known) {
        item->want_head = true;
        return STEP_READ;
    }
    for (unsigned i = 0; i < item->head_count; i++) {
        if (item->head[i].deadline_ms > p->now_ms)
            break;
        uint32_t slot = view_add_reservation(p->view, &item->head[i].id);
        if (slot == VIEW_NONE)
            return STEP_NO_MEMORY;
        ready &= due_ready(p, view_reservation(p->view, slot));
    }
    if (p->view->out_of_memory)
        return STEP_NO_MEMORY;
    return ready ? STEP_DONE : STEP_READ;
}

enum step item_settle(struct planner *p, uint32_t slot)
{
    struct view_item *item = view_item(p->view, slot);
    if (!item->known)
        return STEP_READ;
    if (item->settled || !item_has_due(p, item))
        return STEP_DONE;
    enum step step = settle_ready(p, item);
    if (step != STEP_DONE)
        return step;
    for (unsigned i = 0; i < item->head_count; i++) {
        const struct view_due *due = &item->head[i];
        if (due->deadline_ms > p->now_ms)
            break;
        struct view_reservation *vr =
            view_reservation(p->view, view_add_reservation(p->view, &due->id));
        const struct reservation *r = view_current(vr);
        if (r && r->state == RESERVATION_HELD && r->expires_ms <= p->now_ms)
            step = reservation_expire(p, vr);
        else if (!r || r->state != RESERVATION_HELD)
            step = item_index(p, item, &due->id, 0); /* a stale entry: take it away */
        if (step != STEP_DONE)
            return step;
    }
    item->settled = true;
    item_find_earliest(p, item);
    item->dirty = true; /* its due_ms moved on, if nothing else */
    return STEP_DONE;
}
