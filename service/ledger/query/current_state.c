#include "ledger/query/current_state.h"
#include "core/tenant.h"
#include "digits.h"
#include "ledger/names.h"
#include "ledger/rows.h"

/* --- rows of a statement ---------------------------------------------------------------------- */

/* Rows and their numbers by what each begins with: its name. */
struct reading {
    struct rows_page page;
    struct names names;
    bool (*take)(struct arena *arena, const struct db_value *row, void *out);
};

static struct reading reading_of(struct arena *arena, size_t row_bytes, size_t max,
                                 bool (*take)(struct arena *, const struct db_value *, void *))
{
    struct reading reading = {rows_page_begin(arena, row_bytes, max), .take = take};
    names_init(&reading.names, arena);
    return reading;
}

static int keep_next(void *context, const struct db_value *row, size_t count)
{
    struct reading *reading = context;
    struct arena *arena = reading->page.arena;
    struct str name;
    void *out = rows_page_next(&reading->page);
    return out && rows_text(arena, &row[0], &name) &&
                   names_add(&reading->names, name) != NAMES_NONE && reading->take(arena, row, out)
               ? 0
               : -1;
}

static void *row_of(const struct reading *reading, struct str name)
{
    uint32_t number = names_find(&reading->names, name);
    return number == NAMES_NONE ? NULL
                                : (char *)reading->page.rows + number * reading->page.row_bytes;
}

static int keep_named(void *context, const struct db_value *row, size_t count)
{
    struct reading *reading = context;
    void *out = row_of(reading, row[0].as.text);
    return !out || reading->take(reading->page.arena, row, out) ? 0 : -1;
}

static enum db_result read_page(struct db *db, const struct db_statement *statement,
                                const struct db_value *values, struct reading *reading,
                                size_t *count)
{
    if (!reading->page.rows)
        return DB_NO_MEMORY;
    enum db_result result = db_run(db, statement, values, 1, keep_next, reading, NULL);
    *count = reading->page.count;
    return result;
}

/* Names as the keys of a lookup, whose further parameters are `rest`. */
static enum db_result look_up(struct db *db, const struct db_statement *statement,
                              const struct str *names, size_t count, const struct db_value *rest,
                              struct reading *reading)
{
    size_t width = strlen(statement->types);
    struct db_value *values =
        arena_alloc(reading->page.arena, (count + 1) * width * sizeof(*values));
    for (size_t i = 0; values && i < count; i++) {
        values[i * width] = db_text(names[i]);
        for (size_t k = 1; k < width; k++)
            values[i * width + k] = rest[k - 1];
    }
    return values ? db_run(db, statement, values, count, keep_named, reading, NULL) : DB_NO_MEMORY;
}

/* The same for rows that are not there yet: zeroed ones, a name each. */
static enum db_result find_named(struct db *db, const struct db_statement *statement,
                                 const struct str *names, size_t count, const struct db_value *rest,
                                 struct reading *reading)
{
    bool room = reading->page.rows != NULL;
    for (size_t i = 0; i < count && room; i++)
        room = names_add(&reading->names, names[i]) != NAMES_NONE;
    return room ? look_up(db, statement, names, count, rest, reading) : DB_NO_MEMORY;
}

/* A row for each name, in their order: one name may come twice. NULL: no memory. */
static void *in_order(const struct reading *reading, const struct str *names, size_t count)
{
    size_t n = reading->page.row_bytes;
    if (reading->names.count == count)
        return reading->page.rows;
    char *out = arena_alloc(reading->page.arena, count * n);
    for (size_t i = 0; out && i < count; i++)
        memcpy(out + i * n, row_of(reading, names[i]), n);
    return out;
}

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

static bool take_item(struct arena *arena, const struct db_value *row, void *out)
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
    struct reading reading = reading_of(arena, sizeof(**items), max, take_item);
    *items = reading.page.rows;
    return read_page(db, &page_of_items, values, &reading, count);
}

