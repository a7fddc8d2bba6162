/* projection_run.c -- events upon what the ledger holds. */
#include "core/tenant.h"
#include "ledger/apply/projection.h"

#include <stdio.h>

static enum projection_result fork_of(struct projection *p, const struct projected_event *event,
                                      struct str name, const char *what)
{
    snprintf(p->why, sizeof(p->why), "event %u of entry %lld-%lld of partition %u: %.*s %s",
             event->no, (long long)event->id.epoch, (long long)event->id.seq, p->partition,
             STR_ARG(name), what);
    return PROJECTION_FORK;
}

/* --- items ------------------------------------------------------------------------------------ */

/* Versions are dense, but for restores, each of which adds the same step to all of them. */
static bool version_follows(int64_t was, int64_t is)
{
    return is > was && (is - was - 1) % PROJECTION_RESTORE_STEP == 0;
}

/* Which ways a counter may go. */
enum { DOWN = 1, STAY = 2, UP = 4, ANY = DOWN | STAY | UP };

/* How an event of each type moves an item. `within`: units only change hands. */
static const struct {
    unsigned char available, held, sold;
    bool within, empties;
} movements[EVENT_TYPES] = {
    [EVENT_CREATE] = {UP | STAY, STAY, STAY, .within = false},
    [EVENT_SET] = {ANY, STAY, STAY, .within = false},
    [EVENT_ADJUST] = {ANY, STAY, STAY, .within = false},
    [EVENT_DELETE] = {ANY, STAY, ANY, .empties = true},
    [EVENT_DECREMENT] = {DOWN, STAY, UP, .within = true},
    [EVENT_RESERVE] = {DOWN, UP, STAY, .within = true},
    [EVENT_CONFIRM] = {ANY, DOWN | STAY, UP | STAY, .within = true},
    [EVENT_RELEASE] = {UP, DOWN, STAY, .within = true},
    [EVENT_EXTEND] = {STAY, STAY, STAY, .within = true},
    [EVENT_EXPIRE] = {UP, DOWN, STAY, .within = true},
    /* Both items together: check_transfer(). */
    [EVENT_TRANSFER] = {UP | DOWN, STAY, STAY, .within = false},
};

static unsigned way_of(int64_t delta)
{
    return delta > 0 ? UP : delta < 0 ? DOWN : STAY;
}

static bool moves_as_its_type(enum event_type type, const struct projected_delta *delta,
                              const struct event_line *after)
{
    return (movements[type].available & way_of(delta->available)) &&
           (movements[type].held & way_of(delta->held)) &&
           (movements[type].sold & way_of(delta->sold)) &&
           (!movements[type].within || delta->available + delta->held + delta->sold == 0) &&
           (!movements[type].empties || after->available + after->held + after->sold == 0);
}

static enum projection_result move_item(struct projection *p, struct projected_event *event,
                                        unsigned i)
{
    const struct event_line *line = &event->e.lines[i];
    struct projected_item *item = &p->items[event->items[i]];
    if (!version_follows(item->version, line->version)) {
        char what[96];
        snprintf(what, sizeof(what), "has version %lld in the ledger, and %lld follows",
                 (long long)item->version, (long long)line->version);
        return fork_of(p, event, line->sku, what);
    }
    if (item->exists == (event->e.type == EVENT_CREATE))
        return fork_of(p, event, line->sku,
                       item->exists ? "is created and exists" : "is used and does not exist");
    event->deltas[i] = (struct projected_delta){.available = line->available - item->available,
                                                .held = line->held - item->held,
                                                .sold = line->sold - item->sold};
    if (!moves_as_its_type(event->e.type, &event->deltas[i], line))
        return fork_of(p, event, line->sku, "moves as in no event of this type");
    *item = (struct projected_item){.exists = event->e.type != EVENT_DELETE,
                                    .available = line->available,
                                    .held = line->held,
                                    .sold = line->sold,
                                    .version = line->version,
                                    .max_per_customer = line->max_per_customer,
                                    .updated_ms = event->at_ms};
    return PROJECTION_OK;
}

/* What one item gave the other took. */
static enum projection_result check_transfer(struct projection *p,
                                             const struct projected_event *event)
{
    const struct projected_delta *from = &event->deltas[0], *to = &event->deltas[1];
    int64_t units = event->e.lines[0].quantity;
    bool good = from->available == -units && to->available == units &&
                event->e.lines[1].quantity == units && units > 0;
    return good ? PROJECTION_OK
                : fork_of(p, event, event->e.lines[0].sku,
                          "does not give what the other item of the transfer takes");
}

/* --- reservations ----------------------------------------------------------------------------- */

