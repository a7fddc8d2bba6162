/* present_shares.c -- what customers hold and bought of an item, summed up from its movements. */
#include "ledger/present.h"
#include "ledger/present_rows.h"

#define MOVED "held_delta + sold_delta"
/* An item that was deleted and created again has forgotten its customers. */
#define CREATION(sku, version)                                                                     \
    "(SELECT MAX(c.version) FROM events c WHERE c.type = 'create' AND c.sku = " sku                \
    " AND c.version <= " version ")"

/* The versions stand in the sum and not in WHERE: there they would make engines sort all movements
 * of the item for every page, since they take the condition for a narrow one. */
#define PAGE_SUM                                                                                   \
    "SUM(CASE WHEN version <= $1 AND version >= " CREATION("$2", "$1") " THEN " MOVED " ELSE 0 "   \
                                                                       "END)"

static const struct db_statement page_of_shares = {
    .kind = DB_ONE,
    .types = "itti",
    .head = "SELECT customer, CAST(" PAGE_SUM " AS bigint) FROM events WHERE sku = $2 "
            "AND customer > $3 GROUP BY customer HAVING " PAGE_SUM " <> 0 ORDER BY customer "
            "LIMIT $4",
};
static const struct db_statement shares_named = {
    .kind = DB_LOOKUP,
    .types = "tti",
    .head = "SELECT customer, CAST(SUM(" MOVED ") AS bigint) FROM events WHERE customer",
    .tail = " AND sku = $2 AND version <= $3 AND version >= " CREATION(
        "$2", "$3") " GROUP BY customer HAVING SUM(" MOVED ") <> 0",
};

static int keep_share(void *context, const struct db_value *row, size_t count)
{
    struct present_page *page = context;
    struct present_share *share = present_page_row(page);
    if (!share)
        return -1;
    share->units = row[1].as.number;
    return rows_text(page->arena, &row[0], &share->customer) ? 0 : -1;
}

/* A page begins behind a customer; nobody's name is empty. */
enum db_result present_shares(struct db *db, struct arena *arena, struct str sku, int64_t version,
                              struct str after_customer, size_t max, struct present_share **shares,
                              size_t *count)
{
    struct present_page page = present_page_begin(arena, sizeof(**shares), max);
    const struct db_value values[] = {db_int(version), db_text(sku),
                                      db_text(after_customer.n ? after_customer : STR("")),
                                      db_int((int64_t)max)};
    if (!page.rows)
        return DB_NO_MEMORY;
    enum db_result result = db_run(db, &page_of_shares, values, 1, keep_share, &page, NULL);
    *shares = page.rows;
    *count = page.count;
    return result;
}

enum db_result present_shares_named(struct db *db, struct arena *arena, struct str sku,
                                    int64_t version, const struct str *customers,
                                    size_t customer_count, struct present_share **shares,
                                    size_t *count)
{
    struct present_page page = present_page_begin(arena, sizeof(**shares), customer_count);
    const struct db_value rest[] = {db_text(sku), db_int(version)};
    struct db_value *keys = present_keys(arena, customers, customer_count, rest, 3);
    if (!page.rows || !keys)
        return DB_NO_MEMORY;
    enum db_result result =
        db_run(db, &shares_named, keys, customer_count, keep_share, &page, NULL);
    *shares = page.rows;
    *count = page.count;
    return result;
}
