#include "core/view.h"

#include <assert.h>

#define FIRST_CAP 16

void view_init(struct view *view, struct arena *arena, struct buf *events, struct buf *scratch)
{
    *view = (struct view){.arena = arena, .events = events, .scratch = scratch};
    buf_reset(events);
}

static void rewind_item(struct view_item *item)
{
    item->now = item->was;
    item->dirty = item->settled = item->wiped = false;
    item->changes = NULL;
    item->changes_end = &item->changes;
}

void view_rewind(struct view *view)
{
    for (uint32_t i = 0; i < view->items.count; i++)
        rewind_item(view_item(view, i));
    for (uint32_t i = 0; i < view->reservations.count; i++)
        view_reservation(view, i)->now = NULL;
    for (uint32_t i = 0; i < view->customers.count; i++) {
        struct view_customer *customer = view_customer(view, i);
        customer->now = customer->was;
        customer->dirty = false;
    }
    for (uint32_t i = 0; i < view->keys.count; i++)
        view_key(view, i)->now = (struct str){NULL, 0};
    buf_reset(view->events);
    view->event_count = view->expired_count = 0;
}

/* --- sets ------------------------------------------------------------------------------------ */

typedef uint64_t hash_fn(const void *entry);

static void set_link(struct view_set *set, uint64_t hash, uint32_t slot)
{
    uint32_t mask = set->index_size - 1;
    uint32_t at = (uint32_t)hash & mask;
    while (set->index[at] != 0)
        at = (at + 1) & mask;
    set->index[at] = slot + 1;
}

/* Twice the room. The old arrays stay in the arena: together they are smaller than the new ones. */
static bool set_grow(struct view *view, struct view_set *set, hash_fn *hash)
{
    uint32_t cap = set->cap ? set->cap * 2 : FIRST_CAP;
    void **entries = arena_alloc(view->arena, cap * sizeof(*entries));
    uint32_t *index = arena_zalloc(view->arena, 2 * cap * sizeof(*index));
    if (!entries || !index) {
        view->out_of_memory = true;
        return false;
    }
    if (set->count > 0)
        memcpy(entries, set->entries, set->count * sizeof(*entries));
    set->entries = entries;
    set->index = index;
    set->cap = cap;
    set->index_size = 2 * cap;
    for (uint32_t i = 0; i < set->count; i++)
        set_link(set, hash(entries[i]), i);
    return true;
}

static void *set_append(struct view *view, struct view_set *set, hash_fn *hash, uint64_t h,
                        size_t size)
{
    if (set->count == set->cap && !set_grow(view, set, hash))
        return NULL;
    void *entry = arena_zalloc(view->arena, size);
    if (!entry) {
        view->out_of_memory = true;
        return NULL;
    }
    set->entries[set->count] = entry;
    set_link(set, h, set->count++);
    return entry;
}

/* Walks the slots whose hash may be `h`: for (at = start; (slot = next(&at)) != VIEW_NONE; ). */
static uint32_t set_probe(const struct view_set *set, uint32_t *at)
{
    if (set->index_size == 0)
        return VIEW_NONE;
    uint32_t found = set->index[*at & (set->index_size - 1)];
    (*at)++;
    return found == 0 ? VIEW_NONE : found - 1;
}

/* A copy of the text: an operation may be answered, and its memory gone, before its batch ends. */
static struct str keep_text(struct view *view, struct str text)
{
    struct str copy = arena_str(view->arena, text);
    if (str_absent(copy))
        view->out_of_memory = true;
    return copy;
}

/* --- entries --------------------------------------------------------------------------------- */

static uint64_t item_hash(const void *entry)
{
    return str_hash(((const struct view_item *)entry)->sku);
}

static uint32_t find_item(const struct view *view, struct str sku, uint64_t hash)
{
    uint32_t at = (uint32_t)hash, slot;
    while ((slot = set_probe(&view->items, &at)) != VIEW_NONE)
        if (str_equal(view_item(view, slot)->sku, sku))
            return slot;
    return VIEW_NONE;
}

uint32_t view_find_item(const struct view *view, struct str sku)
{
    return find_item(view, sku, str_hash(sku));
}

