#include "http/events_render.h"

#include "http/json_write.h"
#include "ledger/tail_cursor.h"

static void put_number(struct buf *b, const char *name, int64_t value)
{
    buf_puts(b, str_of(name));
    buf_put_i64(b, value);
}

static void put_text(struct buf *b, const char *name, struct str text)
{
    buf_puts(b, str_of(name));
    json_put_text(b, text);
}

/* A cursor has no character that JSON would escape. */
static void put_event(struct buf *b, const struct tail_event *e, const struct events_list *list)
{
    JSON_LIT(b, "{\"cursor\":\"");
    tail_cursor_put(b, list->walk, list->partitions);
    put_text(b, "\",\"type\":", e->type);
    JSON_LIT(b, ",\"at\":");
    json_put_time(b, e->at_ms);
    put_text(b, ",\"sku\":", e->sku);
    put_number(b, ",\"version\":", e->version);
    put_number(b, ",\"available_delta\":", e->available_delta);
    put_number(b, ",\"held_delta\":", e->held_delta);
    put_number(b, ",\"sold_delta\":", e->sold_delta);
    put_number(b, ",\"available\":", e->available);
    put_number(b, ",\"held\":", e->held);
    put_number(b, ",\"sold\":", e->sold);
    put_number(b, ",\"on_hand\":", e->available + e->held);
    put_text(b, ",\"reservation\":", e->rid);
    put_text(b, ",\"customer\":", e->customer);
    put_text(b, ",\"reference\":", e->reference);
    put_text(b, ",\"reason\":", e->reason);
    JSON_LIT(b, ",\"expires_at\":");
    json_put_time(b, e->expires_ms);
    buf_putc(b, '}');
}

static void walk_begin(const struct events_list *list)
{
    memcpy(list->walk, list->from, list->partitions * sizeof(*list->walk));
}

void events_render_page(const struct events_list *list, const struct history_lag *lag,
                        struct buf *out)
{
    walk_begin(list);
    JSON_LIT(out, "{\"events\":[");
    for (size_t i = 0; i < list->count; i++) {
        const struct tail_event *event = &list->events[i];
        list->walk[event->partition] = event->at;
        if (i > 0)
            buf_putc(out, ',');
        put_event(out, event, list);
    }
    JSON_LIT(out, "],\"next_cursor\":\"");
    tail_cursor_put(out, list->to, list->partitions);
    JSON_LIT(out, "\",");
    history_put_ledger(out, lag);
    buf_putc(out, '}');
}

void events_render_frames(const struct events_list *list, struct buf *out)
{
    walk_begin(list);
    for (size_t i = 0; i < list->count; i++) {
        const struct tail_event *event = &list->events[i];
        list->walk[event->partition] = event->at;
        JSON_LIT(out, "id: ");
        tail_cursor_put(out, list->walk, list->partitions);
        JSON_LIT(out, "\nevent: ");
        buf_puts(out, event->type);
        JSON_LIT(out, "\ndata: ");
        put_event(out, event, list);
        JSON_LIT(out, "\n\n");
    }
}
