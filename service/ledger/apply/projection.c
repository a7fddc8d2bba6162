/* projection.c -- entries into events and names; projection_run.c takes the events. */
#include "ledger/apply/projection.h"
#include "core/limits.h"
#include "core/record.h"
#include "core/tenant.h"
#include "ledger/text.h"

#include <stdio.h>

#define ARENA_BLOCK      ((size_t)1 << 20)
#define EVENTS_FIRST     256
#define RESULT_MAX_BYTES ((size_t)64 * 1024) /* a record is far shorter */

void projection_init(struct projection *p)
{
    *p = (struct projection){0};
    arena_init(&p->arena, ARENA_BLOCK, PROJECTION_MAX_BYTES);
}

void projection_free(struct projection *p)
{
    arena_free(&p->arena);
}

void projection_begin(struct projection *p, unsigned partition)
{
    struct arena arena = p->arena;
    arena_reset(&arena);
    *p = (struct projection){.arena = arena, .partition = partition};
    names_init(&p->item_names, &p->arena);
    names_init(&p->rid_names, &p->arena);
    names_init(&p->key_names, &p->arena);
}

/* --- what a stream may say -------------------------------------------------------------------- */

static bool line_good(const struct event_line *line)
{
    return item_name_valid(line->sku) && counter_valid(line->quantity) &&
           counter_valid(line->available) && counter_valid(line->held) &&
           counter_valid(line->sold) && line->version > 0 && counter_valid(line->version) &&
           counter_valid(line->max_per_customer);
}

/* No sku twice: the rows of one event would hide each other. Lists are short. */
static bool skus_differ(const struct event *e)
{
    for (unsigned i = 1; i < e->line_count; i++)
        for (unsigned k = 0; k < i; k++)
            if (str_equal(e->lines[i].sku, e->lines[k].sku))
                return false;
    return true;
}

static bool event_good(const struct event *e, bool opens)
{
    const struct event_trait *trait = event_trait(e->type);
    if ((e->type == EVENT_EPOCH) != opens || trait->of_reservation != e->has_rid ||
        trait->sets_deadline != (e->expires_ms > 0))
        return false;
    if (e->line_count < trait->lines_least || e->line_count > trait->lines_most)
        return false;
    for (unsigned i = 0; i < e->line_count; i++)
        if (!line_good(&e->lines[i]))
            return false;
    return skus_differ(e) && text_storable(e->customer) && text_storable(e->reference) &&
           text_storable(e->reason) && text_storable(e->metadata) && text_storable(e->key) &&
           (str_absent(e->key) || (e->key.n > 0 && (e->result_follows || e->result.n > 0)));
}

/* --- decoding --------------------------------------------------------------------------------- */

static struct projected_event *new_event(struct projection *p)
{
    if (p->event_count == p->event_cap) {
        uint32_t cap = p->event_cap ? 2 * p->event_cap : EVENTS_FIRST;
        struct projected_event *events = arena_alloc(&p->arena, cap * sizeof(*events));
        if (!events)
            return NULL;
        if (p->event_count > 0)
            memcpy(events, p->events, p->event_count * sizeof(*events));
        p->events = events;
        p->event_cap = cap;
    }
    return &p->events[p->event_count];
}

/* Numbers for the names in the event. */
static bool name_event(struct projection *p, struct projected_event *event)
{
    struct event *e = &event->e;
    event->reservation = NAMES_NONE;
    event->items = arena_alloc(&p->arena, e->line_count * sizeof(*event->items));
    event->deltas = arena_zalloc(&p->arena, e->line_count * sizeof(*event->deltas));
    if (!event->items || !event->deltas)
        return false;
    for (unsigned i = 0; i < e->line_count; i++) {
        event->items[i] = names_add(&p->item_names, e->lines[i].sku);
        if (event->items[i] == NAMES_NONE)
            return false;
    }
    if (e->has_rid) {
        char text[RID_TEXT_SIZE];
        e->rid.partition = (uint16_t)p->partition;
        struct str rid = {text, rid_format(&e->rid, text)};
        uint32_t found = names_find(&p->rid_names, rid);
        event->reservation =
            found != NAMES_NONE ? found : names_add(&p->rid_names, arena_str(&p->arena, rid));
        if (event->reservation == NAMES_NONE)
            return false;
    }
    return str_absent(e->key) || names_add(&p->key_names, e->key) != NAMES_NONE;
}

