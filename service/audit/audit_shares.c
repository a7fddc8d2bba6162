/* audit_shares.c -- what customers have of an item: what Redis counts against what the ledger's
 * movements add up to, both as of the version that the item had in Redis. */
#include "audit/audit_walk.h"
#include "ledger/names.h"
#include "ledger/text.h"

#include <inttypes.h>
#include <stdio.h>

/* --- the ledger's side ------------------------------------------------------------------------ */

/* units[i] of customers[i], 0 for none, as of a version of the item. */
static bool ask_ledger(struct audit *audit, struct arena *arena, struct str sku, int64_t version,
                       const struct str *customers, size_t count, int64_t *units)
{
    struct present_share *shares = NULL;
    struct names names;
    size_t found = 0;
    names_init(&names, arena);
    enum db_result result = db_begin_read(audit->db);
    if (result == DB_OK)
        result =
            present_shares_named(audit->db, arena, sku, version, customers, count, &shares, &found);
    db_rollback(audit->db);
    for (size_t i = 0; result == DB_OK && i < found; i++)
        if (names_add(&names, shares[i].customer) == NAMES_NONE)
            result = DB_NO_MEMORY;
    if (!walk_sql(audit, result))
        return false;
    for (size_t i = 0; i < count; i++) {
        uint32_t number = found > 0 ? names_find(&names, customers[i]) : NAMES_NONE;
        units[i] = number == NAMES_NONE ? 0 : shares[number].units;
    }
    return true;
}

/* --- what differed, once more ----------------------------------------------------------------- */

static void name_share(struct walk *walk, const struct walk_share *kept, int64_t units)
{
    char text[COMPARE_TEXT_SIZE];
    snprintf(text, sizeof(text),
             "of item %s Redis counts %" PRId64 " units at version %" PRId64
             ", the ledger %" PRId64,
             kept->sku, kept->units, kept->version, units);
    walk_drift(walk->audit, AUDIT_SHARE, walk->partition, str_of(kept->customer), text);
}

/* Some of one item and version. */
static bool judge_run(struct walk *walk, const struct walk_share *kept, size_t count)
{
    struct str customers[WALK_KEPT_MAX];
    int64_t units[WALK_KEPT_MAX];
    arena_reset(&walk->again);
    for (size_t i = 0; i < count; i++)
        customers[i] = str_of(kept[i].customer);
    if (!ask_ledger(walk->audit, &walk->again, str_of(kept->sku), kept->version, customers, count,
                    units))
        return false;
    for (size_t i = 0; i < count; i++)
        if (units[i] != kept[i].units)
            name_share(walk, &kept[i], units[i]);
    return true;
}

bool walk_kept_shares(struct walk *walk)
{
    size_t count = walk->share_count;
    walk->share_count = 0;
    if (count == 0)
        return true;
    if (!walk_catch_up(walk))
        return false;
    for (size_t from = 0, to; from < count; from = to) {
        const struct walk_share *first = &walk->shares[from];
        for (to = from; to < count && walk->shares[to].version == first->version &&
                        strcmp(walk->shares[to].sku, first->sku) == 0;)
            to++;
        if (!judge_run(walk, first, to - from))
            return false;
    }
    return true;
}

static bool keep(struct walk *walk, const struct scan_item *item, const struct scan_usage *share)
{
    if (walk->share_count == WALK_KEPT_MAX && !walk_kept_shares(walk))
        return false;
    struct walk_share *kept = &walk->shares[walk->share_count++];
    *kept = (struct walk_share){.version = item->item.version, .units = share->units};
    snprintf(kept->sku, sizeof(kept->sku), "%.*s", STR_ARG(item->sku));
    snprintf(kept->customer, sizeof(kept->customer), "%.*s", STR_ARG(share->customer));
    return true;
}

/* --- comparing -------------------------------------------------------------------------------- */

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

