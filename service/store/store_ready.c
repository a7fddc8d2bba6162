/* store_ready.c -- what of the store can be used now, as far as is known. */
#include "clock.h"
#include "store/commit/lane.h"
#include "store/reader.h"
#include "store/store.h"

#define REFUSED_FOR_MS 1000

/* NULL if the partition can be written, else why not; *code: what a reservation there would be
 * answered with. */
static const char *trouble(const struct store *store, unsigned partition, enum outcome_code *code)
{
    const struct partition *p = &store->partitions[partition];
    const char *why = reader_trouble(store->reader, partition);
    *code = OUT_REDIS_UNAVAILABLE;
    if (why)
        return why;
    if (p->gate.gate != META_IS_OPEN) {
        *code = reader_code_of(p->gate.gate);
        return p->gate.why;
    }
    if (p->refused[0] && clock_mono_ms() - p->refused_ms < REFUSED_FOR_MS)
        return p->refused;
    if (store_is_down(p))
        return "a connection to Redis is down";
    bool waits = store->config.durability == DURABILITY_REPLICATED;
    return waits && store->shared->replicas_short[partition]
               ? "fewer replicas are online than --replicas says"
               : NULL;
}

/* From what passes to what needs a person. */
static int weight(enum outcome_code code)
{
    return code == OUT_STATE_LOST ? 2 : code == OUT_PARTITION_CLOSED ? 1 : 0;
}

/* NULL while one partition can be written; else what is worst. */
static const char *trouble_of_all(const struct store *store, enum outcome_code *code)
{
    const char *worst = trouble(store, 0, code);
    for (unsigned p = 1; worst && p < store->config.partitions; p++) {
        enum outcome_code other;
        const char *why = trouble(store, p, &other);
        if (!why || weight(other) > weight(*code)) {
            worst = why;
            *code = other;
        }
    }
    return worst;
}

const char *store_not_ready(const struct store *store, enum outcome_code *code)
{
    static char loading[128];
    const char *why = trouble_of_all(store, code);
    if (why && store->shared->loading) {
        *code = OUT_REDIS_UNAVAILABLE;
        store_loading_text(store->shared, loading, sizeof(loading));
        return loading;
    }
    if (why)
        return why;
    *code = OUT_REDIS_UNAVAILABLE;
    if (store->config.durability == DURABILITY_LEDGER &&
        (store->shared->ledger_down || store->shared->ledger_silent))
        return "the ledger takes no events, and --durability ledger waits for it";
    *code = OUT_OVERLOADED;
    if (store->shared->memory_high)
        return STORE_WHY_MEMORY;
    return store->shared->ledger_behind ? STORE_WHY_BEHIND : NULL;
}

bool store_connected(const struct store *store)
{
    return reader_connected(store->reader);
}

bool store_next_shut(const struct store *store, unsigned *partition, const char **why)
{
    enum outcome_code code;
    for (; *partition < store->config.partitions; ++*partition)
        if ((*why = trouble(store, *partition, &code)) != NULL)
            return true;
    return false;
}

int64_t store_failovers(const struct store *store)
{
    return store->shared->failovers;
}

const char *store_durability(const struct store *store)
{
    static const char *const names[] = {STORE_DURABILITY_NAMES};
    return names[store->config.durability];
}
