#include "ledger/query/touched.h"
#include "ledger/owner.h"
#include "ledger/rows.h"

/* Both comparisons are ranges of the primary key. */
#define BETWEEN                                                                                    \
    "FROM events WHERE partition_no = $1 AND (epoch, seq, n) > ($2, $3, $4) "                      \
    "AND (epoch, seq) <= ($5, $6) "

static const struct db_statement read_rows =
    DB_ASK("iiiiiii", "SELECT epoch, seq, n, sku, rid, customer, op_key, "
                      "CASE WHEN type IN ('create', 'delete') THEN 1 ELSE 0 END, tenant " BETWEEN
                      "ORDER BY epoch, seq, n LIMIT $7");
static const struct db_statement count_rows = DB_ASK("iiiiii", "SELECT COUNT(*) " BETWEEN);

static int keep_row(void *context, const struct db_value *row, size_t count)
{
    struct rows_page *page = context;
    struct touched *out = rows_page_next(page);
    if (!out)
        return -1;
    out->at = (struct tail_position){{row[0].as.number, row[1].as.number}, row[2].as.number};
    out->forgets = row[7].as.number != 0;
    return rows_text(page->arena, &row[3], &out->sku) &&
                   rows_text(page->arena, &row[4], &out->rid) &&
                   owner_share(page->arena, &row[8], &row[5], &out->share) &&
                   rows_text(page->arena, &row[6], &out->key)
               ? 0
               : -1;
}

enum db_result touched_page(struct db *db, struct arena *arena, unsigned partition,
                            struct tail_position after, struct event_id end, size_t max,
                            struct touched **rows, size_t *count)
{
    const struct db_value values[] = {
        db_int(partition), db_int(after.id.epoch), db_int(after.id.seq), db_int(after.n),
        db_int(end.epoch), db_int(end.seq),        db_int((int64_t)max)};
    struct rows_page page = rows_page_begin(arena, sizeof(**rows), max);
    *rows = page.rows;
    if (!page.rows)
        return DB_NO_MEMORY;
    enum db_result result = db_run(db, &read_rows, values, 1, keep_row, &page, NULL);
    *count = page.count;
    return result;
}

enum db_result touched_count(struct db *db, unsigned partition, struct tail_position after,
                             struct event_id end, int64_t *count)
{
    const struct db_value values[] = {db_int(partition),    db_int(after.id.epoch),
                                      db_int(after.id.seq), db_int(after.n),
                                      db_int(end.epoch),    db_int(end.seq)};
    return db_run(db, &count_rows, values, 1, rows_number, count, NULL);
}
