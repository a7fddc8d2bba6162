#include "core/hot.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

/* Weights grow to 2^256 before they are told from another base. */
#define HALF_LIVES  256
#define HOT_BASE_MS (HOT_HALF_LIFE_MS * HALF_LIVES)

/* Steady demand of r a second has r * (half-life in s) / ln 2 of weight. */
#define RATE_OF_WEIGHT (0.693147180559945309 * 1000 / HOT_HALF_LIFE_MS)

#define READ_TRIES 8 /* at an entry that is being changed; its writer may have died over it */

static_assert((HOT_SETS & (HOT_SETS - 1)) == 0, "a part of the hash says which");

static uint32_t base_of(int64_t now_ms)
{
    return (uint32_t)(now_ms / HOT_BASE_MS);
}

/* What one unit of weight at this base is at now_ms. */
static double decay(uint32_t base, int64_t now_ms)
{
    return exp2(-(double)(now_ms - (int64_t)base * HOT_BASE_MS) / HOT_HALF_LIFE_MS);
}

/* --- writing ---------------------------------------------------------------------------------- */

static double get(const _Atomic double *from)
{
    return atomic_load_explicit(from, memory_order_relaxed);
}

/* Nobody else writes: see stats.c. */
static void set(_Atomic double *to, double value)
{
    atomic_store_explicit(to, value, memory_order_relaxed);
}

static void open_entry(struct hot_entry *e)
{
    uint32_t turn = atomic_load_explicit(&e->turn, memory_order_relaxed);
    atomic_store_explicit(&e->turn, turn | 1, memory_order_relaxed);
    atomic_thread_fence(memory_order_release);
}

static void close_entry(struct hot_entry *e)
{
    uint32_t turn = atomic_load_explicit(&e->turn, memory_order_relaxed);
    atomic_store_explicit(&e->turn, turn + 1, memory_order_release);
}

void hot_begin(struct hot *hot)
{
    for (unsigned i = 0; i < HOT_ENTRIES; i++) {
        struct hot_entry *e = &hot->entries[i];
        open_entry(e);
        atomic_store_explicit(&e->hash, 0, memory_order_relaxed);
        set(&e->weight, 0);
        set(&e->error, 0);
        close_entry(e);
    }
    hot->factor = 0;
}

/* Tells it from the base of now. */
static void move_base(struct hot_entry *e, uint32_t base)
{
    uint32_t before = atomic_load_explicit(&e->base, memory_order_relaxed);
    if (before == base)
        return;
    double scale = exp2(((double)before - (double)base) * HALF_LIVES);
    open_entry(e);
    atomic_store_explicit(&e->base, base, memory_order_relaxed);
    set(&e->weight, get(&e->weight) * scale);
    set(&e->error, get(&e->error) * scale);
    close_entry(e);
}

/* It takes over the weight of the name before it. */
static void take_over(struct hot_entry *e, uint64_t hash, struct str name)
{
    open_entry(e);
    atomic_store_explicit(&e->hash, hash, memory_order_relaxed);
    set(&e->error, get(&e->weight));
    e->n = (uint8_t)name.n;
    memcpy(e->name, name.p, name.n);
    close_entry(e);
}

static bool is_of(const struct hot_entry *e, uint64_t hash, struct str name)
{
    return atomic_load_explicit(&e->hash, memory_order_relaxed) == hash && e->n == name.n &&
           memcmp(e->name, name.p, name.n) == 0;
}

/* Which one of the set is the name's: its own, or that with the least weight. */
static struct hot_entry *entry_for(struct hot_entry *set_of, uint64_t hash, struct str name)
{
    struct hot_entry *least = set_of;
    for (unsigned i = 0; i < HOT_WAYS; i++) {
        if (is_of(&set_of[i], hash, name))
            return &set_of[i];
        if (get(&set_of[i].weight) < get(&least->weight))
            least = &set_of[i];
    }
    take_over(least, hash, name);
    return least;
}

void hot_note(struct hot *hot, struct str name, int64_t now_ms)
{
    uint32_t base = base_of(now_ms);
    assert(now_ms >= 0);
    if (name.n == 0 || name.n > SKU_STORED_MAX_BYTES)
        return;
    uint64_t hash = str_hash(name) | 1; /* never 0 */
    struct hot_entry *set_of = &hot->entries[((hash >> 1) & (HOT_SETS - 1)) * HOT_WAYS];
    if (hot->factor_ms != now_ms || hot->factor == 0) {
        hot->factor_ms = now_ms;
        hot->factor = 1 / decay(base, now_ms);
    }
    for (unsigned i = 0; i < HOT_WAYS; i++)
        move_base(&set_of[i], base);
    struct hot_entry *e = entry_for(set_of, hash, name);
    set(&e->weight, get(&e->weight) + hot->factor);
}

/* --- reading ---------------------------------------------------------------------------------- */

/* False: there is none, or it does not stand still. */
static bool read_entry(const struct hot_entry *e, int64_t now_ms, struct hot_item *item)
{
    for (int tries = 0; tries < READ_TRIES; tries++) {
        uint32_t turn = atomic_load_explicit(&e->turn, memory_order_acquire);
        item->hash = atomic_load_explicit(&e->hash, memory_order_relaxed);
        if (item->hash == 0)
            return false;
        double weight = get(&e->weight) - get(&e->error);
        uint32_t base = atomic_load_explicit(&e->base, memory_order_relaxed);
        item->n = e->n;
        memcpy(item->name, e->name, sizeof(item->name));
        atomic_thread_fence(memory_order_acquire);
        if (turn % 2 == 1 || atomic_load_explicit(&e->turn, memory_order_relaxed) != turn)
            continue;
        item->rate = weight * decay(base, now_ms) * RATE_OF_WEIGHT;
        return item->rate >= HOT_RATE_LEAST && item->n > 0 && item->n <= sizeof(item->name);
    }
    return false;
}

static int by_name(const void *a, const void *b)
{
    const struct hot_item *x = a, *y = b;
    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    return x->n != y->n ? x->n - y->n : memcmp(x->name, y->name, x->n);
}

static int by_rate(const void *a, const void *b)
{
    const struct hot_item *x = a, *y = b;
    if (x->rate != y->rate)
        return x->rate > y->rate ? -1 : 1;
    return by_name(a, b);
}

/* Adds those of the same name together. */
static unsigned fold(struct hot_item *items, unsigned count)
{
    unsigned kept = 0;
    qsort(items, count, sizeof(*items), by_name);
    for (unsigned i = 0; i < count; i++)
        if (kept > 0 && by_name(&items[kept - 1], &items[i]) == 0)
            items[kept - 1].rate += items[i].rate;
        else
            items[kept++] = items[i];
    return kept;
}

unsigned hot_read(const struct hot *tables, unsigned count, int64_t now_ms, struct hot_item *room,
                  unsigned max)
{
    unsigned found = 0;
    for (unsigned t = 0; t < count; t++)
        for (unsigned i = 0; i < HOT_ENTRIES; i++)
            found += read_entry(&tables[t].entries[i], now_ms, &room[found]);
    found = fold(room, found);
    qsort(room, found, sizeof(*room), by_rate);
    return found < max ? found : max;
}
