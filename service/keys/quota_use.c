#include "keys/quota_use.h"
#include "shared.h"

struct quota_use *quota_use_new(void)
{
    return shared_alloc(sizeof(struct quota_use));
}

void quota_use_free(struct quota_use *use)
{
    shared_free(use, sizeof(*use));
}

/* The slot that the search for a client ends at: its own, one that is nobody's, or if there is
 * neither the last one that was looked at. */
static struct quota_use_slot *search(struct quota_use *use, uint64_t hash)
{
    struct quota_use_slot *slot = use->slots;
    for (size_t i = 0; i < QUOTA_USE_SLOTS; i++) {
        slot = &use->slots[(hash + i) % QUOTA_USE_SLOTS];
        uint64_t owner = atomic_load(&slot->client);
        if (owner == 0 || owner == hash)
            break;
    }
    return slot;
}

static uint64_t hash_of(struct str client)
{
    return str_hash(client) | 1;
}

/* Several processes may look for the same one at once; all get the one that came first. */
struct quota_use_slot *quota_use_slot(struct quota_use *use, struct str client)
{
    for (uint64_t hash = hash_of(client);;) {
        struct quota_use_slot *slot = search(use, hash);
        uint64_t owner = 0;
        if (atomic_load(&slot->client) != 0 ||
            atomic_compare_exchange_strong(&slot->client, &owner, hash))
            return slot;
    }
}

struct quota_use_slot *quota_use_find(struct quota_use *use, struct str client)
{
    struct quota_use_slot *slot = search(use, hash_of(client));
    return atomic_load(&slot->client) == 0 ? NULL : slot;
}

struct bucket_verdict quota_use_take(struct quota_use_slot *slot, const struct bucket_limit *limit,
                                     int64_t now_ns, int64_t tokens)
{
    int64_t before = atomic_load(&slot->full_at_ns), after;
    struct bucket_verdict verdict;
    do {
        after = before;
        verdict = bucket_take(&after, limit, now_ns, tokens);
    } while (verdict.taken && !atomic_compare_exchange_weak(&slot->full_at_ns, &before, after));
    return verdict;
}
