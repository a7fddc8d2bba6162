#include "ledger/balance.h"
#include "ledger/owner.h"
#include "ledger/rows.h"

#include <inttypes.h>
#include <stdio.h>

#define PAGE 4096

static const struct db_statement unbalanced_items =
    DB_ASK("i", "SELECT sku, available, held, sold, version, CAST(events_available AS bigint), "
                "CAST(events_held AS bigint), CAST(events_sold AS bigint), events_version "
                "FROM unbalanced_items ORDER BY sku LIMIT $1");
static const struct db_statement unbalanced_holds =
    DB_ASK("i", "SELECT sku, held, CAST(lines_held AS bigint) FROM unbalanced_holds ORDER BY sku "
                "LIMIT $1");
static const struct db_statement unbalanced_transfers =
    DB_ASK("i", "SELECT sku, partition_no, epoch, seq, items, CAST(available AS bigint) "
                "FROM unbalanced_transfers ORDER BY sku, epoch, seq LIMIT $1");
/* Nobody is counted in a service without tenants, which need not look through its past for it. */
static const struct db_statement any_usage =
    DB_ASK("", "SELECT 1 FROM (SELECT client FROM client_usage UNION ALL SELECT client FROM "
               "client_usage_hourly) u LIMIT 1");
static const struct db_statement unbalanced_usage =
    DB_ASK("i", "SELECT tenant, client, CAST(open_holds AS bigint), CAST(units_held AS bigint), "
                "CAST(metadata_bytes AS bigint), CAST(operation_keys AS bigint) "
                "FROM unbalanced_usage ORDER BY tenant, client, hour_ms LIMIT $1");
static const struct db_statement page_of_lines = DB_ASK(
    "ti", "SELECT r.rid, r.line_count, (SELECT COUNT(*) FROM reservation_lines l "
          "WHERE l.rid = r.rid) FROM reservations r WHERE r.rid > $1 ORDER BY r.rid LIMIT $2");
static const struct db_statement position =
    DB_ASK("i", "SELECT epoch, seq FROM checkpoints WHERE partition_no = $1");
static const struct db_statement last_partition =
    DB_ASK("", "SELECT MAX(partition_no) FROM checkpoints");

struct finder {
    balance_fn *found;
    void *user;
    struct balance_walk *walk;
    size_t rows;
};

static int on_item(void *context, const struct db_value *row, size_t count)
{
    static const char *const names[] = {"available", "held", "sold", "version"};
    const struct finder *f = context;
    char text[BALANCE_TEXT_SIZE];
    size_t i = 0;
    while (i < 3 && row[5 + i].type == DB_INT && row[1 + i].as.number == row[5 + i].as.number)
        i++;
    if (row[5 + i].type == DB_INT)
        snprintf(text, sizeof(text), "has %s %" PRId64 ", its events add up to %" PRId64, names[i],
                 row[1 + i].as.number, row[5 + i].as.number);
    else
        snprintf(text, sizeof(text), "has no events");
    f->found(f->user, row[0].as.text, text);
    return 0;
}

static int on_hold(void *context, const struct db_value *row, size_t count)
{
    const struct finder *f = context;
    char text[BALANCE_TEXT_SIZE];
    snprintf(text, sizeof(text), "has held %" PRId64 ", its open reservations hold %" PRId64,
             row[1].as.number, row[2].as.number);
    f->found(f->user, row[0].as.text, text);
    return 0;
}

static int on_transfer(void *context, const struct db_value *row, size_t count)
{
    const struct finder *f = context;
    char text[BALANCE_TEXT_SIZE];
    snprintf(text, sizeof(text),
             "is in a transfer of %" PRId64 " items that adds %" PRId64 " units (p%" PRId64
             " %" PRId64 "-%" PRId64 ")",
             row[4].as.number, row[5].as.number, row[1].as.number, row[2].as.number,
             row[3].as.number);
    f->found(f->user, row[0].as.text, text);
    return 0;
}

