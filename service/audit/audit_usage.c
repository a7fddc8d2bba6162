/* audit_usage.c -- what customers have of an item: what Redis counts against what the ledger's
 * movements add up to, both as of the version that the item had in Redis. */
#include "audit/audit_walk.h"
#include "ledger/names.h"
#include "ledger/text.h"

#include <inttypes.h>
#include <stdio.h>

/* --- the kind --------------------------------------------------------------------------------- */

/* Some of one item and version. */
static bool ask_run(struct walk *walk, struct walk_page *page, size_t from, size_t to)
{
    struct audit *audit = walk->audit;
    const struct walk_pair *first = &page->pairs[from];
    struct present_share *shares = NULL;
    struct names names;
    size_t found = 0;
    struct str *customers = walk_names(walk, page);
    if (!customers)
        return false;
    names_init(&names, page->arena);
    enum db_result result = db_begin_read(audit->db);
    if (result == DB_OK)
        result = present_shares_named(audit->db, page->arena, first->sku, first->item->item.version,
                                      customers + from, to - from, &shares, &found);
    db_rollback(audit->db);
    for (size_t i = 0; result == DB_OK && i < found; i++)
        if (names_add(&names, shares[i].customer) == NAMES_NONE)
            result = DB_NO_MEMORY;
    if (!walk_sql(audit, result))
        return false;
    for (size_t i = from; i < to; i++) {
        uint32_t number = names_find(&names, customers[i]);
        page->pairs[i].ledger_units = number == NAMES_NONE ? 0 : shares[number].units;
    }
    return true;
}

static bool ask_ledger(struct walk *walk, struct walk_page *page, bool again)
{
    for (size_t from = 0, to; from < page->count; from = to) {
        const struct walk_pair *first = &page->pairs[from];
        for (to = from; to < page->count && str_equal(page->pairs[to].sku, first->sku) &&
                        page->pairs[to].item->item.version == first->item->item.version;)
            to++;
        if (!ask_run(walk, page, from, to))
            return false;
    }
    return true;
}

static enum walk_verdict judge(const struct walk *walk, const struct walk_pair *pair, bool again,
                               char text[COMPARE_TEXT_SIZE])
{
    if (pair->units == pair->ledger_units)
        return WALK_FINE;
    snprintf(text, COMPARE_TEXT_SIZE,
             "of item %.*s Redis counts %" PRId64 " units at version %" PRId64
             ", the ledger %" PRId64,
             STR_ARG(pair->sku), pair->units, pair->item->item.version, pair->ledger_units);
    return again ? WALK_DRIFT : WALK_LATER;
}

static void say(struct walk *walk, const struct walk_pair *pair, const char *text)
{
    walk_drift(walk->audit, AUDIT_SHARE, walk->partition, pair->name, text);
}

static const struct walk_kind usage = {
    .kind = AUDIT_SHARE, .ask_ledger = ask_ledger, .judge = judge, .say = say};

bool walk_settle_usage(struct walk *walk)
{
    return walk_settle(walk, &usage);
}

/* --- both directions -------------------------------------------------------------------------- */

/* Why a counter in Redis is wrong whatever the ledger says; NULL: it is not. */
static const char *plainly_wrong(const struct scan_item *item, const struct scan_usage *share)
{
    bool named = share->customer.n <= TEXT_MAX_BYTES && text_storable(share->customer);
    if (!named || share->units < 0)
        return named ? "counts for him what is no number of units" : "counts for what is no name";
    if (share->units > 0 && (item->found != LAYOUT_FOUND || !item->item.exists))
        return "counts units of an item that does not exist";
    return NULL;
}

/* What Redis had of some customers: those that can be compared. */
static bool fill(struct walk *walk, struct walk_page *page, const struct scan_item *item,
                 const struct scan_usage *shares, size_t count)
{
    char text[COMPARE_TEXT_SIZE];
    bool exists = item->found == LAYOUT_FOUND && item->item.exists;
    page->has_redis = true;
    if (!walk_pairs(walk, page, count))
        return false;
    page->count = 0;
    for (size_t i = 0; i < count; i++) {
        const char *wrong = plainly_wrong(item, &shares[i]);
        if (wrong) {
            snprintf(text, sizeof(text), "of item %.*s Redis %s", STR_ARG(item->sku), wrong);
            walk_drift(walk->audit, AUDIT_SHARE, walk->partition, shares[i].customer, text);
        } else if (exists) {
            page->pairs[page->count++] = (struct walk_pair){.name = shares[i].customer,
                                                            .sku = item->sku,
                                                            .item = item,
                                                            .units = shares[i].units};
        }
    }
    walk->audit->shares += (int64_t)page->count;
    return true;
}

static bool turn_counted(struct walk *walk, struct walk_place *place, struct walk_page *page)
{
    struct audit *audit = walk->audit;
    struct scan_item *item = arena_alloc(page->arena, sizeof(*item));
    struct scan_usage *shares;
    size_t count;
    if (!item)
        return walk_sql(audit, DB_NO_MEMORY);
    if (!walk_redis(audit, scan_usage(audit->admin, page->arena, walk->partition, place->sku,
                                      place->cursor, item, &shares, &count)))
        return false;
    place->done = strcmp(place->cursor, "0") == 0;
    return fill(walk, page, item, shares, count);
}

/* Those that Redis does not count: the others were compared. */
static bool fill_absent(struct walk *walk, struct walk_page *page, struct str sku,
                        const struct present_share *known, size_t count)
{
    struct audit *audit = walk->audit;
    struct scan_item *item = arena_alloc(page->arena, sizeof(*item));
    struct str *customers = arena_alloc(page->arena, count * sizeof(*customers));
    struct scan_usage *shares;
    size_t absent = 0;
    if (!item || !customers)
        return walk_sql(audit, DB_NO_MEMORY);
    for (size_t i = 0; i < count; i++)
        customers[i] = known[i].customer;
    if (!walk_redis(audit, scan_usage_named(audit->admin, page->arena, walk->partition, sku,
                                            customers, count, item, &shares)))
        return false;
    for (size_t i = 0; i < count; i++)
        if (shares[i].units == 0)
            shares[absent++] = shares[i];
    return fill(walk, page, item, shares, absent);
}

static bool turn_known(struct walk *walk, struct walk_place *place, struct walk_page *page)
{
    struct audit *audit = walk->audit;
    struct present_share *known = NULL;
    size_t count = 0;
    enum db_result result = db_begin_read(audit->db);
    if (result == DB_OK)
        result = present_shares(audit->db, page->arena, place->sku, INT64_MAX, walk_behind(place),
                                SCAN_PAGE, &known, &count);
    db_rollback(audit->db);
    if (!walk_sql(audit, result))
        return false;
    place->done = count < SCAN_PAGE;
    return count == 0 || (walk_remember(walk, place, known[count - 1].customer) &&
                          fill_absent(walk, page, place->sku, known, count));
}

bool walk_usage(struct walk *walk, struct str sku)
{
    static const struct walk_source counted = {&usage, turn_counted, NULL},
                                    known = {&usage, turn_known, NULL};
    struct walk_place from_redis = {WALK_FROM_THE_FIRST, .sku = sku},
                      from_ledger = {WALK_FROM_THE_FIRST, .sku = sku};
    return walk_run(walk, &counted, &walk->inner, &from_redis) &&
           walk_run(walk, &known, &walk->inner, &from_ledger);
}
