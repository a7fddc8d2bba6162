/* sse.c -- see sse.h. */
#include "support/sse.h"

#include "support/api.h"
#include "support/suite.h"
#include "support/tls_client.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define START_MS 60000

void sse_open(struct sse *s, int port, const char *version, const char *path, const char *headers)
{
    struct http_conn c;
    *s = (struct sse){.fd = -1};
    http_conn_init(&c, port);
    assert_int_equal(http_conn_open(&c), 0);
    const char *request =
        text("GET %s HTTP/%s\r\nHost: localhost\r\nAccept: text/event-stream\r\n%s\r\n", path,
             version, headers ? headers : "");
    assert_int_equal(http_send(&c, request, strlen(request)), 0);
    s->fd = c.fd;
    s->tls = c.tls;
}

void sse_close(struct sse *s)
{
    tls_client_free(s->tls);
    if (s->fd >= 0)
        close(s->fd);
    free(s->in);
    free(s->text);
    *s = (struct sse){.fd = -1};
}

/* Takes what was received out of its chunks, as far as they are whole. */
static void sse_decode(struct sse *s)
{
    char *at = strstr(s->in, "\r\n\r\n"), *end = s->in + s->n;
    if (!at)
        return;
    s->chunked = strcasestr(s->in, "Transfer-Encoding: chunked") != NULL;
    at += 4;
    free(s->text);
    s->text = calloc(1, s->n + 1);
    assert_non_null(s->text);
    s->text_n = 0;
    while (at < end) {
        char *line_end = s->chunked ? strstr(at, "\r\n") : NULL;
        size_t n = s->chunked ? strtoul(at, NULL, 16) : (size_t)(end - at);
        char *data = line_end ? line_end + 2 : at;
        if ((s->chunked && !line_end) || data + n > end || (s->chunked && n == 0))
            break;
        memcpy(s->text + s->text_n, data, n);
        s->text_n += n;
        at = data + n + (s->chunked ? 2 : 0);
    }
}

void sse_receive(struct sse *s, int timeout_ms)
{
    struct pollfd p = {.fd = s->fd, .events = POLLIN};
    if (s->closed || poll(&p, 1, timeout_ms) <= 0)
        return;
    if (s->room - s->n < 65536) {
        s->room = s->room ? 2 * s->room : 131072;
        s->in = realloc(s->in, s->room);
        assert_non_null(s->in);
    }
    ssize_t got = s->tls ? tls_client_recv(s->tls, s->in + s->n, s->room - s->n - 1)
                         : recv(s->fd, s->in + s->n, s->room - s->n - 1, 0);
    s->closed = got == 0 || (got < 0 && !(s->tls && errno == EAGAIN));
    s->n += got > 0 ? (size_t)got : 0;
    s->in[s->n] = '\0';
    if (got > 0)
        sse_decode(s);
}

json_t *sse_next(struct sse *s, char type[SSE_TYPE_MAX], int timeout_ms)
{
    int64_t until = test_now_ms() + timeout_ms;
    for (;;) {
        char *frame = s->text ? s->text + s->taken : NULL, *end;
        while (frame && (end = strstr(frame, "\n\n"))) {
            s->taken = (size_t)(end + 2 - s->text);
            *end = '\0';
            char *data = strstr(frame, "data: "), *id = strstr(frame, "id: ");
            char *event = strstr(frame, "event: ");
            if (id && (!data || id < data))
                snprintf(s->id, sizeof(s->id), "%.*s", (int)strcspn(id + 4, "\n"), id + 4);
            if (event)
                snprintf(type, SSE_TYPE_MAX, "%.*s", (int)strcspn(event + 7, "\n"), event + 7);
            json_t *json = data ? json_loads(data + 6, 0, NULL) : NULL;
            *end = '\n';
            if (json)
                return json;
            frame = end + 2;
        }
        if (s->closed || test_now_ms() >= until)
            return NULL;
        sse_receive(s, 100);
    }
}

void sse_await_start(struct sse *s)
{
    char type[SSE_TYPE_MAX];
    assert_true(await((sse_receive(s, 50), s->text && strstr(s->text, "\n\n")), START_MS));
    json_t *first = sse_next(s, type, 0);
    assert_true(!first || strcmp(type, "lag") == 0);
    json_decref(first);
    assert_memory_equal(s->text, "retry: 2000\n", 12);
}
