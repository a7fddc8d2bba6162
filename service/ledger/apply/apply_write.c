/* apply_write.c -- the rows of a chunk. */
#include "ledger/apply/apply_rows.h"
#include "ledger/apply/usage_change.h"
#include "ledger/owner.h"
#include "ledger/text.h"

#include <assert.h>
#include <stdlib.h>

static const struct db_statement put_events =
    DB_ADD("iiiiiittiiiiiiiitittttttttt", "events",
           "partition_no, epoch, seq, n, event_no, at_ms, type, sku, available_delta, "
           "held_delta, sold_delta, available, held, sold, version, max_per_customer, rid, "
           "expires_ms, customer, reference, reason, metadata, op_key, result, tenant, client, "
           "traceparent");
static const struct db_statement put_items =
    DB_PUT("tiiiiiiiii", "items",
           "sku, partition_no, on_hand, available, held, sold, version, max_per_customer, "
           "deleted, updated_ms",
           "ON CONFLICT (sku) DO UPDATE SET on_hand = excluded.on_hand, "
           "available = excluded.available, held = excluded.held, sold = excluded.sold, "
           "version = excluded.version, max_per_customer = excluded.max_per_customer, "
           "deleted = excluded.deleted, updated_ms = excluded.updated_ms");
/* Reservations that begin in the chunk are new to the tables: looking for a row to replace would be
 * work for nothing, and finding one must not pass in silence. */
#define HEAD_TYPES "titiiiiittttt"
#define HEAD_COLUMNS                                                                               \
    "rid, partition_no, state, rereserved, created_ms, expires_ms, ended_ms, line_count, "         \
    "customer, reference, metadata, tenant, client"
#define LINE_TYPES "titiiiiiit"
#define LINE_COLUMNS                                                                               \
    "rid, n, sku, reserved, quantity, remaining, version, expired_remaining, expired_version, "    \
    "tenant"

static const struct db_statement add_reservations =
    DB_ADD(HEAD_TYPES, "reservations", HEAD_COLUMNS);
static const struct db_statement add_lines = DB_ADD(LINE_TYPES, "reservation_lines", LINE_COLUMNS);
static const struct db_statement put_reservations =
    DB_PUT(HEAD_TYPES, "reservations", HEAD_COLUMNS,
           "ON CONFLICT (rid) DO UPDATE SET state = excluded.state, "
           "rereserved = excluded.rereserved, expires_ms = excluded.expires_ms, "
           "ended_ms = excluded.ended_ms");
static const struct db_statement put_lines =
    DB_PUT(LINE_TYPES, "reservation_lines", LINE_COLUMNS,
           "ON CONFLICT (rid, n) DO UPDATE SET quantity = excluded.quantity, "
           "remaining = excluded.remaining, version = excluded.version, "
           "expired_remaining = excluded.expired_remaining, "
           "expired_version = excluded.expired_version");
static const struct db_statement put_operations =
    DB_PUT("itttti", "operations", "partition_no, op_key, type, rid, result, at_ms",
           "ON CONFLICT (partition_no, op_key) DO UPDATE SET type = excluded.type, "
           "rid = excluded.rid, result = excluded.result, at_ms = excluded.at_ms");

/* Sums are moved by what the chunk changes of them. */
static const struct db_statement move_usage =
    DB_PUT("ittiii", "client_usage",
           "partition_no, tenant, client, open_holds, units_held, metadata_bytes",
           "ON CONFLICT (partition_no, tenant, client) DO UPDATE SET "
           "open_holds = client_usage.open_holds + excluded.open_holds, "
           "units_held = client_usage.units_held + excluded.units_held, "
           "metadata_bytes = client_usage.metadata_bytes + excluded.metadata_bytes");
static const struct db_statement move_hourly =
    DB_PUT("iittii", "client_usage_hourly",
           "hour_ms, partition_no, tenant, client, operation_keys, metadata_bytes",
           "ON CONFLICT (hour_ms, partition_no, tenant, client) DO UPDATE SET "
           "operation_keys = client_usage_hourly.operation_keys + excluded.operation_keys, "
           "metadata_bytes = client_usage_hourly.metadata_bytes + excluded.metadata_bytes");

