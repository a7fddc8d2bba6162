/* audit_items.c -- items against the ledger, from both sides, and what belongs to each. */
#include "audit/audit_walk.h"
#include "ledger/names.h"

#include <stdio.h>

/* --- the kind --------------------------------------------------------------------------------- */

static bool ask_redis(struct walk *walk, struct walk_page *page)
{
    struct audit *audit = walk->audit;
    struct scan_item *items;
    struct str *skus = walk_names(walk, page);
    if (!skus || !walk_redis(audit, scan_items(audit->admin, page->arena, walk->partition, skus,
                                               page->count, &items)))
        return false;
    for (size_t i = 0; i < page->count; i++)
        page->pairs[i].item = &items[i];
    return true;
}

/* Only ever again: sources fill in what the ledger has now. */
static bool ask_ledger(struct walk *walk, struct walk_page *page, bool again)
{
    struct audit *audit = walk->audit;
    enum db_result result = db_begin_read(audit->db);
    for (size_t i = 0; i < page->count && result == DB_OK; i++) {
        struct walk_pair *pair = &page->pairs[i];
        result =
            present_item_at(audit->db, pair->name, pair->item->item.version, &pair->ledger_item);
    }
    bool read = walk_sql(audit, result);
    db_rollback(audit->db);
    return read;
}

/* The ledger was read first: Redis can only be at its version, or ahead. */
static enum walk_verdict judge(const struct walk *walk, const struct walk_pair *pair, bool again,
                               char text[COMPARE_TEXT_SIZE])
{
    const struct scan_item *redis = pair->item;
    int64_t version = pair->ledger_item.version;
    switch (redis->found) {
    case LAYOUT_MISSING:
        /* That a name without an item is listed is found elsewhere. */
        if (version == 0)
            return WALK_FINE;
        snprintf(text, COMPARE_TEXT_SIZE, "is in the ledger at version %lld, not in Redis",
                 (long long)version);
        return WALK_DRIFT;
    case LAYOUT_BROKEN:
        snprintf(text, COMPARE_TEXT_SIZE, "the item in Redis is of no format that is known");
        return WALK_DRIFT;
    case LAYOUT_FOUND: break;
    }
    if (compare_item(&redis->item, &pair->ledger_item, text))
        return WALK_FINE;
    return !again && redis->item.version > version ? WALK_LATER : WALK_DRIFT;
}

static void say(struct walk *walk, const struct walk_pair *pair, const char *text)
{
    walk_drift(walk->audit, AUDIT_ITEM, walk->partition, pair->name, text);
}

static const struct walk_kind items = {.kind = AUDIT_ITEM,
                                       .ask_redis = ask_redis,
                                       .ask_ledger = ask_ledger,
                                       .judge = judge,
                                       .say = say};

bool walk_settle_items(struct walk *walk)
{
    return walk_settle(walk, &items) && walk_settle_usage(walk);
}

/* --- what belongs to an item ------------------------------------------------------------------ */

static bool beside(struct walk *walk, const struct walk_page *page)
{
    char text[COMPARE_TEXT_SIZE];
    for (size_t i = 0; i < page->count; i++) {
        const struct scan_item *item = page->pairs[i].item;
        walk->audit->items++;
        if (item->found != LAYOUT_BROKEN && !compare_places(item, text))
            walk_drift(walk->audit, AUDIT_INDEX, walk->partition, item->sku, text);
        if ((item->earliest_ms != 0 && !walk_holds(walk, item->sku)) ||
            !walk_usage(walk, item->sku))
            return false;
        walk_progress(walk->audit);
    }
    return true;
}

/* --- what Redis lists and the ledger does not know, or not yet ---------------------------------
 */

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
        if (names_find(&names, skus[i]) == NAMES_NONE)
            skus[left++] = skus[i];
    *count = left;
    return true;
}

static bool fill_unknown(struct walk *walk, struct walk_page *page, const struct str *skus,
                         size_t count)
{
    page->has_ledger = true; /* that it has none of them */
    if (!walk_pairs(walk, page, count))
        return false;
    for (size_t i = 0; i < count; i++)
        page->pairs[i].name = skus[i];
    return true;
}

static bool turn_listed(struct walk *walk, struct walk_place *place, struct walk_page *page)
{
    struct audit *audit = walk->audit;
    struct str *skus;
    size_t count;
    if (!walk_redis(audit, scan_names(audit->admin, page->arena, walk->partition,
                                      walk_behind(place), SCAN_PAGE, &skus, &count)))
        return false;
    place->done = count < SCAN_PAGE;
    return (count == 0 || walk_remember(walk, place, skus[count - 1])) &&
           walk_only_unknown(walk, skus, &count) && fill_unknown(walk, page, skus, count);
}

static const struct walk_source listed = {&items, turn_listed, beside};

bool walk_unknown_items(struct walk *walk, const struct str *skus, size_t count)
{
    struct walk_page page = {.arena = &walk->page};
    return fill_unknown(walk, &page, skus, count) && walk_page_of(walk, &listed, &page);
}

/* --- what the ledger knows -------------------------------------------------------------------- */

static bool turn_known(struct walk *walk, struct walk_place *place, struct walk_page *page)
{
    struct audit *audit = walk->audit;
    struct present_item *known = NULL;
    size_t count = 0;
    enum db_result result = db_begin_read(audit->db);
    if (result == DB_OK)
        result = present_items(audit->db, page->arena, walk->partition, walk_behind(place),
                               SCAN_PAGE, &known, &count);
    db_rollback(audit->db);
    if (!walk_sql(audit, result) || !walk_pairs(walk, page, count))
        return false;
    place->done = count < SCAN_PAGE;
    page->has_ledger = true;
    page->count = 0;
    for (size_t i = 0; i < count; i++) {
        if (!sku_valid(known[i].sku)) {
            walk_drift(audit, AUDIT_LEDGER, walk->partition, known[i].sku,
                       "the table items has what can be no item's name");
            continue;
        }
        page->pairs[page->count++] =
            (struct walk_pair){.name = known[i].sku, .ledger_item = known[i].item};
    }
    return count == 0 || walk_remember(walk, place, known[count - 1].sku);
}

bool walk_items(struct walk *walk)
{
    static const struct walk_source known = {&items, turn_known, beside};
    struct walk_place from_redis = {WALK_FROM_THE_FIRST}, from_ledger = {WALK_FROM_THE_FIRST};
    return walk_run(walk, &listed, &walk->page, &from_redis) &&
           walk_run(walk, &known, &walk->page, &from_ledger) && walk_settle_items(walk);
}
