/* http.h -- a small HTTP/1.1 client for tests: blocking, with time limits, and never retrying.
 *
 * Layer: tests. One http_conn is one keep-alive connection to 127.0.0.1, for one thread at a time.
 * A connection that the server has closed, or said it will close, is opened again *before* the next
 * request; a request whose bytes were sent is never sent a second time. Nothing here calls a
 * cmocka assertion, so all of it may be used in threads. With TEST_TLS it speaks TLS
 * (tls_client.h).
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_TIMEOUT_MS 60000 /* longer than a service may take: --request-timeout and some */

struct http_conn {
    int port;
    int fd;                 /* -1 while not connected */
    struct tls_client *tls; /* NULL: without */
    int timeout_ms;         /* for a whole answer */
    char *in;               /* what was received and not taken yet */
    size_t in_bytes;
    size_t in_room;
    bool closing; /* the last answer said Connection: close */
};

/* An answer. Freed by http_resp_free; reused by http_call, which frees what it held before. */
struct http_resp {
    int status; /* 0 = no answer */
    char *head; /* status line and headers, ends in NUL */
    char *body; /* never NULL after an answer; ends in a NUL that body_bytes does not count */
    size_t body_bytes;
    json_t *json;    /* the parsed body, made by http_resp_json */
    int64_t took_ms; /* from the first byte sent to the last one received */
};

/* Nothing is connected before the first call. */
void http_conn_init(struct http_conn *c, int port);
int http_conn_open(struct http_conn *c); /* connects now; 0 or -errno */
void http_conn_close(struct http_conn *c);

/* True if it is open and can carry one more request, as far as this side can know. */
bool http_conn_usable(struct http_conn *c);

/* One request and its answer. headers: NULL, or lines that each end in \r\n. body: NULL for none
 * (POST and PUT then say Content-Length: 0), else sent as application/json, if headers do not say
 * otherwise. 0 with resp filled, or -errno with resp->status 0: -ETIMEDOUT, -ECONNRESET (closed
 * without an answer, too), -ECONNREFUSED (nothing was sent), -EPROTO (no HTTP). */
int http_call(struct http_conn *c, const char *method, const char *path, const char *headers,
              const char *body, struct http_resp *resp);
int http_call_bytes(struct http_conn *c, const char *method, const char *path, const char *headers,
                    const char *body, size_t body_bytes, struct http_resp *resp);

/* The same again and again while the service is too busy: a 503 changes nothing. The status, or
 * -errno. */
int http_call_decided(struct http_conn *c, const char *method, const char *path,
                      const char *headers, const char *body, struct http_resp *resp);

/* The two halves, for pipelines, malformed requests and requests that are left waiting.
 * http_send_call sends what http_call would; http_send sends bytes as they are. http_receive reads
 * one answer; head_only says that it was one to HEAD, which has no body. */
int http_send_call(struct http_conn *c, const char *method, const char *path, const char *headers,
                   const char *body, size_t body_bytes);
int http_send(struct http_conn *c, const char *bytes, size_t count);
int http_receive(struct http_conn *c, bool head_only, struct http_resp *resp);

/* True if the server closes (or resets) the connection within the time. What it still sends before
 * that is left in c->in. */
bool http_closed_within(struct http_conn *c, int timeout_ms);

void http_resp_free(struct http_resp *resp);

/* Copies the value of the first header of that name, in any case, to value and returns value; NULL
 * if there is none. */
const char *http_resp_header(struct http_resp *resp, const char *name, char *value, size_t size);

/* The body as JSON, parsed once and owned by the answer; NULL if it is none. */
json_t *http_resp_json(struct http_resp *resp);

/* Runs count threads of run(index, arg), all let go at the same instant, and waits for all. No
 * cmocka assertions in run: record what happened, and look at it afterwards. */
void http_crowd(int count, void (*run)(int index, void *arg), void *arg);
