/* apply_read.c -- what the database holds of the items and reservations of a chunk. */
#include "ledger/apply/apply_rows.h"
#include "ledger/rows.h"

static const struct db_statement find_items =
    DB_FIND("t", "SELECT sku, available, held, sold, version, max_per_customer, deleted FROM items "
                 "WHERE sku");
static const struct db_statement find_reservations = DB_FIND("t", ROWS_RESERVATION "rid");
static const struct db_statement find_lines = DB_FIND("t", ROWS_LINE "rid");

static int keep_item(void *context, const struct db_value *row, size_t count)
{
    struct projection *p = context;
    uint32_t number = names_find(&p->item_names, row[0].as.text);
    if (number == NAMES_NONE)
        return 0;
    p->items[number] = (struct projected_item){.available = row[1].as.number,
                                               .held = row[2].as.number,
                                               .sold = row[3].as.number,
                                               .version = row[4].as.number,
                                               .max_per_customer = row[5].as.number,
                                               .exists = row[6].as.number == 0};
    return 0;
}

static int keep_reservation(void *context, const struct db_value *row, size_t count)
{
    struct projection *p = context;
    uint32_t number = names_find(&p->rid_names, row[0].as.text);
    if (number == NAMES_NONE)
        return 0;
    return rows_reservation(&p->arena, row, &p->reservations[number].r) ? 0 : -1;
}

static int keep_line(void *context, const struct db_value *row, size_t count)
{
    struct projection *p = context;
    uint32_t number = names_find(&p->rid_names, row[0].as.text);
    if (number == NAMES_NONE || !p->reservations[number].r.lines)
        return 0;
    return rows_line(&p->arena, row, &p->reservations[number].r) ? 0 : -1;
}

/* A reservation is known when each of its lines is. */
static void mark_known(struct projection *p)
{
    for (uint32_t i = 0; i < p->rid_names.count; i++) {
        struct projected_reservation *known = &p->reservations[i];
        unsigned whole = 0;
        while (whole < known->r.line_count && known->r.lines[whole].reserved > 0)
            whole++;
        known->known = whole > 0 && whole == known->r.line_count;
    }
}

/* The names as parameters, those of fresh reservations left out. NULL: no memory. */
static struct db_value *keys_of(struct projection *p, const struct names *names, size_t *count)
{
    struct db_value *keys = arena_alloc(&p->arena, names->count * sizeof(*keys));
    *count = 0;
    for (uint32_t i = 0; keys && i < names->count; i++)
        if (names != &p->rid_names || !p->reservations[i].fresh)
            keys[(*count)++] = db_text(names->name[i]);
    return keys;
}

enum db_result rows_read(struct db *db, struct projection *p)
{
    size_t item_count, rid_count;
    const struct db_value *items = keys_of(p, &p->item_names, &item_count);
    const struct db_value *rids = keys_of(p, &p->rid_names, &rid_count);
    if (!items || !rids)
        return DB_NO_MEMORY;
    enum db_result result = db_run(db, &find_items, items, item_count, keep_item, p, NULL);
    if (result == DB_OK)
        result = db_run(db, &find_reservations, rids, rid_count, keep_reservation, p, NULL);
    if (result == DB_OK)
        result = db_run(db, &find_lines, rids, rid_count, keep_line, p, NULL);
    mark_known(p);
    return result;
}
