#include "http/events/render.h"
#include "http/answer/json_write.h"
#include "ledger/query/tail_cursor.h"

/* A cursor has no character that JSON would escape. */
static void put_event(struct buf *b, const struct tail_event *e, const struct events_list *list)
{
    JSON_LIT(b, "{\"cursor\":\"");
    tail_cursor_put(b, list->walk, list->partitions);
    JSON_LIT(b, "\",");
    movement_put(b, &e->movement);
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
        buf_puts(out, event->movement.type);
        JSON_LIT(out, "\ndata: ");
        put_event(out, event, list);
        JSON_LIT(out, "\n\n");
    }
}
