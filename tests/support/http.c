/* http.c -- see http.h. */
#include "support/http.h"
#include "support/api_keys.h"
#include "support/proc.h"
#include "support/tls_client.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define DECIDED_TIMEOUT_MS 180000 /* of a service that is too busy */
#define CROWD_MAX          1024
#define CROWD_STACK_BYTES  (512 * 1024)

void http_conn_init(struct http_conn *c, int port)
{
    *c = (struct http_conn){.port = port, .fd = -1, .timeout_ms = HTTP_TIMEOUT_MS};
}

void http_conn_close(struct http_conn *c)
{
    tls_client_free(c->tls);
    if (c->fd >= 0)
        close(c->fd);
    c->tls = NULL;
    free(c->in);
    c->fd = -1;
    c->in = NULL;
    c->in_bytes = c->in_room = 0;
    c->closing = false;
}

int http_conn_open(struct http_conn *c)
{
    http_conn_close(c);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)c->port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0) {
        int err = errno;
        close(fd);
        return -err;
    }
    c->tls = tls_client_folder() ? tls_client_new(fd, c->timeout_ms) : NULL;
    if (tls_client_folder() && !c->tls) {
        int err = errno;
        close(fd);
        return -err;
    }
    c->fd = fd;
    return 0;
}

bool http_conn_usable(struct http_conn *c)
{
    if (c->fd < 0 || c->closing)
        return false;
    if (c->tls)
        return tls_client_is_open(c->tls);
    char byte;
    ssize_t n = recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return n > 0 || (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK));
}

/* Waits for events on the socket until the deadline. */
static int conn_wait(struct http_conn *c, short events, int64_t deadline)
{
    for (;;) {
        int64_t left = deadline - test_now_ms();
        if (left <= 0)
            return -ETIMEDOUT;
        struct pollfd fd = {.fd = c->fd, .events = events};
        int ready = poll(&fd, 1, (int)left);
        if (ready > 0)
            return 0;
        if (ready < 0 && errno != EINTR)
            return -errno;
    }
}

int http_send(struct http_conn *c, const char *bytes, size_t count)
{
    if (c->fd < 0) {
        int err = http_conn_open(c);
        if (err)
            return err;
    }
    int64_t deadline = test_now_ms() + c->timeout_ms;
    for (size_t sent = 0; sent < count;) {
        ssize_t n = c->tls ? tls_client_send(c->tls, bytes + sent, count - sent)
                           : send(c->fd, bytes + sent, count - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n > 0) {
            sent += (size_t)n;
            continue;
        }
        if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
            return errno == EPIPE ? -ECONNRESET : -errno;
        int err = conn_wait(c, POLLOUT, deadline);
        if (err)
            return err;
    }
    return 0;
}

/* True if headers, lines that end in \r\n, hold one of that name. */
static bool has_header(const char *headers, const char *name)
{
    size_t n = strlen(name);
    for (const char *line = headers; line && *line;) {
        if (strncasecmp(line, name, n) == 0 && line[n] == ':')
            return true;
        const char *end = strstr(line, "\r\n");
        line = end ? end + 2 : NULL;
    }
    return false;
}

int http_send_call(struct http_conn *c, const char *method, const char *path, const char *headers,
                   const char *body, size_t body_bytes)
{
    if (!http_conn_usable(c)) {
        int err = http_conn_open(c);
        if (err)
            return err;
    }
    char *bytes = NULL;
    size_t count = 0;
    FILE *out = open_memstream(&bytes, &count);
    assert(out);
    fprintf(out, "%s %s HTTP/1.1\r\n", method, path);
    if (!has_header(headers, "Host"))
        fprintf(out, "Host: 127.0.0.1:%d\r\n", c->port);
    if (body && !has_header(headers, "Content-Type"))
        fprintf(out, "Content-Type: application/json\r\n");
    bool empty_said = strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0;
    if ((body || empty_said) && !has_header(headers, "Content-Length"))
        fprintf(out, "Content-Length: %zu\r\n", body ? body_bytes : 0);
    if (!has_header(headers, "Authorization"))
        fputs(api_keys_line(), out);
    fprintf(out, "%s\r\n", headers ? headers : "");
    if (body)
        fwrite(body, 1, body_bytes, out);
    fclose(out);
    int err = http_send(c, bytes, count);
    free(bytes);
    return err;
}