enum db_result current_items_named(struct db *db, struct arena *arena, const struct str *skus,
                                   size_t count, struct current_item **items)
{
    struct reading reading = reading_of(arena, sizeof(**items), count, take_item);
    enum db_result result = find_named(db, &items_named, skus, count, NULL, &reading);
    *items = result == DB_OK ? in_order(&reading, skus, count) : NULL;
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

static bool take_line(struct arena *arena, const struct db_value *row, void *out)
{
    return rows_line(arena, row, out);
}

static enum db_result add_lines(struct db *db, struct reading *heads)
{
    heads->take = take_line;
    return look_up(db, &lines_named, heads->names.name, heads->names.count, NULL, heads);
}

enum db_result current_reservations(struct db *db, struct arena *arena, unsigned partition,
                                    enum current_order order, struct current_place after,
                                    size_t max, struct reservation **reservations, size_t *count)
{
    const struct db_value values[] = {db_int(partition), db_int(after.at_ms),
                                      db_text(after.rid.n ? after.rid : STR("")),
                                      db_int((int64_t)max)};
    struct reading heads = reading_of(arena, sizeof(**reservations), max, take_head);
    *reservations = heads.page.rows;
    enum db_result result = read_page(db, &pages_of_reservations[order], values, &heads, count);
    return result == DB_OK ? add_lines(db, &heads) : result;
}

enum db_result current_reservations_named(struct db *db, struct arena *arena,
                                          const struct rid *rids, size_t count,
                                          struct reservation **reservations)
{
    struct reading heads = reading_of(arena, sizeof(**reservations), count, take_head);
    struct str *names = arena_alloc(arena, (count + 1) * sizeof(*names));
    char *texts = arena_alloc(arena, (count + 1) * RID_TEXT_SIZE);
    if (!names || !texts)
        return DB_NO_MEMORY;
    for (size_t i = 0; i < count; i++, texts += RID_TEXT_SIZE)
        names[i] = (struct str){texts, rid_format(&rids[i], texts)};
    enum db_result result = find_named(db, &reservations_named, names, count, NULL, &heads);
    if (result == DB_OK)
        result = add_lines(db, &heads);
    *reservations = result == DB_OK ? in_order(&heads, names, count) : NULL;
    return result == DB_OK && !*reservations ? DB_NO_MEMORY : result;
}

/* --- operations ------------------------------------------------------------------------------- */

static const struct db_statement page_of_operations = DB_ASK(
    "itii", "SELECT op_key, result, at_ms FROM operations WHERE partition_no = $1 AND op_key > $2 "
            "AND at_ms >= $3 ORDER BY op_key LIMIT $4");

static const struct db_statement operations_named = {
    .kind = DB_LOOKUP,
    .types = "ti",
    .head = "SELECT op_key, result, at_ms FROM operations WHERE op_key",
    .tail = " AND partition_no = $2",
};

/* The bytes of what text_hex() wrote. Absent: no memory. */
static struct str bytes_of(struct arena *arena, struct str hex)
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
    operation->result = bytes_of(arena, row[1].as.text);
    operation->at_ms = row[2].as.number;
    return rows_text(arena, &row[0], &operation->key) && !str_absent(operation->result);
}

enum db_result current_operations(struct db *db, struct arena *arena, unsigned partition,
                                  int64_t since_ms, struct str after_key, size_t max,
                                  struct current_operation **operations, size_t *count)
{
    const struct db_value values[] = {db_int(partition), db_text(after_key.n ? after_key : STR("")),
                                      db_int(since_ms), db_int((int64_t)max)};
    struct reading reading = reading_of(arena, sizeof(**operations), max, take_operation);
    *operations = reading.page.rows;
    return read_page(db, &page_of_operations, values, &reading, count);
}

enum db_result current_operations_named(struct db *db, struct arena *arena, unsigned partition,
                                        const struct str *keys, size_t count,
                                        struct current_operation **operations)
{
    const struct db_value rest = db_int(partition);
    struct reading reading = reading_of(arena, sizeof(**operations), count, take_operation);
    enum db_result result = find_named(db, &operations_named, keys, count, &rest, &reading);
    *operations = result == DB_OK ? in_order(&reading, keys, count) : NULL;
    return result == DB_OK && !*operations ? DB_NO_MEMORY : result;
}

/* --- what customers hold and bought, summed up from the movements ------------------------------
 */

#define MOVED "held_delta + sold_delta"
/* An item that was deleted and created again has forgotten its customers. */
#define CREATION(sku, version)                                                                     \
    "(SELECT MAX(c.version) FROM events c WHERE c.type = 'create' AND c.sku = " sku                \
    " AND c.version <= " version ")"

/* The versions stand in the sum and not in WHERE, and so does the default tenant: there they would
 * make engines sort all movements of the item for every page, since they take the condition for a
 * narrow one. */
#define PAGE_SUM(AND_OF)                                                                           \
    "SUM(CASE WHEN version <= $1 AND version >= " CREATION("$2", "$1") AND_OF " THEN " MOVED       \
                                                                              " ELSE 0 END)"
#define PAGE(NAME, AND_OF, AND_WHERE)                                                              \
    "SELECT " NAME ", CAST(" PAGE_SUM(AND_OF) " AS bigint) FROM events WHERE sku = $2" AND_WHERE   \
                                              " AND " NAME " > $3 GROUP BY " NAME                  \
                                              " HAVING " PAGE_SUM(AND_OF) " <> 0 ORDER BY " NAME   \
                                                                          " LIMIT $4"
#define NAMED(NAME) "SELECT " NAME ", CAST(SUM(" MOVED ") AS bigint) FROM events WHERE " NAME
#define NAMED_TAIL(NAME, AND_WHERE)                                                                \
    " AND sku = $2" AND_WHERE                                                                      \
    " AND version <= $3 AND version >= " CREATION("$2", "$3") " GROUP BY " NAME                    \
                                                              " HAVING SUM(" MOVED ") <> 0"

