#include "restore/build.h"
#include "ledger/fold.h"
#include "ledger/present.h"
#include "store/store.h"

#include <stdio.h>

#define PAGE            1000
#define ARENA_BLOCK     ((size_t)256 << 10)
#define ARENA_MAX_BYTES ((size_t)64 << 20)
#define NAMED_MAX       10

void build_init(struct build *build, struct db *db, unsigned partitions)
{
    *build = (struct build){.db = db, .partitions = partitions};
    arena_init(&build->arena, ARENA_BLOCK, ARENA_MAX_BYTES);
    arena_init(&build->side, ARENA_BLOCK, ARENA_MAX_BYTES);
}

void build_free(struct build *build)
{
    arena_free(&build->arena);
    arena_free(&build->side);
}

/* --- trouble ---------------------------------------------------------------------------------- */

static enum build_result no_memory(struct build *build)
{
    snprintf(build->why, sizeof(build->why), "out of memory");
    return BUILD_NO_MEMORY;
}

static enum build_result from_db(struct build *build, enum db_result result)
{
    if (result == DB_OK)
        return BUILD_DONE;
    if (result == DB_NO_MEMORY)
        return no_memory(build);
    snprintf(build->why, sizeof(build->why), "the ledger: %s", db_why(build->db));
    return BUILD_LEDGER;
}

enum build_result build_from_redis(struct build *build, enum rebuild_result result)
{
    static const enum build_result meanings[] = {
        [REBUILD_OK] = BUILD_DONE,
        [REBUILD_DOWN] = BUILD_REDIS,
        [REBUILD_TAKEN] = BUILD_TAKEN,
        [REBUILD_REFUSED] = BUILD_WRONG,
        [REBUILD_NO_MEMORY] = BUILD_NO_MEMORY,
    };
    if (result != REBUILD_OK)
        snprintf(build->why, sizeof(build->why), "%s", build->rebuild->why);
    return meanings[result];
}

static enum build_result after_page(struct build *build)
{
    if (!build->go_on || build->go_on(build->user, &build->counts))
        return BUILD_DONE;
    snprintf(build->why, sizeof(build->why), "stopped");
    return BUILD_STOPPED;
}

/* --- what must hold --------------------------------------------------------------------------- */

static const struct db_statement contradictions = {
    .kind = DB_ONE,
    .types = "i",
    .head = "SELECT sku, held, CAST(lines_held AS bigint) FROM unbalanced_holds "
            "ORDER BY sku LIMIT $1",
};

static int name_item(void *context, const struct db_value *row, size_t count)
{
    struct build *build = context;
    size_t n = strlen(build->why);
    snprintf(build->why + n, sizeof(build->why) - n, "%s %.*s holds %lld, its reservations %lld",
             n ? "," : "SQL contradicts itself:", STR_ARG(row[0].as.text),
             (long long)row[1].as.number, (long long)row[2].as.number);
    return 0;
}

/* One page of each partition tells whether their number is right: names are spread evenly. */
static enum build_result check_places(struct build *build, unsigned partition)
{
    struct present_item *items;
    size_t count;
    arena_reset(&build->arena);
    enum db_result result =
        present_items(build->db, &build->arena, partition, STR(""), PAGE, &items, &count);
    if (result != DB_OK)
        return from_db(build, result);
    for (size_t i = 0; i < count; i++) {
        if (store_partition(build->partitions, items[i].sku) == partition)
            continue;
        snprintf(build->why, sizeof(build->why),
                 "item %.*s lies in partition %u, which it would not with %u partitions: give "
                 "--partitions, as the services have it",
                 STR_ARG(items[i].sku), partition, build->partitions);
        return BUILD_WRONG;
    }
    return BUILD_DONE;
}

enum build_result build_check(struct build *build)
{
    const struct db_value most = db_int(NAMED_MAX);
    build->why[0] = '\0';
    enum build_result result =
        from_db(build, db_run(build->db, &contradictions, &most, 1, name_item, build, NULL));
    if (result == BUILD_DONE && build->why[0])
        result = BUILD_WRONG;
    for (unsigned p = 0; p < build->partitions && result == BUILD_DONE; p++)
        result = check_places(build, p);
    return result;
}

/* --- reservations ----------------------------------------------------------------------------- */