/* Reads what there is, once, until the deadline: the bytes read, 0 at the end, or -errno. */
static ssize_t conn_fill(struct http_conn *c, int64_t deadline)
{
    if (c->in_room - c->in_bytes < 4096) {
        c->in_room = c->in_room ? 2 * c->in_room : 16384;
        c->in = realloc(c->in, c->in_room);
        assert(c->in);
    }
    for (;;) {
        char *to = c->in + c->in_bytes;
        size_t room = c->in_room - c->in_bytes;
        ssize_t n =
            c->tls ? tls_client_recv(c->tls, to, room) : recv(c->fd, to, room, MSG_DONTWAIT);
        if (n >= 0) {
            c->in_bytes += (size_t)n;
            return n;
        }
        if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
            return -errno;
        int err = conn_wait(c, POLLIN, deadline);
        if (err)
            return err;
    }
}

/* Makes sure that at least count bytes are in the buffer. */
static int conn_need(struct http_conn *c, size_t count, int64_t deadline)
{
    while (c->in_bytes < count) {
        ssize_t n = conn_fill(c, deadline);
        if (n <= 0)
            return n ? (int)n : -ECONNRESET;
    }
    return 0;
}

static void conn_drop(struct http_conn *c, size_t count)
{
    c->in_bytes -= count;
    memmove(c->in, c->in + count, c->in_bytes);
}

/* Reads on until the buffer holds mark at or after from; its offset, or -errno. */
static ssize_t conn_find(struct http_conn *c, size_t from, const char *mark, int64_t deadline)
{
    for (;;) {
        char *at = c->in_bytes > from ? memmem(c->in + from, c->in_bytes - from, mark, strlen(mark))
                                      : NULL;
        if (at)
            return at - c->in;
        ssize_t n = conn_fill(c, deadline);
        if (n <= 0)
            return n ? n : -ECONNRESET;
    }
}

static void body_add(struct http_resp *resp, const char *bytes, size_t count)
{
    resp->body = realloc(resp->body, resp->body_bytes + count + 1);
    assert(resp->body);
    if (count)
        memcpy(resp->body + resp->body_bytes, bytes, count);
    resp->body_bytes += count;
    resp->body[resp->body_bytes] = '\0';
}

/* A body in chunks, the buffer standing at the first chunk's size. */
static int receive_chunks(struct http_conn *c, struct http_resp *resp, int64_t deadline)
{
    for (;;) {
        ssize_t line = conn_find(c, 0, "\r\n", deadline);
        if (line < 0)
            return (int)line;
        size_t size = strtoul(c->in, NULL, 16);
        conn_drop(c, (size_t)line + 2);
        int err = conn_need(c, size + 2, deadline);
        if (err)
            return err;
        body_add(resp, c->in, size);
        conn_drop(c, size + 2);
        if (size == 0)
            return 0;
    }
}

static int receive_body(struct http_conn *c, struct http_resp *resp, int64_t deadline)
{
    char value[64];
    if (http_resp_header(resp, "Transfer-Encoding", value, sizeof(value)))
        return receive_chunks(c, resp, deadline);
    if (http_resp_header(resp, "Content-Length", value, sizeof(value))) {
        size_t size = strtoul(value, NULL, 10);
        int err = conn_need(c, size, deadline);
        if (err)
            return err;
        body_add(resp, c->in, size);
        conn_drop(c, size);
        return 0;
    }
    for (ssize_t n; (n = conn_fill(c, deadline)) != 0;) /* up to the end of the connection */
        if (n < 0)
            return (int)n;
    body_add(resp, c->in, c->in_bytes);
    conn_drop(c, c->in_bytes);
    c->closing = true;
    return 0;
}

static int receive_head(struct http_conn *c, struct http_resp *resp, int64_t deadline)
{
    ssize_t end = conn_find(c, 0, "\r\n\r\n", deadline);
    if (end < 0)
        return (int)end;
    free(resp->head);
    resp->head = strndup(c->in, (size_t)end + 2);
    assert(resp->head);
    conn_drop(c, (size_t)end + 4);
    char digit = '\0';
    int status = 0;
    if (sscanf(resp->head, "HTTP/1.%c %3d", &digit, &status) != 2 || status < 100)
        return -EPROTO;
    resp->status = status;
    char value[64];
    const char *connection = http_resp_header(resp, "Connection", value, sizeof(value));
    c->closing = digit == '0' ? !connection || strcasecmp(connection, "keep-alive") != 0
                              : connection && strcasecmp(connection, "close") == 0;
    return 0;
}