/* Of all tenants but the default one, which have an index by it. No tenant has a slash. */
#define TENANTS_NAME "(tenant || '/' || customer)"
#define OF_TENANTS   " AND tenant <> '' AND customer IS NOT NULL"

static const struct usage_statements {
    struct db_statement page, named;
} usage_of_default =
    {
        .page = DB_ASK("itti", PAGE("customer", " AND tenant = ''", "")),
        .named = {.kind = DB_LOOKUP,
                  .types = "tti",
                  .head = NAMED("customer"),
                  .tail = NAMED_TAIL("customer", " AND tenant = ''")},
},
  usage_of_tenants = {
      .page = DB_ASK("itti", PAGE(TENANTS_NAME, "", OF_TENANTS)),
      .named = {.kind = DB_LOOKUP,
                .types = "tti",
                .head = NAMED(TENANTS_NAME),
                .tail = NAMED_TAIL(TENANTS_NAME, OF_TENANTS)},
};

static bool is_of_tenants(struct str share)
{
    return !tenant_is_default(tenant_of(share, TENANT_MARK_SHARE));
}

/* The name with one mark in the place of another, in the arena. Absent: no memory. */
static struct str marked(struct arena *arena, struct str name, char mark, char other)
{
    char *copy = arena_copy(arena, name.p, name.n);
    char *at = copy ? memchr(copy, mark, name.n) : NULL;
    if (at)
        *at = other;
    return (struct str){copy, copy ? name.n : 0};
}

static bool take_usage(struct arena *arena, const struct db_value *row, void *out)
{
    struct current_usage *usage = out;
    usage->units = row[1].as.number;
    return rows_text(arena, &row[0], &usage->share);
}

static bool take_usage_of_tenants(struct arena *arena, const struct db_value *row, void *out)
{
    struct current_usage *usage = out;
    usage->units = row[1].as.number;
    usage->share = marked(arena, row[0].as.text, '/', TENANT_MARK_SHARE);
    return !str_absent(usage->share);
}

/* A page begins behind a customer; nobody's name is empty. */
enum db_result current_usage(struct db *db, struct arena *arena, struct str sku, int64_t version,
                             struct str after_share, size_t max, struct current_usage **usage,
                             size_t *count)
{
    bool turned = is_of_tenants(after_share);
    struct str after = marked(arena, after_share, TENANT_MARK_SHARE, '/');
    struct db_value values[] = {db_int(version), db_text(sku), db_text(after),
                                db_int((int64_t)max)};
    struct reading reading = reading_of(arena, sizeof(**usage), max, take_usage);
    enum db_result result = str_absent(after) ? DB_NO_MEMORY : DB_OK;
    *usage = reading.page.rows;
    *count = 0;
    if (result == DB_OK && !turned) {
        result = read_page(db, &usage_of_default.page, values, &reading, count);
        values[2] = db_text(STR(""));
        values[3] = db_int((int64_t)(max - *count));
    }
    reading.take = take_usage_of_tenants;
    return result == DB_OK && *count < max
               ? read_page(db, &usage_of_tenants.page, values, &reading, count)
               : result;
}

/* Those of the names that are of the default tenant, or those that are not, into their places. */
static enum db_result find_usage(struct db *db, struct arena *arena, bool of_tenants,
                                 const struct db_value rest[2], const struct str *shares,
                                 size_t count, struct current_usage *usage)
{
    struct reading reading = reading_of(arena, sizeof(*usage), count, take_usage);
    struct str *names = arena_alloc(arena, count * sizeof(*names));
    size_t *places = arena_alloc(arena, count * sizeof(*places)), some = 0;
    if (!names || !places)
        return DB_NO_MEMORY;
    for (size_t i = 0; i < count; i++) {
        if (is_of_tenants(shares[i]) != of_tenants)
            continue;
        names[some] = marked(arena, shares[i], TENANT_MARK_SHARE, '/');
        if (str_absent(names[some]))
            return DB_NO_MEMORY;
        places[some++] = i;
    }
    const struct usage_statements *of = of_tenants ? &usage_of_tenants : &usage_of_default;
    enum db_result result = find_named(db, &of->named, names, some, rest, &reading);
    const struct current_usage *found = result == DB_OK ? in_order(&reading, names, some) : NULL;
    for (size_t i = 0; i < some && found; i++)
        usage[places[i]] = (struct current_usage){shares[places[i]], found[i].units};
    return result == DB_OK && !found ? DB_NO_MEMORY : result;
}

enum db_result current_usage_named(struct db *db, struct arena *arena, struct str sku,
                                   int64_t version, const struct str *shares, size_t count,
                                   struct current_usage **usage)
{
    const struct db_value rest[] = {db_text(sku), db_int(version)};
    *usage = arena_zalloc(arena, count * sizeof(**usage));
    enum db_result result =
        *usage ? find_usage(db, arena, false, rest, shares, count, *usage) : DB_NO_MEMORY;
    return result == DB_OK ? find_usage(db, arena, true, rest, shares, count, *usage) : result;
}