uint32_t view_add_item(struct view *view, struct str sku)
{
    uint64_t hash = str_hash(sku);
    uint32_t slot = find_item(view, sku, hash);
    if (slot != VIEW_NONE)
        return slot;
    struct view_item *item = set_append(view, &view->items, item_hash, hash, sizeof(*item));
    if (!item)
        return VIEW_NONE;
    item->sku = keep_text(view, sku);
    item->changes_end = &item->changes;
    return view->items.count - 1;
}

static uint64_t reservation_hash(const void *entry)
{
    /* The last bytes are random: they are a hash. */
    uint64_t hash;
    memcpy(&hash, ((const struct view_reservation *)entry)->id.b + RID_BYTES - 8, 8);
    return hash;
}

uint32_t view_find_reservation(const struct view *view, const struct rid *id)
{
    struct view_reservation like = {.id = *id};
    uint32_t at = (uint32_t)reservation_hash(&like), slot;
    while ((slot = set_probe(&view->reservations, &at)) != VIEW_NONE)
        if (rid_equal(&view_reservation(view, slot)->id, id))
            return slot;
    return VIEW_NONE;
}

uint32_t view_add_reservation(struct view *view, const struct rid *id)
{
    struct view_reservation like = {.id = *id};
    uint32_t slot = view_find_reservation(view, id);
    if (slot != VIEW_NONE)
        return slot;
    struct view_reservation *vr = set_append(view, &view->reservations, reservation_hash,
                                             reservation_hash(&like), sizeof(*vr));
    if (!vr)
        return VIEW_NONE;
    vr->id = *id;
    return view->reservations.count - 1;
}

static uint64_t customer_hash(const void *entry)
{
    const struct view_customer *c = entry;
    return str_hash(c->customer) * 31 + c->item;
}

uint32_t view_add_customer(struct view *view, uint32_t item, struct str customer)
{
    struct view_customer like = {.item = item, .customer = customer};
    uint64_t hash = customer_hash(&like);
    uint32_t at = (uint32_t)hash, slot;
    while ((slot = set_probe(&view->customers, &at)) != VIEW_NONE) {
        const struct view_customer *c = view_customer(view, slot);
        if (c->item == item && str_equal(c->customer, customer))
            return slot;
    }
    struct view_customer *c = set_append(view, &view->customers, customer_hash, hash, sizeof(*c));
    if (!c)
        return VIEW_NONE;
    c->item = item;
    c->customer = keep_text(view, customer);
    return view->customers.count - 1;
}

static uint64_t key_hash(const void *entry)
{
    return str_hash(((const struct view_key *)entry)->key);
}

uint32_t view_add_key(struct view *view, struct str key)
{
    uint64_t hash = str_hash(key);
    uint32_t at = (uint32_t)hash, slot;
    while ((slot = set_probe(&view->keys, &at)) != VIEW_NONE)
        if (str_equal(view_key(view, slot)->key, key))
            return slot;
    struct view_key *k = set_append(view, &view->keys, key_hash, hash, sizeof(*k));
    if (!k)
        return VIEW_NONE;
    k->key = keep_text(view, key);
    return view->keys.count - 1;
}

bool view_name_reservation(struct view *view, struct view_reservation *vr,
                           const struct reservation *lines_of)
{
    if (vr->named)
        return true;
    assert(lines_of->line_count > 0);
    vr->slots = arena_alloc(view->arena, lines_of->line_count * sizeof(*vr->slots));
    if (!vr->slots) {
        view->out_of_memory = true;
        return false;
    }
    for (unsigned i = 0; i < lines_of->line_count; i++) {
        vr->slots[i] = view_add_item(view, lines_of->lines[i].sku);
        if (vr->slots[i] == VIEW_NONE)
            return false;
        if (!str_absent(lines_of->share) &&
            view_add_customer(view, vr->slots[i], lines_of->share) == VIEW_NONE)
            return false;
    }
    vr->slot_count = lines_of->line_count;
    vr->named = true;
    return true;
}

bool view_names_hold(const struct view *view, const struct view_reservation *vr,
                     const struct reservation *r)
{
    assert(vr->named);
    if (vr->slot_count != r->line_count)
        return false;
    for (unsigned i = 0; i < r->line_count; i++)
        if (!str_equal(view_item(view, vr->slots[i])->sku, r->lines[i].sku))
            return false;
    return true;
}
