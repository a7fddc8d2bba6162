#include "http/history/render.h"

#include "http/history/movement_render.h"
#include "http/json_write.h"
#include "http/render.h"
#include "http/render_body.h"

#include <inttypes.h>
#include <stdio.h>

#define DETAIL_SIZE 160

void history_put_ledger(struct buf *b, const struct history_lag *lag)
{
    JSON_LIT(b, "\"ledger\":{\"lag_events\":");
    buf_put_i64(b, lag->events);
    JSON_LIT(b, ",\"lag_ms\":");
    buf_put_i64(b, lag->ms);
    JSON_LIT(b, ",\"as_of\":");
    json_put_time(b, lag->as_of_ms);
    buf_putc(b, '}');
}

/* The end of every body: the cursor, if it is a page, and how far the ledger is. */
static void close_body(struct buf *b, const struct history_lag *lag)
{
    buf_putc(b, ',');
    history_put_ledger(b, lag);
    buf_putc(b, '}');
}

static void put_reservations(const struct history_reservations *list, int64_t wall_ms,
                             struct buf *b)
{
    JSON_LIT(b, "{\"reservations\":[");
    for (unsigned i = 0; i < list->count; i++) {
        if (i > 0)
            buf_putc(b, ',');
        body_put_reservation(b, &list->page[i], wall_ms);
    }
    JSON_LIT(b, "],\"next_cursor\":");
    json_put_text(b, list->next);
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
    if (list->more)
        buf_printf(b, "\"%" PRId64 "\"", list->page[list->count - 1].version);
    else
        JSON_LIT(b, "null");
}

/* An item that is not there yet looks like one that never was, so the detail says if it may be. */
static void render_no_item(struct str sku, const struct history_lag *lag, const char *when,
                           struct answer *answer, struct buf *body)
{
    char why[DETAIL_SIZE];
    struct store_read read = {.kind = READ_ITEM};
    if (lag->events > 0)
        snprintf(why, sizeof(why),
                 "the ledger knows no item %.*s%s; it is %" PRId64 " events behind", STR_ARG(sku),
                 when, lag->events);
    else
        snprintf(why, sizeof(why), "the ledger knows no item %.*s%s", STR_ARG(sku), when);
    read.out = (struct outcome){.code = OUT_ITEM_NOT_FOUND, .sku = sku, .why = why};
    render_read(&read, NULL, answer, body);
}

void history_render(const struct history_query *query, const struct history_lag *lag,
                    int64_t wall_ms, struct answer *answer, struct buf *body)
{
    *answer = (struct answer){.status = 200, .content = CONTENT_JSON};
    switch (query->kind) {
    case HISTORY_RESERVATIONS: put_reservations(&query->reservations, wall_ms, body); break;
    case HISTORY_MOVEMENTS:
        if (!query->movements.known) {
            render_no_item(query->movements.sku, lag, "", answer, body);
            return;
        }
        put_movements(&query->movements, body);
        break;
    case HISTORY_ITEM:
        if (!query->instant.item.exists) {
            render_no_item(query->instant.sku, lag, " at that time", answer, body);
            return;
        }
        body_open_item(body, query->instant.sku, &query->instant.item);
        JSON_LIT(body, ",\"at\":");
        json_put_time(body, query->instant.at_ms);
        break;
    }
    close_body(body, lag);
}