typedef enum db_result page_fn(struct db *db, struct arena *arena, unsigned partition,
                               struct present_place after, size_t max,
                               struct reservation **reservations, size_t *count);

static enum build_result put_reservations(struct build *build, const struct reservation *all,
                                          size_t count, int64_t *counter)
{
    enum rebuild_result result = REBUILD_OK;
    for (size_t i = 0; i < count && result == REBUILD_OK && build->rebuild; i++)
        result = rebuild_reservation(build->rebuild, &all[i]);
    *counter += (int64_t)count;
    return build_from_redis(build, result);
}

/* Held ones by deadline, or finished ones by their end. */
static enum build_result build_reservations(struct build *build, unsigned partition, page_fn *page,
                                            int64_t from_ms, int64_t *counter)
{
    char rid[RID_TEXT_SIZE];
    struct present_place after = {.at_ms = from_ms, .rid = STR("")};
    struct reservation *all;
    size_t count;
    do {
        arena_reset(&build->arena);
        enum db_result found = page(build->db, &build->arena, partition, after, PAGE, &all, &count);
        enum build_result result = from_db(build, found);
        if (result == BUILD_DONE)
            result = put_reservations(build, all, count, counter);
        if (result == BUILD_DONE)
            result = after_page(build);
        if (result != BUILD_DONE)
            return result;
        if (count > 0) {
            const struct reservation *last = &all[count - 1];
            after.rid = (struct str){rid, rid_format(&last->id, rid)};
            after.at_ms = last->state == RESERVATION_HELD ? last->expires_ms : last->ended_ms;
        }
    } while (count == PAGE);
    return BUILD_DONE;
}

/* --- operations ------------------------------------------------------------------------------- */

static enum build_result put_operations(struct build *build, unsigned partition,
                                        const struct present_operation *all, size_t count)
{
    enum rebuild_result result = REBUILD_OK;
    for (size_t i = 0; i < count && result == REBUILD_OK; i++) {
        int64_t keep_ms = all[i].at_ms + build->operation_retention_ms - build->now_ms;
        if (keep_ms <= 0)
            continue;
        build->counts.operations++;
        if (build->rebuild)
            result =
                rebuild_operation(build->rebuild, partition, all[i].key, all[i].result, keep_ms);
    }
    return build_from_redis(build, result);
}

static enum build_result build_operations(struct build *build, unsigned partition)
{
    char key[KEY_STORED_MAX_BYTES];
    struct str after = STR("");
    struct present_operation *all;
    size_t count;
    do {
        arena_reset(&build->arena);
        enum build_result result =
            from_db(build, present_operations(build->db, &build->arena, partition,
                                              build->now_ms - build->operation_retention_ms, after,
                                              PAGE, &all, &count));
        if (result == BUILD_DONE)
            result = put_operations(build, partition, all, count);
        if (result == BUILD_DONE)
            result = after_page(build);
        if (result != BUILD_DONE)
            return result;
        if (count == 0 || all[count - 1].key.n > sizeof(key))
            break;
        after = (struct str){key, all[count - 1].key.n};
        memcpy(key, all[count - 1].key.p, after.n);
    } while (count == PAGE);
    return BUILD_DONE;
}

/* --- items ------------------------------------------------------------------------------------ */

static enum build_result build_shares(struct build *build, const struct present_item *item)
{
    char name[TEXT_MAX_BYTES];
    struct str after = STR("");
    struct present_share *all;
    size_t count;
    do {
        arena_reset(&build->side);
        enum db_result found = present_shares(build->db, &build->side, item->sku,
                                              item->item.version, after, PAGE, &all, &count);
        enum rebuild_result result = REBUILD_OK;
        if (found != DB_OK)
            return from_db(build, found);
        for (size_t i = 0; i < count && result == REBUILD_OK && build->rebuild; i++)
            result = rebuild_share(build->rebuild, item->partition, item->sku, all[i].customer,
                                   all[i].units);
        build->counts.shares += (int64_t)count;
        if (result != REBUILD_OK)
            return build_from_redis(build, result);
        if (count == 0 || all[count - 1].customer.n > sizeof(name))
            break;
        after = (struct str){name, all[count - 1].customer.n};
        memcpy(name, all[count - 1].customer.p, after.n);
    } while (count == PAGE);
    return BUILD_DONE;
}

