/* stream.c -- a stream of server-sent events: always the newest document, never a queue of them.
 *
 * The library asks for bytes when the socket takes some. A client that reads slowly gets fewer
 * documents, not older ones; one that does not read at all keeps one frame, until the library's
 * time limit ends it. A suspended stream does not notice that its client left; the next document
 * does, or a beat when there are none.
 */
#include "ui/server.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES 4096

static const struct str hello = {"retry: 1000\n\n", 13}, beat = {": beat\n\n", 8};

/* Bytes that are no frame: they are few, and always fit. */
static ssize_t give_words(struct ui_stream *s, struct str words, char *to, size_t max)
{
    assert(words.n <= max);
    s->beat = s->server->beat;
    memcpy(to, words.p, words.n);
    return (ssize_t)words.n;
}

static ssize_t give_frame(struct ui_stream *s, char *to, size_t max)
{
    size_t left = s->frame->n - s->sent;
    size_t n = left < max ? left : max;
    memcpy(to, s->frame->bytes + s->sent, n);
    s->sent += n;
    s->beat = s->server->beat;
    if (s->sent == s->frame->n) {
        frame_drop(s->frame);
        s->frame = NULL;
    }
    return (ssize_t)n;
}

/* The next frame that is due, if there is one. */
static bool take_frame(struct ui_stream *s)
{
    const struct ui_server *server = s->server;
    if (server->newest && s->seen != server->number) {
        s->seen = server->number;
        s->frame = frame_keep(server->newest);
    } else if (server->ended && !s->told_end) {
        s->told_end = true;
        s->frame = frame_keep(server->end);
    }
    s->sent = 0;
    return s->frame != NULL;
}

static ssize_t feed(void *stream, uint64_t position, char *to, size_t max)
{
    struct ui_stream *s = stream;
    assert(!s->suspended);
    if (!s->started) {
        s->started = true;
        return give_words(s, hello, to, max);
    }
    if (s->frame || take_frame(s))
        return give_frame(s, to, max);
    if (s->told_end)
        return MHD_CONTENT_READER_END_OF_STREAM;
    if (s->beat != s->server->beat)
        return give_words(s, beat, to, max);
    s->suspended = true;
    MHD_suspend_connection(s->conn);
    return 0;
}

static void forget(void *stream)
{
    struct ui_stream *s = stream;
    assert(!s->suspended);
    TAILQ_REMOVE(&s->server->streams, s, link);
    frame_drop(s->frame);
    free(s);
}

struct MHD_Response *ui_stream_response(struct ui_server *server, struct MHD_Connection *conn)
{
    struct ui_stream *s = calloc(1, sizeof(*s));
    if (!s)
        return NULL;
    *s = (struct ui_stream){.server = server, .conn = conn, .beat = server->beat};
    struct MHD_Response *response =
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK_BYTES, feed, s, forget);
    if (response)
        TAILQ_INSERT_TAIL(&server->streams, s, link);
    else
        free(s);
    return response;
}

void ui_stream_wake_all(struct ui_server *server)
{
    struct ui_stream *s;
    TAILQ_FOREACH(s, &server->streams, link)
    {
        if (!s->suspended)
            continue;
        s->suspended = false;
        server->resumed = true;
        MHD_resume_connection(s->conn);
    }
}
