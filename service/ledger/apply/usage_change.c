#include "ledger/apply/usage_change.h"

#include <stdlib.h>

struct changes {
    struct usage_change *all;
    size_t count;
};

static int64_t hour_of(int64_t ms)
{
    return ms - ms % USAGE_HOUR_MS;
}

/* way: 1 comes, -1 goes. */
static void add_weight(struct changes *changes, struct str owner,
                       const struct projected_weight *weight, int way)
{
    bool held = weight->ended_ms == 0;
    changes->all[changes->count++] =
        (struct usage_change){.owner = owner,
                              .hour_ms = held ? USAGE_HELD : hour_of(weight->ended_ms),
                              .open_holds = held ? way : 0,
                              .units_held = way * weight->units,
                              .metadata_bytes = way * weight->metadata_bytes};
}

static void add_reservation(struct changes *changes, const struct projected_reservation *one)
{
    const struct projected_weight is = projection_weigh(&one->r);
    if (str_absent(one->r.owner))
        return;
    if (!one->fresh)
        add_weight(changes, one->r.owner, &one->was, -1);
    add_weight(changes, one->r.owner, &is, 1);
}

static int compare_changes(const void *a, const void *b)
{
    const struct usage_change *x = a, *y = b;
    if (x->hour_ms != y->hour_ms)
        return x->hour_ms < y->hour_ms ? -1 : 1;
    size_t n = x->owner.n < y->owner.n ? x->owner.n : y->owner.n;
    int order = memcmp(x->owner.p, y->owner.p, n);
    return order ? order : (x->owner.n > y->owner.n) - (x->owner.n < y->owner.n);
}

static bool moves(const struct usage_change *c)
{
    return c->open_holds || c->units_held || c->metadata_bytes || c->operation_keys;
}

/* Those of one row become one, and go if they are nothing together. */
static void merge(struct changes *changes)
{
    size_t kept = 0;
    for (size_t i = 0, next; i < changes->count; i = next) {
        struct usage_change sum = changes->all[i];
        for (next = i + 1; next < changes->count && compare_changes(&sum, &changes->all[next]) == 0;
             next++) {
            sum.open_holds += changes->all[next].open_holds;
            sum.units_held += changes->all[next].units_held;
            sum.metadata_bytes += changes->all[next].metadata_bytes;
            sum.operation_keys += changes->all[next].operation_keys;
        }
        if (moves(&sum))
            changes->all[kept++] = sum;
    }
    changes->count = kept;
}

static bool counts_key(const struct event *e)
{
    return !str_absent(e->owner) && !str_absent(e->key);
}

/* Before those of one row are one. */
static size_t most_changes(const struct projection *p)
{
    size_t most = 0;
    for (uint32_t i = 0; i < p->rid_names.count; i++)
        most += str_absent(p->reservations[i].r.owner) ? 0 : 2;
    for (uint32_t i = 0; i < p->event_count; i++)
        most += counts_key(&p->events[i].e);
    return most;
}

bool usage_changes(struct projection *p, const struct usage_change **out, size_t *count)
{
    size_t most = most_changes(p);
    struct changes changes = {.all = arena_alloc(&p->arena, most * sizeof(*changes.all))};
    if (!changes.all)
        return false;
    for (uint32_t i = 0; i < p->rid_names.count; i++)
        add_reservation(&changes, &p->reservations[i]);
    for (uint32_t i = 0; i < p->event_count; i++)
        if (counts_key(&p->events[i].e))
            changes.all[changes.count++] =
                (struct usage_change){.owner = p->events[i].e.owner,
                                      .hour_ms = hour_of(p->events[i].at_ms),
                                      .operation_keys = 1};
    if (changes.count > 0)
        qsort(changes.all, changes.count, sizeof(*changes.all), compare_changes);
    merge(&changes);
    *out = changes.all;
    *count = changes.count;
    return true;
}