/* The result that the event left to be made of the rest of it. */
static bool complete_result(struct projection *p, struct projected_event *event)
{
    struct event *e = &event->e;
    struct buf scratch;
    if (!e->result_follows)
        return true;
    buf_init(&scratch, RESULT_MAX_BYTES);
    e->result = record_result_of(&p->arena, &scratch, e, e->fingerprint, event->at_ms);
    buf_free(&scratch);
    return !str_absent(e->result);
}

static enum projection_result not_known(struct projection *p, struct event_id id)
{
    snprintf(p->why, sizeof(p->why),
             "entry %lld-%lld of partition %u is not of a format that this version knows",
             (long long)id.epoch, (long long)id.seq, p->partition);
    return PROJECTION_FORMAT;
}

/* The next event of the entry: 1 there was one, 0 the end, -1 not known, -2 no memory. */
static int take_event(struct projection *p, struct event_reader *reader,
                      struct projected_event *event)
{
    int more = event_next(reader, &p->arena, event->at_ms, &event->e);
    if (more >= 0)
        return more;
    /* event_next() has one answer for both. Good bytes and a type, and still no: no memory. */
    return reader->in.bad || event->e.type == EVENT_NONE ? -1 : -2;
}

enum projection_result projection_entry(struct projection *p, const struct event_entry *entry)
{
    struct event_reader reader;
    int64_t at_ms;
    uint32_t no = 0, row = 0;
    if (event_read(&reader, entry->bytes, &at_ms) != 0 || !counter_valid(at_ms) ||
        reader.in.p == reader.in.end)
        return not_known(p, entry->id);
    for (;;) {
        struct projected_event *event = new_event(p);
        if (!event)
            return PROJECTION_NO_MEMORY;
        *event = (struct projected_event){.id = entry->id, .at_ms = at_ms, .no = no, .row = row};
        int more = take_event(p, &reader, event);
        if (more == 0)
            break;
        if (more < 0)
            return more == -1 ? not_known(p, entry->id) : PROJECTION_NO_MEMORY;
        if (!event_good(&event->e, entry->id.seq == 0 && no == 0))
            return not_known(p, entry->id);
        if (!name_event(p, event) || !complete_result(p, event))
            return PROJECTION_NO_MEMORY;
        row += event->e.line_count ? event->e.line_count : 1;
        no++;
        p->event_count++;
    }
    p->row_count += row;
    if (at_ms > 0)
        p->at_ms = at_ms;
    return PROJECTION_OK;
}

/* --- room for what the ledger holds ----------------------------------------------------------- */

enum projection_result projection_known(struct projection *p)
{
    struct arena *arena = &p->arena;
    p->items = arena_zalloc(arena, p->item_names.count * sizeof(*p->items));
    p->reservations = arena_zalloc(arena, p->rid_names.count * sizeof(*p->reservations));
    p->operations = arena_zalloc(arena, p->key_names.count * sizeof(*p->operations));
    bool *seen = arena_zalloc(arena, p->rid_names.count);
    if (!p->items || !p->reservations || !p->operations || !seen)
        return PROJECTION_NO_MEMORY;
    for (uint32_t i = 0; i < p->event_count; i++) {
        const struct projected_event *event = &p->events[i];
        uint32_t number = event->reservation;
        if (!str_absent(event->e.key))
            p->operations[names_find(&p->key_names, event->e.key)].event = i;
        if (number == NAMES_NONE || seen[number])
            continue;
        seen[number] = true;
        p->reservations[number].fresh = event->e.type == EVENT_RESERVE;
    }
    return PROJECTION_OK;
}
