/* sse.h -- a client of a stream of server-sent events: what a browser's EventSource does, but for
 * coming back.
 *
 * Layer: tests. The test owns the struct, sse_close frees what is in it. All functions may fail the
 * running cmocka test, so they are for the main thread.
 *
 * Invariant: text is the body of the answer as far as its chunks are whole, and the first `taken`
 * bytes of it are frames that sse_next has seen.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define SSE_ID_MAX   256
#define SSE_TYPE_MAX 16

struct sse {
    int fd;
    struct tls_client *tls; /* NULL: without */
    char *in;               /* as received: the head, then the body */
    size_t n, room;
    bool chunked, closed;
    char *text; /* the body, decoded; ends in NUL */
    size_t text_n, taken;
    char id[SSE_ID_MAX]; /* of the last frame that had one */
};

/* Asks for the stream in HTTP of this version ("1.1"). headers: NULL, or lines that each end in
 * \r\n. Does not wait for the answer. */
void sse_open(struct sse *s, int port, const char *version, const char *path, const char *headers);
void sse_close(struct sse *s);

/* Receives once, for at most so long; s->closed if that was the end. */
void sse_receive(struct sse *s, int timeout_ms);

/* Reads until the head of the stream is there, with its first id. */
void sse_await_start(struct sse *s);

/* The next frame that has data, its id kept; NULL: not within the time. The caller frees it. */
json_t *sse_next(struct sse *s, char type[SSE_TYPE_MAX], int timeout_ms);
