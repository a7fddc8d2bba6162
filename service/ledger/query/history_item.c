/* history_item.c -- the movements of one item. */
#include "ledger/owner.h"
#include "ledger/query/current_state.h"
#include "ledger/query/history.h"
#include "ledger/rows.h"

#include <assert.h>

static const struct db_statement last_event = DB_ASK("", "SELECT MAX(at_ms) FROM checkpoints");
static const struct db_statement known_item = DB_ASK("t", "SELECT 1 FROM items WHERE sku = $1");
/* A window of movements, newest first, and whether each is the asker's. The limit stands inside, so
 * that reservations are looked up for a window only, whatever a planner may think. */
#define WINDOW(MINE, WHERE)                                                                        \
    "SELECT " MOVEMENT_COLUMNS ", " MINE " FROM (SELECT " MOVEMENT_OF_EVENTS " FROM events "       \
    "WHERE " WHERE " AND sku = $2 AND version < $3 ORDER BY version DESC LIMIT $4) e "             \
    "LEFT JOIN reservations r ON r.rid = e.rid ORDER BY e.version DESC"

/* The default tenant's are among those of others, and pass them over; the others have an index. */
static const struct db_statement of_default =
    DB_ASK("ttii", WINDOW("CASE e.tenant WHEN $1 THEN 1 ELSE 0 END", "1 = 1"));
static const struct db_statement of_tenant =
    DB_ASK("ttii", WINDOW("1", "tenant <> '' AND tenant = $1"));
#define MINE_COLUMN 16 /* behind MOVEMENT_COLUMNS */

enum db_result history_as_of(struct db *db, int64_t *at_ms)
{
    *at_ms = 0;
    return db_run(db, &last_event, NULL, 1, rows_number, at_ms, NULL);
}

/* --- movements -------------------------------------------------------------------------------- */

struct finds {
    struct rows_page page; /* room for one more than the limit */
    size_t looked;         /* rows, in this window */
    int64_t behind;        /* the last version looked at */
};

static int keep_movement(void *context, const struct db_value *row, size_t count)
{
    struct finds *finds = context;
    if (finds->page.count == finds->page.max)
        return 0;
    finds->looked++;
    finds->behind = row[3].as.number;
    if (row[MINE_COLUMN].as.number == 0)
        return 0;
    struct movement *movement = rows_page_next(&finds->page);
    return movement_take(finds->page.arena, row, movement) ? 0 : -1;
}

static enum db_result take_window(struct db *db, const struct history_movements *list, size_t rows,
                                  struct finds *finds)
{
    const struct str tenant = owner_tenant_column(list->tenant);
    const struct db_value values[] = {db_text(tenant), db_text(list->sku), db_int(finds->behind),
                                      db_int((int64_t)rows)};
    finds->looked = 0;
    return db_run(db, tenant.n > 0 ? &of_tenant : &of_default, values, 1, keep_movement, finds,
                  NULL);
}

/* Until there is one more than the page takes, or no more, or enough was looked at. */
static enum db_result walk_movements(struct db *db, struct history_movements *list,
                                     struct finds *finds)
{
    size_t window = finds->page.max, left = HISTORY_LOOK_MAX;
    for (;;) {
        enum db_result result = take_window(db, list, window, finds);
        if (result != DB_OK || finds->looked < window || finds->page.count == finds->page.max)
            return result;
        left -= window;
        if (left == 0) {
            list->next = finds->behind;
            return DB_OK;
        }
        window = window * HISTORY_WINDOW_GROWTH < left ? window * HISTORY_WINDOW_GROWTH : left;
    }
}

enum db_result history_movements_find(struct db *db, struct arena *arena,
                                      struct history_movements *list)
{
    const struct db_value sku = db_text(list->sku);
    struct finds finds = {.page = rows_page_begin(arena, sizeof(struct movement), list->limit + 1),
                          .behind = list->before};
    size_t items = 0;
    assert(list->limit >= 1 && list->limit < HISTORY_LOOK_MAX);
    list->next = 0;
    if (!finds.page.rows)
        return DB_NO_MEMORY;
    enum db_result result = db_run(db, &known_item, &sku, 1, NULL, NULL, &items);
    if (result == DB_OK)
        result = walk_movements(db, list, &finds);
    list->known = items > 0;
    list->page = finds.page.rows;
    list->count = (unsigned)finds.page.count;
    if (list->count > list->limit) {
        list->count = list->limit;
        list->next = list->page[list->count - 1].version;
    }
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