int http_receive(struct http_conn *c, bool head_only, struct http_resp *resp)
{
    http_resp_free(resp);
    int64_t deadline = test_now_ms() + c->timeout_ms;
    int err;
    do
        err = receive_head(c, resp, deadline);
    while (!err && resp->status < 200);
    if (!err) {
        body_add(resp, "", 0);
        if (!head_only && resp->status != 204 && resp->status != 304)
            err = receive_body(c, resp, deadline);
    }
    if (err) {
        http_resp_free(resp);
        http_conn_close(c);
    }
    return err;
}

int http_call_bytes(struct http_conn *c, const char *method, const char *path, const char *headers,
                    const char *body, size_t body_bytes, struct http_resp *resp)
{
    http_resp_free(resp);
    int64_t begin = test_now_ms();
    int err = http_send_call(c, method, path, headers, body, body_bytes);
    /* A server may refuse early and close; its answer is there to be read all the same. */
    if (!err || (err == -ECONNRESET && c->fd >= 0)) {
        int received = http_receive(c, strcmp(method, "HEAD") == 0, resp);
        err = received;
    }
    resp->took_ms = test_now_ms() - begin;
    if (err)
        http_conn_close(c);
    return err;
}

int http_call(struct http_conn *c, const char *method, const char *path, const char *headers,
              const char *body, struct http_resp *resp)
{
    return http_call_bytes(c, method, path, headers, body, body ? strlen(body) : 0, resp);
}

bool http_closed_within(struct http_conn *c, int timeout_ms)
{
    if (c->fd < 0)
        return true;
    int64_t deadline = test_now_ms() + timeout_ms;
    ssize_t n;
    do
        n = conn_fill(c, deadline);
    while (n > 0);
    return n == 0 || n == -ECONNRESET;
}

int http_call_decided(struct http_conn *c, const char *method, const char *path,
                      const char *headers, const char *body, struct http_resp *resp)
{
    int64_t deadline = test_now_ms() + DECIDED_TIMEOUT_MS;
    for (;;) {
        int err = http_call(c, method, path, headers, body, resp);
        if (err)
            return err;
        if (resp->status != 503 || test_now_ms() > deadline)
            return resp->status;
        test_pause();
    }
}

void http_resp_free(struct http_resp *resp)
{
    free(resp->head);
    free(resp->body);
    json_decref(resp->json);
    resp->head = NULL;
    resp->body = NULL;
    resp->json = NULL;
    resp->body_bytes = 0;
    resp->status = 0;
    resp->took_ms = 0;
}

const char *http_resp_header(struct http_resp *resp, const char *name, char *value, size_t size)
{
    size_t n = strlen(name);
    const char *line = resp->head ? strstr(resp->head, "\r\n") : NULL;
    for (; line && line[2]; line = strstr(line + 2, "\r\n")) {
        const char *field = line + 2;
        if (strncasecmp(field, name, n) != 0 || field[n] != ':')
            continue;
        field += n + 1;
        field += strspn(field, " \t");
        size_t length = strcspn(field, "\r\n");
        while (length > 0 && (field[length - 1] == ' ' || field[length - 1] == '\t'))
            length--;
        snprintf(value, size, "%.*s", (int)length, field);
        return value;
    }
    return NULL;
}

json_t *http_resp_json(struct http_resp *resp)
{
    if (!resp->json && resp->body)
        resp->json = json_loadb(resp->body, resp->body_bytes,
                                JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);
    return resp->json;
}

struct crowd {
    pthread_barrier_t start;
    void (*run)(int, void *);
    void *arg;
};

struct crowd_member {
    struct crowd *crowd;
    int index;
};

static void *crowd_thread(void *arg)
{
    struct crowd_member *member = arg;
    pthread_barrier_wait(&member->crowd->start);
    member->crowd->run(member->index, member->crowd->arg);
    return NULL;
}

void http_crowd(int count, void (*run)(int index, void *arg), void *arg)
{
    assert(count > 0 && count <= CROWD_MAX);
    struct crowd crowd = {.run = run, .arg = arg};
    pthread_t *threads = calloc((size_t)count, sizeof(*threads));
    struct crowd_member *members = calloc((size_t)count, sizeof(*members));
    assert(threads && members);
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, CROWD_STACK_BYTES);
    pthread_barrier_init(&crowd.start, NULL, (unsigned)count);
    for (int i = 0; i < count; i++) {
        members[i] = (struct crowd_member){.crowd = &crowd, .index = i};
        int err = pthread_create(&threads[i], &attr, crowd_thread, &members[i]);
        assert(err == 0);
    }
    for (int i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&crowd.start);
    pthread_attr_destroy(&attr);
    free(members);
    free(threads);
}
