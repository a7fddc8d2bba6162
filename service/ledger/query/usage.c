#include "ledger/query/usage.h"
#include "ledger/owner.h"
#include "ledger/rows.h"

#define HOUR_MS INT64_C(3600000)

static const struct db_statement read_usage =
    DB_ASK("iiii", "SELECT tenant, client, CAST(SUM(open_holds) AS bigint), "
                   "CAST(SUM(units_held) AS bigint), CAST(SUM(metadata_bytes) AS bigint), "
                   "CAST(SUM(operation_keys) AS bigint) "
                   "FROM (SELECT tenant, client, open_holds, units_held, metadata_bytes, "
                   "0 AS operation_keys FROM client_usage UNION ALL "
                   "SELECT tenant, client, 0, 0, "
                   "CASE WHEN hour_ms > $1 THEN metadata_bytes ELSE 0 END, "
                   "CASE WHEN hour_ms > $2 THEN operation_keys ELSE 0 END "
                   "FROM client_usage_hourly WHERE hour_ms > $3) u "
                   "GROUP BY tenant, client HAVING SUM(open_holds) <> 0 OR SUM(units_held) <> 0 "
                   "OR SUM(metadata_bytes) <> 0 OR SUM(operation_keys) <> 0 "
                   "ORDER BY tenant, client LIMIT $4");

static int keep_row(void *context, const struct db_value *row, size_t count)
{
    struct rows_page *page = context;
    struct client_usage *out = rows_page_next(page);
    if (!out)
        return -1;
    *out = (struct client_usage){.tenant = STR(TENANT_DEFAULT),
                                 .open_holds = row[2].as.number,
                                 .units_held = row[3].as.number,
                                 .metadata_bytes = row[4].as.number,
                                 .operation_keys = row[5].as.number};
    bool named = row[0].as.text.n == 0 || rows_text(page->arena, &row[0], &out->tenant);
    return named && rows_text(page->arena, &row[1], &out->client) ? 0 : -1;
}

enum db_result usage_read(struct db *db, struct arena *arena, const struct usage_since *since,
                          size_t max, struct client_usage **clients, size_t *count)
{
    int64_t first = since->operations_ms < since->reservations_ms ? since->operations_ms
                                                                  : since->reservations_ms;
    const struct db_value values[] = {db_int(since->reservations_ms - HOUR_MS),
                                      db_int(since->operations_ms - HOUR_MS),
                                      db_int(first - HOUR_MS), db_int((int64_t)max)};
    struct rows_page page = rows_page_begin(arena, sizeof(**clients), max);
    *clients = page.rows;
    *count = 0;
    if (!page.rows)
        return DB_NO_MEMORY;
    enum db_result result = db_run(db, &read_usage, values, 1, keep_row, &page, NULL);
    *count = page.count;
    return result;
}
