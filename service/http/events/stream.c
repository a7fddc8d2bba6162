/* stream.c -- a stream of server-sent events, from a page to the socket.
 *
 * The library asks for bytes when the socket takes some. There are those of one page, then none:
 * then the stream is suspended until there are others, and what it has given out is forgotten. So
 * a client that does not read costs a page and what the kernel keeps, and is cut off when it has
 * not taken the page within --write-timeout. A suspended stream does not notice that its client
 * left; the next sign of life does.
 */
#include "http/events/subscriber.h"

#include "http/answer/json_write.h"
#include "http/events/render.h"
#include "http/exchange.h"
#include "ledger/query/tail_cursor.h"

#include <assert.h>

#define KEEP_BYTES 4096 /* of a buffer that is empty */

bool stream_is_silent(const struct subscriber *f)
{
    return f->sent == f->x->out.n;
}

static void wake(struct subscriber *f)
{
    f->until_ms = (int64_t)uv_now(f->events->server->loop) + EVENTS_BEAT_MS;
    if (f->started && !f->ended)
        client_conn_move(f->x->client, CONN_WRITING);
    if (!f->suspended)
        return;
    f->suspended = false;
    f->x->server->resumed = true;
    MHD_resume_connection(f->x->conn);
}

void stream_end(struct subscriber *f)
{
    f->ended = true;
    subscriber_move(f, SUBSCRIBER_SENDING);
    wake(f);
}

/* Something was put into the buffer. What had no room is not sent in part: the client comes again,
 * with the last id that it saw. */
static void put_done(struct subscriber *f)
{
    if (f->x->out.failed || !exchange_hold(f->x, 0)) {
        buf_free(&f->x->out);
        f->sent = 0;
        stream_end(f);
    } else {
        wake(f);
    }
}

void stream_put_page(struct subscriber *f, const struct events_page *page)
{
    const struct events_list list = events_list_of(f->events, page);
    events_render_frames(&list, &f->x->out);
    put_done(f);
}

void stream_beat(struct subscriber *f)
{
    const struct http_server *server = f->events->server;
    const struct history_lag lag = history_lag_of(server->stats, f->events->as_of_ms);
    JSON_LIT(&f->x->out, "event: lag\ndata: {");
    history_put_ledger(&f->x->out, &lag);
    JSON_LIT(&f->x->out, "}\n\n");
    put_done(f);
}

/* Who comes again before the next event goes on from here. */
static void put_id(struct subscriber *f)
{
    JSON_LIT(&f->x->out, "id: ");
    tail_cursor_put(&f->x->out, f->at, f->events->partitions);
    buf_putc(&f->x->out, '\n');
}

void stream_put_position(struct subscriber *f)
{
    put_id(f);
    buf_putc(&f->x->out, '\n');
    put_done(f);
}

void stream_start(struct subscriber *f)
{
    struct exchange *x = f->x;
    x->answer = (struct answer){.status = 200, .content = CONTENT_EVENTS};
    buf_reset(&x->out);
    JSON_LIT(&x->out, "retry: 2000\n");
    if (!f->request.latest)
        put_id(f);
    buf_putc(&x->out, '\n');
    put_done(f);
}

ssize_t stream_feed(void *cls, uint64_t position, char *to, size_t max)
{
    struct subscriber *f = ((struct exchange *)cls)->subscriber;
    struct buf *out = &f->x->out;
    assert(!f->suspended);
    f->x->server->progress = true;
    if (f->sent < out->n) {
        size_t n = out->n - f->sent < max ? out->n - f->sent : max;
        memcpy(to, out->p + f->sent, n);
        f->sent += n;
        return (ssize_t)n;
    }
    f->sent = 0;
    if (out->cap > KEEP_BYTES)
        buf_free(out);
    buf_reset(out);
    if (f->ended)
        return MHD_CONTENT_READER_END_OF_STREAM;
    exchange_recount(f->x);
    f->suspended = true;
    client_conn_move(f->x->client, CONN_NONE);
    MHD_suspend_connection(f->x->conn);
    if (f->state == SUBSCRIBER_SENDING) {
        subscriber_next(f);
        events_arm(f->events);
    }
    return 0;
}
