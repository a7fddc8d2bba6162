/* server.c -- see server.h. */
#include "shop/server.h"

#include "clock.h"
#include "shop/memory.h"

#include <arpa/inet.h>
#include <assert.h>
#include <microhttpd.h>
#include <poll.h>

#define CONNECTIONS_MAX 8192
#define POOL_BYTES      16384
#define SLOW_MS         1000
#define TICK_MS         100

/* A request under way; MHD keeps it with the connection. Made at its first callback, freed when MHD
 * says that it is over. */
struct request {
    struct buf body;
    struct answer answer;
    struct MHD_Connection *conn;
    bool decided;
    int64_t due_ms;            /* when a slow answer goes out */
    struct request *next_slow; /* in the order of due_ms: all wait equally long */
};

struct server {
    struct front *front;
    struct MHD_Daemon *daemon;
    struct request *slow;
    struct request **slow_end;
    int64_t tick_ms;
};

static enum MHD_Result send_answer(struct request *r)
{
    const struct answer *a = &r->answer;
    char etag[32];
    if (a->body.failed)
        return MHD_NO;
    struct MHD_Response *response =
        MHD_create_response_from_buffer(a->body.n, a->body.p, MHD_RESPMEM_MUST_COPY);
    if (!response)
        return MHD_NO;
    const char *type = a->status >= 400 ? "application/problem+json" : "application/json";
    type = a->content_type ? a->content_type : a->status == 204 ? "" : type;
    if (type[0] != '\0')
        MHD_add_response_header(response, "Content-Type", type);
    if (a->replayed)
        MHD_add_response_header(response, "Idempotent-Replayed", "true");
    if (a->location[0] != '\0')
        MHD_add_response_header(response, "Location", a->location);
    if (a->status == 503)
        MHD_add_response_header(response, "Retry-After", "1");
    if (a->etag > 0) {
        snprintf(etag, sizeof(etag), "\"%llu\"", (unsigned long long)a->etag);
        MHD_add_response_header(response, "ETag", etag);
    }
    enum MHD_Result result = MHD_queue_response(r->conn, a->status, response);
    MHD_destroy_response(response);
    return result;
}

static const char *header(struct MHD_Connection *conn, const char *name)
{
    return MHD_lookup_connection_value(conn, MHD_HEADER_KIND, name);
}

static const char *argument(struct MHD_Connection *conn, const char *name)
{
    return MHD_lookup_connection_value(conn, MHD_GET_ARGUMENT_KIND, name);
}

static enum MHD_Result decide_request(struct server *s, struct request *r, const char *method,
                                      const char *path)
{
    struct front_request in = {.method = method,
                               .path = path,
                               .body = buf_str(&r->body),
                               .prefix = argument(r->conn, "prefix"),
                               .cursor = argument(r->conn, "cursor"),
                               .limit = argument(r->conn, "limit"),
                               .content_type = header(r->conn, "Content-Type"),
                               .key = header(r->conn, "Idempotency-Key"),
                               .if_match = header(r->conn, "If-Match"),
                               .if_none_match = header(r->conn, "If-None-Match")};
    if (r->body.failed)
        in.body.n = FRONT_BODY_MAX + 1;
    r->decided = true;
    s->front->store.now_ms = clock_wall_ms();
    switch (front_handle(s->front, &in, &r->answer)) {
    case FATE_ANSWER: return send_answer(r);
    case FATE_CLOSE: return MHD_NO;
    case FATE_NEVER: MHD_suspend_connection(r->conn); return MHD_YES;
    case FATE_SLOW: break;
    }
    MHD_suspend_connection(r->conn);
    r->due_ms = clock_mono_ms() + SLOW_MS;
    *s->slow_end = r;
    s->slow_end = &r->next_slow;
    return MHD_YES;
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *conn, const char *path,
                                  const char *method, const char *version, const char *data,
                                  size_t *data_size, void **state)
{
    struct server *s = cls;
    struct request *r = *state;
    if (!r) {
        *state = r = memory_zalloc(sizeof(*r));
        buf_init(&r->body, FRONT_BODY_MAX);
        answer_init(&r->answer);
        r->conn = conn;
        return MHD_YES;
    }
    if (*data_size > 0) {
        buf_put(&r->body, data, *data_size);
        *data_size = 0;
        return MHD_YES;
    }
    return r->decided ? send_answer(r) : decide_request(s, r, method, path);
}

static void on_completed(void *cls, struct MHD_Connection *conn, void **state,
                         enum MHD_RequestTerminationCode why)
{
    struct request *r = *state;
    if (!r)
        return;
    buf_free(&r->body);
    answer_free(&r->answer);
    free(r);
    *state = NULL;
}

struct server *server_start(struct front *front, uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct server *s = memory_zalloc(sizeof(*s));
    s->front = front;
    s->slow_end = &s->slow;
    s->daemon = MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, port, NULL, NULL,
                                 on_request, s, MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&address,
                                 MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX,
                                 MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)POOL_BYTES,
                                 MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL, MHD_OPTION_END);
    if (s->daemon)
        return s;
    free(s);
    return NULL;
}

uint16_t server_port(const struct server *s)
{
    return MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
}

/* Lets go the slow answers whose time has come. */
static void wake_slow(struct server *s)
{
    int64_t now_ms = clock_mono_ms();
    while (s->slow && s->slow->due_ms <= now_ms) {
        struct request *r = s->slow;
        s->slow = r->next_slow;
        if (!s->slow)
            s->slow_end = &s->slow;
        MHD_resume_connection(r->conn);
    }
}

static void tick(struct server *s)
{
    int64_t now_ms = clock_mono_ms();
    if (now_ms < s->tick_ms)
        return;
    s->tick_ms = now_ms + TICK_MS;
    s->front->store.now_ms = clock_wall_ms();
    store_expire(&s->front->store);
}

void server_run(struct server *s, const volatile sig_atomic_t *stop)
{
    struct pollfd wake = {.fd = MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd,
                          .events = POLLIN};
    assert(wake.fd >= 0);
    while (!*stop) {
        MHD_UNSIGNED_LONG_LONG ms = 0;
        wake_slow(s);
        tick(s);
        MHD_run(s->daemon);
        bool timed = MHD_get_timeout(s->daemon, &ms) == MHD_YES;
        int wait_ms = timed && ms < TICK_MS ? (int)ms : TICK_MS;
        if (s->slow && wait_ms > 10)
            wait_ms = 10;
        if (wait_ms > 0)
            poll(&wake, 1, wait_ms);
    }
}