/* A customer's share is of units held or sold: without any there is none to ask for. */
static enum build_result build_all_shares(struct build *build, const struct present_item *items,
                                          size_t count)
{
    enum build_result result = BUILD_DONE;
    for (size_t i = 0; i < count && result == BUILD_DONE; i++)
        if (items[i].item.exists && items[i].item.held + items[i].item.sold > 0)
            result = build_shares(build, &items[i]);
    return result;
}

/* Two restores of an item may find the same version in SQL, and what was answered in between may
 * have been lost: the later one goes further. */
static int64_t version_step(const struct build *build)
{
    return meta_restores(&build->rebuild->meta) * FOLD_RESTORE_STEP;
}

/* As they will lie in Redis, but for the deadline. */
static struct store_listed *next_life(struct build *build, const struct present_item *items,
                                      size_t count)
{
    struct store_listed *out = arena_alloc(&build->arena, (count + 1) * sizeof(*out));
    for (size_t i = 0; out && i < count; i++) {
        out[i] = (struct store_listed){.sku = items[i].sku, .item = items[i].item};
        out[i].item.version += version_step(build);
        out[i].item.due_exact = true;
        out[i].item.due_ms = 0;
    }
    return out;
}

static enum build_result put_items(struct build *build, unsigned partition,
                                   const struct present_item *items, size_t count)
{
    struct store_listed *all = next_life(build, items, count);
    if (!all)
        return no_memory(build);
    enum rebuild_result result = rebuild_find_due(build->rebuild, partition, all, count);
    for (size_t i = 0; i < count && result == REBUILD_OK; i++) {
        if ((all[i].item.held > 0) == (all[i].item.due_ms > 0))
            continue;
        snprintf(build->why, sizeof(build->why),
                 "SQL contradicts itself: %.*s holds %lld, but no reservation of it is held",
                 STR_ARG(all[i].sku), (long long)all[i].item.held);
        return BUILD_WRONG;
    }
    if (result == REBUILD_OK)
        result = rebuild_items(build->rebuild, partition, all, count);
    return build_from_redis(build, result);
}

static enum build_result build_items(struct build *build, unsigned partition)
{
    char name[SKU_MAX_BYTES];
    struct str after = STR("");
    struct present_item *all;
    size_t count;
    do {
        arena_reset(&build->arena);
        enum build_result result = from_db(
            build, present_items(build->db, &build->arena, partition, after, PAGE, &all, &count));
        if (result == BUILD_DONE && build->rebuild)
            result = put_items(build, partition, all, count);
        if (result == BUILD_DONE)
            result = build_all_shares(build, all, count);
        if (result != BUILD_DONE)
            return result;
        for (size_t i = 0; i < count; i++)
            build->counts.deleted += !all[i].item.exists;
        build->counts.items += (int64_t)count;
        result = after_page(build);
        if (result != BUILD_DONE || count == 0)
            return result;
        after = (struct str){name, all[count - 1].sku.n};
        memcpy(name, all[count - 1].sku.p, after.n);
    } while (count == PAGE);
    return BUILD_DONE;
}

/* --- all -------------------------------------------------------------------------------------- */

/* The items come last: what is due of them is read off the reservations. */
static enum build_result build_partition(struct build *build, unsigned partition)
{
    struct build_counts *counts = &build->counts;
    enum build_result result = build_reservations(build, partition, present_held, 0, &counts->held);
    if (result == BUILD_DONE)
        result =
            build_reservations(build, partition, present_ended,
                               build->now_ms - build->reservation_retention_ms, &counts->ended);
    if (result == BUILD_DONE)
        result = build_operations(build, partition);
    if (result == BUILD_DONE && build->rebuild)
        result = build_from_redis(build, rebuild_flush(build->rebuild));
    return result == BUILD_DONE ? build_items(build, partition) : result;
}

enum build_result build_run(struct build *build)
{
    enum build_result result = BUILD_DONE;
    build->counts = (struct build_counts){0};
    for (unsigned p = 0; p < build->partitions && result == BUILD_DONE; p++)
        result = build_partition(build, p);
    if (result == BUILD_DONE && build->rebuild)
        result = build_from_redis(build, rebuild_flush(build->rebuild));
    return result;
}