/* Rows of one statement, a value after the other, in the projection's arena. */
struct rows {
    const struct db_statement *statement;
    struct db_value *values; /* NULL: no memory */
    size_t used, most;       /* values */
};

static struct rows rows_for(struct projection *p, const struct db_statement *statement, size_t most)
{
    size_t values = most * strlen(statement->types);
    return (struct rows){.statement = statement,
                         .values = arena_alloc(&p->arena, values * sizeof(struct db_value)),
                         .most = values};
}

static void put_value_of_row(struct rows *rows, struct db_value value)
{
    assert(rows->used < rows->most);
    rows->values[rows->used++] = value;
}

static void put_int(struct rows *rows, int64_t number)
{
    put_value_of_row(rows, db_int(number));
}

/* 0 stands for "none" in the program, NULL in the tables. */
static void put_int_or_null(struct rows *rows, bool there, int64_t number)
{
    put_value_of_row(rows, there ? db_int(number) : (struct db_value){DB_NULL, {0}});
}

static void put_text(struct rows *rows, struct str text)
{
    put_value_of_row(rows, db_text(text));
}

static void put_owner(struct rows *rows, struct str owner)
{
    put_value_of_row(rows, owner_tenant_value(owner));
    put_value_of_row(rows, owner_client_value(owner));
}

static enum db_result run_rows(struct db *db, const struct rows *rows)
{
    size_t columns = strlen(rows->statement->types);
    assert(rows->used % columns == 0);
    return db_run(db, rows->statement, rows->values, rows->used / columns, NULL, NULL, NULL);
}

/* Numbers of names in the order of the names. NULL: no memory. */
static int compare_names(const void *a, const void *b, void *context)
{
    const struct names *names = context;
    struct str x = names->name[*(const uint32_t *)a], y = names->name[*(const uint32_t *)b];
    int order = memcmp(x.p, y.p, x.n < y.n ? x.n : y.n);
    return order ? order : (x.n > y.n) - (x.n < y.n);
}

static const uint32_t *sorted(struct projection *p, struct names *names)
{
    uint32_t *order = arena_alloc(&p->arena, names->count * sizeof(*order));
    for (uint32_t i = 0; order && i < names->count; i++)
        order[i] = i;
    if (order && names->count > 0)
        qsort_r(order, names->count, sizeof(*order), compare_names, names);
    return order;
}

/* --- events ----------------------------------------------------------------------------------- */

/* What identifies the row and what happened to the item. Line: NULL for an event without. */
static void put_movement(struct rows *rows, const struct projection *p,
                         const struct projected_event *event, uint32_t n,
                         const struct event_line *line)
{
    static const struct event_line none = {.sku = {NULL, 0}};
    static const struct projected_delta still = {0};
    const struct projected_delta *delta = line ? &event->deltas[n - event->row] : &still;
    line = line ? line : &none;
    const int64_t id[] = {p->partition, event->id.epoch, event->id.seq, n, event->no, event->at_ms};
    const int64_t counters[] = {
        delta->available, delta->held, delta->sold,   line->available,
        line->held,       line->sold,  line->version, line->max_per_customer};
    for (size_t i = 0; i < sizeof(id) / sizeof(id[0]); i++)
        put_int(rows, id[i]);
    put_text(rows, str_of(event_trait(event->e.type)->name));
    put_text(rows, line->sku);
    for (size_t i = 0; i < sizeof(counters) / sizeof(counters[0]); i++)
        put_int(rows, counters[i]);
}

/* What is the event's and not an item's. Long texts are written once, on its first row; not so the
 * reason, which is asked of both items of a transfer. */
