#include "ledger/query/current_state.h"
#include "digits.h"
#include "ledger/query/named_rows.h"

/* --- items ------------------------------------------------------------------------------------ */

#define ITEM_COLUMNS "sku, available, held, sold, version, max_per_customer, deleted, updated_ms"

static const struct db_statement page_of_items =
    DB_ASK("iti", "SELECT " ITEM_COLUMNS " FROM items WHERE partition_no = $1 AND sku > $2 "
                  "ORDER BY sku LIMIT $3");
static const struct db_statement items_named =
    DB_FIND("t", "SELECT " ITEM_COLUMNS " FROM items WHERE sku");
static const struct db_statement item_at =
    DB_ASK("ti", "SELECT available, held, sold, version, max_per_customer, "
                 "CASE type WHEN 'delete' THEN 1 ELSE 0 END, at_ms FROM events "
                 "WHERE sku = $1 AND version <= $2 ORDER BY version DESC LIMIT 1");
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

static bool take_item_row(struct arena *arena, const struct db_value *row, void *out)
{
    struct current_item *item = out;
    item->item = item_of(row + 1);
    return rows_text(arena, &row[0], &item->sku);
}

enum db_result current_items(struct db *db, struct arena *arena, unsigned partition,
                             struct str after_sku, size_t max, struct current_item **items,
                             size_t *count)
{
    const struct db_value values[] = {db_int(partition), db_text(after_sku.n ? after_sku : STR("")),
                                      db_int((int64_t)max)};
    struct named_rows rows = named_rows_begin(arena, sizeof(**items), max, take_item_row);
    *items = rows.page.rows;
    return named_rows_page(db, &page_of_items, values, &rows, count);
}

enum db_result current_items_named(struct db *db, struct arena *arena, const struct str *skus,
                                   size_t count, struct current_item **items)
{
    struct named_rows rows = named_rows_begin(arena, sizeof(**items), count, take_item_row);
    enum db_result result = named_rows_find(db, &items_named, skus, count, NULL, &rows);
    *items = result == DB_OK ? named_rows_in_order(&rows, skus, count) : NULL;
    return result == DB_OK && !*items ? DB_NO_MEMORY : result;
}

static int keep_state(void *context, const struct db_value *row, size_t count)
{
    *(struct item *)context = item_of(row);
    return 0;
}

enum db_result current_item_at(struct db *db, struct str sku, int64_t version, struct item *item)
{
    const struct db_value values[] = {db_text(sku), db_int(version)};
    *item = (struct item){.exists = false};
    return db_run(db, &item_at, values, 1, keep_state, item, NULL);
}

/* --- reservations: two statements a page ------------------------------------------------------ */

static const struct db_statement pages_of_reservations[] = {
    [CURRENT_HELD] = DB_ASK("iiti", ROWS_RESERVATION
                            "state = 'held' AND partition_no = $1 AND (expires_ms, rid) > ($2, $3) "
                            "ORDER BY expires_ms, rid LIMIT $4"),
    [CURRENT_ENDED] = DB_ASK("iiti", ROWS_RESERVATION
                             "ended_ms IS NOT NULL AND partition_no = $1 AND "
                             "(ended_ms, rid) > ($2, $3) ORDER BY ended_ms, rid LIMIT $4"),
};
static const struct db_statement reservations_named = DB_FIND("t", ROWS_RESERVATION "rid");
static const struct db_statement lines_named = DB_FIND("t", ROWS_LINE "rid");

static bool take_head(struct arena *arena, const struct db_value *row, void *out)
{
    struct reservation *r = out;
    if (!rid_parse(row[0].as.text, &r->id))
        r->id = (struct rid){.partition = 0};
    return rows_reservation(arena, row, r);
}

static bool take_line_row(struct arena *arena, const struct db_value *row, void *out)
{
    return rows_line(arena, row, out);
}

static enum db_result add_lines(struct db *db, struct named_rows *heads)
{
    heads->take = take_line_row;
    return named_rows_look_up(db, &lines_named, heads->names.name, heads->names.count, NULL, heads);
}

