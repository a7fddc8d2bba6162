/* render.h -- events as JSON, in a page or one by one.
 *
 * Layer: http, pure.
 */
#pragma once

#include "buf.h"
#include "http/history/render.h"
#include "ledger/query/tail.h"

/* What is to be written: events behind `from`, and the position behind all of them. */
struct events_list {
    const struct tail_position *from, *to;
    const struct tail_event *events;
    size_t count;
    unsigned partitions;
    struct tail_position *walk; /* room for one a partition */
};

/* {"events":[...],"next_cursor":"...","ledger":{...}} */
void events_render_page(const struct events_list *list, const struct history_lag *lag,
                        struct buf *out);

/* A frame of a stream for each event: its cursor, its type, and itself on one line. */
void events_render_frames(const struct events_list *list, struct buf *out);