static bool put_circumstances(struct rows *rows, struct projection *p,
                              const struct projected_event *event, bool first)
{
    static const struct str none = {NULL, 0};
    const struct event *e = &event->e;
    bool about = event->reservation != NAMES_NONE;
    struct str result = first ? text_hex(&p->arena, e->result) : none;
    put_text(rows, about ? p->rid_names.name[event->reservation] : none);
    put_int_or_null(rows, e->expires_ms > 0, e->expires_ms);
    put_text(rows, about ? p->reservations[event->reservation].r.customer : e->customer);
    put_text(rows, first ? e->reference : none);
    put_text(rows, e->reason);
    put_text(rows, first ? e->metadata : none);
    put_text(rows, first ? e->key : none);
    put_text(rows, result);
    put_owner(rows, e->owner);
    put_text(rows, e->trace);
    return !first || str_absent(e->result) || !str_absent(result);
}

static enum db_result write_events(struct db *db, struct projection *p)
{
    struct rows rows = rows_for(p, &put_events, p->row_count);
    if (!rows.values)
        return DB_NO_MEMORY;
    for (uint32_t i = 0; i < p->event_count; i++) {
        const struct projected_event *event = &p->events[i];
        unsigned k = 0;
        do {
            const struct event_line *line = event->e.line_count ? &event->e.lines[k] : NULL;
            put_movement(&rows, p, event, event->row + k, line);
            if (!put_circumstances(&rows, p, event, k == 0))
                return DB_NO_MEMORY;
        } while (++k < event->e.line_count);
    }
    return run_rows(db, &rows);
}

/* --- items ------------------------------------------------------------------------------------ */

static enum db_result write_items(struct db *db, struct projection *p)
{
    struct rows rows = rows_for(p, &put_items, p->item_names.count);
    const uint32_t *order = sorted(p, &p->item_names);
    if (!rows.values || !order)
        return DB_NO_MEMORY;
    for (uint32_t i = 0; i < p->item_names.count; i++) {
        const struct projected_item *item = &p->items[order[i]];
        put_text(&rows, p->item_names.name[order[i]]);
        put_int(&rows, p->partition);
        put_int(&rows, item->available + item->held);
        put_int(&rows, item->available);
        put_int(&rows, item->held);
        put_int(&rows, item->sold);
        put_int(&rows, item->version);
        put_int(&rows, item->max_per_customer);
        put_int(&rows, item->exists ? 0 : 1);
        put_int(&rows, item->updated_ms);
    }
    return run_rows(db, &rows);
}

/* --- reservations ----------------------------------------------------------------------------- */

static void put_reservation_row(struct rows *rows, const struct projection *p, struct str rid,
                                const struct reservation *r)
{
    put_text(rows, rid);
    put_int(rows, p->partition);
    put_text(rows, str_of(reservation_state_name(r->state)));
    put_int(rows, r->rereserved ? 1 : 0);
    put_int(rows, r->created_ms);
    put_int(rows, r->expires_ms);
    put_int_or_null(rows, r->state != RESERVATION_HELD, r->ended_ms);
    put_int(rows, r->line_count);
    put_text(rows, r->customer);
    put_text(rows, r->reference);
    put_text(rows, r->metadata);
    put_owner(rows, r->owner);
}

static void put_line_row(struct rows *rows, struct str rid, const struct reservation *r, unsigned n)
{
    const struct reservation_line *line = &r->lines[n];
    put_text(rows, rid);
    put_int(rows, n);
    put_text(rows, line->sku);
    put_int(rows, line->reserved);
    put_int(rows, line->quantity);
    put_int(rows, line->remaining);
    put_int(rows, line->version);
    put_int_or_null(rows, r->rereserved, line->expired_remaining);
    put_int_or_null(rows, r->rereserved, line->expired_version);
    put_value_of_row(rows, owner_tenant_value(r->owner));
}

