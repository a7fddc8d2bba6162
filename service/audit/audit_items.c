/* audit_items.c -- items against the ledger, from both sides, and what belongs to each: its places
 * in the indexes, its holds, and what customers have of it (audit_usage.c). */
#include "audit/audit_walk.h"
#include "core/tenant.h"

#include <stdio.h>

/* --- the kind --------------------------------------------------------------------------------- */

static bool ask_redis(struct walk *walk, struct walk_page *page, bool after)
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

static enum db_result read_versions(struct walk *walk, struct walk_page *page)
{
    enum db_result result = DB_OK;
    for (size_t i = 0; i < page->count && result == DB_OK; i++) {
        struct walk_pair *pair = &page->pairs[i];
        result = current_item_at(walk->audit->db, pair->name, pair->item->item.version,
                                 &pair->ledger_item);
    }
    return result;
}

/* Only ever again: sources fill in what the ledger has now. */
static bool ask_ledger(struct walk *walk, struct walk_page *page)
{
    return WALK_READ(walk->audit, read_versions(walk, page));
}

/* The ledger was read first: Redis can only be at its version, or ahead. */
static enum walk_verdict judge_item(const struct walk *walk, const struct walk_pair *pair,
                                    bool again, char text[COMPARE_TEXT_SIZE])
{
    const struct scan_item *redis = pair->item;
    int64_t version = pair->ledger_item.version;
    if (redis->found == LAYOUT_FOUND) {
        if (compare_item(&redis->item, &pair->ledger_item, text))
            return WALK_FINE;
        return !again && redis->item.version > version ? WALK_LATER : WALK_DRIFT;
    }
    /* That a name without an item is listed is found elsewhere. */
    if (redis->found == LAYOUT_MISSING && version == 0)
        return WALK_FINE;
    if (redis->found == LAYOUT_MISSING)
        snprintf(text, COMPARE_TEXT_SIZE, "is in the ledger at version %lld, not in Redis",
                 (long long)version);
    else
        snprintf(text, COMPARE_TEXT_SIZE, "the item in Redis is of no format that is known");
    return WALK_DRIFT;
}

const struct walk_kind walk_item = {
    .kind = AUDIT_ITEM, .ask_redis = ask_redis, .ask_ledger = ask_ledger, .judge = judge_item};

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
            !walk_usage_of(walk, item->sku))
            return false;
        walk_progress(walk->audit);
    }
    return true;
}

/* --- what Redis lists and the ledger does not know, or not yet ---------------------------------
 */

/* Those that could be an item's name. */
static size_t only_names(struct walk *walk, struct str *skus, size_t count)
{
    size_t left = 0;
    for (size_t i = 0; i < count; i++) {
        if (item_name_valid(skus[i]))
            skus[left++] = skus[i];
        else
            walk_drift(walk->audit, AUDIT_INDEX, walk->partition, skus[i],
                       "this can be no item's name");
    }
    return left;
}

static bool fill_unknown(struct walk *walk, struct walk_page *page, struct str *skus, size_t count)
{
    struct current_item *known;
    size_t left = 0;
    count = only_names(walk, skus, count);
    if (!WALK_READ(walk->audit,
                   current_items_named(walk->audit->db, page->arena, skus, count, &known)))
        return false;
    for (size_t i = 0; i < count; i++)
        if (known[i].item.version == 0)
            skus[left++] = skus[i];
    page->has_ledger = true; /* that it has none of them */
    return walk_pairs(walk, page, skus, left);
}

static bool turn_listed(struct walk *walk, struct walk_place *place, struct walk_page *page)
{
    struct audit *audit = walk->audit;
    struct str *skus;
    size_t count;
    return walk_redis(audit, scan_names(audit->admin, page->arena, walk->partition,
                                        walk_behind(place), SCAN_PAGE, &skus, &count)) &&
           walk_turned(walk, place, count, count ? skus[count - 1] : STR("")) &&
           fill_unknown(walk, page, skus, count);
}

static const struct walk_source listed = {&walk_item, turn_listed, beside};

bool walk_unknown_items(struct walk *walk, struct str *skus, size_t count)
{
    struct walk_page page = {.arena = &walk->page};
    size_t fresh = 0;
    if (!fill_unknown(walk, &page, skus, count))
        return false;
    for (size_t i = 0; i < page.count; i++)
        if (walk_first_time(walk, STR("item"), page.pairs[i].name))
            page.pairs[fresh++] = page.pairs[i];
    page.count = fresh;
    return walk_page_of(walk, &listed, &page);
}

/* --- what the ledger knows -------------------------------------------------------------------- */

static bool turn_known(struct walk *walk, struct walk_place *place, struct walk_page *page)
{
    struct audit *audit = walk->audit;
    struct current_item *known;
    size_t count;
    if (!WALK_READ(audit, current_items(audit->db, page->arena, walk->partition, walk_behind(place),
                                        SCAN_PAGE, &known, &count)) ||
        !walk_pairs(walk, page, NULL, count))
        return false;
    page->has_ledger = true;
    page->count = 0;
    for (size_t i = 0; i < count; i++) {
        if (item_name_valid(known[i].sku))
            page->pairs[page->count++] =
                (struct walk_pair){.name = known[i].sku, .ledger_item = known[i].item};
        else
            walk_drift(audit, AUDIT_LEDGER, walk->partition, known[i].sku,
                       "the table items has what can be no item's name");
    }
    return walk_turned(walk, place, count, count ? known[count - 1].sku : STR(""));
}

bool walk_items(struct walk *walk)
{
    static const struct walk_source known = {&walk_item, turn_known, beside};
    struct walk_place from_redis = {WALK_FROM_THE_FIRST}, from_ledger = {WALK_FROM_THE_FIRST};
    return walk_run(walk, &listed, &walk->page, &from_redis) &&
           walk_run(walk, &known, &walk->page, &from_ledger) && walk_settle(walk);
}
