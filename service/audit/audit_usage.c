/* audit_usage.c -- what customers have of an item: what Redis counts against what the ledger's
 * movements add up to, both as of the version that the item had in Redis. */
#include "audit/audit_walk.h"
#include "ledger/text.h"

#include <inttypes.h>
#include <stdio.h>

/* --- the kind --------------------------------------------------------------------------------- */

/* A statement for each run of one item and version. */
static enum db_result read_runs(struct walk *walk, struct walk_page *page, const struct str *names)
{
    enum db_result result = DB_OK;
    for (size_t from = 0, to; from < page->count && result == DB_OK; from = to) {
        struct walk_pair *run = &page->pairs[from];
        int64_t version = run->item->item.version;
        struct current_usage *usage;
        for (to = from; to < page->count && str_equal(page->pairs[to].sku, run->sku) &&
                        page->pairs[to].item->item.version == version;)
            to++;
        result = current_usage_named(walk->audit->db, page->arena, run->sku, version, names + from,
                                     to - from, &usage);
        for (size_t i = 0; i < to - from && result == DB_OK; i++)
            run[i].ledger_units = usage[i].units;
    }
    return result;
}

static bool ask_ledger(struct walk *walk, struct walk_page *page)
{
    const struct str *names = walk_names(walk, page);
    return names && WALK_READ(walk->audit, read_runs(walk, page, names));
}

static enum walk_verdict judge_usage(const struct walk *walk, const struct walk_pair *pair,
                                     bool again, char text[COMPARE_TEXT_SIZE])
{
    if (pair->units == pair->ledger_units)
        return WALK_FINE;
    snprintf(text, COMPARE_TEXT_SIZE,
             "of item %.*s Redis counts %" PRId64 " units at version %" PRId64
             ", the ledger %" PRId64,
             STR_ARG(pair->sku), pair->units, pair->item->item.version, pair->ledger_units);
    return again ? WALK_DRIFT : WALK_LATER;
}

/* Sources fill in what Redis has. */
const struct walk_kind walk_usage = {
    .kind = AUDIT_SHARE, .ask_ledger = ask_ledger, .judge = judge_usage};

/* --- both directions -------------------------------------------------------------------------- */

/* Why a counter in Redis is wrong whatever the ledger says; NULL: it is not. */
static const char *plainly_wrong(const struct scan_item *item, const struct scan_usage *usage)
{
    struct str customer = tenant_outer(usage->customer, TENANT_MARK_SHARE);
    bool named = customer.n <= TEXT_MAX_BYTES && text_storable(customer) &&
                 tenant_valid(tenant_of(usage->customer, TENANT_MARK_SHARE));
    if (!named || usage->units < 0)
        return named ? "counts for him what is no number of units" : "counts for what is no name";
    if (usage->units > 0 && (item->found != LAYOUT_FOUND || !item->item.exists))
        return "counts units of an item that does not exist";
    return NULL;
}

/* What Redis had of some customers: those that can be compared. */
static bool fill_usage_page(struct walk *walk, struct walk_page *page, const struct scan_item *item,
                            const struct scan_usage *usage, size_t count)
{
    char text[COMPARE_TEXT_SIZE];
    bool exists = item->found == LAYOUT_FOUND && item->item.exists;
    page->has_redis = true;
    if (!walk_pairs(walk, page, NULL, count))
        return false;
    page->count = 0;
    for (size_t i = 0; i < count; i++) {
        const char *wrong = plainly_wrong(item, &usage[i]);
        if (wrong) {
            snprintf(text, sizeof(text), "of item %.*s Redis %s", STR_ARG(item->sku), wrong);
            walk_drift(walk->audit, AUDIT_SHARE, walk->partition, usage[i].customer, text);
        } else if (exists) {
            page->pairs[page->count++] = (struct walk_pair){
                .name = usage[i].customer, .sku = item->sku, .item = item, .units = usage[i].units};
        }
    }
    walk->audit->shares += (int64_t)page->count;
    return true;
}

static bool turn_counted(struct walk *walk, struct walk_place *place, struct walk_page *page)
{
    struct audit *audit = walk->audit;
    struct scan_item *item = arena_alloc(page->arena, sizeof(*item));
    struct scan_usage *usage;
    size_t count;
    if (!item)
        return walk_sql(audit, DB_NO_MEMORY);
    if (!walk_redis(audit, scan_usage(audit->admin, page->arena, walk->partition, place->sku,
                                      place->cursor, item, &usage, &count)))
        return false;
    place->done = strcmp(place->cursor, "0") == 0;
    return fill_usage_page(walk, page, item, usage, count);
}

/* Of those that the ledger knows, the ones that Redis does not count: the others were compared. */
static bool fill_absent(struct walk *walk, struct walk_page *page, struct str sku)
{
    struct audit *audit = walk->audit;
    struct scan_item *item = arena_alloc(page->arena, sizeof(*item));
    const struct str *customers = walk_names(walk, page);
    struct scan_usage *usage;
    size_t absent = 0;
    if (!item || !customers)
        return walk_sql(audit, DB_NO_MEMORY);
    if (!walk_redis(audit, scan_usage_named(audit->admin, page->arena, walk->partition, sku,
                                            customers, page->count, item, &usage)))
        return false;
    for (size_t i = 0; i < page->count; i++)
        if (usage[i].units == 0)
            usage[absent++] = usage[i];
    return fill_usage_page(walk, page, item, usage, absent);
}

static bool turn_known(struct walk *walk, struct walk_place *place, struct walk_page *page)
{
    struct audit *audit = walk->audit;
    struct current_usage *known;
    size_t count;
    if (!WALK_READ(audit, current_usage(audit->db, page->arena, place->sku, INT64_MAX,
                                        walk_behind(place), SCAN_PAGE, &known, &count)) ||
        !walk_pairs(walk, page, NULL, count))
        return false;
    for (size_t i = 0; i < count; i++)
        page->pairs[i].name = known[i].share;
    return walk_turned(walk, place, count, count ? known[count - 1].share : STR("")) &&
           (count == 0 || fill_absent(walk, page, place->sku));
}

bool walk_usage_of(struct walk *walk, struct str sku)
{
    static const struct walk_source counted = {&walk_usage, turn_counted, NULL},
                                    known = {&walk_usage, turn_known, NULL};
    struct walk_place from_redis = {WALK_FROM_THE_FIRST, .sku = sku},
                      from_ledger = {WALK_FROM_THE_FIRST, .sku = sku};
    return walk_run(walk, &counted, &walk->inner, &from_redis) &&
           walk_run(walk, &known, &walk->inner, &from_ledger);
}