static int on_usage(void *context, const struct db_value *row, size_t count)
{
    const struct finder *f = context;
    char name[OWNER_MAX_BYTES + 1], text[BALANCE_TEXT_SIZE];
    int n = snprintf(name, sizeof(name), "%.*s/%.*s", STR_ARG(owner_tenant_name(row[0].as.text)),
                     STR_ARG(row[1].as.text));
    snprintf(text, sizeof(text),
             "its holds are counted as %" PRId64 " more than there are, their units as %" PRId64
             ", bytes of metadata as %" PRId64 ", recorded results as %" PRId64,
             row[2].as.number, row[3].as.number, row[4].as.number, row[5].as.number);
    f->found(f->user, (struct str){name, (size_t)n < sizeof(name) ? (size_t)n : sizeof(name) - 1},
             text);
    return 0;
}

static enum db_result balance_usage(struct db *db, const struct db_value *limit,
                                    struct finder *finder)
{
    size_t any = 0;
    enum db_result result = db_run(db, &any_usage, NULL, 1, NULL, NULL, &any);
    return result == DB_OK && any > 0
               ? db_run(db, &unbalanced_usage, limit, 1, on_usage, finder, NULL)
               : result;
}

enum db_result balance_items(struct db *db, size_t max, balance_fn *found, void *user)
{
    struct finder finder = {.found = found, .user = user};
    const struct db_value limit = db_int((int64_t)max);
    enum db_result result = db_begin_read(db);
    if (result == DB_OK)
        result = db_run(db, &unbalanced_items, &limit, 1, on_item, &finder, NULL);
    if (result == DB_OK)
        result = db_run(db, &unbalanced_holds, &limit, 1, on_hold, &finder, NULL);
    if (result == DB_OK)
        result = db_run(db, &unbalanced_transfers, &limit, 1, on_transfer, &finder, NULL);
    if (result == DB_OK)
        result = balance_usage(db, &limit, &finder);
    db_rollback(db);
    return result;
}

static int on_lines(void *context, const struct db_value *row, size_t count)
{
    struct finder *f = context;
    char text[BALANCE_TEXT_SIZE];
    f->rows++;
    snprintf(f->walk->rid, sizeof(f->walk->rid), "%.*s", STR_ARG(row[0].as.text));
    if (row[1].as.number == row[2].as.number)
        return 0;
    snprintf(text, sizeof(text), "has %" PRId64 " lines, of which %" PRId64 " are there",
             row[1].as.number, row[2].as.number);
    f->found(f->user, row[0].as.text, text);
    return 0;
}

enum db_result balance_lines(struct db *db, struct balance_walk *walk, balance_fn *found,
                             void *user)
{
    struct finder finder = {.found = found, .user = user, .walk = walk};
    char after[sizeof(walk->rid)];
    snprintf(after, sizeof(after), "%s", walk->rid);
    const struct db_value values[] = {db_text(str_of(after)), db_int(PAGE)};
    enum db_result result = db_begin_read(db);
    if (result == DB_OK)
        result = db_run(db, &page_of_lines, values, 1, on_lines, &finder, NULL);
    db_rollback(db);
    walk->done = finder.rows < PAGE;
    return result;
}

static int keep_position(void *context, const struct db_value *row, size_t count)
{
    *(struct event_id *)context = (struct event_id){row[0].as.number, row[1].as.number};
    return 0;
}

enum db_result balance_position(struct db *db, unsigned partition, struct event_id *at)
{
    const struct db_value value = db_int(partition);
    *at = (struct event_id){0, 0};
    enum db_result result = db_begin_read(db);
    if (result == DB_OK)
        result = db_run(db, &position, &value, 1, keep_position, at, NULL);
    db_rollback(db);
    if (at->epoch == 0)
        at->seq = 0; /* a partition that was begun and holds nothing stands at 0-(-1) */
    return result;
}

enum db_result balance_partitions(struct db *db, unsigned *count)
{
    int64_t last = -1;
    enum db_result result = db_begin_read(db);
    if (result == DB_OK)
        result = db_run(db, &last_partition, NULL, 1, rows_number, &last, NULL);
    db_rollback(db);
    *count = (unsigned)(last + 1);
    return result;
}
