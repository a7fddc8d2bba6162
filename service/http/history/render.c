#include "http/history/render.h"
#include "http/answer/json_write.h"
#include "http/answer/render.h"

#include <inttypes.h>
#include <stdio.h>

#define DETAIL_SIZE 160

struct history_lag history_lag_of(const struct stats *stats, int64_t as_of_ms)
{
    struct history_lag lag = {.as_of_ms = as_of_ms};
    if (stats) {
        lag.events = stats_gauge(stats, STATS_LEDGER_LAG);
        lag.ms = stats_gauge(stats, STATS_LEDGER_LAG_MS);
    }
    return lag;
}

void history_put_ledger(struct buf *b, const struct history_lag *lag)
{
    JSON_INT(b, "\"ledger\":{\"lag_events\":", lag->events);
    JSON_INT(b, ",\"lag_ms\":", lag->ms);
    JSON_TIME(b, ",\"as_of\":", lag->as_of_ms);
    buf_putc(b, '}');
}

/* The end of every body: the cursor, if it is a page, and how far the ledger is. */
static void close_body(struct buf *b, const struct history_lag *lag)
{
    buf_putc(b, ',');
    history_put_ledger(b, lag);
    buf_putc(b, '}');
}

static void put_reservation_list(const struct history_reservations *list, int64_t wall_ms,
                                 struct buf *b)
{
    JSON_LIT(b, "{\"reservations\":[");
    for (unsigned i = 0; i < list->count; i++) {
        if (i > 0)
            buf_putc(b, ',');
        body_put_reservation(b, &list->page[i], wall_ms);
    }
    JSON_TEXT(b, "],\"next_cursor\":", list->next);
}

void movement_put(struct buf *b, const struct movement *m)
{
    JSON_TEXT(b, "\"type\":", m->type);
    JSON_TIME(b, ",\"at\":", m->at_ms);
    JSON_SKU(b, ",\"sku\":", m->sku);
    JSON_INT(b, ",\"version\":", m->version);
    JSON_INT(b, ",\"available_delta\":", m->available_delta);
    JSON_INT(b, ",\"held_delta\":", m->held_delta);
    JSON_INT(b, ",\"sold_delta\":", m->sold_delta);
    JSON_INT(b, ",\"available\":", m->available);
    JSON_INT(b, ",\"held\":", m->held);
    JSON_INT(b, ",\"sold\":", m->sold);
    JSON_INT(b, ",\"on_hand\":", m->available + m->held);
    JSON_TEXT(b, ",\"reservation\":", m->rid);
    JSON_TEXT(b, ",\"customer\":", m->customer);
    JSON_TEXT(b, ",\"reference\":", m->reference);
    JSON_TEXT(b, ",\"reason\":", m->reason);
    JSON_TIME(b, ",\"expires_at\":", m->expires_ms);
    if (!str_absent(m->trace))
        JSON_TEXT(b, ",\"traceparent\":", m->trace);
}

static void put_movements(const struct history_movements *list, struct buf *b)
{
    JSON_LIT(b, "{\"movements\":[");
    for (unsigned i = 0; i < list->count; i++) {
        if (i > 0)
            buf_putc(b, ',');
        buf_putc(b, '{');
        movement_put(b, &list->page[i]);
        buf_putc(b, '}');
    }
    JSON_LIT(b, "],\"next_cursor\":");
    if (list->next > 0)
        buf_printf(b, "\"%" PRId64 "\"", list->next);
    else
        JSON_LIT(b, "null");
}

static void put_levels(const struct history_levels *list, const struct history_lag *lag,
                       struct buf *b)
{
    JSON_SKU(b, "{\"sku\":", list->sku);
    JSON_TIME(b, ",\"as_of\":", lag->as_of_ms);
    JSON_LIT(b, ",\"levels\":[");
    for (unsigned i = 0; i < list->count; i++) {
        const struct history_level *level = &list->levels[i];
        if (i > 0)
            buf_putc(b, ',');
        JSON_TIME(b, "{\"at\":", level->at_ms);
        JSON_INT(b, ",\"version\":", level->version);
        JSON_INT(b, ",\"on_hand\":", level->available + level->held);
        JSON_INT(b, ",\"available\":", level->available);
        JSON_INT(b, ",\"held\":", level->held);
        JSON_INT(b, ",\"sold\":", level->sold);
        buf_putc(b, '}');
    }
    buf_putc(b, ']');
}

/* An item that is not there yet looks like one that never was, so the detail says if it may be. */
static void render_no_item(struct str sku, const struct history_lag *lag, const char *when,
                           struct answer *answer, struct buf *body)
{
    char why[DETAIL_SIZE];
    const struct str name = tenant_outer(sku, TENANT_MARK_ITEM);
    struct store_read read = {.kind = READ_ITEM};
    if (lag->events > 0)
        snprintf(why, sizeof(why),
                 "the ledger knows no item %.*s%s; it is %" PRId64 " events behind", STR_ARG(name),
                 when, lag->events);
    else
        snprintf(why, sizeof(why), "the ledger knows no item %.*s%s", STR_ARG(name), when);
    read.out = (struct outcome){.code = OUT_ITEM_NOT_FOUND, .sku = sku, .why = why};
    render_read(&read, NULL, answer, body);
}

void history_render(const struct history_query *query, const struct history_lag *lag,
                    int64_t wall_ms, struct answer *answer, struct buf *body)
{
    *answer = (struct answer){.status = 200, .content = CONTENT_JSON};
    switch (query->kind) {
    case HISTORY_RESERVATIONS: put_reservation_list(&query->reservations, wall_ms, body); break;
    case HISTORY_MOVEMENTS:
        if (!query->movements.known) {
            render_no_item(query->movements.sku, lag, "", answer, body);
            return;
        }
        put_movements(&query->movements, body);
        break;
    case HISTORY_LEVELS:
        if (!query->levels.known) {
            render_no_item(query->levels.sku, lag, "", answer, body);
            return;
        }
        put_levels(&query->levels, lag, body);
        break;
    case HISTORY_ITEM:
        if (!query->instant.item.exists) {
            render_no_item(query->instant.sku, lag, " at that time", answer, body);
            return;
        }
        body_open_item(body, query->instant.sku, &query->instant.item);
        JSON_TIME(body, ",\"at\":", query->instant.at_ms);
        break;
    }
    close_body(body, lag);
}
