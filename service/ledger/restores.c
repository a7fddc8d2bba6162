#include "ledger/restores.h"

static const struct db_statement count_restores = {
    .kind = DB_ONE,
    .types = "",
    .head = "SELECT COALESCE(MAX(number), 0) FROM restores",
};
static const struct db_statement put_restore = {
    .kind = DB_INSERT,
    .types = "iii",
    .head = "restores",
    .columns = "number, epoch, at_ms",
};

static int keep_number(void *context, const struct db_value *row, size_t count)
{
    *(int64_t *)context = row[0].as.number;
    return 0;
}

enum db_result restores_add(struct db *db, int64_t epoch, int64_t at_ms, int64_t *number)
{
    enum db_result result = db_run(db, &count_restores, NULL, 1, keep_number, number, NULL);
    if (result != DB_OK)
        return result;
    ++*number;
    const struct db_value row[] = {db_int(*number), db_int(epoch), db_int(at_ms)};
    return db_run(db, &put_restore, row, 1, NULL, NULL, NULL);
}
