/* schema.c -- names for what schema_text.S brings in. */
#include "ledger/schema.h"

#define EACH_FILE(BOTH, EITHER)                                                                    \
    BOTH(0001, "0001_ledger.sql")                                                                  \
    BOTH(0002, "0002_checkpoints.sql")                                                             \
    BOTH(0003, "0003_events.sql")                                                                  \
    BOTH(0004, "0004_items.sql")                                                                   \
    BOTH(0005, "0005_reservations.sql")                                                            \
    BOTH(0006, "0006_operations.sql")                                                              \
    BOTH(0007, "0007_views.sql")                                                                   \
    BOTH(0008, "0008_lookups.sql")                                                                 \
    BOTH(0009, "0009_restores.sql")                                                                \
    BOTH(0010, "0010_epochs.sql")                                                                  \
    EITHER(0011, "0011_event_rules.sql")

#define DECLARE(number, name) extern const char sql_##number[], sql_##number##_end[];
#define DECLARE_EITHER(number, name)                                                               \
    DECLARE(number##_sqlite, name) DECLARE(number##_postgresql, name)
EACH_FILE(DECLARE, DECLARE_EITHER)

static const struct {
    const char *name, *begin, *end;
    const char *postgresql, *postgresql_end;
} all[SCHEMA_FILES] = {
#define ROW(number, name) {name, sql_##number, sql_##number##_end, NULL, NULL},
#define ROW_EITHER(number, name)                                                                   \
    {name, sql_##number##_sqlite, sql_##number##_sqlite_end, sql_##number##_postgresql,            \
     sql_##number##_postgresql_end},
    EACH_FILE(ROW, ROW_EITHER)};

static struct str text_between(const char *begin, const char *end)
{
    return (struct str){begin, begin ? (size_t)(end - begin) : 0};
}

void schema_list(struct schema_file files[SCHEMA_FILES])
{
    for (size_t i = 0; i < SCHEMA_FILES; i++)
        files[i] = (struct schema_file){all[i].name, text_between(all[i].begin, all[i].end),
                                        text_between(all[i].postgresql, all[i].postgresql_end)};
}
