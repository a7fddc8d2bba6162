#include "ledger/names.h"

#define SLOTS_FIRST 64

void names_init(struct names *names, struct arena *arena)
{
    *names = (struct names){.arena = arena};
}

/* The slot that holds the name, or the free one where it belongs. */
static uint32_t *slot_of(const struct names *names, struct str name)
{
    uint32_t mask = names->slot_count - 1, at = (uint32_t)str_hash(name) & mask;
    while (names->slots[at] != 0 && !str_equal(names->name[names->slots[at] - 1], name))
        at = (at + 1) & mask;
    return &names->slots[at];
}

static bool grow(struct names *names)
{
    uint32_t slot_count = names->slot_count ? 2 * names->slot_count : SLOTS_FIRST;
    uint32_t *slots = arena_zalloc(names->arena, slot_count * sizeof(*slots));
    struct str *name = arena_alloc(names->arena, slot_count / 2 * sizeof(*name));
    if (!slots || !name)
        return false;
    if (names->count > 0)
        memcpy(name, names->name, names->count * sizeof(*name));
    names->name = name;
    names->slots = slots;
    names->slot_count = slot_count;
    for (uint32_t i = 0; i < names->count; i++)
        *slot_of(names, name[i]) = i + 1;
    return true;
}

uint32_t names_add(struct names *names, struct str name)
{
    uint32_t found = names_find(names, name);
    if (found != NAMES_NONE)
        return found;
    if (names->count == names->slot_count / 2 && !grow(names))
        return NAMES_NONE;
    names->name[names->count] = name;
    *slot_of(names, name) = ++names->count;
    return names->count - 1;
}

uint32_t names_find(const struct names *names, struct str name)
{
    uint32_t slot = names->slot_count ? *slot_of(names, name) : 0;
    return slot == 0 ? NAMES_NONE : slot - 1;
}
