/* present_items.c -- items as of now and as of a version, and recorded results. */
#include "digits.h"
#include "ledger/present.h"
#include "ledger/present_rows.h"

#define ITEM_COLUMNS                                                                               \
    "sku, partition_no, available, held, sold, version, max_per_customer, deleted, updated_ms"

static const struct db_statement page_of_items = {
    .kind = DB_ONE,
    .types = "iti",
    .head = "SELECT " ITEM_COLUMNS " FROM items WHERE partition_no = $1 AND sku > $2 "
            "ORDER BY sku LIMIT $3",
};
static const struct db_statement items_named = {
    .kind = DB_LOOKUP,
    .types = "t",
    .head = "SELECT " ITEM_COLUMNS " FROM items WHERE sku",
};
static const struct db_statement item_at = {
    .kind = DB_ONE,
    .types = "ti",
    .head = "SELECT available, held, sold, version, max_per_customer, "
            "CASE type WHEN 'delete' THEN 1 ELSE 0 END, at_ms FROM events "
            "WHERE sku = $1 AND version <= $2 ORDER BY version DESC LIMIT 1",
};
static const struct db_statement page_of_operations = {
    .kind = DB_ONE,
    .types = "itii",
    .head = "SELECT op_key, result, at_ms FROM operations WHERE partition_no = $1 AND op_key > $2 "
            "AND at_ms >= $3 ORDER BY op_key LIMIT $4",
};

/* available, held, sold, version, max_per_customer, deleted, updated_ms. */
static struct item item_of(const struct db_value *columns)
{
    return (struct item){.available = columns[0].as.number,
                         .held = columns[1].as.number,
                         .sold = columns[2].as.number,
                         .version = columns[3].as.number,
                         .max_per_customer = columns[4].as.number,
                         .exists = columns[5].as.number == 0,
                         .updated_ms = columns[6].as.number};
}

static int keep_item(void *context, const struct db_value *row, size_t count)
{
    struct present_page *page = context;
    struct present_item *item = present_page_row(page);
    if (!item)
        return -1;
    item->partition = (unsigned)row[1].as.number;
    item->item = item_of(row + 2);
    return rows_text(page->arena, &row[0], &item->sku) ? 0 : -1;
}

enum db_result present_items(struct db *db, struct arena *arena, unsigned partition,
                             struct str after_sku, size_t max, struct present_item **items,
                             size_t *count)
{
    struct present_page page = present_page_begin(arena, sizeof(**items), max);
    const struct db_value values[] = {db_int(partition), db_text(after_sku.n ? after_sku : STR("")),
                                      db_int((int64_t)max)};
    if (!page.rows)
        return DB_NO_MEMORY;
    enum db_result result = db_run(db, &page_of_items, values, 1, keep_item, &page, NULL);
    *items = page.rows;
    *count = page.count;
    return result;
}

enum db_result present_items_named(struct db *db, struct arena *arena, const struct str *skus,
                                   size_t sku_count, struct present_item **items, size_t *count)
{
    struct present_page page = present_page_begin(arena, sizeof(**items), sku_count);
    struct db_value *keys = present_keys(arena, skus, sku_count, NULL, 1);
    if (!page.rows || !keys)
        return DB_NO_MEMORY;
    enum db_result result = db_run(db, &items_named, keys, sku_count, keep_item, &page, NULL);
    *items = page.rows;
    *count = page.count;
    return result;
}

static int keep_state(void *context, const struct db_value *row, size_t count)
{
    *(struct item *)context = item_of(row);
    return 0;
}

enum db_result present_item_at(struct db *db, struct str sku, int64_t version, struct item *item)
{
    const struct db_value values[] = {db_text(sku), db_int(version)};
    *item = (struct item){.exists = false};
    return db_run(db, &item_at, values, 1, keep_state, item, NULL);
}

/* --- operations ------------------------------------------------------------------------------- */

/* The bytes of what text_hex() wrote. Absent: no memory. */
static struct str bytes_of(struct arena *arena, struct str hex)
{
    size_t n = hex.n / 2;
    char *bytes = arena_alloc(arena, n);
    for (size_t i = 0; bytes && i < n; i++)
        bytes[i] = (char)(digits_hex(hex.p[2 * i]) << 4 | digits_hex(hex.p[2 * i + 1]));
    return (struct str){bytes, bytes ? n : 0};
}

static int keep_operation(void *context, const struct db_value *row, size_t count)
{
    struct present_page *page = context;
    struct present_operation *operation = present_page_row(page);
    if (!operation)
        return -1;
    operation->result = bytes_of(page->arena, row[1].as.text);
    operation->at_ms = row[2].as.number;
    return rows_text(page->arena, &row[0], &operation->key) && !str_absent(operation->result) ? 0
                                                                                              : -1;
}

enum db_result present_operations(struct db *db, struct arena *arena, unsigned partition,
                                  int64_t since_ms, struct str after_key, size_t max,
                                  struct present_operation **operations, size_t *count)
{
    struct present_page page = present_page_begin(arena, sizeof(**operations), max);
    const struct db_value values[] = {db_int(partition), db_text(after_key.n ? after_key : STR("")),
                                      db_int(since_ms), db_int((int64_t)max)};
    if (!page.rows)
        return DB_NO_MEMORY;
    enum db_result result = db_run(db, &page_of_operations, values, 1, keep_operation, &page, NULL);
    *operations = page.rows;
    *count = page.count;
    return result;
}
