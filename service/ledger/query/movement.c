#include "ledger/query/movement.h"
#include "ledger/rows.h"

bool movement_take(struct arena *arena, const struct db_value *columns, struct movement *movement)
{
    *movement = (struct movement){.at_ms = columns[0].as.number,
                                  .version = columns[3].as.number,
                                  .available_delta = columns[4].as.number,
                                  .held_delta = columns[5].as.number,
                                  .sold_delta = columns[6].as.number,
                                  .available = columns[7].as.number,
                                  .held = columns[8].as.number,
                                  .sold = columns[9].as.number,
                                  .expires_ms = rows_int(&columns[14])};
    return rows_text(arena, &columns[1], &movement->type) &&
           rows_text(arena, &columns[2], &movement->sku) &&
           rows_text(arena, &columns[10], &movement->rid) &&
           rows_text(arena, &columns[11], &movement->customer) &&
           rows_text(arena, &columns[12], &movement->reference) &&
           rows_text(arena, &columns[13], &movement->reason) &&
           rows_text(arena, &columns[15], &movement->trace);
}
