/* schema.c -- names for what schema_text.S brings in. */
#include "ledger/schema.h"

#define EACH_FILE(X)                                                                               \
    X(0001, "0001_ledger.sql")                                                                     \
    X(0002, "0002_checkpoints.sql")                                                                \
    X(0003, "0003_events.sql")                                                                     \
    X(0004, "0004_items.sql")                                                                      \
    X(0005, "0005_reservations.sql")                                                               \
    X(0006, "0006_operations.sql")                                                                 \
    X(0007, "0007_views.sql")                                                                      \
    X(0008, "0008_lookups.sql")                                                                    \
    X(0009, "0009_restores.sql")                                                                   \
    X(0010, "0010_epochs.sql")                                                                     \
    X(0011, "0011_event_types.sql")

#define DECLARE(number, name) extern const char sql_##number[], sql_##number##_end[];
EACH_FILE(DECLARE)

static const struct {
    const char *name, *begin, *end;
} all[SCHEMA_FILES] = {
#define ROW(number, name) {name, sql_##number, sql_##number##_end},
    EACH_FILE(ROW)};

void schema_list(struct schema_file files[SCHEMA_FILES])
{
    for (size_t i = 0; i < SCHEMA_FILES; i++)
        files[i] =
            (struct schema_file){all[i].name, {all[i].begin, (size_t)(all[i].end - all[i].begin)}};
}
