#include "support/plan_world.h"
#include "core/pack.h"
#include "core/record.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#define ARENA_BLOCK ((size_t)256 << 10)
#define ARENA_MOST  ((size_t)1 << 30)
#define BUF_MOST    ((size_t)64 << 20)

/* Room for one more element of an array that grows. */
static void *room(void *array, size_t count, size_t *cap, size_t size)
{
    if (count < *cap)
        return array;
    *cap = *cap ? *cap * 2 : 16;
    array = realloc(array, *cap * size);
    assert(array);
    return array;
}

static char *copy_of(struct str text)
{
    char *p = malloc(text.n + 1);
    assert(p);
    memcpy(p, text.p, text.n);
    p[text.n] = '\0';
    return p;
}

void world_init(struct world *w, const struct plan_limits *limits, int64_t now_ms)
{
    *w = (struct world){.limits = *limits, .now_ms = now_ms};
    arena_init(&w->arena, ARENA_BLOCK, ARENA_MOST);
    buf_init(&w->entry, BUF_MOST);
    buf_init(&w->scratch, BUF_MOST);
}

void world_free(struct world *w)
{
    for (size_t i = 0; i < w->item_count; i++) {
        free(w->items[i].index);
        free(w->items[i].customers);
    }
    for (size_t i = 0; i < WORLD_BUCKETS; i++)
        while (w->records[i])
            world_drop_record(w, &w->records[i]->id);
    while (w->key_count > 0)
        world_drop_key(w, (struct str){w->keys[0].name, w->keys[0].name_n});
    free(w->items);
    free(w->keys);
    free(w->events);
    arena_free(&w->arena);
    buf_free(&w->entry);
    buf_free(&w->scratch);
}

void world_begin(struct world *w)
{
    arena_reset(&w->arena);
    w->event_count = 0;
    w->attempts = w->rounds = 0;
}

/* --- what is stored --------------------------------------------------------------------------- */

const struct world_item *world_find_item(const struct world *w, struct str sku)
{
    for (size_t i = 0; i < w->item_count; i++)
        if (str_equal(str_of(w->items[i].sku), sku))
            return &w->items[i];
    return NULL;
}

static struct world_item *make_item(struct world *w, struct str sku)
{
    struct world_item *found = (struct world_item *)(uintptr_t)world_find_item(w, sku);
    if (found)
        return found;
    assert(sku.n <= SKU_STORED_MAX_BYTES);
    w->items = room(w->items, w->item_count, &w->item_cap, sizeof(*w->items));
    struct world_item *item = &w->items[w->item_count++];
    *item = (struct world_item){0};
    memcpy(item->sku, sku.p, sku.n);
    return item;
}

static struct item decode_item(const struct world_item *item)
{
    struct item out = {.due_exact = true};
    if (item && item->text[0]) {
        bool good = item_decode(str_of(item->text), &out);
        assert(good);
    }
    return out;
}

struct item world_read_item(struct world *w, const char *sku)
{
    return decode_item(world_find_item(w, str_of(sku)));
}

static struct world_customer *find_customer(const struct world_item *item, struct str name)
{
    for (size_t i = 0; item && i < item->customer_count; i++)
        if (str_equal(str_of(item->customers[i].name), name))
            return &item->customers[i];
    return NULL;
}

void world_write_item(struct world *w, const char *sku, const struct item *item)
{
    struct world_item *stored = (struct world_item *)world_find_item(w, str_of(sku));
    assert(stored && stored->text[0]);
    item_encode(item, stored->text);
}

void world_write_units(struct world *w, const char *sku, const char *customer, int64_t units)
{
    struct world_customer *c = find_customer(world_find_item(w, str_of(sku)), str_of(customer));
    assert(c);
    c->units = units;
}

int64_t world_units(const struct world *w, const char *sku, const char *customer)
{
    struct world_customer *c = find_customer(world_find_item(w, str_of(sku)), str_of(customer));
    return c ? c->units : 0;
}

static struct world_record **find_record(struct world *w, const struct rid *id)
{
    uint64_t hash;
    memcpy(&hash, id->b + RID_BYTES - 8, 8);
    struct world_record **at = &w->records[hash % WORLD_BUCKETS];
    while (*at && !rid_equal(&(*at)->id, id))
        at = &(*at)->next;
    return at;
}

