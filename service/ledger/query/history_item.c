/* history_item.c -- the movements of one item. */
#include "ledger/query/current_state.h"
#include "ledger/query/history.h"
#include "ledger/rows.h"

static const struct db_statement last_event = DB_ASK("", "SELECT MAX(at_ms) FROM checkpoints");
static const struct db_statement known_item = DB_ASK("t", "SELECT 1 FROM items WHERE sku = $1");
static const struct db_statement page_of_movements =
    DB_ASK("tii", "SELECT " MOVEMENT_COLUMNS " "
                  "FROM events e LEFT JOIN reservations r ON r.rid = e.rid "
                  "WHERE e.sku = $1 AND e.version < $2 ORDER BY e.version DESC LIMIT $3");

static int keep_time(void *context, const struct db_value *row, size_t count)
{
    *(int64_t *)context = rows_int(&row[0]);
    return 0;
}

enum db_result history_as_of(struct db *db, int64_t *at_ms)
{
    *at_ms = 0;
    return db_run(db, &last_event, NULL, 1, keep_time, at_ms, NULL);
}

/* --- movements -------------------------------------------------------------------------------- */

static int keep_movement(void *context, const struct db_value *row, size_t count)
{
    struct rows_page *page = context;
    struct movement *movement = rows_page_next(page);
    return movement && movement_take(page->arena, row, movement) ? 0 : -1;
}

enum db_result history_movements_find(struct db *db, struct arena *arena,
                                      struct history_movements *list)
{
    const struct db_value values[] = {db_text(list->sku), db_int(list->before),
                                      db_int((int64_t)list->limit + 1)};
    struct rows_page page = rows_page_begin(arena, sizeof(struct movement), list->limit + 1);
    size_t items = 0;
    if (!page.rows)
        return DB_NO_MEMORY;
    enum db_result result = db_run(db, &known_item, values, 1, NULL, NULL, &items);
    if (result == DB_OK)
        result = db_run(db, &page_of_movements, values, 1, keep_movement, &page, NULL);
    list->known = items > 0;
    list->page = page.rows;
    list->more = page.count > list->limit;
    list->count = list->more ? list->limit : (unsigned)page.count;
    return result;
}

/* --- an instant ------------------------------------------------------------------------------- */

/* Times ascend with versions, which have an index; times have none. So the range of versions is
 * halved: it may jump by millions where a restore went on, which costs some 20 looks more. */
enum db_result history_item_at(struct db *db, struct str sku, int64_t at_ms, struct item *item)
{
    struct item seen;
    int64_t low = 0; /* the answer has this version or a higher one, */
    enum db_result result = current_item_at(db, sku, INT64_MAX, &seen);
    if (result != DB_OK || seen.version == 0 || seen.updated_ms <= at_ms) {
        *item = seen;
        return result;
    }
    int64_t high = seen.version - 1; /* and this one or a lower one */
    *item = (struct item){.exists = false};
    while (low < high) {
        int64_t middle = low + (high - low + 1) / 2;
        result = current_item_at(db, sku, middle, &seen);
        if (result != DB_OK)
            return result;
        if (seen.version > 0 && seen.updated_ms > at_ms) {
            high = seen.version - 1;
            continue;
        }
        low = middle;
        if (seen.version > 0)
            *item = seen;
    }
    return DB_OK;
}