static bool compare_page(struct walk *walk, const struct scan_item *item,
                         const struct scan_usage *shares, size_t count)
{
    char text[COMPARE_TEXT_SIZE];
    struct str *customers = arena_alloc(&walk->inner, count * sizeof(*customers));
    int64_t *units = arena_alloc(&walk->inner, count * sizeof(*units));
    const struct scan_usage **good =
        arena_alloc(&walk->inner, count * sizeof(const struct scan_usage *));
    size_t n = 0;
    if (!customers || !units || !good)
        return walk_sql(walk->audit, DB_NO_MEMORY);
    for (size_t i = 0; i < count; i++) {
        const char *wrong = plainly_wrong(item, &shares[i]);
        if (wrong) {
            snprintf(text, sizeof(text), "of item %.*s Redis %s", STR_ARG(item->sku), wrong);
            walk_drift(walk->audit, AUDIT_SHARE, walk->partition, shares[i].customer, text);
            continue;
        }
        good[n] = &shares[i];
        customers[n++] = shares[i].customer;
    }
    if (n == 0 || item->found != LAYOUT_FOUND || !item->item.exists)
        return true;
    walk->audit->shares += (int64_t)n;
    if (!ask_ledger(walk->audit, &walk->inner, item->sku, item->item.version, customers, n, units))
        return false;
    for (size_t i = 0; i < n; i++)
        if (units[i] != good[i]->units && !keep(walk, item, good[i]))
            return false;
    return true;
}

/* --- both directions -------------------------------------------------------------------------- */

static bool walk_counted(struct walk *walk, struct str sku)
{
    struct audit *audit = walk->audit;
    char cursor[ADMIN_CURSOR_SIZE] = "0";
    do {
        struct scan_item item;
        struct scan_usage *shares;
        size_t count;
        arena_reset(&walk->inner);
        if (!walk_redis(audit, scan_usage(audit->admin, &walk->inner, walk->partition, sku, cursor,
                                          &item, &shares, &count)) ||
            (count > 0 && !compare_page(walk, &item, shares, count)))
            return false;
        walk_progress(audit);
    } while (strcmp(cursor, "0") != 0);
    return true;
}

/* Those of a page of the ledger's that Redis does not count. */
static bool compare_absent(struct walk *walk, struct str sku, const struct present_share *known,
                           size_t count)
{
    struct audit *audit = walk->audit;
    struct scan_item item;
    struct scan_usage *shares;
    size_t absent = 0;
    struct str *customers = arena_alloc(&walk->inner, count * sizeof(*customers));
    if (!customers)
        return walk_sql(audit, DB_NO_MEMORY);
    for (size_t i = 0; i < count; i++)
        customers[i] = known[i].customer;
    if (!walk_redis(audit, scan_usage_named(audit->admin, &walk->inner, walk->partition, sku,
                                            customers, count, &item, &shares)))
        return false;
    for (size_t i = 0; i < count; i++)
        if (shares[i].units == 0)
            shares[absent++] = shares[i];
    return absent == 0 || compare_page(walk, &item, shares, absent);
}

static bool walk_known(struct walk *walk, struct str sku)
{
    struct audit *audit = walk->audit;
    struct walk_place place = {.n = 0};
    size_t count = SCAN_PAGE;
    while (count == SCAN_PAGE) {
        struct present_share *known = NULL;
        count = 0;
        arena_reset(&walk->inner);
        enum db_result result = db_begin_read(audit->db);
        if (result == DB_OK)
            result = present_shares(audit->db, &walk->inner, sku, INT64_MAX, walk_behind(&place),
                                    SCAN_PAGE, &known, &count);
        db_rollback(audit->db);
        if (!walk_sql(audit, result))
            return false;
        if (count > 0 && (!walk_remember(audit, &place, known[count - 1].customer) ||
                          !compare_absent(walk, sku, known, count)))
            return false;
    }
    return true;
}

bool walk_shares(struct walk *walk, struct str sku)
{
    return walk_counted(walk, sku) && walk_known(walk, sku);
}