const struct reservation *world_read_record(struct world *w, const struct rid *id)
{
    struct world_record *found = *find_record(w, id);
    if (!found)
        return NULL;
    /* The record may be replaced while the outcome that shows it is still looked at. */
    struct str bytes = arena_str(&w->arena, (struct str){found->bytes, found->n});
    struct reservation *r = arena_alloc(&w->arena, sizeof(*r));
    bool good = r && bytes.p && record_decode(&w->arena, id, bytes, r);
    assert(good);
    return r;
}

static void put_record(struct world *w, const struct reservation *r)
{
    world_drop_record(w, &r->id);
    buf_reset(&w->scratch);
    record_encode(&w->scratch, r);
    assert(!w->scratch.failed);
    struct world_record *new = malloc(sizeof(*new) + w->scratch.n);
    assert(new);
    *new = (struct world_record){.id = r->id, .n = w->scratch.n};
    memcpy(new->bytes, w->scratch.p, w->scratch.n);
    struct world_record **at = find_record(w, &r->id);
    *at = new;
    w->record_count++;
}

void world_drop_record(struct world *w, const struct rid *id)
{
    struct world_record **at = find_record(w, id), *old = *at;
    if (!old)
        return;
    *at = old->next;
    free(old);
    w->record_count--;
}

static struct world_key *find_key(struct world *w, struct str name)
{
    for (size_t i = 0; i < w->key_count; i++)
        if (w->keys[i].name_n == name.n && memcmp(w->keys[i].name, name.p, name.n) == 0)
            return &w->keys[i];
    return NULL;
}

void world_drop_key(struct world *w, struct str name)
{
    struct world_key *key = find_key(w, name);
    if (!key)
        return;
    free(key->name);
    free(key->bytes);
    *key = w->keys[--w->key_count];
}

/* --- reading ---------------------------------------------------------------------------------- */

static unsigned read_item(struct world *w, struct view_item *item)
{
    if (item->known)
        return 0;
    item->was = decode_item(world_find_item(w, item->sku));
    item->known = true;
    return 1;
}

static unsigned read_head(struct world *w, struct view *view, struct view_item *item)
{
    if (!item->want_head || item->head_known)
        return 0;
    const struct world_item *stored = world_find_item(w, item->sku);
    size_t n = stored ? stored->due_count : 0;
    item->head_whole = n < VIEW_DUE_MAX; /* as the store can tell */
    item->head_count = (unsigned)(item->head_whole ? n : VIEW_DUE_MAX);
    item->head = arena_copy(&w->arena, stored ? stored->index : NULL,
                            item->head_count * sizeof(*item->head));
    assert(item->head);
    item->head_known = true;
    for (unsigned i = 0; !w->slow && i < item->head_count; i++)
        if (item->head[i].deadline_ms <= w->now_ms)
            view_add_reservation(view, &item->head[i].id);
    return 1;
}

static unsigned read_customer(struct world *w, const struct view *view, struct view_customer *c)
{
    if (c->known)
        return 0;
    const struct world_customer *stored =
        find_customer(world_find_item(w, view_item(view, c->item)->sku), c->customer);
    c->was = stored ? stored->units : 0;
    c->known = true;
    return 1;
}

static unsigned read_reservation(struct world *w, struct view *view, struct view_reservation *vr)
{
    if (vr->known)
        return 0;
    vr->was = world_read_record(w, &vr->id);
    vr->known = true;
    if (vr->was && !w->slow) {
        bool named = view_name_reservation(view, vr, vr->was);
        assert(named);
    }
    return 1;
}

static unsigned read_key(struct world *w, struct view_key *key)
{
    if (key->known)
        return 0;
    const struct world_key *stored = find_key(w, key->key);
    if (stored)
        key->was = arena_str(&w->arena, (struct str){stored->bytes, stored->n});
    key->known = true;
    return 1;
}

