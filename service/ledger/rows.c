#include "ledger/rows.h"
#include "ledger/owner.h"

int rows_number(void *context, const struct db_value *row, size_t count)
{
    if (row[0].type == DB_INT)
        *(int64_t *)context = row[0].as.number;
    return 0;
}

bool rows_text(struct arena *arena, const struct db_value *value, struct str *out)
{
    *out = (struct str){NULL, 0};
    if (value->type != DB_TEXT)
        return true;
    *out = arena_str(arena, value->as.text);
    return !str_absent(*out);
}

static enum reservation_state state_of(struct str name)
{
    unsigned state = 0;
    while (state < RESERVATION_STATES &&
           !str_equal(name, str_of(reservation_state_name((enum reservation_state)state))))
        state++;
    return (enum reservation_state)state;
}

bool rows_reservation(struct arena *arena, const struct db_value *row, struct reservation *r)
{
    *r = (struct reservation){.id = r->id,
                              .state = state_of(row[1].as.text),
                              .rereserved = row[2].as.number != 0,
                              .created_ms = row[3].as.number,
                              .expires_ms = row[4].as.number,
                              .ended_ms = rows_int(&row[5]),
                              .line_count = (unsigned)row[6].as.number};
    r->lines = arena_zalloc(arena, r->line_count * sizeof(*r->lines));
    return r->lines && rows_text(arena, &row[7], &r->customer) &&
           rows_text(arena, &row[8], &r->reference) && rows_text(arena, &row[9], &r->metadata) &&
           owner_of_values(arena, &row[10], &row[11], &r->owner) &&
           reservation_name_share(r, arena);
}

bool rows_line(struct arena *arena, const struct db_value *row, struct reservation *r)
{
    if (row[1].as.number >= (int64_t)r->line_count)
        return true;
    struct reservation_line *line = &r->lines[row[1].as.number];
    *line = (struct reservation_line){.reserved = row[3].as.number,
                                      .quantity = row[4].as.number,
                                      .remaining = row[5].as.number,
                                      .version = row[6].as.number,
                                      .expired_remaining = rows_int(&row[7]),
                                      .expired_version = rows_int(&row[8])};
    return rows_text(arena, &row[2], &line->sku);
}
