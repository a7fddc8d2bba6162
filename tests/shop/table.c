/* table.c -- see table.h. */
#include "shop/table.h"

#include "shop/memory.h"

#include <assert.h>

#define FIRST_ROOM 1024

/* Where the key is, or where it would go. */
static struct table_slot *probe(const struct table *t, uint64_t hash, struct str key)
{
    assert(t->count < t->room);
    for (size_t i = hash & (t->room - 1);; i = (i + 1) & (t->room - 1)) {
        struct table_slot *slot = &t->slot[i];
        if (str_absent(slot->key) || (slot->hash == hash && str_equal(slot->key, key)))
            return slot;
    }
}

static void grow(struct table *t)
{
    struct table old = *t;
    t->room = old.room ? old.room * 2 : FIRST_ROOM;
    t->slot = memory_zalloc(t->room * sizeof(*t->slot));
    for (size_t i = 0; i < old.room; i++)
        if (!str_absent(old.slot[i].key))
            *probe(t, old.slot[i].hash, old.slot[i].key) = old.slot[i];
    free(old.slot);
}

void *table_find(const struct table *t, struct str key)
{
    return t->slot ? probe(t, str_hash(key), key)->value : NULL;
}

void table_put(struct table *t, struct str key, void *value)
{
    if (t->count + 1 > t->room / 4 * 3)
        grow(t);
    uint64_t hash = str_hash(key);
    struct table_slot *slot = probe(t, hash, key);
    t->count += str_absent(slot->key);
    *slot = (struct table_slot){hash, key, value};
}