/* Either those that begin in the chunk, or the others. */
static enum db_result write_reservations(struct db *db, struct projection *p, const uint32_t *order,
                                         bool fresh)
{
    const struct projected_reservation *all = p->reservations;
    size_t head_count = 0, line_count = 0;
    for (uint32_t i = 0; i < p->rid_names.count; i++) {
        head_count += all[i].fresh == fresh;
        line_count += all[i].fresh == fresh ? all[i].r.line_count : 0;
    }
    struct rows heads = rows_for(p, fresh ? &add_reservations : &put_reservations, head_count);
    struct rows lines = rows_for(p, fresh ? &add_lines : &put_lines, line_count);
    if (!heads.values || !lines.values)
        return DB_NO_MEMORY;
    for (uint32_t i = 0; i < p->rid_names.count; i++) {
        const struct projected_reservation *one = &all[order[i]];
        struct str rid = p->rid_names.name[order[i]];
        if (one->fresh != fresh)
            continue;
        put_reservation_row(&heads, p, rid, &one->r);
        for (unsigned n = 0; n < one->r.line_count; n++)
            put_line_row(&lines, rid, &one->r, n);
    }
    enum db_result result = run_rows(db, &heads);
    return result == DB_OK ? run_rows(db, &lines) : result;
}

static enum db_result write_all_reservations(struct db *db, struct projection *p)
{
    const uint32_t *order = sorted(p, &p->rid_names);
    if (!order)
        return DB_NO_MEMORY;
    enum db_result result = write_reservations(db, p, order, true);
    return result == DB_OK ? write_reservations(db, p, order, false) : result;
}

/* --- operations ------------------------------------------------------------------------------- */

static enum db_result write_operations(struct db *db, struct projection *p)
{
    static const struct str none = {NULL, 0};
    struct rows rows = rows_for(p, &put_operations, p->key_names.count);
    const uint32_t *order = sorted(p, &p->key_names);
    if (!rows.values || !order)
        return DB_NO_MEMORY;
    for (uint32_t i = 0; i < p->key_names.count; i++) {
        const struct projected_event *event = &p->events[p->operations[order[i]].event];
        struct str result = text_hex(&p->arena, event->e.result);
        if (str_absent(result))
            return DB_NO_MEMORY;
        put_int(&rows, p->partition);
        put_text(&rows, p->key_names.name[order[i]]);
        put_text(&rows, str_of(event_trait(event->e.type)->name));
        put_text(&rows,
                 event->reservation == NAMES_NONE ? none : p->rid_names.name[event->reservation]);
        put_text(&rows, result);
        put_int(&rows, event->at_ms);
    }
    return run_rows(db, &rows);
}

/* --- what clients have there -------------------------------------------------------------------
 */

static enum db_result write_usage(struct db *db, struct projection *p)
{
    const struct usage_change *changes;
    size_t count;
    if (!usage_changes(p, &changes, &count))
        return DB_NO_MEMORY;
    struct rows held = rows_for(p, &move_usage, count), hourly = rows_for(p, &move_hourly, count);
    if (!held.values || !hourly.values)
        return DB_NO_MEMORY;
    for (size_t i = 0; i < count; i++) {
        const struct usage_change *c = &changes[i];
        struct rows *rows = c->hour_ms == USAGE_HELD ? &held : &hourly;
        if (c->hour_ms != USAGE_HELD)
            put_int(rows, c->hour_ms);
        put_int(rows, p->partition);
        put_owner(rows, c->owner);
        put_int(rows, rows == &held ? c->open_holds : c->operation_keys);
        if (rows == &held)
            put_int(rows, c->units_held);
        put_int(rows, c->metadata_bytes);
    }
    enum db_result result = run_rows(db, &held);
    return result == DB_OK ? run_rows(db, &hourly) : result;
}

enum db_result rows_write(struct db *db, struct projection *p)
{
    enum db_result result = write_events(db, p);
    if (result == DB_OK)
        result = write_items(db, p);
    if (result == DB_OK)
        result = write_all_reservations(db, p);
    if (result == DB_OK)
        result = write_operations(db, p);
    return result == DB_OK ? write_usage(db, p) : result;
}