enum db_result current_reservations(struct db *db, struct arena *arena, unsigned partition,
                                    enum current_order order, struct current_place after,
                                    size_t max, struct reservation **reservations, size_t *count)
{
    const struct db_value values[] = {db_int(partition), db_int(after.at_ms),
                                      db_text(after.rid.n ? after.rid : STR("")),
                                      db_int((int64_t)max)};
    struct named_rows heads = named_rows_begin(arena, sizeof(**reservations), max, take_head);
    *reservations = heads.page.rows;
    enum db_result result =
        named_rows_page(db, &pages_of_reservations[order], values, &heads, count);
    return result == DB_OK ? add_lines(db, &heads) : result;
}

enum db_result current_reservations_named(struct db *db, struct arena *arena,
                                          const struct rid *rids, size_t count,
                                          struct reservation **reservations)
{
    struct named_rows heads = named_rows_begin(arena, sizeof(**reservations), count, take_head);
    struct str *names = arena_alloc(arena, (count + 1) * sizeof(*names));
    char *texts = arena_alloc(arena, (count + 1) * RID_TEXT_SIZE);
    if (!names || !texts)
        return DB_NO_MEMORY;
    for (size_t i = 0; i < count; i++, texts += RID_TEXT_SIZE)
        names[i] = (struct str){texts, rid_format(&rids[i], texts)};
    enum db_result result = named_rows_find(db, &reservations_named, names, count, NULL, &heads);
    if (result == DB_OK)
        result = add_lines(db, &heads);
    *reservations = result == DB_OK ? named_rows_in_order(&heads, names, count) : NULL;
    return result == DB_OK && !*reservations ? DB_NO_MEMORY : result;
}

/* --- operations ------------------------------------------------------------------------------- */

static const struct db_statement page_of_operations = DB_ASK(
    "itii", "SELECT op_key, result, at_ms FROM operations WHERE partition_no = $1 AND op_key > $2 "
            "AND at_ms >= $3 ORDER BY op_key LIMIT $4");

static const struct db_statement operations_named = DB_FIND_OF(
    "ti", "SELECT op_key, result, at_ms FROM operations WHERE op_key", " AND partition_no = $2");

/* The bytes of what text_hex() wrote. Absent: no memory. */
static struct str unhex(struct arena *arena, struct str hex)
{
    size_t n = hex.n / 2;
    char *bytes = arena_alloc(arena, n);
    for (size_t i = 0; bytes && i < n; i++)
        bytes[i] = (char)(digits_hex(hex.p[2 * i]) * 16 + digits_hex(hex.p[2 * i + 1]));
    return (struct str){bytes, bytes ? n : 0};
}

static bool take_operation(struct arena *arena, const struct db_value *row, void *out)
{
    struct current_operation *operation = out;
    operation->result = unhex(arena, row[1].as.text);
    operation->at_ms = row[2].as.number;
    return rows_text(arena, &row[0], &operation->key) && !str_absent(operation->result);
}

enum db_result current_operations(struct db *db, struct arena *arena, unsigned partition,
                                  int64_t since_ms, struct str after_key, size_t max,
                                  struct current_operation **operations, size_t *count)
{
    const struct db_value values[] = {db_int(partition), db_text(after_key.n ? after_key : STR("")),
                                      db_int(since_ms), db_int((int64_t)max)};
    struct named_rows rows = named_rows_begin(arena, sizeof(**operations), max, take_operation);
    *operations = rows.page.rows;
    return named_rows_page(db, &page_of_operations, values, &rows, count);
}

enum db_result current_operations_named(struct db *db, struct arena *arena, unsigned partition,
                                        const struct str *keys, size_t count,
                                        struct current_operation **operations)
{
    const struct db_value rest = db_int(partition);
    struct named_rows rows = named_rows_begin(arena, sizeof(**operations), count, take_operation);
    enum db_result result = named_rows_find(db, &operations_named, keys, count, &rest, &rows);
    *operations = result == DB_OK ? named_rows_in_order(&rows, keys, count) : NULL;
    return result == DB_OK && !*operations ? DB_NO_MEMORY : result;
}
