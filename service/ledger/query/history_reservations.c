/* history_reservations.c -- lists of reservations: first the ids, along the index that narrows
 * most, then the reservations themselves.
 *
 * What the index does not decide is decided row by row in the statement, which hands out the rows
 * that do not fit as well: so a walk always knows how far it came, and can be cut off after a
 * number of rows and go on with the next page.
 */
#include "ledger/owner.h"
#include "ledger/query/current_state.h"
#include "ledger/query/history.h"

#include <assert.h>

/* Behind every id, which begins with an r, in any order that people give letters. */
#define BEHIND_ALL STR("s")

#define FITS(conditions) "CASE WHEN " conditions " THEN 1 ELSE 0 END"
#define ANY_OR(n, is)    "(" n " IS NULL OR " is " = " n ")"
#define HAS_LINE(n)                                                                                \
    "(" n " IS NULL OR EXISTS (SELECT 1 FROM reservation_lines l WHERE l.rid = r.rid AND "         \
    "l.sku = " n "))"

/* How to walk. `values` says what the parameters are, in order: of the question t(enant),
 * r(eference), c(ustomer), k(eeping unit), s(tate); b(efore) and n(umber of rows). Each walk is
 * along what is the tenant's alone, so that nobody's page is the shorter for what others have. */
struct walk {
    const char *values;
    struct db_statement statement;
};

static const struct walk by_reference = {
    "cskrtbn",
    {.kind = DB_ONE,
     .types = "tttttti",
     .head = "SELECT r.rid, " FITS(ANY_OR("$1", "r.customer") " AND " ANY_OR(
         "$2", "r.state") " AND " HAS_LINE("$3")) " FROM reservations r WHERE r.reference = $4 "
                                                  "AND r.tenant = $5 AND r.rid < $6 "
                                                  "ORDER BY r.rid DESC LIMIT $7"}};
static const struct walk by_customer = {
    "skctbn",
    {.kind = DB_ONE,
     .types = "ttttti",
     .head = "SELECT r.rid, " FITS(ANY_OR("$1", "r.state") " AND " HAS_LINE(
         "$2")) " FROM reservations r WHERE r.customer = $3 AND r.tenant = $4 AND r.rid < $5 "
                "ORDER BY r.rid DESC LIMIT $6"}};
static const struct walk by_sku = {
    "sktbn",
    {.kind = DB_ONE,
     .types = "tttti",
     .head = "SELECT l.rid, " FITS(
         ANY_OR("$1", "(SELECT r.state FROM reservations r WHERE r.rid = "
                      "l.rid)")) " FROM reservation_lines l WHERE l.sku = $2 AND l.tenant = $3 "
                                 "AND l.rid < $4 ORDER BY l.rid DESC LIMIT $5"}};
/* The index of what is held is ordered by deadline, so all of it is sorted by id, which it holds,
 * as it does the tenant. Taken apart, these would tempt a planner to walk all reservations that
 * ever were instead. */
static const struct walk by_hold = {
    "tbn",
    {.kind = DB_ONE,
     .types = "tti",
     .head = "SELECT rid, 1 FROM reservations WHERE state = 'held' AND expires_ms >= 0 AND "
             "tenant || '' = $1 AND rid || '' < $2 ORDER BY rid || '' DESC LIMIT $3"}};
/* In an order that one index alone has: with a tenant that is known to be one, a planner might walk
 * all ids and leave out those of others. */
static const struct walk by_id = {
    "sttbn",
    {.kind = DB_ONE,
     .types = "tttti",
     .head = "SELECT rid, " FITS(ANY_OR(
         "$1", "state")) " FROM reservations WHERE tenant >= $2 AND (tenant, rid) < ($3, $4) "
                         "ORDER BY tenant DESC, rid DESC LIMIT $5"}};

static const struct walk *choose_walk(const struct history_reservations *list)
{
    if (!str_absent(list->reference))
        return &by_reference;
    if (!str_absent(list->customer))
        return &by_customer;
    if (!str_absent(list->sku))
        return &by_sku;
    bool held = str_equal(list->state, str_of(reservation_state_name(RESERVATION_HELD)));
    return held ? &by_hold : &by_id;
}

/* Where a walk is: what it found, and how far it looked. */
struct finds {
    struct arena *arena;
    struct rid *ids; /* room for one more than the limit */
    unsigned count, max;
    size_t looked;     /* rows, in this window */
    struct str behind; /* the last id looked at */
};

static int keep_find(void *context, const struct db_value *row, size_t count)
{
    struct finds *finds = context;
    struct rid id;
    if (finds->count == finds->max)
        return 0;
    finds->looked++;
    finds->behind = arena_str(finds->arena, row[0].as.text);
    if (str_absent(finds->behind))
        return -1;
    if (row[1].as.number == 1 && rid_parse(finds->behind, &id))
        finds->ids[finds->count++] = id;
    return 0;
}

static enum db_result take_window(struct db *db, const struct walk *walk,
                                  const struct history_reservations *list, size_t rows,
                                  struct finds *finds)
{
    struct db_value values[DB_COLUMNS_MAX];
    size_t n = 0;
    for (const char *p = walk->values; *p; p++) {
        switch (*p) {
        case 't': values[n++] = db_text(owner_tenant_column(list->tenant)); break;
        case 'r': values[n++] = db_text(list->reference); break;
        case 'c': values[n++] = db_text(list->customer); break;
        case 'k': values[n++] = db_text(list->sku); break;
        case 's': values[n++] = db_text(list->state); break;
        case 'b': values[n++] = db_text(finds->behind); break;
        default: assert(*p == 'n'); values[n++] = db_int((int64_t)rows);
        }
    }
    finds->looked = 0;
    return db_run(db, &walk->statement, values, 1, keep_find, finds, NULL);
}

/* Ids until there is one more than the page takes, or no more, or enough was looked at. */
static enum db_result walk_ids(struct db *db, struct history_reservations *list,
                               struct finds *finds)
{
    const struct walk *walk = choose_walk(list);
    size_t window = finds->max, left = HISTORY_LOOK_MAX;
    for (;;) {
        enum db_result result = take_window(db, walk, list, window, finds);
        if (result != DB_OK)
            return result;
        if (finds->count == finds->max || finds->looked < window)
            return DB_OK;
        left -= window;
        if (left == 0) {
            list->next = finds->behind;
            return DB_OK;
        }
        window = window * HISTORY_WINDOW_GROWTH < left ? window * HISTORY_WINDOW_GROWTH : left;
    }
}

enum db_result history_reservations_find(struct db *db, struct arena *arena,
                                         struct history_reservations *list)
{
    struct finds finds = {.arena = arena, .max = list->limit + 1};
    assert(list->limit >= 1 && list->limit < HISTORY_LOOK_MAX);
    finds.behind = str_absent(list->before) ? BEHIND_ALL : list->before;
    finds.ids = arena_alloc(arena, finds.max * sizeof(*finds.ids));
    list->next = (struct str){NULL, 0};
    if (!finds.ids)
        return DB_NO_MEMORY;
    enum db_result result = walk_ids(db, list, &finds);
    if (result != DB_OK)
        return result;
    unsigned count = finds.count < finds.max ? finds.count : list->limit;
    if (count < finds.count) {
        char *text = arena_alloc(arena, RID_TEXT_SIZE);
        if (!text)
            return DB_NO_MEMORY;
        list->next = (struct str){text, rid_format(&finds.ids[count - 1], text)};
    }
    list->count = count;
    return current_reservations_named(db, arena, finds.ids, count, &list->page);
}
