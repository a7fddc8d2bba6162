/* audit_items.c -- items against the ledger, in both directions, and what belongs to each. */
#include "audit/audit_walk.h"
#include "ledger/names.h"

#include <stdio.h>

/* --- what was ahead of the ledger ------------------------------------------------------------- */

static bool settle(struct walk *walk)
{
    struct audit *audit = walk->audit;
    size_t count = walk->item_count;
    char text[COMPARE_TEXT_SIZE];
    walk->item_count = 0;
    if (count == 0)
        return true;
    if (!walk_catch_up(walk) || !walk_sql(audit, db_begin_read(audit->db)))
        return false;
    bool read = true;
    for (size_t i = 0; i < count && read; i++) {
        const struct walk_item *kept = &walk->items[i];
        struct item ledger;
        read = walk_sql(audit,
                        present_item_at(audit->db, str_of(kept->sku), kept->item.version, &ledger));
        if (read && !compare_item(&kept->item, &ledger, text))
            walk_drift(audit, AUDIT_ITEM, walk->partition, str_of(kept->sku), text);
    }
    db_rollback(audit->db);
    return read;
}

static bool keep(struct walk *walk, const struct scan_item *redis)
{
    if (walk->item_count == WALK_KEPT_MAX && !settle(walk))
        return false;
    struct walk_item *kept = &walk->items[walk->item_count++];
    snprintf(kept->sku, sizeof(kept->sku), "%.*s", STR_ARG(redis->sku));
    kept->item = redis->item;
    return true;
}

/* --- one item --------------------------------------------------------------------------------- */

/* The ledger was read first: Redis can only be at its version, or ahead. */
static bool compare_counters(struct walk *walk, const struct scan_item *redis,
                             const struct item *ledger)
{
    char text[COMPARE_TEXT_SIZE];
    bool missing = redis->found == LAYOUT_MISSING;
    /* That a name without an item is listed is found elsewhere. */
    if ((missing && ledger->version == 0) ||
        (redis->found == LAYOUT_FOUND && compare_item(&redis->item, ledger, text)))
        return true;
    if (missing)
        snprintf(text, sizeof(text), "is in the ledger at version %lld, not in Redis",
                 (long long)ledger->version);
    else if (redis->found == LAYOUT_BROKEN)
        snprintf(text, sizeof(text), "the item in Redis is of no format that is known");
    else if (redis->item.version > ledger->version)
        return keep(walk, redis);
    walk_drift(walk->audit, AUDIT_ITEM, walk->partition, redis->sku, text);
    return true;
}

static bool compare_one(struct walk *walk, const struct scan_item *redis, const struct item *ledger)
{
    char text[COMPARE_TEXT_SIZE];
    walk->audit->items++;
    if (!compare_counters(walk, redis, ledger))
        return false;
    if (redis->found != LAYOUT_BROKEN && !compare_places(redis, text))
        walk_drift(walk->audit, AUDIT_INDEX, walk->partition, redis->sku, text);
    if (redis->earliest_ms != 0 && !walk_holds(walk, redis->sku))
        return false;
    return walk_shares(walk, redis->sku);
}

/* --- pages ------------------------------------------------------------------------------------ */

/* The items of some names in Redis, against what the ledger had before. */
static bool compare_all(struct walk *walk, const struct str *skus, const struct item *ledger,
                        size_t count)
{
    struct scan_item *redis;
    if (count == 0)
        return true;
    if (!walk_redis(walk->audit, scan_items(walk->audit->admin, &walk->page, walk->partition, skus,
                                            count, &redis)))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!compare_one(walk, &redis[i], &ledger[i]))
            return false;
        walk_progress(walk->audit);
    }
    return true;
}

bool walk_only_unknown(struct walk *walk, struct str *skus, size_t *count)
{
    struct audit *audit = walk->audit;
    struct present_item *known = NULL;
    struct names names;
    size_t known_count = 0, left = 0;
    for (size_t i = 0; i < *count; i++) {
        if (sku_valid(skus[i]))
            skus[left++] = skus[i];
        else
            walk_drift(audit, AUDIT_INDEX, walk->partition, skus[i], "this can be no item's name");
    }
    *count = left;
    enum db_result result = db_begin_read(audit->db);
    if (result == DB_OK)
        result = present_items_named(audit->db, &walk->page, skus, left, &known, &known_count);
    db_rollback(audit->db);
    names_init(&names, &walk->page);
    for (size_t i = 0; result == DB_OK && i < known_count; i++)
        if (names_add(&names, known[i].sku) == NAMES_NONE)
            result = DB_NO_MEMORY;
    if (!walk_sql(audit, result))
        return false;
    left = 0;
    for (size_t i = 0; i < *count; i++)
        if (known_count == 0 || names_find(&names, skus[i]) == NAMES_NONE)
            skus[left++] = skus[i];
    *count = left;
    return true;
}

bool walk_unknown_items(struct walk *walk, const struct str *skus, size_t count)
{
    struct item *none = arena_zalloc(&walk->page, (count + 1) * sizeof(*none));
    if (!none)
        return walk_sql(walk->audit, DB_NO_MEMORY);
    return compare_all(walk, skus, none, count);
}

/* What Redis lists and the ledger does not know, or not yet. */
static bool walk_listed(struct walk *walk)
{
    struct audit *audit = walk->audit;
    struct walk_place place = {.n = 0};
    size_t found = SCAN_PAGE;
    while (found == SCAN_PAGE) {
        struct str *skus;
        arena_reset(&walk->page);
        if (!walk_redis(audit, scan_names(audit->admin, &walk->page, walk->partition,
                                          walk_behind(&place), SCAN_PAGE, &skus, &found)))
            return false;
        if (found > 0 && !walk_remember(audit, &place, skus[found - 1]))
            return false;
        size_t count = found;
        if (!walk_only_unknown(walk, skus, &count) || !walk_unknown_items(walk, skus, count))
            return false;
    }
    return true;
}

static bool page_of_known(struct walk *walk, struct walk_place *place, size_t *count)
{
    struct audit *audit = walk->audit;
    struct present_item *known = NULL;
    *count = 0;
    arena_reset(&walk->page);
    enum db_result result = db_begin_read(audit->db);
    if (result == DB_OK)
        result = present_items(audit->db, &walk->page, walk->partition, walk_behind(place),
                               SCAN_PAGE, &known, count);
    db_rollback(audit->db);
    if (!walk_sql(audit, result))
        return false;
    struct str *skus = arena_alloc(&walk->page, *count * sizeof(*skus));
    struct item *items = arena_alloc(&walk->page, *count * sizeof(*items));
    if (!skus || !items)
        return walk_sql(audit, DB_NO_MEMORY);
    size_t good = 0;
    for (size_t i = 0; i < *count; i++) {
        if (!sku_valid(known[i].sku)) {
            walk_drift(audit, AUDIT_LEDGER, walk->partition, known[i].sku,
                       "the table items has what can be no item's name");
            continue;
        }
        skus[good] = known[i].sku;
        items[good++] = known[i].item;
    }
    return (*count == 0 || walk_remember(audit, place, known[*count - 1].sku)) &&
           compare_all(walk, skus, items, good);
}

bool walk_kept_items(struct walk *walk)
{
    return settle(walk) && walk_kept_shares(walk);
}

bool walk_items(struct walk *walk)
{
    struct walk_place place = {.n = 0};
    size_t count = SCAN_PAGE;
    if (!walk_listed(walk))
        return false;
    while (count == SCAN_PAGE)
        if (!page_of_known(walk, &place, &count))
            return false;
    return walk_kept_items(walk);
}