/* Reads all that is wanted; how many things that were. Slow: not what this round brings up. */
static unsigned read_wanted(struct world *w, struct view *view)
{
    unsigned n = 0;
    uint32_t items = view->items.count, customers = view->customers.count;
    for (uint32_t i = 0; i < view->items.count; i++)
        n += read_head(w, view, view_item(view, i));
    for (uint32_t i = 0; i < view->reservations.count; i++)
        n += read_reservation(w, view, view_reservation(view, i));
    for (uint32_t i = 0; i < (w->slow ? items : view->items.count); i++)
        n += read_item(w, view_item(view, i));
    for (uint32_t i = 0; i < (w->slow ? customers : view->customers.count); i++)
        n += read_customer(w, view, view_customer(view, i));
    for (uint32_t i = 0; i < view->keys.count; i++)
        n += read_key(w, view_key(view, i));
    return n;
}

/* The names pass: the items of the reservations that operations name, before anything is known. */
static void name_reservations(struct world *w, struct view *view)
{
    for (uint32_t i = 0; i < view->reservations.count; i++) {
        struct view_reservation *vr = view_reservation(view, i);
        const struct reservation *r = world_read_record(w, &vr->id);
        bool named = !r || view_name_reservation(view, vr, r);
        assert(named);
    }
}

/* --- writing ---------------------------------------------------------------------------------- */

static int compare_due(const struct view_due *a, int64_t deadline_ms, const struct rid *id)
{
    if (a->deadline_ms != deadline_ms)
        return a->deadline_ms < deadline_ms ? -1 : 1;
    return memcmp(a->id.b, id->b, RID_BYTES);
}

static void change_index(struct world_item *item, const struct rid *id, int64_t deadline_ms)
{
    size_t at = 0;
    while (at < item->due_count && !rid_equal(&item->index[at].id, id))
        at++;
    if (at < item->due_count)
        memmove(item->index + at, item->index + at + 1,
                (--item->due_count - at) * sizeof(*item->index));
    if (deadline_ms == 0)
        return;
    item->index = room(item->index, item->due_count, &item->due_cap, sizeof(*item->index));
    at = item->due_count;
    while (at > 0 && compare_due(&item->index[at - 1], deadline_ms, id) > 0)
        at--;
    memmove(item->index + at + 1, item->index + at, (item->due_count - at) * sizeof(*item->index));
    item->index[at] = (struct view_due){.id = *id, .deadline_ms = deadline_ms};
    item->due_count++;
}

/* The store writes what comes before what goes: the same only if nothing that went comes back. */
static void check_order(const struct view_item *item)
{
    unsigned n = 0;
    for (const struct view_index_change *c = item->changes; c && n < 32; c = c->next, n++)
        for (const struct view_index_change *d = c->next; c->deadline_ms == 0 && d; d = d->next)
            assert(d->deadline_ms == 0 || !rid_equal(c->id, d->id));
}

static bool same_item(const struct item *a, const struct item *b)
{
    return a->exists == b->exists && a->available == b->available && a->held == b->held &&
           a->sold == b->sold && a->version == b->version &&
           a->max_per_customer == b->max_per_customer && a->updated_ms == b->updated_ms &&
           a->due_ms == b->due_ms && a->due_exact == b->due_exact;
}

static void write_item(struct world *w, const struct view_item *item)
{
    if (!item->dirty) {
        assert(same_item(&item->was, &item->now) && !item->changes && !item->wiped);
        return;
    }
    struct world_item *stored = make_item(w, item->sku);
    assert(item->known);
    item_encode(&item->now, stored->text);
    check_order(item);
    for (const struct view_index_change *c = item->changes; c; c = c->next)
        change_index(stored, c->id, c->deadline_ms);
    if (item->wiped)
        stored->customer_count = 0;
}

static void write_customer(struct world *w, const struct view *view, const struct view_customer *c)
{
    if (!c->dirty) {
        assert(c->was == c->now);
        return;
    }
    assert(view_item(view, c->item)->dirty && c->now >= 0);
    struct world_item *item = make_item(w, view_item(view, c->item)->sku);
    struct world_customer *stored = find_customer(item, c->customer);
    if (stored) {
        stored->units = c->now;
        return;
    }
    item->customers =
        room(item->customers, item->customer_count, &item->customer_cap, sizeof(*item->customers));
    stored = &item->customers[item->customer_count++];
    *stored = (struct world_customer){.units = c->now};
    assert(c->customer.n <= SHARE_MAX_BYTES);
    memcpy(stored->name, c->customer.p, c->customer.n);
}

