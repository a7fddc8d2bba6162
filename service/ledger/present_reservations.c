/* present_reservations.c -- reservations with their lines: two statements a page. */
#include "ledger/names.h"
#include "ledger/present.h"
#include "ledger/present_rows.h"

static const struct db_statement page_of_held = {
    .kind = DB_ONE,
    .types = "iiti",
    .head =
        ROWS_RESERVATION "state = 'held' AND partition_no = $1 AND (expires_ms, rid) > ($2, $3) "
                         "ORDER BY expires_ms, rid LIMIT $4",
};
static const struct db_statement page_of_ended = {
    .kind = DB_ONE,
    .types = "iiti",
    .head = ROWS_RESERVATION
    "ended_ms IS NOT NULL AND partition_no = $1 AND (ended_ms, rid) > ($2, $3) "
    "ORDER BY ended_ms, rid LIMIT $4",
};
static const struct db_statement reservations_named = {
    .kind = DB_LOOKUP, .types = "t", .head = ROWS_RESERVATION "rid"};
static const struct db_statement lines_named = {
    .kind = DB_LOOKUP,
    .types = "t",
    .head = ROWS_LINE "rid",
};

/* Reservations, and the texts of their ids, by which lines find them. */
struct heads {
    struct present_page page; /* of struct reservation */
    struct names rids;        /* in the order of the page */
};

static bool heads_begin(struct heads *heads, struct arena *arena, size_t max)
{
    heads->page = present_page_begin(arena, sizeof(struct reservation), max);
    names_init(&heads->rids, arena);
    return heads->page.rows != NULL;
}

static int keep_head(void *context, const struct db_value *row, size_t count)
{
    struct heads *heads = context;
    struct arena *arena = heads->page.arena;
    struct rid id;
    struct str text;
    if (!rows_text(arena, &row[0], &text))
        return -1;
    if (names_find(&heads->rids, text) != NAMES_NONE)
        return 0; /* asked for twice */
    if (!rid_parse(text, &id))
        id = (struct rid){.partition = 0};
    struct reservation *r = present_page_row(&heads->page);
    if (!r || names_add(&heads->rids, text) == NAMES_NONE)
        return -1;
    r->id = id;
    return rows_reservation(arena, row, r) ? 0 : -1;
}

static int keep_line(void *context, const struct db_value *row, size_t count)
{
    struct heads *heads = context;
    struct reservation *all = heads->page.rows;
    uint32_t number = names_find(&heads->rids, row[0].as.text);
    if (number == NAMES_NONE)
        return 0;
    return rows_line(heads->page.arena, row, &all[number]) ? 0 : -1;
}

/* The lines of the heads that are there, and both handed out. */
static enum db_result with_lines(struct db *db, struct heads *heads,
                                 struct reservation **reservations, size_t *count)
{
    struct db_value *keys =
        present_keys(heads->page.arena, heads->rids.name, heads->rids.count, NULL, 1);
    if (!keys)
        return DB_NO_MEMORY;
    *reservations = heads->page.rows;
    *count = heads->page.count;
    return heads->rids.count
               ? db_run(db, &lines_named, keys, heads->rids.count, keep_line, heads, NULL)
               : DB_OK;
}

static enum db_result page_of(struct db *db, const struct db_statement *statement,
                              struct arena *arena, unsigned partition, struct present_place after,
                              size_t max, struct reservation **reservations, size_t *count)
{
    struct heads heads;
    const struct db_value values[] = {db_int(partition), db_int(after.at_ms),
                                      db_text(after.rid.n ? after.rid : STR("")),
                                      db_int((int64_t)max)};
    if (!heads_begin(&heads, arena, max))
        return DB_NO_MEMORY;
    enum db_result result = db_run(db, statement, values, 1, keep_head, &heads, NULL);
    return result == DB_OK ? with_lines(db, &heads, reservations, count) : result;
}

enum db_result present_held(struct db *db, struct arena *arena, unsigned partition,
                            struct present_place after, size_t max,
                            struct reservation **reservations, size_t *count)
{
    return page_of(db, &page_of_held, arena, partition, after, max, reservations, count);
}

enum db_result present_ended(struct db *db, struct arena *arena, unsigned partition,
                             struct present_place after, size_t max,
                             struct reservation **reservations, size_t *count)
{
    return page_of(db, &page_of_ended, arena, partition, after, max, reservations, count);
}

enum db_result present_reservations_named(struct db *db, struct arena *arena,
                                          const struct rid *rids, size_t rid_count,
                                          struct reservation **reservations, size_t *count)
{
    struct heads heads;
    struct db_value *keys = arena_alloc(arena, rid_count * sizeof(*keys));
    if (!keys || !heads_begin(&heads, arena, rid_count))
        return DB_NO_MEMORY;
    for (size_t i = 0; i < rid_count; i++) {
        char *text = arena_alloc(arena, RID_TEXT_SIZE);
        if (!text)
            return DB_NO_MEMORY;
        keys[i] = db_text((struct str){text, rid_format(&rids[i], text)});
    }
    enum db_result result =
        db_run(db, &reservations_named, keys, rid_count, keep_head, &heads, NULL);
    return result == DB_OK ? with_lines(db, &heads, reservations, count) : result;
}