static enum projection_result begin_hold(struct projection *p, const struct projected_event *event,
                                         struct projected_reservation *known)
{
    const struct event *e = &event->e;
    struct reservation *r = &known->r;
    if (e->expires_ms < event->at_ms)
        return fork_of(p, event, STR("the hold"), "ends before it begins");
    *r = (struct reservation){.id = e->rid,
                              .state = RESERVATION_HELD,
                              .created_ms = event->at_ms,
                              .expires_ms = e->expires_ms,
                              .customer = e->customer,
                              .owner = e->owner,
                              .reference = e->reference,
                              .metadata = e->metadata,
                              .line_count = e->line_count};
    r->lines = arena_zalloc(&p->arena, r->line_count * sizeof(*r->lines));
    if (!r->lines)
        return PROJECTION_NO_MEMORY;
    for (unsigned i = 0; i < r->line_count; i++)
        r->lines[i] = (struct reservation_line){.sku = e->lines[i].sku,
                                                .quantity = e->lines[i].quantity,
                                                .reserved = e->lines[i].quantity,
                                                .remaining = e->lines[i].available,
                                                .version = e->lines[i].version};
    known->known = true;
    return PROJECTION_OK;
}

static struct reservation_line *find_line(const struct reservation *r, struct str sku)
{
    for (unsigned i = 0; i < r->line_count; i++)
        if (str_equal(r->lines[i].sku, sku))
            return &r->lines[i];
    return NULL;
}

/* Sold after its expiry: the lines remember what the expiry left. A line that the event does not
 * mention, since its item is gone, sells nothing. */
static void take_again(struct reservation *r)
{
    r->rereserved = true;
    for (unsigned i = 0; i < r->line_count; i++) {
        struct reservation_line *line = &r->lines[i];
        line->expired_remaining = line->remaining;
        line->expired_version = line->version;
        line->quantity = 0;
    }
}

static enum projection_result move_lines(struct projection *p, const struct projected_event *event,
                                         const struct reservation *r)
{
    const struct event *e = &event->e;
    for (unsigned i = 0; i < e->line_count; i++) {
        struct reservation_line *line = find_line(r, e->lines[i].sku);
        if (!line || e->lines[i].quantity > line->reserved)
            return fork_of(p, event, e->lines[i].sku, "is not reserved as the event says");
        line->quantity = e->lines[i].quantity;
        line->remaining = e->lines[i].available;
        line->version = e->lines[i].version;
    }
    return PROJECTION_OK;
}

/* The state behind each event about a reservation that was held. */
static const enum reservation_state next_states[EVENT_TYPES] = {
    [EVENT_CONFIRM] = RESERVATION_CONFIRMED,
    [EVENT_RELEASE] = RESERVATION_RELEASED,
    [EVENT_EXTEND] = RESERVATION_HELD,
    [EVENT_EXPIRE] = RESERVATION_EXPIRED,
};

static enum projection_result move_reservation(struct projection *p,
                                               const struct projected_event *event)
{
    enum event_type type = event->e.type;
    struct projected_reservation *known = &p->reservations[event->reservation];
    struct str rid = p->rid_names.name[event->reservation];
    struct reservation *r = &known->r;
    if (type == EVENT_RESERVE)
        return known->known ? fork_of(p, event, rid, "is made twice") : begin_hold(p, event, known);
    if (!known->known)
        return fork_of(p, event, rid, "is not in the ledger");
    if (!owner_shares_tenant(event->e.owner, r->owner))
        return fork_of(p, event, rid, "is of another tenant in the ledger");
    bool again = type == EVENT_CONFIRM && r->state == RESERVATION_EXPIRED;
    if (r->state != RESERVATION_HELD && !again)
        return fork_of(p, event, rid, "has ended in the ledger");
    if (again)
        take_again(r);
    r->state = next_states[type];
    if (type == EVENT_EXTEND)
        r->expires_ms = event->e.expires_ms;
    else
        r->ended_ms = event->at_ms;
    return move_lines(p, event, r);
}

struct projected_weight projection_weigh(const struct reservation *r)
{
    struct projected_weight weight = {.metadata_bytes = (int64_t)r->metadata.n,
                                      .ended_ms = r->ended_ms};
    for (unsigned i = 0; i < r->line_count && weight.ended_ms == 0; i++)
        weight.units += r->lines[i].quantity;
    return weight;
}

/* Before the chunk changes them. */
static void weigh_known(struct projection *p)
{
    for (uint32_t i = 0; i < p->rid_names.count; i++)
        if (p->reservations[i].known)
            p->reservations[i].was = projection_weigh(&p->reservations[i].r);
}

enum projection_result projection_run(struct projection *p)
{
    weigh_known(p);
    for (uint32_t i = 0; i < p->event_count; i++) {
        struct projected_event *event = &p->events[i];
        enum projection_result result = PROJECTION_OK;
        for (unsigned k = 0; k < event->e.line_count && result == PROJECTION_OK; k++)
            result = move_item(p, event, k);
        if (result == PROJECTION_OK && event->e.type == EVENT_TRANSFER)
            result = check_transfer(p, event);
        if (result == PROJECTION_OK && event->reservation != NAMES_NONE)
            result = move_reservation(p, event);
        if (result != PROJECTION_OK)
            return result;
    }
    return PROJECTION_OK;
}
