#include "process/kept_watch.h"
#include "clock.h"
#include "ledger/query/usage.h"

#include <stdlib.h>

#define CLIENTS_MAX  (4 * KEYS_MAX) /* those whose keys were revoked may have something, too */
#define ARENA_BYTES  ((size_t)64 << 10)
#define ARENA_MAX    ((size_t)8 << 20)
#define AGAIN_MS     1000 /* after a question that came to nothing */
#define SAY_AGAIN_MS 60000

static_assert(CONFIG_WORKERS_MAX <= KEPT_WORKERS_MAX, "each worker has a place");

struct kept_watch {
    struct query query; /* first: it is made this again */
    const struct shared_state *shared;
    struct query_pool *queries;
    uv_timer_t timer;
    struct kept_turner turner;
    int64_t seen_until_ms; /* what was known of the ledger when it was asked last */
    int64_t again_ms, say_ms;
    /* The question under way. */
    bool asking;
    struct arena arena;
    uint64_t first;
    struct usage_since since;
    struct client_usage *clients;
    size_t count;
};

static struct kept_use *use_of(const struct kept_watch *watch)
{
    return &watch->shared->quota_use->kept;
}

/* In a thread of the pool. */
static enum db_result query_usage(struct query *query, struct db *db)
{
    struct kept_watch *watch = (struct kept_watch *)query;
    return usage_read(db, &watch->arena, &watch->since, CLIENTS_MAX, &watch->clients,
                      &watch->count);
}

/* A client that has nothing has no row; those that found no slot of their own share one. False: no
 * memory. */
static bool publish_usage(struct kept_watch *watch)
{
    struct quota_use *use = watch->shared->quota_use;
    int64_t(*known)[KEPTS] = arena_zalloc(&watch->arena, QUOTA_USE_SLOTS * sizeof(*known));
    if (!known)
        return false;
    for (size_t i = 0; i < watch->count; i++) {
        const struct client_usage *one = &watch->clients[i];
        const struct quota_use_slot *slot = quota_use_find(use, one->client);
        if (!slot)
            continue;
        known[slot - use->slots][KEPT_HOLDS] += one->open_holds;
        known[slot - use->slots][KEPT_UNITS] += one->units_held;
        known[slot - use->slots][KEPT_METADATA] += one->metadata_bytes;
        known[slot - use->slots][KEPT_OPERATIONS] += one->operation_keys;
    }
    for (size_t i = 0; i < QUOTA_USE_SLOTS; i++)
        if (atomic_load(&use->slots[i].client) != 0)
            kept_use_tell(&use->slots[i].kept, known[i]);
    kept_use_publish(use_of(watch), watch->first);
    return true;
}

static void say_trouble(struct kept_watch *watch, const char *why)
{
    int64_t now_ms = clock_mono_ms();
    watch->again_ms = now_ms + AGAIN_MS;
    if (now_ms < watch->say_ms)
        return;
    watch->say_ms = now_ms + SAY_AGAIN_MS;
    log_event(LOG_WARN, "what clients keep cannot be read from the ledger", LOG_STR("why", why));
}

static void on_asked(struct query *query)
{
    struct kept_watch *watch = (struct kept_watch *)query;
    if (query->result != DB_OK)
        say_trouble(watch, query->why);
    else if (watch->count == CLIENTS_MAX)
        say_trouble(watch, "more clients have something there than can be read at once");
    else if (!publish_usage(watch))
        say_trouble(watch, "out of memory");
    watch->asking = false;
    arena_reset(&watch->arena);
}

static void begin_asking(struct kept_watch *watch, int64_t now_ms, int64_t has_until_ms)
{
    const struct store_config *store = &watch->shared->store_config;
    int64_t wall_ms = clock_wall_ms();
    watch->seen_until_ms = has_until_ms;
    watch->first = kept_use_proven(use_of(watch), &watch->turner, watch->shared->workers, now_ms,
                                   has_until_ms);
    watch->since =
        (struct usage_since){.operations_ms = wall_ms - store->operation_retention_ms,
                             .reservations_ms = wall_ms - store->reservation_retention_ms};
    watch->query = (struct query){.ask = query_usage, .done = on_asked};
    watch->asking = query_pool_ask(watch->queries, &watch->query);
    if (!watch->asking)
        say_trouble(watch, "too many questions wait");
}

/* A client has come, of which nothing was asked yet. */
static bool has_new(const struct quota_use *use)
{
    for (size_t i = 0; i < QUOTA_USE_SLOTS; i++)
        if (atomic_load(&use->slots[i].client) != 0 && !atomic_load(&use->slots[i].kept.told))
            return true;
    return false;
}

static void on_timer(uv_timer_t *timer)
{
    struct kept_watch *watch = timer->data;
    struct kept_use *use = use_of(watch);
    int64_t now_ms = clock_mono_ms();
    int64_t has_until_ms = watch->shared->store_shared->ledger_has_until_ms;
    if (!key_ring_keeps(watch->shared->keys)) {
        kept_use_forget(use);
        return;
    }
    kept_use_turn(use, &watch->turner);
    bool due = has_until_ms > watch->seen_until_ms || !atomic_load(&use->known) ||
               has_new(watch->shared->quota_use);
    if (due && !watch->asking && now_ms >= watch->again_ms)
        begin_asking(watch, now_ms, has_until_ms);
}

struct kept_watch *kept_watch_new(uv_loop_t *loop, const struct shared_state *shared,
                                  struct query_pool *queries)
{
    struct kept_watch *watch = calloc(1, sizeof(*watch));
    if (!watch)
        return NULL;
    watch->shared = shared;
    watch->queries = queries;
    arena_init(&watch->arena, ARENA_BYTES, ARENA_MAX);
    uv_timer_init(loop, &watch->timer);
    watch->timer.data = watch;
    watch->say_ms = clock_mono_ms() + SAY_AGAIN_MS / 10; /* a new ledger may have no tables yet */
    uv_timer_start(&watch->timer, on_timer, 0, KEPT_TURN_MS);
    return watch;
}

static void on_closed(uv_handle_t *handle)
{
    struct kept_watch *watch = handle->data;
    arena_free(&watch->arena);
    free(watch);
}

void kept_watch_free(struct kept_watch *watch)
{
    if (watch)
        uv_close((uv_handle_t *)&watch->timer, on_closed);
}
