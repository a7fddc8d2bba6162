/* current_usage.c -- what customers hold and bought, summed up from the movements. */
#include "core/tenant.h"
#include "ledger/query/current_state.h"
#include "ledger/query/named_rows.h"

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
        .named = DB_FIND_OF("tti", NAMED("customer"), NAMED_TAIL("customer", " AND tenant = ''")),
},
  usage_of_tenants = {
      .page = DB_ASK("itti", PAGE(TENANTS_NAME, "", OF_TENANTS)),
      .named = DB_FIND_OF("tti", NAMED(TENANTS_NAME), NAMED_TAIL(TENANTS_NAME, OF_TENANTS)),
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
    struct named_rows rows = named_rows_begin(arena, sizeof(**usage), max, take_usage);
    enum db_result result = str_absent(after) ? DB_NO_MEMORY : DB_OK;
    *usage = rows.page.rows;
    *count = 0;
    if (result == DB_OK && !turned) {
        result = named_rows_page(db, &usage_of_default.page, values, &rows, count);
        values[2] = db_text(STR(""));
        values[3] = db_int((int64_t)(max - *count));
    }
    rows.take = take_usage_of_tenants;
    return result == DB_OK && *count < max
               ? named_rows_page(db, &usage_of_tenants.page, values, &rows, count)
               : result;
}

/* Those of the names that are of the default tenant, or those that are not, into their places. */
static enum db_result find_usage(struct db *db, struct arena *arena, bool of_tenants,
                                 const struct db_value rest[2], const struct str *shares,
                                 size_t count, struct current_usage *usage)
{
    struct named_rows rows = named_rows_begin(arena, sizeof(*usage), count, take_usage);
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
    enum db_result result = named_rows_find(db, &of->named, names, some, rest, &rows);
    const struct current_usage *found =
        result == DB_OK ? named_rows_in_order(&rows, names, some) : NULL;
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