static void write_key(struct world *w, const struct view_key *key)
{
    if (str_absent(key->now))
        return;
    assert(str_absent(key->was)); /* what is recorded is never replaced */
    w->keys = room(w->keys, w->key_count, &w->key_cap, sizeof(*w->keys));
    w->keys[w->key_count++] = (struct world_key){.name = copy_of(key->key),
                                                 .bytes = copy_of(key->now),
                                                 .name_n = key->key.n,
                                                 .n = key->now.n};
}

static void keep_events(struct world *w, const struct view *view)
{
    struct event_reader reader;
    int64_t now_ms;
    unsigned n = 0;
    if (view->event_count == 0)
        return;
    struct str bytes = arena_str(&w->arena, buf_str(&w->entry));
    int got = event_read(&reader, bytes, &now_ms);
    assert(got == 0 && now_ms == w->now_ms);
    for (;; n++) {
        w->events = room(w->events, w->event_count, &w->event_cap, sizeof(*w->events));
        got = event_next(&reader, &w->arena, now_ms, &w->events[w->event_count]);
        assert(got >= 0);
        if (got == 0)
            break;
        const struct event *event = &w->events[w->event_count++];
        if (str_absent(event->key))
            continue;
        const struct world_key *key = find_key(w, event->key);
        struct str result = event->result;
        if (event->result_follows)
            result = record_result_of(&w->arena, &w->scratch, event, event->fingerprint, now_ms);
        assert(key && str_equal((struct str){key->bytes, key->n}, result));
    }
    assert(n == view->event_count);
}

static void apply(struct world *w, const struct view *view)
{
    bool writes = plan_writes(view);
    w->wrote = writes;
    for (uint32_t i = 0; i < view->items.count; i++) {
        assert(writes || !view_item(view, i)->dirty);
        write_item(w, view_item(view, i));
    }
    for (uint32_t i = 0; i < view->customers.count; i++)
        write_customer(w, view, view_customer(view, i));
    for (uint32_t i = 0; i < view->reservations.count; i++) {
        const struct view_reservation *vr = view_reservation(view, i);
        assert(writes || !vr->now);
        if (vr->now)
            put_record(w, vr->now);
    }
    for (uint32_t i = 0; i < view->keys.count; i++)
        write_key(w, view_key(view, i));
    keep_events(w, view);
}

/* --- attempts --------------------------------------------------------------------------------- */

static void plan_again(struct world *w, struct view *view, struct op *const *ops, unsigned count)
{
    struct str before = arena_str(&w->arena, buf_str(&w->entry));
    enum plan_result result = plan(view, ops, count, w->now_ms, &w->limits);
    assert(result == PLAN_DONE && str_equal(before, buf_str(&w->entry)));
}

void world_attempt(struct world *w, struct op *const *ops, unsigned count)
{
    struct view view;
    enum plan_result result;
    view_init(&view, &w->arena, &w->entry, &w->scratch);
    for (unsigned i = 0; i < count; i++) {
        bool collected = plan_collect(&view, ops[i]);
        assert(collected);
    }
    name_reservations(w, &view);
    unsigned rounds = 0;
    do {
        unsigned read = read_wanted(w, &view);
        assert(read > 0 && ++rounds <= WORLD_ROUNDS_MAX);
        result = plan(&view, ops, count, w->now_ms, &w->limits);
        assert(result != PLAN_NO_MEMORY);
    } while (result == PLAN_READ_MORE);
    if (w->again)
        plan_again(w, &view, ops, count);
    w->attempts++;
    w->rounds += rounds;
    apply(w, &view);
}

void world_run(struct world *w, struct op *const *ops, unsigned count)
{
    struct op **left = malloc(count * sizeof(*left));
    assert(left);
    memcpy(left, ops, count * sizeof(*left));
    world_begin(w);
    while (count > 0) {
        unsigned kept = 0;
        world_attempt(w, left, count);
        for (unsigned i = 0; i < count; i++)
            if (left[i]->out.code == OUT_NONE)
                left[kept++] = left[i];
        count = kept;
        assert(w->attempts < 100);
    }
    free(left);
}
