/* past_in_sql.c -- see past_in_sql.h. */
#include "support/past_in_sql.h"
#include "core/record.h"
#include "ledger/text.h"
#include "support/ledger_base.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

struct comparison {
    struct past *past;
    size_t rows;
    struct arena arena;
};

static int compare_item(void *context, const struct db_value *row, size_t count)
{
    struct comparison *c = context;
    char sku[SKU_MAX_BYTES + 1];
    snprintf(sku, sizeof(sku), "%.*s", STR_ARG(row[0].as.text));
    struct item item = world_read_item(&c->past->world, sku);
    assert_int_equal(row[1].as.number, item.available + item.held);
    assert_int_equal(row[2].as.number, item.available);
    assert_int_equal(row[3].as.number, item.held);
    assert_int_equal(row[4].as.number, item.sold);
    assert_int_equal(row[5].as.number, item.version);
    assert_int_equal(row[6].as.number, item.max_per_customer);
    assert_int_equal(row[7].as.number, item.exists ? 0 : 1);
    c->rows++;
    return 0;
}

static void same_text(const struct db_value *value, struct str text)
{
    assert_int_equal(value->type == DB_NULL, str_absent(text));
    if (value->type == DB_TEXT)
        assert_true(str_equal(value->as.text, text));
}

static void compare_line(const struct db_value *row, const struct reservation *r)
{
    const struct reservation_line *line = &r->lines[row[0].as.number];
    same_text(&row[1], line->sku);
    assert_int_equal(row[2].as.number, line->reserved);
    assert_int_equal(row[3].as.number, line->quantity);
    assert_int_equal(row[4].as.number, line->remaining);
    assert_int_equal(row[5].as.number, line->version);
    assert_int_equal(row[6].type == DB_INT, r->rereserved);
    if (r->rereserved) {
        assert_int_equal(row[6].as.number, line->expired_remaining);
        assert_int_equal(row[7].as.number, line->expired_version);
    }
}

/* The head's columns, then those of compare_line(). */
static int compare_reservation(void *context, const struct db_value *row, size_t count)
{
    struct comparison *c = context;
    struct rid rid;
    assert_true(rid_parse(row[0].as.text, &rid));
    const struct reservation *r = world_read_record(&c->past->world, &rid);
    assert_non_null(r);
    same_text(&row[1], str_of(reservation_state_name(r->state)));
    assert_int_equal(row[2].as.number, r->rereserved);
    assert_int_equal(row[3].as.number, r->created_ms);
    assert_int_equal(row[4].as.number, r->expires_ms);
    assert_int_equal(row[5].type == DB_INT ? row[5].as.number : 0, r->ended_ms);
    assert_int_equal(row[6].as.number, r->line_count);
    same_text(&row[7], r->customer);
    same_text(&row[8], r->reference);
    same_text(&row[9], r->metadata);
    same_text(&row[10],
              tenant_is_default(owner_tenant(r->owner)) ? STR("") : owner_tenant(r->owner));
    same_text(&row[11], str_absent(r->owner) ? STR("") : owner_client(r->owner));
    compare_line(row + 12, r);
    c->rows++;
    return 0;
}

static int compare_operation(void *context, const struct db_value *row, size_t count)
{
    struct comparison *c = context;
    struct str result = past_result(c->past, row[0].as.text);
    assert_true(str_equal(row[1].as.text, text_hex(&c->arena, result)));
    c->rows++;
    return 0;
}

void past_check_sql(struct past *past, const char *url)
{
    static const char *const ways[] = {
        "SELECT COUNT(*) FROM reservations WHERE rereserved = 1",
        "SELECT COUNT(*) FROM reservations WHERE state = 'released'",
        "SELECT COUNT(*) FROM reservations WHERE state = 'expired'",
        "SELECT COUNT(*) FROM reservations WHERE state = 'confirmed' AND rereserved = 0",
        "SELECT COUNT(*) FROM events WHERE type = 'extend'",
        "SELECT COUNT(*) FROM events WHERE type = 'delete'",
        "SELECT COUNT(*) FROM events WHERE type = 'set'",
        "SELECT COUNT(*) FROM events WHERE type = 'transfer'",
        "SELECT COUNT(*) FROM sales_hourly",
        "SELECT COUNT(*) FROM operations WHERE op_key LIKE 'acme %'",
        "SELECT COUNT(*) FROM client_usage",
        "SELECT COUNT(*) FROM client_usage_hourly WHERE operation_keys > 0",
    };
    struct comparison c = {.past = past};
    arena_init(&c.arena, 1 << 16, 1 << 28);
    base_rows(url,
              "SELECT sku, on_hand, available, held, sold, version, max_per_customer, deleted "
              "FROM items",
              compare_item, &c);
    assert_int_equal(c.rows, past->world.item_count);
    base_rows(url,
              "SELECT r.rid, r.state, r.rereserved, r.created_ms, r.expires_ms, r.ended_ms, "
              "r.line_count, r.customer, r.reference, r.metadata, r.tenant, r.client, l.n, l.sku, "
              "l.reserved, "
              "l.quantity, l.remaining, l.version, l.expired_remaining, l.expired_version "
              "FROM reservations r JOIN reservation_lines l ON l.rid = r.rid",
              compare_reservation, &c);
    assert_int_equal(base_int(url, "SELECT COUNT(*) FROM reservations"), past->world.record_count);
    assert_int_equal(base_int(url, "SELECT SUM(line_count) FROM reservations"),
                     base_int(url, "SELECT COUNT(*) FROM reservation_lines"));
    c.rows = 0;
    base_rows(url, "SELECT op_key, result FROM operations", compare_operation, &c);
    assert_true(c.rows > 40); /* 130 or so, as the dice fall */
    /* Every way that a reservation can go was gone. */
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
        assert_true(base_int(url, ways[i]) > 0);
    assert_int_equal(base_int(url, "SELECT COUNT(*) FROM unbalanced_items"), 0);
    assert_int_equal(base_int(url, "SELECT COUNT(*) FROM unbalanced_holds"), 0);
    assert_int_equal(base_int(url, "SELECT COUNT(*) FROM unbalanced_transfers"), 0);
    assert_int_equal(base_int(url, "SELECT COUNT(*) FROM unbalanced_usage"), 0);
    /* What is of a tenant is so throughout: its lines, and the events about it. */
    assert_int_equal(base_int(url, "SELECT COUNT(*) FROM reservations r JOIN reservation_lines l "
                                   "ON l.rid = r.rid WHERE l.tenant <> r.tenant"),
                     0);
    assert_int_equal(base_int(url, "SELECT COUNT(*) FROM reservations r JOIN events e "
                                   "ON e.rid = r.rid WHERE e.tenant <> r.tenant"),
                     0);
    assert_int_equal(base_int(url, "SELECT events FROM checkpoints"), past->event_count);
    assert_true(base_int(url, "SELECT COUNT(DISTINCT epoch) FROM events") > 2);
    arena_free(&c.arena);
}
