#include "ledger/query/named_rows.h"

struct named_rows named_rows_begin(struct arena *arena, size_t row_bytes, size_t max,
                                   bool (*take)(struct arena *, const struct db_value *, void *))
{
    struct named_rows rows = {rows_page_begin(arena, row_bytes, max), .take = take};
    names_init(&rows.names, arena);
    return rows;
}

static int keep_next(void *context, const struct db_value *row, size_t count)
{
    struct named_rows *rows = context;
    struct arena *arena = rows->page.arena;
    struct str name;
    void *out = rows_page_next(&rows->page);
    return out && rows_text(arena, &row[0], &name) && names_add(&rows->names, name) != NAMES_NONE &&
                   rows->take(arena, row, out)
               ? 0
               : -1;
}

static void *row_of(const struct named_rows *rows, struct str name)
{
    uint32_t number = names_find(&rows->names, name);
    return number == NAMES_NONE ? NULL : (char *)rows->page.rows + number * rows->page.row_bytes;
}

static int keep_named(void *context, const struct db_value *row, size_t count)
{
    struct named_rows *rows = context;
    void *out = row_of(rows, row[0].as.text);
    return !out || rows->take(rows->page.arena, row, out) ? 0 : -1;
}

enum db_result named_rows_page(struct db *db, const struct db_statement *statement,
                               const struct db_value *values, struct named_rows *rows,
                               size_t *count)
{
    if (!rows->page.rows)
        return DB_NO_MEMORY;
    enum db_result result = db_run(db, statement, values, 1, keep_next, rows, NULL);
    *count = rows->page.count;
    return result;
}

enum db_result named_rows_look_up(struct db *db, const struct db_statement *statement,
                                  const struct str *names, size_t count,
                                  const struct db_value *rest, struct named_rows *rows)
{
    size_t width = strlen(statement->types);
    struct db_value *values = arena_alloc(rows->page.arena, (count + 1) * width * sizeof(*values));
    for (size_t i = 0; values && i < count; i++) {
        values[i * width] = db_text(names[i]);
        for (size_t k = 1; k < width; k++)
            values[i * width + k] = rest[k - 1];
    }
    return values ? db_run(db, statement, values, count, keep_named, rows, NULL) : DB_NO_MEMORY;
}

enum db_result named_rows_find(struct db *db, const struct db_statement *statement,
                               const struct str *names, size_t count, const struct db_value *rest,
                               struct named_rows *rows)
{
    bool room = rows->page.rows != NULL;
    for (size_t i = 0; i < count && room; i++)
        room = names_add(&rows->names, names[i]) != NAMES_NONE;
    return room ? named_rows_look_up(db, statement, names, count, rest, rows) : DB_NO_MEMORY;
}

void *named_rows_in_order(const struct named_rows *rows, const struct str *names, size_t count)
{
    size_t n = rows->page.row_bytes;
    if (rows->names.count == count)
        return rows->page.rows;
    char *out = arena_alloc(rows->page.arena, count * n);
    for (size_t i = 0; out && i < count; i++)
        memcpy(out + i * n, row_of(rows, names[i]), n);
    return out;
}
